//! `customers` and `expressions`.

use std::collections::BTreeMap;

use siyu_model::clock::{UtcMs, Zone};
use siyu_model::customer::TagMark as Mark;
use siyu_model::expr::{Expr, Scope, WindowFault, Windowed, Windows};
use siyu_model::id::CustomerId;
use siyu_model::json::{self, Value};
use siyu_model::limits;
use siyu_model::name::{EventType, Tag};
use siyu_model::plugin::Capability;

use super::{Asked, State, ask, instant, object, utc};
use crate::customers::TagMark;
use crate::error::{Error, ErrorCode};
use crate::time::Instant;

pub(crate) fn customer(customer: Option<&str>) -> Asked<Option<String>> {
    ask(Capability::Customers, |state| {
        let id = match state.whom(customer) {
            Ok(id) => id,
            Err(error) if error.code == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(described(state, id)))
    })
}

/// A customer as plugins see them.
pub(in crate::fake) fn described(state: &State, id: CustomerId) -> String {
    let customer = state.known(id);
    let (zone, nothing) = (Zone::utc(), Value::Null);
    let mut scope = Scope::new(state.now, &zone, &nothing);
    scope.customer = Some(&customer);
    // `customer` always has a value when the scope has one.
    let whole = Expr::parse("customer").ok().and_then(|expr| expr.eval(&scope).ok());
    json::print_within(&whole.unwrap_or_default(), usize::MAX).unwrap_or_default()
}

pub(crate) fn set_attributes(customer: Option<&str>, changes: &str) -> Asked<()> {
    ask(Capability::Customers, |state| {
        let id = state.whom(customer)?;
        let changes = object(changes)?;
        let mut customer = state.known(id);
        let after = customer.attributes.patched(changes.as_map().unwrap_or(&BTreeMap::new()));
        json::print_within(&after, limits::call::RECORD_BYTES_MAX)
            .map_err(|fault| Error::invalid(format!("the customer's attributes: {fault}")))?;
        customer.attributes = after;
        state.tables.customers.set(&id, Some(customer));
        Ok(())
    })
}

pub(crate) fn tags(customer: Option<&str>) -> Asked<Vec<TagMark>> {
    ask(Capability::Customers, |state| {
        let id = state.whom(customer)?;
        let marks = state.known(id).tags.into_iter().map(|(tag, mark)| TagMark {
            tag: tag.to_string(),
            source: mark.source,
            effective_at: instant(mark.effective_at),
            expires_at: mark.expires_at.map(instant),
            confidence_percent: mark.confidence_percent,
            evidence: mark.evidence,
        });
        Ok(marks.collect())
    })
}

fn tag(text: &str) -> Asked<Tag> {
    Tag::new(text).map_err(|fault| Error::invalid(fault.to_string()))
}

pub(crate) fn put_tag(customer: Option<&str>, mark: &TagMark) -> Asked<bool> {
    ask(Capability::Customers, |state| {
        let id = state.whom(customer)?;
        let tag = tag(&mark.tag)?;
        if mark.confidence_percent > 100 {
            let found = mark.confidence_percent;
            return Err(Error::invalid(format!("`confidence` is {found}: expected 0 to 100")));
        }
        if mark.source.is_empty() || mark.source.len() > 128 {
            return Err(Error::invalid("a tag's source has 1 to 128 bytes, such as rule:r1"));
        }
        let now = state.now;
        let expires_at = mark.expires_at.map(utc);
        if let Some(expires_at) = expires_at.filter(|at| *at <= now) {
            return Err(Error::invalid(format!(
                "tag `{tag}` would expire at {expires_at}, which is not after now ({now})"
            )));
        }
        let mut customer = state.known(id);
        let added_at = customer.tags.get(&tag).map(|before| before.added_at);
        let mark = Mark {
            source: mark.source.clone(),
            added_at: added_at.unwrap_or(now),
            effective_at: utc(mark.effective_at),
            expires_at,
            confidence_percent: mark.confidence_percent,
            evidence: mark.evidence.clone(),
        };
        let data =
            Value::map([("tag", Value::text(tag.as_str())), ("source", Value::text(mark.source.as_str()))]);
        customer.tags.insert(tag, mark);
        state.tables.customers.set(&id, Some(customer));
        if added_at.is_none() {
            state.host_event("tag.added", Some(id), data);
        }
        Ok(added_at.is_none())
    })
}

pub(crate) fn remove_tag(customer: Option<&str>, text: &str, reason: &str) -> Asked<bool> {
    ask(Capability::Customers, |state| {
        let id = state.whom(customer)?;
        Ok(take_off(state, id, &tag(text)?, reason).is_some())
    })
}

fn take_off(state: &mut State, id: CustomerId, tag: &Tag, reason: &str) -> Option<Mark> {
    let mut customer = state.known(id);
    let mark = customer.tags.remove(tag)?;
    state.tables.customers.set(&id, Some(customer));
    let data = Value::map([
        ("tag", Value::text(tag.as_str())),
        ("source", Value::text(mark.source.as_str())),
        ("reason", Value::text(reason.chars().take(128).collect::<String>())),
    ]);
    state.host_event("tag.removed", Some(id), data);
    Some(mark)
}

/// A tag's time is over.
pub(in crate::fake) fn expire_tag(state: &mut State, id: CustomerId, tag: &Tag) {
    if let Some(mark) = take_off(state, id, tag, "expired") {
        let data = Value::map([("tag", Value::text(tag.as_str())), ("source", Value::text(mark.source))]);
        state.host_event("tag.expired", Some(id), data);
    }
}

/// When the events of one customer happened; none without a customer.
struct Log(Option<BTreeMap<EventType, Vec<UtcMs>>>);

impl Windows for Log {
    fn count(&self, event_type: &EventType, since: UtcMs) -> Result<Windowed, WindowFault> {
        let log = self.0.as_ref().ok_or_else(|| WindowFault("there is no customer here".to_owned()))?;
        let times = log.get(event_type).into_iter().flatten().filter(|at| **at >= since);
        Ok(times.fold(Windowed::default(), |found, at| Windowed {
            count: found.count + 1,
            oldest_at: Some(found.oldest_at.map_or(*at, |oldest| oldest.min(*at))),
        }))
    }
}

pub(crate) fn evaluate(source: &str, customer: Option<&str>, vars: &str) -> Asked<(String, Option<Instant>)> {
    ask(Capability::Expressions, |state| {
        let invalid = |message: &str| Error::invalid(format!("expression `{source}`: {message}"));
        let expr = Expr::parse(source).map_err(|fault| invalid(&fault.message))?;
        let vars = object(vars)?;
        let own = state.call().customer;
        let customer = match (customer, own) {
            (None, None) => None,
            (named, _) => Some(state.whom(named)?),
        };
        let log = Log(customer.map(|customer| state.log_of(customer)));
        let customer = customer.map(|customer| state.known(customer));
        let tenant = Value::map([("id", Value::text("test")), ("name", Value::text("test"))]);
        let event = state.call().event.clone();
        let mut scope = Scope::new(state.now, &state.zone, &vars);
        scope.tenant = &tenant;
        scope.event = event.as_deref();
        scope.customer = customer.as_ref();
        scope.windows = &log;
        let value = expr.eval(&scope).map_err(|fault| invalid(&fault.message))?;
        let text = json::print(&value).map_err(|fault| invalid(&fault.to_string()))?;
        Ok((text, scope.next_change_at().map(instant)))
    })
}
