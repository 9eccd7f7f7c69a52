//! What the steps of `probe` ask of the host, a function each family of capabilities.

use serde_json::json;
use siyu_engine::ports::network::Request;
use siyu_engine::ports::plugins::{
    AccountName, CallHost, EmitRequest, FoundCode, HostError, MessageRequest, PostRequest, Posted,
    RecordScan, ReserveRequest, Reserved, TagRequest, TransferRequest,
};
use siyu_model::clock::DurationMs;

use super::{Given, Input, asked, done, own, refused};

/// Reaches for what no step has; says what each was answered.
pub(super) fn reach(host: &mut dyn CallHost) -> Given {
    let request = Request {
        method: "GET".to_owned(),
        url: "https://peer.example/".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let sent = host.send(request).map(drop).map_err(|fault| format!("{:?}", fault.code));
    let said = |answer: Result<(), HostError>| answer.map_err(|fault| fault.to_string());
    let (cached, peeked) = (said(host.cached("token").map(drop)), said(host.peek_cached("token").map(drop)));
    let secrets = said(host.secrets().map(drop));
    done(
        json!({"sent": sent.err(), "cached": cached.err(), "peeked": peeked.err(), "secrets": secrets.err()}),
    )
}

pub(super) fn stock(step: &str, input: &Input, host: &mut dyn CallHost) -> Given {
    match step {
        "take" => {
            let taken = host.take_counter(&input.text("key"), input.number("units"), input.number("limit"));
            let (ok, used) = taken.map_err(asked)?;
            done(json!({"ok": ok, "used": used}))
        }
        "give" => {
            host.give_back_counter(&input.text("key"), input.number("units")).map_err(asked)?;
            done(json!({}))
        }
        "settle" => {
            let reservation = input.text("reservation");
            let settled = if input.is_set("sell") {
                host.commit_reservation(&reservation)
            } else {
                host.release_reservation(&reservation)
            };
            done(json!({"ok": settled.map_err(asked)?}))
        }
        "sell" => {
            let sold = host.take_from_pool(&input.text("pool"), input.number("units")).map_err(asked)?;
            done(json!({"ok": sold}))
        }
        "restock" => {
            host.restock_pool(&input.text("pool"), input.number("units")).map_err(asked)?;
            done(json!({}))
        }
        _ => hold(input, host),
    }
}

fn hold(input: &Input, host: &mut dyn CallHost) -> Given {
    let length = input.length("for_ms").unwrap_or(DurationMs::from_millis(60_000));
    let customer = own(host).unwrap_or_default();
    let request = ReserveRequest {
        pool: input.text("pool"),
        units: input.number("units"),
        expires_at: host.context().now + length,
        quotas: vec![(format!("held/{customer}"), 1, input.number("limit"))],
        reference: None,
    };
    match host.reserve(request).map_err(asked)? {
        Reserved::Held(reservation) => {
            if input.is_set("sell") {
                host.commit_reservation(&reservation).map_err(asked)?;
            }
            done(json!({"reservation": reservation}))
        }
        Reserved::SoldOut(left) => refused("SOLD_OUT", format!("{left} left")),
        Reserved::OverQuota(key, used) => refused("LIMIT_CUSTOMER", format!("{key}: {used} used")),
    }
}

/// An account of the call's customer.
pub(super) fn own_account(host: &dyn CallHost, name: &str) -> AccountName {
    AccountName { customer: own(host), name: name.to_owned() }
}

/// `post` moves units from the tenant's account `issued`, or the customer's account `from`, to the customer's account `to`, or
/// the tenant's `redeemed`, as often as `times` says in one posting.
pub(super) fn ledger(step: &str, input: &Input, host: &mut dyn CallHost) -> Given {
    let account = |host: &dyn CallHost, name: &str, other: &str| match input.0[name].as_str() {
        Some(name) => own_account(host, name),
        None => AccountName { customer: None, name: other.to_owned() },
    };
    if step == "balance" {
        let of = account(host, "account", "issued");
        return done(json!({"units": host.balance(&of).map_err(asked)?}));
    }
    let (from, to) = (account(host, "from", "issued"), account(host, "to", "redeemed"));
    let transfer = TransferRequest { from, to, units: input.0["units"].as_u64().unwrap_or(1) };
    let transfers = vec![transfer; usize::try_from(input.number("times")).unwrap_or(1)];
    let reference = input.0["reference"].as_str().map(str::to_owned);
    match host.post(PostRequest { transfers, reference }).map_err(asked)? {
        Posted::Done(posting) => done(json!({"posting": posting})),
        Posted::Short(account, holds) => refused("SHORT", format!("{} holds {holds}", account.name)),
    }
}

pub(super) fn kept(step: &str, input: &Input, host: &mut dyn CallHost) -> Given {
    match step {
        "note" => {
            let key = format!("note/{}", input.text("key"));
            let is_new = host.insert_record(own(host).as_deref(), &key, "{}").map_err(asked)?;
            done(json!({"is_new": is_new}))
        }
        "notes" => {
            let scan = RecordScan { prefix: "note/", after: None, limit: 100 };
            let notes = host.scan_records(own(host).as_deref(), scan).map_err(asked)?;
            done(json!({"keys": notes.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>()}))
        }
        "say" => {
            let code = host.mint_code("words", 12, "said").map_err(asked)?;
            done(json!({"code": code, "random": host.random(4)}))
        }
        _ => done(match host.find_code("words", &input.text("code")).map_err(asked)? {
            FoundCode::Known(code, reference) => json!({"found": code, "reference": reference}),
            FoundCode::Malformed(why) => json!({"malformed": why}),
            FoundCode::Unknown => json!({"unknown": true}),
        }),
    }
}

pub(super) fn people(step: &str, input: &Input, host: &mut dyn CallHost) -> Given {
    match step {
        "tag" => {
            let now = host.context().now;
            let request = TagRequest {
                tag: input.text("tag"),
                source: "probe".to_owned(),
                effective_at: now,
                expires_at: input.length("for_ms").map(|length| now + length),
                confidence_percent: 100,
                evidence: None,
            };
            let is_new = host.put_tag(None, request).map_err(asked)?;
            done(json!({"is_new": is_new}))
        }
        "untag" => {
            let was_there = host.remove_tag(None, &input.text("tag"), "probed").map_err(asked)?;
            done(json!({"was_there": was_there}))
        }
        _ => {
            host.set_attributes(None, &input.0.to_string()).map_err(asked)?;
            done(json!({}))
        }
    }
}

pub(super) fn motion(step: &str, input: &Input, host: &mut dyn CallHost) -> Given {
    let data = input.0.to_string();
    match step {
        "emit" => {
            let event = EmitRequest { event_type: "probe.rang", customer: None, data: &data };
            host.emit(event).map_err(asked)?;
            done(json!({}))
        }
        "plan" => {
            let at = host.context().now + input.length("after_ms").unwrap_or_default();
            let event = EmitRequest { event_type: "probe.planned", customer: None, data: "{}" };
            host.emit_at(&input.text("key"), at, event).map_err(asked)?;
            done(json!({}))
        }
        "unplan" => {
            let was_there = host.cancel_planned(&input.text("key")).map_err(asked)?;
            done(json!({"was_there": was_there}))
        }
        "write" => {
            let (template, channel) = (input.text("template"), input.text("channel"));
            let message = MessageRequest {
                template: &template,
                channel: &channel,
                customer: None,
                variables: &input.0["with"]
                    .as_object()
                    .map_or_else(|| "{}".to_owned(), |with| json!(with).to_string()),
            };
            done(match host.enqueue_message(message).map_err(asked)? {
                Ok(message) => json!({"message": message}),
                Err(why) => json!({"blocked": why}),
            })
        }
        _ => {
            let since = host.context().now - input.length("since_ms").unwrap_or_default();
            let count = host.count_events(&input.text("type"), None, since).map_err(asked)?;
            done(json!({"count": count}))
        }
    }
}
