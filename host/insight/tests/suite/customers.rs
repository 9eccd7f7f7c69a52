//! One customer's story: everything once, and why not beside it.

use siyu_engine::ports::inspect::{Cursor, Turn};
use siyu_engine::ports::rows::{SegmentRow, TagRow, WaitRow};
use siyu_insight::{CustomerStory, MomentKind, MomentLine, customer as story};
use siyu_model::customer::TagMark;
use siyu_model::event::Subject;
use siyu_model::id::{MessageId, WaitId};
use siyu_model::journal::JournalKind;
use siyu_model::message::{Message, MessageClass, MessageStatus};
use siyu_model::run::{FiberId, Run, RunEnd, RunState, RunStatus, Target};

use crate::support::{Place, SHANGHAI, Tenant, at, customer, name, playbook, run_id};

fn message(number: u64, status: MessageStatus, reason: Option<&str>, due_at: &str) -> Message {
    Message {
        id: MessageId::derive(at("2026-03-01T15:00:00Z"), &[&number.to_be_bytes()]),
        customer: customer(1),
        channel: name("wecom"),
        class: MessageClass::Marketing,
        template: name("welcome"),
        body: "恭喜您抽中 66元首单券，七天内可用".to_owned(),
        status,
        reason: reason.map(str::to_owned),
        attempts: 0,
        planned_at: at("2026-03-01T15:00:00Z"),
        due_at: at(due_at),
        expires_at: at("2026-03-03T15:00:00Z"),
        changed_at: at("2026-03-01T15:00:00Z"),
        run: None,
        step: None,
    }
}

fn mark(added_at: &str) -> TagMark {
    TagMark {
        source: "rule:loyal".to_owned(),
        added_at: at(added_at),
        effective_at: at("2026-02-28T00:00:00Z"),
        expires_at: Some(at("2026-06-01T00:00:00Z")),
        confidence_percent: 80,
        evidence: Some("e1".to_owned()),
    }
}

fn run() -> Run {
    Run {
        id: run_id(1),
        target: Target::Workflow {
            playbook: name("club"),
            version: siyu_model::digest::PlaybookDigest([1; 32]),
            workflow: name("first-order"),
        },
        customer: Some(customer(1)),
        key: None,
        slot: None,
        event: None,
        since_seq: siyu_model::event::EventSeq(0),
        depth: 0,
        parent: None,
        started_at: at("2026-03-01T02:00:00Z"),
        changed_at: at("2026-03-01T02:00:00Z"),
        status: RunStatus::Ended {
            end: RunEnd::Completed { outcome: "no_first_order".to_owned() },
            at: at("2026-03-08T02:00:00Z"),
        },
        state: RunState::default(),
        journal_rows: 2,
    }
}

async fn place() -> Place {
    let mut tenant = Tenant::default();
    tenant.publish(&playbook("club", SHANGHAI, vec![]));
    tenant.customer(1, "00042", r#"{"city":"上海"}"#);
    tenant.event(Some(1), "friend.added", "2026-03-01T02:00:00Z", r#"{"channel":{"kind":"package_card"}}"#);
    tenant.writes.events[0].outcome = format!(
        r#"{{"started":{{"first-order":"{}"}},"not":{{"second-order":"its `if` did not hold"}}}}"#,
        run_id(1)
    );
    tenant.writes.runs.push(run());
    tenant.line(
        run_id(1),
        Some("coupon"),
        JournalKind::Refused,
        r#"{"code":"SOLD_OUT","message":"none is left"}"#,
    );
    tenant.line(
        run_id(1),
        Some("hello"),
        JournalKind::Refused,
        r#"{"status":"blocked","reason":"marketing_per_day: 1"}"#,
    );
    tenant.event(
        Some(1),
        "tag.added",
        "2026-03-01T03:00:00Z",
        r#"{"tag":"lifecycle.loyal","source":"rule:loyal"}"#,
    );
    tenant.event(Some(1), "tag.added", "2026-03-01T04:00:00Z", r#"{"tag":"intent","source":"rule:r2"}"#);
    let removed = r#"{"tag":"intent","source":"rule:r2","reason":"expired"}"#;
    tenant.event(Some(1), "tag.removed", "2026-03-01T05:00:00Z", removed);
    tenant.event(
        Some(1),
        "segment.entered",
        "2026-03-01T06:00:00Z",
        r#"{"segment":"loyal","playbook":"club"}"#,
    );
    tenant.event(Some(1), "order.paid", "2026-03-01T07:00:00Z", r#"{"amount_fen":129000}"#);
    tenant.writes.events.last_mut().unwrap().recorded_at = at("2026-03-01T09:30:30Z");
    tenant.writes.tags.push(TagRow {
        customer: customer(1),
        tag: name("lifecycle.loyal"),
        mark: Some(mark("2026-03-01T03:00:00Z")),
    });
    for (segment, is_member) in [("loyal", true), ("lost", false)] {
        tenant.writes.segments.push(SegmentRow {
            customer: customer(1),
            playbook: name("club"),
            segment: name(segment),
            is_member,
            since: at("2026-03-01T06:00:00Z"),
            check_at: None,
        });
    }
    tenant.writes.messages = vec![
        message(1, MessageStatus::Planned, None, "2026-03-02T01:00:00Z"),
        message(
            2,
            MessageStatus::Blocked,
            Some("marketing_per_day: the customer has 1 already"),
            "2026-03-01T15:00:00Z",
        ),
        message(3, MessageStatus::Expired, None, "2026-03-01T15:00:00Z"),
    ];
    tenant.writes.waits.push(WaitRow {
        id: WaitId::derive(at("2026-03-01T02:00:00Z"), &[b"wait"]),
        run: run_id(1),
        fiber: FiberId(0),
        customer: Some(customer(1)),
        event_types: vec![name("order.paid")],
        matching: None,
    });
    tenant.open().await
}

async fn read(place: &Place, who: &str, turn: Turn) -> Option<CustomerStory> {
    let frame = place.frame().await;
    let who: Subject = who.parse().unwrap();
    story(&place.inspect, &frame, who, turn).await.unwrap()
}

fn told(line: &MomentLine) -> String {
    let not: Vec<String> = line.not.iter().map(|not| format!("{}: {}", not.what, not.why)).collect();
    let status = line.status.as_deref().unwrap_or("-");
    format!(
        "{} {} {} [{status}] {} | {}",
        line.at.minute(),
        line.kind.as_str(),
        line.title,
        line.detail,
        not.join("; ")
    )
}

#[tokio::test]
async fn a_timeline_tells_everything_once_with_the_reasons_that_were_kept() {
    let place = place().await;
    let found = read(&place, "shop:00042", Turn::first(100)).await.unwrap();
    insta::assert_snapshot!(found.moments.iter().map(told).collect::<Vec<_>>().join("\n"));
    let pages: Vec<_> = {
        let mut lines = Vec::new();
        let mut turn = Turn::first(2);
        loop {
            let page = read(&place, "shop:00042", turn).await.unwrap();
            lines.extend(page.moments);
            let Some(next) = page.next else { break lines };
            turn = Turn { after: Some(Cursor::new(next)), limit: 2 };
        }
    };
    assert_eq!(pages, found.moments, "in pages of two");
}

#[tokio::test]
async fn a_head_says_who_they_are() {
    let place = place().await;
    let id = customer(1).to_string();
    let found = read(&place, &id, Turn::first(1)).await.unwrap();
    insta::assert_json_snapshot!(found.customer);
    assert_eq!(found.moments.len(), 1);
    assert!(matches!(found.moments[0].kind, MomentKind::Message));
    assert_eq!(read(&place, "shop:00043", Turn::first(1)).await, None);
}
