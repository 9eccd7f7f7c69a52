//! The plugin `box`: it takes, holds and sells, says in its output what it did, and fails when a hash says so.
//!
//! Every call counts itself under `calls` and leaves a record of its own id, so what was done twice, or done and not told,
//! is found in the counters. A call that fails has done everything first: nothing of it may be left.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};
use siyu_engine::doubles::NativePlugins;
use siyu_engine::ports::plugins::{
    AccountName, CallHost, EmitRequest, HostError, MessageRequest, PostRequest, Posted, ReserveRequest,
    Reserved, TagRequest, TransferRequest,
};
use siyu_model::clock::DurationMs;
use siyu_model::plugin::{Answer, Capability, CapabilitySet, Fault, FaultKind, HostFault, Manifest, Refusal};
use siyu_workflow::{Catalog, CatalogPlugin};

/// Its steps.
const STEPS: [&str; 14] = [
    "take", "give", "hold", "settle", "sell", "echo", "flaky", "tell", "plan", "write", "mint", "tag",
    "earn", "spend",
];

/// More than anybody takes in a simulation.
const MANY: u64 = 1_000_000_000;

/// The manifest of `box`.
pub fn manifest() -> Manifest {
    let any = json!({"type": "object", "additionalProperties": true});
    let steps: Vec<Value> = STEPS
        .iter()
        .map(|name| {
            let codes: &[&str] = match *name {
                "hold" => &["SOLD_OUT", "LIMIT"],
                "spend" => &["SHORT"],
                _ => &[],
            };
            let refusals: Vec<Value> =
                codes.iter().map(|code| json!({"code": code, "summary": "to be simulated"})).collect();
            json!({"name": name, "summary": name, "input": any, "output": any, "refusals": refusals})
        })
        .collect();
    let capabilities =
        Capability::OF_STEPS.map(|capability| json!({"name": capability.as_str(), "why": "to be simulated"}));
    let data = json!({
        "type": "object",
        "properties": {"n": {"type": "integer"}, "items": {"type": "array"}},
        "required": ["n", "items"]
    });
    let event = |name: &str| json!({"type": name, "summary": name, "data": data});
    let manifest = json!({
        "name": "box", "version": "1.0.0", "contract": "1.0.0", "summary": "Is simulated.",
        "steps": steps,
        "resources": [{"kind": "stock", "summary": "A pool", "schema": any}],
        "events": [event("box.rang"), event("box.planned")],
        "reactions": [],
        "capabilities": capabilities,
    });
    Manifest::from_json(&manifest.to_string()).expect("the manifest of box is one")
}

/// The host's plugins: `box`, of which so many calls of a hundred fail. Which ones is a matter of their ids and attempts, so
/// a call that is repeated after a crash goes the same way.
pub fn plugins(faults_percent: u64) -> NativePlugins {
    NativePlugins::default().with(manifest(), move |step: &str, input: &str, host: &mut dyn CallHost| {
        call(step, input, host, faults_percent)
    })
}

/// What the compiler is told of it.
pub struct Installed;

impl Catalog for Installed {
    fn plugin(&self, name: &str) -> Option<CatalogPlugin> {
        let manifest = manifest();
        let imports: CapabilitySet = manifest.capabilities.iter().map(|used| used.name).collect();
        (name == "box").then(|| CatalogPlugin {
            digest: NativePlugins::digest(&manifest),
            manifest: manifest.into(),
            imports,
        })
    }

    fn names(&self) -> Vec<String> {
        vec!["box".to_owned()]
    }
}

/// The input of a step.
struct Input(Value);

impl Input {
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }

    fn number(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or(1)
    }

    fn length(&self, name: &str) -> DurationMs {
        DurationMs::from_millis(self.number(name))
    }
}

fn call(step: &str, input: &str, host: &mut dyn CallHost, faults_percent: u64) -> Result<Answer, Fault> {
    let input =
        Input(serde_json::from_str(input).map_err(|why| Fault::permanent("BAD_INPUT", why.to_string()))?);
    if step == "apply:stock" {
        host.define_pool(input.text("pool"), input.number("total")).map_err(asked)?;
        return Ok(Answer::Done("[]".to_owned()));
    }
    count(host, "calls")?;
    let own = format!("call/{}", host.context().id);
    if !host.insert_record(None, &own, "{}").map_err(asked)? {
        count(host, "twice")?;
    }
    let answer = act(step, &input, host)?;
    match fault(host, faults_percent) {
        Some(fault) => {
            count(host, "poison")?;
            Err(fault)
        }
        None => Ok(answer),
    }
}

fn count(host: &mut dyn CallHost, key: &str) -> Result<(), Fault> {
    host.take_counter(key, 1, MANY).map(drop).map_err(asked)
}

fn asked(error: HostError) -> Fault {
    Fault::permanent("HOST", error.to_string())
}

/// How a call fails that did all its work.
fn fault(host: &dyn CallHost, percent: u64) -> Option<Fault> {
    let context = host.context();
    let mut hasher = DefaultHasher::new();
    // Runs of one playbook have ids that depend on nothing but what caused them, and so has this.
    (&context.id, context.attempt).hash(&mut hasher);
    let hash = hasher.finish();
    if hash % 100 >= percent {
        return None;
    }
    let host_faults =
        [HostFault::Trap, HostFault::FuelExhausted, HostFault::MemoryLimit, HostFault::GuestPanic];
    Some(match hash / 100 % 8 {
        0..4 => host_faults[(hash / 800 % 4) as usize].fault("simulated"),
        4 => Fault::permanent("BROKEN", "simulated"),
        _ => transient(None),
    })
}

fn transient(retry_after_ms: Option<u32>) -> Fault {
    Fault {
        kind: FaultKind::Transient { retry_after_ms },
        code: "BUSY".to_owned(),
        message: "simulated".to_owned(),
        fields: Vec::new(),
    }
}

fn done(output: Value) -> Result<Answer, Fault> {
    Ok(Answer::Done(output.to_string()))
}

fn act(step: &str, input: &Input, host: &mut dyn CallHost) -> Result<Answer, Fault> {
    match step {
        "take" => {
            let (key, units) = (input.text("key"), input.number("units"));
            let (ok, used) = host.take_counter(key, units, input.number("limit")).map_err(asked)?;
            done(json!({"box": "take", "ok": ok, "key": key, "units": units, "used": used}))
        }
        "give" => {
            let (key, units) = (input.text("key"), input.number("units"));
            host.give_back_counter(key, units).map_err(asked)?;
            done(json!({"box": "give", "key": key, "units": units}))
        }
        "hold" => hold(input, host),
        "earn" | "spend" => post(step, input, host),
        "settle" => {
            let reservation = input.text("reservation");
            let settled = match input.0["sell"].as_bool() {
                Some(true) => host.commit_reservation(reservation),
                _ => host.release_reservation(reservation),
            };
            done(json!({"box": "settle", "ok": settled.map_err(asked)?}))
        }
        "sell" => {
            let (pool, units) = (input.text("pool"), input.number("units"));
            let ok = host.take_from_pool(pool, units).map_err(asked)?;
            done(json!({"box": "sell", "ok": ok, "pool": pool, "units": units}))
        }
        "flaky" if u64::from(host.context().attempt) <= input.number("times") => {
            Err(transient(u32::try_from(input.number("after_ms")).ok()))
        }
        "tell" | "plan" | "write" | "mint" | "tag" => motion(step, input, host),
        _ => done(json!({"box": step, "n": input.0["n"], "attempt": host.context().attempt})),
    }
}

fn hold(input: &Input, host: &mut dyn CallHost) -> Result<Answer, Fault> {
    let customer = host.context().customer.clone().unwrap_or_default();
    let request = ReserveRequest {
        pool: input.text("pool").to_owned(),
        units: input.number("units"),
        expires_at: host.context().now + input.length("for_ms"),
        quotas: vec![(format!("held/{customer}"), 1, input.number("limit"))],
        reference: None,
    };
    let (code, message) = match host.reserve(request).map_err(asked)? {
        Reserved::Held(reservation) => return done(json!({"box": "hold", "reservation": reservation})),
        Reserved::SoldOut(left) => ("SOLD_OUT", format!("{left} left")),
        Reserved::OverQuota(key, used) => ("LIMIT", format!("{key}: {used} used")),
    };
    // What a refusal wrote is kept.
    count(host, "refusals")?;
    let details = Some(json!({"box": "refusal"}).to_string());
    Ok(Answer::Refused(Refusal { code: code.to_owned(), message, details }))
}

/// Moves units between the tenant and the customer, both ways through the accounts that the shipped plugin for points has. A run
/// without a customer has an account of the tenant's in the place of theirs.
fn post(step: &str, input: &Input, host: &mut dyn CallHost) -> Result<Answer, Fault> {
    let units = input.number("units");
    let of_tenant = |name: &str| AccountName { customer: None, name: name.to_owned() };
    let theirs = AccountName { customer: host.context().customer.clone(), name: "points".to_owned() };
    let (from, to) = match step {
        "earn" => (of_tenant("issued"), theirs.clone()),
        _ => (theirs.clone(), of_tenant("redeemed")),
    };
    let transfers = vec![TransferRequest { from, to, units }];
    match host.post(PostRequest { transfers, reference: None }).map_err(asked)? {
        Posted::Done(_) => {
            let balance = host.balance(&theirs).map_err(asked)?;
            done(json!({"box": step, "units": units, "balance": balance}))
        }
        Posted::Short(_, holds) => {
            count(host, "refusals")?;
            let details = Some(json!({"box": "refusal"}).to_string());
            let message = format!("{holds} are there");
            Ok(Answer::Refused(Refusal { code: "SHORT".to_owned(), message, details }))
        }
    }
}

fn motion(step: &str, input: &Input, host: &mut dyn CallHost) -> Result<Answer, Fault> {
    let data = json!({"n": input.0["n"].as_i64().unwrap_or(0), "items": []}).to_string();
    let now = host.context().now;
    match step {
        "tell" => {
            host.emit(EmitRequest { event_type: "box.rang", customer: None, data: &data }).map_err(asked)?;
        }
        "plan" => {
            let key = host.context().id.clone();
            let event = EmitRequest { event_type: "box.planned", customer: None, data: &data };
            host.emit_at(&key, now + input.length("after_ms"), event).map_err(asked)?;
        }
        "write" => {
            let message = MessageRequest {
                template: "hello",
                channel: "wecom",
                customer: None,
                variables: r#"{"n":0}"#,
            };
            let _id_or_rule = host.enqueue_message(message).map_err(asked)?;
        }
        "mint" => {
            let code = host.mint_code("words", 12, "minted").map_err(asked)?;
            return done(json!({"box": "mint", "code": code, "random": host.random(2)}));
        }
        _ => {
            let request = TagRequest {
                tag: input.text("tag").to_owned(),
                source: "box".to_owned(),
                effective_at: now,
                expires_at: Some(now + input.length("for_ms")),
                confidence_percent: 100,
                evidence: None,
            };
            host.put_tag(None, request).map_err(asked)?;
        }
    }
    done(json!({"box": step}))
}
