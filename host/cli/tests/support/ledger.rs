//! Looks into a tenant's database beside the program, with SQL of its own, and compares two of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

/// What may differ between two tenants with the same history: who holds the lease, and in which batch a line was written.
const APART: [(&str, &[&str]); 3] =
    [("lease", &["*"]), ("journal", &["id", "prev"]), ("runs", &["journal_last"])];

/// How many differences are shown.
const SHOWN: usize = 5;

/// Every acknowledged event is there.
pub(crate) fn holds_all(data: &Path, acknowledged: &BTreeSet<String>) {
    let recorded: BTreeSet<String> = ask(data, "SELECT id FROM events").into_iter().collect();
    let missing: Vec<_> = acknowledged.difference(&recorded).take(SHOWN).collect();
    assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");
    assert!(!acknowledged.is_empty(), "nothing was acknowledged");
}

/// Stock balances; what exists once exists once.
pub(crate) fn balances(data: &Path) {
    let unbalanced = "SELECT key FROM pools WHERE available + reserved + sold <> total
                      OR available < 0 OR reserved < 0 OR sold < 0";
    assert_eq!(ask(data, unbalanced), Vec::<String>::new(), "pools");
    let held = "SELECT p.key FROM pools p WHERE p.reserved <>
                (SELECT coalesce(sum(units), 0) FROM reservations r
                 WHERE r.plugin = p.plugin AND r.pool = p.key AND r.status = 'held')";
    assert_eq!(ask(data, held), Vec::<String>::new(), "what is reserved is held by somebody");
    let passed = "SELECT key FROM counters WHERE used > limit_max";
    assert_eq!(ask(data, passed), Vec::<String>::new(), "counters");
    for (what, once) in [
        ("coupon.issued", "data ->> '$.coupon'"),
        ("coupon.redeemed", "data ->> '$.coupon' || ' ' || (data ->> '$.order')"),
        ("draw.completed", "data ->> '$.seq'"),
        ("flash.committed", "data ->> '$.order'"),
    ] {
        let doubled = format!(
            "SELECT CAST({once} AS TEXT) FROM events WHERE event_type = '{what}' GROUP BY 1 HAVING count(*) > 1"
        );
        assert_eq!(ask(data, &doubled), Vec::<String>::new(), "{what} doubled");
        let named = format!("SELECT CAST({once} AS TEXT) FROM events WHERE event_type = '{what}' LIMIT 1");
        let named = ask(data, &named);
        assert!(
            named.iter().any(|name| !name.is_empty()),
            "no {what} happened, so the test shows nothing: {named:?}"
        );
    }
}

/// Two tenants hold the same, table by table.
pub(crate) fn same(one: &Path, other: &Path) {
    let tables = ask(
        one,
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1",
    );
    assert!(tables.len() > 10, "{tables:?}");
    let mut differences = BTreeMap::new();
    for table in tables {
        let apart =
            APART.iter().find(|(name, _)| *name == table).map_or(&[] as &[&str], |(_, columns)| *columns);
        if apart == ["*"] {
            continue;
        }
        let columns = ask(one, &format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid"));
        let quoted: Vec<_> = columns
            .iter()
            .filter(|column| !apart.contains(&column.as_str()))
            .map(|column| format!("'{column}=' || quote(\"{column}\")"))
            .collect();
        let rows = format!("SELECT {} AS line FROM \"{table}\" ORDER BY line", quoted.join(" || ' ' || "));
        let (one, other): (BTreeSet<_>, BTreeSet<_>) =
            (ask(one, &rows).into_iter().collect(), ask(other, &rows).into_iter().collect());
        let only: Vec<_> = one.symmetric_difference(&other).take(SHOWN).cloned().collect();
        if !only.is_empty() {
            differences.insert(table, only);
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

/// The same messages went out, each once.
pub(crate) fn same_messages(one: &Path, other: &Path) {
    let (one, other) = (sent(one), sent(other));
    let ids = |lines: &[String]| lines.iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(ids(&other).len(), other.len(), "a message went out twice");
    let only: Vec<_> = ids(&one).symmetric_difference(&ids(&other)).take(SHOWN).cloned().collect();
    assert!(only.is_empty(), "{only:#?}");
    assert!(!one.is_empty(), "no message went out");
}

fn sent(data: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(data.join("outbox/default.ndjson")).expect("the file of the channel");
    let id = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        line["id"].as_str().expect("an id").to_owned()
    };
    text.lines().map(id).collect()
}

/// One column of text.
fn ask(data: &Path, sql: &str) -> Vec<String> {
    let path = data.join("tenants/default.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(&path).read_only(true);
        let mut connection: SqliteConnection = options.connect().await.expect("the database");
        let rows: Vec<Option<String>> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await.expect(sql);
        connection.close().await.expect("closed");
        rows.into_iter().map(Option::unwrap_or_default).collect()
    })
}
