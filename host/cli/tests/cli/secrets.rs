//! Secrets with the real program: set, listed, sealed, replaced, removed, and never shown.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use siyu_test_postgres::Scratch;

use super::stage::{Said, Stage};

/// What must be found nowhere.
const CANARY: &str = "canary-9d3f7a52c1e84b06";
const REPLACED: &str = "kanari-51e07bd8824f6a3c";

/// A folder with a key, and perhaps a database.
struct Place {
    stage: Stage,
    url: Option<String>,
    /// All that the program said.
    said: std::cell::RefCell<String>,
}

impl Place {
    fn new(scratch: Option<&Scratch>) -> Self {
        let place = Self { stage: Stage::new(), url: scratch.map(Scratch::url), said: Default::default() };
        place.siyu("secrets key key", 0);
        place
    }

    /// With the key, and the value from a file that is removed afterwards.
    fn set(&self, name: &str, value: &str, more: &str) -> Said {
        self.stage.write("value", value);
        let mut command = self.stage.command(&format!("secrets set {name} {more} --secrets-key-file key"));
        command.stdin(File::open(self.stage.path("value")).expect("a file"));
        let said = self.run(command);
        fs::remove_file(self.stage.path("value")).expect("removed");
        said
    }

    fn siyu(&self, words: &str, status: i32) -> Said {
        let said = self.run(self.stage.command(words));
        assert_eq!(said.status, status, "{words}: {}{}", said.out, said.err);
        said
    }

    fn run(&self, mut command: std::process::Command) -> Said {
        if let Some(url) = &self.url {
            command.env("SIYU_DATABASE_URL", url);
        }
        let said = self.stage.say(command.env("SIYU_LOG", "debug"));
        self.said.borrow_mut().push_str(&format!("{}{}", said.raw, said.err));
        said
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(below).collect()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Forms in which a value might slip out.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let base64 = {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let whole = value.as_bytes().chunks_exact(3);
        whole
            .flat_map(|chunk| {
                let bits = chunk.iter().fold(0usize, |bits, byte| bits << 8 | usize::from(*byte));
                [18, 12, 6, 0].map(|shift| ALPHABET[bits >> shift & 63])
            })
            .collect::<Vec<u8>>()
    };
    let debug: String = value.bytes().take(8).map(|byte| format!("{byte}, ")).collect();
    vec![
        value.as_bytes().to_vec(),
        hex.clone().into_bytes(),
        hex.to_uppercase().into_bytes(),
        base64,
        debug.into(),
    ]
}

fn check(place: &Place, dump: impl Fn() -> Vec<u8>) {
    place.siyu("publish stamps", 0);
    for (name, value) in [("shop_token", CANARY), ("other", CANARY)] {
        let said = place.set(name, value, "");
        assert_eq!(said.status, 0, "{}", said.err);
        assert!(said.out.contains(&format!("set {name} of tenant default, version 1")), "{}", said.out);
    }
    let said = place.set("shop_token", REPLACED, "--keep-previous 48");
    assert!(said.out.contains("version 2; the value before is accepted for 48 hours"), "{}", said.out);
    // What people look at needs no key.
    let listed = place.siyu("secrets list --json", 0).json();
    assert_eq!(listed["secrets"][0]["name"], "other");
    assert_eq!(listed["secrets"][1]["version"], 2);
    assert_eq!(listed["secrets"][1]["before"][0]["version"], 1);
    assert!(place.siyu("secrets list", 0).out.contains("shop_token"));
    assert!(place.siyu("secrets list --tenant elsewhere", 0).out.contains("has no secrets"));
    // Everything that the program writes.
    for words in [
        "doctor",
        "tenants list",
        "tenants show default",
        "tenants backup default --to backup.siyu",
        "tenants export default --to exported",
        "customers list",
        "report runs",
    ] {
        place.run(place.stage.command(words));
    }
    // Another key.
    place.siyu("secrets key other-key", 0);
    let refused = place.siyu("secrets rekey --secrets-key-file other-key", 2);
    assert!(refused.err.contains("are sealed under the host's key"), "{}", refused.err);
    let both = format!("{}{}", place.stage.read("other-key"), place.stage.read("key"));
    place.stage.write("both", both);
    let readable = place.siyu("secrets rekey --secrets-key-file both", 2);
    assert!(
        readable.err.contains("its owner alone") && readable.err.contains("chmod 600"),
        "{}",
        readable.err
    );
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(place.stage.path("both"), private).expect("rights");
    let rekeyed = place.siyu("secrets rekey --secrets-key-file both --json", 0).json();
    assert_eq!((&rekeyed["changed"], &rekeyed["before"]), (&1.into(), &0.into()));
    let old = place.set("other", REPLACED, "");
    assert!(old.status == 2 && old.err.contains("--secrets-key-file"), "{}", old.err);
    // Who did what.
    let notes = place.siyu("audit list --json", 0).json();
    let notes = notes["changes"].as_array().expect("changes").iter().rev();
    let notes: Vec<String> =
        notes.map(|note| format!("{} {}", note["action"], note["subject"]).replace('"', "")).collect();
    let expected =
        ["secrets.set shop_token", "secrets.set other", "secrets.set shop_token", "secrets.rekey all"];
    assert_eq!(notes, expected);
    hunt(place, &dump());
    place.siyu("secrets remove other", 0);
    place.siyu("secrets remove other", 1);
    place.siyu("secrets remove --all", 0);
    assert!(place.siyu("secrets list", 0).out.contains("has no secrets"));
    place.siyu("audit verify", 0);
}

/// The values are in no file and in nothing that was said.
fn hunt(place: &Place, dumped: &[u8]) {
    let folder = place.stage.path("");
    let found = files(&folder);
    assert!(found.iter().any(|path| path.ends_with("backup.siyu")), "{found:?}");
    let said = place.said.borrow();
    for form in [CANARY, REPLACED].into_iter().flat_map(forms) {
        let shown = String::from_utf8_lossy(&form).into_owned();
        for path in &found {
            let bytes = fs::read(path).expect("a file");
            assert!(!holds(&bytes, &form), "{} holds {shown}", path.display());
        }
        assert!(!holds(said.as_bytes(), &form), "the program said {shown}");
        assert!(!holds(dumped, &form), "the database holds {shown}");
    }
    // A key of the host is in its own file alone.
    let key = place.stage.read("key");
    for path in found.iter().filter(|path| !path.ends_with("key") && !path.ends_with("both")) {
        assert!(!holds(&fs::read(path).expect("a file"), key.trim().as_bytes()), "{}", path.display());
    }
    assert!(!said.contains(key.trim()));
}

#[test]
fn a_secret_of_a_host_of_files_is_nowhere_to_be_read() {
    check(&Place::new(None), Vec::new);
}

#[test]
fn a_secret_of_a_host_of_a_database_is_nowhere_to_be_read() {
    let scratch = Scratch::make().expect("a server");
    let rows = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            use sqlx::{Connection, PgConnection, Row};
            let mut connection = PgConnection::connect(&scratch.url()).await.expect("the database");
            let rows = "SELECT tenant || name || set_by, sealed FROM siyu.secrets";
            let rows = sqlx::raw_sql(rows).fetch_all(&mut connection).await.expect("rows");
            let dumped: Vec<u8> = rows
                .iter()
                .flat_map(|row| [row.get::<String, _>(0).into_bytes(), row.get::<Vec<u8>, _>(1)].concat())
                .collect();
            connection.close().await.expect("closed");
            assert!(holds(&dumped, b"defaultshop_token"));
            dumped
        })
    };
    check(&Place::new(Some(&scratch)), rows);
}

#[test]
fn what_is_no_secret_or_has_no_key_is_refused_in_words() {
    let place = Place::new(None);
    let long = "x".repeat(8_193);
    for (name, value, status, part) in [
        ("shop_token", "", 2, "the value is empty"),
        ("shop_token", long.as_str(), 2, "the value has 8193 bytes"),
        ("shop_token", " hush", 2, "white space at its beginning or end"),
        ("Shop", "hush", 2, "is not the name of a secret"),
    ] {
        let said = place.set(name, value, "");
        assert_eq!(said.status, status, "{name}: {}", said.err);
        assert!(said.err.contains(part), "{name}: {}", said.err);
    }
    place.stage.write("value", "hush");
    let said = place.siyu("secrets set shop_token --file value", 2);
    assert!(said.err.contains("this host has no key for secrets"), "{}", said.err);
    assert!(said.err.contains("SIYU_SECRETS_KEY") && said.err.contains("siyu secrets key"), "{}", said.err);
    let mut command = place.stage.command("secrets set shop_token --file value");
    let said = place.run({
        command.env("SIYU_SECRETS_KEY", "canary");
        command
    });
    assert!(said.status == 2 && said.err.contains("SIYU_SECRETS_KEY: key 1 is not base64"), "{}", said.err);
    assert!(!said.err.contains("canary"), "{}", said.err);
    let key = place.stage.read("key");
    let mut command = place.stage.command("secrets set shop_token --file value");
    command.env("SIYU_SECRETS_KEY", key.trim());
    assert_eq!(place.run(command).status, 0);
    let again = place.siyu("secrets key key", 2);
    assert!(again.err.contains("is there already"), "{}", again.err);
    let mode = fs::metadata(place.stage.path("key")).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
}
