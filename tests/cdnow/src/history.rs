//! The real orders: `tests/cdnow/orders.txt` as customers with their orders. Knows the file's form, and nothing of events.

use std::path::Path;

use anyhow::{Context, ensure};

/// One purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    /// Days since 1997-01-01.
    pub(crate) day: u32,
    /// Pieces.
    pub(crate) quantity: u32,
    /// US cents.
    pub(crate) cents: u32,
}

/// Reads all customers, each with the orders oldest first.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Vec<Order>>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let customers = text
        .lines()
        .enumerate()
        .map(|(at, line)| customer(line).with_context(|| format!("{} line {}", path.display(), at + 1)));
    customers.collect()
}

/// A line: `days,quantity,cents` with days since the purchase before.
fn customer(line: &str) -> anyhow::Result<Vec<Order>> {
    let mut day = 0;
    let mut orders = Vec::new();
    for record in line.split(' ') {
        let numbers = record.split(',').map(str::parse).collect::<Result<Vec<u32>, _>>();
        let numbers = numbers.with_context(|| format!("`{record}`: expected days,quantity,cents"))?;
        let [days, quantity, cents] = numbers[..] else {
            anyhow::bail!("`{record}` has {} numbers: expected days,quantity,cents", numbers.len())
        };
        day += days;
        orders.push(Order { day, quantity, cents });
    }
    ensure!(!orders.is_empty(), "a customer without orders");
    Ok(orders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_the_purchase_before() {
        let orders = customer("11,1,1200 0,5,7700 3,2,50").expect("well formed");
        assert_eq!(orders.iter().map(|order| order.day).collect::<Vec<_>>(), [11, 11, 14]);
        assert_eq!(orders[1], Order { day: 11, quantity: 5, cents: 7700 });
    }

    #[test]
    fn a_broken_record_is_named() {
        let fault = customer("11,1,1200 0,5").expect_err("two numbers");
        assert_eq!(fault.to_string(), "`0,5` has 2 numbers: expected days,quantity,cents");
    }

    #[test]
    fn the_history_is_the_published_one() {
        let customers =
            read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/orders.txt"))).expect("it is there");
        let several_days =
            customers.iter().filter(|orders| orders[0].day != orders[orders.len() - 1].day).count();
        let several_records = customers.iter().filter(|orders| orders.len() > 1).count();
        let cents: u64 = customers.iter().flatten().map(|order| u64::from(order.cents)).sum();
        assert_eq!(customers.len(), 23_570);
        assert_eq!(customers.iter().map(Vec::len).sum::<usize>(), 69_659);
        assert_eq!((several_days, several_records, cents), (11_516, 11_662, 250_031_563));
    }
}
