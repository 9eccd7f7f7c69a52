//! The Postgres server goes away: it is restarted, it crashes, it is killed, it ends all sessions, or a standby takes its place.
//! The program goes on or says why it ends, and everything acknowledged is in the database afterwards, once.
//!
//! `SIYU_RESTARTS`, `SIYU_TERMINATIONS` and `SIYU_FAILOVERS` say how often.

use siyu_test_postgres::{Binaries, Server, Stop};

use crate::ledger;
use crate::pace::Pace;
use crate::program::{self, Life, Stage};
use crate::support::number;

/// Customers of these tests.
const CUSTOMERS: usize = 600;
/// How often when nobody says it.
const RESTARTS: u64 = 6;
const TERMINATIONS: u64 = 12;
const FAILOVERS: u64 = 1;

/// Ends all sessions of hosts.
const TERMINATE: &str =
    "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE application_name = 'siyu'";

/// What an undisturbed run on a server of its own ends with.
struct Scene {
    feed: std::path::PathBuf,
    undisturbed: Stage,
    _server: Server,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let feed = program::feed(folder.path(), CUSTOMERS);
        let server = server();
        let undisturbed = Stage::new(folder.path().join("undisturbed"), &feed).in_database(server.url());
        undisturbed.finish();
        Self { feed, undisturbed, _server: server, folder }
    }

    /// A tenant on a server; two of the same name have the same data folder.
    fn stage(&self, name: &str, server: &Server) -> Stage {
        Stage::new(self.folder.path().join(name), &self.feed).in_database(server.url())
    }

    /// So many fates over the feed, others in each turn.
    fn pace(&self, fates: u64, turn: u64) -> Pace {
        Pace::new(fates, &self.undisturbed, number("SIYU_DATABASE_SEED", 20_261_122) + turn)
    }
}

/// The program goes on to the end, or says that it ends and why. Gives whether it went on.
fn goes_on_or_ends_clearly(life: Life<'_>) -> bool {
    let said = life.end();
    // 2 when it had not begun yet.
    assert!(matches!(said.status, Some(0..=2)), "{:?}: {}", said.status, said.text);
    if said.status != Some(0) {
        let is_told =
            ["the database failed", "cannot be reached"].iter().any(|part| said.text.contains(part));
        assert!(is_told && said.text.contains("error: "), "{}", said.text);
    }
    said.status == Some(0)
}

/// Everything acknowledged is there, if anything is.
fn holds_what_there_is(stage: &Stage) {
    if !stage.acknowledged().is_empty() {
        ledger::holds_all(stage);
    }
}

fn server() -> Server {
    Server::start(&Binaries::find().expect("Postgres")).expect("a server")
}

#[test]
fn a_server_that_restarts_or_crashes_in_the_middle_costs_nothing_that_was_acknowledged() {
    let scene = Scene::new();
    let mut server = server();
    let stage = scene.stage("restarted", &server);
    let restarts = number("SIYU_RESTARTS", RESTARTS);
    let mut pace = scene.pace(restarts, 0);
    for (_, how) in (0..restarts).zip([Stop::Fast, Stop::Immediate, Stop::Kill].into_iter().cycle()) {
        let life = pace.live(&stage);
        server.stop(how).expect("it stops");
        goes_on_or_ends_clearly(life);
        server.start_again().expect("it starts again");
        holds_what_there_is(&stage);
    }
    stage.finish();
    println!("{restarts} restarts and crashes, {} events acknowledged", stage.acknowledged().len());
    ledger::ends_as(&scene.undisturbed, &stage);
}

/// Lives that may end before they have a session.
const SPARE_LIVES: u64 = 20;

#[test]
fn sessions_that_are_ended_in_the_middle_cost_nothing_that_was_acknowledged() {
    let scene = Scene::new();
    let terminations = number("SIYU_TERMINATIONS", TERMINATIONS);
    let (mut ended, mut times, mut events, mut turn) = (0, 0, 0, 0);
    while times < terminations {
        let server = server();
        let stage = scene.stage(&format!("terminated-{turn}"), &server);
        let (before, lives) = (times, terminations - times + SPARE_LIVES);
        let mut pace = scene.pace(lives, turn);
        for _ in 0..lives {
            if times == terminations {
                break;
            }
            let life = pace.live(&stage);
            let sessions = server.execute(TERMINATE).expect("sessions are ended").len();
            ended += sessions;
            times += u64::from(sessions > 0);
            if sessions == 0 {
                // It had none yet.
                life.kill();
            } else if goes_on_or_ends_clearly(life) {
                // It went on to the end of the feed: the rest befalls another tenant.
                break;
            }
            holds_what_there_is(&stage);
        }
        stage.finish();
        ledger::ends_as(&scene.undisturbed, &stage);
        events += stage.acknowledged().len();
        turn += 1;
        assert!(times > before, "no session was there in {lives} lives of turn {turn}");
    }
    println!("{times} times in {turn} tenants, {ended} sessions ended, {events} events acknowledged");
}

#[test]
fn a_standby_that_takes_over_has_everything_that_was_acknowledged() {
    let scene = Scene::new();
    let failovers = number("SIYU_FAILOVERS", FAILOVERS);
    let mut primary = server();
    let folder = "failed-over";
    let mut pace = scene.pace(failovers, 0);
    for _ in 0..failovers {
        let standby = primary.standby().expect("a standby");
        primary.wait_for_standby().expect("it follows");
        let stage = scene.stage(folder, &primary);
        let life = pace.live(&stage);
        primary.stop(Stop::Kill).expect("it is dead");
        goes_on_or_ends_clearly(life);
        standby.promote().expect("it takes over");
        primary = standby;
        holds_what_there_is(&scene.stage(folder, &primary));
    }
    let stage = scene.stage(folder, &primary);
    stage.finish();
    println!("{failovers} failovers, {} events acknowledged", stage.acknowledged().len());
    ledger::ends_as(&scene.undisturbed, &stage);
}
