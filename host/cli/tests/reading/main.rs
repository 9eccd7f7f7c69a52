//! What people read of a tenant on the command line: every command on one small shop, whole and empty, wide and narrow.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../../insight/tests/suite/lottery.rs"]
#[allow(dead_code, reason = "some of it is for the tests beside it")]
mod lottery;
mod shop;
#[path = "../../../insight/tests/suite/support.rs"]
#[allow(dead_code, reason = "some of it is for the tests beside it")]
mod support;

use std::process::{Command, Stdio};

use serde_json::Value;
use shop::shop;
use support::Tenant;

/// Every command that reads, with the name of its snapshot.
const COMMANDS: [(&str, &str); 12] = [
    ("funnel", "report funnel"),
    ("repurchase", "report repurchase"),
    ("coupons", "report coupons"),
    ("stock", "report stock"),
    ("prizes", "report prizes"),
    ("runs", "report runs"),
    ("draws", "draws verify"),
    ("runs-list", "runs list"),
    ("run", "runs show RUN"),
    ("customer", "customers show shop:00001"),
    ("accounts", "ledger accounts --plugin points"),
    ("entries", "ledger entries --plugin points --customer shop:00001"),
];

/// A data folder with a tenant.
struct Desk {
    folder: tempfile::TempDir,
}

struct Said {
    status: i32,
    out: String,
    err: String,
}

impl Said {
    fn all(&self) -> String {
        format!("exit {}\n--- out\n{}--- err\n{}", self.status, self.out, self.err)
    }
}

impl Desk {
    fn of(tenant: Tenant) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(tenant.write(&folder.path().join("siyu-data/tenants"), "default"));
        Self { folder }
    }

    /// Calls the program, with lines as long as they are or cut to a terminal's columns.
    fn siyu(&self, words: &str, columns: Option<&str>) -> Said {
        let words = words.replace("RUN", &support::run_id(1).to_string());
        let mut command = Command::new(env!("CARGO_BIN_EXE_siyu"));
        command
            .env_clear()
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .args(words.split_whitespace());
        command.envs(columns.map(|columns| ("COLUMNS", columns)));
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            assert!(!text.contains("panicked"), "{text}");
            text.replace(&self.folder.path().display().to_string(), "DIR")
        };
        Said { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

#[test]
fn each_command_tells_people() {
    let desk = Desk::of(shop());
    for (name, words) in COMMANDS {
        insta::assert_snapshot!(name, desk.siyu(words, None).all());
    }
}

#[test]
fn tables_are_not_wider_than_the_terminal() {
    let desk = Desk::of(shop());
    for (name, words) in COMMANDS {
        let said = desk.siyu(words, Some("80"));
        let mut tables = 0;
        let mut is_table = false;
        for line in said.out.lines() {
            // A table begins with its columns in capitals and ends with an empty line.
            let is_head = line.contains("  ") && !line.contains(|c: char| c.is_lowercase());
            tables += u32::from(is_head && !is_table && !line.trim().is_empty());
            is_table = !line.is_empty() && !line.starts_with(['✓', '✗']) && (is_table || is_head);
            let width: usize = line.chars().map(|c| if c >= '\u{2e80}' { 2 } else { 1 }).sum();
            assert!(!is_table || width <= 80, "{name}: {width} columns: {line}");
        }
        assert!(tables > 0 || name == "draws", "{name}: {}", said.out);
    }
}

#[test]
fn each_command_gives_programs_one_document() {
    let desk = Desk::of(shop());
    for (name, words) in COMMANDS {
        let said = desk.siyu(&format!("{words} --json"), None);
        assert_eq!((said.status, said.err.as_str()), (0, ""), "{name}");
        let document: Value = serde_json::from_str(&said.out).unwrap();
        insta::assert_snapshot!(format!("{name}-members"), members(&document));
    }
}

/// The names of all members of a document, which programs rely on: those of the first item of each list.
fn members(value: &Value) -> String {
    fn tell(value: &Value, depth: usize, told: &mut String) {
        match value {
            Value::Object(members) => {
                let mut names: Vec<_> = members.iter().collect();
                names.sort_by_key(|(name, _)| name.as_str());
                for (name, value) in names {
                    told.push_str(&format!("{}{name}\n", "  ".repeat(depth)));
                    tell(value, depth + 1, told);
                }
            }
            Value::Array(items) => items.iter().take(1).for_each(|item| tell(item, depth, told)),
            _ => {}
        }
    }
    let mut told = String::new();
    tell(value, 0, &mut told);
    told
}

#[test]
fn an_empty_tenant_is_told_to_be_empty() {
    let desk = Desk::of(Tenant::default());
    let mut told = String::new();
    for (name, words) in COMMANDS {
        let said = desk.siyu(words, None);
        told.push_str(&format!("=== {name}\n{}", said.all()));
        let json = desk.siyu(&format!("{words} --json"), None);
        assert!(serde_json::from_str::<Value>(&json.out).is_ok(), "{name}: {}", json.out);
    }
    insta::assert_snapshot!("empty", told);
}

#[test]
fn a_broken_log_is_told_with_its_line_and_an_exit_status() {
    let mut tenant = shop();
    let (_, body) =
        tenant.writes.records.iter_mut().find(|(key, _)| key.key.as_str().ends_with("09")).unwrap();
    let text = body.take().unwrap().replace("\"awarded\":\"p5\"", "\"awarded\":\"p66\"");
    *body = Some(text.into());
    let desk = Desk::of(tenant);
    insta::assert_snapshot!("broken-log", desk.siyu("draws verify", None).all());
    assert_eq!(desk.siyu("draws verify --campaign autumn --json", None).status, 1);
    let prizes = desk.siyu("report prizes", None);
    assert!(prizes.out.contains("line 9 of the log is broken"), "{}", prizes.out);
}

#[test]
fn stock_that_does_not_add_up_is_told_and_found() {
    let mut tenant = shop();
    tenant.pool("flash-sale", "friday-sale/2026-03-06/striploin", [1, 2, 3]);
    let desk = Desk::of(tenant);
    let said = desk.siyu("report stock", None);
    assert_eq!(said.status, 1);
    assert!(said.out.contains("2 units are reserved, held reservations have 1"), "{}", said.out);
}

#[test]
fn lists_are_filtered_and_gone_on_with() {
    let desk = Desk::of(shop());
    let phases = |words: &str| -> Vec<String> {
        let said = desk.siyu(&format!("runs list --json {words}"), None);
        let document: Value =
            serde_json::from_str(&said.out).unwrap_or_else(|why| panic!("{why}: {}", said.all()));
        let runs = document["runs"].as_array().unwrap().iter();
        runs.map(|run| run["phase"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(phases("--phase failed"), ["failed"]);
    assert_eq!(phases("--customer shop:00001 --workflow first-order"), ["live"]);
    assert_eq!(phases("--from 2026-03-02 --until 2026-03-03"), ["live"]);
    assert_eq!(phases("--until 2026-03-02T00:00:00+08:00"), [] as [&str; 0]);
    let first: Value = serde_json::from_str(&desk.siyu("runs list --limit 1 --json", None).out).unwrap();
    let next = first["next"].as_str().unwrap();
    assert_eq!(phases(&format!("--limit 1 --after {next}")).len(), 1);
    let page = desk.siyu("customers show shop:00001 --limit 2 --json", None);
    let page: Value = serde_json::from_str(&page.out).unwrap();
    assert_eq!(page["moments"].as_array().unwrap().len(), 2);
    let next = page["next"].as_str().unwrap();
    assert_eq!(desk.siyu(&format!("customers show shop:00001 --after {next}"), None).status, 0);
}

#[test]
fn what_is_not_there_is_refused_with_help() {
    let desk = Desk::of(shop());
    let mut told = String::new();
    for words in [
        "runs show run_00000000000000000000000000",
        "runs show 42",
        "runs list --phase sleeping",
        "runs list --customer shop:99999",
        "runs list --after everything",
        "runs list --from yesterday",
        "runs list --limit 0",
        "customers show shop:99999",
        "customers show nobody",
        "report funnel --playbook tokyo",
        "draws verify --campaign winter",
        "--tenant nobody report funnel",
    ] {
        let said = desk.siyu(words, None);
        told.push_str(&format!("=== siyu {words}\n{}", said.all()));
    }
    insta::assert_snapshot!("refused", told);
}
