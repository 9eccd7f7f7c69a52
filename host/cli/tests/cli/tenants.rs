//! Tenants that move, are backed up, restored and exported by the real program.

use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;
use siyu_test_postgres::Scratch;

use crate::stage::{Said, Stage};

const URL: &str = "SIYU_DATABASE_URL";
/// Kills of a move in each direction.
const KILLS: u32 = 12;

/// Calls the program with its tenants in a database.
fn in_database(stage: &Stage, scratch: &Scratch, words: &str) -> Said {
    stage.siyu_with((URL, &scratch.url()), words)
}

fn done(said: Said) -> Said {
    assert_eq!(said.status, 0, "{}\n{}", said.out, said.err);
    said
}

const REPLAY: &str = "run stamps --events visits.ndjson --seed same";
/// Time passes until long after the last visit, so that every wait ends.
const TO_THE_END: &str = "run stamps --events visits.ndjson --seed same --until 2026-12-31T00:00:00+08:00";
const ASKED: [&str; 6] = [
    "runs list --limit 500 --json",
    "customers show shop:3 --json",
    "report runs --json",
    "report stock --json",
    "report funnel --json",
    "report repurchase --json",
];

/// What a tenant holds: the digest that a backup of it notes.
fn digest(stage: &Stage, said: impl Fn(&str) -> Said, name: &str) -> Value {
    let file = format!("{name}.digest");
    let made = done(said(&format!("tenants backup default --to {file} --json"))).json();
    std::fs::remove_file(stage.path(&file)).expect("the backup");
    made["proof"].clone()
}

#[test]
fn a_tenant_moves_in_the_middle_of_its_runs_and_ends_as_if_it_had_stayed() {
    let (stage, scratch) = (Stage::new(), Scratch::make().unwrap());
    stage.visits("visits.ndjson", 120);
    done(stage.siyu(&format!("{TO_THE_END} --data stayed")));
    let text = stage.read("visits.ndjson");
    stage.visits("visits.ndjson", 50);
    done(stage.siyu(REPLAY));
    let before = digest(&stage, |words| stage.siyu(words), "before");
    let url = scratch.url();
    let moved = done(stage.siyu(&format!("tenants move default --to {url} --json"))).json();
    assert_eq!((&moved["end"], &moved["proof"]), (&"moved".into(), &before));
    assert_eq!(
        done(stage.siyu(&format!("tenants move default --to {url} --json"))).json()["end"],
        "moved_before"
    );

    let gone = stage.siyu(REPLAY);
    assert_eq!(gone.status, 2);
    assert!(gone.err.contains("was moved to tenant default in postgres://"), "{}", gone.err);
    assert_eq!(stage.siyu("runs list").status, 2);
    stage.visits("visits.ndjson", 80);
    assert_eq!(
        done(in_database(&stage, &scratch, &format!("{REPLAY} --json"))).json()["events_recorded"],
        30
    );

    // Another host of the database has the clock and the plugins that came with the tenant, and nothing else.
    std::fs::create_dir(stage.path("none")).unwrap();
    let newest = |said: Said| done(said).json()["runs"][0]["id"].as_str().unwrap().to_owned();
    let live = "runs list --phase live --limit 1 --json --data";
    let run = newest(in_database(&stage, &scratch, &format!("{live} fresh")));
    for verb in ["pause", "resume"] {
        done(in_database(&stage, &scratch, &format!("runs {verb} {run} --data fresh --plugins none")));
    }

    // And on to another host's folder, which has no plugins but those that came with the tenant.
    let words = "tenants move default --to elsewhere --json";
    assert_eq!(done(in_database(&stage, &scratch, words)).json()["end"], "moved");
    let run = newest(stage.siyu(&format!("{live} elsewhere")));
    for verb in ["pause", "resume"] {
        done(stage.siyu(&format!("runs {verb} {run} --data elsewhere --plugins none")));
    }
    stage.write("visits.ndjson", text);
    done(stage.siyu(&format!("{TO_THE_END} --data elsewhere")));
    for words in &ASKED[1..] {
        let (stayed, moved) =
            (stage.siyu(&format!("{words} --data stayed")), stage.siyu(&format!("{words} --data elsewhere")));
        assert_eq!(stayed.raw, moved.raw, "{words}");
    }
    let ids = |data: &str| stage.runs(data).into_iter().map(|run| (run.id, run.end)).collect::<Vec<_>>();
    assert_eq!(ids("stayed"), ids("elsewhere"));
}

/// Calls a move, and kills it after a while. Says whether it ended by itself.
fn killed(mut child: Child, after: Duration) -> bool {
    std::thread::sleep(after);
    let ended = child.try_wait().expect("a process").is_some();
    child.kill().ok();
    child.wait().expect("it is dead");
    ended
}

#[test]
fn a_move_that_is_killed_at_any_moment_goes_on_and_loses_nothing() {
    let (stage, scratch) = (Stage::new(), Scratch::make().unwrap());
    let url = scratch.url();
    stage.visits("visits.ndjson", 2_000);
    done(stage.siyu(REPLAY));
    let before = digest(&stage, |words| stage.siyu(words), "before");
    // How long it takes when nobody kills it.
    done(stage.siyu("tenants backup default --to all.backup"));
    done(stage.siyu("tenants restore all.backup --as other --data third"));
    let began = Instant::now();
    done(stage.siyu(&format!("tenants move other --to {url} --data third")));
    let whole = began.elapsed();

    let ways = [
        (("SIYU_UNUSED", ""), format!("tenants move default --to {url}"), URL, url.as_str()),
        ((URL, url.as_str()), "tenants move default --to back".to_owned(), "SIYU_DATA", "back"),
    ];
    for (from, words, to_variable, to) in ways {
        let (mut interrupted, mut seen) = (0, Vec::new());
        for kill in 0..KILLS {
            let child = stage.command(&words).env(from.0, from.1).spawn().unwrap();
            if !killed(child, whole * kill / (KILLS - 2)) {
                interrupted += 1;
            }
            let source = done(stage.siyu_with(from, "tenants list --json")).json();
            let state = source["tenants"].as_array().unwrap().iter().find(|line| line["tenant"] == "default");
            let state = state.unwrap()["state"].as_str().unwrap().to_owned();
            let target = done(stage.siyu_with((to_variable, to), "tenants list --json")).json();
            let lines = target["tenants"].as_array().unwrap();
            let is_there = lines.iter().any(|line| line["tenant"] == "default" && line["state"] == "here");
            assert!(!is_there || state != "here", "it lives in both places");
            assert!(is_there || state != "moved", "it lives in neither place");
            seen.push(state);
        }
        let last = done(stage.say(stage.command(&format!("{words} --json")).env(from.0, from.1))).json();
        assert!(interrupted >= 3, "{interrupted} of {KILLS} came in time: {seen:?}");
        println!("{interrupted} kills before the end, states {seen:?}, then {}", last["end"]);
        let after = digest(&stage, |words| stage.siyu_with((to_variable, to), words), "after");
        assert_eq!(before, after);
        let left = stage.siyu_with((to_variable, to), "tenants list");
        assert!(!left.out.contains("broken"), "{}", left.out);
    }
    let parts = std::fs::read_dir(stage.path("back/tenants")).unwrap().flatten();
    let parts: Vec<_> = parts.filter(|entry| entry.file_name().to_string_lossy().contains(".part")).collect();
    assert!(parts.is_empty(), "{parts:?}");
    done(stage.siyu(&format!("{TO_THE_END} --data back")));
}

#[test]
fn a_tenant_that_a_process_executes_is_not_moved_and_can_be_backed_up() {
    let stage = Stage::new();
    stage.visits("visits.ndjson", 120);
    done(stage.siyu(&format!("{TO_THE_END} --data undisturbed")));
    // A minute of the feed takes 20 ms.
    let slow = format!("{TO_THE_END} --acks acks --speed 3000");
    let mut running = stage.command(&slow).spawn().unwrap();
    while std::fs::read_to_string(stage.path("acks")).unwrap_or_default().lines().count() < 5 {
        assert!(running.try_wait().unwrap().is_none(), "it ended before anybody looked");
        std::thread::yield_now();
    }
    let refused = stage.siyu("tenants move default --to elsewhere");
    assert_eq!(refused.status, 2);
    assert!(
        refused.err.contains(&format!("is being executed by process {}", running.id())),
        "{}",
        refused.err
    );
    let made = done(stage.siyu("tenants backup default --to live.backup --json")).json();
    done(stage.siyu("tenants export default --to live.export"));
    assert!(running.try_wait().unwrap().is_none(), "it ended while it was backed up");
    running.kill().unwrap();
    running.wait().unwrap();
    // The backup becomes a tenant on another host, and goes on to the same end.
    let restored = done(stage.siyu("tenants restore live.backup --as default --data other --json")).json();
    assert_eq!((&restored["proof"], &restored["plugins"]), (&made["proof"], &1.into()));
    done(stage.siyu(&format!("{TO_THE_END} --data other")));
    for words in &ASKED {
        let (one, other) = (
            stage.siyu(&format!("{words} --data undisturbed")),
            stage.siyu(&format!("{words} --data other")),
        );
        assert_eq!(one.raw, other.raw, "{words}");
    }
}

/// A host on a database, killed when the test is over.
struct Serving {
    process: Child,
    address: String,
}

impl Serving {
    fn start(stage: &Stage, url: &str, name: &str) -> Self {
        let words = format!("serve --open --listen 127.0.0.1:0 --name {name} --data served-{name}");
        let mut serve = stage.command(&words);
        let mut process = serve.env(URL, url).spawn().expect("siyu runs");
        let mut line = String::new();
        let out = process.stdout.take().expect("its output");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).expect("where it serves");
        let address = line.trim_end().rsplit(' ').next().unwrap_or_default().to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "{line}");
        Self { process, address }
    }

    /// Waits until it has the tenant, or has it no more.
    fn until(&self, has: bool) {
        let began = Instant::now();
        loop {
            let answer = ureq::get(format!("{}/v1/host", self.address)).call();
            let text = answer.expect("the host lives").body_mut().read_to_string().expect("text");
            let answer: Value = serde_json::from_str(&text).expect("JSON");
            if answer["tenants"].as_array().expect("tenants").contains(&"default".into()) == has {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{answer}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Hands a visit in; gives the status of the answer.
    fn visit(&self, number: u32) -> u16 {
        self.answer(number).0
    }

    /// The same with the answer.
    fn answer(&self, number: u32) -> (u16, Value) {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent: ureq::Agent = config.timeout_global(Some(Duration::from_secs(60))).build().into();
        let event = format!(
            "{{\"id\":\"s{number}\",\"type\":\"visit.made\",\"source\":\"shop\",\"subject\":\"shop:{number}\",\
             \"data\":{{\"shop\":\"a\"}}}}"
        );
        let url = format!("{}/v1/tenants/default/events", self.address);
        let answer = agent.post(url).header("content-type", "application/json").send(event);
        let mut answer = answer.expect("an answer");
        let text = answer.body_mut().read_to_string().expect("text");
        (answer.status().as_u16(), serde_json::from_str(&text).expect("JSON"))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // One that ended already cannot be killed.
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

#[test]
fn a_tenant_moves_away_from_a_host_that_serves_it_and_back_and_nothing_acknowledged_is_lost() {
    let (stage, scratch) = (Stage::new(), Scratch::make().unwrap());
    let url = scratch.url();
    done(in_database(&stage, &scratch, "publish stamps"));
    let host = Serving::start(&stage, &url, "one");
    host.until(true);
    let other = Serving::start(&stage, &url, "two");
    let events = |data: &str, url: &str| {
        let shown = stage.siyu_with((URL, url), &format!("tenants show default --json --data {data}"));
        done(shown).json()["rows"]["events"].clone()
    };
    let taken = (0..5).filter(|number| host.visit(*number) < 300).count();
    assert_eq!(taken, 5);
    done(in_database(&stage, &scratch, "tenants move default --to elsewhere"));
    assert!(host.visit(100) >= 400, "nothing is taken in for a tenant that left");
    host.until(false);
    for host in [&host, &other] {
        let (status, problem) = host.answer(101);
        assert_eq!((status, &problem["code"]), (404, &"MOVED".into()), "{problem}");
        assert_eq!(problem["detail"], "the tenant was moved to another place, and takes nothing in here");
    }
    let shown = done(stage.siyu("tenants show default --json --data elsewhere")).json();
    assert_eq!(shown["rows"]["events"], 5);
    done(stage.siyu(&format!("tenants move default --to {url} --data elsewhere")));
    let began = Instant::now();
    while other.visit(5) >= 300 {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody executes the tenant");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(host.visit(5) < 300, "both take in what is for it again");
    assert_eq!(events("served-one", &url), 6);
}

#[test]
fn a_backup_is_refused_where_it_would_overwrite_and_when_it_is_damaged() {
    let (stage, scratch) = (Stage::new(), Scratch::make().unwrap());
    stage.visits("visits.ndjson", 30);
    done(stage.siyu(REPLAY));
    done(stage.siyu("tenants backup default --to one.backup"));
    for (words, status, says) in [
        ("tenants backup default --to one.backup", 2, "one.backup is there already: nothing is overwritten"),
        ("tenants backup nobody --to two.backup", 2, "there is no tenant nobody in siyu-data/tenants"),
        ("tenants restore one.backup", 2, "siyu-data/tenants/default.db is there already"),
        ("tenants restore stamps/playbook.yaml --as two", 1, "is no whole backup"),
        ("tenants restore siyu-data/tenants/default.db --as two", 1, "it is a tenant's own file"),
        ("tenants restore nothing --as two", 2, "nothing: No such file"),
        ("tenants restore one.backup --as TWO", 2, "invalid value 'TWO'"),
        (
            "tenants move default --to postgres://me:hush@127.0.0.1:1/x",
            2,
            "postgres://me@127.0.0.1:1/x cannot be reached",
        ),
        ("tenants move nobody --to elsewhere", 2, "there is no tenant nobody"),
        ("tenants move default --to siyu-data", 2, "default.db is there already"),
        ("tenants move default --to elsewhere --cancel", 2, "is not being moved"),
        ("tenants export nobody --to folder", 2, "there is no tenant nobody"),
    ] {
        let said = stage.siyu(words);
        assert_eq!(said.status, status, "{words}: {}", said.err);
        assert!(said.err.contains(says), "{words}: {}", said.err);
        assert!(!said.err.contains("hush"), "{words}: {}", said.err);
    }
    let mut bytes = std::fs::read(stage.path("one.backup")).unwrap();
    let half = bytes.len() / 2;
    bytes[half..half + 4_096].fill(0);
    stage.write("damaged.backup", bytes);
    let damaged = stage.siyu("tenants restore damaged.backup --as two --json");
    assert_eq!(damaged.status, 1);
    assert!(damaged.json()["error"]["message"].as_str().unwrap().contains("is no whole backup"));
    assert!(!stage.path("siyu-data/tenants/two.db").exists());
    // It still is what it was, and goes into a database as well.
    assert_eq!(stage.siyu("tenants list --json").json()["tenants"].as_array().unwrap().len(), 1);
    done(in_database(&stage, &scratch, "tenants restore one.backup --as three"));
    assert!(done(in_database(&stage, &scratch, "runs list --tenant three")).out.contains("stamp"));
}

#[test]
fn the_help_says_what_it_means_to_restore_and_to_move() {
    let stage = Stage::new();
    for (words, says) in [
        ("tenants restore --help", "messages that left since leave again"),
        ("tenants move --help", "Interrupted at any"),
        ("tenants backup --help", "It also holds the tenant's secret"),
        ("tenants export --help", "COLUMNS.md"),
    ] {
        let help = done(stage.siyu(words)).out.replace('\n', " ");
        assert!(help.contains(says), "{words}: {help}");
    }
}

#[test]
fn a_backup_and_a_restoring_that_are_killed_leave_a_whole_one_or_none() {
    let stage = Stage::new();
    stage.visits("visits.ndjson", 2_000);
    done(stage.siyu(REPLAY));
    let before = digest(&stage, |words| stage.siyu(words), "before");
    let began = Instant::now();
    done(stage.siyu("tenants backup default --to whole.backup"));
    let backing = began.elapsed();
    let began = Instant::now();
    done(stage.siyu("tenants restore whole.backup --as whole"));
    let restoring = began.elapsed();
    let mut interrupted = 0;
    for kill in 0..KILLS {
        let file = format!("{kill}.backup");
        let child = stage.command(&format!("tenants backup default --to {file}")).spawn().unwrap();
        interrupted += u32::from(!killed(child, backing * kill / (KILLS - 2)));
        let restore = format!("tenants restore {file} --as of-{kill} --json");
        if stage.path(&file).exists() {
            assert_eq!(done(stage.siyu(&restore)).json()["proof"], before);
        }
        let name = format!("half-{kill}");
        let child = stage.command(&format!("tenants restore whole.backup --as {name}")).spawn().unwrap();
        interrupted += u32::from(!killed(child, restoring * kill / (KILLS - 2)));
        if stage.path(&format!("siyu-data/tenants/{name}.db")).exists() {
            let again = done(stage.siyu(&format!("tenants backup {name} --to {name}.backup --json"))).json();
            assert_eq!(again["proof"], before);
        } else {
            done(stage.siyu(&format!("tenants restore whole.backup --as {name}")));
        }
    }
    assert!(interrupted >= 6, "{interrupted} of {} came in time", 2 * KILLS);
    println!("{interrupted} kills of {} before the end", 2 * KILLS);
    assert!(!stage.siyu("tenants list").out.contains("broken"));
}

#[test]
fn what_people_see_of_tenants() {
    let stage = Stage::new();
    stage.visits("visits.ndjson", 30);
    done(stage.siyu(REPLAY));
    assert_eq!(stage.siyu("tenants list --data nowhere").out, "no tenant is in nowhere/tenants\n");
    insta::assert_snapshot!(done(stage.siyu("tenants list")).all());
    let shown = done(stage.siyu("tenants show default --json")).json();
    assert_eq!(
        (&shown["state"], &shown["clock"], &shown["rows"]["events"]),
        (&"here".into(), &"virtual".into(), &30.into())
    );
    let export = done(stage.siyu("tenants export default --to out"));
    insta::assert_snapshot!(export.all());
    insta::assert_snapshot!(stage.read("out/COLUMNS.md"));
    let runs = stage.read("out/runs.ndjson");
    let first: Value = serde_json::from_str(runs.lines().next().unwrap()).unwrap();
    let names: Vec<&String> = first.as_object().unwrap().keys().collect();
    assert!(names.contains(&&"started_at".to_owned()), "{names:?}");
    let id = first["id"].as_str().unwrap();
    assert!(done(stage.siyu(&format!("runs show {id}"))).raw.contains(id), "ids are those of the program");
    done(stage.siyu("tenants move default --to elsewhere"));
    assert!(
        done(stage.siyu("tenants show default"))
            .out
            .contains("moved: it was moved to elsewhere/tenants/default.db")
    );
    let doctor = stage.siyu("doctor --json").json();
    let tenants =
        doctor["checks"].as_array().unwrap().iter().find(|check| check["check"] == "tenants").unwrap();
    assert_eq!(tenants["verdict"], "ok", "{tenants}");
}
