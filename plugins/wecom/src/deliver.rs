//! One delivery: what the message asks for is read, asked of WeCom under a token, and judged. A token that is refused is fetched
//! anew once; an API that is blocked is left alone by all deliveries.

use serde_json::Value;

use crate::config::ChannelConfig;
use crate::errcode::{Class, class_of};
use crate::judge::{self, Failure, Next, Outcome};
use crate::reconcile::{self, Span};
use crate::token::{self, NoToken};
use crate::wire::{Request, Wire};
use crate::wish::Wish;

/// How long nobody asks for a token after WeCom said that the set-up is wrong.
const TOKEN_PAUSE_MS: u32 = 60_000;
/// The key of the pause of an API; the value is the instant when it is over.
const PAUSE: &str = "pause/";

/// A message that is to be delivered.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// What its template made.
    pub body: &'a str,
    /// Its customer, as the host gives them.
    pub customer: &'a Value,
    /// When it was planned, in milliseconds since 1970.
    pub planned_ms: i64,
    /// 1 for the first try.
    pub attempt: u32,
}

/// Delivers a message.
pub fn deliver(wire: &dyn Wire, config: &ChannelConfig, message: Message<'_>) -> Outcome {
    let wish = match read(config, message) {
        Ok(wish) => wish,
        Err(why) => return Outcome::Refused(why),
    };
    if judge::is_too_late(&wish, message.planned_ms, wire.now_ms()) {
        return Outcome::Refused(
            "the customer came more than 20 seconds ago: WeCom takes no welcome any more".to_owned(),
        );
    }
    let session = Session { wire, config };
    let answer = match session.ask(wish.api(), &wish.to_json()) {
        Ok(answer) => answer,
        Err(NoAnswer::Paused(ms)) => return paused(wish.api(), ms),
        Err(NoAnswer::NoToken(why)) => return Outcome::Later(why, Some(TOKEN_PAUSE_MS)),
        Err(NoAnswer::Failed(failure)) => return judge::judge_failure(&wish, failure),
    };
    match judge::judge(&wish, &answer, message.attempt, wire.chance()) {
        Next::Over(outcome) => outcome,
        Next::Block(ms) => {
            session.pause(wish.api(), ms);
            paused(wish.api(), ms)
        }
        Next::Refresh => {
            Outcome::Later("WeCom refuses a token that it just gave".to_owned(), Some(TOKEN_PAUSE_MS))
        }
    }
}

/// What became of a message whose delivery was cut off; none when it cannot be told.
pub fn find_out(wire: &dyn Wire, config: &ChannelConfig, message: Message<'_>) -> Option<Outcome> {
    let wish = match read(config, message) {
        Ok(wish) => wish,
        // It was never asked for.
        Err(why) => return Some(Outcome::Refused(why)),
    };
    let session = Session { wire, config };
    let mut ask = |api: &'static str, body: Value| {
        let answer = session.ask(api, &body).ok()?;
        (answer["errcode"].as_i64() == Some(0)).then_some(answer)
    };
    reconcile::look(&mut ask, &wish, Span { planned_ms: message.planned_ms, now_ms: wire.now_ms() })
}

fn read(config: &ChannelConfig, message: Message<'_>) -> Result<Wish, String> {
    if let Some(fault) = config.fault() {
        return Err(fault);
    }
    let mut wish = Wish::read(message.body, message.customer)?;
    if let Wish::Broadcast { sender, .. } = &mut wish
        && sender.is_none()
    {
        sender.clone_from(&config.sender);
    }
    Ok(wish)
}

fn paused(api: &str, ms: u32) -> Outcome {
    Outcome::Later(format!("45009: WeCom has blocked {api} for a while"), Some(ms))
}

/// Calls under one token.
struct Session<'a> {
    wire: &'a dyn Wire,
    config: &'a ChannelConfig,
}

/// Why there is no answer.
enum NoAnswer {
    /// The API is blocked for so long.
    Paused(u32),
    NoToken(String),
    Failed(Failure),
}

impl Session<'_> {
    fn ask(&self, api: &'static str, body: &Value) -> Result<Value, NoAnswer> {
        if let Some(left_ms) = self.pause_of(api) {
            return Err(NoAnswer::Paused(left_ms));
        }
        let token = self.token()?;
        let answer = self.post(api, &token, body)?;
        let is_over = answer["errcode"].as_i64().is_some_and(|code| class_of(code) == Class::Refresh);
        if !is_over {
            return Ok(answer);
        }
        // Somebody else may have fetched another meanwhile.
        if self.wire.seen(token::KEY).as_ref() == Some(&token) {
            self.wire.forget(token::KEY);
        }
        let token = self.token()?;
        self.post(api, &token, body)
    }

    fn token(&self) -> Result<String, NoAnswer> {
        if let Some(token) = self.wire.remembered(token::KEY) {
            return Ok(token);
        }
        if let Some(left_ms) = self.pause_of("gettoken") {
            return Err(NoAnswer::NoToken(format!("no token: nobody asks for {left_ms} ms")));
        }
        let answer = self.send(token::path(&self.config.corp_id), None)?;
        match token::read(&answer) {
            Ok(token) => {
                self.wire.remember(token::KEY, &token.text, self.wire.now_ms() + token.life_ms);
                Ok(token.text)
            }
            Err(NoToken::Later(why)) => Err(NoAnswer::NoToken(why)),
            Err(NoToken::Config(why)) => {
                self.pause("gettoken", TOKEN_PAUSE_MS);
                Err(NoAnswer::NoToken(format!("{why}; somebody has to look at how WeCom is set up")))
            }
        }
    }

    fn post(&self, api: &str, token: &str, body: &Value) -> Result<Value, NoAnswer> {
        let path = format!("/cgi-bin/externalcontact/{api}?access_token={token}");
        self.send(path, Some(body.to_string()))
    }

    fn send(&self, path: String, body: Option<String>) -> Result<Value, NoAnswer> {
        let is_token = body.is_none();
        let request = Request { url: format!("{}{path}", self.config.base), body };
        let response = self.wire.send(&request).map_err(|mut failure| {
            // Asking for a token changes nothing, whether it arrived or not.
            failure.may_have_arrived &= !is_token;
            NoAnswer::Failed(failure)
        })?;
        let failure = |may_have_arrived, is_permanent| {
            NoAnswer::Failed(Failure {
                message: format!("WeCom answered with status {}", response.status),
                may_have_arrived: may_have_arrived && !is_token,
                is_permanent,
                retry_after_ms: response.retry_after_ms,
            })
        };
        match response.status {
            200 => Ok(serde_json::from_slice(&response.body).unwrap_or_default()),
            429 => Err(failure(false, false)),
            500.. => Err(failure(true, false)),
            _ => Err(failure(false, true)),
        }
    }

    fn pause(&self, api: &str, ms: u32) {
        let until_ms = self.wire.now_ms() + i64::from(ms);
        self.wire.remember(&format!("{PAUSE}{api}"), &until_ms.to_string(), until_ms);
    }

    /// How long an API is still left alone.
    fn pause_of(&self, api: &str) -> Option<u32> {
        let until_ms: i64 = self.wire.seen(&format!("{PAUSE}{api}"))?.parse().ok()?;
        u32::try_from(until_ms - self.wire.now_ms()).ok().filter(|left_ms| *left_ms > 0)
    }
}
