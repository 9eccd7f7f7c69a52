//! Resources: what operators define for a plugin in `resources/*.yaml`, such as a coupon batch. The type is the definition.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json;
use crate::step::Step;
use crate::stop::Fault;

/// A kind of resource. Its fields are the definition's, its doc comments explain them to operators.
///
/// ```
/// use siyu_plugin::prelude::*;
/// use siyu_plugin::pools;
///
/// /// Seats of a survey: first come, first served.
/// #[derive(Serialize, Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Survey {
///     /// How many customers may answer.
///     seats: u64,
///     opens_at: Instant,
///     closes_at: Instant,
/// }
///
/// impl Resource for Survey {
///     const KIND: &'static str = "survey";
///
///     fn check(&self, _name: &str, found: &mut Findings) {
///         if self.opens_at >= self.closes_at {
///             found.error("/closes_at", "SURVEY_WINDOW", "the survey closes before it opens");
///         }
///     }
///
///     fn apply(&self, name: &str) -> Result<Vec<Reaction>, Fault> {
///         pools::define(&siyu_plugin::key(&["seats", name]), self.seats)?;
///         Ok(Vec::new())
///     }
/// }
/// ```
pub trait Resource: DeserializeOwned + JsonSchema {
    /// The kind's name: a file says `resource: plugin/kind`. 1 to 64 of a-z, 0-9, - and _.
    const KIND: &'static str;

    /// Checks a definition when it is published, beyond its schema; the default finds nothing.
    ///
    /// It is pure: every capability but `log` answers with an error, and there is no customer and no time.
    fn check(&self, _name: &str, _found: &mut Findings) {}

    /// Puts a definition into force: makes pools, plans events. A transaction like a step; it happens again whenever the
    /// definition is published again, so it must be possible to repeat. Returns the events that steps of this plugin
    /// react to because of this definition; the default does nothing.
    ///
    /// # Errors
    /// A fault: the definition does not come into force.
    fn apply(&self, _name: &str) -> Result<Vec<Reaction>, Fault> {
        Ok(Vec::new())
    }
}

/// What a check finds. The pointer becomes a caret in the operator's file.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

/// One thing that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where, as a JSON pointer such as `/prizes/0/weight`; empty for the whole definition.
    pub pointer: String,
    /// Whether publishing is refused; else it is a warning.
    pub is_error: bool,
    /// A stable name of the rule.
    pub code: String,
    /// What was found and what was expected, with the source of the rule.
    pub message: String,
}

impl Findings {
    /// Publishing is refused.
    pub fn error(&mut self, pointer: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.push(pointer.into(), true, code, message.into());
    }

    /// Publishing goes on; the operator is told.
    pub fn warning(&mut self, pointer: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.push(pointer.into(), false, code, message.into());
    }

    fn push(&mut self, pointer: String, is_error: bool, code: &'static str, message: String) {
        self.0.push(Finding { pointer, is_error, code: code.to_owned(), message });
    }
}

/// A step that the host runs by itself when an event is recorded; its input is the event
/// ([`Incoming`](crate::Incoming)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reaction {
    /// The event's type.
    pub event: String,
    /// The step's name.
    pub step: &'static str,
}

impl Reaction {
    /// The step `S` of this plugin reacts to events of a type.
    pub fn of<S: Step>(event_type: impl Into<String>) -> Self {
        Self { event: event_type.into(), step: S::NAME }
    }
}

/// Checks a document. One that does not fit its type is a finding as well.
pub(crate) fn check<R: Resource>(name: &str, definition: &str) -> Vec<Finding> {
    let mut found = Findings::default();
    match json::read::<R>(definition) {
        Ok(definition) => definition.check(name, &mut found),
        Err(unreadable) => found.error(unreadable.pointer, "DEFINITION", unreadable.message),
    }
    found.0
}

/// Applies a document; the reactions as JSON.
pub(crate) fn apply<R: Resource>(name: &str, definition: &str) -> Result<String, Fault> {
    let reactions = json::read::<R>(definition)?.apply(name)?;
    json::write("the reactions", &reactions)
}
