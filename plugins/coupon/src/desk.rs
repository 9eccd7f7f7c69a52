//! What the steps that use coupons share: whose wallet it is, which coupons are meant, and whether each can be used now.
//!
//! Never changes a coupon.

use siyu_plugin::prelude::*;
use siyu_plugin::{context, customers, events};

use crate::basket::Basket;
use crate::choice::Candidate;
use crate::code::{self, Caller, Place};
use crate::due;
use crate::event::CouponUnlocked;
use crate::ledger::Count;
use crate::refusal;
use crate::terms::Shelf;
use crate::wallet::{Coupon, Ending, Found, LIVE_MAX, ORDER_BYTES_MAX, Order, Wallet};

/// The event that says that an order is paid.
const ORDER_PAID: &str = "order.paid";

/// Which coupons a step's input names.
pub(crate) struct Wanted<'a> {
    pub(crate) coupon: Option<&'a str>,
    pub(crate) coupons: &'a [String],
    pub(crate) code: Option<&'a str>,
    pub(crate) staff: Option<&'a str>,
    pub(crate) actor: Option<&'a str>,
}

/// For what coupons are asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purpose<'a> {
    /// The order; none for a question.
    pub(crate) order: Option<&'a str>,
    /// Whether the order is among the customer's paid ones already.
    pub(crate) is_paid: bool,
}

/// A wallet that a step works on.
pub(crate) struct Desk {
    /// Whose, when it is not the call's customer's.
    other: Option<String>,
    /// Whether a coupon of it goes to the call's customer when it is used.
    is_passed_on: bool,
    pub(crate) wallet: Wallet,
    pub(crate) shelf: Shelf,
    pub(crate) now: Instant,
    paid_orders: Option<u64>,
}

impl Desk {
    /// The wallet of the call's customer.
    ///
    /// # Errors
    /// When the call is for nobody.
    pub(crate) fn of_customer() -> Result<Self, Stop> {
        Ok(Self::on(Wallet::of_customer()?, None, Shelf::default()))
    }

    fn on(wallet: Wallet, other: Option<String>, shelf: Shelf) -> Self {
        Self { other, is_passed_on: false, wallet, shelf, now: Instant::now(), paid_orders: None }
    }

    /// The wallet that the input means, and the coupons that it names; none when the choice is the plugin's.
    ///
    /// # Errors
    /// Refusals of codes, and an input that names coupons twice.
    pub(crate) fn open(wanted: &Wanted<'_>) -> Result<(Self, Vec<String>), Stop> {
        let mut named: Vec<String> = wanted.coupons.to_vec();
        if let Some(coupon) = wanted.coupon.filter(|coupon| !named.iter().any(|name| name == coupon)) {
            named.push(coupon.to_owned());
        }
        named.sort_unstable();
        named.dedup();
        let Some(typed) = wanted.code else {
            return Ok((Self::of_customer()?, named));
        };
        if !named.is_empty() {
            Err(Fault::invalid("/code", "either `code`, or `coupon` and `coupons`: not both"))?;
        }
        let caller = Caller::of(wanted.staff, wanted.actor)?;
        let mut shelf = Shelf::default();
        let Place::Issued { owner, coupon, .. } = code::resolve(typed, &caller, &mut shelf)? else {
            // A code that nobody has yet is no coupon: the step `issue` makes one of it.
            return Err(refusal::CODE_UNKNOWN.because("nobody has this code yet: issue it first").into());
        };
        let me = context::current().customer.clone();
        let is_mine = me.as_deref() == Some(owner.as_str());
        if is_mine {
            return Ok((Self::on(Wallet::of_customer()?, None, shelf), vec![coupon]));
        }
        let is_passed_on = me.is_some() && matches!(caller, Caller::Customer(_));
        let mut desk = Self::on(Wallet::of(&owner)?, Some(owner), shelf);
        desk.is_passed_on = is_passed_on;
        Ok((desk, vec![coupon]))
    }

    /// A coupon that may be passed on goes to whoever uses its code, at the moment of use.
    ///
    /// # Errors
    /// `WALLET_FULL`; what the host says.
    pub(crate) fn claim(&mut self, coupons: &[Candidate]) -> Result<(), Stop> {
        if !self.is_passed_on {
            return Ok(());
        }
        let mut mine = Wallet::of_customer()?;
        if mine.is_full() {
            return Err(refusal::WALLET_FULL.because(format!("{LIVE_MAX} coupons are held")).into());
        }
        let me = context::customer()?;
        for candidate in coupons {
            if let Some(moved) = self.wallet.remove(&candidate.coupon.id) {
                self.wallet.put_moved(&moved.id, &me)?;
                mine.add(moved);
            }
        }
        std::mem::replace(&mut self.wallet, mine).save()?;
        self.other = None;
        self.is_passed_on = false;
        Ok(())
    }

    /// The coupons of an order: of whoever will own them.
    pub(crate) fn order(&self, number: &str) -> Result<Option<Order>, Error> {
        if self.is_passed_on { Wallet::of_customer()?.order(number) } else { self.wallet.order(number) }
    }

    /// Whether the order of a coupon that is passed on holds coupons of whoever it goes to.
    pub(crate) fn holds_others(&self, order: &str) -> Result<bool, Error> {
        if !self.is_passed_on {
            return Ok(false);
        }
        let mine = Wallet::of_customer()?;
        Ok(mine.live().iter().any(|coupon| coupon.held_by(self.now).is_some_and(|lock| lock.order == order)))
    }

    /// A lock whose time is over is taken off, although its own event has not come yet.
    pub(crate) fn drop_stale_lock(&self, coupon: &mut Coupon) -> Result<(), Error> {
        if coupon.held_by(self.now).is_some() {
            return Ok(());
        }
        match coupon.lock.take() {
            None => Ok(()),
            Some(lock) => self.tell_unlocked(coupon, lock.order, due::TTL),
        }
    }

    /// A coupon is free again.
    pub(crate) fn tell_unlocked(&self, coupon: &Coupon, order: String, reason: &str) -> Result<(), Error> {
        Count::Locked.take_off(&coupon.batch, 1)?;
        self.emit(&CouponUnlocked {
            batch: coupon.batch.clone(),
            coupon: coupon.id.clone(),
            order,
            value_fen: coupon.value_fen,
            reason: reason.to_owned(),
        })
    }

    /// Records an event of whoever owns the wallet.
    pub(crate) fn emit<E: Event>(&self, event: &E) -> Result<(), Error> {
        match &self.other {
            Some(owner) => events::emit_for(owner, event),
            None => events::emit(event),
        }
    }

    /// Plans what happens next to a coupon by itself.
    pub(crate) fn plan(&mut self, coupon: &Coupon) -> Result<(), Stop> {
        let reminders = match coupon.lock {
            Some(_) => Vec::new(),
            None => self.shelf.terms(&coupon.batch, coupon.terms)?.reminders,
        };
        Ok(due::plan(self.other.as_deref(), coupon, &reminders, self.now)?)
    }

    /// A coupon that can be used now for this purpose.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) fn usable(&mut self, coupon: &str, purpose: Purpose<'_>) -> Result<Candidate, Stop> {
        match self.wallet.find(coupon)? {
            Some(Found::Live(coupon)) => self.usable_now(coupon, purpose),
            Some(Found::Used { order, .. }) => Err(refusal::ALREADY_REDEEMED
                .because(format!("the order {} has used it", masked(&order)))
                .details(json!({ "order": masked(&order) }))
                .into()),
            Some(Found::Ended(ended)) => Err(match ended.how {
                Ending::Expired => {
                    refusal::EXPIRED.because(format!("it was valid until {}", ended.coupon.until()))
                }
                Ending::Revoked | Ending::Void => {
                    refusal::REVOKED.because(format!("it was taken back: {}", ended.why))
                }
            }
            .into()),
            Some(Found::Moved { .. }) | None => Err(refusal::COUPON_UNKNOWN.into()),
        }
    }

    fn usable_now(&mut self, coupon: Coupon, purpose: Purpose<'_>) -> Result<Candidate, Stop> {
        let lock = coupon.held_by(self.now);
        let is_held_for_it = lock.is_some_and(|lock| purpose.order == Some(lock.order.as_str()));
        if let Some(lock) = lock.filter(|_| !is_held_for_it) {
            return Err(refusal::LOCKED_BY_OTHER_ORDER
                .because(format!("the order {} holds it until {}", masked(&lock.order), lock.until()))
                .details(json!({ "order": masked(&lock.order), "locked_until": lock.until() }))
                .into());
        }
        // A lock that was taken in time holds to its end, whatever happens to the coupon and its batch meanwhile.
        if !is_held_for_it {
            if self.now < coupon.from() {
                return Err(refusal::NOT_STARTED.because(format!("valid from {}", coupon.from())).into());
            }
            if self.now >= coupon.until() {
                return Err(refusal::EXPIRED
                    .because(format!("it was valid until {}", coupon.until()))
                    .into());
            }
            let book = self.shelf.book(&coupon.batch)?;
            if let Some(stopped) = book.stopped.as_ref().filter(|stopped| stopped.redeeming) {
                return Err(refusal::STOPPED.because(stopped.reason.clone()).into());
            }
        }
        let terms = self.shelf.terms(&coupon.batch, coupon.terms)?;
        if terms.first_order_only {
            // The order itself, and every order that gave this coupon back.
            let allowed = u64::from(coupon.restored) + u64::from(purpose.is_paid);
            if self.paid_orders()? > allowed {
                return Err(refusal::NOT_ELIGIBLE.because("the coupon is for the first order").into());
            }
        }
        Ok(Candidate { coupon, terms })
    }

    /// How many orders the customer has paid.
    fn paid_orders(&mut self) -> Result<u64, Error> {
        if let Some(count) = self.paid_orders {
            return Ok(count);
        }
        let owner = match &self.other {
            Some(owner) if !self.is_passed_on => customers::of(owner.as_str()),
            _ => customers::current(),
        };
        let count = owner.get()?.map_or(0, |customer| customer.fact(ORDER_PAID).count);
        self.paid_orders = Some(count);
        Ok(count)
    }
}

/// Whether the customer has paid an order.
pub(crate) fn has_paid(customer: &customers::Customer) -> bool {
    customer.fact(ORDER_PAID).count > 0
}

/// Enough of an order's number to find it, and too little to use it.
pub(crate) fn masked(order: &str) -> String {
    let symbols: Vec<char> = order.chars().collect();
    let shown = symbols.len().min(8) / 2;
    let tail: String = symbols[symbols.len() - shown..].iter().collect();
    format!("****{tail}")
}

/// An order's number that a wallet can hold.
///
/// # Errors
/// An invalid input.
pub(crate) fn check_order(order: &str) -> Result<(), Fault> {
    if !(1..=ORDER_BYTES_MAX).contains(&order.len()) || order.chars().any(char::is_control) {
        let message =
            format!("{} bytes, expected an order number of 1 to {ORDER_BYTES_MAX} bytes", order.len());
        return Err(Fault::invalid("/order", message));
    }
    Ok(())
}

/// What makes two requests for one order the same.
pub(crate) fn request(basket: &Basket, named: &[String]) -> u64 {
    let mut text = String::new();
    basket.spell(&mut text);
    for coupon in named {
        text.push('\n');
        text.push_str(coupon);
    }
    fingerprint(&text)
}

/// A number that tells requests apart: FNV-1a, of which the host's numbers hold 52 bits. Not against forgery: a request is
/// compared with one of the same customer and order.
pub(crate) fn fingerprint(request: &str) -> u64 {
    let hash = request.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash >> 12
}
