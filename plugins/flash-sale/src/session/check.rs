//! What is refused when a session is published, and what an operator is warned of. Pure: knows no time and no stock.

use siyu_plugin::prelude::*;

use super::{Every, Gate, Item, Orders, QueueMode, Session, Trigger, Window};

/// Items of one session: all are set up in one call when it opens, and the rooms of the seeds show about 15.
const ITEMS_MAX: usize = 50;
/// Bytes of a sku: it is a part of keys.
const SKU_BYTES_MAX: usize = 64;
/// Ten million yuan: an amount of an order then fits every number on the way.
const PRICE_FEN_MAX: u64 = 1_000_000_000;
/// Units of one customer.
const PER_CUSTOMER_MAX: u64 = 10_000;
/// The largest whole number of the contract.
const WHOLE_MAX: u64 = (1 << 53) - 1;
/// More than this in a second no host admits.
const ADMIT_PER_SECOND_MAX: u64 = 100_000;

impl Resource for Session {
    const KIND: &'static str = "session";

    fn check(&self, _name: &str, found: &mut Findings) {
        self.check_opening(found);
        self.check_items(found);
        if let Some(gate) = &self.gate {
            check_gate(gate, found);
        }
        self.check_limits(found);
        if let Some(orders) = &self.orders {
            check_orders(orders, found);
        }
    }

    fn apply(&self, name: &str) -> Result<Vec<Reaction>, Fault> {
        self.put_into_force(name)
    }
}

impl Session {
    fn check_opening(&self, found: &mut Findings) {
        match (&self.window, &self.trigger) {
            (Some(window), None) => self.check_window(window, found),
            (None, Some(trigger)) => check_trigger(trigger, found),
            (Some(_), Some(_)) => found.error(
                "/trigger",
                "OPENS_TWICE",
                "the session has a `window` and a `trigger`: expected one of them",
            ),
            (None, None) => found.error(
                "",
                "OPENS_NEVER",
                "the session never opens: expected a `window` (start, end) or a `trigger` (event, duration)",
            ),
        }
        if self.repeat.is_some() && self.window.is_none() {
            found.error("/repeat", "REPEAT_WITHOUT_WINDOW", "only a session with a `window` comes again");
        }
    }

    fn check_window(&self, window: &Window, found: &mut Findings) {
        let Window { start, end, .. } = window;
        if start >= end {
            found.error(
                "/window/end",
                "WINDOW_EMPTY",
                format!(
                    "the session ends at {end}, which is not after its start at {start}: a window is [start, end)"
                ),
            );
        }
        let Some(repeat) = &self.repeat else {
            return;
        };
        let Every::Week = repeat.every;
        if end.since(*start) > Duration::days(7) {
            found.error(
                "/window/end",
                "WINDOW_OVERLAPS",
                "the session lasts longer than a week and comes again every week: expected at most 7d",
            );
        }
        if repeat.until.is_some_and(|until| until <= *start) {
            found.error(
                "/repeat/until",
                "REPEAT_OVER",
                "the repetition is over before the first start: expected a later instant",
            );
        }
    }

    fn check_items(&self, found: &mut Findings) {
        if self.items.is_empty() || self.items.len() > ITEMS_MAX {
            let count = self.items.len();
            found.error("/items", "ITEMS", format!("{count} items, expected 1 to {ITEMS_MAX}"));
        }
        for (place, item) in self.items.iter().enumerate() {
            let at = |field: &str| format!("/items/{place}/{field}");
            check_item(item, &at, found);
            check_price(item, self.repeat.is_some(), &at, found);
            if let Some(first) = self.items.iter().take(place).position(|other| other.sku == item.sku) {
                let message = format!("`{}` is item {first} already: a sku is sold once a session", item.sku);
                found.error(at("sku"), "SKU_TWICE", message);
            }
        }
    }

    fn check_limits(&self, found: &mut Findings) {
        let holding = &self.reservation;
        if holding.ttl.is_zero() || holding.ttl > Duration::days(7) {
            let message = format!("units are held for {}: expected more than 0s, at most 1w", holding.ttl);
            found.error("/reservation/ttl", "TTL", message);
        }
        if holding.grace_payment > Duration::days(1) {
            let message = format!("{} after the end of a hold: expected at most 1d", holding.grace_payment);
            found.error("/reservation/grace_payment", "GRACE", message);
        }
        if holding.review.is_zero() {
            let message = "a payment to be looked at needs time: expected more than 0s";
            found.error("/reservation/review", "REVIEW", message);
        }
        if holding.timeouts_max == 0 {
            let message = "nobody could hold anything: expected 1 or more";
            found.error("/reservation/timeouts_max", "TIMEOUTS", message);
        }
        self.check_queue(found);
        if self.anti_abuse.challenge_over_rps == Some(0) {
            let message = "every wish would need a challenge: expected 1 or more";
            found.error("/anti_abuse/challenge_over_rps", "CHALLENGE", message);
        }
        if self.on_sold_out.waitlist && !(1..=WHOLE_MAX).contains(&self.on_sold_out.waitlist_max) {
            let message = "nobody could wait: expected 1 or more";
            found.error("/on_sold_out/waitlist_max", "WAITLIST", message);
        }
    }

    fn check_queue(&self, found: &mut Findings) {
        let queue = &self.queue;
        if !(1..=ADMIT_PER_SECOND_MAX).contains(&queue.admit_per_second) {
            let count = queue.admit_per_second;
            let message = format!("{count} customers a second, expected 1 to {ADMIT_PER_SECOND_MAX}");
            found.error("/queue/admit_per_second", "QUEUE_PACE", message);
        }
        if !(1..=WHOLE_MAX).contains(&queue.max_waiting) {
            let message = format!("{} may wait: expected 1 or more", queue.max_waiting);
            found.error("/queue/max_waiting", "QUEUE_LENGTH", message);
        }
        if queue.ticket_ttl.is_zero() {
            found.error("/queue/ticket_ttl", "TICKET_TTL", "a turn of 0s is never taken: expected more");
        }
        let warmup = self.window.as_ref().map_or(Duration::ZERO, |window| window.warmup);
        if queue.mode == QueueMode::None && !warmup.is_zero() {
            let message =
                "without a queue nothing happens before the start: expected `queue: { mode: fifo }`";
            found.warning("/window/warmup", "WARMUP_UNUSED", message);
        }
    }
}

fn check_trigger(trigger: &Trigger, found: &mut Findings) {
    if trigger.duration.is_zero() {
        let message = "a sale of 0s sells nothing: expected a length such as 120s";
        found.error("/trigger/duration", "WINDOW_EMPTY", message);
    }
    if let Some(event) = &trigger.event {
        check_event_type("/trigger/event", event, found);
    } else if !trigger.thresholds.is_empty() {
        let message = "thresholds need the event that counts: expected such as live.likes_reached";
        found.error("/trigger/thresholds", "THRESHOLDS_WITHOUT_EVENT", message);
    }
    let mut before = 0;
    for (place, threshold) in trigger.thresholds.iter().copied().enumerate() {
        if threshold <= before || threshold > WHOLE_MAX {
            found.error(
                format!("/trigger/thresholds/{place}"),
                "THRESHOLDS",
                format!(
                    "{threshold} after {before}: expected thresholds from 1 on, each above the one before"
                ),
            );
        }
        before = threshold;
    }
}

fn check_item(item: &Item, at: &impl Fn(&str) -> String, found: &mut Findings) {
    let is_plain = |symbol: char| !symbol.is_whitespace() && !symbol.is_control() && !"/%".contains(symbol);
    if item.sku.is_empty() || item.sku.len() > SKU_BYTES_MAX || !item.sku.chars().all(is_plain) {
        let message = format!(
            "`{}` is no sku: expected 1 to {SKU_BYTES_MAX} bytes without white space, / and %",
            item.sku.chars().take(SKU_BYTES_MAX).collect::<String>()
        );
        found.error(at("sku"), "SKU", message);
    }
    if !(1..=WHOLE_MAX).contains(&item.stock) {
        found.error(at("stock"), "STOCK", format!("{} units, expected 1 or more", item.stock));
    }
    if !(1..=PER_CUSTOMER_MAX).contains(&item.per_customer) {
        let message = format!("{} units a customer, expected 1 to {PER_CUSTOMER_MAX}", item.per_customer);
        found.error(at("per_customer"), "PER_CUSTOMER", message);
    } else if item.stock > 0 && item.per_customer > item.stock {
        let message = format!("{} units a customer, but there are {} in all", item.per_customer, item.stock);
        found.warning(at("per_customer"), "PER_CUSTOMER_ABOVE_STOCK", message);
    }
    if let Some(per_order) = item.per_order.filter(|units| !(1..=item.per_customer).contains(units)) {
        let message = format!(
            "{per_order} units an order, expected 1 to what a customer may have ({})",
            item.per_customer
        );
        found.error(at("per_order"), "PER_ORDER", message);
    }
}

fn check_price(item: &Item, repeats: bool, at: &impl Fn(&str) -> String, found: &mut Findings) {
    if !(1..=PRICE_FEN_MAX).contains(&item.price_fen) {
        let message = format!("{} fen, expected 1 to {PRICE_FEN_MAX}", item.price_fen);
        found.error(at("price_fen"), "PRICE", message);
    }
    let Some(list) = item.list_price_fen else {
        return;
    };
    if list <= item.price_fen {
        found.error(
            at("list_price_fen"),
            "LIST_PRICE_BELOW",
            format!(
                "the struck-through price of {list} fen is not above the price of {} fen",
                item.price_fen
            ),
        );
    }
    let rule = "without another basis a discount is measured against the lowest deal price of the 7 days before \
                (SAMR Order 32, 规范促销行为暂行规定)";
    match item.lowest_7d_fen {
        None => found.warning(
            at("list_price_fen"),
            "PRICE_BASIS_UNKNOWN",
            format!("{list} fen is not shown: {rule}; give `lowest_7d_fen`"),
        ),
        Some(lowest) if lowest < list => found.warning(
            at("list_price_fen"),
            "PRICE_BASIS",
            format!("{list} fen is not shown, for it was sold at {lowest} fen: {rule}"),
        ),
        Some(_) if repeats => found.warning(
            at("lowest_7d_fen"),
            "PRICE_BASIS_REPEATED",
            format!(
                "from the second week on the sale before is itself such a deal at {} fen: {rule}",
                item.price_fen
            ),
        ),
        Some(_) => {}
    }
}

fn check_gate(gate: &Gate, found: &mut Findings) {
    let Some(invites) = &gate.invites else {
        return;
    };
    if invites.min == 0 || invites.min > 100 {
        let message = format!("{} friends, expected 1 to 100; 2 or 3 are usual", invites.min);
        found.error("/gate/invites/min", "INVITES", message);
    }
    if invites.kept_for >= invites.window {
        let message = format!(
            "friends must have stayed {}, but an invite counts for {} only: nobody could pass",
            invites.kept_for, invites.window
        );
        found.error("/gate/invites/kept_for", "INVITES_NEVER", message);
    }
    found.warning(
        "/gate/invites",
        "PLATFORM_RISK",
        "platform_risk: high. Rewards for sharing outward links are forbidden (微信外部链接内容管理规范, 2019-10-28): count \
         friends by personal codes (联系我), name no reward for sharing, and have it approved",
    );
}

fn check_orders(orders: &Orders, found: &mut Findings) {
    let named = [("paid", &orders.paid), ("cancelled", &orders.cancelled), ("refunded", &orders.refunded)];
    for (field, event) in named {
        if let Some(event) = event {
            check_event_type(&format!("/orders/{field}"), event, found);
        }
    }
}

/// The contract's rule for types of events. An event of this plugin would call itself.
fn check_event_type(pointer: &str, event: &str, found: &mut Findings) {
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
    };
    if event.len() > 128 || !event.split('.').all(is_word) {
        let shown: String = event.chars().take(64).collect();
        let message = format!("`{shown}` is no event type: expected dotted small words such as order.paid");
        found.error(pointer, "EVENT_TYPE", message);
    } else if event.starts_with("flash.") {
        found.error(
            pointer,
            "EVENT_TYPE",
            format!("`{event}` is an event of this plugin: expected one of the shop"),
        );
    }
}
