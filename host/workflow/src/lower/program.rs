//! Steps as a graph: numbers in the order they are written, and for each what follows it.
//! Never checks: a broken step has no program.

use siyu_model::name::{ChannelName, StepId};
use siyu_model::playbook::{
    Action, Arm, Branch, Correlation, DurationSource, Node, NodeId, OnError, OnRefused, Place, Program,
};

use super::reads::Reads;
use crate::checks::{World, match_key};
use crate::shape::step::{Act, Block, Errored, EventWait, Length, PluginCall, Refused, Step};
use crate::shape::workflow::WrittenWorkflow;
use crate::source::{Sources, Span};

/// The program of a workflow; none when a step was broken.
pub(super) fn program(workflow: &WrittenWorkflow, world: &World<'_>) -> Option<Program> {
    let mut drawing = Drawing {
        workflow,
        sources: world.report.sources(),
        channel: match world.written.playbook.channels.as_slice() {
            [only] => Some(&only.value),
            _ => None,
        },
        reads: Reads::of(workflow),
        nodes: Vec::new(),
    };
    let entry = drawing.block(&workflow.block, None)?;
    let nodes: Option<Vec<Node>> = drawing.nodes.into_iter().collect();
    Some(Program { nodes: nodes?, entry })
}

struct Drawing<'a> {
    workflow: &'a WrittenWorkflow,
    sources: &'a Sources,
    /// The channel of messages that name none.
    channel: Option<&'a ChannelName>,
    reads: Reads,
    /// By number; none while a step is being drawn.
    nodes: Vec<Option<Node>>,
}

/// A number, which may be none: the end of a branch, or of the run.
type Next = Option<NodeId>;

impl Drawing<'_> {
    /// Draws steps; gives the first of them, or `follow` when there are none. The outer option is none after a broken
    /// step.
    fn block(&mut self, block: &Block, follow: Next) -> Option<Next> {
        let mut number = self.nodes.len();
        let entry = if block.steps.is_empty() { follow } else { Some(id(number)) };
        for (place, step) in block.steps.iter().enumerate() {
            let behind = number + size(step);
            let is_last = place + 1 == block.steps.len();
            let next = if is_last { follow } else { Some(id(behind)) };
            self.step(step, next)?;
            number = behind;
        }
        Some(entry)
    }

    /// The first step of a block, none when it is empty: what branches and arms hold.
    fn entry(&mut self, block: &Block, follow: Next) -> Option<Next> {
        let entry = self.block(block, follow)?;
        Some(if block.steps.is_empty() { None } else { entry })
    }

    fn step(&mut self, step: &Step, next: Next) -> Option<()> {
        let number = self.nodes.len();
        self.nodes.push(None);
        let action = self.action(step, next, number)?;
        let on_refused = self.on_refused(&step.on_refused, next)?;
        let on_error = self.on_error(&step.on_error, next)?;
        let compensate = match &step.compensate {
            Some(call) => Some(self.compensation(call)?),
            None => None,
        };
        let id = match &step.id {
            Some(id) => id.value.clone(),
            None => generated(number)?,
        };
        self.nodes[number] = Some(Node {
            is_read: self.reads.contains(id.as_str()),
            id,
            place: self.place(step.head),
            condition: step.condition.as_ref().map(|condition| condition.expr.clone()),
            // After an `end` nothing follows, unless its `if` lets the run pass by.
            next: if matches!(action, Action::End { .. }) && step.condition.is_none() { None } else { next },
            action,
            retry: step.retry.as_ref().map(|retry| retry.value).unwrap_or_default(),
            timeout: step.timeout.as_ref().map(|timeout| timeout.value),
            on_refused,
            on_error,
            compensate,
        });
        Some(())
    }

    fn place(&self, span: Span) -> Place {
        place(self.sources, span)
    }

    fn on_refused(&mut self, refused: &Refused, next: Next) -> Option<OnRefused> {
        Some(match refused {
            Refused::Fail => OnRefused::Fail,
            Refused::Continue => OnRefused::Continue,
            Refused::Arms(arms) => {
                let mut drawn = Vec::with_capacity(arms.len());
                for (code, block) in arms {
                    let code = code.as_ref().map(|code| code.value.clone());
                    drawn.push((code, self.entry(block, next)?));
                }
                OnRefused::Steps(drawn)
            }
        })
    }

    fn on_error(&mut self, errored: &Errored, next: Next) -> Option<OnError> {
        Some(match errored {
            Errored::Fail => OnError::Fail,
            Errored::Continue => OnError::Continue,
            Errored::Steps(block) => OnError::Steps(self.entry(block, next)?),
        })
    }

    /// The step that undoes another one: it stands alone, and its input is computed when the other has finished.
    fn compensation(&mut self, call: &PluginCall) -> Option<NodeId> {
        let number = self.nodes.len();
        self.nodes.push(Some(Node {
            id: generated(number)?,
            place: self.place(call.target.span),
            condition: None,
            action: uses(call),
            next: None,
            retry: Default::default(),
            timeout: None,
            on_refused: OnRefused::Continue,
            on_error: OnError::Fail,
            compensate: None,
            is_read: false,
        }));
        Some(id(number))
    }

    fn action(&mut self, step: &Step, next: Next, number: usize) -> Option<Action> {
        Some(match &step.act {
            Act::Uses(call) => uses(call),
            Act::Send { template, channel, with } => Action::Send {
                template: template.value.clone(),
                channel: channel.as_ref().map(|channel| &channel.value).or(self.channel)?.clone(),
                with: with.template.clone(),
            },
            Act::WaitFor(length) => Action::WaitFor { length: duration(length) },
            Act::WaitUntil(at) => Action::WaitUntil { at: at.expr.clone() },
            Act::WaitEvent(wait) => wait_event(wait)?,
            Act::Switch(branches) => {
                let mut drawn = Vec::with_capacity(branches.len());
                for branch in branches {
                    drawn.push(Branch {
                        condition: branch.condition.as_ref().map(|condition| condition.expr.clone()),
                        entry: self.entry(&branch.block, next)?,
                    });
                }
                Action::Switch { branches: drawn }
            }
            Act::Parallel(blocks) => {
                let mut branches = Vec::with_capacity(blocks.len());
                for block in blocks {
                    branches.push(self.entry(block, None)?);
                }
                Action::Parallel { branches }
            }
            Act::Each { items, item, concurrency, body } => Action::Each {
                items: items.expr.clone(),
                item: item.value.clone(),
                concurrency: *concurrency,
                body: self.entry(body, None)?,
            },
            Act::Split { salt, arms } => {
                let salt = salt.clone().unwrap_or_else(|| self.salt(step, number));
                let mut drawn = Vec::with_capacity(arms.len());
                for arm in arms {
                    drawn.push(Arm {
                        name: arm.name.clone(),
                        weight: arm.weight,
                        entry: self.entry(&arm.block, next)?,
                    });
                }
                Action::Split { salt, arms: drawn }
            }
            Act::Set(value) => Action::Set { vars: value.template.clone() },
            Act::Emit { event_type, with } => {
                Action::Emit { event_type: event_type.value.clone(), data: with.template.clone() }
            }
            Act::Respond(value) => Action::Respond { body: value.template.clone() },
            Act::End(outcome) => Action::End { outcome: outcome.clone() },
            Act::Call { workflow, with } => {
                Action::Call { workflow: workflow.value.clone(), with: with.template.clone() }
            }
            Act::Broken => return None,
        })
    }

    /// What keeps a customer in an arm: the step's id, else the names of its arms. Never its number, which changes when
    /// a step is put in before it.
    fn salt(&self, step: &Step, number: usize) -> String {
        let own = match (&step.id, &step.act) {
            (Some(id), _) => id.value.to_string(),
            (None, Act::Split { arms, .. }) => {
                let names: Vec<&str> = arms.iter().map(|arm| arm.name.as_str()).collect();
                names.join("|")
            }
            _ => number.to_string(),
        };
        format!("{}/{own}", self.workflow.name.value)
    }
}

/// Where something was written.
pub(super) fn place(sources: &Sources, span: Span) -> Place {
    let file = sources.file(span.file);
    Place { file: file.name.clone(), line: file.position(span.start as usize).0 }
}

fn id(number: usize) -> NodeId {
    NodeId(u32::try_from(number).unwrap_or(u32::MAX))
}

fn generated(number: usize) -> Option<StepId> {
    StepId::new(&format!("_{number}")).ok()
}

/// How many numbers a step takes, those inside it counted.
fn size(step: &Step) -> usize {
    let below: usize = step.blocks().into_iter().map(Block::count).sum();
    1 + below + usize::from(step.compensate.is_some())
}

fn uses(call: &PluginCall) -> Action {
    Action::Uses {
        plugin: call.target.value.plugin.clone(),
        step: call.target.value.offer.clone(),
        with: call.with.template.clone(),
    }
}

fn duration(length: &Length) -> DurationSource {
    match length {
        Length::Fixed(fixed) => DurationSource::Fixed(fixed.value),
        Length::Computed(expr) => DurationSource::Computed(expr.expr.clone()),
    }
}

fn wait_event(wait: &EventWait) -> Option<Action> {
    let correlation = match &wait.matching {
        None => Correlation::Customer,
        Some(matching) => {
            Correlation::Match { key: match_key(&matching.expr)?, condition: matching.expr.clone() }
        }
    };
    Some(Action::WaitEvent {
        types: wait.types.iter().map(|event_type| event_type.value.clone()).collect(),
        condition: wait.condition.as_ref().map(|condition| condition.expr.clone()),
        correlation,
        timeout: wait.timeout.as_ref().map(duration),
        since: wait.since,
    })
}
