//! What the plugin `box` does: counters, one pool, reservations, accounts in double entry. A call happens whole or not at all.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// How a call went.
pub(crate) enum Called {
    Done(Value),
    Refused(String),
    /// It may pass, and not before so many milliseconds.
    Transient(i64),
}

/// Units that are held.
#[derive(Debug, Clone)]
struct Hold {
    pool: String,
    units: i64,
    quota: String,
    expires_at: i64,
    is_held: bool,
}

/// Available, reserved and sold units.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pool {
    pub(crate) available: i64,
    pub(crate) reserved: i64,
    pub(crate) sold: i64,
}

/// Everything that plugins keep.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stock {
    pub(crate) counters: BTreeMap<String, i64>,
    pub(crate) pools: BTreeMap<String, Pool>,
    /// What accounts hold, by whose they are (nobody's are the tenant's) and their names.
    pub(crate) accounts: BTreeMap<(String, String), i64>,
    holds: Vec<Hold>,
}

/// Who calls.
pub(crate) struct Caller<'a> {
    pub(crate) customer: &'a str,
    pub(crate) attempt: u32,
    pub(crate) now: i64,
}

impl Stock {
    /// Calls a step. What it emits comes back beside its answer: the number of the event.
    pub(crate) fn call(&mut self, step: &str, input: &Value, caller: &Caller<'_>) -> (Called, Option<i64>) {
        let number = |name: &str| input[name].as_i64().unwrap_or(1);
        if step == "flaky" && i64::from(caller.attempt) <= number("times") {
            return (Called::Transient(number("after_ms")), None);
        }
        self.add("calls", 1);
        let (key, units) = (input["key"].as_str().unwrap_or("").to_owned(), number("units"));
        let answer = match step {
            "take" => {
                let ok = self.take(&key, units, number("limit"));
                json!({"box": "take", "ok": ok, "key": key, "units": units})
            }
            "give" => {
                self.add(&key, -units);
                json!({"box": "give", "key": key, "units": units})
            }
            "sell" => {
                let name = input["pool"].as_str().unwrap_or("");
                let pool = self.pools.entry(name.to_owned()).or_default();
                let ok = pool.available >= units;
                if ok {
                    pool.available -= units;
                    pool.sold += units;
                }
                json!({"box": "sell", "ok": ok, "pool": name, "units": units})
            }
            "hold" => return (self.hold(input, caller), None),
            "earn" | "spend" => return (self.post(step, units, caller.customer), None),
            "settle" => {
                let place = input["reservation"].as_u64().and_then(|place| usize::try_from(place).ok());
                let ok = place.is_some_and(|place| self.settle(place, input["sell"] == true, caller.now));
                json!({"box": "settle", "ok": ok})
            }
            "tell" => return (Called::Done(json!({"box": "tell"})), input["n"].as_i64()),
            _ => json!({"box": step, "n": input["n"], "attempt": caller.attempt}),
        };
        (Called::Done(answer), None)
    }

    fn add(&mut self, key: &str, units: i64) {
        *self.counters.entry(key.to_owned()).or_default() += units;
    }

    fn take(&mut self, key: &str, units: i64, limit: i64) -> bool {
        let fits = self.counters.get(key).copied().unwrap_or(0) + units <= limit;
        if fits {
            self.add(key, units);
        }
        fits
    }

    fn hold(&mut self, input: &Value, caller: &Caller<'_>) -> Called {
        let number = |name: &str| input[name].as_i64().unwrap_or(1);
        let (name, units) = (input["pool"].as_str().unwrap_or("").to_owned(), number("units"));
        let quota = format!("held/{}", caller.customer);
        let pool = self.pools.entry(name.clone()).or_default();
        let code = if pool.available < units {
            "SOLD_OUT"
        } else if self.counters.get(&quota).copied().unwrap_or(0) + 1 > number("limit") {
            "LIMIT"
        } else {
            pool.available -= units;
            pool.reserved += units;
            self.add(&quota, 1);
            let expires_at = caller.now + number("for_ms");
            self.holds.push(Hold { pool: name, units, quota, expires_at, is_held: true });
            return Called::Done(json!({"box": "hold", "reservation": self.holds.len() - 1}));
        };
        self.add("refusals", 1);
        Called::Refused(code.to_owned())
    }

    /// Units go from the tenant to the customer or back. A customer gives no more than they have.
    fn post(&mut self, step: &str, units: i64, customer: &str) -> Called {
        let theirs = (customer.to_owned(), "points".to_owned());
        let holds = self.accounts.get(&theirs).copied().unwrap_or(0);
        let (other, gained) = if step == "earn" { ("issued", units) } else { ("redeemed", -units) };
        if !customer.is_empty() && holds + gained < 0 {
            self.add("refusals", 1);
            return Called::Refused("SHORT".to_owned());
        }
        *self.accounts.entry((String::new(), other.to_owned())).or_default() -= gained;
        *self.accounts.entry(theirs).or_default() += gained;
        Called::Done(json!({"box": step, "units": units, "balance": holds + gained}))
    }

    fn settle(&mut self, place: usize, sell: bool, now: i64) -> bool {
        let Some(hold) = self.holds.get_mut(place).filter(|hold| hold.is_held && hold.expires_at > now)
        else {
            return false;
        };
        hold.is_held = false;
        let hold = hold.clone();
        let pool = self.pools.entry(hold.pool).or_default();
        pool.reserved -= hold.units;
        if sell {
            pool.sold += hold.units;
        } else {
            pool.available += hold.units;
            self.add(&hold.quota, -1);
        }
        true
    }

    /// When units go back by themselves: the instant and which.
    pub(crate) fn due(&self) -> impl Iterator<Item = (i64, usize)> + '_ {
        let held = self.holds.iter().enumerate().filter(|(_, hold)| hold.is_held);
        held.map(|(place, hold)| (hold.expires_at, place))
    }

    /// Units go back because time ran out.
    pub(crate) fn expire(&mut self, place: usize) {
        let at = self.holds.get(place).map_or(0, |hold| hold.expires_at);
        // A moment before its end, as if somebody had released it.
        self.settle(place, false, at - 1);
    }
}
