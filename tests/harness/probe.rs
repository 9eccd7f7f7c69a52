//! The plugin `probe`: a step for each thing that a workflow may meet. Plain functions, no sandbox.

use serde_json::{Value, json};
use siyu_engine::ports::plugins::{CallHost, EmitRequest, HostError, RecordScan, ReserveRequest, Reserved, TagRequest};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::plugin::{Answer, Capability, Fault, FaultKind, Manifest, Refusal};

/// The manifest of `probe`.
fn manifest() -> Manifest {
    let any = json!({"type": "object", "additionalProperties": true});
    let step = |name: &str| json!({"name": name, "summary": name, "input": any, "output": any});
    let steps = ["echo", "refuse", "fault", "take", "note", "notes", "tag", "emit", "plan", "hold", "heard", "say"];
    let capabilities = Capability::ALL.map(|capability| json!({"name": capability.as_str(), "why": "to be probed"}));
    let event = |name: &str| json!({"type": name, "summary": name, "data": any});
    let manifest = json!({
        "name": "probe", "version": "1.0.0", "contract": "1.0.0", "summary": "Probes the host.",
        "steps": steps.map(step),
        "resources": [{"kind": "stock", "summary": "A pool", "schema": any}],
        "events": [event("probe.rang"), event("probe.planned")],
        "reactions": [
            {"event": "reservation.expired", "step": "heard"},
            {"event": "probe.planned", "step": "heard"}
        ],
        "capabilities": capabilities,
    });
    Manifest::from_json(&manifest.to_string()).expect("the manifest of probe is one")
}

/// The plugin `probe`: its manifest, and what its steps do.
pub fn probe() -> (Manifest, fn(&str, &str, &mut dyn CallHost) -> Result<Answer, Fault>) {
    (manifest(), call)
}

fn call(step: &str, input: &str, host: &mut dyn CallHost) -> Result<Answer, Fault> {
    let input: Value =
        serde_json::from_str(input).map_err(|why| Fault::permanent("BAD_INPUT", why.to_string()))?;
    let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| input[name].as_u64().unwrap_or(1);
    match step {
        "echo" => done(input),
        "refuse" => {
            // What a refusal wrote is kept.
            host.put_record(None, "refused", "true").map_err(asked)?;
            let (code, message) = (text("code"), "probed".to_owned());
            Ok(Answer::Refused(Refusal { code, message, details: None }))
        }
        "fault" => fault(&input, host),
        "take" => {
            let (ok, used) = host.take_counter(&text("key"), number("units"), number("limit")).map_err(asked)?;
            done(json!({"ok": ok, "used": used}))
        }
        "note" => {
            let key = format!("note/{}", text("key"));
            let is_new = host.insert_record(own(host).as_deref(), &key, "{}").map_err(asked)?;
            done(json!({"is_new": is_new}))
        }
        "notes" => {
            let scan = RecordScan { prefix: "note/", after: None, limit: 100 };
            let notes = host.scan_records(own(host).as_deref(), scan).map_err(asked)?;
            done(json!({"keys": notes.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>()}))
        }
        "tag" => tag(&input, host),
        "emit" => {
            let event = EmitRequest { event_type: "probe.rang", customer: None, data: &input.to_string() };
            host.emit(event).map_err(asked)?;
            done(json!({}))
        }
        "plan" => {
            let at = host.context().now + DurationMs::from_millis(number("after_ms"));
            let event = EmitRequest { event_type: "probe.planned", customer: None, data: "{}" };
            host.emit_at(&text("key"), at, event).map_err(asked)?;
            done(json!({}))
        }
        "hold" => hold(&input, host),
        "heard" => {
            let (_, heard) = host.take_counter("heard", 1, 1_000_000).map_err(asked)?;
            done(json!({"heard": heard}))
        }
        "say" => {
            let code = host.mint_code("words", 12, "said").map_err(asked)?;
            done(json!({"code": code, "random": host.random(4)}))
        }
        "apply:stock" => {
            host.define_pool(&text("pool"), number("total")).map_err(asked)?;
            Ok(Answer::Done("[]".to_owned()))
        }
        other => Err(Fault::permanent("NO_STEP", format!("probe has no step `{other}`"))),
    }
}

fn done(output: Value) -> Result<Answer, Fault> {
    Ok(Answer::Done(output.to_string()))
}

fn asked(error: HostError) -> Fault {
    Fault::permanent("HOST", error.to_string())
}

fn own(host: &dyn CallHost) -> Option<String> {
    host.context().customer.clone()
}

/// Writes something first: a fault must take it away again.
fn fault(input: &Value, host: &mut dyn CallHost) -> Result<Answer, Fault> {
    host.put_record(None, "from a failed call", "true").map_err(asked)?;
    host.take_counter("from a failed call", 1, 10).map_err(asked)?;
    let times = input["times"].as_u64().unwrap_or(u64::MAX);
    if u64::from(host.context().attempt) > times {
        return done(json!({"attempt": host.context().attempt}));
    }
    let code = input["code"].as_str().unwrap_or("BROKEN").to_owned();
    let kind = match input["kind"].as_str() {
        Some("transient") => FaultKind::Transient { retry_after_ms: None },
        _ => FaultKind::Permanent,
    };
    Err(Fault { kind, code, message: "probed".to_owned(), fields: Vec::new() })
}

fn tag(input: &Value, host: &mut dyn CallHost) -> Result<Answer, Fault> {
    let now = host.context().now;
    let expires_at = input["for_ms"].as_u64().map(|length| now + DurationMs::from_millis(length));
    let request = TagRequest {
        tag: input["tag"].as_str().unwrap_or_default().to_owned(),
        source: "probe".to_owned(),
        effective_at: now,
        expires_at,
        confidence_percent: 100,
        evidence: None,
    };
    let is_new = host.put_tag(None, request).map_err(asked)?;
    done(json!({"is_new": is_new}))
}

fn hold(input: &Value, host: &mut dyn CallHost) -> Result<Answer, Fault> {
    let length = DurationMs::from_millis(input["for_ms"].as_u64().unwrap_or(60_000));
    let expires_at: UtcMs = host.context().now + length;
    let customer = own(host).unwrap_or_default();
    let request = ReserveRequest {
        pool: input["pool"].as_str().unwrap_or_default().to_owned(),
        units: input["units"].as_u64().unwrap_or(1),
        expires_at,
        quotas: vec![(format!("held/{customer}"), 1, input["limit"].as_u64().unwrap_or(1))],
        reference: None,
    };
    let refused = |code: &str, message: String| {
        Ok(Answer::Refused(Refusal { code: code.to_owned(), message, details: None }))
    };
    match host.reserve(request).map_err(asked)? {
        Reserved::Held(reservation) => {
            if input["sell"].as_bool() == Some(true) {
                host.commit_reservation(&reservation).map_err(asked)?;
            }
            done(json!({"reservation": reservation}))
        }
        Reserved::SoldOut(left) => refused("SOLD_OUT", format!("{left} left")),
        Reserved::OverQuota(key, used) => refused("LIMIT_CUSTOMER", format!("{key}: {used} used")),
    }
}
