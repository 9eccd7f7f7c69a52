//! What holds whatever happens in whatever order: stock, budget, limits, one owner a card, and a log that proves it all.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;
use siyu_plugin::fake::{Host, Outcome};
use siyu_plugin::prelude::*;

use crate::testing::{NAME, export, host, simple};
use crate::verify::verify_chain;
use crate::*;

#[derive(Debug, Clone)]
enum Act {
    Draw { customer: u8, card: u8, request: Option<u8> },
    Grant { customer: u8, count: u32 },
    Ship { card: u8, order: u8 },
    Claim { customer: u8, seq: u64 },
    Enter { customer: u8 },
    Batch { snapshot: u8, gold: u32, silver: u32 },
    Pause,
    Resume,
    MoreStock(u64),
    Wait { hours: u64 },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (0..6_u8, 0..12_u8, prop::option::of(0..4_u8))
            .prop_map(|(customer, card, request)| Act::Draw { customer, card, request }),
        3 => (0..6_u8, 1..4_u32).prop_map(|(customer, count)| Act::Grant { customer, count }),
        1 => (0..12_u8, 0..3_u8).prop_map(|(card, order)| Act::Ship { card, order }),
        2 => (0..6_u8, 1..30_u64).prop_map(|(customer, seq)| Act::Claim { customer, seq }),
        2 => (0..6_u8).prop_map(|customer| Act::Enter { customer }),
        1 => (0..2_u8, 0..3_u32, 0..3_u32).prop_map(|(snapshot, gold, silver)| Act::Batch { snapshot, gold, silver }),
        1 => Just(Act::Pause),
        2 => Just(Act::Resume),
        1 => (1..4_u64).prop_map(Act::MoreStock),
        2 => (1..40_u64).prop_map(|hours| Act::Wait { hours }),
    ]
}

fn variants() -> impl Strategy<Value = Value> {
    let limits =
        (1..3_u32, prop::option::of(2..8_u32), prop::option::of(1..4_u32), prop::option::of(3..9_u64));
    let limits = limits.prop_map(|(per_card, per_customer, per_customer_per_day, per_day_total)| {
        json!({
            "per_card": per_card, "per_customer": per_customer,
            "per_customer_per_day": per_customer_per_day, "per_day_total": per_day_total,
        })
    });
    let exhausted = prop_oneof![Just("fallback"), Just("renormalise"), Just("close")];
    let budget = prop::option::of(0..60_000_u64);
    let by = prop_oneof![3 => Just("card"), 1 => Just("order"), 1 => Just("customer"), 3 => Just("chance")];
    (limits, exhausted, budget, any::<(bool, bool)>(), by).prop_map(
        |(limits, on_exhausted, budget_fen, (restock_unclaimed, is_guaranteed), by)| {
            let mut rules = simple(json!({
                "limits": limits, "on_exhausted": on_exhausted, "budget_fen": budget_fen,
                "restock_unclaimed": restock_unclaimed, "claim_within": "30h",
                "prizes": [
                    { "id": "gold", "name": "a", "weight": 2, "stock": 2, "per_customer": 1, "value_fen": 10000 },
                    { "id": "silver", "name": "b", "weight": 3, "stock": 3, "value_fen": 5000 },
                    { "id": "base", "name": "c", "weight": 2, "stock": "unlimited", "fallback": true, "value_fen": 500,
                      "grant": { "coupon": "c5" } },
                ],
            }));
            rules["entry"]["by"] = json!(by);
            rules["limits"]["per_grant"] = json!(3);
            if by == "customer" && rules["limits"]["per_customer"].is_null() {
                rules["limits"]["per_customer"] = json!(9);
            }
            if by == "chance" {
                rules["pity"] = json!({ "after_non_top": 2, "award": ["silver", "gold"] });
            }
            if !is_guaranteed {
                rules["mode"] = json!("probabilistic");
                rules["no_prize"] = json!({ "weight": 2 });
                rules["prizes"].as_array_mut().unwrap().pop();
            }
            rules
        },
    )
}

/// The host, the rules in force, and the prize of each draw as its customer was told.
struct Play {
    host: Host,
    rules: Value,
    told: BTreeMap<String, String>,
}

impl Play {
    fn run(&mut self, act: Act) {
        let host = &mut self.host;
        match act {
            Act::Draw { customer, card, request } => {
                host.act_for(&format!("shop:{customer}"));
                let request = request.map(|request| format!("r{request}"));
                let input = json!({ "campaign": NAME, "entry": format!("card{card}"), "request": request });
                if let Outcome::Done(drawn) = answered(host.call::<Draw>(input)) {
                    let before = self.told.insert(drawn.draw_id.clone(), drawn.prize.id.clone());
                    assert_eq!(before.is_some(), drawn.replayed);
                    assert!(
                        before.is_none_or(|before| before == drawn.prize.id),
                        "a replay told another prize"
                    );
                }
            }
            Act::Grant { customer, count } if self.rules["entry"]["by"] == "chance" => {
                host.act_for(&format!("shop:{customer}"));
                let input = json!({ "campaign": NAME, "count": count, "reason": "order" });
                let _ = answered(host.call::<GrantChance>(input));
            }
            Act::Grant { .. } => {}
            Act::Ship { card, order } => {
                let input =
                    json!({ "campaign": NAME, "card": format!("card{card}"), "order": order.to_string() });
                let _ = answered(host.call::<Ship>(input));
            }
            Act::Claim { customer, seq } => {
                host.act_for(&format!("shop:{customer}"));
                let _ = answered(host.call::<Claim>(json!({ "draw_id": format!("{NAME}/{seq}") })));
            }
            Act::Enter { customer } => {
                host.act_for(&format!("shop:{customer}"));
                let _ = answered(host.call::<Enter>(json!({ "campaign": NAME, "snapshot": "s0" })));
            }
            Act::Batch { snapshot, gold, silver } if gold + silver > 0 => {
                let winners = json!({ "gold": gold, "silver": silver });
                let input =
                    json!({ "campaign": NAME, "snapshot": format!("s{snapshot}"), "winners": winners });
                let _ = answered(host.call::<DrawBatch>(input));
            }
            Act::Batch { .. } => {}
            Act::Pause => drop(answered(host.call::<Pause>(json!({ "campaign": NAME })))),
            Act::Resume => drop(answered(host.call::<Resume>(json!({ "campaign": NAME })))),
            Act::MoreStock(more) => {
                let stock = self.rules["prizes"][0]["stock"].as_u64().unwrap() + more;
                let mut better = self.rules.clone();
                better["prizes"][0]["stock"] = json!(stock);
                if host.try_publish::<Campaign>(NAME, &better).is_ok() {
                    self.rules = better;
                }
            }
            Act::Wait { hours } => host.advance(Duration::hours(hours)),
        }
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        let lines = export(&mut self.host);
        let report = verify_chain(&lines).map_err(|broken| TestCaseError::fail(broken.to_string()))?;
        let documents: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let count = |kind: &str, member: &str, prize: &str| {
            documents.iter().filter(|line| line["kind"] == kind && line[member] == prize).count() as u64
        };
        for prize in self.rules["prizes"].as_array().unwrap() {
            let (id, Some(stock)) = (prize["id"].as_str().unwrap(), prize["stock"].as_u64()) else {
                continue;
            };
            let pool = self.host.pool(&format!("stock/{NAME}/{id}")).unwrap();
            let given =
                count("draw", "awarded", id) + count("won", "awarded", id) - count("returned", "prize", id);
            prop_assert_eq!((pool.total, pool.sold, pool.available), (stock, given, stock - given));
        }
        if let Some(budget) = self.rules["budget_fen"].as_u64() {
            let used = self.host.counter(&format!("budget/{NAME}"));
            prop_assert!(used <= budget);
        }
        let completed = self.host.events_of("draw.completed");
        prop_assert_eq!(completed.len() as u64, report.draws);
        for event in completed {
            let line = &documents[usize::try_from(event["seq"].as_u64().unwrap()).unwrap() - 1];
            let awarded = line["awarded"].as_str().unwrap_or("none");
            prop_assert_eq!(
                (&event["chain_hash"], event["prize"].as_str()),
                (&line["row_hash"], Some(awarded))
            );
        }
        Ok(())
    }
}

/// A call is answered, with a result or a refusal; it never fails.
#[track_caller]
fn answered<T: std::fmt::Debug>(outcome: Outcome<T>) -> Outcome<T> {
    assert!(!matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    outcome
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every call is tried twice, the first time undone, as after a crash: see `testing::host`.
    #[test]
    fn nothing_is_lost_doubled_or_oversold(rules in variants(), acts in prop::collection::vec(act(), 1..60)) {
        let mut play = Play { host: host(rules.clone()), rules, told: BTreeMap::new() };
        for act in acts {
            play.run(act);
        }
        play.check()?;
        play.host.advance(Duration::days(60));
        play.check()?;
        prop_assert!(verify_chain(&export(&mut play.host)).unwrap().seed_checked);
    }
}
