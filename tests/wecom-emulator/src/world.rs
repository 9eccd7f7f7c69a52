//! Everything there is of a corp, and how a call is answered: pace, token, plans and chance first, then the API itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use crate::broadcasts::Broadcasts;
use crate::callback::Callback;
use crate::codes::{Refusal, SYSTEM_BUSY, TOO_MANY_AT_ONCE};
use crate::people::People;
use crate::rates::{Pace, Rates};
use crate::record::{Called, Complaint, Record};
use crate::routes::{Call, Route};
use crate::settings::{Faults, Settings};
use crate::tags::Tags;
use crate::tokens::Tokens;
use crate::ways::Ways;
use crate::welcome::Welcomes;

/// 系统繁忙, as other parts of WeCom say it: "data version conflict".
const CONFLICT: i64 = 6000;
/// The API whose calls at once are limited.
const MARK_TAG: &str = "mark_tag";
/// The one that hands tokens out.
pub(crate) const GET_TOKEN: &str = "gettoken";

/// For so long after a client was told something, calls may come that were on their way before.
const ON_THEIR_WAY_MS: i64 = 1_000;

/// What is planned for the next call of an API.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Plan {
    Fail(i64),
    LoseAnswer,
}

/// A corp.
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) chance: fastrand::Rng,
    pub(crate) tokens: Tokens,
    pub(crate) rates: Rates,
    pub(crate) people: People,
    pub(crate) ways: Ways,
    pub(crate) welcomes: Welcomes,
    pub(crate) tags: Tags,
    pub(crate) broadcasts: Broadcasts,
    pub(crate) record: Record,
    /// Callbacks that are to be sent.
    pub(crate) due: Vec<Callback>,
    pub(crate) plans: BTreeMap<String, VecDeque<Plan>>,
    /// APIs whose calls wait.
    pub(crate) held: BTreeSet<String>,
    under_way: BTreeMap<&'static str, u32>,
    /// With the instant at which each was refused first.
    refused_tokens: BTreeMap<String, i64>,
}

/// An answer, and whether anybody hears it.
pub(crate) struct Answer {
    pub(crate) body: Value,
    pub(crate) is_lost: bool,
}

impl World {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            chance: fastrand::Rng::with_seed(settings.seed),
            settings,
            tokens: Tokens::default(),
            rates: Rates::default(),
            people: People::default(),
            ways: Ways::default(),
            welcomes: Welcomes::default(),
            tags: Tags::default(),
            broadcasts: Broadcasts::default(),
            record: Record::default(),
            due: Vec::new(),
            plans: BTreeMap::new(),
            held: BTreeSet::new(),
            under_way: BTreeMap::new(),
            refused_tokens: BTreeMap::new(),
        }
    }

    /// How many calls of an API came and are not answered yet.
    pub(crate) fn under_way(&self, api: &str) -> u32 {
        self.under_way.get(api).copied().unwrap_or(0)
    }

    /// A call comes in; how many of its API there are now.
    pub(crate) fn arrive(&mut self, api: &'static str) -> u32 {
        let count = self.under_way.entry(api).or_default();
        *count += 1;
        let seen = match api {
            GET_TOKEN => &mut self.record.token_calls_at_once_max,
            MARK_TAG => &mut self.record.tag_calls_at_once_max,
            _ => return *count,
        };
        *seen = (*seen).max(*count);
        *count
    }

    /// A call that came in goes, answered or not.
    pub(crate) fn leave(&mut self, api: &'static str) {
        if let Some(count) = self.under_way.get_mut(api) {
            *count = count.saturating_sub(1);
        }
    }

    /// Answers a call that came in as one of `at_once`.
    pub(crate) fn answer(&mut self, route: &Route, call: &Call, at_once: u32) -> Answer {
        let planned = self.plans.get_mut(call.api).and_then(VecDeque::pop_front);
        let by_chance = Faults::happens(&mut self.chance, self.settings.faults.answers_lost_per_mille);
        let is_lost = by_chance || matches!(planned, Some(Plan::LoseAnswer));
        let done = match planned {
            Some(Plan::Fail(code)) => Err(Refusal::new(code, "as planned")),
            _ => self.may_be(route, call, at_once).and_then(|()| (route.run)(self, call)),
        };
        let (errcode, body) = match done {
            Ok(mut body) => {
                body["errcode"] = 0.into();
                body["errmsg"] = "ok".into();
                (0, body)
            }
            Err(refusal) => (refusal.code, refusal.to_json()),
        };
        self.record.push(Called {
            at_ms: call.now_ms,
            api: call.api,
            body: call.body_for_record(),
            errcode,
            is_answer_lost: is_lost,
        });
        Answer { body, is_lost }
    }

    /// Whether the call gets as far as its API.
    fn may_be(&mut self, route: &Route, call: &Call, at_once: u32) -> Result<(), Refusal> {
        match self.rates.count(call.api, call.now_ms, &self.settings.limits) {
            Pace::Fine => {}
            Pace::Over(refusal) => return Err(refusal),
            Pace::Blocked { refusal, for_ms } => {
                if for_ms > ON_THEIR_WAY_MS {
                    self.record.complain(call, Complaint::CalledWhileBlocked);
                }
                return Err(refusal);
            }
        }
        if route.needs_token {
            self.check_token(call)?;
        }
        if call.api == MARK_TAG && at_once > self.settings.limits.tag_calls_at_once {
            self.record.complain(call, Complaint::TooManyTagsAtOnce);
            return Err(Refusal::new(TOO_MANY_AT_ONCE, "api concurrent out of limit"));
        }
        if Faults::happens(&mut self.chance, self.settings.faults.busy_per_mille) {
            let code = if self.chance.bool() { SYSTEM_BUSY } else { CONFLICT };
            return Err(Refusal::new(code, "system busy"));
        }
        Ok(())
    }

    fn check_token(&mut self, call: &Call) -> Result<(), Refusal> {
        let token = call.query("access_token");
        let refusal = match self.tokens.check(token, call.now_ms) {
            Ok(()) => return Ok(()),
            Err(refusal) => refusal,
        };
        if let Some(token) = token {
            let first_ms = *self.refused_tokens.entry(token.to_owned()).or_insert(call.now_ms);
            if call.now_ms - first_ms > ON_THEIR_WAY_MS {
                self.record.complain(call, Complaint::RefusedTokenAgain);
            }
        }
        Err(refusal)
    }
}
