//! The power goes, again and again: the file system of the data folder is shut down without writing anything more, as a disk
//! without power does, and mounted again. What was acknowledged before is there; and with a setting that does not wait for
//! the disk it is not, which shows that the test can see a loss.
//!
//! `SIYU_CUTS` says how often, `SIYU_CUT_SEED` when.

use std::time::Duration;

use crate::disk::Disk;
use crate::ledger;
use crate::pace::Pace;
use crate::program::{self, Life, Stage};
use crate::support::number;

/// Cuts when nobody says how many.
const CUTS: u64 = 100;
/// Customers for these cuts, and for more of them more.
const CUSTOMERS: u64 = 1_200;
const MORE_MAX: u64 = 3;
/// How long the program lives on after its first acknowledgement where no disk is waited for: many batches.
const LONGER_MS: std::ops::Range<u64> = 200..500;
/// Bytes of the disk, of which only what is written takes room.
const DISK_BYTES: u64 = 1 << 30;
/// The setting that loses.
const LOSES: [&str; 2] = ["--durability", "loses-commits-on-power-cut"];

/// Takes the power away from a program at work, and gives it back. Gives how many events are missing that were
/// acknowledged before.
fn cut(stage: &Stage, life: Life<'_>, disk: &Disk) -> usize {
    // It stands still while its acknowledgements are read: one that comes after the power went proves nothing.
    life.stand_still();
    let acknowledged = stage.acknowledged();
    disk.cut_power();
    life.kill();
    disk.power_up();
    if acknowledged.is_empty() {
        return 0;
    }
    ledger::is_sound(stage);
    ledger::missing(stage, &acknowledged).len()
}

/// A tenant on a disk of its own, on which everything is that was there before the first event.
fn stage(disk: &Disk, feed: &std::path::Path, arguments: &[&'static str]) -> Stage {
    let stage = Stage::new(disk.folder().join("data"), feed).with(arguments);
    disk.sync();
    stage
}

#[test]
fn what_was_acknowledged_before_the_power_went_is_there_when_it_comes_back() {
    let (cuts, seed) = (number("SIYU_CUTS", CUTS), number("SIYU_CUT_SEED", 20_261_122));
    let folder = tempfile::tempdir().expect("a folder");
    let disk = match Disk::make(folder.path(), "disk", DISK_BYTES) {
        Ok(disk) => disk,
        Err(why) => return println!("skipped: a disk of its own cannot be made here: {why}"),
    };
    let customers = CUSTOMERS * cuts.div_ceil(CUTS).min(MORE_MAX);
    let feed = program::feed(folder.path(), usize::try_from(customers).expect("a number"));
    let undisturbed = Stage::new(folder.path().join("undisturbed"), &feed);
    undisturbed.finish();

    let stage = stage(&disk, &feed, &[]);
    let mut pace = Pace::new(cuts, &undisturbed, seed);
    for number in 0..cuts {
        let missing = cut(&stage, pace.live(&stage), &disk);
        assert_eq!(missing, 0, "acknowledged and lost, cut {number}, seed {seed}");
        if !stage.acknowledged().is_empty() {
            ledger::has_sent_what_it_says(&stage);
        }
    }
    stage.finish();
    println!(
        "{cuts} cuts, {} events acknowledged, none of them lost, seed {seed}",
        stage.acknowledged().len()
    );
    ledger::ends_as(&undisturbed, &stage);
}

#[test]
fn without_waiting_for_the_disk_acknowledged_events_are_lost_with_the_power() {
    let cuts = (number("SIYU_CUTS", CUTS) / 20).max(3);
    let folder = tempfile::tempdir().expect("a folder");
    let disk = match Disk::make(folder.path(), "disk", DISK_BYTES) {
        Ok(disk) => disk,
        Err(why) => return println!("skipped: a disk of its own cannot be made here: {why}"),
    };
    // More than is done in so many rounds, wherever it runs.
    let feed = program::feed(folder.path(), usize::try_from(CUSTOMERS * MORE_MAX).expect("a number"));
    let stage = stage(&disk, &feed, &LOSES);
    // The tables themselves are there: a tenant that was never closed has nothing on the disk at all.
    let mut life = stage.start();
    assert!(!life.until(1), "it ended");
    life.interrupt();
    disk.sync();
    let mut chance = fastrand::Rng::with_seed(number("SIYU_CUT_SEED", 20_261_122));
    let mut lost = 0;
    for _ in 0..cuts {
        let longer = Duration::from_millis(chance.u64(LONGER_MS));
        let mut life = stage.start();
        assert!(!life.until(1) && !life.go_on_for(longer), "it ended");
        lost += cut(&stage, life, &disk);
        // What is lost is fed again, so that the next life tells of new losses only.
        stage.forget();
    }
    println!("{cuts} cuts without waiting for the disk: {lost} acknowledged events lost");
    assert!(lost > 0, "without waiting for the disk something must be lost, or the other test sees nothing");
}
