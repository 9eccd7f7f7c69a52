//! The channel's side of the contract: what the host gives becomes what a delivery needs, and its outcome a verdict. Nothing is
//! decided here.

use serde_json::Value;
use siyu_plugin::prelude::*;
use siyu_plugin::{cache, http, log, random};

use crate::config::ChannelConfig;
use crate::deliver::{self, deliver};
use crate::judge::{Failure, Outcome};
use crate::wire::{Request, Response, Wire};

/// The channel `wecom`.
#[derive(Debug, Clone, Copy)]
pub struct Wecom;

impl Channel for Wecom {
    type Config = ChannelConfig;
    // The second is an emulator's; the host's operator and the tenant have to name it too.
    const HOSTS: &'static [&'static str] = &["https://qyapi.weixin.qq.com", "http://127.0.0.1:*"];
    const IS_IDEMPOTENT: bool = false;
    const SECRETS: &'static [SecretUse] =
        &[SecretUse::in_query("corpsecret", "asks for access tokens (应用的 Secret)")];

    fn deliver(config: ChannelConfig, message: Message) -> Verdict {
        let customer = customer_of(&message);
        verdict(deliver(&Host, &config, of(&message, &customer)))
    }

    fn reconcile(config: ChannelConfig, message: Message) -> Option<Verdict> {
        let customer = customer_of(&message);
        deliver::find_out(&Host, &config, of(&message, &customer)).map(verdict)
    }
}

fn customer_of(message: &Message) -> Value {
    serde_json::from_str(&message.customer_json).unwrap_or_default()
}

fn of<'a>(message: &'a Message, customer: &'a Value) -> deliver::Message<'a> {
    deliver::Message {
        body: &message.body,
        customer,
        planned_ms: message.planned_at.as_millis(),
        attempt: message.attempt,
    }
}

fn verdict(outcome: Outcome) -> Verdict {
    let wish = |ms: Option<u32>| ms.map(|ms| Duration::from_millis(ms.into()));
    match outcome {
        Outcome::Sent(named) => Verdict::Sent(named),
        Outcome::TaskCreated(named) => Verdict::TaskCreated(named),
        Outcome::Delivered => Verdict::Delivered(None),
        Outcome::Refused(why) => Verdict::Refused(why),
        Outcome::Later(why, ms) => Verdict::Later(why, wish(ms)),
        Outcome::Uncertain(why) => Verdict::Uncertain(why),
    }
}

/// The host.
struct Host;

impl Wire for Host {
    fn send(&self, request: &Request) -> Result<Response, Failure> {
        let asked = match &request.body {
            Some(body) => http::Request::post(&request.url)
                .header("content-type", "application/json")
                .body(body.as_bytes()),
            None => http::Request::get(&request.url),
        };
        let answer = asked.send().map_err(|error| Failure {
            is_permanent: matches!(error.code, http::ErrorCode::Invalid | http::ErrorCode::Denied),
            may_have_arrived: error.may_have_arrived,
            retry_after_ms: error.retry_after.map(millis),
            message: error.message,
        })?;
        let retry_after_ms = answer.retry_after().map(millis);
        Ok(Response { status: answer.status, retry_after_ms, body: answer.body })
    }

    fn remembered(&self, key: &str) -> Option<String> {
        told(cache::get(key)).flatten()
    }

    fn seen(&self, key: &str) -> Option<String> {
        told(cache::peek(key)).flatten()
    }

    fn remember(&self, key: &str, value: &str, until_ms: i64) {
        told(cache::put(key, value, Instant::from_millis(until_ms)));
    }

    fn forget(&self, key: &str) {
        told(cache::remove(key));
    }

    fn now_ms(&self) -> i64 {
        Instant::now().as_millis()
    }

    fn chance(&self) -> u32 {
        random::below(u64::from(u32::MAX)) as u32
    }
}

/// What is not remembered is fetched again: a fault of the memory is told, and changes nothing else.
fn told<T>(asked: Result<T, Error>) -> Option<T> {
    asked.inspect_err(|error| log::warn(format_args!("nothing is remembered: {error}"))).ok()
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
