//! At which moments the program dies: at random, and spread over the whole feed.

use std::time::Duration;

use crate::program::{Life, Stage};

/// How long the program lives on at most after the acknowledgement that decides of its death: some batches.
const LONGER_MAX_US: u64 = 40_000;
/// How long it lives at most when it dies early, while it opens its tenant: about as long as that takes.
const EARLY_MAX_US: u64 = 120_000;

/// The deaths of one tenant.
pub(crate) struct Pace {
    /// Bytes of acknowledgements at the last death: nine tenths of all.
    bytes: u64,
    deaths: u64,
    died: u64,
    chance: fastrand::Rng,
}

impl Pace {
    /// So many deaths over a feed, whose undisturbed replay acknowledged so many bytes.
    pub(crate) fn new(deaths: u64, undisturbed: &Stage, seed: u64) -> Self {
        let bytes = undisturbed.acknowledged_bytes() / 10 * 9;
        Self { bytes, deaths, died: 0, chance: fastrand::Rng::with_seed(seed) }
    }

    /// Starts the program and gives it at the moment at which it is to die.
    pub(crate) fn live<'a>(&mut self, stage: &'a Stage) -> Life<'a> {
        let (acknowledged, died) = (stage.acknowledged_bytes(), self.died);
        self.died += 1;
        let is_ahead = acknowledged > self.bytes / self.deaths * self.died;
        let mut life = stage.start();
        let has_ended = if is_ahead || self.chance.u8(0..4) == 0 {
            life.go_on_for(Duration::from_micros(self.chance.u64(0..EARLY_MAX_US)))
        } else {
            // On the average an equal part of what is left, and never more than that.
            let left = self.bytes.saturating_sub(acknowledged);
            let more = self.chance.u64(1..=(2 * left / (self.deaths - died + 1)).max(1));
            let longer = Duration::from_micros(self.chance.u64(0..LONGER_MAX_US));
            life.until(acknowledged + more) || life.go_on_for(longer)
        };
        assert!(!has_ended, "it ended after {died} deaths: {}", life.end().text);
        life
    }
}
