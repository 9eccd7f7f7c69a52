//! `codes`: the rules are `siyu_model::stock::code`'s.

use siyu_model::plugin::Capability;
use siyu_model::stock::code;

use super::{Asked, State, ask};
use crate::codes::Found;
use crate::error::{Error, ErrorCode};

/// How often a code that is taken is drawn again.
const TRIES_MAX: u32 = 8;

fn check_space(space: &str) -> Asked<()> {
    let fits = (1..=64).contains(&space.len()) && !space.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(Error::invalid("a space of codes has a name of 1 to 64 bytes")) }
}

fn add(state: &mut State, space: &str, text: &str, reference: &str) -> Asked<bool> {
    if reference.len() > 512 {
        return Err(Error::invalid("a code's reference has at most 512 bytes"));
    }
    let place = (space.to_owned(), text.to_owned());
    if state.tables.codes.get(&place).is_some() {
        return Ok(false);
    }
    state.tables.codes.set(&place, Some(reference.to_owned()));
    Ok(true)
}

pub(crate) fn mint_code(space: &str, random_len: u8, reference: &str) -> Asked<String> {
    ask(Capability::Codes, |state| {
        check_space(space)?;
        let length = usize::from(random_len);
        let (least, most) = (code::RANDOM_LEN_MIN, code::RANDOM_LEN_MAX);
        if !(least..=most).contains(&length) {
            return Err(Error::invalid(format!("a code of {length} symbols, expected {least} to {most}")));
        }
        for _ in 0..TRIES_MAX {
            let call = state.call();
            call.minted += 1;
            let (purpose, place) = (format!("code/{}", call.id), call.minted);
            let random = state.derive(&purpose, place).take(64);
            if let Some(minted) = code::mint(random, length)
                && add(state, space, &minted, reference)?
            {
                return Ok(minted);
            }
        }
        Err(Error::new(
            ErrorCode::Conflict,
            format!("no free code of {length} symbols after {TRIES_MAX} tries: use longer ones"),
        ))
    })
}

pub(crate) fn adopt_code(space: &str, text: &str, reference: &str) -> Asked<bool> {
    ask(Capability::Codes, |state| {
        check_space(space)?;
        let normal = code::normalise(text);
        if !(4..=64).contains(&normal.chars().count()) || !normal.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Error::invalid(
                "a code from outside has 4 to 64 letters and digits, beside spaces and hyphens",
            ));
        }
        add(state, space, &normal, reference)
    })
}

pub(crate) fn find_code(space: &str, typed: &str) -> Asked<Found> {
    ask(Capability::Codes, |state| {
        check_space(space)?;
        let normal = code::normalise(typed);
        let place = (space.to_owned(), normal.clone());
        // Codes from outside have no check symbol: only what is unknown is judged by its form.
        if let Some(reference) = state.tables.codes.get(&place) {
            return Ok(Found::Known { code: normal, reference: reference.clone() });
        }
        Ok(match code::check(&normal) {
            Ok(()) => Found::Unknown,
            Err(fault) => Found::Malformed(fault.to_string()),
        })
    })
}
