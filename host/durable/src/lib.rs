//! Files and folders that a power cut does not take: not only their bytes are synced, but also the folder that names them.
//!
//! A synced file whose folder was not synced may be gone after a power cut, name and all. Nothing here knows what is in a
//! file, and nothing here retries: after a sync that failed nobody knows what is on the disk.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Who may enter a folder that is made here: its owner. What hosts keep is about customers.
const OWNER_ONLY: u32 = 0o700;

/// Makes a folder that only its owner may enter, with all above it that are missing, and returns when their names are
/// durable. One that is there stays as it is.
///
/// # Errors
/// What the file system says, also that something else has the name.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let missing = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.is_dir());
    let missing: Vec<&Path> = missing.collect();
    DirBuilder::new().recursive(true).mode(OWNER_ONLY).create(folder)?;
    missing.into_iter().try_for_each(sync_name)
}

/// Returns when the name of a file or folder is durable; its bytes are the caller's.
///
/// # Errors
/// What the file system says: whether the name is durable is unknown then.
pub fn sync_name(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Lets a file be read as it is on the disk. What can be read before need not be there: after a sync that failed the kernel keeps
/// what it could not write, calls it written, and says nothing any more at the next sync. Here what is still to be written is
/// written, and what the kernel keeps is dropped, so that the next read comes from the disk.
///
/// Called before anything is built on a file that a process left which did not end in order. It costs reading the file again.
///
/// # Errors
/// What the file system says: whether the bytes are on the disk is unknown then.
pub fn settle(file: &File) -> io::Result<()> {
    file.sync_all()?;
    // Only an advice: a file system that has no disk behind it does not know it, and has nothing to forget.
    match rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed) {
        Ok(()) | Err(rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::INVAL) => {
            Ok(())
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Writes a file, whole or not at all, in place of one that has the name, and returns when it is durable. Only its owner may
/// read it. Its folder must be there.
///
/// # Errors
/// What the file system says: the file before is still there then, or the new one is.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut part = tempfile::NamedTempFile::new_in(folder_of(path))?;
    part.write_all(bytes)?;
    part.as_file().sync_all()?;
    part.persist(path)?;
    sync_name(path)
}

/// Writes a file unless one has the name already, and returns when whichever it is is durable: of several processes that
/// try at once one wins, and all find what it wrote. Only its owner may read it.
///
/// # Errors
/// What the file system says.
pub fn write_once(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut part = tempfile::NamedTempFile::new_in(folder_of(path))?;
    part.write_all(bytes)?;
    part.as_file().sync_all()?;
    // A link never replaces what another process made meanwhile.
    match fs::hard_link(part.path(), path) {
        Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => {}
        other => other?,
    }
    part.close()?;
    sync_name(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn folders_are_made_with_all_above_them_for_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        make_folder(&deep).unwrap();
        make_folder(&deep).unwrap();
        for made in ["a", "a/b", "a/b/c"] {
            let mode = folder.path().join(made).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{made}");
        }
    }

    #[test]
    fn a_file_that_is_settled_holds_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "text").unwrap();
        settle(&File::open(&path).unwrap()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
    }

    #[test]
    fn a_file_in_the_way_of_a_folder_is_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let fault = make_folder(&folder.path().join("file/folder")).unwrap_err();
        assert_eq!(fault.kind(), io::ErrorKind::NotADirectory);
    }

    #[test]
    fn a_file_is_written_whole_in_place_of_the_one_before_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for text in ["longer text", "text"] {
            write_whole(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_written_once_stays_as_the_first_one_wrote_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_once(&path, b"first").unwrap();
        write_once(&path, b"second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
