//! Signatures: a host that asks for them runs what one of its keys signed, unchanged, and nothing else.

use std::io::Cursor;

use insta::assert_snapshot;
use minisign::KeyPair;
use siyu_model::plugin::{Capability, CapabilitySet};
use siyu_runtime::{Runtime, RuntimeConfig, SIGNATURE_SECTION, SigningKey, Trust, digest_of, pack, sign};
use tempfile::TempDir;

use crate::support::{config, guests};

fn pair() -> KeyPair {
    KeyPair::generate_unencrypted_keypair().unwrap()
}

fn signature(pair: &KeyPair, bytes: &[u8]) -> String {
    minisign::sign(None, &pair.sk, Cursor::new(bytes), Some("a plugin"), None).unwrap().into_string()
}

fn public(pair: &KeyPair) -> String {
    pair.pk.to_base64()
}

fn signed(pair: &KeyPair, plugin: &[u8]) -> Vec<u8> {
    sign(plugin, &signature(pair, plugin), &public(pair)).unwrap()
}

fn key(pair: &KeyPair) -> SigningKey {
    SigningKey::new("us".to_owned(), &public(pair)).unwrap()
}

fn host(trust: Trust) -> Runtime {
    Runtime::new(config()).unwrap().trusting(trust)
}

fn refused(host: &Runtime, plugin: &[u8]) -> String {
    host.load(plugin).expect_err("expected a refusal").to_string()
}

#[test]
fn what_a_trusted_key_signed_runs_and_nothing_else() {
    let (ours, theirs) = (pair(), pair());
    let plugin = guests::misbehaving();
    let host = host(Trust::only(vec![key(&ours)], Vec::new()));
    let good = signed(&ours, plugin);
    let loaded = host.load(&good).unwrap();
    assert_eq!((loaded.signer.as_deref(), loaded.digest), (Some("us"), digest_of(&good)));
    assert!(good.starts_with(plugin), "what was signed stays as it was");
    assert_snapshot!(refused(&host, plugin), @"the plugin is not signed, expected a signature by us");
    assert_snapshot!(
        refused(&host, &signed(&theirs, plugin)),
        @"the plugin's signature is by somebody else or of another file, expected one by us"
    );
    // The same signature behind another manifest, and twice.
    let section = &good[plugin.len()..];
    let other = guests::std_guest();
    assert_snapshot!(
        refused(&host, &[other, section].concat()),
        @"the plugin's signature is by somebody else or of another file, expected one by us"
    );
    assert_snapshot!(
        refused(&host, &[&good, section].concat()),
        @"the section `siyu:signature` is there 2 times or before other sections, expected once and last"
    );
    assert_eq!(host.load(&good).unwrap().signer.as_deref(), Some("us"), "and the good one still runs");
}

#[test]
fn a_signed_plugin_with_any_bit_changed_does_not_load() {
    let ours = pair();
    let host = host(Trust::only(vec![key(&ours)], Vec::new()));
    let good = signed(&ours, guests::misbehaving());
    let place_of = |text: &[u8]| good.windows(text.len()).rposition(|found| found == text).unwrap();
    // Minisign itself calls this line untrusted: nothing covers it.
    let uncovered = place_of(b"untrusted comment: ")..place_of(b"\nRU");
    let of_signature = good.len() - 400..good.len();
    let mut tried = 0;
    for place in (8..good.len()).step_by(997).chain(of_signature).filter(|place| !uncovered.contains(place)) {
        let mut changed = good.clone();
        changed[place] ^= 1 << (place % 8);
        assert!(host.load(&changed).is_err(), "byte {place} of {}", good.len());
        tried += 1;
    }
    assert!(tried > 400);
}

#[test]
fn a_key_signs_the_plugins_that_it_is_for_and_gives_no_more_than_it_may() {
    let ours = pair();
    let good = signed(&ours, guests::misbehaving());
    let of = |change: &dyn Fn(&mut SigningKey)| {
        let mut key = key(&ours);
        change(&mut key);
        host(Trust::only(vec![key], Vec::new()))
    };
    let named = |names: &[&str]| Some(names.iter().map(|name| name.parse().unwrap()).collect());
    assert!(of(&|key| key.plugins = named(&["misbehaving"])).load(&good).is_ok());
    assert_snapshot!(
        refused(&of(&|key| key.plugins = named(&["coupon", "tagging"])), &good),
        @"the plugin is signed by us, who may sign other plugins and not `misbehaving`"
    );
    let all: CapabilitySet = Capability::ALL.into_iter().collect();
    assert!(of(&|key| key.capabilities = Some(all)).load(&good).is_ok());
    let few: CapabilitySet = Capability::ALL.into_iter().filter(|one| *one != Capability::Records).collect();
    assert_snapshot!(
        refused(&of(&|key| key.capabilities = Some(few)), &good),
        @"the plugin is signed by us, whose plugins may not use `records`"
    );
}

#[test]
fn a_revoked_plugin_does_not_run_from_its_file_or_from_the_cache() {
    let folder = TempDir::new().unwrap();
    let plugin = guests::misbehaving();
    let digest = digest_of(plugin);
    let host = |trust| {
        let config = RuntimeConfig { cache_dir: Some(folder.path().to_owned()), ..config() };
        Runtime::new(config).unwrap().trusting(trust)
    };
    assert_eq!(host(Trust::default()).load(plugin).unwrap().signer, None);
    assert!(host(Trust::default()).load_cached(&digest).unwrap().is_some());
    let revoking = host(Trust::anyone(vec![digest]));
    let told = format!("plugin {digest} was revoked on this host: publish with another version of it");
    assert_eq!(refused(&revoking, plugin), told);
    assert_eq!(revoking.load_cached(&digest).unwrap_err().to_string(), told);
    // A host that asks for signatures looks at the file, even when it has the machine code.
    let asking = host(Trust::only(vec![key(&pair())], Vec::new()));
    assert!(asking.load_cached(&digest).unwrap().is_none());
}

#[test]
fn what_is_no_signature_of_the_plugin_is_not_put_into_it() {
    let (ours, theirs) = (pair(), pair());
    let plugin = guests::misbehaving();
    let made = signature(&ours, plugin);
    let fault =
        |plugin: &[u8], signature: &str, key: &str| sign(plugin, signature, key).unwrap_err().to_string();
    assert_snapshot!(fault(b"text", &made, &public(&ours)), @r#"not WebAssembly: the file begins with 74 65 78 74, expected `\0asm`"#);
    assert_snapshot!(fault(plugin, "text", &public(&ours)), @"not a signature of minisign: expected the four lines of a .minisig file");
    assert_snapshot!(fault(plugin, &made, "RWQ"), @"`RWQ` is no public key of minisign: expected the 56 characters of the second line of a .pub file");
    assert_snapshot!(fault(plugin, &made, &public(&theirs)), @"the signature was made with another key than the one that was given");
    assert_snapshot!(fault(plugin, &signature(&ours, b"text"), &public(&ours)), @"the signature is of another file, or of this one before it was changed");
    let once = signed(&ours, plugin);
    assert_snapshot!(fault(&once, &signature(&ours, &once), &public(&ours)), @"the plugin has a signature already: pack it again, which takes it out, and sign what comes of it");
    let again = pack(&once).unwrap().component;
    assert!(!again.windows(SIGNATURE_SECTION.len()).any(|found| found == SIGNATURE_SECTION.as_bytes()));
    assert_eq!(again, pack(plugin).unwrap().component);
}
