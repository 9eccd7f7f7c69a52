//! The step `erase` (删除客户标签): a customer asks to be forgotten, and nothing of their tags stays.

#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;
use siyu_plugin::{context, events, records};

use crate::evaluating::look_key;
use crate::merge::open;
use crate::refusals::UNKNOWN_CUSTOMER;
use crate::wecom::{push_key, relations_of};

/// Takes all tags off a customer and forgets what was remembered of them (删除): Personal Information Protection Law, art. 47.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// The customer, `cus_…`; the run's customer without it.
    #[serde(default)]
    pub customer: Option<String>,
}

/// What was erased.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Erased {
    /// How many tags there were.
    pub tags: u64,
}

impl Step for Erase {
    const NAME: &'static str = "erase";
    const REFUSALS: &'static [Refusal] = &[UNKNOWN_CUSTOMER];
    type Output = Erased;

    fn run(self) -> Result<Erased, Stop> {
        let customer = match self.customer {
            Some(customer) => customer,
            None => context::customer()?,
        };
        let mut book = open(&customer)?;
        let tags: Vec<String> = book.marks.keys().cloned().collect();
        for tag in &tags {
            book.remove(tag, "erase")?;
        }
        for group in std::mem::take(&mut book.memory).due.into_keys() {
            events::cancel(&look_key(&customer, &group))?;
        }
        events::cancel(&push_key(&customer))?;
        let mine = records::of(customer.as_str());
        for place in relations_of(&customer)? {
            mine.delete(&place)?;
        }
        book.save()?;
        Ok(Erased { tags: tags.len() as u64 })
    }
}
