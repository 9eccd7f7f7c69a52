//! Webhooks out over the real program: a receiver that verifies what it gets with code of its own, and refuses, throttles and breaks.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use support::packed::{self, make_key, packed};
use support::served::{Served, until};

/// 24 bytes, as Standard Webhooks writes keys.
const KEY: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const PLAYBOOK: [(&str, &str); 3] = [
    (
        "playbook.yaml",
        "playbook: orders\ntitle: Orders\nzone: Asia/Shanghai\nchannels: [crm, strict]\nevents:\n  order.paid: { fields: { over: string } }\n",
    ),
    ("templates/paid.yaml", "template: paid\nclass: service\ntext: 已付款\n"),
    (
        "workflows/tell.yaml",
        "workflow: tell\non: { event: order.paid }\nsteps:\n  - switch:\n      - if: event.over == 'crm'\n        steps: [{ send: paid, channel: crm }]\n      - else: [{ send: paid, channel: strict }]\n",
    ),
];

/// A request as it came.
#[derive(Debug, Clone)]
struct Got {
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Got {
    /// Whether the sender has the key, by the words of the spec.
    fn is_signed_with(&self, key: &str) -> bool {
        let key = STANDARD.decode(key.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        let signed =
            [self.headers["webhook-id"].as_bytes(), self.headers["webhook-timestamp"].as_bytes(), &self.body];
        mac.update(&signed.join(&b'.'));
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.headers["webhook-signature"].split(' ').any(|signature| signature == expected)
    }

    fn body(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A receiver: what it answers is decided by the path, and by how often it saw the message.
struct Receiver {
    address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, got) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Got>>>::default());
        let shared = got.clone();
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                drop(receive(stream, &shared));
            }
        });
        Self { address, got }
    }

    fn got(&self, path: &str) -> Vec<Got> {
        self.got.lock().unwrap().iter().filter(|got| got.path == path).cloned().collect()
    }
}

fn receive(stream: TcpStream, seen: &Mutex<Vec<Got>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut seen = seen.lock().unwrap();
    let before = seen.iter().filter(|got| got.headers.get("webhook-id") == headers.get("webhook-id")).count();
    let answer = match (path.as_str(), before) {
        ("/crm", 0) => "503 Busy\r\nretry-after: 1",
        ("/strict", 0) => "500 Broken",
        ("/gone", _) => "410 Gone",
        _ => "204 Done",
    };
    seen.push(Got { path, headers, body });
    reader.into_inner().write_all(format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n").as_bytes())
}

#[test]
fn a_receiver_can_verify_what_it_gets_and_what_it_says_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let (data, keys, value) =
        (folder.path().join("data"), folder.path().join("keys"), folder.path().join("value"));
    let (plugins, receiver) = (packed(folder.path(), ("webhook", "webhook")), Receiver::start());
    let peer = format!("http://{}", receiver.address);
    let program = || packed::program(folder.path(), &plugins, &peer);
    let says = |arguments: &[&str]| packed::says(program(), arguments);
    let messages = |arguments: &[&str]| {
        says(&[&["messages", "list"], arguments].concat())["messages"].as_array().unwrap().clone()
    };
    let configure = |strict: &str| {
        let entry = |name: &str, path: &str, tries: u32| {
            format!(
                "[{name}]\nto = 'plugin'\nplugin = 'webhook'\nhosts = ['{peer}']\nsecrets = {{ key = 'crm_key' }}\n\
                 config = {{ url = '{peer}/{path}', tries = {tries} }}\n"
            )
        };
        fs::create_dir_all(&data).unwrap();
        fs::write(data.join("channels.toml"), entry("crm", "crm", 10) + &entry("strict", strict, 1)).unwrap();
    };
    configure("strict");
    fs::write(&value, KEY).unwrap();
    make_key(&keys);
    says(&["secrets", "set", "crm_key", "--file", value.to_str().unwrap()]);
    let playbook = folder.path().join("orders");
    for (path, text) in PLAYBOOK {
        fs::create_dir_all(playbook.join(path).parent().unwrap()).unwrap();
        fs::write(playbook.join(path), text).unwrap();
    }
    says(&["publish", playbook.to_str().unwrap()]);
    let pay = |host: &Served, id: &str, over: &str| {
        let event = json!({ "id": id, "type": "order.paid", "subject": "shop:1", "data": { "over": over } });
        let (status, answer) = host.post("default", &event);
        assert!((200..300).contains(&status), "{status} {answer}");
    };

    let host = Served::start_as(program(), None, "first");
    pay(&host, "o1", "strict");
    pay(&host, "o2", "crm");
    until("the message that was throttled", || receiver.got("/crm").len() == 2);
    until("its status", || messages(&["--channel", "crm"])[0]["status"] == "sent");
    let [first, second] = &receiver.got("/crm")[..] else { panic!() };
    for got in [first, second] {
        assert!(got.is_signed_with(KEY), "{got:?}");
        assert!(!got.is_signed_with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    }
    let of = |name: &str| (first.headers[name].clone(), second.headers[name].clone());
    let (ids, times) = (of("webhook-id"), of("webhook-timestamp"));
    assert_eq!((&ids.0, &first.body), (&ids.1, &second.body));
    assert!(times.0.parse::<i64>().unwrap() < times.1.parse().unwrap(), "each try has its time: {times:?}");
    assert_eq!(first.body()["data"]["text"], "已付款");
    assert_eq!(first.body()["data"]["customer"]["identities"], json!(["shop:1"]));
    assert_eq!(messages(&["--channel", "crm"])[0]["id"], *ids.0);

    // One try, and it failed: given up, until somebody says that it is to be tried again.
    until("the message that was given up", || messages(&["--uncertain"]).len() == 1);
    let given_up = messages(&["--uncertain"])[0].clone();
    assert_eq!(given_up["reason"], "uncertain: given up after it was tried once: the receiver answered 500");
    assert_eq!(host.stop(), Some(0));
    let settled = says(&["messages", "settle", given_up["id"].as_str().unwrap(), "--not-sent"]);
    assert_eq!(settled["messages"][0]["settled"], true);
    let host = Served::start_as(program(), None, "second");
    until("the second try", || messages(&["--channel", "strict"])[0]["status"] == "sent");
    assert_eq!(host.stop(), Some(0));
    assert_eq!(receiver.got("/strict").len(), 2);

    // While the key is replaced, whoever knows one of both verifies.
    let next = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    fs::write(&value, next).unwrap();
    says(&["secrets", "set", "crm_key", "--keep-previous", "1", "--file", value.to_str().unwrap()]);
    let host = Served::start_as(program(), None, "rotated");
    pay(&host, "o4", "crm");
    until("a message under both keys", || receiver.got("/crm").len() == 4);
    let rotated = receiver.got("/crm").pop().unwrap();
    assert!(rotated.is_signed_with(next) && rotated.is_signed_with(KEY), "{rotated:?}");
    assert_eq!(host.stop(), Some(0));

    // A receiver that wants no more gets no more.
    configure("gone");
    let host = Served::start_as(program(), None, "third");
    pay(&host, "o3", "strict");
    until("the refusal", || messages(&["--status", "failed"]).len() == 1);
    assert_eq!(host.stop(), Some(0));
    assert_eq!(receiver.got("/gone").len(), 1);

    // It wants them again: what it refused goes once more, under the id that it knows.
    configure("strict");
    let failed = messages(&["--status", "failed"])[0]["id"].as_str().unwrap().to_owned();
    let again = says(&["messages", "redeliver", &failed]);
    assert_eq!(again["messages"], json!([{ "message": failed, "redelivered": true, "status": "planned" }]));
    let found =
        || messages(&["--channel", "strict"]).into_iter().find(|message| message["id"] == *failed).unwrap();
    let host = Served::start_as(program(), None, "fourth");
    until("the redelivery", || found()["status"] == "sent");
    assert_eq!(host.stop(), Some(0));
    assert_eq!(found()["attempts"], 2);
    let (refused, taken) = (receiver.got("/gone").remove(0), receiver.got("/strict").pop().unwrap());
    assert_eq!(taken.headers["webhook-id"], refused.headers["webhook-id"]);
    assert_eq!(taken.body()["data"]["text"], refused.body()["data"]["text"]);
}
