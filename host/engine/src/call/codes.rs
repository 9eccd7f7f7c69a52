//! `codes`: unguessable, unique, with a check symbol. The index holds keyed hashes, the rows hold sealed codes.

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use siyu_model::stock::code;

use super::host::CallScope;
use crate::memory::{Halt, Memory, Worked};
use crate::ports::plugins::{Asked, FoundCode, HostError};
use crate::ports::rows::{CodeRow, Hash16};

/// How often a code that is taken is drawn again: with a million codes of 12 symbols the first try is taken once in
/// 10^12.
const TRIES_MAX: u32 = 8;

impl CallScope {
    fn check_space(space: &str) -> Asked<()> {
        let fits = (1..=64).contains(&space.len()) && !space.chars().any(char::is_control);
        if fits {
            Ok(())
        } else {
            Err(HostError::Invalid("a space of codes has a name of 1 to 64 bytes".to_owned()))
        }
    }

    pub(super) fn mint(&mut self, space: &str, random_len: u8, reference: &str) -> Asked<String> {
        Self::check_space(space)?;
        let length = usize::from(random_len);
        if !(code::RANDOM_LEN_MIN..=code::RANDOM_LEN_MAX).contains(&length) {
            let (least, most) = (code::RANDOM_LEN_MIN, code::RANDOM_LEN_MAX);
            return Err(HostError::Invalid(format!(
                "a code of {length} symbols, expected {least} to {most}"
            )));
        }
        for _ in 0..TRIES_MAX {
            self.minted += 1;
            let mut random = [0; 64];
            let id = format!("{}/{}", self.context.id, self.minted);
            self.memory.derive_bytes("code", id.as_bytes(), 0, &mut random);
            // 64 bytes hold 24 symbols even when a third of them were skipped.
            let Some(minted) = code::mint(random, length) else {
                continue;
            };
            if self.add(space, &minted, reference)? {
                return Ok(minted);
            }
        }
        Err(HostError::Conflict(format!(
            "no free code of {length} symbols after {TRIES_MAX} tries: use longer ones"
        )))
    }

    pub(super) fn adopt(&mut self, space: &str, text: &str, reference: &str) -> Asked<bool> {
        Self::check_space(space)?;
        let normal = code::normalise(text);
        if !(4..=64).contains(&normal.chars().count()) || !normal.bytes().all(|b| b.is_ascii_alphanumeric()) {
            let message =
                "a code from outside has 4 to 64 letters and digits, beside spaces and hyphens".to_owned();
            return Err(HostError::Invalid(message));
        }
        self.add(space, &normal, reference)
    }

    fn add(&mut self, space: &str, text: &str, reference: &str) -> Asked<bool> {
        if reference.len() > 512 {
            return Err(HostError::Invalid("a code's reference has at most 512 bytes".to_owned()));
        }
        let lookup = lookup(&self.memory, self.plugin.as_str(), space, text);
        let known = self.memory.code(lookup).map(|row| row.is_some());
        if self.got(known)? {
            return Ok(false);
        }
        let sealed = seal(&self.memory, lookup, text);
        let sealed = self.got(sealed)?;
        self.memory.add_code(CodeRow {
            lookup,
            plugin: self.plugin.clone(),
            space: space.to_owned(),
            sealed,
            reference: reference.to_owned(),
            created_at: self.memory.now,
        });
        Ok(true)
    }

    pub(super) fn look_up_code(&mut self, space: &str, typed: &str) -> Asked<FoundCode> {
        Self::check_space(space)?;
        let normal = code::normalise(typed);
        let lookup = lookup(&self.memory, self.plugin.as_str(), space, &normal);
        // Codes from outside have no check symbol: only what is unknown is judged by its form.
        let well_formed = code::check(&normal);
        let is_plausible =
            (4..=64).contains(&normal.len()) && normal.bytes().all(|b| b.is_ascii_alphanumeric());
        let row = if is_plausible { self.memory.code(lookup).map(|row| row.cloned()) } else { Ok(None) };
        match self.got(row)? {
            Some(row) => {
                let opened = open(&self.memory, lookup, &row.sealed);
                let opened = self.got(opened)?;
                Ok(FoundCode::Known(opened, row.reference))
            }
            None => Ok(match well_formed {
                Ok(()) => FoundCode::Unknown,
                Err(fault) => FoundCode::Malformed(fault.to_string()),
            }),
        }
    }
}

/// Whoever reads the index cannot try codes against it without the tenant's secret.
fn lookup(memory: &Memory, plugin: &str, space: &str, text: &str) -> Hash16 {
    let mut keyed = [0; 16];
    let id = format!("{plugin}\0{space}\0{text}");
    memory.derive_bytes("code lookup", id.as_bytes(), 0, &mut keyed);
    Hash16(keyed)
}

fn cipher(memory: &Memory) -> ChaCha20Poly1305 {
    let mut key = [0; 32];
    memory.derive_bytes("code seal", b"", 0, &mut key);
    ChaCha20Poly1305::new(&Key::from(key))
}

/// The nonce comes from the lookup, which no other code has.
fn nonce(lookup: Hash16) -> Nonce {
    let mut nonce = [0; 12];
    nonce.copy_from_slice(&lookup.0[..12]);
    Nonce::from(nonce)
}

fn seal(memory: &Memory, lookup: Hash16, text: &str) -> Worked<Vec<u8>> {
    let sealed = cipher(memory).encrypt(&nonce(lookup), text.as_bytes());
    sealed.map_err(|_| Halt::Broken("a code could not be sealed".to_owned()))
}

fn open(memory: &Memory, lookup: Hash16, sealed: &[u8]) -> Worked<String> {
    let broken = || {
        Halt::Broken(format!("code {lookup} cannot be opened: it was changed, or sealed with another secret"))
    };
    let text = cipher(memory).decrypt(&nonce(lookup), sealed).map_err(|_| broken())?;
    String::from_utf8(text).map_err(|_| broken())
}
