//! The demo's events: every person's life, in the order of time, in one file.

use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::behaviour::{Behaviour, Chance};
use crate::events::{self, Event, Written};
use crate::history::{self, Order};
use crate::life::World;

/// The end of the history, in China's time.
const ENDS: &str = "2026-07-01T00:00:00+08:00";

/// The number of the chances that belong to nobody.
const NOBODY: u64 = u64::MAX >> 1;

/// Where the data is: beside this crate's source.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Makes the file. With `customers`, of the first so many only.
pub fn write(path: &Path, customers: Option<usize>) -> anyhow::Result<Written> {
    let folder = folder();
    let behaviour = Behaviour::read(&folder.join("behaviour.toml"))?;
    let mut buyers = history::read(&folder.join("orders.txt"))?;
    if let Some(most) = customers {
        // Every n-th, so that all cohorts are there.
        let step = buyers.len().div_ceil(most.max(1));
        buyers = buyers.into_iter().step_by(step).collect();
    }
    events::write(path, lives(&behaviour, &buyers)?)
}

fn lives(behaviour: &Behaviour, buyers: &[Vec<Order>]) -> anyhow::Result<Vec<Event>> {
    let zone = TimeZone::get("Asia/Shanghai").context("the zone of China")?;
    let ends: Timestamp = ENDS.parse().context("the end of the history")?;
    let world = World { behaviour, zone, ends };
    let mut events = Vec::new();
    for (at, orders) in buyers.iter().enumerate() {
        events.extend(world.buyer(at + 1, orders)?);
    }
    let mut chance = Chance::of(behaviour.seed, NOBODY);
    let mut place = 0;
    for lead in &behaviour.leads {
        let lookers = buyers.len() as f64 * lead.share_of_buyers * World::lookers_a_buyer(lead);
        for _ in 0..lookers.round() as usize {
            place += 1;
            // They come when buyers come.
            let like = chance.one_of(buyers).and_then(|orders| orders.first()).context("no buyers")?;
            events.extend(world.looker(place, &lead.channel, like.day)?);
        }
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Source;

    fn some(buyers: usize) -> Vec<Event> {
        let folder = folder();
        let behaviour = Behaviour::read(&folder.join("behaviour.toml")).expect("well formed");
        let history = history::read(&folder.join("orders.txt")).expect("it is there");
        lives(&behaviour, &history[..buyers]).expect("lives")
    }

    #[test]
    fn the_same_seed_tells_the_same_lives() {
        let text = |events: &[Event]| format!("{events:?}");
        assert_eq!(text(&some(200)), text(&some(200)));
    }

    #[test]
    fn real_events_are_the_orders_and_no_more() {
        let events = some(500);
        let history = history::read(&folder().join("orders.txt")).expect("it is there");
        let orders: usize = history[..500].iter().map(Vec::len).sum();
        let mut real: Vec<&str> = events
            .iter()
            .filter(|event| event.source == Source::Real)
            .map(|event| event.id.as_str())
            .collect();
        real.sort_unstable();
        real.dedup();
        assert_eq!(real.len(), orders);
    }
}
