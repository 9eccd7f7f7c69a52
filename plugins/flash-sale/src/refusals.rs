//! The ways in which a flash sale says no. Decides nothing itself.
//!
//! The codes are those of the specification; `UNKNOWN_ORDER`, `ALREADY_PAID`, `CHALLENGE_REQUIRED` and
//! `IDEMPOTENCY_MISMATCH` name cases for which it has none.

use siyu_plugin::Refusal;

/// Before the start.
pub(crate) const NOT_OPEN: Refusal = Refusal::new("NOT_OPEN", "the sale has not begun (未开始)");
/// After the end, or ended by an operator.
pub(crate) const CLOSED: Refusal = Refusal::new("CLOSED", "the sale is over (已结束)");
/// No unit is available.
pub(crate) const SOLD_OUT: Refusal = Refusal::new("SOLD_OUT", "too few units are available (售罄)");
/// Limits of a customer, an order or a device.
pub(crate) const LIMIT_CUSTOMER: Refusal =
    Refusal::new("LIMIT_CUSTOMER", "the customer would have more units than one may (超出限购)");
/// Too few friends were brought.
pub(crate) const GATE_INVITES: Refusal =
    Refusal::new("GATE_INVITES", "the customer has brought too few new friends (邀请不足)");
/// Not in one of the groups.
pub(crate) const GATE_GROUP: Refusal =
    Refusal::new("GATE_GROUP", "the customer is in none of the groups (群专享)");
/// Not a member, no tag, too young an account, or the operator's condition does not hold.
pub(crate) const GATE_MEMBER: Refusal =
    Refusal::new("GATE_MEMBER", "the sale is for other customers (会员专享)");
/// In the queue, or not yet in it.
pub(crate) const QUEUED: Refusal =
    Refusal::new("QUEUED", "the customer has to wait in the queue first (排队中)");
/// The queue takes nobody more.
pub(crate) const QUEUE_FULL: Refusal = Refusal::new("QUEUE_FULL", "the queue takes nobody more (队列已满)");
/// The turn has passed.
pub(crate) const TICKET_EXPIRED: Refusal =
    Refusal::new("TICKET_EXPIRED", "the customer's turn in the queue has passed (排队过号)");
/// The hold is over, and what was paid late has to be paid back.
pub(crate) const RESERVATION_EXPIRED: Refusal =
    Refusal::new("RESERVATION_EXPIRED", "the reservation of this order is over (锁单已失效)");
/// What was paid is not the price.
pub(crate) const AMOUNT_MISMATCH: Refusal =
    Refusal::new("AMOUNT_MISMATCH", "what was paid is not the price: held for review (金额不符,待核对)");
/// Held and let go too often.
pub(crate) const ABUSE_HOLDING: Refusal =
    Refusal::new("ABUSE_HOLDING", "the customer has held units and let them go too often (恶意占单)");
/// Too many wishes in a second.
pub(crate) const CHALLENGE_REQUIRED: Refusal =
    Refusal::new("CHALLENGE_REQUIRED", "the customer asks faster than people do: a challenge first (需验证)");
/// No such order of this customer.
pub(crate) const UNKNOWN_ORDER: Refusal =
    Refusal::new("UNKNOWN_ORDER", "the customer has no such order in a flash sale (无此秒杀订单)");
/// Paid orders are refunded, not cancelled.
pub(crate) const ALREADY_PAID: Refusal =
    Refusal::new("ALREADY_PAID", "the order is paid: refund it instead (已支付,请走退款)");
/// The order number stands for another wish.
pub(crate) const IDEMPOTENCY_MISMATCH: Refusal =
    Refusal::new("IDEMPOTENCY_MISMATCH", "the order number was used for another wish (订单号重复)");
