//! Whose plugins this host runs, from `trust.toml` in the data folder, read when the program starts.
//!
//! ```toml
//! revoked = ["9f86d081884c7d65…"]        # digests of plugins that do not run any more, whoever signed them
//!
//! [[keys]]                               # without any: no plugin has to be signed
//! name = "siyu"
//! key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
//!
//! [[keys]]
//! name = "a contractor"
//! key = "RWSIMp7R0YZ9xu1Y7cpfA0bd0LbfYkPx1fwrcy7XGqq7G9Vq5Z1Qe4dG"
//! plugins = ["stamp-card"]               # which it may sign; without it: all
//! capabilities = ["records", "customers"] # what its plugins may use at most; without it: anything
//! ```

use serde::Deserialize;
use siyu_model::digest::PluginDigest;
use siyu_model::name::PluginName;
use siyu_model::plugin::Capability;
use siyu_runtime::{SigningKey, Trust};

use crate::fault::Fault;
use crate::home::{Home, text_of};

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    revoked: Vec<PluginDigest>,
    keys: Option<Vec<Entry>>,
}

/// A key in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    key: String,
    plugins: Option<Vec<PluginName>>,
    capabilities: Option<Vec<Capability>>,
}

/// Whose plugins this host runs; anyone's without a file.
pub(crate) fn read(home: &Home) -> anyhow::Result<Trust> {
    let path = home.trust();
    let Some(text) = text_of(&path)? else { return Ok(Trust::default()) };
    let wrong = |why: String| Fault::wrong(format!("{}: {why}", path.display()));
    let file: File = toml::from_str(&text).map_err(|fault| wrong(fault.to_string().trim_end().to_owned()))?;
    let Some(entries) = file.keys else { return Ok(Trust::anyone(file.revoked)) };
    let keys = entries
        .into_iter()
        .map(|entry| {
            let key = SigningKey::new(entry.name.clone(), &entry.key);
            let mut key = key.map_err(|why| wrong(format!("the key of {}: {why}", entry.name)))?;
            key.plugins = entry.plugins;
            key.capabilities = entry.capabilities.map(|all| all.into_iter().collect());
            Ok(key)
        })
        .collect::<Result<_, Fault>>()?;
    Ok(Trust::only(keys, file.revoked))
}

#[cfg(test)]
mod tests {
    use siyu_store::Durability;

    use super::*;

    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    fn read_text(text: &str) -> Result<Trust, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("trust.toml"), text).unwrap();
        let home = Home::new(folder.path().to_owned(), "shop".parse().unwrap(), Durability::Full);
        read(&home).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_file_of_keys_is_read_and_a_wrong_one_is_told_with_its_place() {
        let key = format!("[[keys]]\nname = \"siyu\"\nkey = \"{KEY}\"\n");
        assert_eq!(read_text(&key).unwrap().signers(), Some(vec!["siyu"]));
        assert_eq!(read_text("keys = []\n").unwrap().signers(), Some(vec![]), "nobody's plugins run");
        assert_eq!(read_text("revoked = []\n").unwrap().signers(), None);
        for (text, told) in [
            (key.replace("RWQf", "RW"), "the key of siyu: `RW6LRCGA9i53"),
            (format!("{key}plugin = [\"coupon\"]\n"), "unknown field `plugin`"),
            (format!("{key}capabilities = [\"root\"]\n"), "unknown variant `root`"),
            (format!("{key}plugins = [\"../coupon\"]\n"), "line 4"),
            ("revoked = [\"9f\"]\n".to_owned(), "line 1"),
        ] {
            let fault = read_text(&text).unwrap_err();
            assert!(fault.contains("trust.toml: ") && fault.contains(told), "{text}: {fault}");
        }
    }
}
