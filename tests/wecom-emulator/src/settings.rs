//! What a corp is like: its secrets, its limits and its bad days. Limits are WeCom's own where a test says nothing else.

use serde::Deserialize;

/// A corp (企业) and how it behaves. The secrets are those of the official samples: they protect nothing.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// 企业ID.
    pub corp_id: String,
    /// The application's secret (`corpsecret`).
    pub secret: String,
    /// The callback's token.
    pub callback_token: String,
    /// The callback's `EncodingAESKey`, 43 characters.
    pub aes_key: String,
    /// Where callbacks go; without it they wait.
    pub callback_url: Option<String>,
    /// Where to listen: a loopback address.
    pub listen: String,
    /// Whether callbacks go out by themselves, instead of when a test says so.
    pub sends_by_itself: bool,
    /// What chance does.
    pub seed: u64,
    /// Its limits.
    pub limits: Limits,
    /// Its bad days.
    pub faults: Faults,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            corp_id: "wx5823bf96d3bd56c7".to_owned(),
            secret: "emulated-secret".to_owned(),
            callback_token: "QDG6eK".to_owned(),
            aes_key: "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C".to_owned(),
            callback_url: None,
            listen: "127.0.0.1:0".to_owned(),
            sends_by_itself: false,
            seed: 1,
            limits: Limits::default(),
            faults: Faults::default(),
        }
    }
}

/// What WeCom allows.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How long a token is good, in milliseconds (document 91039).
    pub token_ms: i64,
    /// How long a welcome code is good (92599).
    pub welcome_ms: i64,
    /// Calls of one API in a minute (90454); more, and it is blocked for a minute.
    pub calls_per_minute: u32,
    /// Calls of one API in an hour; more, and it is blocked for an hour.
    pub calls_per_hour: u32,
    /// Calls of `mark_tag` at once; from the community's reports.
    pub tag_calls_at_once: u32,
    /// How long the receiver of a callback may take (90930).
    pub callback_ms: u64,
    /// How often a callback that nobody took is sent again.
    pub callback_retries_max: u32,
    /// For how long after it was made a relation is not seen by the API: 84061.
    pub relation_lag_ms: i64,
    /// For how long after it was made a broadcast is being dispatched: 41063.
    pub dispatch_lag_ms: i64,
    /// Reminders of one broadcast in 24 hours (97610).
    pub reminders_per_day: u32,
    /// Contact ways of the corp, in all.
    pub contact_ways_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            token_ms: 7_200_000,
            welcome_ms: 20_000,
            calls_per_minute: 10_000,
            calls_per_hour: 150_000,
            tag_calls_at_once: 5,
            callback_ms: 5_000,
            callback_retries_max: 3,
            relation_lag_ms: 0,
            dispatch_lag_ms: 0,
            reminders_per_day: 3,
            contact_ways_max: 500_000,
        }
    }
}

/// What goes wrong by chance, in thousandths. The seed and the order of calls decide.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// A call is not done, and answered with -1 or 6000.
    pub busy_per_mille: u32,
    /// A call is done, and its answer is lost.
    pub answers_lost_per_mille: u32,
    /// A callback is sent twice.
    pub callbacks_doubled_per_mille: u32,
    /// A callback is never sent.
    pub callbacks_lost_per_mille: u32,
    /// A callback comes after one that it should come before.
    pub callbacks_swapped_per_mille: u32,
}

impl Faults {
    /// Whether chance wants a fault of so many thousandths.
    pub(crate) fn happens(chance: &mut fastrand::Rng, per_mille: u32) -> bool {
        per_mille > 0 && chance.u32(0..1000) < per_mille
    }
}
