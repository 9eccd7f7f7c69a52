//! Which outputs of a workflow's steps any expression reads, so that a run keeps these and no others.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::shape::expr::WrittenExpr;
use crate::shape::step::{Act, Block, Length, Step};
use crate::shape::workflow::WrittenWorkflow;

/// The outputs that are read.
pub(super) enum Reads {
    /// `steps` is read as a whole, or by a computed name: all of them.
    All,
    /// Those of these ids.
    Ids(BTreeSet<Arc<str>>),
}

impl Reads {
    pub(super) fn of(workflow: &WrittenWorkflow) -> Self {
        let mut ids = BTreeSet::new();
        for step in workflow.block.all() {
            for written in expressions(step) {
                for path in written.expr.paths().into_iter().filter(|path| path.root == "steps") {
                    match path.names.first() {
                        Some((id, _)) => drop(ids.insert(Arc::from(*id))),
                        None => return Self::All,
                    }
                }
            }
        }
        within_each(&workflow.block, &mut ids);
        Self::Ids(ids)
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Ids(ids) => ids.contains(id),
        }
    }
}

/// The results of an `each` that is read are the outputs of the steps of its body.
fn within_each(block: &Block, ids: &mut BTreeSet<Arc<str>>) {
    for step in &block.steps {
        let is_read = step.id.as_ref().is_some_and(|id| ids.contains(id.value.as_str()));
        if let (Act::Each { body, .. }, true) = (&step.act, is_read) {
            let below = body.all().into_iter().filter_map(|step| step.id.as_ref());
            ids.extend(below.map(|id| Arc::from(id.value.as_str())));
        }
        for block in step.blocks() {
            within_each(block, ids);
        }
    }
}

/// The expressions of a step itself, without those of steps inside.
fn expressions(step: &Step) -> Vec<&WrittenExpr> {
    let mut found: Vec<&WrittenExpr> = step.condition.iter().collect();
    if let Some(compensate) = &step.compensate {
        found.extend(compensate.with.doc.expressions());
    }
    match &step.act {
        Act::Uses(call) => found.extend(call.with.doc.expressions()),
        Act::Send { with, .. } | Act::Emit { with, .. } | Act::Call { with, .. } => {
            found.extend(with.doc.expressions());
        }
        Act::Set(value) | Act::Respond(value) => found.extend(value.doc.expressions()),
        Act::WaitFor(Length::Computed(expr)) | Act::WaitUntil(expr) => found.push(expr),
        Act::WaitEvent(wait) => {
            found.extend(wait.condition.iter().chain(&wait.matching));
            if let Some(Length::Computed(expr)) = &wait.timeout {
                found.push(expr);
            }
        }
        Act::Switch(branches) => found.extend(branches.iter().filter_map(|branch| branch.condition.as_ref())),
        Act::Each { items, .. } => found.push(items),
        Act::WaitFor(Length::Fixed(_)) | Act::Parallel(_) | Act::Split { .. } | Act::End(_) | Act::Broken => {
        }
    }
    found
}
