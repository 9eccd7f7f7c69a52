//! A lottery's log: whole ones pass, and whatever is done to one is found where it was done.

use siyu_insight::draws::{CampaignAudit, SeedState, verify};

use crate::lottery::{
    CONFIG, Log, Shop, WHEN, campaign, closed, draw, number, opened, record, revealed, sha256, tenant,
};
use crate::support::{Place, Tenant};

async fn audit(tenant: Tenant) -> CampaignAudit {
    let place: Place = tenant.open().await;
    let mut audits = verify(&place.inspect, None).await.unwrap();
    assert_eq!(audits.len(), 1);
    audits.remove(0)
}

/// Where a log is broken, and what is said of it.
async fn flaw(tenant: Tenant) -> (u64, String) {
    let found = audit(tenant).await;
    assert_eq!(found.seed, SeedState::Sealed, "nothing is said to be recomputed");
    let broken = found.broken.unwrap();
    (broken.line, format!("{}: found {}, expected {}", broken.what, broken.found, broken.expected))
}

#[tokio::test]
async fn a_whole_log_is_computed_again_to_the_last_number() {
    let log = campaign();
    let found = audit(tenant(&log, "revealed")).await;
    assert_eq!(found.broken, None);
    assert_eq!((found.lines, found.draws, found.anchored), (43, 40, 40));
    assert_eq!((found.seed, found.head.as_str()), (SeedState::Recomputed, log.head.as_str()));
    let odds = &found.odds;
    assert_eq!((odds.title.as_str(), odds.draws, odds.prizes.len()), ("秋季", 40, 2));
    let [top, rest] = odds.prizes.as_slice() else { panic!("{odds:?}") };
    assert_eq!(
        (top.prize.as_str(), top.odds, top.stock, top.awarded, top.awarded_fen),
        ("p66", 0.3, Some(2), 2, 13_200)
    );
    assert!((top.expected - 12.0).abs() < 1e-9 && (rest.expected - 28.0).abs() < 1e-9);
    let drawn = (0..40).filter(|card| number(&format!("card:{card:04}")) < 300).count() as u64;
    assert_eq!((top.drawn, rest.drawn, rest.awarded), (drawn, 40 - drawn, 38));
    assert_eq!(odds.degrees_of_freedom, Some(1));
    assert!(odds.p_value.is_some_and(|p| p > 0.01), "{odds:?}");
    let reasons: Vec<_> = ["\"drawn\"", "\"stock\"", "\"cap\""]
        .map(|reason| log.lines.iter().any(|line| line.contains(&format!("\"reason\":{reason}"))))
        .into();
    assert_eq!(reasons, [true, true, true], "the sample has every way in which a prize comes about");
}

#[tokio::test]
async fn a_sealed_log_is_checked_but_for_its_numbers() {
    let mut log = Log::new();
    let mut shop = Shop::default();
    opened(&mut log);
    draw(&mut log, &mut shop, "card:0001", "a");
    let found = audit(tenant(&log, "open")).await;
    assert_eq!((found.broken, found.seed, found.lines, found.draws), (None, SeedState::Sealed, 2, 1));
}

#[tokio::test]
async fn a_changed_line_is_found_by_its_hash() {
    let mut log = campaign();
    log.lines[9] = log.lines[9].replacen(r#""customer":"0000"#, r#""customer":"000f"#, 1);
    assert_ne!(log.lines[9], campaign().lines[9]);
    let (line, text) = flaw(tenant(&log, "revealed")).await;
    assert_eq!(line, 10);
    assert!(text.starts_with("row_hash, by the content of the line: found "), "{text}");
}

#[tokio::test]
async fn a_line_written_anew_breaks_the_link_of_the_next() {
    let log = campaign();
    let (mut forged, mut shop) = (Log::new(), Shop::default());
    opened(&mut forged);
    for card in 0..8 {
        // The eighth card was somebody else's.
        let owner = if card == 7 { 99 } else { card / 7 };
        draw(&mut forged, &mut shop, &format!("card:{card:04}"), &format!("{owner:032x}"));
    }
    let mut lines = log.lines.clone();
    lines[8] = forged.lines[8].clone();
    let (line, text) = flaw(tenant(&Log { head: log.head.clone(), lines }, "revealed")).await;
    assert_eq!((line, text.starts_with("prev_hash: found ")), (10, true), "{text}");
}

#[tokio::test]
async fn a_line_taken_out_put_in_or_cut_off_is_found() {
    let log = campaign();
    let cut = |range: std::ops::Range<usize>| {
        let lines = log.lines[range].to_vec();
        Log { head: log.head.clone(), lines }
    };
    let mut without = tenant(&cut(0..43), "revealed");
    without.writes.records.remove(19);
    let expected = (20, "seq: found 21, expected 20".to_owned());
    assert_eq!(flaw(without).await, expected);
    let mut twice = tenant(&cut(0..43), "revealed");
    twice.writes.records.push(record("line/autumn/0000000020x", log.lines[19].clone()));
    assert_eq!(flaw(twice).await, (21, "seq: found 20, expected 21".to_owned()));
    let mut short = tenant(&log, "revealed");
    short.writes.records.retain(|(key, _)| !key.key.as_str().ends_with("43"));
    assert_eq!(flaw(short).await, (43, "the last line of the log: found 42, expected 43".to_owned()));
    let mut nothing = tenant(&log, "revealed");
    nothing.writes.records.retain(|(key, _)| key.key.as_str().starts_with("state/"));
    assert_eq!(flaw(nothing).await, (1, "the last line of the log: found 0, expected 43".to_owned()));
}

#[tokio::test]
async fn a_whole_log_that_was_written_anew_is_found_by_the_events_of_its_draws() {
    let log = campaign();
    let (mut forged, mut shop) = (Log::new(), Shop::default());
    opened(&mut forged);
    for card in 0..40 {
        // Somebody else has won.
        let owner = if card == 11 { 99 } else { card / 7 };
        draw(&mut forged, &mut shop, &format!("card:{card:04}"), &format!("{owner:032x}"));
    }
    closed(&mut forged);
    revealed(&mut forged);
    let alone = audit(tenant(&forged, "revealed")).await;
    assert_eq!(alone.broken, None, "the forgery is perfect in itself");
    let mut told = tenant(&forged, "revealed");
    told.writes.events = tenant(&log, "revealed").writes.events;
    let (line, text) = flaw(told).await;
    assert_eq!(line, 13);
    assert!(text.starts_with("the hash that event 12 of the draw tells: found "), "{text}");
}

#[tokio::test]
async fn a_number_that_does_not_follow_from_the_seed_is_found() {
    let (mut log, mut shop) = (Log::new(), Shop::default());
    opened(&mut log);
    draw(&mut log, &mut shop, "card:0000", "a");
    // An organiser who gives a friend the top prize: a line that is consistent in all but its number.
    let (hash, loser) = (
        sha256(CONFIG),
        (1..).map(|card| format!("card:{card:04}")).find(|card| number(card) >= 300).unwrap(),
    );
    let left = 20_000 - shop.given * 6_600;
    let before = format!(
        r#""at":"{WHEN}","awarded":"p66","budget_before":{left},"campaign":"autumn","chosen":"p66","config_hash":"{hash}","config_version":1,"ctr":0,"customer":"friend","day":null,"draw_id":"autumn/3","draw_no":1,"entry_key":"{loser}","kind":"draw","plugin":"x","r":7,"reason":"drawn","#
    );
    let stock = 2 - shop.given;
    log.add(&before, &format!(r#","stock_before":{stock},"trigger_event":null,"w":1000"#));
    let sealed = audit(tenant(&log, "open")).await;
    assert_eq!(sealed.broken, None, "while the seed is sealed nobody can tell");
    closed(&mut log);
    revealed(&mut log);
    let expected = (3, format!("r: found 7, expected {}", number(&loser)));
    assert_eq!(flaw(tenant(&log, "revealed")).await, expected);
}

#[tokio::test]
async fn a_prize_that_rules_or_stock_do_not_give_is_found() {
    for (honest, forged, part) in [
        (r#""awarded":"p5""#, r#""awarded":"p66""#, "awarded: found p66, expected p5"),
        (r#""w":1000"#, r#""w":999"#, "w: found 999, expected 1000"),
        (r#""config_version":1"#, r#""config_version":2"#, "config_version: found 2, expected 1"),
        (r#""ctr":0"#, r#""ctr":1"#, "ctr: found 1, expected 0"),
        (r#""stock_before":null"#, r#""stock_before":3"#, "stock_before: found 3, expected null"),
        (r#""reason":"drawn""#, r#""reason":"pity""#, "reason: found pity, expected drawn"),
    ] {
        let (mut log, mut shop) = (Log::new(), Shop::default());
        opened(&mut log);
        let loser = (0..).map(|card| format!("card:{card:04}")).find(|card| number(card) >= 300).unwrap();
        draw(&mut log, &mut shop, &loser, "a");
        let text = log.lines.pop().unwrap().replacen(honest, forged, 1);
        let canonical = text[..text.rfind(r#","prev_hash""#).unwrap()].to_owned() + "}";
        let before = log.lines[0].rsplit('"').nth(1).unwrap().to_owned();
        let hash = sha256(&format!("{before}{canonical}"));
        let open = canonical.strip_suffix('}').unwrap();
        log.lines.push(format!(r#"{open},"prev_hash":"{before}","row_hash":"{hash}"}}"#));
        log.head = hash;
        closed(&mut log);
        revealed(&mut log);
        let (line, found) = flaw(tenant(&log, "revealed")).await;
        assert_eq!((line, found.as_str()), (2, part), "{forged}");
    }
}

#[tokio::test]
async fn a_seed_that_is_not_the_sealed_one_is_found() {
    let told = |seed: &str| {
        format!(
            r#""at":"{WHEN}","campaign":"autumn","kind":"revealed","plugin":"x","seed":"{seed}","seed_hash":"","#
        )
    };
    let mut log = Log::new();
    opened(&mut log);
    closed(&mut log);
    let sealed = log.lines.len();
    log.add(&told(&"08".repeat(32)), "");
    let (line, text) = flaw(tenant(&log, "revealed")).await;
    assert_eq!(line, 1);
    assert!(text.starts_with("seed_hash: found "), "{text}");
    log.lines.truncate(sealed);
    log.head = log.lines[sealed - 1].rsplit('"').nth(1).unwrap().to_owned();
    log.add(&told("no seed"), "");
    let expected = (3, "seed: found no seed, expected 64 hexadecimal digits".to_owned());
    assert_eq!(flaw(tenant(&log, "revealed")).await, expected);
}

#[tokio::test]
async fn nothing_is_written_after_the_seed() {
    let mut log = campaign();
    closed(&mut log);
    let expected =
        (43, "the seed: found revealed before the last line, expected in the last line".to_owned());
    assert_eq!(flaw(tenant(&log, "revealed")).await, expected);
}

#[tokio::test]
async fn what_is_no_log_is_said_to_be_none() {
    let place = Tenant::default().open().await;
    assert_eq!(verify(&place.inspect, None).await.unwrap(), []);
    for (body, part) in [
        ("{", "a JSON document"),
        ("{}", "missing field `campaign`"),
        ("[1.5]", "expected the members of its kind"),
        (r#"{"campaign":"autumn","kind":"draw","prev_hash":"","row_hash":"","seq":1}"#, "prev_hash: found "),
    ] {
        let mut tenant = tenant(&campaign(), "revealed");
        tenant.writes.records[0].1 = Some(body.into());
        let (line, text) = flaw(tenant).await;
        assert!(line == 1 && text.contains(part), "{body}: {line}: {text}");
    }
    let mut stateless = tenant(&campaign(), "revealed");
    let last = stateless.writes.records.len() - 1;
    stateless.writes.records[last].1 = Some("7".into());
    let (line, text) = flaw(stateless).await;
    assert!(line == 0 && text.starts_with("the state of the campaign: found "), "{line}: {text}");
}

#[tokio::test]
async fn only_the_campaign_that_is_asked_for_is_read() {
    let mut tenant = tenant(&campaign(), "revealed");
    tenant.writes.records.push(record("state/autumn-2", "7".to_owned()));
    let place = tenant.open().await;
    let found = verify(&place.inspect, Some("autumn")).await.unwrap();
    assert_eq!(found.iter().map(|audit| audit.campaign.as_str()).collect::<Vec<_>>(), ["autumn"]);
    assert_eq!(verify(&place.inspect, Some("winter")).await.unwrap(), []);
    assert_eq!(verify(&place.inspect, None).await.unwrap().len(), 2);
}
