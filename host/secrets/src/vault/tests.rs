//! The vault over what is kept in memory, with a clock that is moved by hand.

use siyu_engine::doubles::{HandClock, MemoryAccess};
use siyu_engine::ports::access::{Note, Outcome};
use siyu_engine::ports::plugins::HostError;
use siyu_model::secret::mac::MacAlgorithm;
use zeroize::Zeroizing;

use super::*;
use crate::{HostKey, Keeper, Rekeyed, SecretWish, SetError};

struct Place {
    store: MemoryAccess,
    clock: Arc<HandClock>,
}

fn begin() -> UtcMs {
    UtcMs::from_millis(1_700_000_000_000)
}

impl Place {
    fn new() -> Self {
        Self { store: MemoryAccess::new(), clock: Arc::new(HandClock::showing(begin())) }
    }

    fn vault(&self, keys: &HostKeys) -> SealedVault {
        SealedVault::new(Arc::new(self.store.clone()), self.clock.clone(), keys.clone())
    }

    fn keeper(&self, keys: &HostKeys) -> Keeper {
        Keeper::new(Arc::new(self.store.clone()), keys.clone())
    }

    /// Time passes.
    fn pass(&self, ms: u64) {
        self.clock.set(self.clock.now() + DurationMs::from_millis(ms));
    }

    fn note(&self) -> Note {
        Note {
            at: self.clock.now(),
            actor: "me".to_owned(),
            tenant: None,
            action: "secrets.set".to_owned(),
            subject: "it".to_owned(),
            outcome: Outcome::Done,
            detail: String::new(),
        }
    }

    async fn set(&self, keys: &HostKeys, tenant: &str, name: &str, value: &str) -> Result<u32, SetError> {
        let wish = SecretWish {
            tenant: tenant.parse().unwrap(),
            name: name.parse().unwrap(),
            value: SecretValue::new(Zeroizing::new(value.to_owned())).unwrap(),
            previous_for: DurationMs::from_millis(60_000),
        };
        self.keeper(keys).set(wish, self.note()).await
    }
}

fn keys(bytes: &[u8]) -> HostKeys {
    let text: Vec<String> =
        bytes.iter().map(|byte| HostKey::of(Zeroizing::new([*byte; 32])).expose().to_string()).collect();
    HostKeys::read(&text.join("\n")).unwrap()
}

/// The plugin calls it `key`, the tenant as it likes.
async fn open(vault: &SealedVault, tenant: &str, name: &str) -> Result<Arc<dyn Secrets>, VaultError> {
    let names = [("key".parse().unwrap(), name.parse().unwrap())].into();
    vault.open(&tenant.parse().unwrap(), &names).await
}

async fn value(vault: &SealedVault, tenant: &str, name: &str) -> Result<String, String> {
    let secrets = open(vault, tenant, name).await.map_err(|fault| fault.to_string())?;
    Ok(secrets.reveal("key").unwrap().expose().to_owned())
}

#[tokio::test]
async fn a_call_has_the_secrets_that_it_was_given_by_the_plugins_names() {
    let place = Place::new();
    let keys = keys(&[1]);
    place.set(&keys, "shop", "shop_token", "hush").await.unwrap();
    place.set(&keys, "shop", "other", "mum").await.unwrap();
    let secrets = open(&place.vault(&keys), "shop", "shop_token").await.unwrap();
    assert_eq!(secrets.reveal("key").unwrap().expose(), "hush");
    for name in ["shop_token", "other", "", "Key", "key "] {
        let fault = secrets.mac(name, MacAlgorithm::HmacSha256, b"").unwrap_err();
        assert!(matches!(&fault, HostError::NotFound(why) if why.ends_with("names key")), "{fault}");
    }
}

#[tokio::test]
async fn a_tenant_has_its_own_secrets_alone() {
    let place = Place::new();
    let keys = keys(&[1]);
    place.set(&keys, "shop", "token", "hush").await.unwrap();
    let vault = place.vault(&keys);
    let fault = value(&vault, "other", "token").await.unwrap_err();
    assert_eq!(
        fault,
        "tenant `other` has no secret `token`: set it with `siyu secrets set token --tenant other`"
    );
}

#[tokio::test]
async fn a_replaced_value_is_used_within_a_second_and_the_one_before_accepted_for_a_time() {
    let place = Place::new();
    let keys = keys(&[1]);
    place.set(&keys, "shop", "token", "old").await.unwrap();
    let vault = place.vault(&keys);
    let mac =
        open(&vault, "shop", "token").await.unwrap().mac("key", MacAlgorithm::HmacSha256, b"x").unwrap();
    assert_eq!(place.set(&keys, "shop", "token", "new").await.unwrap(), 2);
    let is_right = async || {
        let secrets = open(&vault, "shop", "token").await.unwrap();
        secrets.is_mac("key", MacAlgorithm::HmacSha256, b"x", &mac).unwrap()
    };
    place.pass(1_001);
    assert_eq!(value(&vault, "shop", "token").await.unwrap(), "new");
    assert!(is_right().await);
    place.pass(58_998);
    assert!(is_right().await, "a millisecond before the end");
    place.pass(1);
    assert!(!is_right().await, "at the end");
}

#[tokio::test]
async fn a_key_of_the_host_that_is_missing_or_wrong_is_named_with_what_to_do() {
    let place = Place::new();
    place.set(&keys(&[1]), "shop", "token", "hush").await.unwrap();
    let needed = hex(&HostKey::of(Zeroizing::new([1; 32])).id());
    for wrong in [HostKeys::none(), keys(&[2])] {
        let fault = value(&place.vault(&wrong), "shop", "token").await.unwrap_err();
        for part in [needed.as_str(), &wrong.to_string(), "--secrets-key-file", "SIYU_SECRETS_KEY"] {
            assert!(fault.contains(part), "{fault}");
        }
        let fault = place.set(&wrong, "shop", "token", "new").await.unwrap_err().to_string();
        assert!(fault.contains(&needed), "{fault}");
    }
    let fault = place.set(&HostKeys::none(), "new", "token", "hush").await.unwrap_err().to_string();
    assert!(fault.contains("this host has no key for secrets"), "{fault}");
    // A tenant without secrets needs no key.
    let nothing = place.vault(&HostKeys::none()).open(&"new".parse().unwrap(), &BTreeMap::new()).await;
    assert!(nothing.is_ok());
}

#[tokio::test]
async fn the_key_of_the_host_is_replaced_while_hosts_go_on() {
    let place = Place::new();
    let (old, both, new) = (keys(&[1]), keys(&[2, 1]), keys(&[2]));
    for tenant in ["a", "b", "c"] {
        place.set(&old, tenant, "token", tenant).await.unwrap();
    }
    place.set(&both, "d", "token", "d").await.unwrap();
    // A host that has both keys never notices.
    let vault = place.vault(&both);
    assert_eq!(value(&vault, "a", "token").await.unwrap(), "a");
    let rekeyed = place.keeper(&both).rekey(place.note()).await.unwrap();
    assert_eq!(rekeyed, Rekeyed { changed: 3, before: 1 });
    place.pass(1_001);
    for tenant in ["a", "b", "c", "d"] {
        assert_eq!(value(&vault, tenant, "token").await.unwrap(), tenant);
        assert_eq!(value(&place.vault(&new), tenant, "token").await.unwrap(), tenant);
        assert!(value(&place.vault(&old), tenant, "token").await.is_err());
    }
    let again = place.keeper(&new).rekey(place.note()).await.unwrap();
    assert_eq!(again, Rekeyed { changed: 0, before: 4 });
    let fault = place.keeper(&keys(&[9])).rekey(place.note()).await.unwrap_err().to_string();
    assert!(fault.contains("sealed under the host's key"), "{fault}");
}

#[tokio::test]
async fn what_was_changed_in_the_database_does_not_open() {
    let place = Place::new();
    let keys = keys(&[1]);
    place.set(&keys, "a", "token", "of a").await.unwrap();
    place.set(&keys, "b", "token", "of b").await.unwrap();
    // The row of one tenant under the name of another.
    let (a, b): (TenantName, TenantName) = ("a".parse().unwrap(), "b".parse().unwrap());
    let mut row = place.store.secrets(&a).await.unwrap().remove(0);
    row.tenant = b.clone();
    row.version = 2;
    let key = place.store.data_key(&b).await.unwrap().unwrap();
    let set = siyu_engine::ports::secrets::SetSecret { row, key, previous_until: begin() };
    place.store.set_secret(set, place.note()).await.unwrap();
    let fault = value(&place.vault(&keys), "b", "token").await.unwrap_err();
    assert!(fault.starts_with("the secret `token` of tenant `b` cannot be opened"), "{fault}");
    assert_eq!(value(&place.vault(&keys), "a", "token").await.unwrap(), "of a");
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_borne_for_a_time() {
    let place = Place::new();
    let keys = keys(&[1]);
    place.set(&keys, "shop", "token", "hush").await.unwrap();
    let vault = place.vault(&keys);
    assert!(value(&vault, "shop", "token").await.is_ok());
    place.store.fail(Some(StoreError::Database("gone".to_owned())));
    place.pass(STALE_MS);
    assert!(value(&vault, "shop", "token").await.is_ok());
    place.pass(1);
    assert!(value(&vault, "shop", "token").await.unwrap_err().contains("gone"));
    place.store.fail(None);
    assert!(value(&vault, "shop", "token").await.is_ok());
}

#[tokio::test]
async fn a_use_is_noted() {
    let place = Place::new();
    let keys = keys(&[1]);
    place.set(&keys, "shop", "token", "hush").await.unwrap();
    let vault = place.vault(&keys);
    place.pass(5);
    open(&vault, "shop", "token").await.unwrap();
    vault.flush().await;
    let rows = place.store.secrets(&"shop".parse().unwrap()).await.unwrap();
    assert_eq!(rows[0].used_at, Some(place.clock.now()));
}

#[tokio::test]
async fn nothing_that_is_kept_or_printed_holds_a_value() {
    let place = Place::new();
    let keys = keys(&[1]);
    place.set(&keys, "shop", "token", "canary-5e1f").await.unwrap();
    let tenant: TenantName = "shop".parse().unwrap();
    let rows = place.store.secrets(&tenant).await.unwrap();
    assert!(!rows[0].sealed.windows(6).any(|part| part == b"canary"));
    let secrets = open(&place.vault(&keys), "shop", "token").await.unwrap();
    let shown = format!("{rows:?} {:?} {keys:?} {:?}", secrets.reveal("key").unwrap(), place.note());
    assert!(!shown.contains("canary"), "{shown}");
}
