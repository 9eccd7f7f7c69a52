//! Constants against JSON Schemas: the library finds, the words are ours. Never fetches a schema from anywhere, and
//! patterns run in linear time.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value as Json;
use siyu_model::json::Value;
use siyu_model::nearest::nearest;

use super::fit::{Fit, to_json};
use crate::diagnostics::rules::BAD_VALUE;
use crate::diagnostics::{Fault, quoted};
use crate::shape::expr::Doc;
use crate::types::Schema;

/// Bytes of a compiled pattern: a pattern of a plugin must not fill memory.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// Faults of one document that are shown.
const SHOWN_MAX: usize = 10;

/// The validator of a schema; why there is none when it is no schema or refers outside.
pub(super) fn validator(schema: &Json) -> Result<Validator, String> {
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
    jsonschema::options().with_pattern_options(patterns).build(schema).map_err(|fault| fault.to_string())
}

/// What of a document does not fit a schema: each with its JSON pointer.
pub(crate) fn document_faults(schema: &Json, document: &Json) -> Result<Vec<String>, String> {
    let validator = validator(schema)?;
    let faults = validator.iter_errors(document).take(SHOWN_MAX);
    Ok(faults.map(|fault| format!("{}: {fault}", fault.instance_path())).collect())
}

/// Reports where a constant does not fit. Members that are missing or unknown are left to [`Fit`], which says more.
pub(super) fn check(fit: &Fit<'_>, doc: &Doc, value: &Value, schema: Schema<'_>) -> Result<(), String> {
    let validator = validator(&schema.document())?;
    let instance = to_json(value);
    for fault in validator.iter_errors(&instance).take(SHOWN_MAX) {
        let is_left = matches!(
            fault.kind(),
            ValidationErrorKind::Required { .. } | ValidationErrorKind::AdditionalProperties { .. }
        );
        if is_left {
            continue;
        }
        let part = doc.at_pointer(fault.instance_path().as_str());
        let is_form = matches!(
            fault.kind(),
            ValidationErrorKind::AnyOf { .. } | ValidationErrorKind::OneOfNotValid { .. }
        );
        if is_form && fit.report.has_error_in(part.span) {
            continue;
        }
        let span = fit.report.sources().first_line(part.span);
        let said = Said::of(&fault);
        let found = Fault::new(BAD_VALUE, span, said.message).help_if(said.help);
        fit.report.add(match said.label {
            Some(label) => found.label(label),
            None => found,
        });
    }
    Ok(())
}

/// A fault in our words.
struct Said {
    message: String,
    label: Option<String>,
    help: Option<String>,
}

impl Said {
    fn of(fault: &ValidationError<'_>) -> Self {
        let found = shown(fault.instance());
        let plain = |message: String| Self { message, label: None, help: None };
        match fault.kind() {
            ValidationErrorKind::Type { kind } => Self::kind(fault.instance(), kind),
            ValidationErrorKind::Enum { options } => Self::options(&found, fault.instance(), options),
            ValidationErrorKind::Constant { expected_value } => {
                plain(format!("{found}, expected {}", shown(expected_value)))
            }
            ValidationErrorKind::Minimum { limit } => plain(format!("{found}, expected at least {limit}")),
            ValidationErrorKind::Maximum { limit } => plain(format!("{found}, expected at most {limit}")),
            ValidationErrorKind::ExclusiveMinimum { limit } => {
                plain(format!("{found}, expected more than {limit}"))
            }
            ValidationErrorKind::ExclusiveMaximum { limit } => {
                plain(format!("{found}, expected less than {limit}"))
            }
            ValidationErrorKind::MinLength { limit } => {
                plain(format!("{found}, expected at least {limit} characters"))
            }
            ValidationErrorKind::MaxLength { limit } => {
                plain(format!("{found}, expected at most {limit} characters"))
            }
            ValidationErrorKind::MinItems { limit } => plain(format!("expected at least {limit} items")),
            ValidationErrorKind::MaxItems { limit } => plain(format!("expected at most {limit} items")),
            ValidationErrorKind::MinProperties { limit } => {
                plain(format!("expected at least {limit} members"))
            }
            ValidationErrorKind::MaxProperties { limit } => {
                plain(format!("expected at most {limit} members"))
            }
            ValidationErrorKind::UniqueItems => plain("an item stands twice".to_owned()),
            ValidationErrorKind::Pattern { pattern } => {
                plain(format!("{found} does not fit the pattern {pattern}"))
            }
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                Self::ways(&found, context)
            }
            _ => plain(fault.to_string()),
        }
    }

    fn kind(found: &Json, kind: &TypeKind) -> Self {
        let expected = match kind {
            TypeKind::Single(kind) => words(&kind.to_string()).to_owned(),
            TypeKind::Multiple(kinds) => {
                let names: Vec<String> =
                    kinds.iter().map(|kind| words(&kind.to_string()).to_owned()).collect();
                names.join(" or ")
            }
        };
        let is_unquoted = expected.contains("text") && (found.is_number() || found.is_boolean());
        Self {
            message: format!("found {}, expected {expected}", shown(found)),
            label: None,
            help: is_unquoted.then(|| format!("quote it: '{found}'")),
        }
    }

    fn options(found: &str, instance: &Json, options: &Json) -> Self {
        let texts: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        let near = instance.as_str().and_then(|text| nearest(text, texts.iter().copied()));
        let listed: Vec<String> = options.as_array().into_iter().flatten().map(shown).collect();
        Self {
            message: format!("{found}, expected one of {}", listed.join(", ")),
            label: near.map(|near| format!("did you mean `{near}`?")),
            help: None,
        }
    }

    /// Several ways and none fits: the one that fits best is told.
    fn ways(found: &str, context: &[Vec<ValidationError<'static>>]) -> Self {
        let best = context
            .iter()
            .filter(|faults| {
                !faults.iter().any(|fault| fault.instance_path().as_str().is_empty() && is_type(fault))
            })
            .min_by_key(|faults| faults.len())
            .and_then(|faults| faults.first());
        Self {
            message: match best {
                Some(fault) => {
                    format!("{found} fits none of the possible forms; closest: {}", Self::of(fault).message)
                }
                None => format!("{found} fits none of the possible forms"),
            },
            label: None,
            help: None,
        }
    }
}

fn is_type(fault: &ValidationError<'_>) -> bool {
    matches!(fault.kind(), ValidationErrorKind::Type { .. })
}

fn words(kind: &str) -> &str {
    match kind {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "an object",
        other => other,
    }
}

/// A value in a message.
fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => quoted(text),
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "an object".to_owned(),
        Json::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}
