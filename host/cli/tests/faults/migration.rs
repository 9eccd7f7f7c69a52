//! The program is killed with SIGKILL while it brings a database to the newest version. The same command then goes on, and
//! leaves what an undisturbed one leaves.
//!
//! `SIYU_MIGRATION_KILLS` and `SIYU_MIGRATION_KILLS_POSTGRES` say how often it is killed half-way.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use siyu_test_postgres::Scratch;

use crate::ledger::Ledger;
use crate::program::Stage;
use crate::support::{number, playbook};

/// What is published.
const PLAYBOOK: &str = "steak-club";
/// Kills half-way when nobody says how many: in files, and in a database.
const KILLS: u64 = 20;
const KILLS_POSTGRES: u64 = 6;
/// Starts after which a test that is never in time has failed.
const TRIES_PER_KILL: u64 = 15;
/// How long the first migration of a file takes at most, to begin with; it is drawn closer when that is too long.
const MOMENT_MAX_US: f64 = 20_000.0;
/// No start takes longer.
const LONG: Duration = Duration::from_secs(60);

/// What makes each statement that changes a schema take a while, so that there is time to be killed in. Whatever the
/// program does is what it does without it.
const SLOW: &str = "
CREATE FUNCTION public.siyu_slow() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.004); END';
CREATE EVENT TRIGGER siyu_slow ON ddl_command_end EXECUTE FUNCTION public.siyu_slow();";
const NOT_SLOW: &str = "DROP EVENT TRIGGER IF EXISTS siyu_slow; DROP FUNCTION IF EXISTS public.siyu_slow();";
/// The lock under which a database is migrated (`host/store/src/postgres/migrate.rs`).
const MIGRATING: &str =
    "SELECT pid::text FROM pg_locks WHERE locktype = 'advisory' AND objid = 1936292213 AND granted
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
/// All columns, constraints and indexes of the schemas that the program makes.
const SCHEMAS: &str = "
SELECT 'column ' || table_schema || '.' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
FROM information_schema.columns WHERE table_schema LIKE 'siyu%'
UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace IN (SELECT oid FROM pg_namespace WHERE nspname LIKE 'siyu%') AND conrelid <> 0
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname LIKE 'siyu%'
ORDER BY 1";
/// The schemas that the program makes.
const MADE: [&str; 2] = ["siyu", "siyu_default"];

/// Begins to publish, which opens the tenant and so makes its database or brings it up to date.
fn begin(stage: &Stage) -> Child {
    stage.siyu().arg("publish").arg(playbook(PLAYBOOK)).spawn().expect("siyu starts")
}

fn kill(mut child: Child) {
    child.kill().expect("SIGKILL");
    child.wait().expect("it is dead");
}

fn publish(stage: &Stage) {
    let path = playbook(PLAYBOOK);
    stage.call(&["publish", path.to_str().expect("a path")]);
}

/// Returns once something holds; gives whether the program ended before.
fn wait(child: &mut Child, mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !holds() {
        if child.try_wait().expect("it can be waited for").is_some() {
            return true;
        }
        assert!(begun.elapsed() < LONG, "it neither goes on nor ends");
    }
    false
}

/// What stands in a file of SQLite, looked at in a copy: looking must not recover it.
fn schema_of_copy(folder: &Path, data: &Path) -> Vec<String> {
    let copy = folder.join("copy");
    drop(std::fs::remove_dir_all(&copy));
    std::fs::create_dir(&copy).expect("a folder");
    for entry in std::fs::read_dir(data.join("tenants")).expect("tenants") {
        let path = entry.expect("a file").path();
        std::fs::copy(&path, copy.join(path.file_name().expect("a name"))).expect("a copy");
    }
    schema_of(&copy.join("default.db"))
}

/// All that a file says of itself, and its version.
fn schema_of(file: &Path) -> Vec<String> {
    let ledger = Ledger::Written(file.to_owned());
    let mut schema = ledger.ask("SELECT coalesce(sql, name) FROM sqlite_master ORDER BY name");
    if ledger.ask("SELECT name FROM sqlite_master WHERE name = 'migrations'").len() == 1 {
        schema.extend(ledger.ask("SELECT 'version ' || version FROM migrations ORDER BY version"));
    }
    assert_eq!(ledger.ask("PRAGMA integrity_check"), ["ok"]);
    schema
}

/// The versions of the schemas that are there.
fn versions(ledger: &Ledger) -> Vec<String> {
    let is_there = |schema: &&&str| {
        ledger.ask(&format!("SELECT to_regclass('{schema}.migrations')::text")) != [String::new()]
    };
    let version =
        |schema: &&str| ledger.ask(&format!("SELECT '{schema} ' || max(version) FROM {schema}.migrations"));
    MADE.iter().filter(is_there).flat_map(version).collect()
}

#[test]
fn killed_while_it_makes_a_file_it_makes_it_whole_the_next_time() {
    let kills = number("SIYU_MIGRATION_KILLS", KILLS);
    let mut chance = fastrand::Rng::with_seed(number("SIYU_KILL_SEED", 20_261_122));
    let folder = tempfile::tempdir().expect("a folder");
    let stage = |name: &str| Stage::new(folder.path().join(name), &folder.path().join("no.feed"));
    let undisturbed = stage("undisturbed");
    publish(&undisturbed);
    let whole = schema_of_copy(folder.path(), &undisturbed.data);
    let (mut half_way, mut moment_us) = (0, MOMENT_MAX_US);
    for number in 0..kills * TRIES_PER_KILL {
        let stage = stage(&format!("killed-{number}"));
        let file: PathBuf = stage.data.join("tenants/default.db");
        let mut child = begin(&stage);
        let has_ended = wait(&mut child, || file.exists());
        assert!(!has_ended, "it ended before it made its file");
        let until = Instant::now() + Duration::from_micros(chance.u64(0..moment_us as u64 + 1));
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        kill(child);
        let is_whole = schema_of_copy(folder.path(), &stage.data) == whole;
        half_way += u64::from(!is_whole);
        // It was too late, or in time: draw closer, or dare more.
        moment_us = (moment_us * if is_whole { 0.8 } else { 1.1 }).clamp(50.0, MOMENT_MAX_US);
        publish(&stage);
        assert_eq!(schema_of_copy(folder.path(), &stage.data), whole);
        std::fs::remove_dir_all(&stage.data).expect("a folder that is done with");
        if half_way >= kills {
            println!("killed {half_way} times half-way, of {} kills", number + 1);
            return;
        }
    }
    panic!("only {half_way} kills were in time");
}

#[test]
fn killed_while_it_makes_a_schema_it_makes_it_whole_the_next_time() {
    let kills = number("SIYU_MIGRATION_KILLS_POSTGRES", KILLS_POSTGRES);
    let mut chance = fastrand::Rng::with_seed(number("SIYU_KILL_SEED", 20_261_122));
    let folder = tempfile::tempdir().expect("a folder");
    let stage = |name: &str, database: &Scratch| {
        Stage::new(folder.path().join(name), &folder.path().join("no.feed")).in_database(&database.url())
    };
    let (whole, newest) = {
        let database = Scratch::make().expect("a database");
        let undisturbed = stage("undisturbed", &database);
        publish(&undisturbed);
        (undisturbed.ledger().ask(SCHEMAS), versions(&undisturbed.ledger()))
    };
    assert!(whole.len() > 100 && newest.len() == MADE.len(), "{newest:?}");
    let mut half_way = 0;
    for number in 0..kills * TRIES_PER_KILL {
        let database = Scratch::make().expect("a database");
        let stage = stage(&format!("killed-{number}"), &database);
        database.execute(SLOW).expect("a slow schema");
        let mut child = begin(&stage);
        let is_migrating = || !stage.ledger().ask(MIGRATING).is_empty();
        let has_ended = wait(&mut child, is_migrating);
        assert!(!has_ended, "it ended before it migrated");
        // Some are killed in the migrations of the host, some in those of the tenant.
        std::thread::sleep(Duration::from_millis(chance.u64(0..900)));
        let before = versions(&stage.ledger());
        kill(child);
        half_way += u64::from(before != newest);
        // The server goes on for a while with what nobody waits for any more; the next one waits for it.
        publish(&stage);
        database.execute(NOT_SLOW).expect("a schema as before");
        assert_eq!(versions(&stage.ledger()), newest);
        assert_eq!(stage.ledger().ask(SCHEMAS), whole);
        if half_way >= kills {
            println!("killed {half_way} times half-way, of {} kills", number + 1);
            return;
        }
    }
    panic!("only {half_way} kills were in time");
}
