//! Streams: every event and every line once, in order, wherever a stream is taken up again; and how streams end.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde_json::{Value, json};
use siyu_engine::ports::access::Access;
use siyu_model::access::{Role, Scope};
use siyu_model::limits::http::STREAMS_PER_TOKEN_MAX;

use super::stage::{Stage, note};

const STREAM: &str = "/v1/tenants/shop/stream";
const EVENTS: &str = "/v1/tenants/shop/events";

/// One message of a stream.
#[derive(Debug, Clone, PartialEq)]
struct Message {
    id: String,
    name: String,
    data: Value,
}

/// What a client reads.
struct Stream {
    lines: std::io::Lines<Box<dyn BufRead + Send>>,
    /// The id of the last message.
    last: String,
}

impl Stream {
    fn open(stage: &Stage, token: &str, path: &str, last: &str) -> Self {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("authorization", bearer.as_str()), ("accept", "text/event-stream")];
        if !last.is_empty() {
            headers.push(("last-event-id", last));
        }
        Self { lines: stage.open(path, &headers).lines(), last: last.to_owned() }
    }

    /// The next message; none at the end. Heartbeats are left out.
    fn next(&mut self) -> Option<Message> {
        let mut fields = BTreeMap::new();
        loop {
            let line = self.lines.next()?.ok()?;
            match line.split_once(": ") {
                Some((name, value)) => drop(fields.insert(name.to_owned(), value.to_owned())),
                None if line.is_empty() && fields.contains_key("event") => break,
                None => fields.clear(),
            }
        }
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        if fields.contains_key("id") {
            self.last = field("id");
        }
        let data = serde_json::from_str(&field("data")).unwrap();
        Some(Message { id: self.last.clone(), name: field("event"), data })
    }
}

/// A batch of visits.
fn visits(stage: &Stage, token: &str, numbers: std::ops::Range<usize>) {
    let line = |number| {
        json!({ "id": format!("v{number}"), "type": "visit.made", "subject": format!("shop:{}", number % 7),
            "data": { "name": "ann" } })
        .to_string()
    };
    let body = numbers.map(line).collect::<Vec<_>>().join("\n");
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson")];
    let answer = stage.ask("POST", EVENTS, &headers, &body);
    assert_eq!(answer.status, 200, "{}", answer.text);
}

fn integrator(stage: &Stage) -> String {
    stage.token(Role::Integrator, "shop")
}

/// The messages of each log, without those about the stream.
fn sorted(messages: &[Message]) -> (Vec<u64>, Vec<(String, u64)>) {
    let of = |name: &'static str| messages.iter().filter(move |message| message.name == name);
    let events = of("recorded").map(|message| message.data["seq"].as_u64().unwrap());
    let lines = of("journal").map(|message| {
        (message.data["run"].as_str().unwrap().to_owned(), message.data["row"].as_u64().unwrap())
    });
    (events.collect(), lines.collect())
}

#[test]
fn everything_comes_once_in_order_wherever_a_stream_is_taken_up_again() {
    const EVENTS_ALL: usize = 300;
    let stage = Stage::new();
    let token = integrator(&stage);
    // A run answers, and waits.
    let all = EVENTS_ALL * 3;
    let is_told = |message: &Message| message.name != "place";
    let mut read: Vec<Message> = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| (0..EVENTS_ALL / 10).for_each(|at| visits(&stage, &token, 10 * at..10 * at + 10)));
        let (mut last, mut state) = ("0.0".to_owned(), 7u64);
        while read.len() < all {
            // How many messages are read before each break: any numbers do.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let count = usize::try_from(1 + (state >> 33) % 90).unwrap();
            let mut stream = Stream::open(&stage, &token, STREAM, &last);
            for _ in 0..count {
                if read.len() == all {
                    break;
                }
                let message = stream.next().unwrap();
                assert_ne!(message.name, "resync", "{message:?}");
                last = message.id.clone();
                read.extend(Some(message).filter(is_told));
            }
        }
    });
    let (events, lines) = sorted(&read);
    assert_eq!(events, (1..=EVENTS_ALL as u64).collect::<Vec<_>>());
    let mut rows: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (run, row) in &lines {
        rows.entry(run).or_default().push(*row);
    }
    assert_eq!(rows.len(), EVENTS_ALL, "a run for each event");
    assert!(rows.values().all(|rows| *rows == [0, 1]), "{rows:?}");
    // One that was never broken says the same, each log in the same order.
    let mut whole = Stream::open(&stage, &token, &format!("{STREAM}?from=start"), "");
    let unbroken: Vec<Message> = std::iter::from_fn(|| whole.next()).filter(is_told).take(all).collect();
    assert_eq!(sorted(&unbroken), (events, lines));
    let now = Stream::open(&stage, &token, STREAM, "").next().unwrap();
    assert_eq!(Some(&now.id), unbroken.last().map(|message| &message.id), "nothing is left");
}

#[test]
fn a_stream_begins_now_or_at_the_start_and_says_where_it_stands() {
    let stage = Stage::new();
    let token = integrator(&stage);
    visits(&stage, &token, 0..3);
    let mut now = Stream::open(&stage, &token, STREAM, "");
    let place = now.next().unwrap();
    assert_eq!((place.name.as_str(), place.id.split('.').next()), ("place", Some("3")));
    let mut start = Stream::open(&stage, &token, &format!("{STREAM}?from=start"), "");
    assert_eq!(start.next().unwrap().id, "0.0");
    let first = start.next().unwrap();
    assert_eq!((&first.data["seq"], &first.data["type"]), (&json!(1), &json!("visit.made")), "{first:?}");
    assert!(first.data["customer"].as_str().unwrap().starts_with("cus_"), "{first:?}");
    assert_eq!(first.data.get("data"), None, "what an event says is not told here");
    visits(&stage, &token, 3..4);
    assert_eq!(now.next().unwrap().data["seq"], 4);
    let run = now.next().unwrap();
    assert_eq!(
        (run.name.as_str(), &run.data["kind"], &run.data["row"]),
        ("journal", &json!("responded"), &json!(0))
    );
}

#[test]
fn a_run_is_followed_from_its_first_line_to_its_end() {
    let stage = Stage::new();
    let token = stage.token(Role::Operator, "shop");
    let event = json!({ "id": "1", "type": "visit.made", "subject": "shop:1", "data": { "name": "ann" } });
    let answer = stage.post(&token, EVENTS, &event.to_string()).json();
    let run = answer["started"][0].as_str().unwrap();
    let path = format!("/v1/tenants/shop/runs/{run}/stream");
    let mut stream = Stream::open(&stage, &token, &path, "");
    let before: Vec<Message> = (0..2).map(|_| stream.next().unwrap()).collect();
    assert_eq!(before.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(), ["0", "1"]);
    // Others do things too.
    visits(&stage, &token, 10..20);
    let cancelled = stage.post(&token, &format!("/v1/tenants/shop/runs/{run}/cancel"), "");
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    let mut after = Vec::new();
    while let Some(message) = stream.next() {
        after.push(message);
    }
    let last = after.pop().unwrap();
    assert_eq!((last.name.as_str(), &last.data), ("end", &json!({ "phase": "cancelled" })));
    assert!(!after.is_empty() && after.iter().all(|message| message.data["run"] == run), "{after:?}");
    let mut again = Stream::open(&stage, &token, &path, "0");
    assert_eq!(again.next().unwrap(), before[1]);
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("last-event-id", stream.last.as_str())];
    assert_eq!(stage.ask("GET", &path, &headers, "").status, 204, "there is nothing to come back for");
}

#[test]
fn one_event_reaches_everybody_who_follows() {
    let stage = Stage::new();
    let tokens: Vec<String> = (1..=10).map(|days| stage.token_for(Role::Viewer, "shop", days).0).collect();
    let mut streams: Vec<Stream> = tokens
        .iter()
        .flat_map(|token| (0..STREAMS_PER_TOKEN_MAX).map(|_| Stream::open(&stage, token, STREAM, "")))
        .collect();
    let places: Vec<String> = streams.iter_mut().map(|stream| stream.next().unwrap().id).collect();
    assert!(places.iter().all(|place| place == "0.0"), "{places:?}");
    let admin = stage.token(Role::HostAdmin, "*");
    let numbers = stage.get(&admin, "/metrics").text;
    assert!(numbers.lines().any(|line| line == "siyu_streams 200"), "{numbers}");
    visits(&stage, &integrator(&stage), 0..1);
    assert!(streams.iter_mut().all(|stream| stream.next().unwrap().data["seq"] == 1));
}

#[test]
fn a_token_has_so_many_streams_and_one_that_is_closed_makes_room() {
    let stage = Stage::new();
    let token = integrator(&stage);
    let mut streams: Vec<Stream> =
        (0..STREAMS_PER_TOKEN_MAX).map(|_| Stream::open(&stage, &token, STREAM, "")).collect();
    assert_eq!(stage.get(&token, STREAM).fault(), (429, "STREAMS".to_owned()));
    let other = stage.token(Role::Viewer, "shop");
    assert_eq!(Stream::open(&stage, &other, STREAM, "").next().unwrap().name, "place");
    streams.pop();
    let begun = std::time::Instant::now();
    let bearer = format!("Bearer {token}");
    while !stage.opens(STREAM, &[("authorization", &bearer)]) {
        assert!(begun.elapsed().as_secs() < 60, "a closed stream keeps its place");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_tenant_that_another_host_executes_is_followed_too() {
    let stage = Stage::new();
    let beside = stage.beside();
    let token = integrator(&stage);
    let mut stream = Stream::open(&beside, &token, STREAM, "");
    assert_eq!(stream.next().unwrap().name, "place");
    visits(&stage, &token, 0..5);
    let mut seqs = Vec::new();
    while seqs.len() < 5 {
        let message = stream.next().unwrap();
        seqs.extend(message.data["seq"].as_u64());
    }
    assert_eq!(seqs, [1, 2, 3, 4, 5]);
}

#[test]
fn a_stream_ends_with_its_host_and_with_its_token() {
    let stage = Stage::new();
    let (revoked, id) = stage.token_for(Role::Viewer, "shop", 3);
    let kept = integrator(&stage);
    let [mut of_revoked, mut of_kept] =
        [&revoked, &kept].map(|token| Stream::open(&stage, token, STREAM, ""));
    assert!(of_revoked.next().is_some() && of_kept.next().is_some());
    assert!(stage.wait_for(stage.access.revoke(id, note("tokens.revoke"))).unwrap());
    assert_eq!(of_revoked.next(), None, "it is looked at with every heartbeat");
    assert_eq!(of_kept.lines.next().unwrap().unwrap(), ":", "a heartbeat");
    std::thread::scope(|scope| {
        scope.spawn(move || drop(stage));
        assert_eq!(of_kept.next(), None);
    });
}

#[test]
fn who_may_not_follow_does_not_and_what_is_no_place_is_refused() {
    let stage = Stage::new();
    let token = integrator(&stage);
    let run = "run_01k9zzzzzzzzzzzzzzzzzzzzzz";
    let of_run = format!("/v1/tenants/shop/runs/{run}/stream");
    let foreign = stage.token(Role::Agency, "other");
    let narrow = stage.token_only(Role::Operator, Scope::EventsWrite, "shop");
    for path in [STREAM, &of_run] {
        assert_eq!(stage.get(&foreign, path).fault(), (404, "NO_TENANT".to_owned()), "{path}");
        assert_eq!(stage.get(&narrow, path).fault(), (403, "SCOPE".to_owned()), "{path}");
    }
    assert_eq!(stage.get(&token, &of_run).fault(), (404, "NO_RUN".to_owned()));
    assert_eq!(stage.get(&token, &format!("{STREAM}?from=then")).fault(), (400, "QUERY".to_owned()));
    let bearer = format!("Bearer {token}");
    for last in ["7", "x.y", "-1.0", "1.99999999999999999999", "1.9223372036854775808"] {
        let headers = [("authorization", bearer.as_str()), ("last-event-id", last)];
        assert_eq!(
            stage.ask("GET", STREAM, &headers, "").fault(),
            (400, "LAST_EVENT_ID".to_owned()),
            "{last}"
        );
    }
    visits(&stage, &token, 0..2);
    // A place beyond the logs is another tenant's.
    let mut lost = Stream::open(&stage, &token, STREAM, "1000.5");
    let told = lost.next().unwrap();
    assert_eq!((told.name.as_str(), told.id.split('.').next()), ("resync", Some("2")), "{told:?}");
    visits(&stage, &token, 2..3);
    assert_eq!(lost.next().unwrap().data["seq"], 3);
}
