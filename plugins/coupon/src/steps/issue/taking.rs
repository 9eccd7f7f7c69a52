//! What one coupon takes: limits, stock, budget and a code.
//!
//! Never keeps what it took when the call refuses.

use siyu_plugin::prelude::*;
use siyu_plugin::{codes, counters, pools, records};

use super::Wanted;
use crate::batch::{Basis, Batch};
use crate::code::{self, Caller, Place, Spare};
use crate::ledger;
use crate::refusal;
use crate::terms::Shelf;
use crate::wallet::Wallet;

/// Codes that an operator brought and that were given out by hand, skipped in one call.
const SPARES_SKIPPED_MAX: u32 = 3_000;

/// Takes one of everything that is limited. What was taken is known, to be given back if a later one refuses: a refusal
/// keeps its effects.
pub(super) struct Taking<'a> {
    wanted: &'a Wanted,
    batch: &'a Batch,
    pub(super) wallet: Wallet,
    /// The coupon's id.
    id: &'a str,
    value_fen: u64,
    counters: Vec<String>,
    stock: bool,
}

impl<'a> Taking<'a> {
    /// Nothing is taken yet.
    pub(super) fn new(
        wanted: &'a Wanted,
        batch: &'a Batch,
        wallet: Wallet,
        id: &'a str,
        value_fen: u64,
    ) -> Self {
        Self { wanted, batch, wallet, id, value_fen, counters: Vec::new(), stock: false }
    }

    /// Takes in the order of the refusals; the code.
    pub(super) fn take_all(&mut self) -> Result<String, Stop> {
        let spare = self.typed_spare()?;
        self.take_of_customer()?;
        let batch = self.batch;
        let has_days = batch.per_customer_per_day.is_some() || batch.per_day.is_some();
        let date = if has_days { Instant::now().local(&batch.zone())?.date() } else { String::new() };
        if let Some(limit) = batch.per_customer_per_day {
            let had = self.wallet.taken_on(&date, &self.wanted.batch);
            if had >= limit {
                let message = format!("{had} of {limit} were issued today");
                return Err(refusal::LIMIT_CUSTOMER_DAY.because(message).into());
            }
        }
        self.take_of_day(&date)?;
        if !pools::take(&ledger::stock_key(&self.wanted.batch), 1)? {
            return Err(refusal::SOLD_OUT.into());
        }
        self.stock = true;
        if let Some(budget) = batch.budget.as_ref().filter(|budget| budget.basis == Basis::Issued)
            && !ledger::spend(&self.wanted.batch, budget, self.value_fen)?
        {
            return Err(refusal::BUDGET_EXHAUSTED.into());
        }
        if batch.per_customer_per_day.is_some() {
            self.wallet.count_on(&date, &self.wanted.batch, Instant::now());
        }
        if batch.is_imported() {
            self.give_spare(spare)
        } else {
            let reference = code::reference(&self.wanted.customer, self.id);
            Ok(codes::mint(code::SPACE, batch.code.random_len, &reference)?)
        }
    }

    fn take_of_customer(&mut self) -> Result<(), Stop> {
        let Some(limit) = self.batch.per_customer else {
            return Ok(());
        };
        let mine = ledger::customer_key(&self.wanted.batch, &self.wanted.customer);
        let count = counters::take(&mine, 1, limit)?;
        if !count.ok {
            let message = format!("{} of {limit} were issued", count.used);
            return Err(refusal::LIMIT_CUSTOMER.because(message).into());
        }
        self.counters.push(mine);
        Ok(())
    }

    fn take_of_day(&mut self, date: &str) -> Result<(), Stop> {
        let Some(limit) = self.batch.per_day else {
            return Ok(());
        };
        let today = ledger::day_key(&self.wanted.batch, date);
        if !counters::take(&today, 1, limit)?.ok {
            let message = format!("all {limit} of today were issued");
            return Err(refusal::LIMIT_DAY_TOTAL.because(message).into());
        }
        self.counters.push(today);
        Ok(())
    }

    /// The code that the customer typed, when it is a free one of this batch.
    fn typed_spare(&self) -> Result<Option<(String, Spare)>, Stop> {
        let Some(typed) = &self.wanted.code else {
            return Ok(None);
        };
        let caller = Caller::Customer(self.wanted.customer.clone());
        match code::resolve(typed, &caller, &mut Shelf::default())? {
            Place::Spare { record, spare } if spare.batch == self.wanted.batch => Ok(Some((record, spare))),
            _ => Err(refusal::CODE_UNKNOWN.because("the code is not a free one of this batch").into()),
        }
    }

    /// Gives the code of an imported batch: the typed one, or the next that nobody has.
    fn give_spare(&self, typed: Option<(String, Spare)>) -> Result<String, Stop> {
        let (record, mut spare) = match typed {
            Some(typed) => typed,
            None => self.next_spare()?,
        };
        spare.given = Some((self.wanted.customer.clone(), self.id.to_owned()));
        records::of_tenant().put(&record, &spare)?;
        Ok(spare.code)
    }

    fn next_spare(&self) -> Result<(String, Spare), Stop> {
        let given = key(&["given", &self.wanted.batch]);
        for _ in 0..SPARES_SKIPPED_MAX {
            let number = counters::take(&given, 1, ledger::UNLIMITED)?.used;
            let record = Spare::key(&self.wanted.batch, number);
            let Some(spare) = records::of_tenant().get::<Spare>(&record)? else {
                break;
            };
            if spare.given.is_none() {
                return Ok((record, spare));
            }
        }
        let message =
            "the next codes of the list were all claimed by hand: use a batch of its own for codes on cards";
        Err(Fault::permanent("CODES_SKIPPED", message).into())
    }

    /// Gives everything back.
    pub(super) fn give_back(&self) -> Result<(), Error> {
        for counter in &self.counters {
            counters::give_back(counter, 1)?;
        }
        if self.stock {
            pools::restock(&ledger::stock_key(&self.wanted.batch), 1)?;
        }
        Ok(())
    }
}
