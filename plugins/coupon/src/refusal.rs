//! The ways in which the plugin says no. Codes are stable: workflows branch on them.

use siyu_plugin::prelude::*;

macro_rules! refusals {
    ($($code:ident: $summary:literal),* $(,)?) => {
        $(pub(crate) const $code: Refusal = Refusal::new(stringify!($code), $summary);)*
    };
}

refusals! {
    STOPPED: "the operator stopped the batch (已停用)",
    ENDED: "the batch's window is over (已结束)",
    NOT_ELIGIBLE: "the customer does not belong to those whom the batch is for (不符合领取条件)",
    LIMIT_CUSTOMER: "the customer has had as many coupons of the batch as one may (每人限领)",
    LIMIT_CUSTOMER_DAY: "the customer has had as many coupons of the batch today as one may (每人每日限领)",
    LIMIT_DAY_TOTAL: "the batch's coupons of today are gone (今日已领完)",
    SOLD_OUT: "the batch's coupons are gone (已领完)",
    BUDGET_EXHAUSTED: "the batch's budget is used up (预算用尽)",
    WALLET_FULL: "the customer holds 100 coupons already: some must be used or end first (券包已满)",
    COUPON_UNKNOWN: "the customer has no such coupon (券不存在)",
    CODE_UNKNOWN: "there is no such code that this caller could use (券码无效)",
    CODE_MALFORMED: "the text cannot be a code (券码格式错误)",
    TOO_MANY_TRIES: "the caller tried too many wrong codes: 5 in a minute block for 15 minutes (尝试过多)",
    NOT_STARTED: "the coupon is not valid yet (未到使用时间)",
    EXPIRED: "the coupon is not valid any more (已过期)",
    REVOKED: "the coupon was taken back (已作废)",
    ALREADY_REDEEMED: "another order has used the coupon (已核销)",
    LOCKED_BY_OTHER_ORDER: "another order holds the coupon while it is being paid (已被其他订单锁定)",
    MIN_SPEND: "the goods cost less than the coupon asks for (未达门槛)",
    NOT_IN_SCOPE: "the order has nothing that the coupon is for (不适用商品或渠道)",
    NO_DISCOUNT: "the coupon would take nothing off this order (无可优惠金额)",
    NOT_COMBINABLE: "the coupons cannot be used together (不可叠加)",
    NO_COUPON: "no coupon of the customer fits the order (无可用券)",
    IDEMPOTENCY_MISMATCH: "the order was handled before with another request (重复请求不一致)",
    ORDER_REFUNDED: "the order was refunded (订单已退款)",
    ORDER_UNKNOWN: "the order has used no coupon of the customer (订单未用券)",
}
