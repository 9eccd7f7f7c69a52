//! Rules of contact: whether a customer wants to be written to, when, and how often. They hold for marketing; service messages
//! always go.
//!
//! Each refusal is a reason that the message keeps.

use siyu_model::clock::{DurationMs, UtcMs, Zone};
use siyu_model::id::CustomerId;
use siyu_model::name::EventType;
use siyu_model::playbook::{Consent, Playbook};

use super::touches::{self, Caps, Day};
use crate::memory::{Halt, Memory, Worked};

/// The events by which a customer agrees to marketing, and takes it back. They are the evidence too: the log keeps them.
const GIVEN: &str = "consent.given";
const WITHDRAWN: &str = "consent.withdrawn";
/// The attribute that holds the zone in which a customer lives, an IANA name.
const ZONE: &str = "zone";
/// Zones lie less than this apart.
const OVER: DurationMs = DurationMs::from_millis(48 * 3_600_000);
/// Days that a week's cap looks at, with the day of sending.
const WEEK_DAYS: i32 = 7;

/// The first instant from `at` on at which a marketing message may go: by the customer's own clock, where their zone is
/// known.
pub(super) fn first_open(
    memory: &mut Memory,
    playbook: &Playbook,
    customer: CustomerId,
    at: UtcMs,
) -> Worked<UtcMs> {
    let Some(quiet) = playbook.contact.quiet_hours else { return Ok(at) };
    let zone = zone_of(memory, playbook, customer)?;
    Ok(quiet.first_open(at, &zone))
}

/// Why a customer is not to be written to; none when they are.
pub(super) fn unwanted(
    memory: &mut Memory,
    playbook: &Playbook,
    customer: CustomerId,
) -> Worked<Option<String>> {
    let last = |name: &str| -> Worked<EventType> {
        EventType::new(name).map_err(|fault| Halt::Broken(fault.to_string()))
    };
    let (given, withdrawn) = (last(GIVEN)?, last(WITHDRAWN)?);
    let Some(person) = memory.person(customer)? else { return Ok(None) };
    let facts = &person.customer.facts;
    let at = |event_type: &EventType| facts.get(event_type).map(|fact| fact.last_at);
    Ok(match (at(&given), at(&withdrawn)) {
        // At the same instant the refusal counts.
        (given, Some(withdrawn)) if given.is_none_or(|given| given <= withdrawn) => {
            Some(format!("consent: the customer withdrew it at {withdrawn}"))
        }
        (None, _) if playbook.contact.consent == Consent::Required => {
            Some(format!("consent: the customer has not given it; expected an event `{GIVEN}`"))
        }
        _ => None,
    })
}

/// Counts one more message of the day on which it goes, unless that would pass a cap: the reason then.
pub(super) fn over_cap(
    memory: &mut Memory,
    playbook: &Playbook,
    customer: CustomerId,
    due_at: UtcMs,
) -> Worked<Option<String>> {
    let policy = &playbook.contact;
    let caps = Caps { day: policy.marketing_per_day, week: policy.marketing_per_week };
    if caps.are_none() {
        return Ok(None);
    }
    // Caps count touches of a customer over all playbooks and channels of the tenant, on the day of sending. Playbooks
    // have zones of their own: what lies two days before the week is over in each of them.
    let zone = zone_of(memory, playbook, customer)?;
    let name = |at: UtcMs| zone.local(at).date().to_string();
    let week = zone.start_of_day(due_at, 1 - WEEK_DAYS);
    let day = Day { day: name(due_at), week_from: name(week), over: name(week.min(memory.now) - OVER) };
    let passed = touches::take(memory, customer, &day, caps)?;
    Ok(passed.map(|(rule, cap)| match rule {
        touches::Rule::Day => format!("marketing_per_day: the customer has {cap} for {} already", day.day),
        touches::Rule::Week => {
            format!(
                "marketing_per_week: the customer has {cap} from {} to {} already",
                day.week_from, day.day
            )
        }
    }))
}

/// The zone of the customer, where it is known and there is such a zone, or that of the playbook.
fn zone_of(memory: &mut Memory, playbook: &Playbook, customer: CustomerId) -> Worked<Zone> {
    let person = memory.person(customer)?;
    let own = person.and_then(|person| {
        let attributes = person.customer.attributes.as_map()?;
        attributes.get(ZONE)?.as_str()?.parse().ok()
    });
    Ok(own.unwrap_or_else(|| playbook.zone.clone()))
}
