//! Repurchase (复购): who came back, by the month of their first order.
//!
//! A customer comes back when they order on a later calendar day of the playbook's zone: two orders of one day are one
//! visit. The number of customers with more than one order record is told beside it, because it is larger.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;
use siyu_engine::ports::inspect::{GroupQuery, Inspect, Span, Turn};

use super::named;
use crate::orders::{ORDER_PAID, Orders, days_between};
use crate::walk::Walk;
use crate::{Frame, InsightError, Local, Rate};

/// Days within which a return is counted.
pub(crate) const WINDOWS: [u32; 4] = [30, 60, 90, 180];

/// Who came back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repurchase {
    /// Whose days and months count.
    pub zone: String,
    /// Now.
    pub as_of: Local,
    /// Customers who ordered.
    pub customers: u64,
    /// Their orders.
    pub orders: u64,
    /// What they paid, fen.
    pub amount_fen: i64,
    /// Who came back.
    pub returned: Returned,
    /// By the month of the first order, oldest first.
    pub cohorts: Vec<CohortLine>,
    /// All of them together.
    pub total: CohortLine,
}

/// Customers who came back, counted in two ways.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Returned {
    /// Who ordered on more than one calendar day.
    pub on_more_than_one_day: Rate,
    /// Who has more than one order record.
    pub more_than_one_record: Rate,
}

/// Customers whose first order was in one month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CohortLine {
    /// The month, such as `2025-01`; `total` for all.
    pub month: String,
    /// How many they are.
    pub customers: u64,
    /// Their orders so far.
    pub orders: u64,
    /// Who came back within so many days of the first order's day.
    pub within: Vec<Within>,
    /// Who came back at all, so far.
    pub ever: Rate,
}

/// Who came back within a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Within {
    /// Its length in days.
    pub days: u32,
    /// Who came back, of all of the month.
    pub returned: Rate,
    /// Whether the window is over for everybody of the month; else the rate still grows.
    pub is_over: bool,
}

#[derive(Default)]
struct Cohort {
    customers: u64,
    orders: u64,
    within: [u64; WINDOWS.len()],
    ever: u64,
}

impl Cohort {
    fn add(&mut self, orders: &Orders) {
        self.customers += 1;
        self.orders += orders.records;
        self.ever += u64::from(orders.second_day.is_some());
        for (count, days) in self.within.iter_mut().zip(WINDOWS) {
            *count += u64::from(orders.returned_within(days));
        }
    }

    /// `last` is the latest day on which one of them can have ordered first.
    fn line(&self, month: String, last: Option<Date>, as_of: Date) -> CohortLine {
        let within = WINDOWS.iter().zip(self.within).map(|(days, count)| Within {
            days: *days,
            returned: Rate::of(count, self.customers),
            is_over: last.is_some_and(|last| days_between(last, as_of) > i64::from(*days)),
        });
        CohortLine {
            month,
            customers: self.customers,
            orders: self.orders,
            within: within.collect(),
            ever: Rate::of(self.ever, self.customers),
        }
    }
}

/// Who came back, of all customers who ever ordered.
pub async fn repurchase(inspect: &dyn Inspect, frame: &Frame) -> Result<Repurchase, InsightError> {
    let paid = named(ORDER_PAID);
    let mut times = Walk::new(Turn::stream(), |turn| inspect.times(&paid, turn));
    let mut cohorts: BTreeMap<Date, Cohort> = BTreeMap::new();
    let (mut all, mut records) = (Cohort::default(), 0);
    while let Some(customer) = times.customer().await? {
        let mut orders = Orders::default();
        times.rows_of(customer, |(_, at)| orders.add(&frame.zone, at)).await?;
        if let Some((_, day)) = orders.first {
            cohorts.entry(day.first_of_month()).or_default().add(&orders);
            all.add(&orders);
            records += u64::from(orders.records > 1);
        }
    }
    let as_of = frame.zone.local(frame.as_of).date();
    let last = cohorts.keys().next_back().map(|month| month.last_of_month());
    // Of the month that is not over, nobody can have come later than today.
    let last_of = |month: Date| month.last_of_month().min(as_of);
    Ok(Repurchase {
        zone: frame.zone.name().to_owned(),
        as_of: frame.local(frame.as_of),
        customers: all.customers,
        orders: all.orders,
        amount_fen: amount_fen(inspect).await?,
        returned: Returned {
            on_more_than_one_day: Rate::of(all.ever, all.customers),
            more_than_one_record: Rate::of(records, all.customers),
        },
        total: all.line("total".to_owned(), last.map(|last| last.min(as_of)), as_of),
        cohorts: cohorts
            .iter()
            .map(|(month, cohort)| {
                let name = format!("{:04}-{:02}", month.year(), month.month());
                cohort.line(name, Some(last_of(*month)), as_of)
            })
            .collect(),
    })
}

async fn amount_fen(inspect: &dyn Inspect) -> Result<i64, InsightError> {
    let query = GroupQuery {
        event_type: named(ORDER_PAID),
        by: Vec::new(),
        having: None,
        customers: false,
        sum: Some(&["amount_fen"]),
        occurred: Span::default(),
    };
    Ok(inspect.groups(query).await?.rows.first().map_or(0, |group| group.sum))
}
