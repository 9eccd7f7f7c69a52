//! Access tokens: how one is asked for, and how long it is kept. The host keeps them, and fills the secret in; nothing here sees it.

use serde_json::Value;

use crate::errcode::{Class, class_of, words_of};

/// The key under which the host keeps the token.
pub const KEY: &str = "access_token";
/// What the host puts the secret in place of.
pub const SECRET: &str = "{{secret:corpsecret}}";
/// A token is not used in the last minutes of its life: a request takes time, and clocks differ.
const MARGIN_MS: i64 = 300_000;
/// The shortest time that it is worth keeping.
const LIFE_MS_MIN: i64 = 10_000;
/// Bytes of a token; WeCom asks for room for 512.
const TOKEN_BYTES_MAX: usize = 2_048;

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What goes into `access_token=`.
    pub text: String,
    /// For how long it is used from now.
    pub life_ms: i64,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoToken {
    /// It may come later.
    Later(String),
    /// Somebody has to look.
    Config(String),
}

/// The path and query that ask for one.
pub fn path(corp_id: &str) -> String {
    format!("/cgi-bin/gettoken?corpid={corp_id}&corpsecret={SECRET}")
}

/// The token in an answer.
///
/// # Errors
/// When there is none.
pub fn read(answer: &Value) -> Result<Token, NoToken> {
    let code = answer["errcode"].as_i64().unwrap_or_default();
    if code != 0 {
        let why = format!("no token: {code}, {}", words_of(code));
        return Err(match class_of(code) {
            Class::Config | Class::Permanent => NoToken::Config(why),
            _ => NoToken::Later(why),
        });
    }
    let text = answer["access_token"].as_str().unwrap_or_default();
    let is_token = (1..=TOKEN_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    let life_ms = answer["expires_in"].as_i64().unwrap_or_default().clamp(0, 86_400) * 1000;
    match is_token && life_ms > 0 {
        true => {
            Ok(Token { text: text.to_owned(), life_ms: (life_ms - MARGIN_MS).max(life_ms.min(LIFE_MS_MIN)) })
        }
        false => Err(NoToken::Later("WeCom's answer has no token of letters, digits, - and _".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_kept_for_less_than_it_lives() {
        for (expires_in, life_ms) in [(7_200, 6_900_000), (301, 10_000), (5, 5_000), (i64::MAX, 86_100_000)] {
            let token =
                read(&json!({ "errcode": 0, "access_token": "aZ-_9", "expires_in": expires_in })).unwrap();
            assert_eq!((token.text.as_str(), token.life_ms), ("aZ-_9", life_ms));
        }
    }

    #[test]
    fn what_is_no_token_is_not_put_into_a_url() {
        for token in
            [json!("a&b=c"), json!("a b"), json!(""), json!("x".repeat(2_049)), json!(7), json!("a#")]
        {
            assert!(
                read(&json!({ "errcode": 0, "access_token": token, "expires_in": 7200 })).is_err(),
                "{token}"
            );
        }
        assert!(read(&json!({ "errcode": 0, "access_token": "a", "expires_in": 0 })).is_err());
        assert!(matches!(read(&json!({ "errcode": 40001 })), Err(NoToken::Config(_))));
        assert!(matches!(read(&json!({ "errcode": 40013 })), Err(NoToken::Config(_))));
        assert!(matches!(read(&json!({ "errcode": -1 })), Err(NoToken::Later(_))));
        assert!(matches!(read(&json!({ "errcode": 45009 })), Err(NoToken::Later(_))));
        assert!(matches!(read(&json!(null)), Err(NoToken::Later(_))));
    }
}
