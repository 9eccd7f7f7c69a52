//! The program is killed with SIGKILL at random moments of a run of thousands of customers, again and again, and ends
//! where a run ends that nobody disturbed.
//!
//! `SIYU_KILLS` and `SIYU_KILLS_POSTGRES` say how often, `SIYU_KILL_SEED` when.

use siyu_test_postgres::Scratch;

use crate::ledger;
use crate::pace::Pace;
use crate::program::{self, Stage};
use crate::support::number;

/// Kills when nobody says how many: in files, and in a database.
const KILLS: u64 = 200;
const KILLS_POSTGRES: u64 = 50;
/// Customers for these kills, and for more of them more, up to a feed whose undisturbed replay takes a minute or two.
const CUSTOMERS: u64 = 2_000;
const CUSTOMERS_POSTGRES: u64 = 800;
const MORE_MAX: u64 = 3;

/// Kills the program so often, and lets it end then.
fn kill_again_and_again(stage: &Stage, undisturbed: &Stage, kills: u64) {
    let mut pace = Pace::new(kills, undisturbed, seed());
    for _ in 0..kills {
        pace.live(stage).kill();
    }
    stage.finish();
}

fn seed() -> u64 {
    number("SIYU_KILL_SEED", 20_261_122)
}

fn customers(kills: u64, usual: (u64, u64)) -> usize {
    usize::try_from(usual.1 * kills.div_ceil(usual.0).min(MORE_MAX)).expect("a number of customers")
}

#[test]
fn killed_at_random_moments_it_ends_where_an_undisturbed_run_ends() {
    let kills = number("SIYU_KILLS", KILLS);
    let folder = tempfile::tempdir().expect("a folder");
    let feed = program::feed(folder.path(), customers(kills, (KILLS, CUSTOMERS)));
    let undisturbed = Stage::new(folder.path().join("undisturbed"), &feed);
    undisturbed.finish();
    let killed = Stage::new(folder.path().join("killed"), &feed);
    kill_again_and_again(&killed, &undisturbed, kills);
    println!("{kills} kills, {} events acknowledged, seed {}", killed.acknowledged().len(), seed());
    ledger::ends_as(&undisturbed, &killed);
}

#[test]
fn killed_at_random_moments_it_ends_where_an_undisturbed_run_ends_in_a_database_too() {
    let kills = number("SIYU_KILLS_POSTGRES", KILLS_POSTGRES);
    let folder = tempfile::tempdir().expect("a folder");
    let feed = program::feed(folder.path(), customers(kills, (KILLS_POSTGRES, CUSTOMERS_POSTGRES)));
    let databases = [Scratch::make().expect("a database"), Scratch::make().expect("a database")];
    let stage = |name: &str, database: &Scratch| {
        Stage::new(folder.path().join(name), &feed).in_database(&database.url())
    };
    let undisturbed = stage("undisturbed", &databases[0]);
    undisturbed.finish();
    let killed = stage("killed", &databases[1]);
    kill_again_and_again(&killed, &undisturbed, kills);
    println!("{kills} kills, {} events acknowledged, seed {}", killed.acknowledged().len(), seed());
    ledger::ends_as(&undisturbed, &killed);
}
