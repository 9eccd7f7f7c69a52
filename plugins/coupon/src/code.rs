//! Codes that people type (券码): whose coupon they are, for whom that may be told, and how often one may be wrong.
//!
//! Never tells a stranger that a code exists: what they may not use is unknown to them.

use siyu_plugin::codes::{self, Found as FoundCode};
use siyu_plugin::prelude::*;
use siyu_plugin::{context, records};

use crate::refusal;
use crate::terms::Shelf;
use crate::wallet::{Found, Wallet};

/// The plugin's only space of codes.
pub(crate) const SPACE: &str = "coupon";
/// Wrong codes in a minute (domain paper §4.2).
const WRONG_MAX: u32 = 5;
const WRONG_WINDOW: Duration = Duration::minutes(1);
/// How long the caller is refused after that.
const BLOCKED_FOR: Duration = Duration::minutes(15);
/// Bytes of the name of whoever types a code.
const NAME_BYTES_MAX: usize = 64;
/// Hands that a coupon's trail is followed through.
const MOVES_MAX: usize = 32;
/// Prefixes that batches may have.
const PREFIXES_MAX: usize = 100;
const PREFIXES: &str = "prefixes";

/// Who types a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The customer of the run, who may use their own codes and those that may be passed on.
    Customer(String),
    /// Somebody of the staff (店员), who may use everybody's.
    Staff(String),
    /// Somebody unknown, named for the limit of tries alone.
    Nobody(String),
}

impl Caller {
    /// The caller of a step with these inputs.
    ///
    /// # Errors
    /// An invalid input when there is neither a customer nor a name, and for a name that is too long.
    pub(crate) fn of(staff: Option<&str>, actor: Option<&str>) -> Result<Self, Fault> {
        for (pointer, name) in [("/staff", staff), ("/actor", actor)] {
            if name.is_some_and(|name| !(1..=NAME_BYTES_MAX).contains(&name.len())) {
                return Err(Fault::invalid(
                    pointer,
                    format!("expected a name of 1 to {NAME_BYTES_MAX} bytes"),
                ));
            }
        }
        if let Some(staff) = staff {
            return Ok(Self::Staff(staff.to_owned()));
        }
        if let Some(customer) = &context::current().customer {
            return Ok(Self::Customer(customer.clone()));
        }
        let message =
            "the run is for no customer: say by `staff` or `actor` who types the code, tries are limited";
        let actor = actor.ok_or_else(|| Fault::invalid("/actor", message))?;
        Ok(Self::Nobody(actor.to_owned()))
    }

    fn tries_at(&self) -> (records::Records, String) {
        match self {
            Self::Customer(customer) => (records::of(customer), "tries".to_owned()),
            Self::Staff(name) => (records::of_tenant(), key(&["tries", "staff", name])),
            Self::Nobody(name) => (records::of_tenant(), key(&["tries", "actor", name])),
        }
    }
}

/// Wrong codes of a caller.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Tries {
    since_ms: i64,
    wrong: u32,
    blocked_until_ms: i64,
}

/// What a code stands for.
pub(crate) enum Place {
    /// A customer's coupon.
    Issued { owner: String, coupon: String, found: Found },
    /// A code that an operator brought and nobody has yet.
    Spare { record: String, spare: Spare },
}

/// A code that an operator brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spare {
    pub(crate) batch: String,
    pub(crate) code: String,
    /// The customer and the coupon that it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) given: Option<(String, String)>,
}

impl Spare {
    /// The key of the code with a number, from 1 on.
    pub(crate) fn key(batch: &str, number: u64) -> String {
        key(&["code", batch, &number.to_string()])
    }
}

/// What a minted code is bound to.
pub(crate) fn reference(owner: &str, coupon: &str) -> String {
    key(&["c", owner, coupon])
}

/// Keeps a batch's prefix, so that people may type it.
pub(crate) fn keep_prefix(prefix: &str) -> Result<(), Fault> {
    let ours = records::of_tenant();
    let mut prefixes: Vec<String> = ours.get(PREFIXES)?.unwrap_or_default();
    if prefix.is_empty() || prefixes.iter().any(|known| known == prefix) {
        return Ok(());
    }
    if prefixes.len() >= PREFIXES_MAX {
        let message = format!("the batches have {PREFIXES_MAX} prefixes already: use one of them");
        return Err(Fault::invalid("/code/prefix", message));
    }
    prefixes.push(prefix.to_owned());
    // A longer one is not to be taken for a shorter one.
    prefixes.sort_by(|one, two| two.len().cmp(&one.len()).then_with(|| one.cmp(two)));
    Ok(ours.put(PREFIXES, &prefixes)?)
}

/// What a typed code stands for, as far as the caller may know.
///
/// # Errors
/// `CODE_UNKNOWN`, `CODE_MALFORMED` and `TOO_MANY_TRIES`; what the host says.
pub(crate) fn resolve(typed: &str, caller: &Caller, shelf: &mut Shelf) -> Result<Place, Stop> {
    let (owner, record) = caller.tries_at();
    let mut tries: Tries = owner.get(&record)?.unwrap_or_default();
    let now = Instant::now();
    let blocked_until = Instant::from_millis(tries.blocked_until_ms);
    if now < blocked_until {
        return Err(refusal::TOO_MANY_TRIES
            .because(format!("blocked until {blocked_until}"))
            .details(json!({ "blocked_until": blocked_until }))
            .into());
    }
    let refused = match find(typed, caller, shelf)? {
        Ok(place) => return Ok(place),
        Err(refused) => refused,
    };
    if now.since(Instant::from_millis(tries.since_ms)) >= WRONG_WINDOW {
        tries.since_ms = now.as_millis();
        tries.wrong = 0;
    }
    tries.wrong += 1;
    if tries.wrong >= WRONG_MAX {
        tries.blocked_until_ms = (now + BLOCKED_FOR).as_millis();
        tries.wrong = 0;
    }
    owner.put(&record, &tries)?;
    Err(refused.into())
}

fn find(typed: &str, caller: &Caller, shelf: &mut Shelf) -> Result<Result<Place, Refused>, Stop> {
    let reference = match look_up(typed)? {
        FoundCode::Known { reference, .. } => reference,
        FoundCode::Malformed(hint) => return Ok(Err(refusal::CODE_MALFORMED.because(hint))),
        FoundCode::Unknown => return Ok(Err(refusal::CODE_UNKNOWN.into())),
    };
    let mut parts = reference.split('/');
    let (mut owner, coupon) = match (parts.next(), parts.next(), parts.next()) {
        (Some("c"), Some(owner), Some(coupon)) => (owner.to_owned(), coupon.to_owned()),
        _ => {
            let spare: Option<Spare> = records::of_tenant().get(&reference)?;
            match spare {
                Some(Spare { given: Some((owner, coupon)), .. }) => (owner, coupon),
                Some(spare) if !matches!(caller, Caller::Nobody(_)) => {
                    return Ok(Ok(Place::Spare { record: reference, spare }));
                }
                _ => return Ok(Err(refusal::CODE_UNKNOWN.into())),
            }
        }
    };
    for _ in 0..MOVES_MAX {
        match Wallet::of(&owner)?.find(&coupon)? {
            None => break,
            Some(Found::Moved { to }) => owner = to,
            Some(found) => {
                let may = may_know(caller, &owner, &found, shelf)?;
                let place = Place::Issued { owner, coupon, found };
                return Ok(if may { Ok(place) } else { Err(refusal::CODE_UNKNOWN.into()) });
            }
        }
    }
    Ok(Err(refusal::CODE_UNKNOWN.into()))
}

/// What was typed, with a batch's prefix in front of it or without.
fn look_up(typed: &str) -> Result<FoundCode, Stop> {
    let found = codes::find(SPACE, typed)?;
    if matches!(found, FoundCode::Known { .. }) {
        return Ok(found);
    }
    let prefixes: Vec<String> = records::of_tenant().get(PREFIXES)?.unwrap_or_default();
    let plain = typed.trim_start();
    for prefix in &prefixes {
        let head = plain.get(..prefix.len()).filter(|head| head.eq_ignore_ascii_case(prefix));
        if head.is_some() {
            let shorter = codes::find(SPACE, &plain[prefix.len()..])?;
            if matches!(shorter, FoundCode::Known { .. }) {
                return Ok(shorter);
            }
        }
    }
    Ok(found)
}

/// A stranger knows a code only while they may use it.
fn may_know(caller: &Caller, owner: &str, found: &Found, shelf: &mut Shelf) -> Result<bool, Fault> {
    let coupon = match (caller, found) {
        (Caller::Staff(_), _) => return Ok(true),
        (Caller::Customer(customer), _) if customer == owner => return Ok(true),
        (_, Found::Live(coupon)) | (Caller::Customer(_), Found::Used { coupon, .. }) => coupon,
        (Caller::Customer(_), Found::Ended(ended)) => &ended.coupon,
        _ => return Ok(false),
    };
    let now = Instant::now();
    let is_usable = coupon.from() <= now && now < coupon.until() && coupon.held_by(now).is_none();
    let may = is_usable || matches!(caller, Caller::Customer(_));
    Ok(may && shelf.terms(&coupon.batch, coupon.terms)?.transferable)
}
