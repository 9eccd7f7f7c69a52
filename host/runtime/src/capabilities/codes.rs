//! `codes`: codes that people type. Never draws or compares one itself.

use siyu_engine::ports::plugins::FoundCode;
use siyu_model::plugin::Capability;
use wasmtime::component::Linker;

use super::{Offer, Weight};
use crate::contract::Found;
use crate::sandbox::state::Call;

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut codes = Offer::new(linker, Capability::Codes)?;
    codes.ask("mint", |host, (space, random_len, reference): (String, u8, String)| {
        host.mint_code(&space, random_len, &reference)
    })?;
    codes.ask("adopt", |host, (space, code, reference): (String, String, String)| {
        host.adopt_code(&space, &code, &reference)
    })?;
    codes.ask("find", |host, (space, typed): (String, String)| {
        Ok(match host.find_code(&space, &typed)? {
            FoundCode::Known(code, reference) => Found::Known((code, reference)),
            FoundCode::Malformed(why) => Found::Malformed(why),
            FoundCode::Unknown => Found::Unknown,
        })
    })
}

impl Weight for Found {
    fn weight(&self) -> usize {
        match self {
            Self::Known((code, reference)) => code.len() + reference.len(),
            Self::Malformed(why) => why.len(),
            Self::Unknown => 0,
        }
    }
}
