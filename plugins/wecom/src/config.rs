//! How the plugin is set up: as a channel in `channels.toml`, and as a source in `sources.toml`. Secrets are not among it.

use schemars::JsonSchema;
use serde::Deserialize;

/// Where WeCom is.
pub const BASE: &str = "https://qyapi.weixin.qq.com";
/// Bytes of a corp's id.
const CORP_BYTES_MAX: usize = 64;

/// Reaches a corp's customers in WeCom (企业微信): welcomes, broadcasts that staff confirm, tags, contact ways, reminders.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelConfig {
    /// 企业ID, such as `ww0123456789abcdef`.
    pub corp_id: String,
    /// Where WeCom is; another address for an emulator.
    #[serde(default = "base")]
    pub base: String,
    /// The `userid` that sends broadcasts which name nobody; who chatted with the customer last without it.
    #[serde(default)]
    pub sender: Option<String>,
}

/// Takes a corp's callbacks from WeCom (企业微信).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// For whom callbacks are sealed: the corp's id for an application of its own, the suite's id for one of a service provider.
    pub receive_id: String,
}

fn base() -> String {
    BASE.to_owned()
}

impl ChannelConfig {
    /// What is wrong with it.
    pub fn fault(&self) -> Option<String> {
        let is_corp = (1..=CORP_BYTES_MAX).contains(&self.corp_id.len())
            && self.corp_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if !is_corp {
            return Some(format!("`corp_id` is `{}`: expected letters and digits", shown(&self.corp_id)));
        }
        let is_base = ["https://", "http://"].iter().any(|begin| self.base.starts_with(begin));
        if !is_base || self.base.ends_with('/') || self.base.contains(['?', '#', ' ']) {
            return Some(format!("`base` is `{}`: expected https://host without an end", shown(&self.base)));
        }
        None
    }
}

fn shown(text: &str) -> String {
    text.chars().take(64).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_set_up_is_said() {
        for (config, fault) in [
            (json!({ "corp_id": "ww1" }), ""),
            (json!({ "corp_id": "ww1", "base": "http://127.0.0.1:4321" }), ""),
            (json!({ "corp_id": "ww1&corpsecret=x" }), "`corp_id` is `ww1&corpsecret=x`"),
            (json!({ "corp_id": "" }), "`corp_id` is ``"),
            (json!({ "corp_id": "ww1", "base": "https://a.example/" }), "`base` is"),
            (json!({ "corp_id": "ww1", "base": "ftp://a.example" }), "`base` is"),
        ] {
            let read: ChannelConfig = serde_json::from_value(config.clone()).unwrap();
            let found = read.fault().unwrap_or_default();
            assert!(found.starts_with(fault) && found.is_empty() == fault.is_empty(), "{config}: {found}");
        }
    }
}
