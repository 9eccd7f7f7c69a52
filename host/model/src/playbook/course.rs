//! Which steps of a program a run takes itself, and which may come after a step.

use std::collections::BTreeSet;

use super::program::{Action, NodeId, OnError, OnRefused, Program};

impl Program {
    /// The steps that a run takes itself: not those of the branches of a `parallel`, of the items of an `each`, and of
    /// compensations, which others take for it.
    pub fn own_steps(&self) -> BTreeSet<NodeId> {
        self.reached(self.entry.into_iter().collect(), false)
    }

    /// A step with all that may come after it, what is inside of branches and items included.
    pub fn steps_from(&self, step: NodeId) -> BTreeSet<NodeId> {
        self.reached(vec![step], true)
    }

    fn reached(&self, mut next: Vec<NodeId>, with_inner: bool) -> BTreeSet<NodeId> {
        let mut reached = BTreeSet::new();
        while let Some(id) = next.pop() {
            let Some(node) = self.node(id).filter(|_| reached.insert(id)) else { continue };
            next.extend(node.next);
            match &node.on_refused {
                OnRefused::Steps(arms) => next.extend(arms.iter().filter_map(|(_, entry)| *entry)),
                OnRefused::Continue | OnRefused::Fail => {}
            }
            if let OnError::Steps(entry) = &node.on_error {
                next.extend(*entry);
            }
            match &node.action {
                Action::Switch { branches } => next.extend(branches.iter().filter_map(|branch| branch.entry)),
                Action::Split { arms, .. } => next.extend(arms.iter().filter_map(|arm| arm.entry)),
                Action::Parallel { branches } if with_inner => next.extend(branches.iter().flatten()),
                Action::Each { body, .. } if with_inner => next.extend(*body),
                _ => {}
            }
        }
        reached
    }
}
