//! What the benchmark calls: a step as plugins have them, with two calls of `records`. It does nothing else.

use siyu_plugin::prelude::*;
use siyu_plugin::records;

/// Adds an order to what the customer spent at a place.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// The place: the key of the document.
    pub place: String,
    /// The order.
    pub order_no: String,
    /// What it cost, in fen.
    pub amount_fen: i64,
    /// What the customer had spent at the place before this one, in fen.
    #[serde(default)]
    pub before_fen: i64,
}

/// What a customer spent at a place.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spent {
    /// Orders.
    pub orders: u32,
    /// Their sum, in fen.
    pub total_fen: i64,
    /// The sum at the place before this one, in fen.
    pub before_fen: i64,
    /// The last order.
    pub last_order: String,
}

impl Step for Visit {
    const NAME: &'static str = "visit";
    type Output = Spent;

    fn run(self) -> Result<Spent, Stop> {
        let mine = records::of_customer();
        let mut spent: Spent = mine.get(&self.place)?.unwrap_or_default();
        spent.orders += 1;
        spent.total_fen += self.amount_fen;
        spent.before_fen = self.before_fen;
        spent.last_order = self.order_no;
        mine.put(&self.place, &spent)?;
        Ok(spent)
    }
}

siyu_plugin::export! {
    name: "bench",
    version: env!("CARGO_PKG_VERSION"),
    summary: "One document a step, read and written.",
    steps: [Visit],
    capabilities: {
        Records: "keeps what a customer spent",
    },
}
