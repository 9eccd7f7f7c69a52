//! How much of this host each tenant may use, from `quotas.toml` in the data folder, read when the host starts.
//!
//! ```toml
//! [all]                       # of each tenant, as far as it has none of its own
//! events_per_second = 200
//! messages_per_day = 20000    # of all playbooks and channels; days of the playbook's zone
//! storage_mib = 4096
//!
//! [tenants.huahua]
//! events_per_second = 1000
//! streams = 50
//! plugin_cpu_percent = 50     # percent of one processor
//! ```

use siyu_model::quota::QuotaTable;

use crate::fault::Fault;
use crate::home::{Home, text_of};

/// The quotas of this host's tenants; none without a file.
pub(crate) fn read(home: &Home) -> anyhow::Result<QuotaTable> {
    let path = home.quotas();
    let Some(text) = text_of(&path)? else { return Ok(QuotaTable::default()) };
    let wrong = |why: String| Fault::wrong(format!("{}: {why}", path.display()));
    let table: QuotaTable =
        toml::from_str(&text).map_err(|fault| wrong(fault.to_string().trim_end().to_owned()))?;
    if let Some((tenant, quota)) = table.zero() {
        let whose = tenant.map_or_else(|| "all".to_owned(), |tenant| format!("tenants.{tenant}"));
        return Err(
            wrong(format!("[{whose}] {quota} is 0, so nothing could be done: expected at least 1")).into()
        );
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use siyu_store::Durability;

    use super::*;

    fn read_text(text: &str) -> Result<QuotaTable, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("quotas.toml"), text).unwrap();
        let home = Home::new(folder.path().to_owned(), "shop".parse().unwrap(), Durability::Full);
        read(&home).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_file_of_quotas_is_read_and_a_wrong_one_is_told_with_its_place() {
        let table = read_text("[all]\nmessages_per_day = 9\n[tenants.shop]\nstreams = 2\n").unwrap();
        let quotas = table.of(&"shop".parse().unwrap());
        assert_eq!((quotas.messages_per_day, quotas.streams), (Some(9), Some(2)));
        for (text, told) in [
            ("[all]\nevents = 9\n", "unknown field `events`"),
            ("[all]\nevents_per_second = -1\n", "line 2"),
            ("[tenants.\"a b\"]\n", "a b"),
            ("[tenants.shop]\nstorage_mib = 0\n", "[tenants.shop] storage_mib is 0"),
        ] {
            let fault = read_text(text).unwrap_err();
            assert!(fault.contains("quotas.toml: ") && fault.contains(told), "{text}: {fault}");
        }
    }
}
