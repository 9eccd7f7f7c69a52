//! What a host remembers of a tenant beside its database: whose clock it goes by, and the seed it was made with.
//!
//! A tenant that was replayed on a virtual clock stands at an instant of its events. Executed once by the clock of the
//! machine, everything that was due in between would happen at once; so a tenant keeps the kind of clock it began with.

use std::fs;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::home::Home;
use crate::tenants::Tenants;

/// Who makes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClockKind {
    /// The events.
    Virtual,
    /// The machine.
    Real,
}

/// The file `<tenant>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Facts {
    /// By which clock it goes.
    pub(crate) clock: ClockKind,
    /// From what its ids, draws and codes were made; random when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<String>,
}

impl Facts {
    /// What is remembered; none for a tenant that is not there yet.
    pub(crate) async fn read(home: &Home) -> anyhow::Result<Option<Self>> {
        let path = home.beside("json");
        match fs::read_to_string(&path) {
            Ok(text) => {
                let facts = serde_json::from_str(&text);
                facts.map(Some).with_context(|| format!("{} is broken", path.display()))
            }
            // A tenant of another program goes by the machine's clock.
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
                if let Tenants::Database(stores) = home.kept() {
                    let clock = stores
                        .is_virtual(&home.tenant)
                        .await?
                        .map(|is_virtual| if is_virtual { ClockKind::Virtual } else { ClockKind::Real });
                    return Ok(clock.map(|clock| Self { clock, seed: None }));
                }
                Ok(home.is_there().await?.then_some(Self { clock: ClockKind::Real, seed: None }))
            }
            Err(fault) => Err(fault).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Remembers: whole or not at all.
    pub(crate) fn write(&self, home: &Home) -> anyhow::Result<()> {
        let path = home.beside("json");
        let shown = || format!("{} cannot be written", path.display());
        let text = serde_json::to_string(self)? + "\n";
        siyu_durable::write_whole(&path, text.as_bytes()).with_context(shown)
    }

    /// Checks what a command wants against what the tenant has.
    pub(crate) fn agree(
        &self,
        home: &Home,
        clock: Option<ClockKind>,
        seed: Option<&str>,
    ) -> anyhow::Result<()> {
        let tenant = &home.tenant;
        let help = "take another tenant with --tenant, or another folder with --data";
        match (self.clock, clock) {
            (ClockKind::Virtual, Some(ClockKind::Real)) => Err(Fault::wrong(format!(
                "tenant `{tenant}` goes by a virtual clock, the one of its events: the machine's clock would let \
                 everything happen at once that was due since"
            ))
            .help(help))?,
            (ClockKind::Real, Some(ClockKind::Virtual)) => Err(Fault::wrong(format!(
                "tenant `{tenant}` goes by the machine's clock: a virtual clock would take it back"
            ))
            .help(help))?,
            _ => {}
        }
        match (self.seed.as_deref(), seed) {
            (_, None) => Ok(()),
            (found, Some(wanted)) if found == Some(wanted) => Ok(()),
            (found, Some(wanted)) => {
                let found =
                    found.map_or("without a seed".to_owned(), |seed| format!("with the seed `{seed}`"));
                Err(Fault::wrong(format!("tenant `{tenant}` was made {found}, not with `{wanted}`"))
                    .help(help))?
            }
        }
    }
}

/// The secret that a seed stands for.
pub(crate) fn secret_of(seed: &str) -> [u8; 32] {
    *blake3::Hasher::new_derive_key("siyu 2026-11-22 secret of a seeded tenant")
        .update(seed.as_bytes())
        .finalize()
        .as_bytes()
}
