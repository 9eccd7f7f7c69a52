//! A place to call the program in: a folder of its own, the stamp-card plugin, no environment but what a test says.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use siyu_engine::ports::inspect::{Inspect, RunFilter, RunSummary, Turn};
use siyu_store::SqliteInspect;

/// A folder with a playbook `stamps` in it.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
}

/// What the program said.
pub(crate) struct Said {
    /// The exit status.
    pub(crate) status: i32,
    /// Standard output, with paths and digests that differ from machine to machine taken out.
    pub(crate) out: String,
    /// Standard error, the same.
    pub(crate) err: String,
    /// Standard output as it was.
    pub(crate) raw: String,
}

impl Said {
    /// Everything, for a snapshot.
    pub(crate) fn all(&self) -> String {
        format!("exit {}\n--- out\n{}--- err\n{}", self.status, self.out, self.err)
    }

    /// Standard output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.raw).unwrap_or_else(|why| panic!("{why}: {}\n{}", self.raw, self.err))
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/playbooks").join(name)
}

/// The template of the SDK as a compiler makes it. It is built beside the folder that this test was built in, which may be
/// locked.
pub(crate) fn module() -> &'static Path {
    static MODULE: LazyLock<PathBuf> = LazyLock::new(|| {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("host/cli");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("siyu-guests");
        let status = Command::new(env!("CARGO"))
            .current_dir(workspace)
            .args(["build", "--quiet", "--profile", "plugin", "--package", "siyu-plugin-template"])
            .args(["--target", "wasm32-unknown-unknown", "--target-dir"])
            .arg(&folder)
            // A plugin is not built with the flags of the tests, such as those of coverage.
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the template does not build");
        folder.join("wasm32-unknown-unknown/plugin/siyu_plugin_template.wasm")
    });
    &MODULE
}

/// A folder with the packed plugin, and one with its machine code, made once.
struct Prepared {
    plugins: PathBuf,
    cache: PathBuf,
    _folder: tempfile::TempDir,
}

fn prepared() -> &'static Prepared {
    static PREPARED: LazyLock<Prepared> = LazyLock::new(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let plugins = folder.path().join("plugins");
        let cache = folder.path().join("cache");
        let siyu = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_siyu"));
            command.env_clear().env("XDG_CACHE_HOME", &cache).current_dir(folder.path()).args(arguments);
            assert!(command.stdout(Stdio::null()).status().expect("siyu runs").success(), "{arguments:?}");
        };
        let module = module().to_str().expect("a path");
        siyu(&["plugins", "pack", module, "--output", "plugins/stamp-card.wasm"]);
        siyu(&["plugins", "list", "--plugins", "plugins"]);
        Prepared { plugins, cache, _folder: folder }
    });
    &PREPARED
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

impl Stage {
    /// A new folder; plugins are compiled already.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        copy(&source("stamps"), &folder.path().join("stamps"));
        copy(&prepared().cache.join("siyu"), &folder.path().join("siyu-data"));
        use std::os::unix::fs::PermissionsExt;
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder.path().join("siyu-data"), private).expect("rights");
        Self { folder }
    }

    /// A path inside.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of packed plugins, which all stages share.
    pub(crate) fn plugins(&self) -> &'static Path {
        &prepared().plugins
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
    }

    /// Replaces text in a file that must hold it.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} does not hold {from}");
        self.write(name, text.replace(from, to));
    }

    /// The program with these words, split at blanks.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_siyu"));
        command
            .env_clear()
            .env("XDG_CACHE_HOME", &prepared().cache)
            .env("SIYU_PLUGINS", &prepared().plugins)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .args(words.split_whitespace());
        command
    }

    /// Calls the program.
    pub(crate) fn siyu(&self, words: &str) -> Said {
        self.say(&mut self.command(words))
    }

    /// Calls it with something set in the environment.
    pub(crate) fn siyu_with(&self, variable: (&str, &str), words: &str) -> Said {
        self.say(self.command(words).env(variable.0, variable.1))
    }

    /// Runs a command to its end.
    pub(crate) fn say(&self, command: &mut Command) -> Said {
        self.said(command.output().expect("siyu runs"))
    }

    /// What a process said.
    pub(crate) fn said(&self, output: Output) -> Said {
        let raw = String::from_utf8(output.stdout).expect("text");
        let err = String::from_utf8(output.stderr).expect("text");
        for text in [&raw, &err] {
            assert!(!text.contains("panicked"), "{text}");
        }
        let status = output.status.code().unwrap_or(-1);
        Said { status, out: self.settled(&raw), err: self.settled(&err), raw }
    }

    /// A text without what differs from machine to machine: paths, digests, ids, times.
    fn settled(&self, text: &str) -> String {
        let folder = self.folder.path().display().to_string();
        let plugins = prepared().plugins.display().to_string();
        let text = text.replace(&folder, "DIR").replace(&plugins, "PLUGINS");
        let mut settled = String::with_capacity(text.len());
        let mut word = String::new();
        for c in text.chars().chain(['\0']) {
            if c.is_ascii_alphanumeric() || c == '_' {
                word.push(c);
                continue;
            }
            settled.push_str(settled_word(&word));
            word.clear();
            if c != '\0' {
                settled.push(c);
            }
        }
        settled
    }

    /// A feed of so many visits, a minute apart, of ten customers.
    pub(crate) fn visits(&self, name: &str, visits: usize) {
        let lines = (0..visits).map(|visit| {
            let (day, minute) = (21 + visit / 1_440, visit % 1_440);
            let time = format!("2026-11-{day:02}T{:02}:{:02}:00Z", minute / 60, minute % 60);
            let subject = format!("shop:{}", visit % 10);
            format!(
                "{{\"id\":\"v{visit}\",\"type\":\"visit.made\",\"source\":\"shop\",\"subject\":\"{subject}\",\
                 \"time\":\"{time}\",\"data\":{{\"shop\":\"a\"}}}}\n"
            )
        });
        self.write(name, lines.collect::<String>());
    }

    /// All runs of a tenant, newest first.
    pub(crate) fn runs(&self, data: &str) -> Vec<RunSummary> {
        self.inspect(data, async |inspect| {
            let mut runs = Vec::new();
            let mut turn = Turn::first(500);
            loop {
                let page = inspect.runs(RunFilter::default(), turn).await.expect("runs");
                runs.extend(page.items);
                let Some(next) = page.next else { return runs };
                turn = Turn { after: Some(next), limit: 500 };
            }
        })
    }

    /// Looks into a tenant.
    pub(crate) fn inspect<T>(&self, data: &str, look: impl AsyncFnOnce(&dyn Inspect) -> T) -> T {
        let path = self.path(data).join("tenants/default.db");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let inspect = SqliteInspect::open(&path).await.expect("a tenant");
            let seen = look(&inspect).await;
            inspect.close().await;
            seen
        })
    }
}

fn settled_word(word: &str) -> &str {
    let is_hex = word.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    match word.len() {
        64 if is_hex => "DIGEST",
        12 if is_hex => "SHORT",
        30 if word.starts_with("run_") => "RUN",
        _ => word,
    }
}
