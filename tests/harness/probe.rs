//! The plugin `probe`: a step for each thing that a workflow may meet. Plain functions, no sandbox.

mod acts;

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use serde_json::{Value, json};
use siyu_engine::doubles::NativeStep;
use siyu_engine::ports::plugins::{CallHost, HostError};
use siyu_model::clock::DurationMs;
use siyu_model::plugin::{Answer, Capability, Fault, FaultKind, Manifest, Refusal};

/// Steps, in the order of the functions below.
const STEPS: [&str; 26] = [
    "echo", "refuse", "fault", "take", "give", "note", "notes", "look", "tag", "untag", "mark", "emit",
    "plan", "unplan", "hold", "settle", "sell", "restock", "heard", "say", "find", "write", "counted",
    "reach", "post", "balance",
];

/// The manifest of `probe`, or of a plugin of another name that does the same.
fn manifest(name: &str) -> Manifest {
    let any = json!({"type": "object", "additionalProperties": true});
    let refusals = |codes: &[&str]| -> Vec<Value> {
        codes.iter().map(|code| json!({"code": code, "summary": "to be probed"})).collect()
    };
    let step = |name: &str| {
        let codes = match name {
            "refuse" => refusals(&["SOLD_OUT", "CLOSED", "LATE", "NOT_YET", "TOO_LATE"]),
            "hold" => refusals(&["SOLD_OUT", "LIMIT_CUSTOMER"]),
            "post" => refusals(&["SHORT"]),
            _ => Vec::new(),
        };
        json!({"name": name, "summary": name, "input": any, "output": any, "refusals": codes})
    };
    let mut steps: Vec<Value> = STEPS.iter().map(|name| step(name)).collect();
    steps.push(step("block"));
    let capabilities =
        Capability::OF_STEPS.map(|capability| json!({"name": capability.as_str(), "why": "to be probed"}));
    let event = |name: &str| json!({"type": name, "summary": name, "data": any});
    let manifest = json!({
        "name": name, "version": "1.0.0", "contract": "1.0.0", "summary": "Probes the host.",
        "steps": steps,
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

/// What a step of `probe` is: a function over its name, its input and the host.
pub type ProbeStep = fn(&str, &str, &mut dyn CallHost) -> Result<Answer, Fault>;

/// The plugin `probe`: its manifest, and what its steps do.
pub fn probe() -> (Manifest, ProbeStep) {
    probe_called("probe")
}

/// A plugin that does the same under another name.
pub fn probe_called(name: &str) -> (Manifest, ProbeStep) {
    (manifest(name), call)
}

/// A gate at which the step `block` stands until it is opened: while it stands, its tenant does nothing else.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<(bool, u32)>,
    changed: Condvar,
}

impl Gate {
    /// Lets everybody pass, from now on.
    pub fn open(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = true;
        self.changed.notify_all();
    }

    /// Returns once so many calls have come to the gate.
    pub fn wait_for(&self, calls: u32) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(state, |(_, came)| *came < calls));
    }

    fn pass(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 += 1;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |(is_open, _)| !*is_open));
    }
}

/// `probe` with a gate for its step `block`.
pub fn probe_at(gate: Arc<Gate>) -> (Manifest, Box<NativeStep>) {
    let step = move |step: &str, input: &str, host: &mut dyn CallHost| {
        if step == "block" {
            gate.pass();
            return done(json!({}));
        }
        call(step, input, host)
    };
    (manifest("probe"), Box::new(step))
}

/// The input of a step.
struct Input(Value);

impl Input {
    fn text(&self, name: &str) -> String {
        self.0[name].as_str().unwrap_or_default().to_owned()
    }

    fn number(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or(1)
    }

    fn is_set(&self, name: &str) -> bool {
        self.0[name].as_bool() == Some(true)
    }

    /// The length of time under a name, from milliseconds.
    fn length(&self, name: &str) -> Option<DurationMs> {
        self.0[name].as_u64().map(DurationMs::from_millis)
    }
}

type Given = Result<Answer, Fault>;

fn call(step: &str, input: &str, host: &mut dyn CallHost) -> Given {
    let input: Value =
        serde_json::from_str(input).map_err(|why| Fault::permanent("BAD_INPUT", why.to_string()))?;
    let input = Input(input);
    match step {
        "echo" => done(input.0),
        "refuse" => {
            // What a refusal wrote is kept.
            host.put_record(None, "refused", "true").map_err(asked)?;
            refused(&input.text("code"), "probed".to_owned())
        }
        "fault" => fault(&input, host),
        "look" => look(&input, host),
        "reach" => acts::reach(host),
        "heard" => {
            let (_, heard) = host.take_counter("heard", 1, 1_000_000).map_err(asked)?;
            done(json!({"heard": heard}))
        }
        "take" | "give" | "hold" | "settle" | "sell" | "restock" => acts::stock(step, &input, host),
        "post" | "balance" => acts::ledger(step, &input, host),
        "note" | "notes" | "say" | "find" => acts::kept(step, &input, host),
        "tag" | "untag" | "mark" => acts::people(step, &input, host),
        "emit" | "plan" | "unplan" | "write" | "counted" => acts::motion(step, &input, host),
        "apply:stock" => {
            host.define_pool(&input.text("pool"), input.number("total")).map_err(asked)?;
            Ok(Answer::Done("[]".to_owned()))
        }
        other => Err(Fault::permanent("NO_STEP", format!("probe has no step `{other}`"))),
    }
}

fn done(output: Value) -> Given {
    Ok(Answer::Done(output.to_string()))
}

fn refused(code: &str, message: String) -> Given {
    Ok(Answer::Refused(Refusal { code: code.to_owned(), message, details: None }))
}

fn asked(error: HostError) -> Fault {
    Fault::permanent("HOST", error.to_string())
}

fn own(host: &dyn CallHost) -> Option<String> {
    host.context().customer.clone()
}

/// Does everything that can be done, and then fails: nothing of it may be left.
fn fault(input: &Input, host: &mut dyn CallHost) -> Given {
    host.put_record(None, "from a failed call", "true").map_err(asked)?;
    host.take_counter("from a failed call", 1, 10).map_err(asked)?;
    let times = input.0["times"].as_u64().unwrap_or(u64::MAX);
    if u64::from(host.context().attempt) > times {
        return done(json!({"attempt": host.context().attempt}));
    }
    if input.is_set("everything") {
        for (step, input) in [
            ("note", json!({"key": "failed"})),
            ("say", json!({})),
            ("tag", json!({"tag": "failed", "for_ms": 60_000})),
            ("mark", json!({"failed": true})),
            ("emit", json!({})),
            ("plan", json!({"key": "failed", "after_ms": 1_000})),
            ("hold", json!({"pool": "shelf", "units": 2, "limit": 9, "for_ms": 1_000})),
            ("sell", json!({"pool": "shelf", "units": 1})),
            ("post", json!({"to": "failed", "units": 5})),
            ("write", json!({"template": "hello", "channel": "wecom"})),
        ] {
            call(step, &input.to_string(), host)?;
        }
    }
    let code = input.0["code"].as_str().unwrap_or("BROKEN").to_owned();
    let kind = match input.0["kind"].as_str() {
        Some("transient") => {
            let retry_after_ms = input.0["after_ms"].as_u64().and_then(|wish| u32::try_from(wish).ok());
            FaultKind::Transient { retry_after_ms }
        }
        _ => FaultKind::Permanent,
    };
    Err(Fault { kind, code, message: "probed".to_owned(), fields: Vec::new() })
}

/// What there is, as far as `fault` may have left something.
fn look(input: &Input, host: &mut dyn CallHost) -> Given {
    let record = |host: &mut dyn CallHost, key: &str| host.record(None, key).map_err(asked);
    let (failed, refused) = (record(host, "from a failed call")?, record(host, "refused")?);
    let pool = match input.0["pool"].as_str() {
        Some(pool) => host.pool(pool).map_err(asked)?,
        None => None,
    };
    let tags = host.tags(None).map_err(asked)?;
    let customer = host.customer(None).map_err(asked)?.unwrap_or_default();
    let customer: Value = serde_json::from_str(&customer).unwrap_or_default();
    let customer_key = own(host).unwrap_or_default();
    done(json!({
        "failed_record": failed.is_some(),
        "refused_record": refused.is_some(),
        "failed_counter": host.counter("from a failed call").map_err(asked)?,
        "held_counter": host.counter(&format!("held/{customer_key}")).map_err(asked)?,
        "failed_account": host.balance(&acts::own_account(host, "failed")).map_err(asked)?,
        "available": pool.map(|pool| pool.available()),
        "tags": tags.iter().map(|(tag, _)| tag.to_string()).collect::<Vec<_>>(),
        "attributes": customer["attributes"],
    }))
}
