//! `issue`: a coupon for a customer, within the batch's limits.

use sha2::{Digest, Sha256};
use siyu_plugin::prelude::*;
use siyu_plugin::{codes, context, counters, pools, records, resources};

use crate::batch::{Basis, Batch};
use crate::code::{self, Caller, Place, Spare};
use crate::due;
use crate::event::{CouponIssueRefused, CouponIssued};
use crate::ledger;
use crate::refusal;
use crate::terms::{Book, Shelf};
use crate::wallet::{self, Coupon, Found, LIVE_MAX, Wallet};

/// Codes that an operator brought and that were given out by hand, skipped in one call.
const SPARES_SKIPPED_MAX: u32 = 3_000;

/// Issues a coupon (发券) of a batch to the customer of the run. The same key gives the same coupon, however often.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issue {
    /// The batch, a resource of this plugin.
    pub batch: String,
    /// What makes this coupon one: a customer gets one coupon of a batch a key. The event that started the run when absent.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    pub key: Option<String>,
    /// A code of an imported batch that the customer typed (兑换码); the next free one when absent.
    #[serde(default)]
    pub code: Option<String>,
}

/// The coupon.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Issued {
    /// Its id.
    pub coupon: String,
    /// The batch.
    pub batch: String,
    /// What customers see.
    pub title: String,
    /// Its code. The filter `code` groups it for reading.
    pub code: String,
    /// What it is worth, in fen; 0 when that depends on the order alone.
    pub value_fen: u64,
    /// What the goods must cost, in fen.
    pub min_spend_fen: u64,
    /// From when on it may be used.
    pub valid_from: Instant,
    /// The first instant at which it may not be used any more.
    pub valid_until: Instant,
    /// Whether the coupon was issued before, for the same key.
    pub replayed: bool,
}

impl Step for Issue {
    const NAME: &'static str = "issue";
    const REFUSALS: &'static [Refusal] = &[
        refusal::STOPPED,
        refusal::ENDED,
        refusal::NOT_ELIGIBLE,
        refusal::LIMIT_CUSTOMER,
        refusal::LIMIT_CUSTOMER_DAY,
        refusal::LIMIT_DAY_TOTAL,
        refusal::SOLD_OUT,
        refusal::BUDGET_EXHAUSTED,
        refusal::WALLET_FULL,
        refusal::CODE_UNKNOWN,
        refusal::CODE_MALFORMED,
        refusal::TOO_MANY_TRIES,
        refusal::IDEMPOTENCY_MISMATCH,
    ];
    type Output = Issued;

    fn run(self) -> Result<Issued, Stop> {
        let call = context::current();
        let customer = context::customer()?;
        let key = match self.key {
            Some(key) if key.is_empty() || key.len() > 200 => {
                Err(Fault::invalid("/key", format!("{} bytes, expected 1 to 200", key.len())))?
            }
            Some(key) => key,
            None => cause(&call)?,
        };
        let wanted = Wanted { batch: self.batch, customer, key, code: self.code };
        let batch: Batch = resources::require(&wanted.batch)?;
        let wallet = Wallet::of_customer()?;
        let book = Book::open(&wanted.batch)?;
        let id = wanted.coupon_id();
        if let Some(found) = wallet.find(&id)? {
            return replay(found, &book, &wanted);
        }
        let batch_name = wanted.batch.clone();
        let issued = wanted.issue(&batch, &book, wallet, id);
        if let Err(Stop::Refused(refused)) = &issued {
            CouponIssueRefused { batch: batch_name, reason: refused.code.to_owned() }.emit()?;
        }
        issued
    }
}

/// The event that started the run: one coupon an event. A run that no event started is its own cause.
fn cause(call: &context::Call) -> Result<String, Stop> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
        source: String,
    }
    if let Some(event) = &call.event_json
        && let Ok(named) = siyu_plugin::serde_json::from_str::<Named>(event)
    {
        return Ok(format!("{}\n{}", named.source, named.id));
    }
    Ok(call.run.clone().unwrap_or_else(|| call.id.clone()))
}

/// What the customer has of an earlier call.
fn replay(found: Found, book: &Book, wanted: &Wanted) -> Result<Issued, Stop> {
    let coupon = match found {
        Found::Live(coupon) | Found::Used { coupon, .. } => coupon,
        Found::Ended(ended) => ended.coupon,
        Found::Moved { .. } => {
            return Err(refusal::LIMIT_CUSTOMER.because("the coupon of this key was passed on").into());
        }
    };
    if wanted.code.as_ref().is_some_and(|typed| !same_code(typed, &coupon.code)) {
        return Err(refusal::IDEMPOTENCY_MISMATCH.because("the key has given another code before").into());
    }
    Ok(answer(coupon, book, true))
}

fn same_code(typed: &str, code: &str) -> bool {
    let symbols = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|symbol| symbol.to_ascii_uppercase()).collect()
    };
    symbols(typed) == symbols(code)
}

fn answer(coupon: Coupon, book: &Book, replayed: bool) -> Issued {
    Issued {
        valid_from: coupon.from(),
        valid_until: coupon.until(),
        title: book.title.clone(),
        code: coupon.code,
        value_fen: coupon.value_fen,
        min_spend_fen: book.terms.min_spend_fen,
        coupon: coupon.id,
        batch: coupon.batch,
        replayed,
    }
}

/// What is asked for.
struct Wanted {
    batch: String,
    customer: String,
    key: String,
    code: Option<String>,
}

impl Wanted {
    /// The coupon's id: made of what it is issued for, so that asking again finds it. It is no secret; the code is.
    fn coupon_id(&self) -> String {
        const SYMBOLS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let mut hash = Sha256::new();
        for part in [&self.batch, &self.customer, &self.key] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let hash = hash.finalize();
        let symbols = hash.iter().take(20).map(|byte| char::from(SYMBOLS[usize::from(byte % 32)]));
        "cpn_".chars().chain(symbols).collect()
    }

    fn issue(self, batch: &Batch, book: &Book, wallet: Wallet, id: String) -> Result<Issued, Stop> {
        let now = Instant::now();
        if let Some(stopped) = &book.stopped {
            return Err(refusal::STOPPED.because(stopped.reason.clone()).into());
        }
        let (from, until) = batch.valid_from_until(now)?;
        if until <= now {
            return Err(refusal::ENDED.because(format!("it ended at {until}")).into());
        }
        batch.check_audience()?;
        if wallet.is_full() {
            return Err(refusal::WALLET_FULL.because(format!("{LIVE_MAX} coupons are held")).into());
        }
        let value_fen = book.terms.worth.face_fen();
        let mut taking =
            Taking { wanted: &self, batch, wallet, id: &id, value_fen, counters: Vec::new(), stock: false };
        let code = match taking.take_all() {
            Ok(code) => code,
            Err(Stop::Refused(refused)) => {
                taking.give_back()?;
                return Err(refused.into());
            }
            Err(fault) => return Err(fault),
        };
        let mut wallet = taking.wallet;
        let (terms, batch) = (book.version, self.batch);
        let coupon = Coupon::new(wallet::Issued { id, batch, terms, code, value_fen, from, until });
        due::plan(None, &coupon, &book.terms.reminders, now)?;
        let event = CouponIssued {
            batch: coupon.batch.clone(),
            coupon: coupon.id.clone(),
            code: coupon.code.clone(),
            value_fen,
            valid_from: from,
            valid_until: until,
        };
        event.emit()?;
        wallet.add(coupon.clone());
        wallet.save()?;
        Ok(answer(coupon, book, false))
    }
}

/// Takes one of everything that is limited. What was taken is known, to be given back if a later one refuses: a refusal
/// keeps its effects.
struct Taking<'a> {
    wanted: &'a Wanted,
    batch: &'a Batch,
    wallet: Wallet,
    /// The coupon's id.
    id: &'a str,
    value_fen: u64,
    counters: Vec<String>,
    stock: bool,
}

impl Taking<'_> {
    /// Takes in the order of the refusals; the code.
    fn take_all(&mut self) -> Result<String, Stop> {
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

    fn give_back(&self) -> Result<(), Error> {
        for counter in &self.counters {
            counters::give_back(counter, 1)?;
        }
        if self.stock {
            pools::restock(&ledger::stock_key(&self.wanted.batch), 1)?;
        }
        Ok(())
    }
}
