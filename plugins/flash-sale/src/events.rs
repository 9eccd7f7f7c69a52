//! What a flash sale records (事件). The fields are what reports add up: they are never taken away or renamed.
//!
//! Of the units of one occurrence: held now = reserved − committed − released, and sold = committed − units of
//! `flash.refunded` with `back_on_sale`. The pools say the same.

use siyu_plugin::prelude::*;

/// An event about the units of one order.
macro_rules! of_an_order {
    ($(#[$doc:meta])* $name:ident = $type:literal { $($(#[$about:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Serialize, JsonSchema)]
        pub(crate) struct $name<'a> {
            /// The session (场次).
            pub(crate) session: &'a str,
            /// Which opening of the session.
            pub(crate) occurrence: &'a str,
            /// The goods (商品).
            pub(crate) sku: &'a str,
            /// Units.
            pub(crate) qty: u64,
            /// Price of one unit, in fen.
            pub(crate) price_fen: u64,
            /// The order number (订单号).
            pub(crate) order: &'a str,
            $($(#[$about])* pub(crate) $field: $kind,)*
        }

        impl Event for $name<'_> {
            const TYPE: &'static str = $type;
        }
    };
}

of_an_order! {
    /// Units are held for an order (锁单).
    Reserved = "flash.reserved" {
        /// The host's id of the reservation.
        reservation: &'a str,
        /// Until when the customer may pay.
        pay_by: Instant,
        /// `customer`, `waitlist`, `late_payment` or `review` (held on while a person looks at the payment).
        reason: &'static str,
    }
}

of_an_order! {
    /// Units are sold (成交).
    Committed = "flash.committed" {
        /// The host's id of the reservation.
        reservation: &'a str,
        /// What was paid, in fen.
        amount_fen: u64,
        /// `in_time`, `late_ok` (after the hold had ended, from what was left) or `reviewed`.
        reason: &'static str,
    }
}

of_an_order! {
    /// Held units went back (释放).
    Released = "flash.released" {
        /// The host's id of the reservation.
        reservation: &'a str,
        /// `timeout`, `cancelled` or `review` (held on by another reservation).
        reason: &'static str,
    }
}

of_an_order! {
    /// A payment cannot be turned into goods: pay it back (迟到支付). Once an order.
    LatePayment = "flash.late_payment" {
        /// The host's id of the reservation that had ended.
        reservation: &'a str,
        /// What was paid, in fen.
        amount_fen: u64,
        /// Always true: somebody has to pay it back.
        refund_required: bool,
        /// `sold_out`, `limit_customer`, `gate_invites`, `amount_mismatch`.
        reason: &'static str,
    }
}

of_an_order! {
    /// Sold units were given back by the customer (退款).
    Refunded = "flash.refunded" {
        /// The host's id of the reservation.
        reservation: &'a str,
        /// What is paid back, in fen.
        refund_fen: u64,
        /// Whether the units can be bought again.
        back_on_sale: bool,
    }
}

of_an_order! {
    /// A customer waits for units that come back (候补).
    Waitlisted = "flash.waitlisted" {
        /// 1 is next.
        position: u64,
    }
}

of_an_order! {
    /// Units came back for a customer who waits (候补到位). A step of this plugin holds them.
    WaitlistCalled = "flash.waitlist_called" {
        /// The place in the line.
        place: u64,
    }
}

/// A customer was told no (拒绝).
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Refused<'a> {
    /// The session.
    pub(crate) session: &'a str,
    /// Which opening of the session; null when there was none yet.
    pub(crate) occurrence: Option<&'a str>,
    /// The goods; null when the queue refused.
    pub(crate) sku: Option<&'a str>,
    /// Units that were wanted.
    pub(crate) qty: u64,
    /// The order number; null when the queue refused.
    pub(crate) order: Option<&'a str>,
    /// The refusal's code in small letters, such as `sold_out` or `gate_invites`.
    pub(crate) reason: String,
    /// What the operator offers instead (安慰奖), when it is sold out; null otherwise.
    pub(crate) consolation: Option<&'a str>,
}

impl Event for Refused<'_> {
    const TYPE: &'static str = "flash.refused";
}

/// Goods of an opening.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OpenedItem<'a> {
    /// The goods.
    pub(crate) sku: &'a str,
    /// Units.
    pub(crate) total: u64,
    /// Price of one unit, in fen.
    pub(crate) price_fen: u64,
}

/// A sale is open (开抢). Once an occurrence.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Opened<'a> {
    /// The session.
    pub(crate) session: &'a str,
    /// Which opening of the session.
    pub(crate) occurrence: &'a str,
    /// When it began.
    pub(crate) opens_at: Instant,
    /// When it ends.
    pub(crate) closes_at: Instant,
    /// What is sold.
    pub(crate) items: Vec<OpenedItem<'a>>,
}

impl Event for Opened<'_> {
    const TYPE: &'static str = "flash.opened";
}

/// Goods of a sale that ended: `available + reserved + sold = total`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ClosedItem<'a> {
    /// The goods.
    pub(crate) sku: &'a str,
    /// All units.
    pub(crate) total: u64,
    /// Units that nobody took.
    pub(crate) available: u64,
    /// Units that are still held; holds are honoured until they end.
    pub(crate) reserved: u64,
    /// Units sold.
    pub(crate) sold: u64,
}

/// A sale has ended (结束). Once an occurrence.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Closed<'a> {
    /// The session.
    pub(crate) session: &'a str,
    /// Which opening of the session.
    pub(crate) occurrence: &'a str,
    /// `ended` in time, or what the operator said.
    pub(crate) reason: &'a str,
    /// How the goods stand at that moment.
    pub(crate) items: Vec<ClosedItem<'a>>,
}

impl Event for Closed<'_> {
    const TYPE: &'static str = "flash.closed";
}

/// The first customer found nothing left (售罄). Again after more units were added.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SoldOut<'a> {
    /// The session.
    pub(crate) session: &'a str,
    /// Which opening of the session.
    pub(crate) occurrence: &'a str,
    /// The goods.
    pub(crate) sku: &'a str,
}

impl Event for SoldOut<'_> {
    const TYPE: &'static str = "flash.sold_out";
}

/// Units were added or taken away while the sale was open (补货).
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Restocked<'a> {
    /// The session.
    pub(crate) session: &'a str,
    /// Which opening of the session.
    pub(crate) occurrence: &'a str,
    /// The goods.
    pub(crate) sku: &'a str,
    /// Units added; negative when taken away.
    pub(crate) qty: i64,
    /// All units now.
    pub(crate) total: u64,
}

impl Event for Restocked<'_> {
    const TYPE: &'static str = "flash.restocked";
}

/// A customer entered the queue (入队).
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct QueueEntered<'a> {
    /// The session.
    pub(crate) session: &'a str,
    /// Which opening of the session.
    pub(crate) occurrence: &'a str,
    /// The ticket's number (排队号), first come, first served.
    pub(crate) ticket: u64,
    /// How many are in front.
    pub(crate) ahead: u64,
    /// When it is the customer's turn.
    pub(crate) admitted_at: Instant,
}

impl Event for QueueEntered<'_> {
    const TYPE: &'static str = "flash.queue_entered";
}

/// Planned by the plugin for itself: look whether a session is to be opened.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct OpenDue {
    /// The session.
    pub(crate) session: String,
}

impl Event for OpenDue {
    const TYPE: &'static str = "flash.open_due";
}

/// Planned by the plugin for itself: look whether a sale is to be ended.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CloseDue {
    /// The session.
    pub(crate) session: String,
    /// Which opening of the session.
    pub(crate) occurrence: String,
}

impl Event for CloseDue {
    const TYPE: &'static str = "flash.close_due";
}

/// Planned by the plugin for itself: look whether units are there for those who wait.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct WaitlistDue {
    /// The session.
    pub(crate) session: String,
    /// Which opening of the session.
    pub(crate) occurrence: String,
    /// The goods.
    pub(crate) sku: String,
}

impl Event for WaitlistDue {
    const TYPE: &'static str = "flash.waitlist_due";
}
