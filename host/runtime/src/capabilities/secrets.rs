//! `secrets`: what values make of data. Never a value: the host keeps them, and no function gives one.

use siyu_model::plugin::Capability;
use siyu_model::secret::mac::MacAlgorithm;
use wasmtime::component::Linker;

use super::{Offer, Weight};
use crate::contract;
use crate::sandbox::state::Call;

type Sealed = (String, Vec<u8>);

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut secrets = Offer::new(linker, Capability::Secrets)?;
    secrets.ask("mac", |host, (secret, algorithm, data): (String, contract::MacAlgorithm, Vec<u8>)| {
        host.secrets()?.mac(&secret, algorithm.into(), &data)
    })?;
    secrets.ask("macs", |host, (secret, algorithm, data): (String, contract::MacAlgorithm, Vec<u8>)| {
        host.secrets()?.macs(&secret, algorithm.into(), &data)
    })?;
    secrets.ask(
        "is-mac",
        |host, (secret, algorithm, data, mac): (String, contract::MacAlgorithm, Vec<u8>, Vec<u8>)| {
            host.secrets()?.is_mac(&secret, algorithm.into(), &data, &mac)
        },
    )?;
    secrets.ask("is-sorted-sha1", |host, (secret, parts, expected): (String, Vec<String>, String)| {
        host.secrets()?.is_sorted_sha1(&secret, &parts, &expected)
    })?;
    secrets
        .ask("decrypt-wecom", |host, (secret, data): Sealed| host.secrets()?.decrypt_wecom(&secret, &data))?;
    secrets.ask("encrypt-wecom", |host, (secret, data): Sealed| host.secrets()?.encrypt_wecom(&secret, &data))
}

impl From<contract::MacAlgorithm> for MacAlgorithm {
    fn from(algorithm: contract::MacAlgorithm) -> Self {
        match algorithm {
            contract::MacAlgorithm::HmacSha1 => Self::HmacSha1,
            contract::MacAlgorithm::HmacSha256 => Self::HmacSha256,
            contract::MacAlgorithm::HmacSha512 => Self::HmacSha512,
        }
    }
}

impl Weight for contract::MacAlgorithm {
    fn weight(&self) -> usize {
        0
    }
}
