//! The cache of compiled components: a folder of sealed files.
//!
//! It never gives back a byte of a file whose seal is not this host's: such a file is as good as none. A file is written
//! whole beside its place and then moved there, so a crash leaves the old one or the new one.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use siyu_model::digest::PluginDigest;

use crate::config::CacheKey;
use crate::error::{LoadError, RuntimeError};
use crate::trusted::Sealed;

/// What a file begins with; another layout gets another number.
const MAGIC: &[u8; 16] = b"siyu-compiled-1\n";
const SEAL_BYTES: usize = 32;
/// The manifest's length in four bytes, then whether the component is composed.
const HEADER_BYTES: usize = 5;
/// Bytes of a file at most: the code of the largest component seen, Python, is 34 MB.
const FILE_BYTES_MAX: u64 = 257 << 20;
/// Only the host's own user may read what it will run.
const DIR_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// What the name of a file ends with that is not whole yet.
const PART: &str = "part";

/// A folder of compiled components.
pub(crate) struct Cache {
    dir: PathBuf,
    key: CacheKey,
    /// What the code depends on besides the component.
    fingerprint: String,
    written: AtomicU64,
}

/// What is kept of a component: with it the component runs without its file.
pub(crate) struct Kept {
    /// The text of the manifest.
    pub(crate) manifest: String,
    /// Whether the component is composed of several.
    pub(crate) is_composed: bool,
    /// The code.
    pub(crate) code: Sealed,
}

impl Cache {
    /// Opens a folder, and makes it if there is none.
    pub(crate) fn open(dir: &Path, key: CacheKey, fingerprint: String) -> Result<Self, RuntimeError> {
        let refused = |source| RuntimeError::CacheDir { path: dir.to_owned(), source };
        DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir).map_err(refused)?;
        let found = fs::metadata(dir).map_err(refused)?;
        if found.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(dir, fs::Permissions::from_mode(DIR_MODE)).map_err(refused)?;
        }
        remove_parts(dir);
        Ok(Self { dir: dir.to_owned(), key, fingerprint, written: AtomicU64::new(0) })
    }

    /// What is kept under a digest. None when there is nothing, or nothing that this host wrote.
    pub(crate) fn get(&self, digest: &PluginDigest) -> Result<Option<Kept>, LoadError> {
        let path = self.path(digest);
        match read_whole(&path) {
            Ok(Some(bytes)) => {
                let kept = self.unsealed(digest, bytes);
                if kept.is_none() {
                    tracing::warn!(
                        path = %path.display(),
                        "a compiled plugin was cut, changed or written by another host: it is compiled again"
                    );
                }
                Ok(kept)
            }
            Ok(None) => Ok(None),
            Err(source) => Err(LoadError::Cache { path, source }),
        }
    }

    /// Keeps a component, and drops what other versions and settings kept of it.
    pub(crate) fn put(&self, digest: &PluginDigest, kept: &Kept) -> Result<(), LoadError> {
        let path = self.path(digest);
        self.write(digest, &path, kept).map_err(|source| LoadError::Cache { path, source })
    }

    fn write(&self, digest: &PluginDigest, path: &Path, kept: &Kept) -> io::Result<()> {
        let header = header(kept.manifest.len(), kept.is_composed);
        let contents = [header.as_slice(), kept.manifest.as_bytes(), kept.code.bytes()];
        let seal = self.seal(digest, &contents);
        // Names of parts differ between processes and between threads of one.
        let part = self.dir.join(format!(
            "{digest}.{}-{}.{PART}",
            std::process::id(),
            self.written.fetch_add(1, Ordering::Relaxed)
        ));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&part)?;
        let written = [MAGIC.as_slice(), seal.as_bytes()]
            .iter()
            .chain(&contents)
            .try_for_each(|bytes| file.write_all(bytes))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&part, path));
        if let Err(fault) = written {
            let _ = fs::remove_file(&part);
            return Err(fault);
        }
        File::open(&self.dir)?.sync_all()?;
        self.drop_others(digest, path);
        Ok(())
    }

    /// What is not removed now costs disk and nothing else.
    fn drop_others(&self, digest: &PluginDigest, current: &Path) {
        let prefix = format!("{digest}-");
        let Ok(entries) = fs::read_dir(&self.dir) else {
            return;
        };
        for entry in entries.flatten() {
            let is_old = entry.file_name().to_string_lossy().starts_with(&prefix);
            if is_old && entry.path() != current {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn unsealed(&self, digest: &PluginDigest, bytes: Vec<u8>) -> Option<Kept> {
        let sealed = bytes.strip_prefix(MAGIC.as_slice())?;
        let (seal, rest) = sealed.split_first_chunk::<SEAL_BYTES>()?;
        // Comparing hashes of this crate takes the same time wherever they differ.
        if self.seal(digest, &[rest]) != blake3::Hash::from_bytes(*seal) {
            return None;
        }
        let (header, rest) = rest.split_first_chunk::<HEADER_BYTES>()?;
        let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
        let length = usize::try_from(length).ok()?;
        let manifest = std::str::from_utf8(rest.get(..length)?).ok()?.to_owned();
        let is_composed = header[4] != 0;
        let start = MAGIC.len() + SEAL_BYTES + HEADER_BYTES + length;
        Some(Kept { manifest, is_composed, code: Sealed::from_checked_cache(bytes, start) })
    }

    fn seal(&self, digest: &PluginDigest, parts: &[&[u8]]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key.0);
        hasher.update(MAGIC);
        hasher.update(&digest.0);
        hasher.update(self.fingerprint.as_bytes());
        for part in parts {
            hasher.update(part);
        }
        hasher.finalize()
    }

    fn path(&self, digest: &PluginDigest) -> PathBuf {
        self.dir.join(format!("{digest}-{}.cwasm", self.fingerprint))
    }
}

/// What a crash left half written.
fn remove_parts(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.path().extension().is_some_and(|extension| extension == PART) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn header(manifest_bytes: usize, is_composed: bool) -> [u8; HEADER_BYTES] {
    // A manifest is at most some hundred kilobytes long.
    let length = u32::try_from(manifest_bytes).unwrap_or(u32::MAX).to_le_bytes();
    [length[0], length[1], length[2], length[3], u8::from(is_composed)]
}

fn read_whole(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let mut bytes =
        Vec::with_capacity(usize::try_from(file.metadata()?.len().min(FILE_BYTES_MAX)).unwrap_or(0));
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: PluginDigest = PluginDigest([7; 32]);

    fn cache(dir: &Path, key: u8, fingerprint: &str) -> Cache {
        Cache::open(dir, CacheKey::new([key; 32]), fingerprint.to_owned()).unwrap()
    }

    fn put(cache: &Cache) {
        let code = Sealed::from_compiler(b"machine code".to_vec());
        cache.put(&DIGEST, &Kept { manifest: "{}".to_owned(), is_composed: true, code }).unwrap();
    }

    #[test]
    fn what_was_put_is_got_and_nothing_else_is_in_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        put(&cache(dir.path(), 1, "older"));
        let cache = cache(dir.path(), 1, "a");
        assert!(cache.get(&DIGEST).unwrap().is_none(), "other settings, other code");
        put(&cache);
        let kept = cache.get(&DIGEST).unwrap().unwrap();
        assert_eq!((kept.manifest.as_str(), kept.code.bytes()), ("{}", b"machine code".as_slice()));
        assert!(kept.is_composed);
        let names: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }

    #[test]
    fn a_file_that_was_cut_changed_or_sealed_by_another_host_is_as_good_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let cache = cache(dir.path(), 1, "a");
        put(&cache);
        let path = cache.path(&DIGEST);
        let whole = fs::read(&path).unwrap();
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            assert!(cache.unsealed(&DIGEST, changed).is_none(), "byte {place}");
            assert!(cache.unsealed(&DIGEST, whole[..place].to_vec()).is_none(), "cut at {place}");
        }
        assert!(cache.unsealed(&DIGEST, whole.clone()).is_some());
        assert!(cache.unsealed(&PluginDigest([8; 32]), whole.clone()).is_none(), "of another component");
        let foreign = self::cache(dir.path(), 2, "a");
        assert!(foreign.get(&DIGEST).unwrap().is_none());
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(cache.get(&DIGEST).unwrap().is_none());
    }

    #[test]
    fn what_a_crash_left_half_written_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("x.1-0.part"), "half").unwrap();
        cache(dir.path(), 1, "a");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn nobody_else_may_look_into_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("made");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
        let cache = cache(&inner, 1, "a");
        put(&cache);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&cache.path(&DIGEST))), (0o700, 0o600));
    }
}
