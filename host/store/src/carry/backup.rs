//! A tenant in one file: made while a host executes it, and made a tenant again in any place.
//!
//! The file is a tenant's SQLite file with a note that closes it to executors, and a table of files that go with it. The note
//! holds what the tenant held, so damage is found before anything is made of it. It never touches a tenant that is there.

use std::path::Path;
use std::pin::Pin;

use siyu_engine::ports::store::StoreError;
use siyu_model::clock::UtcMs;
use siyu_model::name::TenantName;

use super::copy::{copy, fill, prove};
use super::mark::Arrived;
use super::{
    ARRIVED, Arrival, CARRIED, CarriedFile, CarryError, FORM, Kept, Manifest, Mark, Progress, Proof,
    Published, Snapshot, random_id,
};
use crate::sqlite::carry::{Reader, Writer};

/// What is to be backed up.
pub struct BackupRequest<'a> {
    /// From where.
    pub from: &'a Kept,
    /// Which tenant.
    pub tenant: &'a TenantName,
    /// Into which file; refused when it is there.
    pub file: &'a Path,
    /// Now.
    pub at: UtcMs,
    /// Whether it goes by a virtual clock, the one of its events.
    pub is_virtual: bool,
    /// Files that go with it: a name and a content each.
    pub files: &'a [(String, Vec<u8>)],
    /// Who is told how far it is.
    pub watch: &'a (dyn Fn(Progress<'_>) + Sync),
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its length.
    pub bytes: u64,
}

/// Backs a tenant up as it is at one moment. Whoever executes it goes on meanwhile.
pub async fn backup(request: BackupRequest<'_>) -> Result<Backup, CarryError> {
    let BackupRequest { from, tenant, file, at, is_virtual, files, watch } = request;
    if file.exists() {
        return Err(CarryError::Exists { what: file.display().to_string() });
    }
    if let Some(mark) = from.mark(tenant).await? {
        return Err(CarryError::Refused { what: from.place(tenant), why: mark.why() });
    }
    let (mut writer, epoch, copied) = match from {
        Kept::Files(stores) => {
            let writer = Writer::copy_of(&stores.path(tenant), file).await?;
            (writer, None, None)
        }
        Kept::Database(_) => {
            let mut source = from.snapshot(tenant).await?;
            let mut writer = Writer::begin(file, source.version()).await?;
            let copied = copy(&mut *source, &mut writer, watch).await?;
            let epoch = source.epoch().await?;
            source.end().await?;
            (writer, Some(epoch), Some(copied))
        }
    };
    let mut written = writer.snapshot().await?;
    let proof = prove(&mut *written, watch).await?;
    let epoch = match epoch {
        Some(epoch) => epoch,
        None => written.epoch().await?,
    };
    written.end().await?;
    if let Some(copied) = copied {
        proof.must_be(&copied)?;
    }
    let id = random_id(&file.display().to_string())?;
    let files = carry_files(&mut writer, files).await?;
    let (from, tenant) = (from.place(tenant), tenant.clone());
    let manifest = Manifest { form: FORM, id, tenant, from, made_at: at, is_virtual, epoch, proof, files };
    writer.set_note(CARRIED, Some(&Mark::Backup(manifest.clone()).note())).await?;
    writer.set_note(ARRIVED, None).await?;
    writer.make_single().await?;
    writer.finish().await?;
    writer.link()?;
    let bytes = file.metadata().map_err(CarryError::file(file))?.len();
    Ok(Backup { manifest, bytes })
}

async fn carry_files(
    writer: &mut Writer,
    files: &[(String, Vec<u8>)],
) -> Result<Vec<CarriedFile>, CarryError> {
    writer.begin_files().await?;
    let mut carried = Vec::with_capacity(files.len());
    for (name, content) in files {
        carried.push(writer.add_file(name, content).await?);
    }
    Ok(carried)
}

/// A file of a backup while it is being kept.
pub type Keeping<'k> = Pin<Box<dyn Future<Output = Result<(), CarryError>> + Send + 'k>>;

/// Takes a file that goes with a backup, and its content.
pub type Keep<'k> = &'k (dyn Fn(CarriedFile, Vec<u8>) -> Keeping<'k> + Sync);

/// What a backup is to become.
pub struct RestoreRequest<'a> {
    /// The backup.
    pub file: &'a Path,
    /// Where the tenant is to be.
    pub to: &'a Kept,
    /// Under which name; refused when there is one.
    pub tenant: &'a TenantName,
    /// Now.
    pub at: UtcMs,
    /// Takes the files that go with it, before the tenant is there.
    pub keep: Keep<'a>,
    /// Who is told how far it is.
    pub watch: &'a (dyn Fn(Progress<'_>) + Sync),
}

/// What a backup says of itself; whether that is true is not looked at.
pub async fn look(file: &Path) -> Result<Manifest, CarryError> {
    let mut source = open(file).await?;
    let manifest = manifest(file, &mut source).await?;
    Box::new(source).end().await?;
    Ok(manifest)
}

/// Makes a backup a tenant: the same rows, and a lease that is newer than any that the tenant had when the backup was made.
pub async fn restore(request: RestoreRequest<'_>) -> Result<Manifest, CarryError> {
    let RestoreRequest { file, to, tenant, at, keep, watch } = request;
    let mut source = open(file).await?;
    let manifest = manifest(file, &mut source).await?;
    let aside = to.must_not_have(tenant).await?;
    let found = check(&mut source, watch).await.map_err(|fault| damaged(file, fault))?;
    if found != manifest.proof {
        let why = match found.must_be(&manifest.proof) {
            Err(CarryError::Differs { what }) => what,
            _ => "it holds something else than it says".to_owned(),
        };
        return Err(CarryError::Damaged { file: file.to_owned(), why });
    }
    let mut contents = Vec::with_capacity(manifest.files.len());
    for carried in &manifest.files {
        contents.push(content(file, &mut source, carried).await?);
    }
    let mut target = to.arrival(tenant, source.version()).await?;
    let filled = async {
        fill(&mut source, &mut *target, watch).await?;
        for (carried, content) in manifest.files.iter().zip(contents) {
            keep(carried.clone(), content).await?;
        }
        let arrived = Arrived { id: manifest.id.clone(), from: file.display().to_string(), at };
        let note = serde_json::to_string(&arrived).unwrap_or_default();
        target.seal(manifest.epoch.saturating_add(1), &[(ARRIVED, note)]).await
    };
    if let Err(fault) = filled.await {
        target.abandon().await;
        return Err(fault);
    }
    target.publish(Published { aside: aside.as_deref(), is_virtual: manifest.is_virtual }).await?;
    Box::new(source).end().await?;
    Ok(manifest)
}

async fn open(file: &Path) -> Result<Reader, CarryError> {
    // Opening would say that it cannot, but not why.
    std::fs::File::open(file).map_err(CarryError::file(file))?;
    Reader::open(file).await.map_err(|fault| damaged(file, fault))
}

async fn manifest(file: &Path, source: &mut Reader) -> Result<Manifest, CarryError> {
    let wrong = |why: String| CarryError::Damaged { file: file.to_owned(), why };
    let note = source.note(CARRIED).await.map_err(|fault| damaged(file, fault))?;
    let Some(note) = note else {
        return Err(wrong("it is a tenant's own file: expected what `siyu tenants backup` made".to_owned()));
    };
    let mark = Mark::read(&note, &file.display().to_string());
    let manifest = match mark.map_err(|fault| damaged(file, fault.into()))? {
        Mark::Backup(manifest) => manifest,
        other => return Err(wrong(format!("it is a tenant's own file, which {}", other.why()))),
    };
    if manifest.form > FORM {
        return Err(CarryError::Refused {
            what: file.display().to_string(),
            why: format!(
                "is a backup of form {}, this program knows forms up to {FORM}: use a newer one",
                manifest.form
            ),
        });
    }
    Ok(manifest)
}

/// That the file fits together, and the proof of what it holds.
async fn check(source: &mut Reader, watch: &(dyn Fn(Progress<'_>) + Sync)) -> Result<Proof, CarryError> {
    if let Some(fault) = source.faults().await? {
        return Err(StoreError::Broken(fault).into());
    }
    prove(source, watch).await
}

async fn content(file: &Path, source: &mut Reader, carried: &CarriedFile) -> Result<Vec<u8>, CarryError> {
    let found = source.file(&carried.name).await.map_err(|fault| damaged(file, fault))?;
    let is_same = |content: &Vec<u8>| blake3::hash(content).to_hex().as_str() == carried.digest;
    found.filter(is_same).ok_or_else(|| CarryError::Damaged {
        file: file.to_owned(),
        why: format!("{} is not in it as it was", carried.name),
    })
}

/// What a database said of a backup is about the backup; that it is of a newer program stays what it is.
fn damaged(file: &Path, fault: CarryError) -> CarryError {
    match fault {
        CarryError::Store(fault @ StoreError::Newer { .. }) => fault.into(),
        CarryError::Store(fault) => CarryError::Damaged { file: file.to_owned(), why: fault.to_string() },
        other => other,
    }
}
