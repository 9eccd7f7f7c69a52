//! The disk is full, or cannot write any more: the program says so and ends, acknowledges nothing that is not durable, and goes
//! on where it was once the disk is well again.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use crate::disk::{self, Disk};
use crate::ledger;
use crate::program::{self, Stage};
use crate::support::number;

/// Customers of these tests.
const CUSTOMERS: usize = 800;
/// Bytes of the disk, of which only what is written takes room.
const DISK_BYTES: u64 = 256 << 20;
/// Bytes that are left on a full disk; each time so many more.
const LEFT_BYTES: u64 = 1 << 20;
/// Times that the disk is full at most; the program needs fewer.
const FULL_MAX: u64 = 15;
/// Rounds of a sync that fails when nobody says how many, a file.
const ROUNDS: u64 = 4;
/// Customers a round on a disk that has not the room that it promises: each round takes some batches of events, and there
/// must be some left for the next one.
const THIN_CUSTOMERS: u64 = 600;
/// Bytes of such a disk.
const THIN_BYTES: u64 = 512 << 20;
/// Bytes of room that such a disk has left, and of a file that takes more.
const THIN_LEFT_BYTES: u64 = 100 << 10;
const TOO_MUCH_BYTES: usize = 1 << 20;
/// How long the program goes on after such a disk has room again.
const LONGER_MS: std::ops::Range<u64> = 50..200;
/// Of so many syncs one in this range fails, and all after it.
const SYNCS_MAX: u64 = 24;

/// The library that lets syncs fail.
static FAILING_SYNC: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/failing_sync.c");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let library = folder.join(format!("failing_sync-{}.so", std::process::id()));
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).arg("-ldl");
    let output = cc.output().map_err(|why| format!("cc: {why}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(library) } else { Err(format!("cc: {}", said.trim())) }
});

#[test]
fn a_full_disk_stops_the_program_and_loses_nothing_and_it_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = match Disk::make(folder.path(), "disk", DISK_BYTES) {
        Ok(disk) => disk,
        Err(why) => return println!("skipped: a disk of its own cannot be made here: {why}"),
    };
    let feed = program::feed(folder.path(), CUSTOMERS);
    let stage = Stage::new(disk.folder().join("data"), &feed);
    let mut stopped = 0;
    for round in 1..=FULL_MAX {
        disk::empty(disk.folder());
        disk.sync();
        disk::fill(disk.folder(), LEFT_BYTES * round);
        let said = stage.start().end();
        if said.status == Some(0) {
            break;
        }
        assert_eq!(said.status, Some(1), "{}", said.text);
        for part in ["full", "what was acknowledged is durable", "help:"] {
            assert!(said.text.contains(part), "{round}: {}", said.text);
        }
        stopped += 1;
        disk::empty(disk.folder());
        if !stage.acknowledged().is_empty() {
            ledger::is_sound(&stage);
            ledger::holds_all(&stage);
        }
    }
    disk::empty(disk.folder());
    stage.finish();
    println!("the disk was full {stopped} times, {} events acknowledged", stage.acknowledged().len());
    assert!(stopped > 0, "the disk was never full");
    ledger::holds_all(&stage);
    ledger::is_sound(&stage);
    ledger::balances(&stage.ledger());
    ledger::has_sent_what_it_says(&stage);
}

/// A tenant whose syncs of some file fail from some call on, again and again; after each time the power goes too, if it can
/// be cut here, and takes whatever was not synced. Gives how often the program ended by it.
fn let_syncs_fail(stage: impl Fn() -> Stage, disk: Option<&Disk>, file: &'static str) -> u64 {
    let library = FAILING_SYNC.as_ref().expect("a C compiler");
    let mut chance = fastrand::Rng::with_seed(number("SIYU_EIO_SEED", 20_261_122));
    let mut ended = 0;
    for _ in 0..number("SIYU_EIO_ROUNDS", ROUNDS) {
        let after = chance.u64(0..SYNCS_MAX).to_string();
        let failing = stage()
            .with_environment("LD_PRELOAD", library)
            .with_environment("SIYU_TEST_EIO_ON", file)
            .with_environment("SIYU_TEST_EIO_AFTER", &after);
        let said = failing.start().end();
        let acknowledged = failing.acknowledged();
        if let Some(disk) = disk {
            disk.cut_power();
            disk.power_up();
        }
        let stage = stage();
        if said.status != Some(0) {
            ended += 1;
            // 2 when it could not even begin.
            assert!(matches!(said.status, Some(1 | 2)), "{file} after {after}: {}", said.text);
            // In SQLite's words, or in those of the system when the very first sync fails.
            let is_told =
                ["disk I/O error", "Input/output error"].iter().any(|told| said.text.contains(told));
            assert!(is_told, "{file} after {after}: {}", said.text);
        }
        if !acknowledged.is_empty() {
            ledger::is_sound(&stage);
            let missing = ledger::missing(&stage, &acknowledged);
            assert_eq!(missing, Vec::<String>::new(), "{file} after {after}: acknowledged and lost");
            ledger::has_sent_what_it_says(&stage);
        }
    }
    ended
}

/// Does the test on a disk whose power can be cut where that is possible, and in a folder where it is not.
#[expect(clippy::print_stdout, reason = "it says what could not be done here")]
fn with_failing_syncs(file: &'static str, check: impl Fn(u64, &Stage, &Stage)) {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Disk::make(folder.path(), "disk", DISK_BYTES);
    if let Err(why) = &disk {
        println!("without power cuts: a disk of its own cannot be made here: {why}");
    }
    let feed = program::feed(folder.path(), CUSTOMERS);
    let place = disk.as_ref().map_or(folder.path(), Disk::folder).join("data");
    let stage = || Stage::new(&place, &feed);
    drop(stage());
    if let Ok(disk) = &disk {
        disk.sync();
    }
    let ended = let_syncs_fail(stage, disk.as_ref().ok(), file);
    let stage = stage();
    stage.finish();
    let undisturbed = Stage::new(folder.path().join("undisturbed"), &feed);
    undisturbed.finish();
    check(ended, &undisturbed, &stage);
}

#[test]
fn when_the_log_cannot_be_synced_the_program_ends_and_what_it_acknowledged_is_there() {
    with_failing_syncs("default.db-wal", |ended, undisturbed, stage| {
        println!("the sync of the log failed and ended the program {ended} times");
        assert!(ended > 0, "no sync failed");
        ledger::ends_as(undisturbed, stage);
    });
}

#[test]
fn when_messages_cannot_be_synced_none_counts_as_sent_that_is_not() {
    with_failing_syncs("outbox", |ended, _, stage| {
        assert_eq!(ended, 0, "a channel that fails stops nothing");
        ledger::holds_all(stage);
        ledger::balances(&stage.ledger());
        ledger::has_sent_what_it_says(stage);
        assert!(!stage.sent().is_empty(), "no message went out");
    });
}

/// Lets the program acknowledge something more and go on for a moment, if there is so much left, and takes the power away.
fn go_on_and_cut(stage: &Stage, disk: &Disk, chance: &mut fastrand::Rng) {
    let mut life = stage.start();
    let longer = Duration::from_millis(chance.u64(LONGER_MS));
    let is_over = life.until(stage.acknowledged_bytes() + 1) || life.go_on_for(longer);
    if !is_over {
        life.stand_still();
    }
    let acknowledged = stage.acknowledged();
    disk.cut_power();
    if is_over {
        let said = life.end();
        assert_eq!(said.status, Some(0), "{}", said.text);
    } else {
        life.kill();
    }
    disk.power_up();
    ledger::is_sound(stage);
    assert_eq!(ledger::missing(stage, &acknowledged), Vec::<String>::new(), "acknowledged and lost");
    ledger::has_sent_what_it_says(stage);
}

#[test]
fn a_disk_without_room_says_so_also_of_what_it_takes_in_part() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = match Disk::thin(folder.path(), "disk", THIN_BYTES) {
        Ok(disk) => disk,
        Err(why) => return println!("skipped: a thin disk cannot be made here: {why}"),
    };
    disk.leave(THIN_LEFT_BYTES);
    let mut file = std::fs::File::create(disk.folder().join("file")).expect("a file");
    file.write_all(&vec![b'a'; TOO_MUCH_BYTES]).expect("it is in memory");
    let synced = file.sync_all();
    assert!(synced.is_err(), "the disk says that it took what it had no room for");
}

#[test]
fn what_a_sync_that_failed_left_in_memory_only_is_not_built_on() {
    let (mut rounds, mut dried, mut events) = (number("SIYU_EIO_ROUNDS", ROUNDS), 0, 0);
    let wanted = rounds;
    let mut seed = number("SIYU_EIO_SEED", 20_261_122);
    while rounds > 0 {
        // A disk has room for some rounds.
        let now = rounds.min(ROUNDS);
        let Some((more, acknowledged)) = run_dry(now, seed) else { return };
        (rounds, seed) = (rounds - now, seed + 1);
        (dried, events) = (dried + more, events + acknowledged);
    }
    println!("{dried} times of {wanted}, {events} events acknowledged");
    assert!(dried > 0, "the disk never ran dry while there was something to write");
}

/// Lets a disk run dry so many times under a tenant; gives how often it was in the middle of something, and how many events were
/// acknowledged. None where such a disk cannot be made.
#[expect(clippy::print_stdout, reason = "it says what could not be done here")]
fn run_dry(rounds: u64, seed: u64) -> Option<(u64, usize)> {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = match Disk::thin(folder.path(), "disk", THIN_BYTES) {
        Ok(disk) => disk,
        Err(why) => {
            println!("skipped: a thin disk cannot be made here: {why}");
            return None;
        }
    };
    let customers = usize::try_from(THIN_CUSTOMERS * rounds).expect("a number of customers");
    let feed = program::feed(folder.path(), customers);
    let stage = Stage::new(disk.folder().join("data"), &feed);
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut dried = 0;
    while dried < rounds {
        let mut life = stage.start();
        let is_over = life.until(stage.acknowledged_bytes() + 1);
        disk.run_dry();
        let said = life.end();
        if is_over || said.status == Some(0) {
            // The last event was durable before the disk ran dry: this machine does more in a round than there is.
            disk.refill();
            break;
        }
        dried += 1;
        assert_eq!(said.status, Some(1), "{}", said.text);
        assert!(said.text.contains("what was acknowledged is durable"), "{}", said.text);
        // What could not be written can be read all the same, until the power goes.
        disk.refill();
        go_on_and_cut(&stage, &disk, &mut chance);
    }
    stage.finish();
    ledger::holds_all(&stage);
    ledger::balances(&stage.ledger());
    ledger::has_sent_what_it_says(&stage);
    Some((dried, stage.acknowledged().len()))
}
