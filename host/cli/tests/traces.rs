//! Traces over the real program: a collector of the test's own reads what the host sends, and follows one request.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Held;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;

use support::packed::{self, make_key, packed};
use support::served::{Served, agent, until};

/// The sender's trace, and its span.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

type Batches = Arc<Mutex<Vec<ExportTraceServiceRequest>>>;

/// A collector: takes what is sent to `/v1/traces`.
struct Collector {
    address: SocketAddr,
    batches: Batches,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, batches) = (listener.local_addr().unwrap(), Batches::default());
        let shared = batches.clone();
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                thread::spawn(move || while take(&stream, &shared).is_ok_and(|goes_on| goes_on) {});
            }
        });
        Self { address, batches }
    }

    /// All spans that came, by their names.
    fn spans(&self) -> BTreeMap<String, Vec<Span>> {
        let mut spans = BTreeMap::<String, Vec<Span>>::new();
        let batches = self.batches.lock().unwrap();
        let resources = batches.iter().flat_map(|batch| &batch.resource_spans);
        for span in resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans) {
            spans.entry(span.name.clone()).or_default().push(span.clone());
        }
        spans
    }
}

/// Takes one request; whether another may follow.
fn take(stream: &TcpStream, batches: &Batches) -> std::io::Result<bool> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    if reader.read_line(&mut line)? == 0 {
        return Ok(false);
    }
    assert!(line.starts_with("POST /v1/traces "), "{line}");
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    batches.lock().unwrap().push(ExportTraceServiceRequest::decode(&body[..]).unwrap());
    (&mut &*stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
    Ok(true)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a span or a resource says under a name.
fn said(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.clone()? {
        AnyValue { value: Some(Held::StringValue(text)) } => Some(text),
        AnyValue { value: Some(Held::IntValue(number)) } => Some(number.to_string()),
        other => panic!("{name}: {other:?}"),
    }
}

fn shop(data: &Path) {
    let playbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/playbooks/rush");
    let done = support::siyu(data).args(["--tenant", "shop", "publish"]).arg(playbook).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Taps for a customer whose name must not leave the host.
fn tap(host: &Served, order: &str, traceparent: Option<&str>) -> u16 {
    let event = json!({
        "id": order, "type": "order.created", "subject": "shop:canary-9f31", "data": { "order_no": order },
    });
    let mut request = agent()
        .post(format!("{}/v1/tenants/shop/events", host.address()))
        .header("content-type", "application/json");
    if let Some(traceparent) = traceparent {
        request = request.header("traceparent", traceparent);
    }
    request.send(event.to_string()).unwrap().status().as_u16()
}

#[test]
fn a_request_is_followed_from_its_sender_to_the_plugin_and_the_commit() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start();
    shop(folder.path());
    let mut siyu = support::siyu(folder.path());
    siyu.env("OTEL_BSP_SCHEDULE_DELAY", "50");
    siyu.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}/", collector.address));
    let host = Served::start_as(siyu, None, "first");
    assert_eq!(tap(&host, "o1", Some(&format!("00-{TRACE}-{PARENT}-01"))), 200);
    assert_eq!(tap(&host, "o2", Some("00-nonsense")), 200);
    until("both requests at the collector", || {
        collector.spans().get("POST /v1/tenants/{tenant}/events").is_some_and(|spans| spans.len() == 2)
            && collector.spans().get("flash-sale/reserve").is_some_and(|spans| spans.len() == 2)
            && collector.spans().contains_key("commit")
    });
    let spans = collector.spans();
    let of_trace = |name: &str| -> Vec<Span> {
        spans[name].iter().filter(|span| hex(&span.trace_id) == TRACE).cloned().collect()
    };
    let requests = of_trace("POST /v1/tenants/{tenant}/events");
    let [request] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!(hex(&request.parent_span_id), PARENT);
    assert_eq!(said(&request.attributes, "http.response.status_code").as_deref(), Some("200"));
    let events = of_trace("event");
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(event.parent_span_id, request.span_id);
    assert_eq!(said(&event.attributes, "siyu.event.type").as_deref(), Some("order.created"));
    let calls = of_trace("flash-sale/reserve");
    let [call] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!(call.parent_span_id, event.span_id);
    assert_eq!(said(&call.attributes, "siyu.outcome").as_deref(), Some("done"));
    assert!(said(&call.attributes, "siyu.run").unwrap().starts_with("run_"));
    for (inner, outer) in [(call, event), (event, request)] {
        assert!(outer.start_time_unix_nano <= inner.start_time_unix_nano, "{outer:?} {inner:?}");
        assert!(inner.end_time_unix_nano <= outer.end_time_unix_nano, "{outer:?} {inner:?}");
    }
    // What names no trace begins one.
    let other = &spans["POST /v1/tenants/{tenant}/events"];
    let other = other.iter().find(|span| hex(&span.trace_id) != TRACE).unwrap();
    assert!(other.parent_span_id.is_empty());
    let batches = collector.batches.lock().unwrap();
    let resource = batches[0].resource_spans[0].resource.clone().unwrap();
    assert_eq!(said(&resource.attributes, "service.name").as_deref(), Some("siyu"));
    assert_eq!(said(&resource.attributes, "service.instance.id").as_deref(), Some("first"));
    for batch in batches.iter() {
        let bytes = batch.encode_to_vec();
        assert!(!bytes.windows(6).any(|found| found == b"canary"), "a customer is in a span");
    }
    drop(batches);
    assert_eq!(host.stop(), Some(0));
}

#[test]
fn the_last_spans_leave_when_the_host_stops_and_a_collector_that_is_away_costs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    let collector = Collector::start();
    let start = |endpoint: String, name| {
        let mut siyu = support::siyu(folder.path());
        siyu.env("OTEL_BSP_SCHEDULE_DELAY", "600000").env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        Served::start_as(siyu, None, name)
    };
    let host = start(format!("http://{}", collector.address), "first");
    assert_eq!(tap(&host, "o1", None), 200);
    assert!(collector.spans().is_empty());
    assert_eq!(host.stop(), Some(0));
    assert_eq!(collector.spans()["flash-sale/reserve"].len(), 1);
    // A port on which nobody listens.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let host = start(format!("http://{free}"), "second");
    assert_eq!(tap(&host, "o2", None), 200);
    assert_eq!(host.stop(), Some(0));
}

#[test]
fn what_is_no_collector_is_told_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    for wrong in ["127.0.0.1:4318", "https://", "grpc://collector", "http://:4318"] {
        let mut siyu = Command::new(env!("CARGO_BIN_EXE_siyu"));
        let said = siyu.arg("--data").arg(folder.path()).args(["serve", "--otlp", wrong]).output().unwrap();
        let err = String::from_utf8_lossy(&said.stderr);
        assert_eq!(said.status.code(), Some(2), "{err}");
        assert!(err.contains(&format!("`{wrong}` is no collector")), "{err}");
    }
}

/// A peer of a plugin: breaks at its first request, and takes the others. Keeps their heads.
fn peer() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, heads) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
    let shared = heads.clone();
    // It ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (mut head, mut reader) = (String::new(), BufReader::new(&stream));
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|read| read > 0) {}
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            reader.read_exact(&mut body).unwrap();
            let mut heads = shared.lock().unwrap();
            let answer = if heads.is_empty() { "500 Broken" } else { "200 OK" };
            heads.push(head);
            let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n");
            (&stream).write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, heads)
}

/// The `traceparent` of each request that came.
fn parents(heads: &Mutex<Vec<String>>) -> Vec<Option<String>> {
    let of = |head: &String| {
        let found = head.lines().find_map(|line| line.strip_prefix("traceparent: "));
        found.map(str::to_owned)
    };
    heads.lock().unwrap().iter().map(of).collect()
}

/// A playbook whose two messages, over a plugin and into a file, have a text that must not get to a collector.
const GREETINGS: [(&str, &str); 3] = [
    (
        "playbook.yaml",
        "playbook: greetings\ntitle: Greetings\nzone: Asia/Shanghai\nchannels: [post, book]\nevents:\n  order.created: { fields: { order_no: string } }\n",
    ),
    ("templates/hello.yaml", "template: hello\nclass: service\ntext: A secret hello canary-77\n"),
    (
        "workflows/greet.yaml",
        "workflow: greet\ntitle: Greets\non: { event: order.created }\nsteps:\n  - { send: hello, channel: post }\n  - { send: hello, channel: book }\n",
    ),
];

#[test]
fn each_try_of_a_message_is_a_trace_that_its_receiver_can_go_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, (address, heads)) = (Collector::start(), peer());
    let [data, keys, value] = ["data", "keys", "value"].map(|name| folder.path().join(name));
    let (plugins, peer) = (packed(folder.path(), ("siyu-courier", "courier")), format!("http://{address}"));
    let program = |otlp: &str| {
        let mut siyu = packed::program(folder.path(), &plugins, &peer);
        siyu.args(["--tenant", "shop"]).env("OTEL_BSP_SCHEDULE_DELAY", "50");
        siyu.env("OTEL_EXPORTER_OTLP_ENDPOINT", otlp);
        siyu
    };
    make_key(&keys);
    fs::write(&value, "sk-canary").unwrap();
    for (path, text) in GREETINGS {
        let path = folder.path().join("greetings").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::create_dir_all(&data).unwrap();
    let channels = format!(
        "[post]\nto = 'plugin'\nplugin = 'courier'\nconfig = {{ url = '{peer}/canary' }}\nhosts = ['{peer}']\n\
         secrets = {{ key = 'shop_key' }}\n[book]\nto = 'file'\n"
    );
    fs::write(data.join("channels.toml"), channels).unwrap();
    packed::says(program(""), &["secrets", "set", "shop_key", "--file", value.to_str().unwrap()]);
    packed::says(program(""), &["publish", folder.path().join("greetings").to_str().unwrap()]);

    let host = Served::start_as(program(&format!("http://{}", collector.address)), None, "first");
    assert_eq!(tap(&host, "o1", None), 200);
    until("both tries and the file at the collector", || {
        let spans = collector.spans();
        spans.get("deliver post").is_some_and(|tries| tries.len() == 2)
            && spans.get("POST").is_some_and(|requests| requests.len() == 2)
            && spans.contains_key("deliver book")
    });
    assert_eq!(host.stop(), Some(0));
    let mut spans = collector.spans();
    let by_time = |mut spans: Vec<Span>| {
        spans.sort_by_key(|span| span.start_time_unix_nano);
        spans
    };
    let tries = by_time(spans.remove("deliver post").unwrap());
    let requests = by_time(spans.remove("POST").unwrap());
    let sent = parents(&heads);
    assert_eq!((tries.len(), requests.len(), sent.len()), (2, 2, 2));
    for (number, (attempt, outcome, status, is_error)) in
        [("1", "later", "500", true), ("2", "sent", "200", false)].into_iter().enumerate()
    {
        let (one, request) = (&tries[number], &requests[number]);
        let says = |name| said(&one.attributes, name);
        assert!(one.parent_span_id.is_empty(), "a try begins a trace: {one:?}");
        assert_eq!(says("siyu.attempt").as_deref(), Some(attempt));
        assert_eq!(says("siyu.outcome").as_deref(), Some(outcome));
        assert_eq!(says("siyu.tenant").as_deref(), Some("shop"));
        assert_eq!(says("siyu.channel").as_deref(), Some("post"));
        assert!(says("siyu.run").unwrap().starts_with("run_"));
        assert!(says("siyu.message").unwrap().starts_with("msg_"));
        assert_eq!((&request.trace_id, &request.parent_span_id), (&one.trace_id, &one.span_id));
        assert_eq!(said(&request.attributes, "http.response.status_code").as_deref(), Some(status));
        for span in [one, request] {
            let code = span.status.as_ref().map_or(0, |status| status.code);
            assert_eq!(code == 2, is_error, "{span:?}");
        }
        let expected = format!("00-{}-{}-01", hex(&request.trace_id), hex(&request.span_id));
        assert_eq!(sent[number].as_deref(), Some(&*expected));
    }
    assert_ne!(tries[0].trace_id, tries[1].trace_id);
    assert_eq!(said(&spans["deliver book"][0].attributes, "siyu.messages").as_deref(), Some("1"));
    for batch in collector.batches.lock().unwrap().iter() {
        let bytes = batch.encode_to_vec();
        assert!(
            !bytes.windows(6).any(|found| found == b"canary"),
            "a customer, a text or a URL is in a span"
        );
    }

    // Without a collector peers are told of no trace.
    let host = Served::start_as(program(""), None, "second");
    assert_eq!(tap(&host, "o2", None), 200);
    until("a message without traces", || heads.lock().unwrap().len() == 3);
    assert_eq!(host.stop(), Some(0));
    assert_eq!(parents(&heads)[2], None);
}
