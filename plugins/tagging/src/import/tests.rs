//! Lists of tags.

use siyu_plugin::fake::{Host, Outcome};
use siyu_plugin::prelude::*;

use crate::testing::{me, shop, tags};
use crate::{Group, Import, Imported};

fn import(host: &mut Host, rows: &[serde_json::Value]) -> Outcome<Imported> {
    host.call::<Import>(json!({ "batch": "crm-2026-11", "rows": rows }))
}

#[test]
fn each_bad_row_has_a_line_and_stops_nothing() {
    let mut host = shop();
    host.publish::<Group>("risk", json!({ "mode": "multi", "writers": ["manual"] }));
    let me = me(&mut host);
    let now = host.now();
    let row = |tag: &str| json!({ "customer": me, "tag": tag });
    let with = |tag: &str, name: &str, value: serde_json::Value| {
        let mut row = row(tag);
        row[name] = value;
        row
    };
    let rows = [
        row("lifecycle.loyal"),
        row("lifecycle.royal"),
        row("lifecicle.loyal"),
        row("taste.hot pot"),
        json!({ "customer": "cus_nobody", "tag": "seed" }),
        json!({ "tag": "seed" }),
        json!("seed"),
        with("seed", "priority", json!(3)),
        with("seed", "expires_at", json!(now)),
        with("seed", "ttl", json!("1y")),
        with("seed", "confidence", json!(101)),
        row("risk.blocked"),
        with("lifecycle.new", "effective_at", json!(now - Duration::days(1))),
        row("lifecycle.loyal"),
        row("taste.a"),
        row("taste.b"),
        row("taste.c"),
        row("taste.d"),
        with("taste.A", "action", json!("remove")),
        with("taste.a", "action", json!("remove")),
        with("taste.a", "action", json!("drop")),
        row("taste.d"),
    ];
    let done = import(&mut host, &rows).done();
    let lines: Vec<String> = done.report.iter().map(|line| format!("{} {}", line.row, line.code)).collect();
    assert_eq!(
        lines,
        [
            "2 UNKNOWN_TAG",
            "3 UNKNOWN_GROUP",
            "4 TAG_INVALID",
            "5 UNKNOWN_CUSTOMER",
            "6 ROW_INVALID",
            "7 ROW_INVALID",
            "8 ROW_INVALID",
            "9 ALREADY_EXPIRED",
            "10 ROW_INVALID",
            "11 ROW_INVALID",
            "12 NOT_A_WRITER",
            "13 LATE",
            "18 LIMIT_GROUP",
            "21 ROW_INVALID",
        ]
    );
    assert!(done.report.iter().all(|line| line.message.len() > 10), "{:#?}", done.report);
    assert_eq!((done.rows, done.added, done.removed, done.unchanged, done.bad), (22, 5, 1, 2, 14));
    assert_eq!(tags(&mut host), ["lifecycle.loyal", "taste.b", "taste.c", "taste.d"]);
    assert_eq!(host.tags(&me)[0].source, "import:crm-2026-11");
    assert_eq!(
        host.events_of("tagging.imported"),
        [
            json!({ "batch": "crm-2026-11", "part": 0, "rows": 22, "added": 5, "removed": 1, "unchanged": 2, "bad": 14 })
        ]
    );
}

#[test]
fn a_part_again_gives_its_report_and_changes_nothing() {
    let mut host = shop();
    let me = me(&mut host);
    let mut rows = vec![json!({ "customer": me, "tag": "lifecycle.new" })];
    rows.extend((0..250).map(|place| json!({ "customer": me, "tag": format!("unknown.{place}") })));
    let first = import(&mut host, &rows).done();
    host.advance(Duration::seconds(1));
    crate::testing::add(&mut host, json!({ "tags": ["lifecycle.loyal"] })).done();
    let again = import(&mut host, &rows).done();
    assert_eq!(again, Imported { replayed: true, ..first });
    assert_eq!((again.report.len(), again.report[249].row), (250, 251));
    assert_eq!(tags(&mut host), ["lifecycle.loyal"]);
    assert_eq!(host.events_of("tagging.imported").len(), 1);
    rows.pop();
    let refused = import(&mut host, &rows).refused("IDEMPOTENCY_MISMATCH");
    assert!(refused.message.contains("part 0 of `crm-2026-11`"), "{}", refused.message);
    let other = json!({ "batch": "crm-2026-11", "part": 1, "rows": [] });
    assert_eq!(host.call::<Import>(other).done().rows, 0);
}

#[test]
fn a_dry_run_reports_and_changes_nothing() {
    let mut host = shop();
    let me = me(&mut host);
    let rows =
        [json!({ "customer": me, "tag": "lifecycle.new" }), json!({ "customer": me, "tag": "nowhere.new" })];
    let would = host.call::<Import>(json!({ "batch": "b", "rows": rows, "dry_run": true })).done();
    assert_eq!((would.added, would.bad, would.replayed), (1, 1, false));
    assert!(host.events().is_empty());
    assert_eq!(host.call::<Import>(json!({ "batch": "b", "rows": rows })).done().added, 1);
}

#[test]
fn a_part_of_a_thousand_rows_of_as_many_customers_fits_into_a_call() {
    let mut host = Host::of::<crate::Plugin>();
    host.publish::<Group>(
        "club",
        json!({ "mode": "exclusive", "tags": ["vip", "new"], "consent": "customer.attributes.ok | default(true)" }),
    );
    let rows: Vec<_> = (0..1_000)
        .map(|place| {
            let customer = host.customer(&format!("shop:{place}"));
            host.put_tag(&customer, "club.new");
            json!({ "customer": customer, "tag": "club.vip" })
        })
        .collect();
    host.advance(Duration::seconds(1));
    let done = import(&mut host, &rows).done();
    assert_eq!((done.added, done.bad), (1_000, 0));
    let over: Vec<_> = rows.iter().chain(rows.first()).cloned().collect();
    let fault = import(&mut host, &over).failed("INVALID_INPUT");
    assert_eq!(fault.fields[0].pointer, "/rows");
}

#[test]
fn many_late_rows_are_lines_and_no_events() {
    let mut host = shop();
    let me = me(&mut host);
    crate::testing::add(&mut host, json!({ "tags": ["lifecycle.loyal"] })).done();
    let early = host.now() - Duration::days(1);
    let rows: Vec<_> =
        (0..300).map(|_| json!({ "customer": me, "tag": "lifecycle.new", "effective_at": early })).collect();
    let done = import(&mut host, &rows).done();
    assert_eq!((done.bad, host.events_of("tagging.overruled").len()), (300, 0));
}

#[test]
fn a_name_of_a_list_is_short() {
    let mut host = shop();
    for batch in ["", " a", "a ", &"x".repeat(65), &"名".repeat(41)] {
        let fault = host.call::<Import>(json!({ "batch": batch, "rows": [] })).failed("INVALID_INPUT");
        assert_eq!(fault.fields[0].pointer, "/batch", "{batch}");
    }
}
