//! The rules that a batch must keep when it is published. All that is wrong is found at once.
//!
//! Never asks the host: a check is pure.

use std::collections::BTreeSet;

use siyu_plugin::prelude::*;

use super::{Basis, Batch, Kind, Validity};
use crate::basket::AMOUNT_FEN_MAX;

/// The top prize of a lottery, in fen (Anti-Unfair Competition Law; SAMR Order 32 art. 17).
const PRIZE_FEN_MAX: u64 = 5_000_000;

/// Names of goods and channels of one batch: with 64 bytes each they fit a document.
const SCOPE_NAMES_MAX: usize = 550;

impl Batch {
    pub(super) fn find_faults(&self, found: &mut Findings) {
        self.check_worth(found);
        self.check_scope(found);
        self.check_validity(found);
        self.check_limits(found);
        self.check_budget(found);
        self.check_stacking(found);
        self.check_codes(found);
        self.check_reminders(found);
        self.check_law(found);
    }

    fn check_worth(&self, found: &mut Findings) {
        let needs_value = self.kind != Kind::PercentOff;
        field(found, "/value_fen", self.value_fen, needs_value, self.kind);
        field(found, "/off_bp", self.off_bp.map(u64::from), !needs_value, self.kind);
        field(found, "/price_fen", self.price_fen, self.kind == Kind::PriceRight, self.kind);
        if needs_value && self.max_discount_fen.is_some() {
            found.error("/max_discount_fen", "FIELD_NOT_OF_KIND", "only `percent_off` has a cap");
        }
        for (pointer, amount) in [
            ("/value_fen", self.value_fen),
            ("/max_discount_fen", self.max_discount_fen),
            ("/price_fen", self.price_fen),
        ] {
            if amount == Some(0) && pointer != "/price_fen" {
                found.error(pointer, "AMOUNT_ZERO", "0 fen take nothing off: expected 1 or more");
            }
        }
        for (pointer, amount) in [
            ("/value_fen", self.value_fen),
            ("/max_discount_fen", self.max_discount_fen),
            ("/price_fen", self.price_fen),
            ("/min_spend_fen", Some(self.min_spend_fen)),
        ] {
            if amount.is_some_and(|amount| amount > AMOUNT_FEN_MAX) {
                let message = format!("more than {AMOUNT_FEN_MAX} fen: no order costs that");
                found.error(pointer, "AMOUNT_TOO_LARGE", message);
            }
        }
        if self.kind == Kind::PercentOff && self.off_bp.is_some_and(|off| !(1..=9_999).contains(&off)) {
            let message = "expected 1 to 9999: 2000 is 20 % off (8折); goods for nothing are an `exchange`";
            found.error("/off_bp", "PERCENT_RANGE", message);
        }
        if self.kind == Kind::PriceRight
            && let (Some(price), Some(value)) = (self.price_fen, self.value_fen)
            && price >= value
        {
            let message = format!("{price} fen, but the goods are worth {value} fen: expected less");
            found.error("/price_fen", "PRICE_NOT_BELOW_VALUE", message);
        }
    }

    fn check_scope(&self, found: &mut Findings) {
        let scope = self.scope.clone().unwrap_or_default();
        if matches!(self.kind, Kind::Exchange | Kind::PriceRight) && scope.skus.is_empty() {
            let message = "`exchange` and `price_right` are for certain goods: name them in `scope.skus`";
            found.error("/scope", "SCOPE_MISSING", message);
        }
        for (list, names) in
            [("skus", &scope.skus), ("exclude", &scope.exclude), ("channels", &scope.channels)]
        {
            let mut seen = BTreeSet::new();
            for (place, name) in names.iter().enumerate() {
                let pointer = format!("/scope/{list}/{place}");
                if name.is_empty() || name.len() > 64 {
                    found.error(pointer, "NAME_LENGTH", "expected a name of 1 to 64 bytes");
                } else if !seen.insert(name) {
                    found.error(pointer, "NAME_TWICE", format!("`{name}` stands here twice"));
                }
            }
        }
        let names = scope.skus.len() + scope.exclude.len() + scope.channels.len();
        if names > SCOPE_NAMES_MAX {
            let message =
                format!("{names} names, expected at most {SCOPE_NAMES_MAX}: they are kept in one document");
            found.error("/scope", "SCOPE_TOO_LARGE", message);
        }
        for (place, name) in scope.exclude.iter().enumerate() {
            if scope.skus.contains(name) {
                let message = format!("`{name}` is in `skus` as well: is the coupon for it or not?");
                found.error(format!("/scope/exclude/{place}"), "SCOPE_OVERLAP", message);
            }
        }
    }

    fn check_validity(&self, found: &mut Findings) {
        match &self.validity {
            Validity::Fixed(window) if window.from >= window.to => {
                let message =
                    format!("{} is not after {}: no coupon would ever be valid", window.to, window.from);
                found.error("/validity/fixed/to", "VALIDITY_WINDOW", message);
            }
            Validity::Fixed(_) => {}
            Validity::Relative(relative) => {
                if relative.days == 0 && !relative.end_of_day {
                    let message =
                        "0 days end at once: expected 1 or more, or `end_of_day: true` for today only";
                    found.error("/validity/relative/days", "VALIDITY_ZERO", message);
                }
                if relative.days > 3_650 {
                    found.error("/validity/relative/days", "VALIDITY_LENGTH", "expected at most 3650 days");
                }
            }
        }
    }

    fn check_limits(&self, found: &mut Findings) {
        for (pointer, limit) in [
            ("/total", self.total),
            ("/per_customer", self.per_customer),
            ("/per_customer_per_day", self.per_customer_per_day),
            ("/per_day", self.per_day),
        ] {
            if limit == Some(0) {
                let message = "0 issue nothing: expected 1 or more, or leave it out for no limit";
                found.error(pointer, "LIMIT_ZERO", message);
            }
            if limit.is_some_and(|limit| limit > crate::ledger::UNLIMITED) {
                found.error(pointer, "LIMIT_TOO_LARGE", "expected at most 2^53 - 1");
            }
        }
        if let (Some(day), Some(ever)) = (self.per_customer_per_day, self.per_customer)
            && day > ever
        {
            let message = format!("{day} a day, but {ever} ever: the day's limit never holds");
            found.warning("/per_customer_per_day", "LIMIT_NEVER_REACHED", message);
        }
        if let (Some(day), Some(total)) = (self.per_day, self.total)
            && day > total
        {
            let message = format!("{day} a day, but {total} in all: the day's limit never holds");
            found.warning("/per_day", "LIMIT_NEVER_REACHED", message);
        }
        if self.total.is_none() && self.budget.is_none() && !self.is_imported() {
            let message = "neither `total` nor `budget` bounds what this batch may cost";
            found.warning("", "COST_UNBOUNDED", message);
        }
    }

    fn check_budget(&self, found: &mut Findings) {
        let Some(budget) = &self.budget else {
            return;
        };
        let face_fen = self.terms().worth.face_fen();
        if budget.limit_fen == 0 || budget.limit_fen > crate::ledger::UNLIMITED {
            found.error("/budget/limit_fen", "BUDGET_LIMIT", "expected 1 to 2^53 - 1 fen");
        } else if budget.limit_fen < face_fen {
            let message = format!(
                "{} fen, but one coupon is worth {face_fen} fen: none would be issued",
                budget.limit_fen
            );
            found.error("/budget/limit_fen", "BUDGET_BELOW_ONE", message);
        }
        if budget.basis == Basis::Issued && face_fen == 0 {
            let message = "a budget of issued coupons needs to know what one may cost: set the cap, or count `redeemed`";
            found.error("/max_discount_fen", "BUDGET_UNCAPPED", message);
        }
        for (place, percent) in budget.warn_at.iter().enumerate() {
            if !(1..=100).contains(percent) {
                found.error(format!("/budget/warn_at/{place}"), "WARN_AT_RANGE", "expected 1 to 100 percent");
            }
        }
    }

    fn check_stacking(&self, found: &mut Findings) {
        let Some(stacking) = &self.stacking else {
            return;
        };
        let is_name = |name: &str| (1..=32).contains(&name.len()) && !name.chars().any(char::is_control);
        if !is_name(&stacking.group) || stacking.group == "*" {
            found.error("/stacking/group", "GROUP_NAME", "expected a name of 1 to 32 bytes, and not `*`");
        }
        if stacking.combinable_with.len() > 8 {
            found.error(
                "/stacking/combinable_with",
                "GROUPS_TOO_MANY",
                "expected at most 8 groups, or `*` for all",
            );
        }
        for (place, group) in stacking.combinable_with.iter().enumerate() {
            if !is_name(group) {
                let pointer = format!("/stacking/combinable_with/{place}");
                found.error(pointer, "GROUP_NAME", "expected a name of 1 to 32 bytes");
            }
        }
    }

    fn check_codes(&self, found: &mut Findings) {
        if !(8..=24).contains(&self.code.random_len) {
            let message = "expected 8 to 24 random symbols; 12 are 59.5 bits";
            found.error("/code/random_len", "CODE_LENGTH", message);
        }
        let prefix = &self.code.prefix;
        if prefix.len() > 8 || !prefix.bytes().all(|symbol| symbol.is_ascii_alphanumeric()) {
            found.error("/code/prefix", "CODE_PREFIX", "expected at most 8 letters and digits");
        }
        if self.is_imported() && !prefix.is_empty() {
            found.error("/code/prefix", "CODE_PREFIX", "imported codes are what they are: no prefix");
        }
        if self.is_imported() && self.total.is_some() {
            let message =
                "a batch of imported codes has as many coupons as codes were imported: leave `total` out";
            found.error("/total", "TOTAL_IMPORTED", message);
        }
    }

    fn check_reminders(&self, found: &mut Findings) {
        if self.reminders.len() > 5 {
            found.error("/reminders", "REMINDERS_TOO_MANY", "expected at most 5 reminders");
        }
        for (place, left) in self.reminders.iter().enumerate() {
            let pointer = format!("/reminders/{place}");
            if left.is_zero() {
                found.error(
                    pointer,
                    "REMINDER_ZERO",
                    "a reminder comes before the end: expected more than no time",
                );
            } else if self.reminders[..place].contains(left) {
                found.error(pointer, "REMINDER_TWICE", format!("`{left}` stands here twice"));
            }
        }
    }

    fn check_law(&self, found: &mut Findings) {
        let worth = self.terms().worth;
        if worth.face_fen() > PRIZE_FEN_MAX {
            let message = "more than ¥50,000: as a prize of a lottery (抽奖式有奖销售) it may not be that much \
                           (Anti-Unfair Competition Law; SAMR Order 32 art. 17)";
            found.warning("/value_fen", "LAW_PRIZE_TOP", message);
        }
        if matches!(self.kind, Kind::Exchange | Kind::PriceRight) {
            let message = "`value_fen` is a price that customers see: without another stated basis it is at most the \
                           lowest deal price of the 7 days before (SAMR Order 32, 价格基准)";
            found.warning("/value_fen", "LAW_LIST_PRICE", message);
        }
        let is_personal = self
            .audience
            .as_ref()
            .is_some_and(|audience| !audience.tags_any.is_empty() || audience.condition.is_some());
        if is_personal {
            let message = "a benefit that depends on a person's profile: no unreasonable differential treatment in \
                           price, and an easy way to refuse (PIPL art. 24)";
            found.warning("/audience", "LAW_PERSONALISED_PRICE", message);
        }
        if self.rules.trim().is_empty() {
            let message = "a coupon that is a prize must state how, for what and how long it can be used (SAMR Order 32 \
                           art. 14): write it in `rules`";
            found.warning("", "LAW_RULES_UNSTATED", message);
        }
        if self.kind == Kind::AmountOff && self.value_fen.is_some_and(|value| value >= self.min_spend_fen) {
            let message = "an order may become free: `min_spend_fen` is not above what the coupon takes off";
            found.warning("/min_spend_fen", "ORDER_FREE", message);
        }
    }
}

/// A field that some kinds need and the others do not have.
fn field(found: &mut Findings, pointer: &str, value: Option<u64>, is_needed: bool, kind: Kind) {
    let kind = match kind {
        Kind::AmountOff => "amount_off",
        Kind::PercentOff => "percent_off",
        Kind::Exchange => "exchange",
        Kind::PriceRight => "price_right",
    };
    match (value, is_needed) {
        (None, true) => found.error(pointer, "FIELD_MISSING", format!("`{kind}` needs it")),
        (Some(_), false) => found.error(pointer, "FIELD_NOT_OF_KIND", format!("`{kind}` has no such field")),
        _ => {}
    }
}
