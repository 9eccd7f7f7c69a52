//! A customer's coupons (券包): one document with those that can be used, and the latest orders and endings. What is
//! older stands in documents of its own, so the one that every step reads stays small.
//!
//! Never decides whether a coupon fits an order.

mod coupon;

use siyu_plugin::prelude::*;
use siyu_plugin::{key, records};

use records::Records;

use coupon::is_false;
pub(crate) use coupon::{Coupon, Ended, Ending, Issued, Lock, Order, Use};

/// Coupons that one customer can hold at once. With names as long as they may be, the document stays below 64 KiB.
pub(crate) const LIVE_MAX: usize = 100;
/// Orders in the wallet itself.
const ORDERS_KEPT: usize = 6;
/// Ended coupons in the wallet itself.
const ENDED_KEPT: usize = 8;
/// Bytes of an order's number.
pub(crate) const ORDER_BYTES_MAX: usize = 64;

const WALLET: &str = "wallet";

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
