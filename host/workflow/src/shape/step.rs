//! Steps as they are written: what every step may say, and which kind it is. Never checks names or types.

use siyu_model::clock::DurationMs;
use siyu_model::name::{ChannelName, EventType, OfferName, PluginName, StepId, TemplateName, WorkflowName};
use siyu_model::playbook::{Retry, Since};

use super::expr::{self, WrittenExpr, WrittenValue};
use super::fields::{Fields, wrong_kind};
use super::text::{self, Spanned};
use super::{acts, blocks};
use crate::diagnostics::rules::{
    EMPTY, KEY_OF_OTHER_KIND, NOT_SUPPORTED, OUT_OF_RANGE, RESERVED_NAME, STEP_KIND,
};
use crate::diagnostics::{Fault, Report, quoted};
use crate::source::{Node, Span};

/// Steps one after another.
#[derive(Debug, Clone, Default)]
pub(crate) struct Block {
    pub(crate) steps: Vec<Step>,
}

impl Block {
    /// Steps, nested ones and compensations counted.
    pub(crate) fn count(&self) -> usize {
        let own = self.steps.iter().map(|step| {
            let below: usize = step.blocks().into_iter().map(Self::count).sum();
            1 + usize::from(step.compensate.is_some()) + below
        });
        own.sum()
    }

    /// Every step, those inside others too, in the order they are written.
    pub(crate) fn all(&self) -> Vec<&Step> {
        let mut found = Vec::new();
        self.gather(&mut found);
        found
    }

    fn gather<'b>(&'b self, found: &mut Vec<&'b Step>) {
        for step in &self.steps {
            found.push(step);
            step.blocks().into_iter().for_each(|block| block.gather(found));
        }
    }
}

impl Step {
    /// The steps inside: branches, bodies, and what refusals and faults lead to.
    pub(crate) fn blocks(&self) -> Vec<&Block> {
        let mut blocks: Vec<&Block> = match &self.act {
            Act::Switch(branches) => branches.iter().map(|branch| &branch.block).collect(),
            Act::Parallel(blocks) => blocks.iter().collect(),
            Act::Each { body, .. } => vec![body],
            Act::Split { arms, .. } => arms.iter().map(|arm| &arm.block).collect(),
            _ => Vec::new(),
        };
        if let Refused::Arms(arms) = &self.on_refused {
            blocks.extend(arms.iter().map(|(_, block)| block));
        }
        if let Errored::Steps(block) = &self.on_error {
            blocks.push(block);
        }
        blocks
    }
}

/// One step.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Its first key: what stands before it comes earlier.
    pub(crate) start: Span,
    /// The key that says its kind: what a caret points at.
    pub(crate) head: Span,
    pub(crate) id: Option<Spanned<StepId>>,
    pub(crate) condition: Option<WrittenExpr>,
    pub(crate) act: Act,
    pub(crate) retry: Option<Spanned<Retry>>,
    pub(crate) timeout: Option<Spanned<DurationMs>>,
    pub(crate) on_refused: Refused,
    pub(crate) on_error: Errored,
    pub(crate) compensate: Option<PluginCall>,
}

/// What a step does.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Uses(PluginCall),
    Send {
        template: Spanned<TemplateName>,
        channel: Option<Spanned<ChannelName>>,
        with: WrittenValue,
    },
    WaitFor(Length),
    WaitUntil(WrittenExpr),
    WaitEvent(EventWait),
    Switch(Vec<SwitchBranch>),
    Parallel(Vec<Block>),
    Each {
        items: WrittenExpr,
        item: Spanned<StepId>,
        concurrency: u32,
        body: Block,
    },
    Split {
        salt: Option<String>,
        arms: Vec<SplitArm>,
    },
    Set(WrittenValue),
    Emit {
        event_type: Spanned<EventType>,
        with: WrittenValue,
    },
    Respond(WrittenValue),
    End(String),
    Call {
        workflow: Spanned<WorkflowName>,
        with: WrittenValue,
    },
    /// A fault was reported; the step keeps its place, so that others that name it are not wrong too.
    Broken,
}

/// A step of a plugin and its input.
#[derive(Debug, Clone)]
pub(crate) struct PluginCall {
    pub(crate) target: Spanned<Target>,
    pub(crate) with: WrittenValue,
}

/// `plugin/step@major`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) plugin: PluginName,
    pub(crate) offer: OfferName,
    pub(crate) major: u32,
}

/// How long something lasts.
#[derive(Debug, Clone)]
pub(crate) enum Length {
    Fixed(Spanned<DurationMs>),
    Computed(WrittenExpr),
}

/// `wait: { event: … }`.
#[derive(Debug, Clone)]
pub(crate) struct EventWait {
    pub(crate) types: Vec<Spanned<EventType>>,
    pub(crate) condition: Option<WrittenExpr>,
    pub(crate) matching: Option<WrittenExpr>,
    pub(crate) timeout: Option<Length>,
    pub(crate) since: Since,
}

/// A branch of `switch`; without a condition it is `else`.
#[derive(Debug, Clone)]
pub(crate) struct SwitchBranch {
    pub(crate) condition: Option<WrittenExpr>,
    pub(crate) block: Block,
}

/// An arm of `split`.
#[derive(Debug, Clone)]
pub(crate) struct SplitArm {
    pub(crate) name: String,
    pub(crate) weight: u32,
    pub(crate) block: Block,
}

/// What a refusal does.
#[derive(Debug, Clone, Default)]
pub(crate) enum Refused {
    #[default]
    Fail,
    Continue,
    /// By code; without one for all others.
    Arms(Vec<(Option<Spanned<String>>, Block)>),
}

/// What a fault does.
#[derive(Debug, Clone, Default)]
pub(crate) enum Errored {
    #[default]
    Fail,
    Continue,
    Steps(Block),
}

/// The key of each kind of step, and what it is for.
pub(crate) const KINDS: [&str; 12] =
    ["uses", "send", "wait", "switch", "parallel", "each", "split", "set", "emit", "respond", "end", "call"];

/// Keys that only some kinds have, with those kinds and what to do instead.
const SHARED: [(&str, &[&str], &str); 7] = [
    ("with", &["uses", "send", "emit", "call"], "`set` and `respond` hold their values themselves"),
    ("retry", &["uses"], "only a call of a plugin can fail for a while and be tried again"),
    (
        "timeout",
        &["uses", "call", "parallel", "each"],
        "for a wait write it inside: wait: { event: order.paid, timeout: 7d }",
    ),
    ("on_refused", &["uses"], "only plugins refuse"),
    (
        "on_error",
        &["uses", "send", "wait", "emit", "call", "set", "parallel", "each"],
        "put it on the steps inside",
    ),
    ("compensate", &["uses"], "only what a plugin did is undone by a plugin"),
    ("channel", &["send"], "only `send` has a channel"),
];

/// A list of steps; `what` names it, such as "the branch".
pub(crate) fn block(node: &Node, report: &Report<'_>) -> Option<Block> {
    let items = text::list(node, "steps", report)?;
    let steps = items.iter().filter_map(|item| step(item, report)).collect();
    Some(Block { steps })
}

/// A list of at least one step.
pub(crate) fn full_block(node: &Node, report: &Report<'_>) -> Option<Block> {
    if node.as_list().is_some_and(<[Node]>::is_empty) {
        report.add(Fault::new(EMPTY, node.span, "no steps, expected at least one"));
    }
    block(node, report)
}

fn step(node: &Node, report: &Report<'_>) -> Option<Step> {
    let mut fields = Fields::of(node, "a step", report)?;
    let start = fields.head();
    let kind = kind(&fields);
    let id = fields.value("id").and_then(|node| id(node, report));
    let condition = fields.value("if").and_then(|node| expr::bare(node, report));
    let Some((kind, head)) = kind else {
        return Some(broken(fields.head(), id));
    };
    refuse_keys_of_others(&mut fields, kind);
    let act = acts::read(kind, &mut fields).unwrap_or(Act::Broken);
    let mut own = |key: &'static str| may_have(kind, key).then(|| fields.value(key)).flatten();
    let step = Step {
        start,
        head,
        id,
        condition,
        act,
        retry: own("retry").and_then(|node| retry(node, report)),
        timeout: own("timeout").and_then(|node| text::duration(node, report)),
        on_refused: own("on_refused").and_then(|node| blocks::on_refused(node, report)).unwrap_or_default(),
        on_error: own("on_error").and_then(|node| blocks::on_error(node, report)).unwrap_or_default(),
        compensate: own("compensate").and_then(|node| acts::compensation(node, report)),
    };
    fields.finish();
    Some(step)
}

fn broken(head: Span, id: Option<Spanned<StepId>>) -> Step {
    Step {
        start: head,
        head,
        id,
        condition: None,
        act: Act::Broken,
        retry: None,
        timeout: None,
        on_refused: Refused::Fail,
        on_error: Errored::Fail,
        compensate: None,
    }
}

/// The kind of a step and the key that says it.
fn kind(fields: &Fields<'_, '_>) -> Option<(&'static str, Span)> {
    let found: Vec<(&'static str, Span)> =
        KINDS.into_iter().filter_map(|kind| fields.peek(kind).map(|entry| (kind, entry.key_span))).collect();
    let report = fields.report();
    match found.as_slice() {
        [only] => Some(*only),
        [] => {
            let known = ["id", "if"].into_iter().chain(SHARED.iter().map(|shared| shared.0));
            let known: Vec<&str> = known.collect();
            let other = fields.rest().find(|entry| !known.contains(&&*entry.key));
            let fault = match other {
                Some(entry) => Fault::new(
                    STEP_KIND,
                    entry.key_span,
                    format!("unknown kind of step {}", quoted(&entry.key)),
                )
                .near(&entry.key, KINDS, report),
                None => Fault::new(STEP_KIND, fields.head(), "a step that does nothing")
                    .help(format!("say what it does with one of: {}", KINDS.join(", "))),
            };
            report.add(fault);
            None
        }
        [first, second, ..] => {
            let message = format!("a step with both `{}` and `{}`", first.0, second.0);
            let fault = Fault::new(STEP_KIND, second.1, message)
                .also(first.1, "one kind here")
                .help("make it two steps");
            report.add(fault);
            None
        }
    }
}

/// Whether a kind of step may have a key.
fn may_have(kind: &str, key: &str) -> bool {
    SHARED.iter().any(|(shared, kinds, _)| *shared == key && kinds.contains(&kind))
}

fn refuse_keys_of_others(fields: &mut Fields<'_, '_>, kind: &str) {
    let report = fields.report();
    for (key, kinds, instead) in SHARED {
        if kinds.contains(&kind) {
            continue;
        }
        if let Some(entry) = fields.peek(key) {
            fields.get(key);
            let message = format!("`{key}` on a step that is `{kind}`");
            let fault = Fault::new(KEY_OF_OTHER_KIND, entry.key_span, message)
                .label(format!("only {} may have it", kinds.join(", ")))
                .help(instead);
            report.add(fault);
        }
    }
}

fn id(node: &Node, report: &Report<'_>) -> Option<Spanned<StepId>> {
    let id: Spanned<StepId> = text::name(node, report)?;
    let is_generated = id
        .value
        .as_str()
        .strip_prefix('_')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
    if is_generated {
        let message = format!("the id `{}` is reserved for steps without an id", id.value);
        report.add(Fault::new(RESERVED_NAME, id.span, message));
        return None;
    }
    Some(id)
}

/// Most tries of a step: with the longest pauses they still end within the life of a run's journal.
const ATTEMPTS_MAX: u32 = 100;

fn retry(node: &Node, report: &Report<'_>) -> Option<Spanned<Retry>> {
    let mut fields = Fields::of(node, "`retry`", report)?;
    let usual = Retry::default();
    let attempts = fields.value("attempts").map(|node| text::count(node, 1..=ATTEMPTS_MAX, report));
    let backoff = fields.get("backoff").map(|entry| text::duration(&entry.value, report));
    let max = fields.get("max").map(|entry| text::duration(&entry.value, report));
    fields.finish();
    let retry = Retry {
        attempts: attempts.unwrap_or(Some(usual.attempts))?,
        backoff: match &backoff {
            Some(found) => found.as_ref()?.value,
            None => usual.backoff,
        },
        max: match &max {
            Some(found) => found.as_ref()?.value,
            // The usual longest pause must not cut a longer first one.
            None => usual.max.max(backoff.clone().flatten().map_or(usual.max, |found| found.value)),
        },
    };
    if retry.max < retry.backoff {
        let span = max.flatten().map_or(node.span, |found| found.span);
        let message = format!("`max` {} is shorter than `backoff` {}", retry.max, retry.backoff);
        report.add(Fault::new(OUT_OF_RANGE, span, message));
        return None;
    }
    Some(Spanned::new(retry, node.span))
}

/// Words that are known and planned: the message says that they are, instead of "unknown key".
pub(crate) fn not_supported(fields: &mut Fields<'_, '_>, words: &[(&'static str, &str)]) {
    for (word, instead) in words {
        if let Some(entry) = fields.get(word) {
            let fault = Fault::new(NOT_SUPPORTED, entry.key_span, format!("`{word}` is not supported yet"))
                .help(*instead);
            fields.report().add(fault);
        }
    }
}

/// A text that must be one `${{ }}`.
pub(super) fn computed(node: &Node, expected: &str, report: &Report<'_>) -> Option<WrittenExpr> {
    let before = report.len();
    let found = expr::wrapped(node, report);
    if found.is_none() && report.len() == before {
        wrong_kind(node, &format!("{expected} as ${{{{ expression }}}}"), report);
    }
    found
}
