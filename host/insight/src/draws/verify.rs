//! One log, read line by line and computed again. The first flaw ends it: behind a broken line nothing proves anything.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::batch::Batch;
use super::canonical::canonical;
use super::decide::Moment;
use super::fair::{Keyed, Seed, hex, sha256, sha256_hex};
use super::history::History;
use super::line::{ConfigLine, DrawLine, GENESIS, Head, MixedLine, RankLine, RevealedLine};
use super::odds::Counting;
use super::rules::Rules;
use super::{BrokenLine, CampaignAudit, SeedState};
use crate::brief::shortened;

/// Characters of what was found in a message.
const FOUND_CHARS_MAX: usize = 200;

/// What is wrong with a line.
#[derive(Debug)]
pub(super) struct Flaw {
    what: String,
    found: String,
    expected: String,
}

impl Flaw {
    pub(super) fn new(what: impl Into<String>, found: impl AsRef<str>, expected: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            found: shortened(found.as_ref(), FOUND_CHARS_MAX),
            expected: expected.into(),
        }
    }

    /// Two values must be the same; none is `null`.
    pub(super) fn unless_same<T: PartialEq + std::fmt::Display>(
        what: impl Into<String>,
        found: Option<T>,
        expected: Option<T>,
    ) -> Result<(), Self> {
        if found == expected {
            return Ok(());
        }
        let text = |value: Option<T>| value.map_or_else(|| "null".to_owned(), |value| value.to_string());
        Err(Self::new(what, text(found), text(expected)))
    }

    /// In this line.
    pub(super) fn at(self, line: u64) -> BrokenLine {
        BrokenLine { line, what: self.what, found: self.found, expected: self.expected }
    }
}

type Read = Result<(), Flaw>;

/// The rules in force.
struct Version {
    rules: Rules,
    hash: String,
    number: u32,
}

/// A log that is being read.
pub(super) struct Audit {
    campaign: String,
    /// The hash of every line so far: 32 bytes each.
    hashes: Vec<[u8; 32]>,
    head: String,
    draws: u64,
    is_open: bool,
    seed: Option<Seed>,
    seed_hash: Option<String>,
    keyed: Option<Keyed>,
    is_mixed: bool,
    version: Option<Version>,
    history: History,
    batch: Option<Batch>,
    odds: Counting,
}

impl Audit {
    /// Before the first line. The seed is given once it is public.
    pub(super) fn new(campaign: &str, seed: Option<Seed>) -> Self {
        Self {
            campaign: campaign.to_owned(),
            hashes: Vec::new(),
            head: GENESIS.to_owned(),
            draws: 0,
            is_open: true,
            keyed: seed.as_ref().map(Seed::keyed),
            seed,
            seed_hash: None,
            is_mixed: false,
            version: None,
            history: History::default(),
            batch: None,
            odds: Counting::default(),
        }
    }

    /// Lines that are whole.
    pub(super) fn lines(&self) -> u64 {
        self.hashes.len() as u64
    }

    /// The hash of a line, from 1.
    pub(super) fn hash_of(&self, line: u64) -> Option<String> {
        let place = usize::try_from(line.checked_sub(1)?).ok()?;
        self.hashes.get(place).map(|hash| hex(hash))
    }

    /// Reads the next line; `place` is the end of its key.
    pub(super) fn read(&mut self, place: &str, text: &str) -> Read {
        let mut document: Value = serde_json::from_str(text)
            .map_err(|why| Flaw::new("the line", text, format!("a JSON document: {why}")))?;
        let head: Head = parsed(&document)?;
        let next = self.lines() + 1;
        Flaw::unless_same("seq", Some(head.seq), Some(next))?;
        Flaw::unless_same("the key", Some(place), Some(format!("{next:010}").as_str()))?;
        Flaw::unless_same("prev_hash", Some(head.prev_hash.as_str()), Some(self.head.as_str()))?;
        if let Some(members) = document.as_object_mut() {
            members.remove("prev_hash");
            members.remove("row_hash");
        }
        let canonical = canonical(&document)
            .ok_or_else(|| Flaw::new("a number", "one that is not whole", "whole numbers only"))?;
        let hash = sha256(&[self.head.as_bytes(), canonical.as_bytes()]);
        let digits = hex(&hash);
        Flaw::unless_same(
            "row_hash, by the content of the line",
            Some(head.row_hash.as_str()),
            Some(digits.as_str()),
        )?;
        Flaw::unless_same("campaign", Some(head.campaign.as_str()), Some(self.campaign.as_str()))?;
        self.read_kind(&head.kind, &document, next)?;
        self.hashes.push(hash);
        self.head = digits;
        Ok(())
    }

    fn read_kind(&mut self, kind: &str, document: &Value, seq: u64) -> Read {
        if let Some(batch) = self.batch.take_if(|_| !Batch::takes(kind)) {
            batch.check_complete()?;
        }
        if (seq == 1) != (kind == "opened") {
            return Err(Flaw::new("kind", kind, "`opened` in the first line and in no other"));
        }
        match kind {
            "opened" | "configured" => self.configured(parsed(document)?),
            "mixed" => self.mixed(&parsed(document)?),
            "draw" => self.drawn(&parsed(document)?, seq),
            "snapshot" => {
                self.check_open()?;
                self.batch = Some(Batch::new(parsed(document)?));
                Ok(())
            }
            "entrants" => {
                let keyed = self.keyed.as_ref();
                let batch = self.batch.as_mut().ok_or_else(|| no_snapshot(kind))?;
                batch.add(parsed(document)?, keyed, &self.campaign)
            }
            "won" | "passed" => self.ranked(kind, &parsed(document)?, seq),
            "returned" => {
                let version = self.version.as_ref().ok_or_else(no_rules)?;
                self.history.give_back(&version.rules, &parsed(document)?)
            }
            "paused" | "resumed" | "closed" => {
                self.is_open = kind == "resumed";
                Ok(())
            }
            "revealed" => self.revealed(&parsed(document)?),
            _ => Err(Flaw::new("kind", kind, "a kind of line of a lottery's log")),
        }
    }

    fn configured(&mut self, line: ConfigLine) -> Read {
        let text = canonical(&line.config);
        let hash = text.map(|text| sha256_hex(&[text.as_bytes()])).unwrap_or_default();
        Flaw::unless_same("config_hash", Some(line.config_hash.as_str()), Some(hash.as_str()))?;
        let number = self.version.as_ref().map_or(1, |version| version.number + 1);
        Flaw::unless_same("config_version", Some(line.config_version), Some(number))?;
        let rules: Rules = parsed(&line.config)?;
        if number == 1 {
            let seed_hash =
                line.seed_hash.ok_or_else(|| Flaw::new("seed_hash", "nothing", "the sealed seed's hash"))?;
            if let Some(seed) = &self.seed {
                Flaw::unless_same("seed_hash", Some(seed_hash.as_str()), Some(seed.commitment().as_str()))?;
            }
            self.seed_hash = Some(seed_hash);
        }
        self.history.configure(&rules);
        self.version = Some(Version { rules, hash, number });
        Ok(())
    }

    fn mixed(&mut self, line: &MixedLine) -> Read {
        if self.draws > 0 || self.is_mixed {
            return Err(Flaw::new("public randomness", "mixed in now", "once, before the first draw"));
        }
        let announced = self.version.as_ref().map(|version| version.rules.rng.public_randomness.as_str());
        Flaw::unless_same("source", Some(line.source.as_str()), announced)?;
        self.is_mixed = true;
        self.keyed = self.seed.as_ref().map(|seed| seed.mixed_with(&line.source, &line.value).keyed());
        Ok(())
    }

    fn check_open(&self) -> Read {
        if !self.is_open {
            return Err(Flaw::new("a draw", "while the lottery was paused or closed", "none"));
        }
        let announced = self.version.as_ref().map(|version| version.rules.rng.public_randomness.as_str());
        if announced.is_some_and(|source| source != "none") && !self.is_mixed {
            return Err(Flaw::new(
                "a draw",
                "before the announced public randomness was mixed in",
                "after it",
            ));
        }
        Ok(())
    }

    fn drawn(&mut self, line: &DrawLine, seq: u64) -> Read {
        self.check_open()?;
        let version = self.version.as_ref().ok_or_else(no_rules)?;
        let rules = &version.rules;
        Flaw::unless_same("config_version", Some(line.config_version), Some(version.number))?;
        Flaw::unless_same("config_hash", Some(line.config_hash.as_str()), Some(version.hash.as_str()))?;
        let person = self.history.person(&line.customer);
        let moment = Moment { rules, history: &self.history, person: &person };
        let (weights, is_pity) = moment.weights();
        let total: u64 = weights.iter().map(|(_, weight)| weight).sum();
        Flaw::unless_same("w", Some(line.w), Some(total))?;
        if let Some(keyed) = &self.keyed {
            let stem =
                format!("{}|{}|{}|{}", self.campaign, line.config_version, line.entry_key, line.draw_no);
            let (r, ctr) = keyed.draw(&stem, line.w);
            Flaw::unless_same("r", Some(line.r), Some(r))?;
            Flaw::unless_same("ctr", Some(line.ctr), Some(ctr))?;
        }
        if line.r >= line.w.max(1) {
            return Err(Flaw::new("r", line.r.to_string(), format!("less than {}", line.w)));
        }
        let decision = moment.decide(&weights, is_pity, line.r).ok_or_else(|| {
            Flaw::new("a draw", "where nothing could be given", "none: the lottery had to close")
        })?;
        Flaw::unless_same("chosen", line.chosen.as_deref(), rules.id(decision.chosen))?;
        Flaw::unless_same("awarded", line.awarded.as_deref(), rules.id(decision.awarded))?;
        Flaw::unless_same("reason", Some(line.reason.as_str()), Some(decision.reason))?;
        Flaw::unless_same("stock_before", line.stock_before, decision.stock_before)?;
        Flaw::unless_same("budget_before", line.budget_before, decision.budget_before)?;
        if !is_pity {
            self.odds.drawn(rules, &moment.shares(), decision.chosen);
        }
        self.draws += 1;
        self.history.drawn(rules, &line.customer, decision.awarded, is_pity);
        if let Some(place) = decision.awarded {
            self.history.give(rules, &line.customer, place, seq);
            self.odds.awarded(rules, place);
        }
        Ok(())
    }

    fn ranked(&mut self, kind: &str, line: &RankLine, seq: u64) -> Read {
        let version = self.version.as_ref().ok_or_else(no_rules)?;
        let batch = self.batch.as_mut().ok_or_else(|| no_snapshot(kind))?;
        if (kind == "won") != line.awarded.is_some() {
            return Err(Flaw::new(
                "awarded",
                if line.awarded.is_some() { "a prize" } else { "nothing" },
                kind,
            ));
        }
        if let Some(place) = batch.check(line, &version.rules, &self.history)? {
            self.draws += 1;
            self.history.give(&version.rules, &line.customer, place, seq);
            self.odds.awarded(&version.rules, place);
        }
        Ok(())
    }

    fn revealed(&mut self, line: &RevealedLine) -> Read {
        if self.is_open {
            return Err(Flaw::new("the seed", "revealed while one can draw", "sealed"));
        }
        let seed = Seed::from_hex(&line.seed)
            .ok_or_else(|| Flaw::new("seed", &line.seed, "64 hexadecimal digits"))?;
        Flaw::unless_same("the hash of the seed", Some(seed.commitment()), self.seed_hash.clone())?;
        if self.seed.is_none() {
            return Err(Flaw::new("the seed", "revealed before the last line", "in the last line"));
        }
        Ok(())
    }

    /// The log must end where the lottery's state says that it ends.
    pub(super) fn end(&self, seq: u64, head: &str) -> Read {
        if let Some(batch) = &self.batch {
            batch.check_complete()?;
        }
        Flaw::unless_same("the last line of the log", Some(self.lines()), Some(seq))?;
        Flaw::unless_same("the hash of the last line", Some(self.head.as_str()), Some(head))
    }

    /// What it came to.
    pub(super) fn report(self, campaign: String, anchored: u64, broken: Option<BrokenLine>) -> CampaignAudit {
        let is_recomputed = self.seed.is_some() && broken.is_none();
        CampaignAudit {
            campaign,
            lines: self.lines(),
            draws: self.draws,
            odds: self.odds.report(self.version.as_ref().map(|version| &version.rules)),
            head: self.head,
            seed: if is_recomputed { SeedState::Recomputed } else { SeedState::Sealed },
            anchored,
            broken,
        }
    }
}

fn parsed<T: DeserializeOwned>(document: &Value) -> Result<T, Flaw> {
    T::deserialize(document).map_err(|why| Flaw::new("the line", why.to_string(), "the members of its kind"))
}

fn no_rules() -> Flaw {
    Flaw::new("a line", "before the rules", "the rules first")
}

fn no_snapshot(kind: &str) -> Flaw {
    Flaw::new("kind", kind, "a snapshot before it")
}
