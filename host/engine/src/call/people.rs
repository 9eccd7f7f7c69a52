//! `customers`: attributes, facts and tags.

use siyu_model::clock::UtcMs;
use siyu_model::customer::TagMark;
use siyu_model::id::CustomerId;
use siyu_model::json::{self, Value};
use siyu_model::limits;
use siyu_model::name::Tag;

use super::host::{CallScope, object};
use crate::admit::host_event;
use crate::memory::{Memory, Worked};
use crate::ports::plugins::{Asked, HostError, TagRequest};
use crate::ports::store::StoreError;

impl CallScope {
    pub(super) fn describe_customer(&mut self, customer: Option<&str>) -> Asked<Option<String>> {
        let id = match self.whom(customer) {
            Ok(id) => id,
            Err(HostError::NotFound(_)) => return Ok(None),
            Err(other) => return Err(other),
        };
        let described = describe(&mut self.memory, id);
        self.got(described).map(Some)
    }

    pub(super) fn patch_attributes(&mut self, customer: Option<&str>, changes: &str) -> Asked<()> {
        let id = self.whom(customer)?;
        let changes = object(changes)?;
        let before = self.memory.known_person(id).map(|person| person.customer.attributes.clone());
        let before = self.got(before)?;
        let after = before.patched(changes.as_map().unwrap_or(&Default::default()));
        let limit = limits::call::RECORD_BYTES_MAX;
        json::print_within(&after, limit)
            .map_err(|fault| HostError::Invalid(format!("the customer's attributes: {fault}")))?;
        if after == before {
            return Ok(());
        }
        self.memory.restless.push(id);
        let set = self.memory.set_attributes(id, after);
        self.got(set)
    }

    pub(super) fn list_tags(&mut self, customer: Option<&str>) -> Asked<Vec<(Tag, TagMark)>> {
        let id = self.whom(customer)?;
        let tags = self.memory.known_person(id).map(|person| person.customer.tags.clone());
        Ok(self.got(tags)?.into_iter().collect())
    }

    pub(super) fn tag(&mut self, customer: Option<&str>, request: TagRequest) -> Asked<bool> {
        let id = self.whom(customer)?;
        let tag = Tag::new(&request.tag).map_err(|fault| HostError::Invalid(fault.to_string()))?;
        if request.confidence_percent > 100 {
            let found = request.confidence_percent;
            return Err(HostError::Invalid(format!("a confidence of {found}, expected 0 to 100")));
        }
        if request.source.is_empty() || request.source.len() > 128 {
            return Err(HostError::Invalid("a tag's source has 1 to 128 bytes, such as rule:r1".to_owned()));
        }
        let now = self.memory.now;
        if let Some(expires_at) = request.expires_at.filter(|at| *at <= now) {
            let message = format!("tag `{tag}` would expire at {expires_at}, which is not after now ({now})");
            return Err(HostError::Invalid(message));
        }
        let mark = TagMark {
            source: request.source,
            added_at: now,
            effective_at: request.effective_at,
            expires_at: request.expires_at,
            confidence_percent: request.confidence_percent,
            evidence: request.evidence,
        };
        let put = put_tag(&mut self.memory, id, &tag, mark);
        self.got(put)
    }

    pub(super) fn untag(&mut self, customer: Option<&str>, tag: &str, reason: &str) -> Asked<bool> {
        let id = self.whom(customer)?;
        let tag = Tag::new(tag).map_err(|fault| HostError::Invalid(fault.to_string()))?;
        let removed = take_tag_off(&mut self.memory, id, &tag, reason);
        self.got(removed)
    }

    pub(super) fn evaluate_for(
        &mut self,
        source: &str,
        customer: Option<&str>,
        vars: &str,
    ) -> Asked<(String, Option<UtcMs>)> {
        let invalid = |message: String| HostError::Invalid(format!("expression `{source}`: {message}"));
        let expr = self.memory.expressions.parse(source).map_err(|fault| invalid(fault.message))?;
        let vars = object(vars)?;
        let customer = match (customer, self.customer) {
            (None, None) => None,
            (named, _) => Some(self.whom(named)?),
        };
        let sight = self.memory.sight(&self.playbook, &vars, customer, self.event.clone());
        let sight = self.got(sight)?;
        let evaluated = {
            let scope = sight.scope();
            expr.eval(&scope).map(|value| (value, scope.next_change_at()))
        };
        match evaluated {
            Ok((value, changes_at)) => {
                let text = json::print(&value).map_err(|fault| invalid(fault.to_string()))?;
                Ok((text, changes_at))
            }
            Err(fault) if fault.is_transient => {
                self.got(Err(crate::memory::Halt::Store(StoreError::Database(fault.message))))
            }
            Err(fault) => Err(invalid(fault.message)),
        }
    }
}

/// A customer as plugins see them.
fn describe(memory: &mut Memory, id: CustomerId) -> Worked<String> {
    let customer = memory.known_person(id)?.customer.clone();
    Ok(crate::sight::described(&customer, memory.now))
}

/// Puts a tag on or changes its mark. A tag that was there keeps when it was added.
fn put_tag(memory: &mut Memory, id: CustomerId, tag: &Tag, mark: TagMark) -> Worked<bool> {
    let before = memory.known_person(id)?.customer.tags.get(tag).cloned();
    let is_new = before.is_none();
    let mark = match before {
        Some(before) => TagMark { added_at: before.added_at, ..mark },
        None => mark,
    };
    let source = mark.source.clone();
    memory.set_tag(id, tag, Some(mark))?;
    if is_new {
        memory.restless.push(id);
        let data = Value::map([("tag", Value::text(tag.as_str())), ("source", Value::text(source))]);
        host_event(memory, "tag.added", Some(id), data);
    }
    Ok(is_new)
}

fn take_tag_off(memory: &mut Memory, id: CustomerId, tag: &Tag, reason: &str) -> Worked<bool> {
    let Some(before) = memory.set_tag(id, tag, None)? else {
        return Ok(false);
    };
    memory.restless.push(id);
    let data = Value::map([
        ("tag", Value::text(tag.as_str())),
        ("source", Value::text(before.source)),
        ("reason", Value::text(reason.chars().take(128).collect::<String>())),
    ]);
    host_event(memory, "tag.removed", Some(id), data);
    Ok(true)
}

/// A tag's time is over.
pub(crate) fn expire_tag(memory: &mut Memory, id: CustomerId, tag: &Tag, due_at: UtcMs) -> Worked<()> {
    let mark = memory.known_person(id)?.customer.tags.get(tag).cloned();
    if mark.as_ref().and_then(|mark| mark.expires_at) != Some(due_at) {
        return Ok(());
    }
    take_tag_off(memory, id, tag, "expired")?;
    let source = mark.map(|mark| mark.source).unwrap_or_default();
    let data = Value::map([("tag", Value::text(tag.as_str())), ("source", Value::text(source))]);
    host_event(memory, "tag.expired", Some(id), data);
    Ok(())
}
