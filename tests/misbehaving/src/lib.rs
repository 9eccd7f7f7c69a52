//! A plugin whose steps do what a sandbox must stop, and a few that behave.
//!
//! It uses the contract without the SDK, so that nothing but the sandbox stands between a step and the host.

#[cfg(target_family = "wasm")]
mod arena;
mod asks;
mod bad;
mod manifest;
mod probe;

wit_bindgen::generate!({
    path: "../../plugin-sdk/wit",
    world: "plugin",
});

use exports::siyu::plugin::resource_kinds::{self, Finding};
use exports::siyu::plugin::steps::{self, Answer, Fault, FaultInfo, FieldFault, Refusal};
use siyu::plugin::{log, records};

struct Plugin;

export!(Plugin);

impl steps::Guest for Plugin {
    fn describe() -> String {
        manifest::TEXT.to_owned()
    }

    fn run(step: String, input: String) -> Result<Answer, Fault> {
        std::panic::set_hook(Box::new(|info| log::write(log::Level::Error, &info.to_string())));
        if let Some(asked) = asks::ask(&step, &input) {
            return Ok(Answer::Done(asked));
        }
        match step.as_str() {
            "nop" => Ok(Answer::Done("null".to_owned())),
            "json" => json(&input),
            "probe" => Ok(Answer::Done(probe::probe())),
            "refuse" => Ok(Answer::Refused(Refusal {
                code: "SOLD_OUT".to_owned(),
                message: "牛排 is gone".to_owned(),
                details: Some(r#"{"left":0}"#.to_owned()),
            })),
            "transient" => Err(Fault::Transient((info("BUSY", "come back"), Some(250)))),
            "permanent" => Err(Fault::Permanent(info("NO_CAMPAIGN", "no campaign `x`"))),
            "invalid-input" => Err(Fault::InvalidInput(vec![FieldFault {
                pointer: "/units".to_owned(),
                message: "`units` is 0: expected 1 to 100".to_owned(),
            }])),
            _ => bad::run(&step, &input),
        }
    }
}

impl resource_kinds::Guest for Plugin {
    fn check(kind: String, name: String, definition: String) -> Vec<Finding> {
        let asked = match records::get(None, "x") {
            Ok(_) => "records answered".to_owned(),
            Err(refused) => refused.message,
        };
        vec![Finding {
            pointer: "/total".to_owned(),
            is_error: kind == "pool",
            code: "E1".to_owned(),
            message: format!("{kind}/{name}: {definition}: {asked}"),
        }]
    }

    fn apply(kind: String, name: String, definition: String) -> Result<String, Fault> {
        match kind.as_str() {
            "pool" => Ok(format!(r#"[{{"event":"{name}","step":"{kind}"}}]"#)),
            "broken" => Err(Fault::Permanent(info("BROKEN", &definition))),
            _ => panic!("no kind {kind}"),
        }
    }
}

fn info(code: &str, message: &str) -> FaultInfo {
    FaultInfo { code: code.to_owned(), message: message.to_owned() }
}

/// What a plugin of the usual size does: reads half a kilobyte, asks the host twice, answers a third of a kilobyte.
fn json(input: &str) -> Result<Answer, Fault> {
    #[derive(serde::Deserialize)]
    struct Input {
        customer: String,
        campaign: String,
        amount_fen: i64,
        tags: Vec<String>,
        note: String,
    }
    #[derive(serde::Serialize)]
    struct Output<'a> {
        customer: &'a str,
        campaign: &'a str,
        amount_fen: i64,
        tags: usize,
        check: u32,
        seen: bool,
        note: &'a str,
    }
    let input: Input = serde_json::from_str(input).map_err(|fault| {
        Fault::InvalidInput(vec![FieldFault { pointer: String::new(), message: fault.to_string() }])
    })?;
    let seen = records::get(Some(&input.customer), &input.campaign).ok().flatten().is_some();
    let check = input
        .note
        .bytes()
        .fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let output = Output {
        customer: &input.customer,
        campaign: &input.campaign,
        amount_fen: input.amount_fen,
        tags: input.tags.len(),
        check,
        seen,
        note: input.note.get(..100).unwrap_or(&input.note),
    };
    let text =
        serde_json::to_string(&output).map_err(|fault| Fault::Permanent(info("JSON", &fault.to_string())))?;
    let _ = records::put(Some(&input.customer), &input.campaign, &text);
    Ok(Answer::Done(text))
}
