//! A customer's coupons (券包): one document with those that can be used, and the latest orders and endings. What is
//! older stands in documents of its own, so the one that every step reads stays small.
//!
//! Never decides whether a coupon fits an order.

use siyu_plugin::prelude::*;
use siyu_plugin::{key, records};

use records::Records;

/// Coupons that one customer can hold at once. With names as long as they may be, the document stays below 64 KiB.
pub(crate) const LIVE_MAX: usize = 100;
/// Orders in the wallet itself.
const ORDERS_KEPT: usize = 6;
/// Ended coupons in the wallet itself.
const ENDED_KEPT: usize = 8;
/// Bytes of an order's number.
pub(crate) const ORDER_BYTES_MAX: usize = 64;

const WALLET: &str = "wallet";

/// A coupon. Field names are short: a wallet is read and written in every call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Coupon {
    #[serde(rename = "i")]
    pub(crate) id: String,
    #[serde(rename = "b")]
    pub(crate) batch: String,
    /// The version of the batch's terms.
    #[serde(rename = "t")]
    pub(crate) terms: u32,
    #[serde(rename = "c")]
    pub(crate) code: String,
    /// What it is worth, in fen; 0 when that depends on the order.
    #[serde(rename = "v")]
    pub(crate) value_fen: u64,
    #[serde(rename = "f")]
    from_ms: i64,
    #[serde(rename = "u")]
    until_ms: i64,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(crate) lock: Option<Lock>,
    /// Whether the customer has seen it.
    #[serde(rename = "s", default, skip_serializing_if = "is_false")]
    pub(crate) seen: bool,
    /// How often it came back from a refunded order.
    #[serde(rename = "r", default, skip_serializing_if = "is_zero")]
    pub(crate) restored: u32,
}

/// An order holds a coupon while it is being paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lock {
    #[serde(rename = "o")]
    pub(crate) order: String,
    #[serde(rename = "u")]
    until_ms: i64,
    /// What the order asked for: another request of the same order is another one.
    #[serde(rename = "h")]
    pub(crate) request: u64,
}

/// What is fixed when a coupon is issued.
pub(crate) struct Issued {
    pub(crate) id: String,
    pub(crate) batch: String,
    pub(crate) terms: u32,
    pub(crate) code: String,
    pub(crate) value_fen: u64,
    pub(crate) from: Instant,
    pub(crate) until: Instant,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Coupon {
    pub(crate) fn new(issued: Issued) -> Self {
        Self {
            id: issued.id,
            batch: issued.batch,
            terms: issued.terms,
            code: issued.code,
            value_fen: issued.value_fen,
            from_ms: issued.from.as_millis(),
            until_ms: issued.until.as_millis(),
            lock: None,
            seen: false,
            restored: 0,
        }
    }

    pub(crate) fn from(&self) -> Instant {
        Instant::from_millis(self.from_ms)
    }

    /// The first instant at which it is over.
    pub(crate) fn until(&self) -> Instant {
        Instant::from_millis(self.until_ms)
    }

    pub(crate) fn extend_to(&mut self, until: Instant) {
        self.until_ms = self.until_ms.max(until.as_millis());
    }

    /// The lock that holds it now; one whose time is over holds nothing.
    pub(crate) fn held_by(&self, now: Instant) -> Option<&Lock> {
        self.lock.as_ref().filter(|lock| lock.until() > now)
    }
}

impl Lock {
    pub(crate) fn new(order: &str, until: Instant, request: u64) -> Self {
        Self { order: order.to_owned(), until_ms: until.as_millis(), request }
    }

    pub(crate) fn until(&self) -> Instant {
        Instant::from_millis(self.until_ms)
    }
}

/// Coupons that an order has used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    #[serde(rename = "o")]
    pub(crate) order: String,
    /// What it cost before coupons, in fen.
    #[serde(rename = "a")]
    pub(crate) amount_fen: u64,
    /// What was asked for: another request for the same order is another one.
    #[serde(rename = "h")]
    pub(crate) request: u64,
    /// In the order in which they were applied.
    #[serde(rename = "c")]
    pub(crate) uses: Vec<Use>,
    /// What was refunded so far, in fen.
    #[serde(rename = "r", default, skip_serializing_if = "is_none_yet")]
    pub(crate) refunded_fen: u64,
    /// The refunds that are counted in it.
    #[serde(rename = "k", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) refunds: Vec<u64>,
    /// Whether it was refunded in full: its coupons are settled for ever.
    #[serde(rename = "x", default, skip_serializing_if = "is_false")]
    pub(crate) is_settled: bool,
}

fn is_none_yet(number: &u64) -> bool {
    *number == 0
}

/// A coupon in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Use {
    #[serde(rename = "c")]
    pub(crate) coupon: Coupon,
    /// What it took off, in fen.
    #[serde(rename = "d")]
    pub(crate) discount_fen: u64,
}

impl Order {
    pub(crate) fn new(order: &str, amount_fen: u64, request: u64, uses: Vec<Use>) -> Self {
        Self {
            order: order.to_owned(),
            amount_fen,
            request,
            uses,
            refunded_fen: 0,
            refunds: Vec::new(),
            is_settled: false,
        }
    }

    /// What all coupons took off, in fen.
    pub(crate) fn discount_fen(&self) -> u64 {
        self.uses.iter().map(|used| used.discount_fen).sum()
    }

    fn has(&self, coupon: &str) -> bool {
        self.uses.iter().any(|used| used.coupon.id == coupon)
    }
}

/// A coupon that will never be used again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    #[serde(rename = "c")]
    pub(crate) coupon: Coupon,
    #[serde(rename = "e")]
    pub(crate) how: Ending,
    #[serde(rename = "w", default, skip_serializing_if = "String::is_empty")]
    pub(crate) why: String,
}

/// How a coupon ended without being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    Expired,
    Revoked,
    /// Its order was refunded, and the batch says that it is gone then.
    Void,
}

/// A customer's coupons.
#[derive(Debug)]
pub(crate) struct Wallet {
    owner: Records,
    page: Page,
}

/// The document.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Page {
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    live: Vec<Coupon>,
    /// The latest first.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    orders: Vec<Order>,
    /// The latest first.
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    ended: Vec<Ended>,
    /// Whether older orders or endings stand in documents of their own.
    #[serde(rename = "p", default, skip_serializing_if = "is_false")]
    has_past: bool,
    #[serde(rename = "d", default, skip_serializing_if = "Vec::is_empty")]
    today: Vec<Today>,
}

/// How many coupons of a batch the customer got on a calendar day of that batch's zone.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Today {
    #[serde(rename = "b")]
    batch: String,
    #[serde(rename = "d")]
    date: String,
    #[serde(rename = "n")]
    taken: u64,
    /// When the last one was counted.
    #[serde(rename = "t")]
    at_ms: i64,
}

/// After this long no local day goes on: the longest has 25 hours, days of another zone begin up to 26 hours apart.
const DAY_OVER_AFTER: Duration = Duration::hours(52);

/// Where a coupon stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// It can be used, or will be.
    Live(Coupon),
    /// An order has used it.
    Used { coupon: Coupon, order: String },
    /// It ended.
    Ended(Ended),
    /// Another customer has it now.
    Moved { to: String },
}

/// What stands in a document of its own, under a coupon's id.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Past {
    Order(String),
    Ended(Ended),
    Moved(String),
}

fn order_key(order: &str) -> String {
    key(&["order", order])
}

fn past_key(coupon: &str) -> String {
    key(&["past", coupon])
}

impl Wallet {
    /// The wallet of the call's customer.
    ///
    /// # Errors
    /// Invalid when the call is for nobody.
    pub(crate) fn of_customer() -> Result<Self, Error> {
        Self::open(records::of_customer())
    }

    /// The wallet of a customer by id.
    ///
    /// # Errors
    /// When there is no such customer.
    pub(crate) fn of(customer: &str) -> Result<Self, Error> {
        Self::open(records::of(customer))
    }

    fn open(owner: Records) -> Result<Self, Error> {
        let page = owner.get(WALLET)?.unwrap_or_default();
        Ok(Self { owner, page })
    }

    pub(crate) fn live(&self) -> &[Coupon] {
        &self.page.live
    }

    pub(crate) fn is_full(&self) -> bool {
        self.page.live.len() >= LIVE_MAX
    }

    pub(crate) fn live_by_id(&mut self, coupon: &str) -> Option<&mut Coupon> {
        self.page.live.iter_mut().find(|live| live.id == coupon)
    }

    /// Where a coupon stands; none when the customer never had it.
    pub(crate) fn find(&self, coupon: &str) -> Result<Option<Found>, Error> {
        let page = &self.page;
        if let Some(live) = page.live.iter().find(|live| live.id == coupon) {
            return Ok(Some(Found::Live(live.clone())));
        }
        if let Some(order) = page.orders.iter().find(|order| !order.is_settled && order.has(coupon)) {
            return Ok(used(order, coupon));
        }
        if let Some(ended) = page.ended.iter().find(|ended| ended.coupon.id == coupon) {
            return Ok(Some(Found::Ended(ended.clone())));
        }
        if !page.has_past {
            return Ok(None);
        }
        Ok(match self.owner.get(&past_key(coupon))? {
            None => None,
            Some(Past::Ended(ended)) => Some(Found::Ended(ended)),
            Some(Past::Moved(to)) => Some(Found::Moved { to }),
            Some(Past::Order(order)) => self.order(&order)?.and_then(|order| used(&order, coupon)),
        })
    }

    /// The coupons of an order; none when it used none.
    pub(crate) fn order(&self, number: &str) -> Result<Option<Order>, Error> {
        if let Some(order) = self.page.orders.iter().find(|order| order.order == number) {
            return Ok(Some(order.clone()));
        }
        if self.page.has_past { self.owner.get(&order_key(number)) } else { Ok(None) }
    }

    /// Takes a coupon in.
    pub(crate) fn add(&mut self, coupon: Coupon) {
        self.page.live.push(coupon);
    }

    /// Takes a live coupon out.
    pub(crate) fn remove(&mut self, coupon: &str) -> Option<Coupon> {
        let place = self.page.live.iter().position(|live| live.id == coupon)?;
        Some(self.page.live.remove(place))
    }

    /// Keeps what became of an order; a newer state of the same order replaces the older one.
    pub(crate) fn put_order(&mut self, order: Order) {
        self.page.orders.retain(|kept| kept.order != order.order);
        self.page.orders.insert(0, order);
    }

    /// Keeps how a coupon ended.
    pub(crate) fn put_ended(&mut self, coupon: Coupon, how: Ending, why: &str) {
        self.page.ended.insert(0, Ended { coupon, how, why: why.to_owned() });
    }

    /// Another customer has a coupon now.
    pub(crate) fn put_moved(&mut self, coupon: &str, to: &str) -> Result<(), Error> {
        self.page.has_past = true;
        self.owner.put(&past_key(coupon), &Past::Moved(to.to_owned()))
    }

    /// How many coupons of a batch the customer got on a day.
    pub(crate) fn taken_on(&self, date: &str, batch: &str) -> u64 {
        let days = self.page.today.iter();
        days.filter(|today| today.batch == batch && today.date == date).map(|today| today.taken).sum()
    }

    /// Counts one more coupon of a batch on a day. Days that are over are forgotten.
    pub(crate) fn count_on(&mut self, date: &str, batch: &str, now: Instant) {
        let days = &mut self.page.today;
        let taken = days
            .iter()
            .find(|today| today.batch == batch && today.date == date)
            .map_or(0, |today| today.taken);
        days.retain(|today| {
            today.batch != batch && now.since(Instant::from_millis(today.at_ms)) < DAY_OVER_AFTER
        });
        let (batch, date) = (batch.to_owned(), date.to_owned());
        days.push(Today { batch, date, taken: taken + 1, at_ms: now.as_millis() });
    }

    /// Writes the wallet. What is old goes into documents of its own.
    ///
    /// # Errors
    /// What the host says.
    pub(crate) fn save(mut self) -> Result<(), Error> {
        while self.page.orders.len() > ORDERS_KEPT {
            let Some(order) = self.page.orders.pop() else { break };
            self.page.has_past = true;
            self.owner.put(&order_key(&order.order), &order)?;
            if !order.is_settled {
                for used in &order.uses {
                    self.owner.put(&past_key(&used.coupon.id), &Past::Order(order.order.clone()))?;
                }
            }
        }
        while self.page.ended.len() > ENDED_KEPT {
            let Some(ended) = self.page.ended.pop() else { break };
            self.page.has_past = true;
            self.owner.put(&past_key(&ended.coupon.id), &Past::Ended(ended))?;
        }
        self.owner.put(WALLET, &self.page)
    }
}

/// A settled order has given its coupons back: they stand elsewhere.
fn used(order: &Order, coupon: &str) -> Option<Found> {
    if order.is_settled {
        return None;
    }
    let found = order.uses.iter().find(|used| used.coupon.id == coupon)?;
    Some(Found::Used { coupon: found.coupon.clone(), order: order.order.clone() })
}
