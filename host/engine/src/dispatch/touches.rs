//! How often a customer is written to: counted by the day of sending, over all playbooks of the tenant.
//!
//! The count is a document of the customer, so it comes into memory with them and goes with them; days that are over are
//! left out whenever it is written.

use std::collections::BTreeMap;

use siyu_model::id::CustomerId;
use siyu_model::name::{Key, PluginName};

use crate::memory::{Halt, Memory, Worked};
use crate::ports::rows::RecordKey;

/// Touches by day, such as `2026-11-22`.
type Days = BTreeMap<String, u64>;

/// Counts one more touch on a day, unless there are `cap` already. `over` is a day that is over everywhere.
pub(super) fn take(
    memory: &mut Memory,
    customer: CustomerId,
    (day, over): (&str, &str),
    cap: u64,
) -> Worked<bool> {
    let broken = |why: String| Halt::Broken(format!("the touches of {customer}: {why}"));
    let name = Key::new("touches").map_err(|fault| broken(fault.to_string()))?;
    let key = RecordKey { plugin: PluginName::host(), customer: Some(customer), key: name };
    let mut days: Days = match memory.record(&key)? {
        Some(text) => serde_json::from_str(&text).map_err(|fault| broken(fault.to_string()))?,
        None => Days::new(),
    };
    days.retain(|day, _| day.as_str() > over);
    let taken = days.entry(day.to_owned()).or_default();
    if *taken >= cap {
        return Ok(false);
    }
    *taken += 1;
    let text = serde_json::to_string(&days).map_err(|fault| broken(fault.to_string()))?;
    memory.set_record(&key, Some(text.into()))?;
    Ok(true)
}
