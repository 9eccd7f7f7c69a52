//! How a campaign comes into force: its seed is sealed, its stock is there, its opening and closing are planned, and its
//! rules stand in the log. Never changes what customers rely on.

use siyu_plugin::prelude::*;
use siyu_plugin::{FieldFault, pools};

use super::{Campaign, check, freeze};
use crate::canonical::canonical_of;
use crate::chain::Ledger;
use crate::control::SettleClosing;
use crate::events::{ENDED, LotteryClosed, LotteryOpened, LotterySeedCommitted, PrizeUnclaimedExpired};
use crate::fair::sha256_hex;
use crate::keys;
use crate::prizes::SettleUnclaimed;

impl Resource for Campaign {
    const KIND: &'static str = "campaign";

    fn check(&self, _name: &str, found: &mut Findings) {
        check::check(self, found);
    }

    fn apply(&self, name: &str) -> Result<Vec<Reaction>, Fault> {
        let config_hash = sha256_hex(&[canonical_of(self).as_bytes()]);
        match Ledger::find(name)? {
            None => self.open(name, config_hash)?,
            Some(ledger) if ledger.seal.config_hash == config_hash => {}
            Some(ledger) => self.change(ledger, config_hash)?,
        }
        Ok(vec![
            Reaction::of::<SettleClosing>(LotteryClosed::TYPE),
            Reaction::of::<SettleUnclaimed>(PrizeUnclaimedExpired::TYPE),
        ])
    }
}

impl Campaign {
    fn open(&self, name: &str, config_hash: String) -> Result<(), Fault> {
        let ledger = Ledger::open(name, self, config_hash)?;
        self.fill_pools(name, None)?;
        self.plan(name, true)?;
        self.commit(&ledger)?;
        Ok(ledger.save()?)
    }

    fn change(&self, mut ledger: Ledger, config_hash: String) -> Result<(), Fault> {
        let name = ledger.campaign.clone();
        if ledger.state.status.is_closed() {
            return Err(Fault::invalid("", "the campaign is closed: a closed campaign stays as it was"));
        }
        let old = ledger.config()?;
        let has_begun = Instant::now() >= old.window.start;
        if has_begun || ledger.state.has_draws() {
            let faults = freeze::unfavourable(&old, self);
            if !faults.is_empty() {
                return Err(Fault::InvalidInput(faults));
            }
        }
        if ledger.seal.is_mixed() && old.rng != self.rng {
            let message = "public randomness was mixed into the seed already: it stays".to_owned();
            return Err(Fault::InvalidInput(vec![FieldFault { pointer: "/rng".to_owned(), message }]));
        }
        self.fill_pools(&name, Some(&old))?;
        self.plan(&name, !has_begun)?;
        ledger.configure(self, config_hash)?;
        self.commit(&ledger)?;
        Ok(ledger.save()?)
    }

    /// Says what the seed and the rules are sealed by.
    fn commit(&self, ledger: &Ledger) -> Result<(), Fault> {
        let seal = &ledger.seal;
        let committed = LotterySeedCommitted {
            campaign: ledger.campaign.clone(),
            seed_hash: seal.seed.commitment(),
            config_hash: seal.config_hash.clone(),
            config_version: seal.config_version,
            public_randomness: self.rng.public_randomness.clone(),
        };
        Ok(committed.emit()?)
    }

    /// Prizes of a limited stock have a pool; the host keeps it from going below 0.
    fn fill_pools(&self, name: &str, old: Option<&Campaign>) -> Result<(), Fault> {
        for prize in &self.prizes {
            let Some(units) = prize.stock.limit() else {
                continue;
            };
            let before = old.and_then(|old| old.prizes.get(old.place_of(&prize.id)?));
            if before.is_none_or(|before| before.stock != prize.stock) {
                pools::define(&keys::stock(name, &prize.id), units)?;
            }
        }
        Ok(())
    }

    fn plan(&self, name: &str, opens: bool) -> Result<(), Fault> {
        if opens {
            let opened = LotteryOpened { campaign: name.to_owned() };
            opened.plan(&keys::opening(name), self.window.start)?;
        }
        let closed = LotteryClosed { campaign: name.to_owned(), reason: ENDED.to_owned() };
        Ok(closed.plan(&keys::closing(name), self.closes_at())?)
    }
}
