//! Runs: the list, one as a story, and counts.

use siyu_engine::ports::inspect::{RunFilter, Turn};
use siyu_insight::report;
use siyu_insight::{InsightError, RunStory, RunVerb, StepState, run, runs};
use siyu_model::event::EventSeq;
use siyu_model::expr::ValueTemplate;
use siyu_model::id::WaitId;
use siyu_model::journal::JournalKind;
use siyu_model::playbook::{
    Action, Correlation, DurationSource, Node, NodeId, OnError, OnRefused, Place, Playbook, Program, Retry,
    Since, Trigger,
};
use siyu_model::plugin::{Fault, FaultKind};
use siyu_model::run::{Fiber, FiberId, FiberState, Run, RunEnd, RunPhase, RunState, RunStatus, Target};

use crate::support::{SHANGHAI, Tenant, at, customer, name, playbook, run_id, workflow};

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

fn uses(plugin: &str, step: &str) -> Action {
    let with = ValueTemplate::empty();
    Action::Uses { plugin: name(plugin), step: name(step), with }
}

fn club() -> Playbook {
    let wait = Action::WaitEvent {
        types: vec![name("order.paid"), name("order.refunded")],
        condition: None,
        correlation: Correlation::Customer,
        timeout: Some(DurationSource::Fixed("7d".parse().unwrap())),
        since: Since::Run,
    };
    let nodes = vec![
        node(0, "draw", uses("package-card-lottery", "draw")),
        node(1, "coupon", uses("coupon", "issue")),
        node(2, "order", wait),
        Node { next: None, ..node(3, "stop", Action::End { outcome: "bought".to_owned() }) },
    ];
    let program = Program { nodes, entry: Some(NodeId(0)) };
    let trigger = Trigger::Event { types: vec![name("friend.added")], condition: None };
    playbook("club", SHANGHAI, vec![workflow("first-order", trigger, program)])
}

fn live(number: u64) -> Run {
    let mut fiber = Fiber::new(FiberId(0), None, NodeId(2));
    let wait = WaitId::derive(at("2026-03-01T02:00:00Z"), &[b"wait"]);
    fiber.state = FiberState::Waiting { wait, until: Some(at("2026-03-08T02:00:00Z")), matching: None };
    Run {
        id: run_id(number),
        target: Target::Workflow {
            playbook: name("club"),
            version: club().digest(),
            workflow: name("first-order"),
        },
        customer: Some(customer(1)),
        key: Some("k".to_owned()),
        slot: None,
        event: Some(EventSeq(1)),
        since_seq: EventSeq(1),
        depth: 0,
        parent: None,
        started_at: at("2026-03-01T02:00:00Z"),
        changed_at: at("2026-03-01T02:00:00Z"),
        status: RunStatus::Live,
        state: RunState { fibers: vec![fiber], next_fiber: 1, ..RunState::default() },
        journal_rows: 0,
    }
}

fn failed(number: u64, can_retry: bool) -> Run {
    let fault = Fault {
        kind: FaultKind::Permanent,
        code: "BUDGET_EXHAUSTED".to_owned(),
        message: "the budget of c66 is used up".to_owned(),
        fields: Vec::new(),
    };
    let mut run = live(number);
    run.status = RunStatus::Ended { end: RunEnd::Failed { fault }, at: at("2026-03-01T03:00:00Z") };
    if !can_retry {
        run.state.fibers.clear();
    }
    run
}

fn tenant(run: Run) -> Tenant {
    let mut tenant = Tenant::default();
    tenant.publish(&club());
    tenant.customer(1, "00001", "{}");
    tenant.event(Some(1), "friend.added", "2026-03-01T02:00:00Z", r#"{"card":"c1"}"#);
    tenant.line(run.id, None, JournalKind::Started, r#"{"trigger":"friend.added"}"#);
    let drawn = r#"{"output":{"prize":{"name":"5元首单券"}},"used":{"fuel":7}}"#;
    tenant.line(run.id, Some("draw"), JournalKind::Done, drawn);
    let refused = r#"{"code":"LIMIT_CUSTOMER","message":"one a customer","details":null}"#;
    tenant.line(run.id, Some("coupon"), JournalKind::Refused, refused);
    let waiting = r#"{"events":["order.paid","order.refunded"],"until":"2026-03-08T02:00:00Z"}"#;
    tenant.line(run.id, Some("order"), JournalKind::Waiting, waiting);
    let rows = tenant.writes.journal.len() as u32;
    tenant.writes.runs.push(Run { journal_rows: rows, ..run });
    tenant
}

async fn story(tenant: Tenant, number: u64) -> RunStory {
    let place = tenant.open().await;
    let frame = place.frame().await;
    assert!(run(&place.inspect, &frame, run_id(99)).await.unwrap().is_none());
    run(&place.inspect, &frame, run_id(number)).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_waiting_run_says_for_what_and_until_when() {
    let found = story(tenant(live(1)), 1).await;
    let sentence = "Waits for order.paid or order.refunded until 2026-03-08 10:00 (step order).";
    assert_eq!(found.sentence, sentence);
    assert_eq!(found.can, [RunVerb::Pause, RunVerb::Cancel]);
    let steps: Vec<_> =
        found.steps.iter().map(|step| (step.id.as_str(), step.what.as_str(), step.state)).collect();
    let expected = [
        ("draw", "uses package-card-lottery/draw", StepState::Done),
        ("coupon", "uses coupon/issue", StepState::Refused),
        ("order", "wait order.paid or order.refunded", StepState::Waiting),
        ("stop", "end bought", StepState::Ahead),
    ];
    assert_eq!(steps, expected);
    assert_eq!(found.steps[0].place, "workflows/first-order.yaml:10");
    assert_eq!(format!("{:?}", found.steps[0].output), r#"{"prize":{"name":"5元首单券"}}"#);
    assert_eq!(found.steps[1].why.as_deref(), Some("LIMIT_CUSTOMER: one a customer"));
    assert_eq!(found.journal.len(), 4);
    assert_eq!(found.journal[1].told, "prize.name 5元首单券");
    assert_eq!(found.event.map(|event| (event.seq, event.event_type)), Some((1, "friend.added".to_owned())));
    assert_eq!(found.notes, [] as [String; 0]);
}

#[tokio::test]
async fn a_failed_run_says_why_and_whether_it_can_be_retried() {
    for (can_retry, verbs) in [(true, vec![RunVerb::Retry, RunVerb::Replay]), (false, vec![RunVerb::Replay])]
    {
        let run = failed(2, can_retry);
        let mut tenant = tenant(run.clone());
        tenant.line(run.id, Some("order"), JournalKind::Failed, r#"{"code":"X","message":"y"}"#);
        tenant.writes.runs[0].journal_rows += 1;
        let found = story(tenant, 2).await;
        let sentence = "Failed at 2026-03-01 11:00 at `order` (workflows/first-order.yaml:12): BUDGET_EXHAUSTED: the \
                        budget of c66 is used up.";
        assert_eq!(found.sentence, sentence);
        assert_eq!((found.can, found.waiting.len()), (verbs, 0));
        assert_eq!(found.steps[3].state, StepState::NotReached);
        assert_eq!(found.end.as_deref(), Some("BUDGET_EXHAUSTED: the budget of c66 is used up"));
    }
}

/// The run after its end.
fn bought() -> Run {
    let end = RunEnd::Completed { outcome: "bought".to_owned() };
    Run { status: RunStatus::Ended { end, at: at("2026-03-01T03:00:00Z") }, ..live(1) }
}

#[tokio::test]
async fn a_run_that_is_over_can_be_replayed_as_long_as_all_of_it_is_there() {
    type Lacks = fn(&mut Tenant);
    let lacks: [(&str, Lacks, &[RunVerb]); 6] = [
        ("nothing", |_| {}, &[RunVerb::Replay]),
        (
            "its end",
            |tenant| tenant.writes.runs[0].status = RunStatus::Live,
            &[RunVerb::Pause, RunVerb::Cancel],
        ),
        ("its version", |tenant| tenant.writes.playbooks.clear(), &[]),
        (
            "a version that can be read",
            |tenant| {
                tenant.writes.playbooks[0].compiled = r#"{"version":"of the future"}"#.into();
                tenant.writes.playbooks[0].is_active = false;
            },
            &[],
        ),
        (
            "its customer",
            |tenant| {
                tenant.writes.customers.clear();
                tenant.writes.identities.clear();
            },
            &[],
        ),
        ("its event", |tenant| tenant.writes.events.clear(), &[]),
    ];
    for (what, lack, verbs) in lacks {
        let mut tenant = tenant(bought());
        lack(&mut tenant);
        assert_eq!(story(tenant, 1).await.can, verbs, "lacks {what}");
    }
    let by_hand = Run { event: None, customer: None, ..bought() };
    assert_eq!(story(tenant(by_hand), 1).await.can, [RunVerb::Replay], "nobody's, and no event began it");
    let cancelled = RunEnd::Cancelled { reason: "by li".to_owned() };
    let cancelled = RunStatus::Ended { end: cancelled, at: at("2026-03-01T03:00:00Z") };
    assert_eq!(story(tenant(Run { status: cancelled, ..bought() }), 1).await.can, [RunVerb::Replay]);
}

#[tokio::test]
async fn a_reaction_that_is_over_can_be_replayed_as_long_as_its_version_is_there() {
    let target = Target::Reaction {
        playbook: name("club"),
        version: club().digest(),
        plugin: name("coupon"),
        step: name("revoke"),
    };
    for (is_kept, verbs) in [(true, vec![RunVerb::Replay]), (false, vec![])] {
        let mut tenant = tenant(Run { target: target.clone(), ..bought() });
        if !is_kept {
            tenant.writes.playbooks.clear();
        }
        assert_eq!(story(tenant, 1).await.can, verbs);
    }
}

#[tokio::test]
async fn a_run_is_shown_when_its_version_cannot_be_read() {
    let mut tenant = tenant(live(1));
    tenant.writes.playbooks[0].compiled = r#"{"version":"of the future"}"#.into();
    tenant.writes.playbooks[0].is_active = false;
    let found = story(tenant, 1).await;
    let steps: Vec<_> = found.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(steps, ["draw", "coupon", "order"]);
    assert!(found.sentence.starts_with("Waits for order.paid or order.refunded until"), "{}", found.sentence);
    assert!(found.notes[0].contains("cannot be read"), "{:?}", found.notes);
}

#[tokio::test]
async fn what_a_run_waits_for_has_a_sentence_for_every_state() {
    let until = at("2026-03-02T00:00:00Z");
    for (status, state, sentence) in [
        (RunStatus::Queued, FiberState::Ready, "Waits for a place under its workflow's `concurrency`."),
        (RunStatus::Live, FiberState::Ready, "Goes on at once."),
        (
            RunStatus::Live,
            FiberState::Sleeping { until },
            "Waits for the time until 2026-03-02 08:00 (step order).",
        ),
        (
            RunStatus::Live,
            FiberState::Retrying { until },
            "Waits to try again, 2 tries so far, until 2026-03-02 08:00 (step order).",
        ),
        (RunStatus::Paused { since: until }, FiberState::Ready, "Paused since 2026-03-02 08:00."),
        (
            RunStatus::Ended { end: RunEnd::Completed { outcome: "bought".to_owned() }, at: until },
            FiberState::Ready,
            "Completed at 2026-03-02 08:00: bought.",
        ),
        (
            RunStatus::Ended { end: RunEnd::Cancelled { reason: "by li".to_owned() }, at: until },
            FiberState::Ready,
            "Cancelled at 2026-03-02 08:00: by li.",
        ),
    ] {
        let mut run = live(1);
        run.status = status;
        run.state.fibers[0].state = state;
        run.state.fibers[0].attempt = 2;
        assert_eq!(story(tenant(run), 1).await.sentence, sentence);
    }
}

#[tokio::test]
async fn runs_are_listed_and_counted() {
    let mut tenant = tenant(live(1));
    for number in 2..5 {
        tenant.writes.runs.push(failed(number, true));
    }
    let mut done = live(5);
    done.status = RunStatus::Ended {
        end: RunEnd::Completed { outcome: "bought".to_owned() },
        at: at("2026-03-01T03:00:00Z"),
    };
    tenant.writes.runs.push(done);
    let place = tenant.open().await;
    let frame = place.frame().await;
    let filter = RunFilter { phase: Some(RunPhase::Failed), ..RunFilter::default() };
    let page = runs(&place.inspect, &frame, filter.clone(), Turn::first(2)).await.unwrap();
    assert_eq!(page.runs.iter().map(|run| run.id).collect::<Vec<_>>(), [run_id(4), run_id(3)]);
    assert_eq!(page.runs[0].end.as_deref(), Some("BUDGET_EXHAUSTED: the budget of c66 is used up"));
    let after = page.next.map(siyu_engine::ports::inspect::Cursor::new);
    let page = runs(&place.inspect, &frame, filter, Turn { after, limit: 2 }).await.unwrap();
    assert_eq!((page.runs.len(), page.next), (1, None));
    let counted = report::runs(&place.inspect, &frame).await.unwrap();
    let [line] = counted.workflows.as_slice() else { panic!("{counted:?}") };
    assert_eq!((line.workflow.as_str(), line.runs), ("first-order", 5));
    assert_eq!(line.failures.get("BUDGET_EXHAUSTED"), Some(&3));
    assert_eq!(line.outcomes.get("bought"), Some(&1));
    let total: Vec<_> = counted.total.into_iter().collect();
    assert_eq!(total, [(RunPhase::Live, 1), (RunPhase::Completed, 1), (RunPhase::Failed, 3)]);
}

#[tokio::test]
async fn a_frame_needs_one_zone_and_a_known_playbook() {
    let mut tenant = Tenant::default();
    tenant.publish(&playbook("club", SHANGHAI, vec![]));
    tenant.publish(&playbook("berlin", "Europe/Berlin", vec![]));
    let place = tenant.open().await;
    let frame = |only: &str| {
        let only = (!only.is_empty()).then(|| name(only));
        let inspect = &place.inspect;
        async move { siyu_insight::Frame::of(inspect, only.as_ref()).await }
    };
    assert_eq!(frame("club").await.unwrap().zone.name(), SHANGHAI);
    let zones = frame("").await.unwrap_err();
    assert!(matches!(zones, InsightError::Zones { .. }));
    let expected = "the tenant's playbooks are in different time zones (berlin: Europe/Berlin, club: Asia/Shanghai): name \
                    the playbook whose days count";
    assert_eq!(zones.to_string(), expected);
    let unknown = frame("tokyo").await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no active playbook `tokyo`: expected one of berlin, club");
}
