//! The host for tests: a call is a transaction, time goes on only when the test says so, and what the real host would not
//! allow fails.

mod shop;

use shop::{Do, Hold, Plugin, Shelf};
use siyu_plugin::fake::{FaultKind, Host, Outcome, Unpublished};
use siyu_plugin::pools::{Pool, ReservationStatus};
use siyu_plugin::prelude::*;
use siyu_plugin::{codes, customers, pools, records, resources};

fn host() -> Host {
    let mut host = Host::of::<Plugin>();
    host.act_for("shop:00042");
    host
}

fn open(stock: u64, per_customer: u64) -> Host {
    let mut host = host();
    host.publish::<Shelf>("cup", json!({ "stock": stock, "per_customer": per_customer, "ttl": "10m" }));
    host
}

fn hold() -> serde_json::Value {
    json!({ "shelf": "cup", "order": "o1" })
}

/// Everything that a call of `Do::Everything` changes.
fn changed(host: &mut Host) -> Vec<bool> {
    let me = host.customer("shop:00042");
    vec![
        host.during(|| matches!(codes::find("gift", "OLD 2026"), Ok(codes::Found::Known { .. }))),
        host.pool("p").is_some(),
        host.counter("c") == 3,
        (host.balance(Some(&me), "points"), host.balance(None, "issued")) == (4, -4),
        host.document::<u8>(Some(&me), "mine") == Some(1),
        host.document::<u8>(None, "ours") == Some(2),
        host.attributes(&me) == json!({ "taste": "spicy" }),
        host.tags(&me).len() == 1,
        host.messages().len() == 1,
        host.events_of("shop.back").len() == 1,
        host.events_of("tag.added").len() == 1,
        host.planned().len() == 1,
    ]
}

#[test]
fn an_answer_keeps_everything_and_a_failure_nothing() {
    for (then, is_kept) in [("done", true), ("refuse", true), ("fault", false), ("panic", false)] {
        let mut host = host();
        let outcome = host.call::<Do>(Do::Everything { then: then.to_owned() });
        match then {
            "done" => drop(outcome.done()),
            "refuse" => drop(outcome.refused("SOLD_OUT")),
            "fault" => assert!(outcome.failed("BUSY").is_transient()),
            _ => assert_eq!(outcome.failed("GUEST_PANIC").message, "the plugin panicked: the end"),
        }
        assert_eq!(changed(&mut host), [is_kept; 12], "{then}");
        assert_eq!(host.log().len(), 1, "what a failed call logged says why");
    }
}

#[test]
fn a_call_sees_its_own_changes() {
    let mut host = host();
    host.during(|| -> Result<(), Stop> {
        let mine = records::of_customer();
        assert!(mine.insert("a/1", "x")?);
        assert!(!mine.insert("a/1", "y")?);
        mine.put("a/2", "z")?;
        mine.put_json("b", " \"w\" ")?;
        assert_eq!(mine.get::<String>("b")?.as_deref(), Some("w"));
        assert!(mine.put_json("b", "w").unwrap_err().is_invalid());
        let rows: Result<Vec<(String, String)>, _> = mine.scan("a/").collect();
        assert_eq!(rows?, [("a/1".into(), "x".into()), ("a/2".into(), "z".into())]);
        assert!(mine.delete("a/1")?);
        assert_eq!(mine.get::<String>("a/1")?, None);
        assert_eq!(mine.scan::<String>("").after("a/2").count(), 1);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_scan_turns_pages_and_ends_after_an_error() {
    let mut host = host();
    host.during(|| -> Result<(), Stop> {
        let ours = records::of_tenant();
        for n in 0..250 {
            ours.put(&format!("n/{n:03}"), &n)?;
        }
        assert_eq!(ours.scan::<u32>("n/").filter_map(Result::ok).map(|(_, n)| n).sum::<u32>(), 31_125);
        ours.put("n/100", "no number")?;
        let rows: Vec<_> = ours.scan::<u32>("n/").collect();
        assert_eq!(rows.len(), 101);
        let message = rows[100].as_ref().unwrap_err().to_string();
        assert!(message.starts_with("the record `n/100` is not what this version"), "{message}");
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_is_not_sold_goes_back_in_time_and_the_plugin_hears_of_it() {
    let mut host = open(1, 1);
    let held = host.call::<Hold>(hold()).done();
    assert_eq!(held.until, host.now() + Duration::minutes(10));
    let full = Pool { total: 1, available: 0, reserved: 1, sold: 0 };
    assert_eq!(host.pool("shelf/cup"), Some(full));

    let other = host.act_for("shop:00043");
    let no = host.call::<Hold>(hold()).refused("SOLD_OUT");
    assert_eq!((no.message.as_str(), no.details), ("0 are left", Some(json!({ "available": 0 }))));

    host.advance(Duration::minutes(10));
    assert_eq!(host.pool("shelf/cup"), Some(Pool { available: 1, reserved: 0, ..full }));
    assert_eq!(host.events_of("shop.back"), [json!({ "order": "o1", "units": 1 })]);
    let expired = &host.events()[0];
    assert_eq!(
        (expired.event_type.as_str(), expired.source.as_str(), expired.time),
        ("reservation.expired", "siyu", held.until)
    );
    assert_ne!(expired.customer, Some(other));
    let found = host.during(|| pools::find(&held.reservation)).unwrap().unwrap();
    assert_eq!((found.status, found.reference.as_deref()), (ReservationStatus::Expired, Some("o1")));
    assert_eq!(host.during(|| pools::commit(&held.reservation)), Ok(false));
}

#[test]
fn a_quota_is_taken_and_given_back_with_the_units() {
    let mut host = open(10, 1);
    let held = host.call::<Hold>(hold()).done();
    let no = host.call::<Hold>(hold()).refused("LIMIT_CUSTOMER");
    assert_eq!(no.message, "1 are held");
    assert_eq!(host.during(|| pools::release(&held.reservation)), Ok(true));
    let held = host.call::<Hold>(hold()).done();
    assert_eq!(host.during(|| pools::commit(&held.reservation)), Ok(true));
    host.call::<Hold>(hold()).refused("LIMIT_CUSTOMER");
    assert_eq!(host.pool("shelf/cup").unwrap().sold, 1);
    host.advance(Duration::hours(1));
    assert!(host.events_of("reservation.expired").is_empty());
}

#[test]
fn what_falls_due_happens_in_its_order_and_at_its_instant() {
    let mut host = open(3, 3);
    let begin = host.now();
    host.call::<Do>(Do::Tag { tag: "hot".into(), seconds: 900 }).done();
    host.call::<Hold>(hold()).done();
    host.call::<Do>(Do::Everything { then: "done".into() }).done();
    host.advance(Duration::days(1));
    let happened: Vec<_> = host
        .events()
        .into_iter()
        .filter(|event| event.time > begin)
        .map(|event| (event.event_type, event.time.since(begin).to_string()))
        .collect();
    let expected = [
        ("reservation.expired", "10m"),
        ("shop.back", "10m"),
        ("tag.removed", "15m"),
        ("tag.expired", "15m"),
        ("shop.back", "1h"),
    ];
    assert_eq!(happened, expected.map(|(event, after)| (event.to_owned(), after.to_owned())));
    assert_eq!(host.now(), begin + Duration::days(1));
}

#[test]
fn reactions_of_a_definition_run_as_long_as_it_is_in_force() {
    let mut host = open(1, 1);
    let me = host.customer("shop:00042");
    host.record("order.paid", Some(&me), json!({ "amount_fen": 6_600 }));
    assert_eq!(host.messages()[0].variables, json!({ "amount_fen": 6_600 }));
    assert_eq!(host.reactions()[0].step, "welcome");
    host.unpublish::<Shelf>("cup");
    host.record("order.paid", Some(&me), json!({ "amount_fen": 100 }));
    assert_eq!(host.messages().len(), 1);
    let facts = host.during(|| customers::of(&me).get()).unwrap().unwrap();
    assert_eq!((facts.fact("order.paid").count, facts.fact("order.paid").sum_fen), (2, 6_700));
    assert_eq!(facts.identities, ["shop:00042"]);
}

#[test]
fn a_loop_of_reactions_ends_at_the_hosts_limit() {
    let mut host = host();
    host.record("shop.echo", None, json!({ "n": 0 }));
    let depth = siyu_model::limits::run::CAUSE_DEPTH_MAX as usize;
    assert_eq!(host.events_of("shop.echo").len(), depth + 1);
    assert_eq!(host.reactions().len(), depth + 1);
}

#[test]
#[should_panic(expected = "the step `take-back`, reacting to reservation.expired, failed with BROKEN")]
fn a_reaction_that_fails_ends_the_test() {
    let mut host = open(1, 1);
    host.call::<Hold>(json!({ "shelf": "cup", "order": "broken" })).done();
    host.advance(Duration::hours(1));
}

#[test]
fn a_reaction_may_fail_when_the_test_says_so() {
    let mut host = Host::of::<Plugin>().allowing_faults();
    host.act_for("shop:00042");
    host.publish::<Shelf>("cup", json!({ "stock": 1, "ttl": "10m" }));
    host.call::<Hold>(json!({ "shelf": "cup", "order": "broken" })).done();
    host.advance(Duration::hours(1));
    assert!(matches!(&host.reactions()[0].outcome, Outcome::Failed(fault) if fault.code == "BROKEN"));
}

#[test]
fn what_the_real_host_would_not_allow_fails_whatever_the_plugin_makes_of_it() {
    for (what, code, words) in [
        (Do::RefuseUnlisted, "UNDECLARED_REFUSAL", "add it to its REFUSALS"),
        (Do::EmitUnlisted, "UNDECLARED_EVENT", "add its type to `events`"),
        (Do::Ask { times: 10_001 }, "HOST_CALL_LIMIT", "more than 10000 host calls"),
        (Do::Output { bytes: 300_000 }, "OUTPUT_TOO_LARGE", "262144"),
    ] {
        let fault = host().call::<Do>(&what).failed(code);
        assert!(fault.message.contains(words), "{what:?}: {fault}");
    }
    let no = host().call::<Do>(Do::EmitHosts).done();
    assert_eq!(no, json!("`tag.added`: events of tag.* are made by the host only"));
    let fault = host().call::<Do>(Do::Emit { count: 101 }).failed("CALL_LIMIT");
    assert_eq!(fault.message, "a step emits at most 100 events");
    let no = host().call::<Do>(Do::Whole { units: 1 << 53 }).done();
    assert_eq!(no, json!("`units` is 9007199254740992: expected a whole number from 0 to 9007199254740991"));
}

#[test]
fn an_input_that_is_none_is_refused_with_its_place() {
    let fault = open(1, 1).call::<Hold>(json!({ "shelf": "cup", "ordre": "o1" })).failed("INVALID_INPUT");
    assert_eq!(fault.kind, FaultKind::InvalidInput);
    assert_eq!(fault.fields[0].pointer, "/ordre");
    assert_eq!(fault.fields[0].message, "unknown field `ordre`, expected `shelf` or `order`");
    let fault = host().call::<Hold>(hold()).failed("UNKNOWN_RESOURCE");
    assert_eq!(fault.message, "there is no shelf `cup`: none is published");
}

#[test]
fn a_definition_exists_from_its_publication_on() {
    let exists = |host: &mut Host| host.during(|| resources::exists::<Shelf>("cup")).unwrap();
    let mut host = open(1, 1);
    assert!(exists(&mut host));
    host.unpublish::<Shelf>("cup");
    assert!(!exists(&mut host));
}

#[test]
fn a_definition_is_checked_before_it_is_in_force() {
    let mut host = host();
    let check = |host: &mut Host, definition: serde_json::Value| {
        let found = host.try_publish::<Shelf>("cup", definition).unwrap_err();
        let Unpublished::Findings(found) = found else {
            panic!("expected findings, found {found}");
        };
        (found[0].pointer.clone(), found[0].code.clone(), found[0].message.clone())
    };
    for (definition, pointer, words) in [
        (json!({ "stock": 0, "ttl": "10m" }), "/stock", "an empty shelf sells nothing"),
        (json!({ "stock": 1 }), "", "missing field `ttl`"),
        (json!({ "stock": 1, "ttl": "ten minutes" }), "/ttl", "`ten minutes` is not a duration"),
        (json!({ "stock": 1, "ttl": "1h", "opens_at": "soon" }), "/opens_at", "`soon` is not an instant"),
        (json!({ "stock": 1, "ttl": "1h", "zone": "Peking" }), "/zone", "`Peking` is not a time zone"),
        (json!({ "stock": 1, "ttl": "1h", "only_if": "a ==" }), "/only_if", "`a ==` is not an expression"),
    ] {
        let (found, code, message) = check(&mut host, definition);
        assert_eq!(found, pointer);
        assert!(message.starts_with(words), "{message}");
        assert_eq!(code, if found == "/stock" { "SHELF_EMPTY" } else { "DEFINITION" });
    }
    assert!(host.pool("shelf/cup").is_none());
    let found = host.publish::<Shelf>("cup", json!({ "stock": 1, "per_customer": 2, "ttl": "1h" }));
    assert!(!found[0].is_error && host.pool("shelf/cup").is_some());
    host.publish::<Shelf>("cup", json!({ "stock": 5, "ttl": "1h" }));
    assert_eq!(host.document::<u64>(None, &key(&["stock before", "cup"])), Some(1));
    host.during(|| pools::take("shelf/cup", 4)).unwrap();
    let fault = host.try_publish::<Shelf>("cup", json!({ "stock": 3, "ttl": "1h" })).unwrap_err();
    assert!(fault.to_string().contains("CONFLICT: the total cannot be 3: 4 units"), "{fault}");
    assert_eq!(host.pool("shelf/cup").unwrap().total, 5, "what was in force stays");
}

#[test]
#[should_panic(expected = "a check is pure: it uses `counters`")]
fn a_check_that_asks_the_host_ends_the_test() {
    host().check::<Shelf>("impure", json!({ "stock": 1, "ttl": "1h" }));
}

#[test]
fn a_check_may_log() {
    let mut host = host();
    assert!(host.check::<Shelf>("logging", json!({ "stock": 1, "ttl": "1h" })).is_empty());
    assert_eq!(host.log()[0].1, "a check may log");
}

#[test]
fn an_operators_condition_sees_the_customer_and_the_event() {
    let mut host = host();
    let only_if =
        "customer.attributes.city == 'Ningbo' and event.channel == 'card' and count('order.paid', '1d') >= 1";
    host.publish::<Shelf>("cup", json!({ "stock": 9, "per_customer": 9, "ttl": "1h", "only_if": only_if }));
    let me = host.customer("shop:00042");
    host.set_attributes(&me, json!({ "city": "Ningbo" }));
    host.start_run("friend.added", json!({ "channel": "card" }));
    host.call::<Hold>(hold()).refused("NOT_ELIGIBLE");
    host.record("order.paid", Some(&me), json!({}));
    host.call::<Hold>(hold()).done();
    host.advance(Duration::days(2));
    host.call::<Hold>(hold()).refused("NOT_ELIGIBLE");
}

#[test]
fn windows_count_what_happened_not_what_was_heard_late() {
    let mut host = host();
    let me = host.customer("shop:00042");
    let before = host.now() - Duration::hours(2);
    host.record_at(before, "order.paid", Some(&me), json!({}));
    host.record("order.paid", Some(&me), json!({}));
    let count = |seconds| Do::Count { event_type: "order.paid".into(), seconds };
    assert_eq!(host.call::<Do>(count(3_600)).done(), json!(1));
    assert_eq!(host.call::<Do>(count(7_200)).done(), json!(2));
}

#[test]
fn the_calendar_is_the_playbooks() {
    let mut host = Host::of::<Plugin>().at("2026-03-29T00:30:00Z").zone("Europe/Berlin");
    assert_eq!(
        host.call::<Do>(Do::Locals).done(),
        json!({
            "date": "2026-03-29",
            "tomorrow": "2026-03-29T22:00:00Z",
            "unknown": "`Asia/Peking` is not a time zone: expected an IANA name such as Asia/Shanghai or UTC",
        })
    );
}

#[test]
fn the_same_seed_gives_the_same_draws_and_each_call_its_own() {
    let draws = |seed| {
        let mut host = Host::of::<Plugin>().seed(seed);
        let mut draw = || host.call::<Do>(Do::Draw { below: 1 << 40 }).done();
        [draw(), draw()]
    };
    assert_eq!(draws(1), draws(1));
    assert_ne!(draws(1), draws(2));
    assert_ne!(draws(1)[0], draws(1)[1]);
    assert_ne!(draws(1)[0][0], draws(1)[0][1]);
}

#[test]
fn a_blocked_message_is_an_answer() {
    let mut host = open(1, 1);
    host.block_messages(Some("quiet hours"));
    let me = host.customer("shop:00042");
    host.record("order.paid", Some(&me), json!({}));
    assert!(host.messages().is_empty());
    assert!(matches!(&host.reactions()[0].outcome, Outcome::Done(_)));
}

#[test]
#[should_panic(expected = "`do` does not do the same when it is repeated")]
fn a_call_that_differs_when_it_is_repeated_ends_the_test() {
    let _ = Host::of::<Plugin>().repeating().call::<Do>(Do::Disorder);
}

#[test]
fn a_call_that_is_repeated_has_its_effects_once() {
    let mut host = Host::of::<Plugin>().repeating();
    host.act_for("shop:00042");
    host.call::<Do>(Do::Everything { then: "done".into() }).done();
    assert_eq!(changed(&mut host), [true; 12]);
    assert_eq!(host.log().len(), 1);
}

#[test]
#[should_panic(expected = "no host: a plugin's code runs in a test through")]
fn a_capability_without_a_host_says_what_to_do() {
    let _ = siyu_plugin::counters::used("x");
}

#[test]
fn a_call_for_nobody_says_so() {
    let mut host = open(1, 1);
    host.act_for_nobody();
    let fault = host.call::<Hold>(hold()).failed("INVALID_ARGUMENT");
    assert_eq!(fault.message, "this call is for no customer: its event has no subject");
    let fault = host.during(|| customers::current().tags()).unwrap_err();
    assert_eq!(fault.message, "this call has no customer of its own: name one");
}

mod without_capabilities {
    use super::*;

    /// Counts without leave.
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Sneak {}

    impl Step for Sneak {
        const NAME: &'static str = "sneak";
        type Output = bool;

        fn run(self) -> Result<bool, Stop> {
            Ok(siyu_plugin::counters::take("x", 1, 1).is_ok())
        }
    }

    siyu_plugin::export! { name: "sneak", version: "1.0.0", summary: "Sneaks.", steps: [Sneak] }

    #[test]
    fn a_capability_that_the_manifest_does_not_list_fails_the_call() {
        let fault = Host::of::<Plugin>().call::<Sneak>(json!({})).failed("NOT_LOADABLE");
        assert!(
            fault.message.starts_with("the plugin uses `counters`, which its manifest does not list"),
            "{fault}"
        );
    }
}

mod without_words {
    use super::*;

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Mute {}

    impl Step for Mute {
        const NAME: &'static str = "mute";
        type Output = ();

        fn run(self) -> Result<(), Stop> {
            Ok(())
        }
    }

    siyu_plugin::export! { name: "mute", version: "1.0.0", summary: "Says nothing.", steps: [Mute] }

    #[test]
    #[should_panic(expected = "the step `mute` has no summary: write a doc comment on its type")]
    fn a_step_without_a_doc_comment_ends_the_test() {
        Host::of::<Plugin>();
    }
}
