//! What the outside verifier finds: a true log is right, and whatever is changed in it is found.

use proptest::prelude::*;
use serde_json::Value;
use siyu_plugin::prelude::json;

use super::*;
use crate::canonical::canonical;
use crate::line::sealed;
use crate::testing::{NAME, draw, export, host, merge, rules, simple};
use crate::{Close, Pause, Resume};

/// A log with draws, a pause, new rules, an end and its seed.
fn log() -> Vec<String> {
    let mut host = host(simple(json!({ "limits": { "per_customer_per_day": 9 } })));
    for card in 0..4 {
        draw(&mut host, &format!("c{card}")).done();
    }
    host.call::<Pause>(json!({ "campaign": NAME })).done();
    host.call::<Resume>(json!({ "campaign": NAME })).done();
    let mut better = simple(json!({ "limits": { "per_customer_per_day": 9 } }));
    better["prizes"][0]["stock"] = json!(3);
    host.publish::<Campaign>(NAME, better);
    for card in 4..8 {
        draw(&mut host, &format!("c{card}")).done();
    }
    host.call::<Close>(json!({ "campaign": NAME })).done();
    export(&mut host)
}

/// Changes a line and seals the rest of the log again, as somebody could who has the database but not the seed.
fn resealed(log: &[String], place: usize, change: impl Fn(&mut Value)) -> Vec<String> {
    let mut prev: String = GENESIS.to_owned();
    let lines = log.iter().enumerate().map(|(at, line)| {
        let mut document: Value = serde_json::from_str(line).unwrap();
        if at == place {
            change(&mut document);
        }
        for hash in ["prev_hash", "row_hash"] {
            document.as_object_mut().unwrap().remove(hash);
        }
        let text = canonical(&document);
        let hash = row_hash(&prev, &text);
        let line = sealed(&text, &prev, &hash);
        prev = hash;
        line
    });
    lines.collect()
}

#[track_caller]
fn broken(lines: &[String]) -> String {
    verify_chain(lines).unwrap_err().to_string()
}

#[test]
fn a_true_log_is_right() {
    let report = verify_chain(&log()).unwrap();
    assert_eq!((report.campaign.as_str(), report.lines, report.draws, report.wins), (NAME, 14, 8, 8));
    assert!(report.seed_checked);
    let drawn: u64 = report.frequencies.iter().map(|frequency| frequency.drawn).sum();
    assert_eq!((drawn, report.degrees_of_freedom, report.chi_square_milli), (8, 0, 0));
    assert_eq!(verify_chain(&log()[..12]).unwrap().draws, 8);
}

#[test]
fn the_bytes_that_are_hashed_are_the_documented_ones() {
    let log = log();
    let mut prev = GENESIS.to_owned();
    for line in &log {
        let mut document: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
        let told = document.remove("row_hash").unwrap();
        assert_eq!(document.remove("prev_hash").unwrap(), prev);
        let text = format!("{prev}{}", canonical(&Value::Object(document)));
        prev = sha256_hex(&[text.as_bytes()]);
        assert_eq!(told, prev);
    }
}

#[test]
fn a_line_that_was_changed_taken_out_doubled_or_moved_is_found() {
    let log = log();
    let mut changed = log.clone();
    changed[3] = changed[3].replace("\"awarded\":\"base\"", "\"awarded\":\"gold\"");
    assert!(broken(&changed).starts_with("line 4: its content gives the hash"));
    let mut without = log.clone();
    without.remove(3);
    assert_eq!(broken(&without), "line 4: it is number 5, expected 4");
    let mut doubled = log.clone();
    doubled.insert(3, log[3].clone());
    assert_eq!(broken(&doubled), "line 5: it is number 4, expected 5");
    let mut moved = log.clone();
    moved.swap(3, 4);
    assert!(broken(&moved).starts_with("line 4: it is number 5"));
    let other = resealed(&log, 0, |line| line["plugin"] = json!("other"));
    let mut mixed = other[..4].to_vec();
    mixed.extend_from_slice(&log[4..]);
    assert!(broken(&mixed).starts_with("line 5: it follows"));
}

#[test]
fn what_is_no_log_is_refused_in_words() {
    let none: [&str; 0] = [];
    assert_eq!(verify_chain(&none).unwrap_err().to_string(), "line 0: a log without a line");
    for line in ["", "[]", "{}", "null", "{\"seq\":1}"] {
        assert!(verify_chain(&[line]).unwrap_err().to_string().starts_with("line 1: it is no line of a log"));
    }
    let headless = resealed(&log(), 0, |line| line["kind"] = json!("paused"));
    assert!(broken(&headless).contains("a log begins with its line `opened`"));
    let strange = resealed(&log(), 5, |line| line["kind"] = json!("gift"));
    assert!(broken(&strange).contains("`gift` is no kind of line"));
}

#[test]
fn a_resealed_lie_contradicts_the_rules_or_the_seed() {
    type Lie = fn(&mut Value);
    let lies: [(usize, Lie, &str); 20] = [
        (1, |line| line["awarded"] = json!("base"), "`awarded` is Some(\"base\")"),
        (2, |line| line["awarded"] = json!("gold"), "`awarded` is Some(\"gold\")"),
        (2, |line| line["chosen"] = json!("base"), "`chosen`"),
        (2, |line| line["reason"] = json!("drawn"), "`reason`"),
        (1, |line| line["stock_before"] = json!(7), "`stock_before`"),
        (1, |line| line["budget_before"] = json!(7), "`budget_before`"),
        (1, |line| line["w"] = json!(2), "`w`"),
        (1, |line| line["r"] = json!(1), "`r`"),
        (1, |line| line["ctr"] = json!(1), "`r`"),
        (1, |line| line["config_version"] = json!(2), "`config_version`"),
        (1, |line| line["config_hash"] = json!("00"), "`config_hash`"),
        (1, |line| line["draw_no"] = json!(2), "`draw_no`"),
        (1, |line| line["draw_id"] = json!("x/1"), "`draw_id`"),
        (1, |line| line["day"] = Value::Null, "`day`"),
        (1, |line| line["at"] = json!("2026-01-01T00:00:00Z"), "outside the window"),
        (2, |line| line["entry_key"] = json!("c0"), "`draw_no`"),
        (0, |line| line["config"]["prizes"][0]["weight"] = json!(2), "`config_hash`"),
        (0, |line| line["seed_hash"] = json!("00"), "`seed`"),
        (13, |line| line["seed"] = json!("00".repeat(32)), "`seed`"),
        (7, |line| line["config_version"] = json!(3), "`config_version`"),
    ];
    for (place, lie, words) in lies {
        let found = broken(&resealed(&log(), place, lie));
        assert!(found.contains(words), "expected {words}, found {found}");
    }
}

#[test]
fn a_lie_about_order_and_state_is_found() {
    let log = log();
    let unpaused = resealed(&log, 6, |line| line["kind"] = json!("paused"));
    assert!(broken(&unpaused).contains("a draw while the campaign is paused or closed"));
    let reopened = resealed(&log, 13, |line| line["kind"] = json!("resumed"));
    assert!(broken(&reopened).contains("the campaign is closed"));
    let early = resealed(&log, 12, |line| line["kind"] = json!("paused"));
    assert!(broken(&early).contains("a seed is revealed once, when the campaign is closed"));
    let other = resealed(&log, 5, |line| line["campaign"] = json!("winter"));
    assert!(broken(&other).contains("`campaign`"));
}

#[test]
fn rules_that_got_worse_are_found() {
    let worse = resealed(&log(), 7, |line| {
        line["config"]["prizes"][0]["stock"] = json!(0);
        line["config_hash"] = json!(sha256_hex(&[canonical(&line["config"]).as_bytes()]));
    });
    assert!(broken(&worse).contains("/prizes/0/stock: 1 became 0"), "{}", broken(&worse));
}

#[test]
fn a_draw_beyond_a_limit_is_found() {
    for (limits, words) in [
        (json!({ "per_customer": 4 }), "draw 5 of a customer, beyond the limit"),
        (json!({ "per_customer_per_day": 4 }), "draw 5 of a customer on 2026-11-26"),
        (json!({ "per_day_total": 4 }), "draw 5 on 2026-11-26"),
    ] {
        // The rules in the log are made stricter than those that were played by.
        let mut host = host(simple(json!({ "limits": { "per_customer_per_day": 9 } })));
        for card in 0..5 {
            draw(&mut host, &format!("c{card}")).done();
        }
        let log = export(&mut host);
        let mut hash = String::new();
        let mut first: Value = serde_json::from_str(&log[0]).unwrap();
        merge(&mut first["config"]["limits"], limits.clone());
        hash.push_str(&sha256_hex(&[canonical(&first["config"]).as_bytes()]));
        let mut lied = log;
        for place in 0..lied.len() {
            lied = resealed(&lied, place, |line| {
                if place == 0 {
                    line["config"] = first["config"].clone();
                }
                line["config_hash"] = json!(hash);
            });
        }
        assert!(broken(&lied).contains(words), "{}", broken(&lied));
    }
}

#[test]
fn an_unfair_order_of_a_batch_is_found() {
    let mut host = host(simple(json!({ "prizes": [
        { "id": "base", "name": "x", "weight": 1, "stock": "unlimited", "fallback": true, "value_fen": 5 },
    ] })));
    let entrants: Vec<String> = (0..9).map(|number| host.customer(&format!("shop:{number}"))).collect();
    let batch = json!({ "campaign": NAME, "snapshot": "s", "winners": { "base": 2 }, "entrants": entrants });
    host.call::<crate::DrawBatch>(batch).done();
    host.call::<Close>(json!({ "campaign": NAME })).done();
    let log = export(&mut host);
    assert_eq!(verify_chain(&log).unwrap().draws, 2);
    let kinds: Vec<String> = log
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["opened", "snapshot", "entrants", "won", "won", "closed", "revealed"]);
    let member = |place: usize, name: &str| serde_json::from_str::<Value>(&log[place]).unwrap()[name].take();
    let names = member(2, "entrants");
    let other = names.as_array().unwrap().iter().find(|name| **name != member(4, "customer")).unwrap();
    for (place, change, words) in [
        (3, ("customer", json!("stranger")), "`customer`"),
        (4, ("customer", other.clone()), "`customer`"),
        (4, ("rank", json!(3)), "`rank`"),
        (3, ("awarded", json!("gold")), "`awarded`"),
        (1, ("snapshot_hash", json!("00")), "`snapshot_hash`"),
        (1, ("entrants", json!(10)), "has 10 entrants, 9 are told"),
        (1, ("winners", json!([["base", 1]])), "a winner after the last prize"),
    ] {
        let (member, value) = change;
        let found = broken(&resealed(&log, place, |line| line[member] = value.clone()));
        let is_same =
            found.contains(words) || (place == 4 && member == "customer" && found.contains("customer"));
        assert!(is_same, "expected {words}, found {found}");
    }
}

#[test]
fn frequencies_have_a_chi_square() {
    let mut host = crate::testing::host_with_known_seed(rules());
    for card in 0..300 {
        draw(&mut host, &format!("card:{card:06}")).done();
    }
    let lines = export(&mut host);
    let mut verifier = Verifier::new(None);
    lines.iter().for_each(|line| verifier.read(line).unwrap());
    let report = verifier.report();
    assert_eq!((report.degrees_of_freedom, report.seed_checked), (3, false));
    let mut chi = 0.0;
    for frequency in &report.frequencies {
        let expected = frequency.expected_milli as f64 / 1000.0;
        chi += (frequency.drawn as f64 - expected).powi(2) / expected;
    }
    assert!((chi * 1000.0 - report.chi_square_milli as f64).abs() < 2.0);
    assert!(report.chi_square_milli < 16_270, "p > 0.001: {report:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_is_a_log_or_an_error(lines in prop::collection::vec("\\PC{0,80}", 0..4)) {
        let _ = verify_chain(&lines);
    }

    #[test]
    fn any_change_of_a_single_symbol_is_found(line in 0_usize..14, at in 0_usize..400, symbol in "[ -~]") {
        thread_local!(static LOG: Vec<String> = log());
        let mut lines = LOG.with(Clone::clone);
        let at = at % lines[line].len();
        prop_assume!(lines[line].is_char_boundary(at) && lines[line].is_char_boundary(at + 1));
        prop_assume!(lines[line][at..=at] != symbol);
        lines[line].replace_range(at..=at, &symbol);
        // White space between members is not part of what a line says.
        let same = |a: &str, b: &str| {
            let read = |text: &str| serde_json::from_str::<Value>(text).ok();
            read(a).is_some() && read(a) == read(b)
        };
        prop_assume!(!same(&lines[line], &LOG.with(|log| log[line].clone())));
        prop_assert!(verify_chain(&lines).is_err());
    }
}
