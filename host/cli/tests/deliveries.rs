//! Messages over a plugin's channel, with the real program. A receiver that fails half of the time, a host that is killed in the midst of it,
//! and every message arrives under one id; and a receiver that knows no ids, to which nothing is handed over twice unless somebody says so.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use support::packed::{make_key, packed, packed_with, program, says};
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

/// A host whose channel `post` is the plugin `courier`, which sends what the playbook greets with to a receiver.
struct Stage {
    folder: tempfile::TempDir,
    plugins: PathBuf,
    peer: String,
}

impl Stage {
    fn new(receiver: SocketAddr, courier: impl Fn(&Path) -> PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (plugins, playbook) = (courier(folder.path()), playbook(folder.path()));
        let stage = Self { folder, plugins, peer: format!("http://{receiver}") };
        let [data, keys, value] = ["data", "keys", "value"].map(|name| stage.folder.path().join(name));
        fs::write(&value, SECRET).unwrap();
        fs::create_dir_all(&data).unwrap();
        let peer = &stage.peer;
        let channels = format!(
            "[post]\nto = 'plugin'\nplugin = 'courier'\nconfig = {{ url = '{peer}/in' }}\nhosts = ['{peer}']\n\
             secrets = {{ key = 'shop_key' }}\n"
        );
        fs::write(data.join("channels.toml"), channels).unwrap();
        make_key(&keys);
        stage.says(&["secrets", "set", "shop_key", "--file", value.to_str().unwrap()]);
        stage.says(&["publish", playbook.to_str().unwrap()]);
        stage
    }

    fn program(&self) -> Command {
        program(self.folder.path(), &self.plugins, &self.peer)
    }

    /// What the program says as JSON.
    fn says(&self, args: &[&str]) -> Value {
        says(self.program(), args)
    }

    /// Messages, as people list them.
    fn messages(&self, args: &[&str]) -> Vec<Value> {
        self.says(&[&["messages", "list"], args].concat())["messages"].as_array().unwrap().clone()
    }

    fn serve(&self, name: &str) -> Served {
        Served::start_as(self.program(), None, name)
    }
}

/// Somebody comes, for each number.
fn come(host: &Served, numbers: Range<usize>) {
    for number in numbers {
        let event = json!({ "id": format!("e{number}"), "type": "friend.added", "subject": format!("shop:{number}"), "data": {} });
        let (status, answer) = host.post("default", &event);
        assert!((200..300).contains(&status), "{status} {answer}");
    }
}

#[test]
fn every_message_arrives_under_one_id_although_the_receiver_fails_and_the_host_is_killed() {
    const MESSAGES: usize = 24;
    let receiver = Receiver::start();
    let stage = Stage::new(receiver.address, |folder| packed(folder, ("siyu-courier", "courier")));
    let host = stage.serve("first");
    come(&host, 0..MESSAGES / 2);
    until("the first requests", || receiver.requests() >= 3);
    host.signal("KILL");
    drop(host);
    let host = stage.serve("second");
    come(&host, MESSAGES / 2..MESSAGES);
    until("every message", || receiver.taken() == MESSAGES);
    assert_eq!(host.stop(), Some(0));
    let seen = receiver.seen.lock().unwrap();
    assert_eq!(seen.strangers, 0, "every request carries the secret");
    assert_eq!(seen.ids, seen.taken, "one id a message, however often it was handed over");
}

/// A receiver that knows no ids: it takes every request, and says nothing until it is told to.
struct Mute {
    address: SocketAddr,
    /// The message of each request, as the test knows it. The receiver itself does not look.
    came: Arc<Mutex<Vec<String>>>,
    speaks: Arc<AtomicBool>,
}

impl Mute {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (came, speaks) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicBool>::default());
        let shared = (came.clone(), speaks.clone());
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (came, speaks) = shared.clone();
                thread::spawn(move || {
                    let mut line = String::new();
                    let mut reader = BufReader::new(&stream);
                    while reader.read_line(&mut line).is_ok_and(|read| read > 0) && line != "\r\n" {
                        if let Some(id) = line.strip_prefix("x-message: ") {
                            came.lock().unwrap().push(id.trim_end().to_owned());
                        }
                        line.clear();
                    }
                    if speaks.load(Ordering::SeqCst) {
                        drop((&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
                        return;
                    }
                    // Whoever asked is gone once there is nothing more to read.
                    drop(std::io::copy(&mut reader, &mut std::io::sink()));
                });
            }
        });
        Self { address, came, speaks }
    }

    fn came(&self) -> Vec<String> {
        let mut came = self.came.lock().unwrap().clone();
        came.sort();
        came
    }
}

#[test]
fn what_was_under_way_to_a_receiver_that_knows_no_ids_when_the_host_was_killed_waits_for_somebody_to_say() {
    let receiver = Mute::start();
    let stage = Stage::new(receiver.address, |folder| {
        packed_with(folder, ("siyu-courier", "courier"), Some("forgetful"))
    });
    let host = stage.serve("first");
    come(&host, 0..2);
    until("both messages under way", || receiver.came().len() == 2);
    host.signal("KILL");
    drop(host);
    let both = receiver.came();
    assert_ne!(both[0], both[1]);

    // From now on it would answer; but nobody may ask it.
    receiver.speaks.store(true, Ordering::SeqCst);
    let host = stage.serve("second");
    until("both to be uncertain", || stage.messages(&["--uncertain"]).len() == 2);
    assert_eq!(host.stop(), Some(0));
    assert_eq!(receiver.came(), both, "nothing was handed over again");
    let mut uncertain = Vec::new();
    for message in stage.messages(&["--uncertain"]) {
        assert_eq!((&message["status"], &message["is_uncertain"]), (&json!("planned"), &json!(true)));
        let reason = message["reason"].as_str().unwrap();
        assert_eq!(reason, "uncertain: it was handed over, and nothing is known of it since");
        uncertain.push(message["id"].as_str().unwrap().to_owned());
    }
    uncertain.sort();
    assert_eq!(uncertain, both);

    // Somebody looked: one was read, the other was not.
    let settled = stage.says(&["messages", "settle", &both[0], "--sent"]);
    assert_eq!(settled["messages"][0], json!({ "message": both[0], "settled": true, "status": "sent" }));
    assert_eq!(stage.says(&["messages", "settle", &both[1], "--not-sent"])["messages"][0]["settled"], true);
    assert!(stage.messages(&["--uncertain"]).is_empty());
    let host = stage.serve("third");
    until("the message that was not read", || stage.messages(&["--status", "sent"]).len() == 2);
    assert_eq!(host.stop(), Some(0));
    let mut expected = vec![both[0].clone(), both[1].clone(), both[1].clone()];
    expected.sort();
    assert_eq!(receiver.came(), expected, "only what was settled as not sent went again, and once");
}
