//! A campaign's state and its log: lines are appended, never changed. Never decides what is drawn.

use siyu_plugin::prelude::*;
use siyu_plugin::{context, records};

use crate::campaign::Campaign;
use crate::canonical::canonical_of;
use crate::fair::Secret;
use crate::line::{GENESIS, row_hash, sealed};
use crate::seal::Seal;
use crate::{fair, keys};

/// Where a campaign stands. Closed is for ever, and only a closed campaign tells its seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// One may draw while the window is open.
    Open,
    /// Nobody draws until it is resumed.
    Paused,
    /// Nobody draws any more.
    Closed,
    /// Closed, and the seed is public.
    Revealed,
}

impl Status {
    pub(crate) fn is_closed(self) -> bool {
        matches!(self, Self::Closed | Self::Revealed)
    }
}

/// What every draw changes of a campaign.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) status: Status,
    /// The number of the last line.
    pub(crate) seq: u64,
    /// The hash of the last line.
    pub(crate) head: String,
    /// Draws so far, batch draws included.
    pub(crate) draws: u64,
}

impl State {
    pub(crate) fn has_draws(&self) -> bool {
        self.draws > 0
    }
}

/// A campaign's secrets and state, with its log.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    pub(crate) campaign: String,
    pub(crate) seal: Seal,
    pub(crate) state: State,
}

impl Ledger {
    /// A campaign that was published at some time.
    pub(crate) fn find(campaign: &str) -> Result<Option<Self>, Error> {
        let ours = records::of_tenant();
        let Some(seal) = ours.get(&keys::seal(campaign))? else {
            return Ok(None);
        };
        let state = ours.get(&keys::state(campaign))?;
        let state = state.ok_or_else(|| Error::invalid(format!("the state of `{campaign}` is gone")))?;
        Ok(Some(Self { campaign: campaign.to_owned(), seal, state }))
    }

    /// The same; a fault when there is none.
    pub(crate) fn require(campaign: &str) -> Result<Self, Fault> {
        let missing = || {
            let found: String = campaign.chars().take(64).collect();
            Fault::permanent("UNKNOWN_RESOURCE", format!("there is no campaign `{found}`: publish it first"))
        };
        Self::find(campaign)?.ok_or_else(missing)
    }

    /// A new campaign: its seed is sealed by the first line.
    pub(crate) fn open(campaign: &str, config: &Campaign, config_hash: String) -> Result<Self, Error> {
        let state = State { status: Status::Open, seq: 0, head: GENESIS.to_owned(), draws: 0 };
        let mut ledger = Self { campaign: campaign.to_owned(), seal: Seal::new(), state };
        ledger.configure(config, config_hash)?;
        Ok(ledger)
    }

    /// A new version of the rules.
    pub(crate) fn configure(&mut self, config: &Campaign, config_hash: String) -> Result<(), Error> {
        self.seal.configure(config, config_hash);
        let seal = &self.seal;
        let version = seal.config_version;
        let mut members =
            json!({ "config": config, "config_hash": seal.config_hash, "config_version": version });
        let is_first = version == 1;
        if is_first {
            members["salt_hash"] = seal.salt.commitment().into();
            members["seed_hash"] = seal.seed.commitment().into();
        }
        records::of_tenant().put(&keys::config(&self.campaign, version), config)?;
        self.keep_seal()?;
        self.note(if is_first { "opened" } else { "configured" }, members)
    }

    /// The rules of a version.
    pub(crate) fn config_of(&self, version: u32) -> Result<Campaign, Error> {
        let found = records::of_tenant().get(&keys::config(&self.campaign, version))?;
        found.ok_or_else(|| Error::invalid(format!("version {version} of `{}` is gone", self.campaign)))
    }

    /// The rules in force, all of them.
    pub(crate) fn config(&self) -> Result<Campaign, Error> {
        self.config_of(self.seal.config_version)
    }

    /// Public randomness is mixed into the seed.
    pub(crate) fn mix(&mut self, source: &str, value: &str) -> Result<(), Error> {
        self.seal.mix(source, value);
        self.keep_seal()?;
        self.note("mixed", json!({ "source": source, "value": value }))
    }

    /// Keeps the seal, which must be whole: a draw takes the rules out of its own copy.
    fn keep_seal(&self) -> Result<(), Error> {
        if !self.seal.is_whole() {
            return Err(Error::invalid(format!(
                "the rules of `{}` were taken out of its seal",
                self.campaign
            )));
        }
        records::of_tenant().put(&keys::seal(&self.campaign), &self.seal)
    }

    /// Appends a line of any kind.
    pub(crate) fn note(&mut self, kind: &str, members: serde_json::Value) -> Result<(), Error> {
        let mut line = members;
        line["at"] = Instant::now().to_string().into();
        line["campaign"] = self.campaign.as_str().into();
        line["kind"] = kind.into();
        line["plugin"] = context::current().plugin.as_str().into();
        line["seq"] = self.next_seq().into();
        self.append(&canonical_of(&line))
    }

    /// Appends a draw, a [`DrawLine`](crate::line::DrawLine) as canonical text.
    pub(crate) fn note_draw(&mut self, canonical: &str) -> Result<(), Error> {
        self.state.draws += 1;
        self.append(canonical)
    }

    /// The number of the next line.
    pub(crate) fn next_seq(&self) -> u64 {
        self.state.seq + 1
    }

    /// What a line's draw is called.
    pub(crate) fn draw_id(&self, seq: u64) -> String {
        format!("{}/{seq}", self.campaign)
    }

    fn append(&mut self, canonical: &str) -> Result<(), Error> {
        let hash = row_hash(&self.state.head, canonical);
        let text = sealed(canonical, &self.state.head, &hash);
        self.state.seq += 1;
        self.state.head = hash;
        records::of_tenant().put_json(&keys::line(&self.campaign, self.state.seq), &text)
    }

    /// Keeps the state. Whoever appended calls it once, at the end.
    pub(crate) fn save(&self) -> Result<(), Error> {
        records::of_tenant().put(&keys::state(&self.campaign), &self.state)
    }
}

/// A token's last part: proof that the campaign's own key made it.
pub(crate) fn card_mac(key: &Secret, campaign: &str, body: &str) -> String {
    fair::hex(&key.keyed().of(&[campaign, "|", body])[..10])
}
