//! Everything around: help, codes, completions, the doctor, broken folders.

use crate::stage::Stage;

#[test]
fn a_code_is_explained_and_a_wrong_one_answered_with_the_nearest() {
    let stage = Stage::new();
    let page = stage.siyu("explain e0203");
    assert_eq!(page.status, 0);
    assert!(page.out.starts_with("# E0203: an unknown key\n"), "{}", page.out);
    insta::assert_snapshot!(stage.siyu("explain E0230").all());
    let all = stage.siyu("explain --json").json();
    assert!(all["rules"].as_array().unwrap().len() > 70);
    let names: Vec<&String> = all["rules"][0].as_object().unwrap().keys().collect();
    assert_eq!(names, ["code", "page", "severity", "title"]);
}

#[test]
fn completions_name_every_shown_command() {
    let stage = Stage::new();
    for shell in ["bash", "zsh", "fish"] {
        let said = stage.siyu(&format!("completions {shell}"));
        assert_eq!(said.status, 0);
        assert!(said.out.contains("validate") && said.out.contains("doctor"), "{shell}");
    }
    assert_eq!(stage.siyu("completions cmd").status, 2);
}

#[test]
fn help_says_what_the_exit_status_means_and_hides_what_people_do_not_call() {
    let said = Stage::new().siyu("--help");
    insta::assert_snapshot!(said.all());
    assert!(said.out.contains("Exit status: 0 done;") && !said.out.contains("compile-child"));
    assert_eq!(Stage::new().siyu("").status, 2);
    assert_eq!(Stage::new().siyu("publsh").status, 2);
}

#[test]
fn a_log_for_programs_has_an_object_a_line() {
    let stage = Stage::new();
    assert_eq!(stage.siyu("publish stamps").status, 0);
    let said = stage.siyu("doctor --durability loses-commits-on-power-cut --log-format json");
    let lines: Vec<serde_json::Value> = said
        .err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}")))
        .collect();
    assert!(!lines.is_empty());
    assert!(lines.iter().all(|line| line["level"].is_string() && line["message"].is_string()), "{lines:?}");
}

#[test]
fn the_compiling_process_refuses_what_is_no_component() {
    use std::io::Write;
    let stage = Stage::new();
    let mut child = stage.command("compile-child").stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut request = 10u64.to_le_bytes().to_vec();
    request.extend((4u64 << 30).to_le_bytes());
    request.extend(b"these are words");
    child.stdin.take().unwrap().write_all(&request).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(65));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_healthy_host_is_told_so() {
    let stage = Stage::new();
    assert_eq!(stage.siyu("publish stamps").status, 0);
    let said = stage.siyu("doctor");
    assert_eq!(said.status, 0, "{}", said.out);
    let json = stage.siyu("doctor --json").json();
    assert_eq!(json["healthy"], true);
    let checks: Vec<&str> =
        json["checks"].as_array().unwrap().iter().map(|check| check["check"].as_str().unwrap()).collect();
    assert_eq!(
        checks,
        [
            "data folder",
            "durable sync",
            "free disk",
            "open files",
            "plugins",
            "signatures",
            "compiled code",
            "channels",
            "tenants",
            "clock"
        ]
    );
}

/// The lines of the doctor about something.
fn told(stage: &Stage, check: &str) -> String {
    let said = stage.siyu("doctor");
    assert_eq!(said.status, 1, "{}", said.out);
    let mut lines = said.out.lines().skip_while(|line| !line.contains(check));
    let mut about = lines.next().unwrap_or_default().to_owned();
    about.push_str(lines.next().filter(|line| line.contains("help:")).unwrap_or_default());
    about
}

#[test]
fn the_doctor_finds_what_is_wrong_and_says_what_helps() {
    let stage = Stage::new();
    stage.write("siyu-data/channels.toml", "[wecom]\nto = \"pigeon\"\n");
    assert!(told(&stage, "channels").starts_with("fault channels"), "{}", told(&stage, "channels"));
    std::fs::remove_file(stage.path("siyu-data/channels.toml")).unwrap();
    stage.write("siyu-data/tenants/shop.db", "no database");
    let about = told(&stage, "tenants");
    assert!(about.starts_with("fault tenants       shop:"), "{about}");
    assert!(about.contains("help: restore the tenant"), "{about}");
    std::fs::remove_file(stage.path("siyu-data/tenants/shop.db")).unwrap();
    stage.write("siyu-data/host.key", "short");
    assert!(told(&stage, "data folder").contains("is no key: expected 64 hexadecimal digits"));
}

#[test]
fn a_key_that_is_none_is_refused_and_not_replaced() {
    let stage = Stage::new();
    stage.write("siyu-data/host.key", "short");
    let said = stage.siyu("publish stamps");
    assert_eq!(said.status, 2);
    assert!(said.err.contains("remove the file"), "{}", said.err);
    assert_eq!(stage.read("siyu-data/host.key"), "short");
}

#[test]
fn a_data_folder_that_cannot_be_made_is_told() {
    let stage = Stage::new();
    stage.write("file", "");
    let said = stage.siyu("publish stamps --data file/data");
    insta::assert_snapshot!(said.all());
    let json = stage.siyu("publish stamps --data file/data --json");
    assert_eq!(json.status, 2);
    let error = &json.json()["error"];
    assert!(error["causes"][0].as_str().unwrap().contains("Not a directory"), "{error}");
}

#[test]
fn a_setting_that_loses_commits_is_hidden_and_says_so_when_it_is_used() {
    let stage = Stage::new();
    for help in ["--help", "run --help"] {
        assert!(!stage.siyu(help).out.contains("durability"), "{help}");
    }
    let loses = "publish stamps --durability loses-commits-on-power-cut";
    let said = stage.siyu(loses);
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(said.err.contains("a power cut will lose acknowledged commits"), "{}", said.err);
    let said = stage.siyu_with(("SIYU_DATABASE_URL", "postgres://db.example/shop"), loses);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("cannot be used with"), "{}", said.err);
}

#[test]
fn whoever_closes_the_pipe_early_hears_no_complaint() {
    let stage = Stage::new();
    let mut child = stage.command("explain").spawn().unwrap();
    drop(child.stdout.take());
    let said = stage.said(child.wait_with_output().unwrap());
    assert_eq!((said.status, &*said.err), (0, ""));
}

#[test]
fn text_from_outside_does_not_drive_the_terminal() {
    let stage = Stage::new();
    let said = stage.say(stage.command("validate").arg("stamps\x1b[2J"));
    assert_eq!(said.status, 2);
    assert!(!said.err.contains('\x1b') && said.err.contains("\\u{1b}[2J"), "{}", said.err);
}

#[test]
fn a_host_listens_only_where_no_other_machine_asks_and_alone_on_its_folder() {
    let stage = Stage::new();
    let open = stage.siyu("serve --listen 0.0.0.0:0");
    assert_eq!(open.status, 2);
    assert!(open.err.contains("0.0.0.0:0 is open to other machines"), "{}", open.err);
    let open = stage.siyu("serve --listen 0.0.0.0:0 --open");
    assert_eq!(open.status, 2);
    assert!(open.err.contains("--open asks nobody who they are"), "{}", open.err);
    let nobody = stage.siyu("serve --listen 0.0.0.0:0 --insecure");
    assert_eq!(nobody.status, 2);
    assert!(nobody.err.contains("there is no token, so nobody could enter"), "{}", nobody.err);
    // Somebody serves the folder: the lock is what a host holds.
    assert_eq!(stage.siyu("publish stamps").status, 0);
    let lock = std::fs::File::options().write(true).open(stage.path("siyu-data/host.lock")).unwrap();
    lock.lock().unwrap();
    for words in ["publish stamps", "serve --listen 127.0.0.1:0"] {
        let refused = stage.siyu(words);
        assert_eq!(refused.status, 2, "{words}: {}", refused.out);
    }
}
