//! Verification (验证): everything that a log says is computed again from the log itself. Pure: no host, no clock, no files.
//!
//! [`verify_chain`] takes the lines of one campaign from the first one on, as the step `export` gives them or as they are
//! kept under [`line_prefix`](crate::line_prefix). It checks that
//!
//! - each line's `row_hash` is the SHA-256 of the line before and of the line itself ([`row_hash`]),
//! - rules fit their hash, and the revealed seed its commitment,
//! - every number follows from the seed, once it is revealed,
//! - every prize follows from rules, stock, budget, limits and number.

mod frequencies;
mod history;
mod ranks;

use serde::Deserialize;
use siyu_plugin::{Instant, TimeError};

use crate::campaign::{Campaign, unfavourable};
use crate::canonical::canonical;
use crate::chain::Status;
use crate::fair::{Keyed, Secret, sha256_hex};
use crate::line::{
    ConfigLine, DrawLine, EntrantsLine, GENESIS, MixedLine, RankLine, ReturnedLine, RevealedLine,
    SnapshotLine, row_hash,
};

use frequencies::Frequencies;
pub use frequencies::Frequency;
use history::History;
use ranks::Ranks;

/// What is wrong with a log, and in which of the lines that were given, from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {flaw}")]
pub struct Broken {
    /// The line.
    pub line: u64,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Not a line.
    #[error("it is no line of a log: {0}")]
    Shape(String),
    /// Its hash does not fit its content.
    #[error("its content gives the hash {computed}, it says {found}: it was changed")]
    Hash {
        /// What it says.
        found: String,
        /// What its content gives.
        computed: String,
    },
    /// It does not follow the line before.
    #[error("it follows {found}, the line before is {expected}: a line was changed, taken out or put in")]
    Link {
        /// What it says.
        found: String,
        /// The hash of the line before.
        expected: String,
    },
    /// It is another number than expected.
    #[error("it is number {found}, expected {expected}")]
    Order {
        /// Its number.
        found: u64,
        /// The next number.
        expected: u64,
    },
    /// It says something else than rules, seed and history give.
    #[error("`{what}` is {found}, rules and history give {expected}")]
    Differs {
        /// Which member.
        what: &'static str,
        /// What it says.
        found: String,
        /// What it should say.
        expected: String,
    },
    /// It must not be there at all.
    #[error("{0}")]
    Rule(String),
}

/// What a log holds, when nothing is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The campaign.
    pub campaign: String,
    /// Lines.
    pub lines: u64,
    /// Draws, those of batch draws included.
    pub draws: u64,
    /// Draws that won something.
    pub wins: u64,
    /// The hash of the last line.
    pub head: String,
    /// Whether numbers were computed from the seed: it must be revealed for that.
    pub seed_checked: bool,
    /// How often each prize was drawn and should have been, pity draws and batch draws aside.
    pub frequencies: Vec<Frequency>,
    /// The χ² of those frequencies, in thousandths.
    pub chi_square_milli: u64,
    /// Its degrees of freedom: prizes that can be drawn, less one.
    pub degrees_of_freedom: u32,
}

/// Checks a whole log, from its first line on.
///
/// ```
/// use package_card_lottery::verify::verify_chain;
///
/// let broken = verify_chain(&["{}"]).unwrap_err();
/// assert_eq!(broken.line, 1);
/// ```
///
/// # Errors
/// What is wrong first.
pub fn verify_chain<L: AsRef<str>>(lines: &[L]) -> Result<Report, Broken> {
    let mut verifier = Verifier::new(revealed_seed(lines));
    for (place, line) in lines.iter().enumerate() {
        verifier.read(line.as_ref()).map_err(|flaw| Broken { line: place as u64 + 1, flaw })?;
    }
    verifier.end().map_err(|flaw| Broken { line: lines.len() as u64, flaw })?;
    Ok(verifier.report())
}

/// The seed that a log tells. Whether it is the sealed one is checked when its line is read.
fn revealed_seed<L: AsRef<str>>(lines: &[L]) -> Option<Secret> {
    let line = lines.iter().rev().find(|line| line.as_ref().contains("\"kind\":\"revealed\""))?;
    let line: RevealedLine = serde_json::from_str(line.as_ref()).ok()?;
    Secret::from_hex(&line.seed)
}

/// What every line has.
#[derive(Deserialize)]
struct Head {
    campaign: String,
    kind: String,
    prev_hash: String,
    row_hash: String,
    seq: u64,
}

/// Reads a log line by line.
pub(crate) struct Verifier {
    campaign: String,
    head: String,
    seq: u64,
    lines: u64,
    draws: u64,
    wins: u64,
    status: Status,
    seed: Option<Secret>,
    seed_hash: Option<String>,
    source: Option<Keyed>,
    is_mixed: bool,
    rules: Rules,
    /// None when reading began in the middle.
    history: Option<History>,
    ranks: Option<Ranks>,
    frequencies: Frequencies,
}

/// The rules in force, or all versions of them when reading began in the middle.
enum Rules {
    None,
    Current { campaign: Box<Campaign>, hash: String, version: u32 },
    All(Vec<Campaign>),
}

type Read = Result<(), Flaw>;

impl Verifier {
    /// From the first line on. Numbers are checked when the seed is known.
    pub(crate) fn new(seed: Option<Secret>) -> Self {
        Self {
            campaign: String::new(),
            head: GENESIS.to_owned(),
            seq: 0,
            lines: 0,
            draws: 0,
            wins: 0,
            status: Status::Open,
            source: seed.as_ref().map(Secret::keyed),
            seed,
            seed_hash: None,
            is_mixed: false,
            rules: Rules::None,
            history: Some(History::default()),
            ranks: None,
            frequencies: Frequencies::default(),
        }
    }

    /// After a line in the middle.
    pub(crate) fn after(line: &str, configs: Vec<Campaign>, source: Keyed) -> Result<Self, Flaw> {
        let head: Head = parse(line)?;
        let mut verifier = Self::new(None);
        verifier.campaign = head.campaign;
        verifier.head = head.row_hash;
        verifier.seq = head.seq;
        verifier.source = Some(source);
        verifier.rules = Rules::All(configs);
        verifier.history = None;
        Ok(verifier)
    }

    pub(crate) fn head(&self) -> &str {
        &self.head
    }

    /// Checks the next line.
    pub(crate) fn read(&mut self, line: &str) -> Read {
        let mut document: serde_json::Value = parse(line)?;
        let head: Head = Head::deserialize(&document).map_err(shape)?;
        let expected = self.seq + 1;
        if head.seq != expected {
            return Err(Flaw::Order { found: head.seq, expected });
        }
        if head.prev_hash != self.head {
            return Err(Flaw::Link { found: head.prev_hash, expected: self.head.clone() });
        }
        if let Some(members) = document.as_object_mut() {
            members.remove("prev_hash");
            members.remove("row_hash");
        }
        let computed = row_hash(&head.prev_hash, &canonical(&document));
        if computed != head.row_hash {
            return Err(Flaw::Hash { found: head.row_hash, computed });
        }
        if self.seq == 0 {
            self.campaign = head.campaign;
        } else {
            same("campaign", &head.campaign, &self.campaign)?;
        }
        self.read_kind(&head.kind, &document, line)?;
        self.seq = head.seq;
        self.lines += 1;
        self.head = head.row_hash;
        Ok(())
    }

    fn read_kind(&mut self, kind: &str, document: &serde_json::Value, line: &str) -> Read {
        if let Some(ranks) = self.ranks.take_if(|ranks| !ranks.accepts(kind)) {
            ranks.check_complete()?;
        }
        if (self.seq == 0) != (kind == "opened") {
            return Err(Flaw::Rule(format!(
                "a log begins with its line `opened`, and has one; this is `{kind}`"
            )));
        }
        match kind {
            "opened" | "configured" => self.configured(read_as(document)?),
            "mixed" => self.mixed(&read_as(document)?),
            "draw" => self.drawn(&parse(line)?),
            "snapshot" => self.frozen(read_as(document)?),
            "entrants" => self.entered(read_as(document)?),
            "won" | "passed" => self.ranked(&read_as(document)?),
            "returned" => self.returned(&read_as(document)?),
            "paused" => self.turned(Status::Paused),
            "resumed" => self.turned(Status::Open),
            "closed" => self.turned(Status::Closed),
            "revealed" => self.revealed(&read_as(document)?),
            _ => Err(Flaw::Rule(format!("`{kind}` is no kind of line"))),
        }
    }

    /// Closed is for ever.
    fn turned(&mut self, status: Status) -> Read {
        if self.status.is_closed() {
            return Err(Flaw::Rule("the campaign is closed: it stays as it is".to_owned()));
        }
        self.status = status;
        Ok(())
    }

    fn configured(&mut self, line: ConfigLine) -> Read {
        let computed = sha256_hex(&[canonical(&line.config).as_bytes()]);
        same("config_hash", &line.config_hash, &computed)?;
        if let Some(hash) = &line.seed_hash {
            self.seed_hash = Some(hash.clone());
        }
        let campaign = line.campaign().map_err(shape)?;
        let before = match &self.rules {
            Rules::None => 0,
            Rules::Current { campaign: old, version, .. } => {
                if self.draws > 0 || line.at >= old.window.start {
                    check_favourable(old, &campaign)?;
                }
                *version
            }
            // Versions were given, and are told apart by each draw.
            Rules::All(_) => return Ok(()),
        };
        same("config_version", &line.config_version, &(before + 1))?;
        if let Some(history) = &mut self.history {
            history.configure(&campaign);
        }
        self.frequencies.configure(&campaign);
        self.rules =
            Rules::Current { campaign: Box::new(campaign), hash: computed, version: line.config_version };
        Ok(())
    }

    fn mixed(&mut self, line: &MixedLine) -> Read {
        if self.draws > 0 || self.is_mixed {
            return Err(Flaw::Rule("public randomness is mixed in once, before the first draw".to_owned()));
        }
        if let Rules::Current { campaign, .. } = &self.rules {
            same("source", &line.source, &campaign.rng.public_randomness)?;
        }
        self.is_mixed = true;
        if let Some(seed) = &self.seed {
            self.source = Some(seed.mixed_with(&line.source, &line.value).keyed());
        }
        Ok(())
    }

    fn check_open(&self, rules: &Campaign) -> Read {
        if self.history.is_none() {
            return Ok(());
        }
        if self.status != Status::Open {
            return Err(Flaw::Rule("a draw while the campaign is paused or closed".to_owned()));
        }
        if rules.public_source().is_some() && !self.is_mixed {
            return Err(Flaw::Rule("a draw before the announced public randomness was mixed in".to_owned()));
        }
        Ok(())
    }

    fn drawn(&mut self, line: &DrawLine<'_>) -> Read {
        let rules = match &self.rules {
            Rules::Current { campaign, hash, version } => {
                same("config_version", &line.config_version, version)?;
                same("config_hash", &&*line.config_hash, &hash.as_str())?;
                &**campaign
            }
            Rules::All(configs) => {
                let place = (line.config_version as usize).checked_sub(1);
                let found = place.and_then(|place| configs.get(place));
                found.ok_or_else(|| {
                    Flaw::Rule(format!("there is no version {} of the rules", line.config_version))
                })?
            }
            Rules::None => return Err(Flaw::Rule("a draw before there are rules".to_owned())),
        };
        self.check_open(rules)?;
        let at: Instant = line.at.parse().map_err(|fault: TimeError| Flaw::Shape(fault.to_string()))?;
        if at < rules.window.start || at >= rules.closes_at() {
            return Err(Flaw::Rule(format!("a draw at {at}, outside the window")));
        }
        same("draw_id", &line.draw_id.to_string(), &format!("{}/{}", self.campaign, line.seq))?;
        match &mut self.history {
            Some(history) => {
                let shares = history.check(rules, line, self.source.as_ref())?;
                if line.reason != crate::line::Reason::Pity {
                    self.frequencies.count(line, &shares);
                }
            }
            None => {
                history::check_alone(rules, line, self.source.as_ref())?;
            }
        }
        self.draws += 1;
        self.wins += u64::from(line.awarded.is_some());
        Ok(())
    }

    fn frozen(&mut self, line: SnapshotLine) -> Read {
        if let Rules::Current { campaign, .. } = &self.rules {
            self.check_open(campaign)?;
        }
        self.ranks = Some(Ranks::new(line));
        Ok(())
    }

    fn entered(&mut self, line: EntrantsLine) -> Read {
        match &mut self.ranks {
            Some(ranks) => ranks.add(line, self.source.as_ref(), &self.campaign),
            // Reading began in the middle of a list.
            None if self.history.is_none() => Ok(()),
            None => Err(Flaw::Rule("entrants without a snapshot".to_owned())),
        }
    }

    fn ranked(&mut self, line: &RankLine) -> Read {
        if line.awarded.is_some() {
            self.draws += 1;
            self.wins += 1;
        }
        match (&mut self.ranks, &mut self.history, &self.rules) {
            (Some(ranks), Some(history), Rules::Current { campaign, .. }) => {
                ranks.check(line, campaign, history, self.seq + 1)
            }
            (None, Some(_), _) => Err(Flaw::Rule("a winner without a snapshot".to_owned())),
            _ => Ok(()),
        }
    }

    fn returned(&mut self, line: &ReturnedLine) -> Read {
        match (&mut self.history, &self.rules) {
            (Some(history), Rules::Current { campaign, .. }) => history.give_back(campaign, line),
            _ => Ok(()),
        }
    }

    fn revealed(&mut self, line: &RevealedLine) -> Read {
        if self.history.is_some() && self.status != Status::Closed {
            return Err(Flaw::Rule("a seed is revealed once, when the campaign is closed".to_owned()));
        }
        self.status = Status::Revealed;
        let seed = Secret::from_hex(&line.seed)
            .ok_or_else(|| Flaw::Shape("a seed is 64 hexadecimal digits".to_owned()))?;
        match &self.seed_hash {
            Some(sealed) => same("seed", &seed.commitment(), sealed),
            None => Ok(()),
        }
    }

    /// Whether nothing is missing at the end.
    fn end(&self) -> Read {
        if self.lines == 0 {
            return Err(Flaw::Rule("a log without a line".to_owned()));
        }
        self.ranks.as_ref().map_or(Ok(()), Ranks::check_complete)
    }

    pub(crate) fn report(&self) -> Report {
        let (frequencies, chi_square_milli, degrees_of_freedom) = self.frequencies.report();
        Report {
            campaign: self.campaign.clone(),
            lines: self.lines,
            draws: self.draws,
            wins: self.wins,
            head: self.head.clone(),
            seed_checked: self.source.is_some(),
            frequencies,
            chi_square_milli,
            degrees_of_freedom,
        }
    }
}

/// Once customers rely on the rules, only changes in their favour are taken.
fn check_favourable(old: &Campaign, new: &Campaign) -> Read {
    match unfavourable(old, new).into_iter().next() {
        Some(fault) => Err(Flaw::Rule(format!("{}: {}", fault.pointer, fault.message))),
        None => Ok(()),
    }
}

fn parse<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, Flaw> {
    serde_json::from_str(line).map_err(shape)
}

fn read_as<'a, T: Deserialize<'a>>(document: &'a serde_json::Value) -> Result<T, Flaw> {
    T::deserialize(document).map_err(shape)
}

fn shape(fault: serde_json::Error) -> Flaw {
    Flaw::Shape(fault.to_string())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &'static str, found: &T, expected: &T) -> Read {
    if found == expected {
        return Ok(());
    }
    Err(Flaw::Differs { what, found: format!("{found:?}"), expected: format!("{expected:?}") })
}

#[cfg(test)]
mod tests;
