//! A tenant is carried: between databases, into a file and out of it, to people. Nothing is lost on the way, whoever dies.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use siyu_engine::ports::fleet::{Fleet, Posted, Posting};
use siyu_engine::ports::inspect::{Inspect, RunFilter, Turn};
use siyu_engine::ports::rows::WriteSet;
use siyu_engine::ports::store::{StoreError, Stores, Wants};
use siyu_model::clock::UtcMs;
use siyu_model::event::Identity;
use siyu_model::name::TenantName;
use siyu_store::carry::{
    BackupRequest, CarryError, Kept, Mark, MoveEnd, MoveRequest, Moved, Progress, RestoreRequest, backup,
    cancel, export, look, move_tenant, restore,
};
use siyu_store::conformance::samples::{
    AWKWARD, at, customer, event, everything, line, message, name, run, run_id,
};
use siyu_store::{
    PgFleet, PgInspect, PgOptions, PgRole, PgStores, SqliteInspect, SqliteOptions, SqliteStores,
};
use siyu_test_postgres::Scratch;
use sqlx::{ConnectOptions as _, Connection as _};

fn tenant() -> TenantName {
    name("t").unwrap()
}

fn quiet(_: Progress<'_>) {}

/// Two folders and a database.
struct Places {
    folder: tempfile::TempDir,
    _scratch: Scratch,
    files: Kept,
    others: Kept,
    database: Kept,
}

fn places() -> Places {
    let folder = tempfile::tempdir().unwrap();
    let scratch = Scratch::make().unwrap();
    let files =
        |name: &str| Kept::Files(SqliteStores::new(folder.path().join(name), SqliteOptions::default()));
    Places {
        files: files("one"),
        others: files("other"),
        database: Kept::Database(PgStores::new(&scratch.url(), PgOptions::default()).unwrap()),
        folder,
        _scratch: scratch,
    }
}

fn stores(kept: &Kept) -> &dyn Stores {
    match kept {
        Kept::Files(stores) => stores,
        Kept::Database(stores) => stores,
    }
}

async fn inspect(kept: &Kept) -> Box<dyn Inspect> {
    match kept {
        Kept::Files(stores) => Box::new(SqliteInspect::open(stores.path(&tenant())).await.unwrap()),
        Kept::Database(stores) => Box::new(PgInspect::open(stores, &tenant()).await.unwrap()),
    }
}

/// A tenant with every kind of row, texts that databases get wrong, and enough rows for several batches.
async fn fill(kept: &Kept) {
    let store = stores(kept).open(&tenant()).await.unwrap();
    store.commit(everything().unwrap()).await.unwrap();
    let zero = Identity { namespace: "shop".to_owned(), value: format!("a\0b\u{1}{AWKWARD}") };
    let writes = WriteSet {
        identities: vec![(zero, customer(1))],
        events: (100..1_500).map(|number| event(number).unwrap()).collect(),
        runs: (100..800).map(|number| run(number).unwrap()).collect(),
        journal: (100..800).map(|number| line(run_id(number), 0)).collect(),
        messages: (100..900).map(|number| message(number).unwrap()).collect(),
        ..WriteSet::default()
    };
    store.commit(writes).await.unwrap();
    store.close().await.unwrap();
}

fn request<'a>(from: &'a Kept, to: &'a Kept, tenant: &'a TenantName) -> MoveRequest<'a> {
    MoveRequest { from, to, tenant, is_virtual: false, at: at(9), watch: &quiet }
}

async fn carry(from: &Kept, to: &Kept) -> Moved {
    move_tenant(request(from, to, &tenant())).await.unwrap()
}

/// That a tenant lives here: it opens with a newer epoch than before, goes on where it was, and numbers its rows on.
async fn lives(kept: &Kept, number: u64) {
    let store = stores(kept).open(&tenant()).await.unwrap();
    let image = store.load_tenant().await.unwrap();
    assert!(image.last_seq.0 >= 1_499, "{:?}", image.last_seq);
    let writes = WriteSet {
        events: vec![event(number).unwrap()],
        runs: vec![run(number).unwrap()],
        journal: vec![line(run_id(number), 0), line(run_id(100), u32::try_from(number).unwrap())],
        ..WriteSet::default()
    };
    store.commit(writes).await.unwrap();
    store.close().await.unwrap();
    let newest = inspect(kept).await.runs(RunFilter::default(), Turn::first(1)).await.unwrap();
    assert_eq!(newest.items[0].id, run_id(number), "lists go on in their order");
}

#[tokio::test]
async fn a_tenant_moves_into_a_database_and_back_and_is_the_same() {
    let places = places();
    fill(&places.files).await;
    let before = stores(&places.files).open(&tenant()).await.unwrap();
    let image = before.load_tenant().await.unwrap();
    before.close().await.unwrap();
    let there = carry(&places.files, &places.database).await;
    let back = carry(&places.database, &places.others).await;
    let (there, back) = (there.proof.unwrap(), back.proof.unwrap());
    assert_eq!(there, back);
    assert!(there.rows() > 3_600, "{there:?}");
    let stock = there.sums.iter().find(|sum| sum.table == "pools" && sum.column == "total").unwrap();
    assert!(stock.sum > 0, "{stock:?}");
    let store = stores(&places.others).open(&tenant()).await.unwrap();
    let found = store.load_tenant().await.unwrap();
    let shown = |image: &siyu_engine::ports::store::TenantImage| format!("{image:?}");
    assert_eq!(shown(&found), shown(&image), "secret, versions, schedules, scans and feeds");
    let zero = Identity { namespace: "shop".to_owned(), value: format!("a\0b\u{1}{AWKWARD}") };
    let wants = Wants { identities: vec![zero.clone()], ..Wants::default() };
    assert_eq!(store.load(wants).await.unwrap().identities, [(zero, customer(1))]);
    store.close().await.unwrap();
    lives(&places.others, 2_000).await;
}

#[tokio::test]
async fn a_tenant_goes_on_in_a_database_and_comes_back_to_its_old_place() {
    let places = places();
    fill(&places.files).await;
    carry(&places.files, &places.database).await;
    lives(&places.database, 2_000).await;
    carry(&places.database, &places.files).await;
    lives(&places.files, 2_001).await;
    carry(&places.files, &places.database).await;
    lives(&places.database, 2_002).await;
    // What was left behind is kept under another name.
    let left = std::fs::read_dir(places.folder.path().join("one")).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(
        left.iter()
            .filter(|name| name.starts_with("t.moved-") && !name.ends_with("-wal") && !name.ends_with("-shm"))
            .count(),
        1,
        "{left:?}"
    );
    assert_eq!(stores(&places.files).tenants().await.unwrap(), [tenant()]);
    assert_eq!(stores(&places.database).tenants().await.unwrap(), [tenant()]);
}

#[tokio::test]
async fn where_a_tenant_left_it_can_neither_be_executed_nor_read() {
    let places = places();
    for (from, to) in [(&places.files, &places.database), (&places.database, &places.others)] {
        if matches!(from, Kept::Files(_)) {
            fill(from).await;
        }
        carry(from, to).await;
        let says = format!("was moved to {} at 2026-01-01T00:00:09Z", to.place(&tenant()));
        let refused = stores(from).open(&tenant()).await.err().unwrap();
        assert!(matches!(&refused, StoreError::Closed { why, .. } if why.contains(&says)), "{refused}");
        let refused = match from {
            Kept::Files(stores) => SqliteInspect::open(stores.path(&tenant())).await.err(),
            Kept::Database(stores) => PgInspect::open(stores, &tenant()).await.err(),
        };
        assert!(refused.unwrap().to_string().contains(&says));
        // Asked again, it says that it is done; to another place it says where it went.
        assert_eq!(carry(from, to).await.end, MoveEnd::Before);
        let elsewhere =
            Kept::Files(SqliteStores::new(places.folder.path().join("third"), SqliteOptions::default()));
        let refused = move_tenant(request(from, &elsewhere, &tenant())).await.unwrap_err();
        assert!(refused.to_string().contains(&says), "{refused}");
    }
}

#[tokio::test]
async fn a_host_that_executes_a_tenant_is_fenced_when_it_moves() {
    let places = places();
    for (from, to) in [(&places.files, &places.database), (&places.database, &places.others)] {
        if matches!(from, Kept::Files(_)) {
            fill(from).await;
        }
        let host = stores(from).open(&tenant()).await.unwrap();
        let number = if matches!(from, Kept::Files(_)) { 3_000 } else { 3_001 };
        let writes = || WriteSet { events: vec![event(number).unwrap()], ..WriteSet::default() };
        host.commit(writes()).await.unwrap();
        carry(from, to).await;
        let refused = host.commit(writes()).await;
        assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
        // What was acknowledged before is there.
        let moved = stores(to).open(&tenant()).await.unwrap();
        assert_eq!(moved.load_tenant().await.unwrap().last_seq.0, number);
    }
}

/// Gives a move up when the copy is so many batches far; says whether it was.
async fn given_up(from: &Kept, to: &Kept, after: u64) -> bool {
    let batches = AtomicU64::new(0);
    let over = tokio::sync::Notify::new();
    let watch = |_: Progress<'_>| {
        if batches.fetch_add(1, Ordering::Relaxed) == after {
            over.notify_one();
        }
    };
    let name = tenant();
    let work =
        move_tenant(MoveRequest { from, to, tenant: &name, is_virtual: false, at: at(9), watch: &watch });
    tokio::select! {
        biased;
        () = over.notified() => true,
        done = work => { done.unwrap(); false }
    }
}

#[tokio::test]
async fn a_move_that_is_given_up_at_any_batch_goes_on_when_it_is_called_again() {
    for is_back in [false, true] {
        let places = places();
        fill(&places.files).await;
        let (from, to) = match is_back {
            false => (&places.files, &places.database),
            true => {
                carry(&places.files, &places.database).await;
                (&places.database, &places.others)
            }
        };
        let mut times = 0;
        while given_up(from, to, times * 4).await {
            times += 1;
            assert!(!to.has(&tenant()).await.unwrap(), "half a tenant is no tenant");
            let mark = from.mark(&tenant()).await.unwrap();
            assert!(matches!(mark, Some(Mark::Moving(_))), "{mark:?}");
            let refused = stores(from).open(&tenant()).await.err().unwrap().to_string();
            assert!(refused.contains("is being moved to") && refused.contains("--cancel"), "{refused}");
        }
        assert!(times > 5, "given up {times} times");
        lives(to, 2_000).await;
    }
}

/// Whoever dies between the two ends of a move leaves a target that lives and a source that says that it is on its way.
#[tokio::test]
async fn a_move_whose_target_is_there_already_is_finished_and_not_taken_back() {
    let places = places();
    fill(&places.files).await;
    let moved = carry(&places.files, &places.database).await;
    let Kept::Files(files) = &places.files else { panic!("files") };
    let mut connection =
        sqlx::sqlite::SqliteConnectOptions::new().filename(files.path(&tenant())).connect().await.unwrap();
    let back = "UPDATE meta SET value = CAST(replace(CAST(value AS TEXT), '\"moved\"', '\"moving\"') AS BLOB) \
        WHERE name = 'carried'";
    let changed = sqlx::query(back).execute(&mut connection).await.unwrap();
    assert_eq!(changed.rows_affected(), 1);
    connection.close().await.unwrap();
    assert!(matches!(places.files.mark(&tenant()).await.unwrap(), Some(Mark::Moving(_))));
    lives(&places.database, 2_000).await;
    let refused = cancel(&places.files, &places.database, &tenant()).await.unwrap_err();
    assert!(refused.to_string().contains("has been copied completely already"), "{refused}");
    let finished = carry(&places.files, &places.database).await;
    assert_eq!((finished.end, finished.mark.id), (MoveEnd::Finished, moved.mark.id));
    assert!(matches!(places.files.mark(&tenant()).await.unwrap(), Some(Mark::Moved(_))));
    lives(&places.database, 2_001).await;
}

#[tokio::test]
async fn a_move_is_taken_back_unless_it_is_complete() {
    let places = places();
    fill(&places.files).await;
    let refused = cancel(&places.files, &places.database, &tenant()).await.unwrap_err();
    assert!(refused.to_string().contains("is not being moved"), "{refused}");
    assert!(given_up(&places.files, &places.database, 3).await);
    let other = move_tenant(request(&places.files, &places.others, &tenant())).await.unwrap_err();
    assert!(other.to_string().contains("is being moved to tenant t in postgres://"), "{other}");
    cancel(&places.files, &places.database, &tenant()).await.unwrap();
    lives(&places.files, 2_000).await;
    carry(&places.files, &places.database).await;
    let refused = cancel(&places.files, &places.database, &tenant()).await.unwrap_err();
    assert!(refused.to_string().contains("was moved to"), "{refused}");
}

#[tokio::test]
async fn a_fleet_sees_a_tenant_when_it_came_and_not_when_it_left() {
    let places = places();
    fill(&places.files).await;
    let Kept::Database(database) = &places.database else { panic!("a database") };
    let host = PgFleet::join(database, "host", PgRole::Member).await.unwrap();
    let seen = async || host.beat().await.unwrap().tenants;
    let name = tenant();
    carry(&places.files, &places.database).await;
    assert_eq!(seen().await, [(tenant(), None)]);
    assert_eq!(host.claim(&[tenant()]).await.unwrap(), [tenant()]);
    carry(&places.database, &places.files).await;
    assert_eq!(seen().await, []);
    let letter = || vec![Posting { tenant: tenant(), body: "{}".to_owned(), is_awaited: true }];
    let posted = host.post(letter()).await.unwrap();
    let [Posted::Closed { why, is_gone: true, .. }] = &posted[..] else { panic!("{posted:?}") };
    assert!(why.contains("was moved to"), "{why}");
    carry(&places.files, &places.database).await;
    assert_eq!(seen().await, [(tenant(), None)], "nobody has it yet");
    // A copy that is given up closes it, and taking it back opens it again.
    assert!(given_up(&places.database, &places.files, 3).await);
    assert_eq!(seen().await, []);
    cancel(&places.database, &places.files, &name).await.unwrap();
    assert_eq!(seen().await, [(tenant(), None)]);
    // What was taken in for it must be worked off first; then nothing more is taken in until it is open again.
    let posted = host.post(letter()).await.unwrap();
    let Posted::Taken(id) = posted[0] else { panic!("{posted:?}") };
    let refused = move_tenant(request(&places.database, &places.files, &name)).await.unwrap_err();
    assert!(refused.to_string().contains("has requests that wait (1)"), "{refused}");
    assert_eq!(host.claim(&[tenant()]).await.unwrap(), [tenant()]);
    host.answer(vec![(id, "{}".to_owned())]).await.unwrap();
    assert!(given_up(&places.database, &places.files, 3).await);
    let refused = async || match host.post(letter()).await.unwrap().pop() {
        Some(Posted::Closed { why, is_gone, .. }) => (why, is_gone),
        other => panic!("{other:?}"),
    };
    let (why, is_gone) = refused().await;
    assert!(why.contains("is being moved to") && !is_gone, "{why}");
    cancel(&places.database, &places.files, &name).await.unwrap();
    // One that goes by a virtual clock is for no fleet, wherever it comes from.
    carry(&places.database, &places.files).await;
    let by_events = MoveRequest { is_virtual: true, ..request(&places.files, &places.database, &name) };
    move_tenant(by_events).await.unwrap();
    assert_eq!(seen().await, []);
    assert_eq!(database.is_virtual(&name).await.unwrap(), Some(true));
}

#[tokio::test]
async fn a_tenant_that_is_there_is_never_overwritten() {
    let places = places();
    fill(&places.files).await;
    for to in [&places.others, &places.database] {
        let store = stores(to).open(&tenant()).await.unwrap();
        store.commit(WriteSet { events: vec![event(7).unwrap()], ..WriteSet::default() }).await.unwrap();
        store.close().await.unwrap();
        let refused = move_tenant(request(&places.files, to, &tenant())).await.unwrap_err();
        assert!(matches!(refused, CarryError::Exists { .. }), "{refused}");
        let store = stores(to).open(&tenant()).await.unwrap();
        assert_eq!(store.load_tenant().await.unwrap().last_seq.0, 7);
    }
    lives(&places.files, 2_000).await;
    let missing = move_tenant(request(&places.files, &places.others, &name("nobody").unwrap())).await;
    assert!(matches!(missing, Err(CarryError::Absent { .. })), "{missing:?}");
}

fn restoring<'a>(file: &'a Path, to: &'a Kept, tenant: &'a TenantName) -> RestoreRequest<'a> {
    RestoreRequest { file, to, tenant, at: at(20), keep: &|_, _| Box::pin(async { Ok(()) }), watch: &quiet }
}

async fn back_up(from: &Kept, file: &Path) -> siyu_store::carry::Backup {
    let name = tenant();
    let request =
        BackupRequest { from, tenant: &name, file, at: at(10), is_virtual: false, files: &[], watch: &quiet };
    backup(request).await.unwrap()
}

#[tokio::test]
async fn a_backup_of_either_database_becomes_a_tenant_of_either() {
    let places = places();
    fill(&places.files).await;
    let proof = carry(&places.files, &places.database).await.proof.unwrap();
    carry(&places.database, &places.others).await;
    // The one of files, and one that a host in the database has open.
    carry(&places.others, &places.database).await;
    let host = stores(&places.database).open(&tenant()).await.unwrap();
    let of_database = places.folder.path().join("database.backup");
    let files = [("plugin".to_owned(), b"\0asm".to_vec())];
    let name_of = tenant();
    let request = BackupRequest {
        from: &places.database,
        tenant: &name_of,
        file: &of_database,
        at: at(10),
        is_virtual: false,
        files: &files,
        watch: &quiet,
    };
    let made = backup(request).await.unwrap();
    assert_eq!(made.manifest.proof, proof);
    host.commit(WriteSet { events: vec![event(4_000).unwrap()], ..WriteSet::default() }).await.unwrap();
    let of_files = places.folder.path().join("files.backup");
    let again = name("again").unwrap();
    restore(restoring(&of_database, &places.files, &again)).await.unwrap();
    let request = BackupRequest {
        from: &places.files,
        tenant: &again,
        file: &of_files,
        at: at(11),
        is_virtual: false,
        files: &[],
        watch: &quiet,
    };
    assert_eq!(backup(request).await.unwrap().manifest.proof, proof);
    for (number, (file, to)) in
        [(&of_files, &places.database), (&of_files, &places.others), (&of_database, &places.database)]
            .into_iter()
            .enumerate()
    {
        let restored = name(&format!("restored-{number}")).unwrap();
        let kept = std::sync::Mutex::new(Vec::new());
        let keep =
            |file: siyu_store::carry::CarriedFile, content: Vec<u8>| -> siyu_store::carry::Keeping<'_> {
                kept.lock().unwrap().push((file.name, content));
                Box::pin(async { Ok(()) })
            };
        let manifest =
            restore(RestoreRequest { keep: &keep, ..restoring(file, to, &restored) }).await.unwrap();
        assert_eq!((manifest.proof, manifest.files.len()), (proof.clone(), kept.lock().unwrap().len()));
        assert_eq!(look(file).await.unwrap().tenant, if number < 2 { again.clone() } else { tenant() });
        let store = stores(to).open(&restored).await.unwrap();
        assert_eq!(store.load_tenant().await.unwrap().last_seq.0, 1_499);
        let refused = restore(restoring(file, to, &restored)).await;
        assert!(matches!(refused, Err(CarryError::Exists { .. })), "{refused:?}");
    }
    let refused = backup(BackupRequest {
        from: &places.database,
        tenant: &name_of,
        file: &of_files,
        at: at(12),
        is_virtual: false,
        files: &[],
        watch: &quiet,
    });
    assert!(matches!(refused.await, Err(CarryError::Exists { .. })));
}

#[tokio::test]
async fn a_backup_is_one_file_for_its_owner_and_no_tenant() {
    use std::os::unix::fs::PermissionsExt;
    let places = places();
    fill(&places.files).await;
    let folder = places.folder.path().join("backups");
    let file = folder.join("t.db");
    back_up(&places.files, &file).await;
    let found: Vec<_> =
        std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(found, ["t.db"], "no log and no part is left beside it");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let backups = SqliteStores::new(&folder, SqliteOptions::default());
    let refused = backups.open(&tenant()).await.err().unwrap().to_string();
    assert!(refused.contains("is a backup of tenant t: use `siyu tenants restore`"), "{refused}");
    // It was opened as a tenant, which left a mark on its lease and none on what it holds.
    restore(restoring(&file, &places.others, &name("u").unwrap())).await.unwrap();
}

#[tokio::test]
async fn damage_is_found_before_anything_is_made() {
    let places = places();
    fill(&places.files).await;
    let file = places.folder.path().join("whole.backup");
    let manifest = back_up(&places.files, &file).await.manifest;
    let whole = std::fs::read(&file).unwrap();
    let damaged = places.folder.path().join("damaged.backup");
    let restored = name("restored").unwrap();
    let (mut refused, mut random) = (0, 88_172_645_463_325_252_u64);
    for _ in 0..60 {
        // xorshift
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut bytes = whole.clone();
        let place = usize::try_from(random % whole.len() as u64).unwrap();
        bytes[place] ^= 0x10;
        std::fs::write(&damaged, &bytes).unwrap();
        let to = Kept::Files(SqliteStores::new(places.folder.path().join("try"), SqliteOptions::default()));
        match restore(restoring(&damaged, &to, &restored)).await {
            Err(CarryError::Damaged { .. }) => {
                refused += 1;
                assert!(!to.has(&restored).await.unwrap());
            }
            // A byte that holds nothing: what comes out is the same.
            Ok(found) => {
                assert_eq!(found.proof, manifest.proof, "byte {place}");
                std::fs::remove_dir_all(places.folder.path().join("try")).unwrap();
            }
            Err(other) => panic!("byte {place}: {other}"),
        }
    }
    assert!(refused > 30, "{refused} of 60");
    for (what, bytes) in [
        ("cut short", &whole[..whole.len() / 2]),
        ("a diary", &b"dear diary, today nobody wrote a database\n".repeat(200)[..]),
        ("empty", &[][..]),
    ] {
        std::fs::write(&damaged, bytes).unwrap();
        let refused = restore(restoring(&damaged, &places.others, &restored)).await;
        assert!(matches!(refused, Err(CarryError::Damaged { .. })), "{what}: {refused:?}");
    }
    let Kept::Files(files) = &places.files else { panic!("files") };
    let refused = restore(restoring(&files.path(&tenant()), &places.others, &restored)).await.unwrap_err();
    assert!(refused.to_string().contains("it is a tenant's own file"), "{refused}");
    let missing = restore(restoring(Path::new("nowhere"), &places.others, &restored)).await.unwrap_err();
    assert!(matches!(missing, CarryError::File { .. }), "{missing}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_a_writer_is_one_moment() {
    let places = places();
    fill(&places.files).await;
    let writing = std::sync::Arc::new(AtomicU64::new(0));
    let host = stores(&places.files).open(&tenant()).await.unwrap();
    let counted = writing.clone();
    // Each commit holds an event, and a message of the same number.
    let writer = tokio::spawn(async move {
        for number in 5_000..7_000 {
            let writes = WriteSet {
                events: vec![event(number).unwrap()],
                messages: vec![message(number).unwrap()],
                ..WriteSet::default()
            };
            host.commit(writes).await.unwrap();
            counted.store(number, Ordering::Release);
        }
    });
    let mut counts = Vec::new();
    for number in 0..4 {
        // Every backup waits for the writer to be further.
        let begun = writing.load(Ordering::Acquire);
        while writing.load(Ordering::Acquire) < begun + 50 && !writer.is_finished() {
            tokio::task::yield_now().await;
        }
        let before = writing.load(Ordering::Acquire);
        let made = back_up(&places.files, &places.folder.path().join(format!("{number}.backup"))).await;
        let rows =
            |table: &str| made.manifest.proof.tables.iter().find(|found| found.table == table).unwrap().rows;
        counts.push((rows("events"), rows("messages"), before));
    }
    writer.await.unwrap();
    let (first_events, first_messages, _) = counts[0];
    for (events, messages, before) in &counts {
        assert_eq!(events - first_events, messages - first_messages, "a commit is in it whole or not at all");
        // 1,400 events of before and those of the samples; then one a commit.
        assert!(*events >= 1_400 + before.saturating_sub(5_000), "{events} after {before}");
    }
}

#[tokio::test]
async fn an_export_has_a_line_a_row_that_people_can_read() {
    let places = places();
    fill(&places.files).await;
    let proof = carry(&places.files, &places.database).await.proof.unwrap();
    let folder = places.folder.path().join("export");
    let done = export(&places.database, &tenant(), &folder, at(30), &quiet).await.unwrap();
    let rows = |table: &str| proof.tables.iter().find(|found| found.table == table).unwrap().rows;
    let lines = |file: &str| {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        text.lines().map(read).collect::<Vec<_>>()
    };
    for (table, file) in [
        ("customers", "customers"),
        ("events", "events"),
        ("runs", "runs"),
        ("journal", "journal"),
        ("messages", "messages"),
        ("pools", "stock"),
        ("counters", "counters"),
        ("identities", "identities"),
    ] {
        let file = format!("{file}.ndjson");
        assert_eq!(lines(&file).len() as u64, rows(table), "{file}");
        assert!(done.files.iter().any(|found| found.file == file && found.lines == rows(table)), "{done:?}");
    }
    let events = lines("events.ndjson");
    let found = events.iter().find(|event| event["seq"] == 100).unwrap();
    assert_eq!(found["customer"], customer(0).to_string());
    assert_eq!(found["occurred_at"], at(100).to_string());
    assert_eq!(found["data"]["amount_fen"], 1_290);
    let documents: u64 =
        done.files.iter().filter(|file| file.file.starts_with("documents-")).map(|file| file.lines).sum();
    assert_eq!(documents, rows("records"));
    let zero = format!("a\0b\u{1}{AWKWARD}");
    assert!(lines("identities.ndjson").iter().any(|name| name["value"] == zero));
    let page = std::fs::read_to_string(folder.join("COLUMNS.md")).unwrap();
    for file in &done.files {
        let name = if file.file.starts_with("documents-") { "documents-<plugin>.ndjson" } else { &file.file };
        assert!(page.contains(&format!("## {name}")), "{name}");
    }
    let secret = stores(&places.database).open(&tenant()).await.unwrap().load_tenant().await.unwrap().secret;
    let secret = blake3::Hash::from_bytes(secret).to_hex();
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        assert!(!std::fs::read_to_string(entry.path()).unwrap().contains(secret.as_str()), "{entry:?}");
    }
    let refused = export(&places.database, &tenant(), &folder, UtcMs::EPOCH, &quiet).await;
    assert!(matches!(refused, Err(CarryError::Exists { .. })), "{refused:?}");
}
