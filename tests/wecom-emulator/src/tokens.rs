//! Access tokens: asked for with the secret, good for two hours at most, and sometimes not even that.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::codes::{
    NO_CORP, NO_SECRET, NO_TOKEN, Refusal, TOKEN_EXPIRED, WRONG_CORP, WRONG_SECRET, WRONG_TOKEN,
};
use crate::routes::Call;
use crate::world::World;

/// Room for a token, as WeCom asks for: at least 512 bytes.
const TOKEN_BYTES: usize = 512;

/// The tokens of the application.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    current: Option<(String, i64)>,
    /// Those that are over, with the code that says why.
    over: BTreeMap<String, i64>,
    made: u32,
}

impl Tokens {
    /// Ends the current token early.
    pub(crate) fn end(&mut self, code: i64) {
        if let Some((token, _)) = self.current.take() {
            self.over.insert(token, code);
        }
    }

    /// Whether a token is good.
    pub(crate) fn check(&mut self, token: Option<&str>, now_ms: i64) -> Result<(), Refusal> {
        let token = token.filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| Refusal::new(NO_TOKEN, "access_token missing"))?;
        self.let_expire(now_ms);
        match &self.current {
            Some((current, _)) if current == token => Ok(()),
            _ => Err(match self.over.get(token) {
                Some(&code) if code == TOKEN_EXPIRED => Refusal::new(code, "access_token expired"),
                _ => Refusal::new(WRONG_TOKEN, "invalid access_token"),
            }),
        }
    }

    /// The same token for everybody who asks while it is good.
    fn give(&mut self, now_ms: i64, (life_ms, salt): (i64, u64)) -> (String, i64) {
        self.let_expire(now_ms);
        let made = &mut self.made;
        let (token, until_ms) = self.current.get_or_insert_with(|| {
            *made += 1;
            (format!("emulated-{made}-{salt:016x}-"), now_ms + life_ms)
        });
        let missing = TOKEN_BYTES.saturating_sub(token.len());
        token.push_str(&"T".repeat(missing));
        (token.clone(), (*until_ms - now_ms) / 1000)
    }

    fn let_expire(&mut self, now_ms: i64) {
        if self.current.as_ref().is_some_and(|(_, until_ms)| *until_ms <= now_ms) {
            self.end(TOKEN_EXPIRED);
        }
    }
}

/// `gettoken` (document 91039).
pub(crate) fn give(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let corp = call.query("corpid").ok_or_else(|| Refusal::new(NO_CORP, "corpid missing"))?;
    let secret = call.query("corpsecret").ok_or_else(|| Refusal::new(NO_SECRET, "corpsecret missing"))?;
    if corp != world.settings.corp_id {
        return Err(Refusal::new(WRONG_CORP, "invalid corpid"));
    }
    if secret != world.settings.secret {
        return Err(Refusal::new(WRONG_SECRET, "invalid credential"));
    }
    let salt = world.chance.u64(..);
    let (token, expires_in) = world.tokens.give(call.now_ms, (world.settings.limits.token_ms, salt));
    Ok(json!({ "access_token": token, "expires_in": expires_in }))
}
