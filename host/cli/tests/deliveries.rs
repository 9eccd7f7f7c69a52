//! Messages over a plugin's channel, with the real program: a receiver that fails half of the time, a host that is killed in the midst of it,
//! and every message arrives under one id.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::json;

use support::packed::{make_key, packed};
use support::served::{Served, until};

/// A secret of the tenant.
const SECRET: &str = "sk-0123456789";

/// What the receiver saw.
#[derive(Default)]
struct Seen {
    requests: usize,
    /// Ids of messages that it answered with 200.
    taken: BTreeSet<String>,
    /// Ids of all messages.
    ids: BTreeSet<String>,
    /// Requests without the secret.
    strangers: usize,
}

/// A receiver that breaks, hangs up, dawdles and takes in turn when it sees a message for the first time, and takes what comes again.
struct Receiver {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Seen>>::default();
        let shared = seen.clone();
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                thread::spawn(move || drop(receive(stream, &shared)));
            }
        });
        Self { address, seen }
    }

    fn taken(&self) -> usize {
        self.seen.lock().unwrap().taken.len()
    }

    fn requests(&self) -> usize {
        self.seen.lock().unwrap().requests
    }
}

fn receive(stream: TcpStream, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut id, mut length, mut is_known) = (String::new(), 0, false);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            // The host was killed while it wrote: that is no request.
            return Ok(());
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("x-message: ") {
            value.clone_into(&mut id);
        }
        is_known |= line == format!("authorization: Bearer {SECRET}");
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let turn = {
        let mut seen = seen.lock().unwrap();
        seen.requests += 1;
        seen.strangers += usize::from(!is_known);
        if seen.ids.insert(id.clone()) { seen.ids.len() % 4 } else { 0 }
    };
    let mut stream = reader.into_inner();
    match turn {
        1 => return stream.write_all(b"HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n"),
        2 => return Ok(()),
        3 => thread::sleep(Duration::from_millis(200)),
        _ => {}
    }
    seen.lock().unwrap().taken.insert(id);
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
}

fn playbook(folder: &Path) -> PathBuf {
    let playbook = folder.join("greetings");
    for (path, text) in [
        (
            "playbook.yaml",
            "playbook: greetings\ntitle: Greetings\nzone: Asia/Shanghai\nchannels: [post]\nevents:\n  friend.added: { summary: Somebody comes }\n",
        ),
        ("templates/hello.yaml", "template: hello\nclass: service\ntext: A secret hello\n"),
        (
            "workflows/greet.yaml",
            "workflow: greet\ntitle: Greets\non: { event: friend.added }\nsteps:\n  - send: hello\n",
        ),
    ] {
        let path = playbook.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    playbook
}

#[test]
fn every_message_arrives_under_one_id_although_the_receiver_fails_and_the_host_is_killed() {
    const MESSAGES: usize = 24;
    let folder = tempfile::tempdir().unwrap();
    let (data, receiver) = (folder.path().join("data"), Receiver::start());
    let (plugins, playbook) = (packed(folder.path(), ("siyu-courier", "courier")), playbook(folder.path()));
    let peer = format!("http://{}", receiver.address);
    let (keys, value) = (folder.path().join("keys"), folder.path().join("value"));
    fs::write(&value, SECRET).unwrap();
    let program = || {
        let mut siyu = Command::new(env!("CARGO_BIN_EXE_siyu"));
        siyu.env_remove("SIYU_DATA").arg("--data").arg(&data).arg("--plugins").arg(&plugins);
        siyu.args(["--allow-host", &peer]).arg("--secrets-key-file").arg(&keys);
        siyu
    };
    let run = |args: &[&str]| {
        let done = program().args(args).output().unwrap();
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    fs::create_dir_all(&data).unwrap();
    let channels = format!(
        "[post]\nto = 'plugin'\nplugin = 'courier'\nconfig = {{ url = '{peer}/in' }}\nhosts = ['{peer}']\n\
         secrets = {{ key = 'shop_key' }}\n"
    );
    fs::write(data.join("channels.toml"), channels).unwrap();
    make_key(&keys);
    run(&["secrets", "set", "shop_key", "--file", value.to_str().unwrap()]);
    run(&["publish", playbook.to_str().unwrap()]);
    let come = |host: &Served, numbers: std::ops::Range<usize>| {
        for number in numbers {
            let event = json!({ "id": format!("e{number}"), "type": "friend.added", "subject": format!("shop:{number}"), "data": {} });
            let (status, answer) = host.post("default", &event);
            assert!((200..300).contains(&status), "{status} {answer}");
        }
    };
    let host = Served::start_as(program(), None, "first");
    come(&host, 0..MESSAGES / 2);
    until("the first requests", || receiver.requests() >= 3);
    host.signal("KILL");
    drop(host);
    let host = Served::start_as(program(), None, "second");
    come(&host, MESSAGES / 2..MESSAGES);
    until("every message", || receiver.taken() == MESSAGES);
    assert_eq!(host.stop(), Some(0));
    let seen = receiver.seen.lock().unwrap();
    assert_eq!(seen.strangers, 0, "every request carries the secret");
    assert_eq!(seen.ids, seen.taken, "one id a message, however often it was handed over");
}
