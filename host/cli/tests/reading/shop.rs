//! A shop of eight customers: a card campaign, coupons, a flash sale, runs, tags and messages, small enough to add up by
//! hand.

use siyu_engine::ports::rows::{AccountKey, LedgerRow, StockKey, TagRow};
use siyu_model::customer::TagMark;
use siyu_model::event::EventSeq;
use siyu_model::expr::{Expr, ValueTemplate};
use siyu_model::id::{MessageId, PostingId, ReservationId, WaitId};
use siyu_model::journal::JournalKind;
use siyu_model::message::{Message, MessageClass, MessageStatus};
use siyu_model::playbook::{
    Action, Correlation, DurationSource, Goal, GoalSense, Node, NodeId, OnError, OnRefused, Place, Playbook,
    Program, Retry, Since, Trigger, Workflow,
};
use siyu_model::plugin::HostFault;
use siyu_model::run::{Fiber, FiberId, FiberState, Run, RunEnd, RunState, RunStatus, Target};
use siyu_model::stock::counter::Counter;
use siyu_model::stock::ledger::{Account, Transfer};
use siyu_model::stock::reservation::{Reservation, ReservationStatus};

use crate::lottery;
use crate::support::{SHANGHAI, Tenant, at, customer, name, playbook, run_id, workflow};

const SALE: &str = r#""session":"friday-sale","occurrence":"2026-03-06","sku":"striploin""#;

fn node(place: u32, id: &str, action: Action) -> Node {
    Node {
        id: name(id),
        place: Place { file: "workflows/first-order.yaml".into(), line: place + 10 },
        condition: None,
        action,
        next: Some(NodeId(place + 1)),
        retry: Retry::default(),
        timeout: None,
        on_refused: OnRefused::Continue,
        on_error: OnError::Fail,
        compensate: None,
        is_read: true,
    }
}

fn club() -> Playbook {
    let uses = |plugin: &str, step: &str| Action::Uses {
        plugin: name(plugin),
        step: name(step),
        with: ValueTemplate::empty(),
    };
    let wait = Action::WaitEvent {
        types: vec![name("order.paid")],
        condition: None,
        correlation: Correlation::Customer,
        timeout: Some(DurationSource::Fixed("7d".parse().unwrap())),
        since: Since::Run,
    };
    let nodes = vec![
        node(0, "draw", uses("package-card-lottery", "draw")),
        node(1, "coupon", uses("coupon", "issue")),
        node(2, "first", wait),
        Node { next: None, ..node(3, "stop", Action::End { outcome: "first_order".to_owned() }) },
    ];
    let condition = Expr::parse("event.channel.kind == 'package_card'").unwrap();
    let trigger = Trigger::Event { types: vec![name("friend.added")], condition: Some(condition) };
    let goal =
        |metric: &str, threshold| Goal { metric: metric.to_owned(), sense: GoalSense::AtLeast, threshold };
    let goals = vec![
        goal("take_rate", 0.15),
        goal("first_order_7d", 0.5),
        goal("repurchase_30d", 0.1),
        goal("joy", 1.0),
    ];
    let program = Program { nodes, entry: Some(NodeId(0)) };
    playbook("club", SHANGHAI, vec![Workflow { goals, ..workflow("first-order", trigger, program) }])
}

/// The shop.
pub(crate) fn shop() -> Tenant {
    let mut tenant = lottery::tenant(&lottery::campaign(), "revealed");
    // The campaign's own events are of a customer who has no part in the rest.
    tenant.publish(&club());
    people(&mut tenant);
    coupons(&mut tenant);
    sale(&mut tenant);
    runs(&mut tenant);
    points(&mut tenant);
    tenant.event(None, "page.seen", "2026-03-20T04:00:00Z", "{}");
    tenant
}

fn people(tenant: &mut Tenant) {
    tenant.customer(1, "00001", r#"{"city":"上海"}"#);
    tenant.customer(2, "00002", "{}");
    for parcel in 0..12 {
        let data = format!(r#"{{"order_no":"o{parcel}","card":"c{parcel}"}}"#);
        tenant.event(Some(2 + parcel % 6), "shipment.shipped", "2026-03-01T00:00:00Z", &data);
    }
    for (who, channel) in [(1, "package_card"), (2, "package_card"), (3, "oa_menu\u{202e}")] {
        let data = format!(r#"{{"channel":{{"kind":"{channel}"}},"card":"c{who}"}}"#);
        tenant.event(Some(who), "card.scanned", "2026-03-02T01:59:00Z", r#"{"card":"c1"}"#);
        tenant.event(Some(who), "friend.added", "2026-03-02T02:00:00Z", &data);
        let outcome = r#"{"not":{"win-back":"its `if` did not hold"}}"#;
        tenant.writes.events.last_mut().unwrap().outcome = outcome.to_owned();
    }
    for who in [1, 2] {
        tenant.event(Some(who), "draw.completed", "2026-03-02T02:00:01Z", r#"{"prize":"p5"}"#);
    }
    for (who, when, fen) in [
        (1, "2026-03-04T04:00:00Z", 129_000),
        (1, "2026-03-10T04:00:00Z", 9_900),
        (2, "2026-03-04T04:00:00Z", 6_600),
        (2, "2026-03-04T05:00:00Z", 100),
        (4, "2026-02-04T05:00:00Z", 100),
        (4, "2026-03-04T05:00:00Z", 100),
    ] {
        tenant.event(Some(who), "order.paid", when, &format!(r#"{{"amount_fen":{fen}}}"#));
    }
    let mark = TagMark {
        source: "rule:loyal".to_owned(),
        added_at: at("2026-03-04T04:00:00Z"),
        effective_at: at("2026-03-04T04:00:00Z"),
        expires_at: Some(at("2026-06-04T04:00:00Z")),
        confidence_percent: 100,
        evidence: None,
    };
    tenant
        .writes
        .tags
        .push(TagRow { customer: customer(1), tag: name("生命周期.忠诚"), mark: Some(mark) });
    tenant.writes.messages.push(Message {
        id: MessageId::derive(at("2026-03-05T15:00:00Z"), &[b"m"]),
        customer: customer(1),
        channel: name("wecom"),
        class: MessageClass::Marketing,
        template: name("sale-tonight"),
        body: "今晚八点,西冷秒杀".to_owned(),
        status: MessageStatus::Blocked,
        reason: Some("marketing_per_day: the customer has 1 for 2026-03-05 already".to_owned()),
        attempts: 0,
        planned_at: at("2026-03-05T15:00:00Z"),
        due_at: at("2026-03-05T15:00:00Z"),
        expires_at: at("2026-03-06T15:00:00Z"),
        changed_at: at("2026-03-05T15:00:00Z"),
        run: None,
        step: None,
    });
}

fn coupons(tenant: &mut Tenant) {
    let body = r#"{"title":"66元首单券","total":60,"budget":{"basis":"issued","limit_fen":1000000}}"#;
    tenant.resource("coupon", "batch", "c66", body);
    let key = StockKey { plugin: "coupon".into(), key: name("budget/c66/issued") };
    tenant.writes.counters.push((key, Counter::restore(13_200, 1_000_000).unwrap()));
    for (who, event_type, data) in [
        (1, "coupon.issued", r#"{"batch":"c66","value_fen":6600}"#),
        (2, "coupon.issued", r#"{"batch":"c66","value_fen":6600}"#),
        (3, "coupon.issue_refused", r#"{"batch":"c66","reason":"SOLD_OUT"}"#),
        (1, "coupon.locked", r#"{"batch":"c66","order":"o1","value_fen":6600}"#),
        (1, "coupon.redeemed", r#"{"batch":"c66","order":"o1","value_fen":6600}"#),
        (2, "coupon.expired", r#"{"batch":"c66","value_fen":6600,"reason":"unused"}"#),
    ] {
        tenant.event(Some(who), event_type, "2026-03-04T04:00:00Z", data);
    }
}

fn sale(tenant: &mut Tenant) {
    tenant.pool("flash-sale", "friday-sale/2026-03-06/striploin", [57, 1, 2]);
    for (number, status) in
        [(1, ReservationStatus::Held), (2, ReservationStatus::Committed), (3, ReservationStatus::Committed)]
    {
        tenant.writes.reservations.push(Reservation {
            id: ReservationId::derive(at("2026-03-06T12:00:00Z"), &[&[number]]),
            plugin: name("flash-sale"),
            pool: name("friday-sale/2026-03-06/striploin"),
            customer: Some(customer(number.into())),
            units: 1,
            counters: Vec::new(),
            reference: None,
            status,
            expires_at: at("2026-03-06T12:10:00Z"),
        });
        tenant.event(
            Some(number.into()),
            "flash.reserved",
            "2026-03-06T12:00:00Z",
            &format!("{{{SALE},\"qty\":1}}"),
        );
        if status == ReservationStatus::Committed {
            tenant.event(
                Some(number.into()),
                "flash.committed",
                "2026-03-06T12:05:00Z",
                &format!("{{{SALE},\"qty\":1}}"),
            );
        }
    }
    tenant.event(Some(4), "flash.refused", "2026-03-06T12:01:00Z", &format!("{{{SALE},\"qty\":1}}"));
}

/// Points for two orders, and some of them spent.
fn points(tenant: &mut Tenant) {
    let account = |customer, account: &str| Account { customer, name: name(account) };
    let (issued, redeemed) = (account(None, "issued"), account(None, "redeemed"));
    let (first, second) = (account(Some(customer(1)), "points"), account(Some(customer(2)), "points"));
    for (number, from, to, units, reference) in [
        (1u8, &issued, &first, 1_290, Some("o1")),
        (2, &issued, &second, 66, Some("o2\u{202e}")),
        (3, &first, &redeemed, 500, None),
    ] {
        tenant.writes.ledger.push(LedgerRow {
            posting: PostingId::derive(at("2026-03-04T04:00:00Z"), &[&[number]]),
            place: 0,
            plugin: name("points"),
            transfer: Transfer { from: from.clone(), to: to.clone(), units },
            at: at("2026-03-04T04:00:00Z"),
            reference: reference.map(str::to_owned),
        });
    }
    for (account, units) in [(issued, -1_356), (redeemed, 500), (first, 790), (second, 66)] {
        tenant.writes.accounts.push((AccountKey { plugin: name("points"), account }, units));
    }
}

fn runs(tenant: &mut Tenant) {
    let seq =
        tenant.writes.events.iter().find(|event| event.event_type.as_str() == "friend.added").unwrap().seq;
    let mut fiber = Fiber::new(FiberId(0), None, NodeId(2));
    let wait = WaitId::derive(at("2026-03-02T02:00:00Z"), &[b"wait"]);
    fiber.state = FiberState::Waiting { wait, until: Some(at("2026-03-09T02:00:00Z")), matching: None };
    let live = Run {
        id: run_id(1),
        target: Target::Workflow {
            playbook: name("club"),
            version: club().digest(),
            workflow: name("first-order"),
        },
        customer: Some(customer(1)),
        key: Some("one\nkey".to_owned()),
        slot: None,
        event: Some(seq),
        since_seq: EventSeq(seq.0),
        depth: 0,
        parent: None,
        started_at: at("2026-03-02T02:00:00Z"),
        changed_at: at("2026-03-02T02:00:00Z"),
        status: RunStatus::Live,
        state: RunState { fibers: vec![fiber], next_fiber: 1, ..RunState::default() },
        journal_rows: 3,
    };
    let ended = |number: u64, end: RunEnd| Run {
        id: run_id(number),
        customer: Some(customer(number)),
        started_at: at("2026-03-04T02:00:00Z"),
        status: RunStatus::Ended { end, at: at("2026-03-09T02:00:00Z") },
        journal_rows: 0,
        ..live.clone()
    };
    let fault = HostFault::FuelExhausted.fault("coupon/issue ran out of fuel");
    let failed = ended(2, RunEnd::Failed { fault });
    let done = ended(3, RunEnd::Completed { outcome: "first_order".to_owned() });
    tenant.writes.runs = vec![live, failed, done];
    tenant.line(
        run_id(1),
        Some("draw"),
        JournalKind::Done,
        r#"{"output":{"prize":{"name":"5元首单券"}},"used":{}}"#,
    );
    let refused = r#"{"code":"LIMIT_CUSTOMER","message":"one a customer","details":null}"#;
    tenant.line(run_id(1), Some("coupon"), JournalKind::Refused, refused);
    tenant.line(
        run_id(1),
        Some("first"),
        JournalKind::Waiting,
        r#"{"events":["order.paid"],"until":"2026-03-09T02:00:00Z"}"#,
    );
}
