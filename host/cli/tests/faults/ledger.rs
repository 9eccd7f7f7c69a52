//! Looks into a tenant's database beside the program, with SQL of its own, and compares two of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::program::Stage;

/// What may differ between two tenants with the same history: who holds the lease, and in which batch a line was written.
const APART: [(&str, &[&str]); 3] =
    [("lease", &["*"]), ("journal", &["id", "prev"]), ("runs", &["journal_last"])];
/// How many differences are shown.
const SHOWN: usize = 5;

/// Where a tenant's rows are.
pub(crate) enum Ledger {
    /// A file.
    File(PathBuf),
    /// A copy of a file, which looking may recover.
    Written(PathBuf),
    /// A schema in the Postgres database of this URL.
    Schema(String),
}

/// Every acknowledged event is there.
pub(crate) fn holds_all(stage: &Stage) {
    let acknowledged = stage.acknowledged();
    let missing: Vec<_> = missing(stage, &acknowledged).into_iter().take(SHOWN).collect();
    assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");
    assert!(!acknowledged.is_empty(), "nothing was acknowledged");
}

/// Acknowledged events that are not there.
pub(crate) fn missing(stage: &Stage, acknowledged: &BTreeSet<String>) -> Vec<String> {
    let recorded: BTreeSet<String> = stage.ledger().ask("SELECT id FROM events").into_iter().collect();
    acknowledged.difference(&recorded).cloned().collect()
}

/// No page of a file is broken. A Postgres server looks after its pages itself.
pub(crate) fn is_sound(stage: &Stage) {
    if let ledger @ Ledger::File(_) = stage.ledger() {
        assert_eq!(ledger.ask("PRAGMA integrity_check"), ["ok"]);
    }
}

/// What the database says was sent is in the file of messages; none stands there twice.
pub(crate) fn has_sent_what_it_says(stage: &Stage) {
    let in_file = stage.sent();
    let ids: BTreeSet<String> = in_file.iter().map(|id| hex_of(id)).collect();
    assert_eq!(ids.len(), in_file.len(), "a message went out twice");
    let ledger = stage.ledger();
    let hex = ledger.hex("id");
    let sent = ledger.ask(&format!("SELECT {hex} FROM messages WHERE status = 'sent'"));
    let missing: Vec<_> = sent.iter().filter(|id| !ids.contains(*id)).take(SHOWN).collect();
    assert!(missing.is_empty(), "sent, and not in the file: {missing:?}");
}

/// An id of the host as the database keeps it.
fn hex_of(id: &str) -> String {
    let id: siyu_model::id::MessageId = id.parse().expect("the id of a message");
    id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All that must hold at the end of a feed: everything acknowledged is there, stock balances, what exists once exists once,
/// the draws verify, and rows and messages are those of a tenant that nobody disturbed.
pub(crate) fn ends_as(undisturbed: &Stage, stage: &Stage) {
    holds_all(stage);
    is_sound(stage);
    balances(&stage.ledger());
    same(&undisturbed.ledger(), &stage.ledger());
    has_sent_what_it_says(stage);
    let sent = |stage: &Stage| stage.sent().into_iter().collect::<BTreeSet<_>>();
    let (one, other) = (sent(undisturbed), sent(stage));
    let only: Vec<_> = one.symmetric_difference(&other).take(SHOWN).collect();
    assert!(only.is_empty(), "messages of one tenant only: {only:#?}");
    assert!(!one.is_empty(), "no message went out");
    stage.call(&["draws", "verify"]);
}

/// Stock balances; what exists once exists once.
pub(crate) fn balances(ledger: &Ledger) {
    let unbalanced = "SELECT key FROM pools WHERE available + reserved + sold <> total
                      OR available < 0 OR reserved < 0 OR sold < 0";
    assert_eq!(ledger.ask(unbalanced), Vec::<String>::new(), "pools");
    let held = "SELECT p.key FROM pools p WHERE p.reserved <>
                (SELECT coalesce(sum(units), 0) FROM reservations r
                 WHERE r.plugin = p.plugin AND r.pool = p.key AND r.status = 'held')";
    assert_eq!(ledger.ask(held), Vec::<String>::new(), "what is reserved is held by somebody");
    let passed = "SELECT key FROM counters WHERE used > limit_max";
    assert_eq!(ledger.ask(passed), Vec::<String>::new(), "counters");
    let redeemed = format!("{} || ' ' || {}", ledger.member("coupon"), ledger.member("order"));
    for (what, once) in [
        ("coupon.issued", ledger.member("coupon")),
        ("coupon.redeemed", redeemed),
        ("draw.completed", ledger.member("seq")),
        ("flash.committed", ledger.member("order")),
    ] {
        let of = format!("SELECT CAST({once} AS TEXT) FROM events WHERE event_type = '{what}'");
        let doubled = ledger.ask(&format!("{of} GROUP BY 1 HAVING count(*) > 1"));
        assert_eq!(doubled, Vec::<String>::new(), "{what} doubled");
        let named = ledger.ask(&format!("{of} LIMIT 1"));
        assert!(
            named.iter().any(|name| !name.is_empty()),
            "no {what} happened, so the test shows nothing: {named:?}"
        );
    }
}

/// Two tenants hold the same, table by table.
fn same(one: &Ledger, other: &Ledger) {
    let tables = one.tables();
    assert!(tables.len() > 10, "{tables:?}");
    let mut differences = BTreeMap::new();
    for table in tables {
        let apart =
            APART.iter().find(|(name, _)| *name == table).map_or(&[] as &[&str], |(_, columns)| *columns);
        if apart == ["*"] {
            continue;
        }
        let rows = one.rows(&table, apart);
        let (one, other): (BTreeSet<_>, BTreeSet<_>) =
            (one.ask(&rows).into_iter().collect(), other.ask(&rows).into_iter().collect());
        let only: Vec<_> = one.symmetric_difference(&other).take(SHOWN).cloned().collect();
        if !only.is_empty() {
            differences.insert(table, only);
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

impl Ledger {
    /// One column of text.
    pub(crate) fn ask(&self, sql: &str) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let rows: Vec<Option<String>> = runtime.block_on(async {
            match self {
                Self::File(path) | Self::Written(path) => {
                    let is_read_only = matches!(self, Self::File(_));
                    let options = SqliteConnectOptions::new().filename(path).read_only(is_read_only);
                    let mut connection: SqliteConnection = options.connect().await.expect("the database");
                    let query = sqlx::query_scalar(AssertSqlSafe(sql));
                    let rows = query.fetch_all(&mut connection).await.expect(sql);
                    connection.close().await.expect("closed");
                    rows
                }
                Self::Schema(url) => {
                    let options: PgConnectOptions = url.parse().expect("a URL");
                    let options =
                        options.options([("search_path", "siyu_default")]).disable_statement_logging();
                    let mut connection: PgConnection = options.connect().await.expect("the database");
                    let query = sqlx::query_scalar(AssertSqlSafe(sql));
                    let rows = query.fetch_all(&mut connection).await.expect(sql);
                    connection.close().await.expect("closed");
                    rows
                }
            }
        });
        rows.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// A member of an event's document.
    fn member(&self, name: &str) -> String {
        match self {
            Self::File(_) | Self::Written(_) => format!("(data ->> '$.{name}')"),
            Self::Schema(_) => format!("(data::json ->> '{name}')"),
        }
    }

    /// Bytes as digits.
    fn hex(&self, column: &str) -> String {
        match self {
            Self::File(_) | Self::Written(_) => format!("lower(hex({column}))"),
            Self::Schema(_) => format!("encode({column}, 'hex')"),
        }
    }

    fn tables(&self) -> Vec<String> {
        self.ask(match self {
            Self::File(_) | Self::Written(_) => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1"
            }
            Self::Schema(_) => {
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'siyu_default' ORDER BY 1"
            }
        })
    }

    /// A question for the rows of a table, each as one text, without some columns.
    fn rows(&self, table: &str, apart: &[&str]) -> String {
        match self {
            Self::File(_) | Self::Written(_) => {
                let columns =
                    self.ask(&format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid"));
                let quoted: Vec<_> = columns
                    .iter()
                    .filter(|column| !apart.contains(&column.as_str()))
                    .map(|column| format!("'{column}=' || quote(\"{column}\")"))
                    .collect();
                format!("SELECT {} FROM \"{table}\"", quoted.join(" || ' ' || "))
            }
            // Numbers from a sequence have gaps where a transaction ended without a commit.
            Self::Schema(_) => {
                let apart = ["no"].iter().chain(apart).copied().collect::<Vec<_>>().join(",");
                format!("SELECT (to_jsonb(t) - '{{{apart}}}'::text[])::text FROM \"{table}\" t")
            }
        }
    }
}
