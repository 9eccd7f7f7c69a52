//! Steps: what a workflow `uses`. The type of a step *is* its input.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json;
use crate::stop::{Fault, Refusal, Refused, Stop};

/// A step that a plugin offers. Its fields are what YAML gives under `with:`, its doc comment says what it does, and the
/// doc comments of its fields explain them; all of that stands in the manifest and in front of operators.
///
/// A run is a transaction: what it asks of the host is kept together with its output or refusal, or dropped as a whole
/// when it faults. So a step has no code for retries, and may stop anywhere with `?`.
///
/// ```
/// use siyu_plugin::prelude::*;
///
/// /// Adds two numbers.
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Add {
///     /// The first.
///     a: i64,
///     /// The second.
///     b: i64,
/// }
///
/// #[derive(Serialize, JsonSchema)]
/// struct Sum {
///     sum: i64,
/// }
///
/// const TOO_LARGE: Refusal = Refusal::new("TOO_LARGE", "the sum is beyond 64 bits");
///
/// impl Step for Add {
///     const NAME: &'static str = "add";
///     const REFUSALS: &'static [Refusal] = &[TOO_LARGE];
///     type Output = Sum;
///
///     fn run(self) -> Result<Sum, Stop> {
///         let sum = self.a.checked_add(self.b).ok_or(TOO_LARGE)?;
///         Ok(Sum { sum })
///     }
/// }
/// ```
pub trait Step: DeserializeOwned + JsonSchema {
    /// Its name: a workflow says `uses: plugin/name@major`. 1 to 64 of a-z, 0-9, - and _.
    const NAME: &'static str;
    /// The ways in which it says no. Another one is a fault in tests, and a warning in the log of a run.
    const REFUSALS: &'static [Refusal] = &[];
    /// What later steps read as `steps.<id>`. Of a step that only reacts to events nobody reads it: `()` is fine.
    type Output: Serialize + JsonSchema;

    /// Runs it.
    ///
    /// # Errors
    /// A refusal (a business "no", effects kept) or a fault (a failure, effects dropped).
    fn run(self) -> Result<Self::Output, Stop>;
}

/// What a step says when it ran.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer<T> {
    /// It did its work.
    Done(T),
    /// The business says no.
    Refused(Refused),
}

impl<T> Answer<T> {
    /// From what a step returns.
    ///
    /// # Errors
    /// The fault.
    pub(crate) fn of(result: Result<T, Stop>) -> Result<Self, Fault> {
        match result {
            Ok(output) => Ok(Self::Done(output)),
            Err(Stop::Refused(refused)) => Ok(Self::Refused(refused)),
            Err(Stop::Fault(fault)) => Err(fault),
        }
    }
}

/// Runs a step on a document: reads the input, writes the output.
pub(crate) fn run<S: Step>(input: &str) -> Result<Answer<String>, Fault> {
    Ok(match Answer::of(json::read::<S>(input)?.run())? {
        Answer::Done(output) => Answer::Done(json::write("the output", &output)?),
        Answer::Refused(refused) => {
            note_undeclared::<S>(&refused);
            Answer::Refused(refused)
        }
    })
}

/// An undeclared refusal is no reason to lose what the step did, but its author should hear of it.
fn note_undeclared<S: Step>(refused: &Refused) {
    if !is_declared::<S>(refused) {
        crate::log::warn(format_args!(
            "the step `{}` refused with {}, which its REFUSALS do not list: no workflow can be checked against it",
            S::NAME,
            refused.code
        ));
    }
}

pub(crate) fn is_declared<S: Step>(refused: &Refused) -> bool {
    S::REFUSALS.iter().any(|refusal| refusal.code == refused.code)
}
