//! Tenants of every version that there ever was open with today's program and go on to their end, on both databases.
//!
//! `cargo xtask fixture` makes the fixture of the newest version, once; fixtures of older versions are never made again. Only when
//! the engine is meant to do otherwise from now on, `ended.txt` says so; what a version wrote (`*.sql`, `began.txt`) stays.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use siyu_engine::ports::inspect::{Inspect, MessageFilter, RunFilter, Turn};
use siyu_engine::ports::store::{StoreError, Stores};
use siyu_model::message::MessageStatus;
use siyu_model::name::TenantName;
use siyu_model::run::RunPhase;
use siyu_store::{PgInspect, PgOptions, PgStores, SqliteInspect, SqliteOptions, SqliteStores};
use siyu_test_postgres::Scratch;
use siyu_tests::upgrade::{SECRET, TENANT, begin, finish, story};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

fn tenant() -> TenantName {
    TenantName::new(TENANT).unwrap()
}

/// The folders of all versions, oldest first.
fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut found: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

/// A tenant in one of both databases.
struct Kept {
    stores: Arc<dyn Stores>,
    inspect: Arc<dyn Inspect>,
    /// What must stay as long as the tenant.
    _place: (Option<tempfile::TempDir>, Option<Scratch>),
}

async fn sqlite(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

/// The fixture of a version as a file.
async fn in_file(fixture: &Path) -> (tempfile::TempDir, SqliteStores) {
    let folder = tempfile::tempdir().unwrap();
    let stores = SqliteStores::new(folder.path(), SqliteOptions::default());
    let mut connection = sqlite(&stores.path(&tenant())).await;
    let text = std::fs::read_to_string(fixture.join("sqlite.sql")).unwrap();
    sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    (folder, stores)
}

/// The fixture of a version as a schema.
fn in_schema(fixture: &Path) -> (Scratch, PgStores) {
    let scratch = Scratch::make().unwrap();
    scratch.execute(&std::fs::read_to_string(fixture.join("postgres.sql")).unwrap()).unwrap();
    let stores = PgStores::new(&scratch.url(), PgOptions::default()).unwrap();
    (scratch, stores)
}

/// A fixture in both databases, opened once so that it is of today's version.
async fn opened(fixture: &Path) -> [Kept; 2] {
    let (folder, files) = in_file(fixture).await;
    files.open(&tenant()).await.unwrap().close().await.unwrap();
    let inspect = Arc::new(SqliteInspect::open(files.path(&tenant())).await.unwrap());
    let one = Kept { stores: Arc::new(files), inspect, _place: (Some(folder), None) };
    let (scratch, database) = in_schema(fixture);
    database.open(&tenant()).await.unwrap().close().await.unwrap();
    let inspect = Arc::new(PgInspect::open(&database, &tenant()).await.unwrap());
    let other = Kept { stores: Arc::new(database), inspect, _place: (None, Some(scratch)) };
    [one, other]
}

/// A line of text for each line of a story.
fn text(story: &[String]) -> String {
    story.iter().map(|line| format!("{line}\n")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_of_every_version_goes_on_to_the_end_that_it_had() {
    for fixture in fixtures() {
        let (began, ended) = (fixture.join("began.txt"), fixture.join("ended.txt"));
        for (kept, on) in opened(&fixture).await.into_iter().zip(["a file", "a schema"]) {
            let found = text(&story(&*kept.inspect).await.unwrap());
            assert_eq!(found, std::fs::read_to_string(&began).unwrap(), "{} in {on}", began.display());
            finish(kept.stores.clone(), &*kept.inspect).await.unwrap();
            let found = text(&story(&*kept.inspect).await.unwrap());
            assert_eq!(found, std::fs::read_to_string(&ended).unwrap(), "{} in {on}", ended.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixture_is_in_the_middle_of_everything() {
    for fixture in fixtures() {
        for kept in opened(&fixture).await {
            let phases: Vec<RunPhase> = kept
                .inspect
                .runs(RunFilter::default(), Turn::first(1_000))
                .await
                .unwrap()
                .items
                .iter()
                .map(|run| run.phase)
                .collect();
            for phase in [RunPhase::Live, RunPhase::Queued, RunPhase::Paused] {
                assert!(phases.contains(&phase), "{phase:?}: {phases:?}");
            }
            let planned = MessageFilter { status: Some(MessageStatus::Planned), ..MessageFilter::default() };
            assert_eq!(kept.inspect.messages(planned, Turn::first(10)).await.unwrap().items.len(), 3);
            let held = kept.inspect.reservation_tallies("probe").await.unwrap();
            assert!(!held.is_empty(), "stock is held");
            let size = kept.inspect.size().await.unwrap();
            let mut tables = vec![
                "waits",
                "timers",
                "planned",
                "codes",
                "tags",
                "schedules",
                "records",
                "counters",
                "entries",
            ];
            if !fixture.ends_with("v1") {
                tables.extend(["accounts", "ledger_entries"]);
            }
            for table in tables {
                let rows = size.rows.iter().find(|(name, _)| name == table).unwrap().1;
                assert!(rows > 0, "{table}");
            }
        }
    }
}

/// A story without what a hash made of it: ids keep the instant that they begin with, what a step draws from its run's id is
/// left out, and what is listed in the order of ids (a run with its journal, a line of anything else) is sorted.
fn without_hashes(text: &str) -> Vec<String> {
    // After its prefix an id has ten characters of the instant and sixteen of the hash.
    let shorten = |part: &str| match part.bytes().take_while(u8::is_ascii_alphanumeric).count() {
        26 => format!("{}{}", &part[..10], &part[26..]),
        _ => part.to_owned(),
    };
    let drawn = [(r#"\"code\":\""#, r#"\","#), (r#"\"found\":\""#, r#"\","#), (r#"\"random\":["#, "]")];
    let mut parts: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = drawn.iter().fold(line.to_owned(), |line, (from, to)| match line.split_once(from) {
            Some((before, after)) => format!("{before}{}", after.split_once(to).unwrap().1),
            None => line,
        });
        let line = line.split('_').map(shorten).collect::<Vec<_>>().join("_");
        match parts.last_mut() {
            Some(run) if line.starts_with(' ') => run.extend(["\n", &line]),
            _ => parts.push(line),
        }
    }
    parts.sort();
    parts
}

/// What today's program makes of the same workload when it has played all of it. Ids may be derived in another way than then.
#[tokio::test(flavor = "multi_thread")]
async fn todays_program_plays_the_workload_as_the_newest_fixture_says() {
    let fixture = fixtures().pop().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions { secret: Some(SECRET), ..SqliteOptions::default() };
    let stores = Arc::new(SqliteStores::new(folder.path(), options));
    begin(stores.clone()).await.unwrap();
    let inspect = SqliteInspect::open(stores.path(&tenant())).await.unwrap();
    let kept = |name| without_hashes(&std::fs::read_to_string(fixture.join(name)).unwrap());
    let found = text(&story(&inspect).await.unwrap());
    assert_eq!(without_hashes(&found), kept("began.txt"));
    finish(stores, &inspect).await.unwrap();
    let found = text(&story(&inspect).await.unwrap());
    assert_eq!(without_hashes(&found), kept("ended.txt"));
}

#[tokio::test]
async fn a_tenant_of_a_later_version_is_refused_and_left_as_it_is() {
    let fixture = fixtures().pop().unwrap();
    let later = "INSERT INTO migrations (version, name, checksum) SELECT max(version) + 1, '9999_later', max(checksum) \
        FROM migrations";
    let (_folder, files) = in_file(&fixture).await;
    let path = files.path(&tenant());
    let mut connection = sqlite(&path).await;
    sqlx::raw_sql(later).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let (scratch, database) = in_schema(&fixture);
    scratch
        .execute(&format!(
            "SET search_path = \"siyu_{TENANT}\"; {}",
            later.replace("max(checksum)", "min(checksum::text)::bytea")
        ))
        .unwrap();
    for stores in [&files as &dyn Stores, &database] {
        let refused = stores.open(&tenant()).await.err().unwrap();
        assert!(matches!(refused, StoreError::Newer { .. }), "{refused}");
        assert!(refused.to_string().contains("use a newer host"), "{refused}");
    }
    assert!(matches!(SqliteInspect::open(&path).await.err().unwrap(), StoreError::Newer { .. }));
    // No lease was taken.
    let epoch = epoch_of(&fixture);
    let mut connection = sqlite(&path).await;
    let row = sqlx::query("SELECT epoch FROM lease").fetch_one(&mut connection).await.unwrap();
    assert_eq!(row.get::<i64, _>(0), epoch);
    let found = format!("(SELECT epoch FROM \"siyu_{TENANT}\".lease)");
    scratch.execute(&format!("DO $$ BEGIN ASSERT {found} = {epoch}; END $$")).unwrap();
}

/// The epoch that a fixture was left with.
fn epoch_of(fixture: &Path) -> i64 {
    let text = std::fs::read_to_string(fixture.join("sqlite.sql")).unwrap();
    let line = text.lines().find(|line| line.starts_with("INSERT INTO \"lease\"")).unwrap();
    let values = line.split_once("VALUES (").unwrap().1;
    values.split(',').nth(1).unwrap().trim().parse().unwrap()
}
