//! The funnel on friends whose way is known, and goals held against it.

use siyu_engine::ports::inspect::Span;
use siyu_insight::report::{Channel, Funnel, GoalState, funnel};
use siyu_insight::{Rate, TakeBand};
use siyu_model::digest::PlaybookDigest;
use siyu_model::event::EventSeq;
use siyu_model::expr::Expr;
use siyu_model::playbook::{
    Action, Goal, GoalSense, Node, NodeId, OnError, OnRefused, Place, Program, Retry, Trigger, Workflow,
};
use siyu_model::plugin::HostFault;
use siyu_model::run::{Run, RunEnd, RunState, RunStatus, Target};

use crate::support::{SHANGHAI, Tenant, at, customer, name, playbook, run_id, workflow};

const CARD: &str = r#"{"channel":{"kind":"package_card"},"card":"c1"}"#;

fn ends() -> Program {
    let node = Node {
        id: name("stop"),
        place: Place { file: "workflows/first-order.yaml".into(), line: 3 },
        condition: None,
        action: Action::End { outcome: "bought".to_owned() },
        next: None,
        retry: Retry::default(),
        timeout: None,
        on_refused: OnRefused::Continue,
        on_error: OnError::Fail,
        compensate: None,
        is_read: false,
    };
    Program { nodes: vec![node], entry: Some(NodeId(0)) }
}

fn run(number: u64, end: Option<RunEnd>) -> Run {
    let started_at = at("2026-03-02T01:00:00Z");
    Run {
        id: run_id(number),
        target: Target::Workflow {
            playbook: name("club"),
            version: PlaybookDigest([1; 32]),
            workflow: name("first-order"),
        },
        customer: Some(customer(number)),
        key: None,
        slot: None,
        event: None,
        since_seq: EventSeq(0),
        depth: 0,
        parent: None,
        started_at,
        changed_at: started_at,
        status: end.map_or(RunStatus::Live, |end| RunStatus::Ended { end, at: started_at }),
        state: RunState::default(),
        journal_rows: 0,
    }
}

fn of_friends(goals: &[(&str, GoalSense, f64)]) -> Workflow {
    let condition = Expr::parse("event.channel.kind == 'package_card'").unwrap();
    let trigger = Trigger::Event { types: vec![name("friend.added")], condition: Some(condition) };
    let goals = goals.iter().map(|(metric, sense, threshold)| Goal {
        metric: (*metric).to_owned(),
        sense: *sense,
        threshold: *threshold,
    });
    Workflow { goals: goals.collect(), ..workflow("first-order", trigger, ends()) }
}

/// Twenty parcels with a card and one without; three friends by card, one by the menu, one by nobody knows what.
fn tenant(goals: &[(&str, GoalSense, f64)]) -> Tenant {
    let mut tenant = Tenant::default();
    tenant.publish(&playbook("club", SHANGHAI, vec![of_friends(goals)]));
    for parcel in 0..20 {
        let data = format!(r#"{{"order_no":"o{parcel}","card":"c{parcel}"}}"#);
        tenant.event(Some(parcel % 7), "shipment.shipped", "2026-03-01T00:00:00Z", &data);
    }
    tenant.event(Some(6), "shipment.shipped", "2026-03-01T00:00:00Z", r#"{"order_no":"o20"}"#);
    // Customer 1 bought before: that is why there was a card.
    tenant.event(Some(1), "order.paid", "2026-02-27T00:00:00Z", r#"{"amount_fen":100}"#);
    for (who, data) in [(1, CARD), (2, CARD), (3, CARD), (4, r#"{"channel":{"kind":"oa_menu"}}"#), (5, "{}")]
    {
        if who <= 3 {
            tenant.event(Some(who), "card.scanned", "2026-03-02T00:59:00Z", r#"{"card":"c1"}"#);
        }
        tenant.event(Some(who), "friend.added", "2026-03-02T01:00:00Z", data);
    }
    // Added once more: the first time counts.
    tenant.event(Some(4), "friend.added", "2026-03-03T01:00:00Z", CARD);
    tenant.event(Some(7), "card.scanned", "2026-03-02T00:59:00Z", r#"{"card":"c9"}"#);
    for who in [1, 2] {
        tenant.event(Some(who), "draw.completed", "2026-03-02T01:00:00Z", r#"{"prize":"p5"}"#);
        tenant.event(Some(who), "coupon.issued", "2026-03-02T01:00:00Z", r#"{"batch":"c5"}"#);
    }
    // 1 comes back on the next local day, which is the same day in UTC; 2 buys twice on one local day, on the 9th day.
    tenant.event(Some(1), "order.paid", "2026-03-03T15:00:00Z", r#"{"amount_fen":100}"#);
    tenant.event(Some(1), "order.paid", "2026-03-03T17:00:00Z", r#"{"amount_fen":100}"#);
    tenant.event(Some(2), "order.paid", "2026-03-11T01:00:00Z", r#"{"amount_fen":100}"#);
    tenant.event(Some(2), "order.paid", "2026-03-11T02:00:00Z", r#"{"amount_fen":100}"#);
    tenant.event(Some(8), "order.paid", "2026-03-11T02:00:00Z", r#"{"amount_fen":100}"#);
    tenant.event(Some(3), "friend.deleted_by_customer", "2026-03-12T00:00:00Z", "{}");
    tenant
}

async fn measured(tenant: Tenant, added: Span) -> Funnel {
    let place = tenant.open().await;
    let frame = place.frame().await;
    funnel(&place.inspect, &frame, added).await.unwrap()
}

fn numbers(line: &Channel) -> (&str, [u64; 8]) {
    let Channel { parcels, scanned, added, drawn, coupon, first_order, repurchase, deleted, .. } = *line;
    (&line.channel, [parcels, scanned, added, drawn, coupon, first_order, repurchase, deleted])
}

#[tokio::test]
async fn each_stage_counts_customers_of_the_channel_by_which_they_first_came() {
    let found = measured(tenant(&[]), Span::default()).await;
    let lines: Vec<_> = found.channels.iter().map(numbers).collect();
    let expected = [
        ("package_card", [20, 4, 3, 2, 2, 2, 1, 1]),
        ("oa_menu", [0, 0, 1, 0, 0, 0, 0, 0]),
        ("unknown", [0, 0, 1, 0, 0, 0, 0, 0]),
    ];
    assert_eq!(lines, expected);
    assert_eq!(numbers(&found.total), ("total", [20, 4, 5, 2, 2, 2, 1, 1]));
    assert_eq!(found.strangers_who_bought, 1);
    assert_eq!(found.zone, SHANGHAI);
    assert_eq!(found.as_of.minute(), "2026-03-12 08:00");
    let card = &found.channels[0];
    assert_eq!(card.take_rate, Some(Rate::of(3, 20)));
    assert_eq!(card.take_band, Some(TakeBand::Normal));
    assert_eq!(card.repurchase_rate, Rate::of(1, 2));
    // Friends of channels without parcels are in no take rate.
    assert_eq!(found.total.take_rate, Some(Rate::of(3, 20)));
    assert_eq!(found.channels[1].take_rate, None);
}

#[tokio::test]
async fn a_span_takes_friends_who_were_added_in_it() {
    let span = Span { from: Some(at("2026-03-02T00:59:30Z")), until: Some(at("2026-03-03T00:00:00Z")) };
    let found = measured(tenant(&[]), span).await;
    assert_eq!(numbers(&found.total), ("total", [0, 0, 5, 2, 2, 2, 1, 1]));
    let later = Span { from: Some(at("2026-03-03T00:00:00Z")), until: None };
    let found = measured(tenant(&[]), later).await;
    assert_eq!(numbers(&found.total), ("total", [0; 8]));
    assert_eq!(found.strangers_who_bought, 1);
}

#[tokio::test]
async fn a_parcel_that_two_events_tell_of_is_one() {
    let mut tenant = Tenant::default();
    for parcel in 0..3 {
        let data = format!(r#"{{"card":"c{parcel}","campaign":"autumn"}}"#);
        tenant.event(Some(1), "shipment.shipped", "2026-03-01T00:00:00Z", &data);
        tenant.event(Some(1), "card.shipped", "2026-03-01T00:00:00Z", &data);
    }
    tenant.event(Some(1), "card.shipped", "2026-03-01T00:00:00Z", r#"{"card":"by hand"}"#);
    tenant.event(Some(1), "card.shipped", "2026-03-01T00:00:00Z", r#"{"channel":{"kind":"flyer","id":"7"}}"#);
    let found = measured(tenant, Span::default()).await;
    let lines: Vec<_> = found.channels.iter().map(|line| (line.channel.as_str(), line.parcels)).collect();
    assert_eq!(lines, [("flyer/7", 1), ("package_card", 4)]);
    assert_eq!(found.channels[1].take_band, Some(TakeBand::Alarm));
}

#[tokio::test]
async fn goals_are_met_missed_too_early_or_not_measured() {
    use GoalSense::{AtLeast, AtMost};
    let goals = [
        ("take_rate", AtLeast, 0.15),
        ("draw_rate", AtMost, 0.39),
        ("first_order_7d", AtLeast, 0.34),
        ("first_order_9d", AtLeast, 0.66),
        ("first_order_30d", AtLeast, 0.1),
        ("repurchase_rate", AtLeast, 0.5),
        ("repurchase_5d", AtLeast, 0.5),
        ("happiness", AtLeast, 0.9),
        ("bought_30d", AtLeast, 0.3),
    ];
    let mut tenant = tenant(&goals);
    let end = |outcome: &str| RunEnd::Completed { outcome: outcome.to_owned() };
    let fault = HostFault::Trap.fault("it trapped");
    for (number, end) in [
        (1, Some(end("bought"))),
        (2, Some(end("silent"))),
        (3, Some(RunEnd::Failed { fault })),
        (4, Some(RunEnd::Cancelled { reason: "by li".to_owned() })),
        (5, None),
    ] {
        tenant.writes.runs.push(run(number, end));
    }
    let found = measured(tenant, Span::default()).await;
    let lines: Vec<_> = found
        .goals
        .iter()
        .map(|goal| (goal.metric.as_str(), goal.state, goal.reached.map(|rate| (rate.part, rate.whole))))
        .collect();
    let expected = [
        ("take_rate", GoalState::Met, Some((3, 20))),
        ("draw_rate", GoalState::Missed, Some((2, 5))),
        // Only friends by card are those of this workflow; one of three ordered within seven days.
        ("first_order_7d", GoalState::Missed, Some((1, 3))),
        // The ninth day ends at the very instant of the second one's order: it belongs to the window.
        ("first_order_9d", GoalState::Met, Some((2, 3))),
        ("first_order_30d", GoalState::TooEarly, Some((0, 0))),
        // Of three buyers, one came on a second day.
        ("repurchase_rate", GoalState::Missed, Some((1, 3))),
        // For the two of the 11th, five days are not over; customer 1 bought on the 27th and on the 3rd.
        ("repurchase_5d", GoalState::Met, Some((1, 1))),
        ("happiness", GoalState::NotMeasured, None),
        // Of three runs that came to an end by themselves, one ended so.
        ("bought_30d", GoalState::Met, Some((1, 3))),
    ];
    assert_eq!(lines, expected);
    assert!(found.goals[2].over.contains("event.channel.kind == 'package_card'"), "{}", found.goals[2].over);
    assert!(found.goals[7].over.contains("expected one of take_rate"), "{}", found.goals[7].over);
}

#[tokio::test]
async fn an_empty_tenant_has_an_empty_funnel() {
    let found = measured(Tenant::default(), Span::default()).await;
    assert_eq!((found.channels, found.goals), (vec![], vec![]));
    assert_eq!(numbers(&found.total), ("total", [0; 8]));
    assert_eq!(found.total.first_order_rate.rate, None);
}
