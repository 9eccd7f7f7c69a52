//! What a customer bought, in time: how often, on which days. Computed from instants alone, in the playbook's zone.

use jiff::civil::Date;
use siyu_model::clock::{UtcMs, Zone};

/// What all reports call an order.
pub(crate) const ORDER_PAID: &str = "order.paid";

/// The orders of one customer, added in the order of time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Orders {
    /// How many records.
    pub(crate) records: u64,
    /// The first instant and its calendar day.
    pub(crate) first: Option<(UtcMs, Date)>,
    /// The first calendar day after that of the first order on which there was another.
    pub(crate) second_day: Option<Date>,
}

impl Orders {
    /// Adds the next order.
    pub(crate) fn add(&mut self, zone: &Zone, at: UtcMs) {
        self.records += 1;
        if self.second_day.is_some() {
            return;
        }
        let day = zone.local(at).date();
        match self.first {
            None => self.first = Some((at, day)),
            Some((_, first)) if day > first => self.second_day = Some(day),
            Some(_) => {}
        }
    }

    /// Whether the second day came within so many days of the first.
    pub(crate) fn returned_within(&self, days: u32) -> bool {
        match (self.first, self.second_day) {
            (Some((_, first)), Some(second)) => days_between(first, second) <= i64::from(days),
            _ => false,
        }
    }
}

/// Calendar days from one to another.
pub(crate) fn days_between(from: Date, to: Date) -> i64 {
    // Whole days, in hours: no clock change touches a civil date.
    from.duration_until(to).as_hours() / 24
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(zone: &str, instants: &[&str]) -> Orders {
        let zone = zone.parse().unwrap();
        let mut orders = Orders::default();
        for at in instants {
            orders.add(&zone, at.parse().unwrap());
        }
        orders
    }

    #[test]
    fn a_second_order_past_local_midnight_is_another_day() {
        let around_midnight = ["2026-01-05T15:50:00Z", "2026-01-05T16:10:00Z"];
        let shanghai = orders("Asia/Shanghai", &around_midnight);
        assert_eq!((shanghai.records, shanghai.second_day.is_some()), (2, true));
        assert!(shanghai.returned_within(1) && !shanghai.returned_within(0));
        let utc = orders("UTC", &around_midnight);
        assert_eq!((utc.records, utc.second_day), (2, None));
        assert!(!utc.returned_within(365));
    }

    #[test]
    fn the_second_day_counts_not_the_last() {
        let found = orders("UTC", &["2026-01-01T00:00:00Z", "2026-01-31T23:59:59Z", "2026-09-01T00:00:00Z"]);
        assert_eq!(found.records, 3);
        assert!(found.returned_within(30) && !found.returned_within(29));
    }

    #[test]
    fn a_clock_change_does_not_move_a_day() {
        let berlin = orders("Europe/Berlin", &["2026-03-28T23:30:00Z", "2026-03-29T22:30:00Z"]);
        assert!(berlin.returned_within(1) && !berlin.returned_within(0));
    }
}
