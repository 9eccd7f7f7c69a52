//! How much of a host a tenant may use.

use std::sync::Arc;

use siyu_engine::tenant::Settings;
use siyu_model::message::MessageStatus;
use siyu_model::quota::{QuotaTable, Quotas};
use siyu_tests::Place;

use super::support::Case;

const GREETING: &str = "
workflow: greeting
on: { event: go }
steps:
  - id: sent
    send: hello
  - if: steps.sent.status == 'blocked'
    end: blocked
  - end: sent
";

fn place(all: Quotas) -> Place {
    let mut place = Place::at("2026-11-21T23:59:00+08:00").unwrap();
    let quotas = Arc::new(QuotaTable { all, ..QuotaTable::default() });
    place.settings = Settings { quotas, ..Settings::default() };
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_sends_so_many_messages_a_day_and_what_is_more_says_why_it_did_not_go() {
    let quotas = Quotas { messages_per_day: Some(2), ..Quotas::default() };
    let case = Case::open_in(place(quotas), &[GREETING]).await;
    let mut outcomes = Vec::new();
    for customer in 0..3 {
        let run = case.start(&format!("shop:{customer}")).await;
        outcomes.push(case.outcome(run).await);
    }
    assert_eq!(outcomes, ["sent", "sent", "blocked"]);
    let blocked = case.messages().await.pop().unwrap();
    let why = "messages_per_day: the tenant has 2 for 2026-11-21 already, its quota is 2";
    assert_eq!((blocked.status, blocked.reason.as_deref()), (MessageStatus::Blocked, Some(why)));
    // The count is durable, and the day is the playbook's.
    let case = case.reopen().await;
    let run = case.start("shop:4").await;
    assert_eq!(case.outcome(run).await, "blocked");
    case.go_on_to("2026-11-22T00:00:00+08:00").await;
    let run = case.start("shop:5").await;
    assert_eq!(case.outcome(run).await, "sent");
}
