//! `customers`: attributes and tags. Never decides whose customer it is: the host knows its tenant only.

use siyu_engine::ports::plugins::{Asked, HostError, TagRequest};
use siyu_model::customer;
use siyu_model::name::Tag;
use siyu_model::plugin::Capability;
use wasmtime::component::Linker;

use super::{Offer, Weight, instant, millis};
use crate::contract::TagMark;
use crate::sandbox::state::Call;

type Customer = (Option<String>,);

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut customers = Offer::new(linker, Capability::Customers)?;
    customers.ask("get", |host, (customer,): Customer| host.customer(customer.as_deref()))?;
    customers.ask("set-attributes", |host, (customer, changes): (Option<String>, String)| {
        host.set_attributes(customer.as_deref(), &changes)
    })?;
    customers.ask("tags", |host, (customer,): Customer| {
        let marks = host.tags(customer.as_deref())?;
        Ok(marks.into_iter().map(TagMark::from).collect::<Vec<_>>())
    })?;
    customers.ask("put-tag", |host, (customer, mark): (Option<String>, TagMark)| {
        host.put_tag(customer.as_deref(), mark.checked()?)
    })?;
    customers.ask("remove-tag", |host, (customer, tag, reason): (Option<String>, String, String)| {
        host.remove_tag(customer.as_deref(), &tag, &reason)
    })
}

impl TagMark {
    fn checked(self) -> Asked<TagRequest> {
        if self.confidence > 100 {
            return Err(HostError::Invalid(format!(
                "`confidence` is {}: expected 0 to 100",
                self.confidence
            )));
        }
        Ok(TagRequest {
            tag: self.tag,
            source: self.source,
            effective_at: instant("effective-at", self.effective_at)?,
            expires_at: self.expires_at.map(|at| instant("expires-at", at)).transpose()?,
            confidence_percent: self.confidence,
            evidence: self.evidence,
        })
    }
}

impl From<(Tag, customer::TagMark)> for TagMark {
    fn from((tag, mark): (Tag, customer::TagMark)) -> Self {
        Self {
            tag: tag.as_str().to_owned(),
            source: mark.source,
            effective_at: millis(mark.effective_at),
            expires_at: mark.expires_at.map(millis),
            confidence: mark.confidence_percent,
            evidence: mark.evidence,
        }
    }
}

impl Weight for TagMark {
    fn weight(&self) -> usize {
        self.tag.len() + self.source.len() + self.evidence.weight()
    }
}
