//! The files of a playbook, and reading them from a folder: the only input and output of this crate.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use siyu_model::limits::playbook::{BUNDLE_BYTES_MAX, FILE_BYTES_MAX, FILES_MAX};

/// Where the files of an overlay are among those of its base. No folder that is read has such a name.
const OVERLAY: &str = ".overlay/";

/// Bytes of a path in a playbook: a folder and a file.
const PATH_BYTES_MAX: usize = 255;
/// Characters of a name that is refused, as they are told.
const NAME_CHARS_SHOWN: usize = 80;

/// The files of a playbook, by their paths inside its folder, with `/` between names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    /// Path and content.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Why a folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The operating system says no.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A link that leads out of the folder.
    #[error("{}: a link that leads out of the playbook's folder", path.display())]
    Outside {
        /// The link.
        path: PathBuf,
    },
    /// A file name that is no Unicode text.
    #[error("{}: a file name that is no text", path.display())]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// Too many files.
    #[error("{}: more than {FILES_MAX} files", path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
    /// Too many bytes.
    #[error("{}: more than {BUNDLE_BYTES_MAX} bytes in all files", path.display())]
    TooLarge {
        /// The folder.
        path: PathBuf,
    },
}

/// Why files cannot be those of a playbook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no file of a playbook or an overlay: {rule}")]
pub struct FileNameError {
    found: String,
    rule: &'static str,
}

impl Bundle {
    /// Files that did not come from a folder, by their paths inside one. Names that a folder could not have, or that could
    /// be taken for another file, are refused; of files that belong to no playbook only the name is kept.
    ///
    /// # Errors
    /// The first name that is refused. How many files there may be, and how large, [`compile`](crate::compile) says.
    pub fn of_files(files: impl IntoIterator<Item = (String, String)>) -> Result<Self, FileNameError> {
        let files = files.into_iter().map(|(path, text)| {
            check_path(&path).map_err(|rule| {
                let found = path.escape_debug().take(NAME_CHARS_SHOWN).collect();
                FileNameError { found, rule }
            })?;
            let is_read = Kind::of(&path).is_some_and(|kind| kind != Kind::Notes);
            Ok((path, if is_read { text.into_bytes() } else { Vec::new() }))
        });
        Ok(Self { files: files.collect::<Result<_, _>>()? })
    }

    /// With a client's overlay, as it was read from a folder of its own, over this base.
    pub fn with_overlay(mut self, overlay: Self) -> Self {
        let laid_over =
            overlay.files.into_iter().map(|(path, content)| (format!("{OVERLAY}{path}"), content));
        self.files.extend(laid_over);
        self
    }

    /// Reads the folder of a playbook or an overlay, one level of folders below it. Files whose names begin with a dot are left out; of
    /// files that belong to no playbook only the name is kept.
    pub fn read(folder: &Path) -> Result<Self, BundleError> {
        let root =
            folder.canonicalize().map_err(|source| BundleError::Io { path: folder.to_owned(), source })?;
        let mut reading = Reading { root: &root, bundle: Self::default(), bytes: 0 };
        reading.folder(&root, "")?;
        Ok(reading.bundle)
    }
}

/// What is wrong with a path inside a playbook's folder.
fn check_path(path: &str) -> Result<(), &'static str> {
    if path.len() > PATH_BYTES_MAX {
        return Err("its path has more than 255 bytes");
    }
    // Letters of any script; nothing that is invisible, joins its neighbour, or means something to a file system.
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    let mut names = path.split('/');
    let folders = names.clone().count() - 1;
    if names.any(|name| name.is_empty() || name.starts_with('.') || name.trim() != name) {
        return Err(
            "expected names that are not empty and begin with no dot and no space, with one `/` between them",
        );
    }
    if !path.chars().all(|c| is_plain(c) || c == '/') {
        return Err("expected letters, digits, spaces, `-`, `_` and `.`");
    }
    if folders > 1 { Err("expected at most one folder") } else { Ok(()) }
}

struct Reading<'a> {
    root: &'a Path,
    bundle: Bundle,
    bytes: usize,
}

impl Reading<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str) -> Result<(), BundleError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| BundleError::Io { path, source }
        };
        for entry in fs::read_dir(folder).map_err(io(folder))? {
            let path = entry.map_err(io(folder))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| BundleError::Name { path: path.clone() })?;
            if name.starts_with('.') {
                continue;
            }
            let real = path.canonicalize().map_err(io(&path))?;
            if !real.starts_with(self.root) {
                return Err(BundleError::Outside { path });
            }
            let place = format!("{prefix}{name}");
            if !real.is_dir() {
                self.file(&real, place)?;
            } else if prefix.is_empty() {
                self.folder(&path, &format!("{place}/"))?;
            } else {
                self.add(format!("{place}/"), Vec::new())?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, place: String) -> Result<(), BundleError> {
        let mut content = Vec::new();
        // A pipe or a device is no file of a playbook, and reading one may never end.
        if path.is_file() && Kind::of(&place).is_some_and(|kind| kind != Kind::Notes) {
            // One byte more than allowed is enough to know that it is too long.
            let limit = FILE_BYTES_MAX as u64 + 1;
            fs::File::open(path)
                .and_then(|file| file.take(limit).read_to_end(&mut content))
                .map_err(|source| BundleError::Io { path: path.to_owned(), source })?;
        }
        self.add(place, content)
    }

    fn add(&mut self, place: String, content: Vec<u8>) -> Result<(), BundleError> {
        self.bytes += content.len();
        self.bundle.files.insert(place, content);
        let path = || self.root.to_owned();
        if self.bundle.files.len() > FILES_MAX {
            return Err(BundleError::TooMany { path: path() });
        }
        if self.bytes > BUNDLE_BYTES_MAX {
            return Err(BundleError::TooLarge { path: path() });
        }
        Ok(())
    }
}

/// What a file is, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Playbook,
    /// What a client changes.
    Overlay,
    Template,
    Resource,
    Workflow,
    Test,
    /// For people.
    Notes,
}

impl Kind {
    /// Whether a file is one of an overlay that is laid over the others, and what it is; none for files that belong to no
    /// playbook.
    pub(crate) fn in_layer(path: &str) -> (bool, Option<Self>) {
        let Some(path) = path.strip_prefix(OVERLAY) else {
            return (false, Self::of(path).filter(|kind| *kind != Self::Overlay));
        };
        (true, Self::of(path).filter(|kind| !matches!(kind, Self::Playbook | Self::Workflow)))
    }

    /// None for files that belong neither to a playbook nor to an overlay.
    fn of(path: &str) -> Option<Self> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.ends_with(".md") {
            return Some(Self::Notes);
        }
        match (folder, name.ends_with(".yaml") && name.len() > ".yaml".len()) {
            ("", _) if name == "playbook.yaml" => Some(Self::Playbook),
            ("", _) if name == "overlay.yaml" => Some(Self::Overlay),
            ("templates", true) => Some(Self::Template),
            ("resources", true) => Some(Self::Resource),
            ("workflows", true) => Some(Self::Workflow),
            ("tests", true) => Some(Self::Test),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Result<Bundle, FileNameError> {
        Bundle::of_files([(path.to_owned(), "text".to_owned())])
    }

    #[test]
    fn names_that_a_folder_could_not_have_are_refused() {
        for path in [
            "",
            "/playbook.yaml",
            "../playbook.yaml",
            "workflows/../playbook.yaml",
            "workflows//a.yaml",
            "workflows/",
            "./playbook.yaml",
            ".overlay/vars.yaml",
            "workflows/.hidden.yaml",
            "workflows\\a.yaml",
            "C:/a.yaml",
            "a/b/c.yaml",
            "play\0book.yaml",
            "workflows/a.yaml\n",
            "workflows／a.yaml",
            "workflows/\u{202e}a.yaml",
            "workflows/a\u{200b}.yaml",
            "workflows/e\u{301}.yaml",
            "workflows/ a.yaml",
        ] {
            assert!(of(path).is_err(), "{path:?}");
        }
        assert!(of(&format!("workflows/{}.yaml", "a".repeat(250))).is_err());
        let told = of("a/\u{202e}b.yaml").unwrap_err().to_string();
        assert!(told.is_ascii() && told.contains("\\u{202e}"), "{told}");
    }

    #[test]
    fn files_of_a_playbook_are_kept_and_of_others_the_name() {
        for path in ["playbook.yaml", "workflows/首单 1.yaml", "resources/a_b-c.yaml", "overlay.yaml"] {
            assert_eq!(of(path).unwrap().files[path], b"text", "{path}");
        }
        for path in ["README.md", "notes.txt", "docs/a.yaml"] {
            assert_eq!(of(path).unwrap().files[path], b"", "{path}");
        }
    }
}
