//! Answers: what a plugin said, checked and turned into the host's types. Nothing a plugin says is taken as it is.

use serde_json::value::RawValue;
use siyu_engine::ports::channel::Verdict;
use siyu_engine::ports::hooks::{Accepted, HookEvent, HookRefusal};
use siyu_model::clock::DurationMs;
use siyu_model::json;
use siyu_model::limits;
use siyu_model::message::MessageStatus;
use siyu_model::plugin::{Answer, CallLimits, Fault, FaultKind, FieldFault, Finding, HostFault, Refusal};

use super::log::message;
use crate::contract;

/// Bytes of the code of a refusal or a fault.
const CODE_BYTES_MAX: usize = 64;
/// Bytes of what a channel says beside a verdict.
const DETAILS_BYTES_MAX: usize = 4 << 10;

/// The answer of a step, and its bytes.
pub(crate) fn of_run(
    result: Result<contract::Answer, contract::Fault>,
    limits: &CallLimits,
) -> Result<(Answer, usize), Fault> {
    match result {
        Ok(contract::Answer::Done(output)) => done(output, limits),
        Ok(contract::Answer::Refused(refusal)) => refused(refusal, limits),
        Err(fault) => Err(of_fault(fault, limits)),
    }
}

/// The answer of `apply`, and its bytes.
pub(crate) fn of_apply(
    result: Result<String, contract::Fault>,
    limits: &CallLimits,
) -> Result<(Answer, usize), Fault> {
    match result {
        Ok(output) => done(output, limits),
        Err(fault) => Err(of_fault(fault, limits)),
    }
}

/// What a channel says of a message.
pub(crate) fn of_delivery(verdict: contract::Verdict) -> Result<Verdict, Fault> {
    Ok(match verdict {
        contract::Verdict::Sent(details) => became(MessageStatus::Sent, details)?,
        contract::Verdict::TaskCreated(details) => became(MessageStatus::TaskCreated, details)?,
        contract::Verdict::Delivered(details) => became(MessageStatus::Delivered, details)?,
        contract::Verdict::Refused(why) => Verdict::Refused(message(&why)),
        contract::Verdict::Later((why, None)) => Verdict::Later(message(&why)),
        contract::Verdict::Later((why, Some(pause_ms))) => {
            Verdict::AgainAfter(message(&why), DurationMs::from_millis(pause_ms.into()))
        }
        contract::Verdict::Uncertain(why) => Verdict::Uncertain(message(&why)),
    })
}

/// A good verdict, with an object or without.
fn became(status: MessageStatus, details: Option<String>) -> Result<Verdict, Fault> {
    let Some(text) = details else { return Ok(Verdict::Became(status)) };
    let broken = |why: String| HostFault::BadOutput.fault(format!("the details of the verdict: {why}"));
    let value = json::parse_within(&text, DETAILS_BYTES_MAX).map_err(|fault| broken(fault.to_string()))?;
    if value.as_map().is_none() {
        return Err(broken(format!("{}, expected an object", value.kind())));
    }
    Ok(Verdict::BecameWith(status, value))
}

/// What a source made of a request. Whether events are events is looked at where they are taken in.
pub(crate) fn of_hook(
    received: Result<contract::Accepted, contract::HookRefusal>,
    limits: &CallLimits,
) -> Result<Result<Accepted, HookRefusal>, Fault> {
    let accepted = match received {
        Ok(accepted) => accepted,
        Err(contract::HookRefusal::Unverified(why)) => {
            return Ok(Err(HookRefusal::Unverified(message(&why))));
        }
        Err(contract::HookRefusal::Malformed(why)) => return Ok(Err(HookRefusal::Malformed(message(&why)))),
        Err(contract::HookRefusal::Stale(why)) => return Ok(Err(HookRefusal::Stale(message(&why)))),
    };
    let weight = |event: &contract::HookEvent| {
        let subject = event.subject.as_ref().map_or(0, String::len);
        event.id.len() + event.event_type.len() + subject + event.data.len()
    };
    let bytes = accepted.events.iter().map(weight).sum::<usize>() + accepted.body.len();
    let most = limits.output_bytes_max;
    if bytes > most {
        return Err(HostFault::OutputTooLarge.fault(format!(
            "the events of a request have {bytes} bytes with the answer: expected at most {most}"
        )));
    }
    let event = |event: contract::HookEvent| HookEvent {
        id: event.id,
        event_type: event.event_type,
        subject: event.subject,
        time: event.time,
        data: event.data,
    };
    let contract::Accepted { events, status, content_type, body } = accepted;
    Ok(Ok(Accepted { events: events.into_iter().map(event).collect(), status, content_type, body }))
}

/// What `check` found.
pub(crate) fn of_check(findings: Vec<contract::Finding>, limits: &CallLimits) -> Result<Vec<Finding>, Fault> {
    let bytes = findings
        .iter()
        .map(|finding| finding.pointer.len() + finding.code.len() + finding.message.len())
        .sum();
    within(bytes, limits)?;
    Ok(findings
        .into_iter()
        .map(|finding| Finding {
            pointer: message(&finding.pointer),
            is_error: finding.is_error,
            code: message(&finding.code),
            message: message(&finding.message),
        })
        .collect())
}

fn done(output: String, limits: &CallLimits) -> Result<(Answer, usize), Fault> {
    let bytes = output.len();
    within(bytes, limits)?;
    document("the output", &output, limits)?;
    Ok((Answer::Done(output), bytes))
}

fn refused(refusal: contract::Refusal, limits: &CallLimits) -> Result<(Answer, usize), Fault> {
    let details_bytes = refusal.details.as_ref().map_or(0, String::len);
    let bytes = refusal.code.len() + refusal.message.len() + details_bytes;
    within(bytes, limits)?;
    code("refusal", &refusal.code)?;
    if let Some(details) = &refusal.details {
        document("the details of the refusal", details, limits)?;
    }
    let refusal =
        Refusal { code: refusal.code, message: message(&refusal.message), details: refusal.details };
    Ok((Answer::Refused(refusal), bytes))
}

/// The fault that a plugin gave; or why it is not one.
fn of_fault(fault: contract::Fault, limits: &CallLimits) -> Fault {
    fault_within(fault, limits).unwrap_or_else(|broken| broken)
}

fn fault_within(fault: contract::Fault, limits: &CallLimits) -> Result<Fault, Fault> {
    let (kind, info, fields) = match fault {
        contract::Fault::Transient((info, retry_after_ms)) => {
            (FaultKind::Transient { retry_after_ms }, info, Vec::new())
        }
        contract::Fault::Permanent(info) => (FaultKind::Permanent, info, Vec::new()),
        contract::Fault::InvalidInput(fields) => (FaultKind::InvalidInput, invalid_input(&fields), fields),
    };
    let of_fields: usize = fields.iter().map(|field| field.pointer.len() + field.message.len()).sum();
    within(info.code.len() + info.message.len() + of_fields, limits)?;
    code("fault", &info.code)?;
    if HostFault::ALL.iter().any(|host| host.code() == info.code) {
        return Err(HostFault::BadOutput
            .fault(format!("the plugin's fault has the code {}, which only the host uses", info.code)));
    }
    Ok(Fault {
        kind,
        code: info.code,
        message: message(&info.message),
        fields: fields
            .into_iter()
            .map(|field| FieldFault { pointer: message(&field.pointer), message: message(&field.message) })
            .collect(),
    })
}

fn invalid_input(fields: &[contract::FieldFault]) -> contract::FaultInfo {
    let text = match fields {
        [] => "the plugin refuses its input".to_owned(),
        [one] => one.message.clone(),
        [first, rest @ ..] => format!("{} (and {} more)", first.message, rest.len()),
    };
    contract::FaultInfo { code: "INVALID_INPUT".to_owned(), message: text }
}

fn within(bytes: usize, limits: &CallLimits) -> Result<(), Fault> {
    let limit = limits.output_bytes_max;
    if bytes > limit {
        return Err(
            HostFault::OutputTooLarge.fault(format!("the answer has {bytes} bytes, it may have {limit}"))
        );
    }
    Ok(())
}

fn document(what: &str, text: &str, limits: &CallLimits) -> Result<(), Fault> {
    let bad =
        |why: &dyn std::fmt::Display| HostFault::BadOutput.fault(format!("{what} is not acceptable: {why}"));
    json::check_within(text, limits.output_bytes_max).map_err(|why| bad(&why))?;
    serde_json::from_str::<&RawValue>(text)
        .map(drop)
        .map_err(|why| bad(&json::JsonError::Syntax(why.to_string())))
}

fn code(what: &str, code: &str) -> Result<(), Fault> {
    let is_code = (1..=CODE_BYTES_MAX).contains(&code.len())
        && code.starts_with(|first: char| first.is_ascii_uppercase())
        && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    if is_code {
        return Ok(());
    }
    let found: String = code.chars().take(CODE_BYTES_MAX).collect();
    Err(HostFault::BadOutput.fault(format!(
        "the code of the {what} is `{}`: expected 1 to {CODE_BYTES_MAX} capital letters, digits and underscores, such \
         as SOLD_OUT",
        message(&found)
    )))
}

/// The text of `describe`, within the limit of a manifest.
pub(crate) fn of_describe(text: String) -> Result<String, Fault> {
    let limit = limits::component::MANIFEST_BYTES_MAX;
    if text.len() > limit {
        let found = text.len();
        return Err(
            HostFault::OutputTooLarge.fault(format!("the manifest has {found} bytes, it may have {limit}"))
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(result: Result<contract::Answer, contract::Fault>) -> Result<(Answer, usize), Fault> {
        let limits = CallLimits { output_bytes_max: 1_000, ..CallLimits::default() };
        of_run(result, &limits)
    }

    fn info(code: &str) -> contract::FaultInfo {
        contract::FaultInfo { code: code.to_owned(), message: "words\u{0}".to_owned() }
    }

    fn check_bad(result: Result<contract::Answer, contract::Fault>, fault: HostFault, message: &str) {
        let found = run(result).unwrap_err();
        assert!(found.is_host(fault), "{found}");
        assert_eq!(found.message, message);
    }

    #[test]
    fn an_output_is_one_json_document_within_the_limits() {
        let done = |text: &str| Ok(contract::Answer::Done(text.to_owned()));
        assert_eq!(run(done("{\"a\":1}")).unwrap(), (Answer::Done("{\"a\":1}".to_owned()), 7));
        check_bad(
            done("{} {}"),
            HostFault::BadOutput,
            "the output is not acceptable: not JSON: trailing characters at line 1 column 4",
        );
        check_bad(
            done("\"\\u0000\""),
            HostFault::BadOutput,
            "the output is not acceptable: a NUL character (\\u0000) at byte 1: text must not hold one",
        );
        check_bad(
            done(&" ".repeat(1_001)),
            HostFault::OutputTooLarge,
            "the answer has 1001 bytes, it may have 1000",
        );
    }

    #[test]
    fn a_code_is_capital_letters_and_never_one_of_the_host() {
        let refuse = |code: &str| {
            Ok(contract::Answer::Refused(contract::Refusal {
                code: code.to_owned(),
                message: "no".to_owned(),
                details: None,
            }))
        };
        assert!(run(refuse("SOLD_OUT")).is_ok());
        for code in ["", "sold-out", "_A", "1A", "Ä", &"A".repeat(65)] {
            assert!(run(refuse(code)).unwrap_err().is_host(HostFault::BadOutput), "{code}");
        }
        check_bad(
            Err(contract::Fault::Transient((info("STORAGE"), None))),
            HostFault::BadOutput,
            "the plugin's fault has the code STORAGE, which only the host uses",
        );
    }

    #[test]
    fn a_fault_keeps_its_kind_and_loses_what_could_break_a_store() {
        let fault = run(Err(contract::Fault::Transient((info("BUSY"), Some(50))))).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Transient { retry_after_ms: Some(50) });
        assert_eq!(fault.message, "words\\u{0}");
        let field = |pointer: &str| contract::FieldFault {
            pointer: pointer.to_owned(),
            message: format!("{pointer} is wrong"),
        };
        let fault = run(Err(contract::Fault::InvalidInput(vec![field("/a"), field("/b")]))).unwrap_err();
        assert_eq!((fault.code.as_str(), fault.fields.len()), ("INVALID_INPUT", 2));
        assert_eq!(fault.message, "/a is wrong (and 1 more)");
    }
}
