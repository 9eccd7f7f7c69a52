//! What people do to runs and playbooks while a tenant works.

use super::support::{Case, act, refused};
use siyu_engine::operate::{ManualStart, ManuallyStarted, OperateError, RunAction};
use siyu_engine::tenant::Tenant;
use siyu_model::id::RunId;
use siyu_model::journal::JournalKind;
use siyu_model::json::Value;
use siyu_model::run::RunPhase;
use siyu_tests::{Place, workflows};

const WAITING: &str = "
workflow: waiting
on: { event: go }
steps:
  - id: rest
    wait: 10h
  - id: order
    wait: { event: order.paid, timeout: 10h }
  - if: steps.order.timed_out
    end: none
  - end: paid
";

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_run_stands_still_and_goes_on_with_the_time_that_was_left() {
    let case = Case::open(&[WAITING]).await;
    let run = case.start("shop:1").await;
    case.go_on_to("2026-11-21T16:00:00+08:00").await;
    act(&case.tenant, run, RunAction::Pause).await.unwrap();
    case.go_on_to("2026-11-30T10:00:00+08:00").await;
    assert_eq!(case.phase(run).await, RunPhase::Paused);
    act(&case.tenant, run, RunAction::Resume).await.unwrap();
    // Four of ten hours were left.
    case.go_on_to("2026-11-30T13:59:59+08:00").await;
    assert_eq!(case.step(run).await, "rest");
    case.go_on_to("2026-11-30T14:00:00+08:00").await;
    assert_eq!(case.step(run).await, "order");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_in_time_leaves_no_timer_behind() {
    let last = "workflow: last\non: { event: go }\nsteps: [{ wait: { event: order.paid, timeout: 7d } }]\n";
    let branch = "workflow: branch\non: { event: go }\nsteps:\n  - parallel:\n      one: [{ wait: { event: order.paid, timeout: 6d } }]\n      two: [{ set: { a: 1 } }]\n";
    for text in [last, branch] {
        let case = Case::open(&[text]).await;
        let run = case.start("shop:1").await;
        assert!(case.tenant.settle().await.unwrap().is_some());
        case.admit("o1", "order.paid", "shop:1").await;
        assert!(case.phase(run).await.is_terminal());
        assert_eq!(case.tenant.settle().await.unwrap(), None, "{text}");
        let case = case.reopen().await;
        assert_eq!(case.tenant.settle().await.unwrap(), None, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_retried_twice_in_one_instant_becomes_two_runs() {
    let broken =
        "workflow: broken\non: { event: go }\nsteps: [{ uses: probe/fault@1, with: { code: TORN } }]\n";
    let case = Case::open(&[broken]).await;
    let run = case.start("shop:1").await;
    let first = act(&case.tenant, run, RunAction::Retry).await.unwrap();
    let second = act(&case.tenant, run, RunAction::Retry).await.unwrap();
    assert_ne!(first, second);
    for run in [first, second] {
        assert_eq!(case.journal(run).await, [JournalKind::Started, JournalKind::Failed]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_a_wait_was_paused_counts_when_it_goes_on() {
    let case = Case::open(&[WAITING]).await;
    let run = case.start("shop:1").await;
    case.go_on_to("2026-11-21T20:00:00+08:00").await;
    act(&case.tenant, run, RunAction::Pause).await.unwrap();
    case.admit("o1", "order.paid", "shop:1").await;
    case.go_on_to("2026-11-23T20:00:00+08:00").await;
    assert_eq!(case.phase(run).await, RunPhase::Paused, "neither the event nor the timeout moves it");
    // Paused runs survive a restart.
    let case = case.reopen().await;
    act(&case.tenant, run, RunAction::Resume).await.unwrap();
    assert_eq!(case.outcome(run).await, "paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_of_a_paused_run_are_joined_when_the_runs_they_called_end_meanwhile() {
    let outer = "
workflow: outer
on: { event: go }
steps:
  - parallel:
      a: [{ call: inner }]
      b: [{ call: inner }]
  - end: joined
";
    let inner = "
workflow: inner
on: { call: true }
steps: [{ wait: 1h }]
";
    let case = Case::open(&[outer, inner]).await;
    let run = case.start("shop:1").await;
    act(&case.tenant, run, RunAction::Pause).await.unwrap();
    case.go_on_to("2026-11-21T12:00:00+08:00").await;
    assert_eq!(case.phase(run).await, RunPhase::Paused);
    act(&case.tenant, run, RunAction::Resume).await.unwrap();
    assert_eq!(case.outcome(run).await, "joined");
}

const COMPENSATED: &str = "
workflow: compensated
on: { event: go }
steps:
  - uses: probe/hold@1
    with: { pool: shelf, units: 3, sell: true }
    compensate: { uses: probe/restock@1, with: { pool: shelf, units: 3 } }
  - wait: 1h
  - uses: probe/fault@1
    with: { kind: permanent, code: BROKEN }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_undoes_what_it_did_and_stays_cancelled() {
    let case = Case::open(&[COMPENSATED]).await;
    let run = case.start("shop:1").await;
    assert_eq!(case.available("shelf").await, 2);
    // Pausing first makes no difference.
    act(&case.tenant, run, RunAction::Pause).await.unwrap();
    act(&case.tenant, run, RunAction::Cancel { reason: "asked for".to_owned() }).await.unwrap();
    case.tenant.settle().await.unwrap();
    assert_eq!(case.phase(run).await, RunPhase::Cancelled);
    assert_eq!(case.available("shelf").await, 5);
    for action in [RunAction::Pause, RunAction::Resume, RunAction::Retry, cancel()] {
        let why = refused(&case.tenant, run, action.clone()).await;
        assert!(matches!(&why, OperateError::State { found: "cancelled", .. }), "{action:?}: {why}");
    }
    case.go_on_to("2026-11-22T10:00:00+08:00").await;
    assert_eq!(case.phase(run).await, RunPhase::Cancelled);
}

fn cancel() -> RunAction {
    RunAction::Cancel { reason: "again".to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_undone_cannot_be_tried_again() {
    let case = Case::open(&[COMPENSATED]).await;
    let run = case.start("shop:1").await;
    case.go_on_to("2026-11-21T11:00:00+08:00").await;
    assert_eq!(case.phase(run).await, RunPhase::Failed);
    assert_eq!(case.available("shelf").await, 5);
    assert_eq!(refused(&case.tenant, run, RunAction::Retry).await, OperateError::Undone(run));
    assert_eq!(case.available("shelf").await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_is_tried_again_at_the_step_where_it_failed_with_what_it_knew() {
    let failing = "
workflow: failing
on: { event: go }
steps:
  - id: first
    uses: probe/take@1
    with: { key: firsts, limit: 9 }
  - set: { kept: ${{ steps.first.used }} }
  - id: tried
    uses: probe/take@1
    with: { key: tries, limit: 9 }
  - if: steps.tried.used < 3
    uses: probe/refuse@1
    with: { code: NOT_YET }
  - id: told
    uses: probe/echo@1
    with: { first: ${{ vars.kept }} }
";
    // The step that fails is the refusal: what is before it is not done again.
    let case = Case::open(&[failing]).await;
    let run = case.start("shop:1").await;
    assert_eq!(case.phase(run).await, RunPhase::Failed);
    let again = act(&case.tenant, run, RunAction::Retry).await.unwrap();
    assert_ne!(again, run);
    case.tenant.settle().await.unwrap();
    assert_eq!(case.phase(again).await, RunPhase::Failed, "the same refusal again");
    assert_eq!(case.counter("firsts").await, 1);
    assert_eq!(case.counter("tries").await, 1);
    assert_eq!(case.phase(run).await, RunPhase::Failed, "a failed run stays failed");
    // A retry survives a restart like any run.
    let case = case.reopen().await;
    let third = act(&case.tenant, again, RunAction::Retry).await.unwrap();
    assert_eq!(case.phase(third).await, RunPhase::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_whose_branches_ran_out_of_time_begins_anew_when_it_is_tried_again() {
    let slow = "
workflow: slow
on: { event: go }
steps:
  - parallel:
      a: [{ wait: { event: order.paid } }]
      b: [{ uses: probe/take@1, with: { key: begun, limit: 9 } }]
    timeout: 1h
";
    let case = Case::open(&[slow]).await;
    let run = case.start("shop:1").await;
    case.go_on_to("2026-11-21T11:00:00+08:00").await;
    assert_eq!(case.phase(run).await, RunPhase::Failed);
    let again = act(&case.tenant, run, RunAction::Retry).await.unwrap();
    case.admit("o1", "order.paid", "shop:1").await;
    assert_eq!(case.phase(again).await, RunPhase::Completed);
    assert_eq!(case.counter("begun").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_keeps_its_version_and_new_runs_take_the_new_one_also_after_a_restart() {
    let version = |word: &str| {
        format!("workflow: versioned\non: {{ event: go }}\nsteps:\n  - wait: 1h\n  - end: {word}\n")
    };
    let case = Case::open(&[&version("old")]).await;
    let old = case.start("shop:1").await;
    let published = case.publish(&[&version("new")]).await;
    assert!(!published.is_unchanged);
    assert!(case.publish(&[&version("new")]).await.is_unchanged);
    let new = case.start("shop:2").await;
    let case = case.reopen().await;
    let newest = case.start("shop:3").await;
    // A version that was published before becomes the active one again.
    assert!(!case.publish(&[&version("old")]).await.is_unchanged);
    let back = case.start("shop:4").await;
    case.go_on_to("2026-11-21T12:00:00+08:00").await;
    for (run, word) in [(old, "old"), (new, "new"), (newest, "new"), (back, "old")] {
        assert_eq!(case.outcome(run).await, word);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_places_in_a_new_version_are_filled_as_soon_as_one_is_free() {
    let places = |limit: u32| {
        format!(
            "workflow: places\non: {{ event: go }}\nconcurrency: {{ limit: {limit} }}\nsteps: [{{ wait: {limit}h }}]\n"
        )
    };
    let case = Case::open(&[&places(1)]).await;
    let mut runs = Vec::new();
    for customer in 1..=4 {
        runs.push(case.start(&format!("shop:{customer}")).await);
        case.go_on_to(&format!("2026-11-21T10:0{customer}:00+08:00")).await;
    }
    case.publish(&[&places(3)]).await;
    // This one knows of three places, the older ones of one.
    runs.push(case.start("shop:5").await);
    assert_eq!(case.phase(runs[4]).await, RunPhase::Live);
    act(&case.tenant, runs[4], cancel()).await.unwrap();
    case.tenant.settle().await.unwrap();
    let mut phases = Vec::new();
    for run in &runs {
        phases.push(case.phase(*run).await);
    }
    assert_eq!(
        phases,
        [RunPhase::Live, RunPhase::Live, RunPhase::Live, RunPhase::Queued, RunPhase::Cancelled]
    );
    // A queued run can be cancelled; nobody hears of it again.
    act(&case.tenant, runs[3], cancel()).await.unwrap();
    case.go_on_to("2026-11-22T10:00:00+08:00").await;
    assert_eq!(case.phase(runs[3]).await, RunPhase::Cancelled);
    let kinds: Vec<JournalKind> = case.journal(runs[1]).await;
    assert_eq!(kinds[..2], [JournalKind::Queued, JournalKind::Started]);
}

fn manual(id: Option<&str>) -> ManualStart {
    ManualStart {
        playbook: "case".parse().unwrap(),
        workflow: "by-hand".parse().unwrap(),
        customer: Some("shop:1".parse().unwrap()),
        data: Value::map([("n", Value::Int(1))]),
        id: id.map(str::to_owned),
        by: "somebody".to_owned(),
    }
}

async fn started(tenant: &Tenant, id: Option<&str>) -> Result<RunId, OperateError> {
    match tenant.start(manual(id)).await.unwrap() {
        Ok(ManuallyStarted::Run(run)) => Ok(run),
        Ok(other) => panic!("{other:?}"),
        Err(why) => Err(why),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_by_hand_that_is_asked_for_twice_happens_once() {
    let by_hand = "
workflow: by-hand
on: { manual: true, key: event.n }
steps: [{ wait: 1h }]
";
    let case = Case::open(&[by_hand]).await;
    let run = started(&case.tenant, Some("a")).await.unwrap();
    assert_eq!(started(&case.tenant, Some("a")).await.unwrap(), run);
    let why = started(&case.tenant, Some("b")).await.unwrap_err();
    assert!(why.to_string().contains("same key is still alive"), "{why}");
    case.go_on_to("2026-11-21T12:00:00+08:00").await;
    let case = case.reopen().await;
    assert_eq!(started(&case.tenant, Some("a")).await.unwrap(), run, "also after a restart");
    let refused_again = started(&case.tenant, Some("b")).await.unwrap_err();
    assert_eq!(refused_again, why, "the answer stays the same");
    assert_ne!(started(&case.tenant, None).await.unwrap(), run);
    let place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    let tenant = place.open().await.unwrap();
    let why = started(&tenant, Some("a")).await.unwrap_err();
    assert!(matches!(why, OperateError::UnknownWorkflow { .. }), "{why}");
    tenant.publish(workflows(&[WAITING]).unwrap()).await.unwrap().unwrap();
    let waiting = ManualStart { workflow: "waiting".parse().unwrap(), ..manual(None) };
    let why = tenant.start(waiting).await.unwrap().unwrap_err();
    assert!(matches!(why, OperateError::NotManual(_)), "{why}");
}

const SHOP: &str = "
workflow: shop
on: { event: go }
steps:
  - id: first
    uses: probe/take@1
    with: { key: first, units: 1, limit: 9 }
  - id: order
    wait: { event: order.paid, timeout: 10h }
  - id: second
    uses: probe/take@1
    with: { key: second, units: 1, limit: 9 }
  - parallel:
      one: [{ id: inner, uses: probe/take@1, with: { key: inner, units: 1, limit: 9 } }]
      two: [{ set: { a: 1 } }]
  - if: steps.first.ok and steps.order.timed_out
    end: late
  - if: steps.first.ok
    end: paid
  - end: lost
";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_over_is_replayed_from_a_step_with_what_the_steps_before_it_gave() {
    let case = Case::open(&[SHOP]).await;
    let run = case.start("shop:1").await;
    let replay = |from: &str, new| RunAction::Replay { from: from.parse().unwrap(), new };
    let refused = act(&case.tenant, run, replay("second", None)).await.unwrap_err();
    assert!(refused.to_string().contains("only a run that is completed, failed or cancelled"), "{refused}");
    case.admit("o1", "order.paid", "shop:1").await;
    assert_eq!(case.outcome(run).await, "paid");
    let counters = async |case: &Case| {
        [case.counter("first").await, case.counter("second").await, case.counter("inner").await]
    };
    let again = act(&case.tenant, run, replay("second", None)).await.unwrap();
    assert_eq!((case.outcome(again).await.as_str(), counters(&case).await), ("paid", [1, 2, 2]));
    // The event of the old run was for the old run: a wait of the new one waits for another.
    let waiting = act(&case.tenant, run, replay("order", None)).await.unwrap();
    assert_eq!(case.phase(waiting).await, RunPhase::Live);
    case.go_on_to("2026-11-21T20:00:00+08:00").await;
    assert_eq!((case.outcome(waiting).await.as_str(), counters(&case).await), ("late", [1, 3, 3]));
    assert_eq!(case.outcome(run).await, "paid", "the old run stays as it is");
    // Whoever names the new run and asks twice has one.
    let named = RunId::derive("2026-11-21T10:00:00Z".parse().unwrap(), &[b"again"]);
    for _ in 0..2 {
        assert_eq!(act(&case.tenant, run, replay("second", Some(named))).await.unwrap(), named);
    }
    assert_eq!(counters(&case).await, [1, 4, 4]);
    for (step, why) in [("inner", "in a branch of `parallel`"), ("nowhere", "has no such step")] {
        let refused = act(&case.tenant, run, replay(step, None)).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
    case.tenant.erase_customer("shop:1".parse().unwrap()).await.unwrap().unwrap();
    case.tenant.settle().await.unwrap();
    let refused = act(&case.tenant, run, replay("second", None)).await.unwrap_err();
    assert!(refused.to_string().contains("its customer was erased"), "{refused}");
}
