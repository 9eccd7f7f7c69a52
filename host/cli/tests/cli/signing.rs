//! `plugins sign` and `trust.toml`: a host runs what somebody it trusts signed.

use std::io::Cursor;

use minisign::KeyPair;

use crate::stage::Stage;

/// A stage with a plugin folder of its own, and what signs in it.
struct Signing {
    stage: Stage,
    pair: KeyPair,
}

const PLUGIN: &str = "plugins/stamp-card.wasm";

impl Signing {
    fn new() -> Self {
        let stage = Stage::new();
        let plugin = std::fs::read(stage.plugins().join("stamp-card.wasm")).expect("the packed plugin");
        stage.write(PLUGIN, plugin);
        Self { stage, pair: KeyPair::generate_unencrypted_keypair().expect("a key") }
    }

    /// What `minisign -S -m FILE` writes.
    fn minisign(&self, file: &str) {
        let bytes = std::fs::read(self.stage.path(file)).expect("a file");
        let made = minisign::sign(None, &self.pair.sk, Cursor::new(bytes), None, None).expect("a signature");
        self.stage.write(&format!("{file}.minisig"), made.into_string());
    }

    fn trust(&self, more: &str) {
        let key = self.pair.pk.to_base64();
        self.stage.write("siyu-data/trust.toml", format!("[[keys]]\nname = \"us\"\nkey = \"{key}\"\n{more}"));
    }

    fn sign(&self) -> serde_json::Value {
        self.minisign(PLUGIN);
        let key = self.pair.pk.to_base64();
        let said = self.stage.siyu(&format!("plugins sign {PLUGIN} --key {key} --json"));
        assert_eq!(said.status, 0, "{}", said.err);
        said.json()
    }

    /// What publishing is refused with.
    fn refused(&self) -> String {
        let said = self.stage.siyu("publish stamps --plugins plugins");
        assert_eq!(said.status, 2, "{}", said.err);
        said.err
    }
}

#[test]
fn a_host_with_keys_publishes_what_they_signed_and_says_who_did() {
    let signing = Signing::new();
    let stage = &signing.stage;
    signing.trust("");
    assert!(signing.refused().contains("the plugin is not signed, expected a signature by us"));
    let digest = signing.sign()["digest"].clone();
    let said = stage.siyu("publish stamps --plugins plugins");
    assert_eq!(said.status, 0, "{}", said.err);
    let listed = stage.siyu("plugins list --plugins plugins --json").json();
    assert_eq!((&listed["plugins"][0]["signer"], &listed["plugins"][0]["digest"]), (&"us".into(), &digest));
    let shown = stage.siyu("plugins inspect stamp-card --plugins plugins");
    assert!(shown.out.contains("signed    by us\n"), "{}", shown.out);
    let doctor = stage.siyu("doctor --plugins plugins --json").json();
    let checks = doctor["checks"].as_array().unwrap();
    let signatures = checks.iter().find(|check| check["check"] == "signatures").unwrap();
    assert_eq!(signatures["detail"], "by us");
}

#[test]
fn a_published_version_stops_when_its_plugin_is_revoked_or_its_key_is_taken_out() {
    let signing = Signing::new();
    let stage = &signing.stage;
    signing.trust("");
    let digest = signing.sign()["digest"].as_str().unwrap().to_owned();
    stage.visits("visits.ndjson", 1);
    assert_eq!(
        stage.siyu("run stamps --events visits.ndjson --plugins plugins --until 2026-11-21T01:00:00Z").status,
        0
    );
    let run = stage.siyu("runs list --json").json()["runs"][0]["id"].as_str().unwrap().to_owned();
    // Nobody reads the plugin folder here: a host that goes on has kept what was published.
    std::fs::remove_file(stage.path(PLUGIN)).unwrap();
    let pause = || stage.siyu(&format!("runs pause {run} --plugins plugins"));
    let refused_with = |trust: &str, told: &str| {
        stage.write("siyu-data/trust.toml", trust);
        let said = pause();
        assert_ne!(said.status, 0, "{}", said.out);
        assert!(said.err.contains(told), "{}", said.err);
    };
    refused_with(&format!("revoked = [\"{digest}\"]\n"), "was revoked on this host");
    refused_with("keys = []\n", "by somebody else or of another file, expected one by nobody");
    refused_with("keys = 1\n", "trust.toml: ");
    signing.trust("");
    let said = pause();
    assert_eq!(said.status, 0, "{}", said.err);
}

#[test]
fn a_plugin_is_signed_once_by_the_key_that_is_named() {
    let signing = Signing::new();
    let stage = &signing.stage;
    let key = signing.pair.pk.to_base64();
    let sign = |words: &str| stage.siyu(&format!("plugins sign {PLUGIN} {words}"));
    let refused = |words: &str, status: i32, told: &str| {
        let said = sign(words);
        assert_eq!(said.status, status, "{words}: {}", said.err);
        assert!(said.err.contains(told), "{words}: {}", said.err);
    };
    refused(&format!("--key {key}"), 2, "the signature plugins/stamp-card.wasm.minisig cannot be read");
    signing.minisign(PLUGIN);
    refused("--key RWQ", 1, "`RWQ` is no public key of minisign");
    let other = KeyPair::generate_unencrypted_keypair().unwrap().pk.to_base64();
    refused(&format!("--key {other}"), 1, "made with another key");
    let said = sign(&format!("--key {key} --output signed/stamp-card.wasm"));
    assert_eq!(said.out, "signed plugins/stamp-card.wasm as signed/stamp-card.wasm SHORT\n");
    let plugin = std::fs::read(stage.path(PLUGIN)).unwrap();
    assert!(std::fs::read(stage.path("signed/stamp-card.wasm")).unwrap().starts_with(&plugin));
    assert_eq!(sign(&format!("--key {key}")).status, 0);
    refused(&format!("--key {key}"), 1, "has a signature already");
}
