//! A proof on the screen: rows and a digest a table, sums, and the logs of lotteries.

use serde_json::{Value, json};
use siyu_engine::ports::inspect::Inspect;
use siyu_insight::draws::{self, CampaignAudit};
use siyu_store::carry::Proof;

use crate::commands::reading::numbers;
use crate::output::{Paint, Screen, grouped, on_one_line};

/// Digits of a digest that people compare; all of them are in JSON.
const DIGITS: usize = 16;

/// What a tenant holds, with the logs of its lotteries computed again.
pub(super) struct Proven {
    pub(super) proof: Proof,
    draws: Vec<CampaignAudit>,
}

impl Proven {
    /// Computes the logs of lotteries again where the tenant is now.
    pub(super) async fn of(proof: Proof, inspect: &dyn Inspect) -> anyhow::Result<Self> {
        Ok(Self { proof, draws: draws::verify(inspect, None).await? })
    }

    /// Whether every log is whole.
    pub(super) fn is_whole(&self) -> bool {
        self.draws.iter().all(|audit| audit.broken.is_none())
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let draws = self.draws.iter().map(|audit| {
            json!({
                "campaign": audit.campaign, "lines": audit.lines, "draws": audit.draws, "head": audit.head,
                "whole": audit.broken.is_none(),
            })
        });
        json!({ "proof": self.proof, "draws": draws.collect::<Vec<_>>() })
    }

    /// For people: a line a table, found in both places.
    pub(super) fn show(&self, screen: &Screen) -> anyhow::Result<()> {
        let mut table = screen.table(&["TABLE", "ROWS", "DIGEST"]);
        numbers(&mut table, [1]);
        for part in self.proof.tables.iter().filter(|part| part.rows > 0) {
            table.add_row([
                part.table.clone(),
                grouped(part.rows),
                part.digest.chars().take(DIGITS).collect(),
            ]);
        }
        screen.say_table(&table)?;
        for sum in self.proof.sums.iter().filter(|sum| sum.sum != 0) {
            let number = grouped(sum.sum.unsigned_abs());
            let sign = if sum.sum < 0 { "-" } else { "" };
            screen.say(format!("sum of {}.{}: {sign}{number}", sum.table, sum.column))?;
        }
        for audit in &self.draws {
            let mark = match audit.broken {
                None => screen.paint(Paint::Green, "✓ whole"),
                Some(_) => screen.paint(Paint::Red, "✗ broken"),
            };
            let (campaign, head) = (on_one_line(&audit.campaign), audit.head.chars().take(DIGITS));
            screen.say(format!("draws of {campaign}: {mark}, last hash {}", head.collect::<String>()))?;
        }
        let rows = grouped(self.proof.rows());
        screen.say(format!("{rows} rows, the same in both places: digest {}", self.proof.digest))
    }
}
