//! What those hear who hand an event in: the answers of its runs, and why a workflow did not start.

use std::sync::Arc;

use siyu_engine::ports::inspect::{EventFilter, Inspect, Turn};
use siyu_engine::tenant::{Admitted, Settings};
use siyu_model::json;
use siyu_model::run::{RunEnd, RunPhase, RunStatus};
use siyu_tests::{Place, event};
use tokio::sync::oneshot;

use super::support::Case;

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_hears_what_its_run_answers_before_it_first_waits() {
    let answering = "
workflow: answering
on: { event: go }
steps:
  - id: taken
    uses: probe/take@1
    with: { key: asked, limit: 9 }
  - respond: { asked: ${{ steps.taken.used }} }
  - wait: 1h
  - respond: { asked: late }
";
    let silent = "workflow: silent\non: { event: go }\nsteps: [{ wait: 1h }]\n";
    let case = Case::open(&[answering, silent]).await;
    for asked in 1..=3 {
        let id = format!("e{asked}");
        let admitted = case.tenant.admit(event(&id, "go", "shop:1", "{}").unwrap()).await.unwrap();
        let Admitted::Recorded { admission, responses } = admitted else { panic!("{admitted:?}") };
        assert_eq!(admission.started.len(), 2);
        let answers: Vec<String> = responses.values().map(|value| json::print(value).unwrap()).collect();
        assert_eq!(answers, [format!(r#"{{"asked":{asked}}}"#)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_has_no_network_no_cache_and_no_secrets() {
    let reaching = "
workflow: reaching
on: { event: go }
steps:
  - id: reached
    uses: probe/reach@1
  - respond: { sent: ${{ steps.reached.sent }}, cached: ${{ steps.reached.cached }}, peeked: ${{ steps.reached.peeked }}, secrets: ${{ steps.reached.secrets }} }
";
    let case = Case::open(&[reaching]).await;
    let admitted = case.tenant.admit(event("e1", "go", "shop:1", "{}").unwrap()).await.unwrap();
    let Admitted::Recorded { responses, .. } = admitted else { panic!("{admitted:?}") };
    let answers: Vec<String> = responses.values().map(|value| json::print(value).unwrap()).collect();
    let [answer] = &answers[..] else { panic!("{answers:?}") };
    for part in
        [r#""sent":"Denied""#, r#""secrets":"this call has no secrets: only channels and sources have""#]
    {
        assert!(answer.contains(part), "{answer}");
    }
    assert!(!answer.contains("null"), "{answer}");
}

/// What is written of an event for people.
async fn outcome(case: &Case, id: &str) -> String {
    let events = case.inspect.events(EventFilter::default(), Turn::first(100)).await.unwrap().items;
    events.into_iter().find(|row| row.id == id).unwrap().outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_says_what_it_started_and_why_the_rest_did_not() {
    let keyed = |name: &str, more: &str| {
        format!("workflow: {name}\non: {{ event: go, {more} }}\nsteps: [{{ wait: 1h }}]\n")
    };
    let texts = [
        keyed("alive", "key: customer.id"),
        keyed("once", "key: customer.id, reentry: once"),
        keyed("later", "key: customer.id, reentry: { after: 2h }"),
        keyed("picky", "if: \"event.how | default('') == 'well'\""),
        keyed("broken", "key: event.how"),
        "workflow: full\non: { event: go }\nconcurrency: { limit: 1, on_conflict: skip }\nsteps: [{ wait: 1h }]\n".to_owned(),
    ];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let case = Case::open(&texts).await;
    case.admit("first", "go", "shop:1").await;
    case.admit("second", "go", "shop:1").await;
    case.go_on_to("2026-11-21T11:30:00+08:00").await;
    case.admit("third", "go", "shop:1").await;
    let parts = [
        ("first", r#""picky":"its `if` did not hold""#),
        ("first", r#""broken":"an expression had no value"#),
        ("first", r#""started":{"alive":"run_"#),
        ("second", "of the same key is still alive"),
        ("second", r#""full":"`concurrency`: no place was free""#),
        ("third", r#""once":"`reentry: once`, and run_"#),
        ("third", r#""later":"`reentry`: 30m too early""#),
        ("third", r#""alive":"run_"#),
    ];
    for (id, part) in parts {
        let found = outcome(&case, id).await;
        assert!(found.contains(part), "{id}: {part} is not in {found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_and_the_wait_for_it_in_one_batch_find_each_other() {
    let waiting = "
workflow: waiting
on: { event: go, key: customer.id }
steps:
  - id: order
    wait: { event: order.paid, timeout: 1h }
  - id: now
    wait: { event: order.refunded, since: now, timeout: 1h }
  - if: steps.now.timed_out
    end: late
  - end: both
";
    let case = Case::open(&[waiting]).await;
    // All of them are in the inbox before the executor looks, in both orders of wait and event.
    let feed: Arc<str> = "feed".into();
    let types = ["go", "order.paid", "order.refunded", "go", "order.refunded", "order.paid"];
    let mut answers = Vec::new();
    for (place, event_type) in (1u64..).zip(types) {
        let customer = if place <= 3 { "shop:1" } else { "shop:2" };
        let (reply, answer) = oneshot::channel();
        let event = event(&place.to_string(), event_type, customer, "{}").unwrap();
        case.tenant.feed(event, (feed.clone(), place), Some(reply)).await.unwrap();
        answers.push(answer);
    }
    let mut runs = Vec::new();
    for answer in answers {
        let Admitted::Recorded { admission, .. } = answer.await.unwrap().unwrap() else { panic!() };
        runs.extend(admission.started);
    }
    case.tenant.settle().await.unwrap();
    assert_eq!(case.outcome(runs[0]).await, "both");
    assert_eq!(case.phase(runs[1]).await, RunPhase::Live, "the refund came before the wait for it");
    case.go_on_to("2026-11-21T11:00:00+08:00").await;
    assert_eq!(case.outcome(runs[1]).await, "late");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fast_customer_is_not_missed_behind_a_thousand_other_events() {
    let waiting = "
workflow: waiting
on: { event: go, key: customer.id }
steps:
  - wait: 1h
  - id: order
    wait: { event: order.paid, if: \"event.n | default(0) == 777\", timeout: 1h }
  - if: steps.order.timed_out
    end: missed
  - end: found
";
    let case = Case::open(&[waiting]).await;
    let run = case.start("shop:1").await;
    for n in 0..1_000 {
        let order = event(&format!("o{n}"), "order.paid", "shop:1", &format!(r#"{{"n":{n}}}"#)).unwrap();
        case.tenant.admit(order).await.unwrap();
    }
    case.go_on_to("2026-11-21T11:00:00+08:00").await;
    assert_eq!(case.outcome(run).await, "found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_items_at_once_give_way_to_others_and_come_to_their_end() {
    let counting = "
workflow: counting
on: { event: go }
steps:
  - id: all
    each: ${{ event.items }}
    concurrency: 999
    steps: [{ uses: probe/take@1, with: { key: items, limit: 100000 } }, { wait: 1m }]
  - end: counted
";
    let mut place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    place.settings = Settings { batch_max: 3, batch_virtual_max: 3, ..Settings::default() };
    let case = Case::open_in(place, &[counting]).await;
    let items: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
    let data = format!(r#"{{"items":[{}]}}"#, items.join(","));
    let admitted = case.tenant.admit(event("e", "go", "shop:1", &data).unwrap()).await.unwrap();
    let Admitted::Recorded { admission, .. } = admitted else { panic!("{admitted:?}") };
    case.tenant.settle().await.unwrap();
    // The run itself takes the thousandth place of its branches.
    assert_eq!(case.counter("items").await, 999);
    case.go_on_to("2026-11-21T10:01:00+08:00").await;
    case.go_on_to("2026-11-21T10:02:00+08:00").await;
    assert_eq!(case.outcome(admission.started[0]).await, "counted");
    assert_eq!(case.counter("items").await, 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_full_ends_its_run_in_words() {
    let endless = "
workflow: endless
on: { event: go }
steps:
  - each: ${{ [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29] }}
    steps:
      - each: ${{ [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29] }}
        as: inner
        steps:
          - each: ${{ [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14] }}
            as: innermost
            steps: [{ set: { n: 1 } }]
";
    let case = Case::open(&[endless]).await;
    let run = case.start("shop:1").await;
    case.tenant.settle().await.unwrap();
    let RunStatus::Ended { end: RunEnd::Failed { fault }, .. } = case.status(run).await else { panic!() };
    assert_eq!(
        (fault.code.as_str(), fault.message.as_str()),
        ("JOURNAL_FULL", "the journal has 10000 lines")
    );
}
