//! `issue`: a coupon for a customer, within the batch's limits.

mod taking;

use sha2::{Digest, Sha256};
use siyu_plugin::prelude::*;
use siyu_plugin::{context, resources};

use taking::Taking;

use crate::batch::Batch;
use crate::due;
use crate::event::{CouponIssueRefused, CouponIssued};
use crate::refusal;
use crate::terms::Book;
use crate::wallet::{self, Coupon, Found, LIVE_MAX, Wallet};

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
        let mut taking = Taking::new(&self, batch, wallet, &id, value_fen);
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
