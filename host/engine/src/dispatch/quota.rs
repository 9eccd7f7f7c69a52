//! How many messages a tenant may plan for a day, of all playbooks, channels and classes: a counter of the host, a day each.

use siyu_model::clock::UtcMs;
use siyu_model::name::{Key, PluginName};
use siyu_model::playbook::Playbook;

use crate::memory::{Halt, Memory, Worked};
use crate::ports::rows::StockKey;

/// Why no more messages may be planned for a day; none when one may.
pub(super) fn full(memory: &mut Memory, playbook: &Playbook, due_at: UtcMs) -> Worked<Option<String>> {
    let Some(quota) = quota(memory) else { return Ok(None) };
    let (key, day) = key_of(playbook, due_at)?;
    let used = memory.counter(&key)?.used();
    let full = || format!("messages_per_day: the tenant has {used} for {day} already, its quota is {quota}");
    Ok((used >= quota).then(full))
}

/// Counts a message of a day.
pub(super) fn take(memory: &mut Memory, playbook: &Playbook, due_at: UtcMs) -> Worked<()> {
    let Some(quota) = quota(memory) else { return Ok(()) };
    let (key, _) = key_of(playbook, due_at)?;
    let taken = memory.counter(&key)?.take(1, quota);
    memory.set_counter(&key, taken.map_err(|fault| Halt::Broken(fault.to_string()))?);
    Ok(())
}

fn quota(memory: &Memory) -> Option<u64> {
    memory.settings.quotas.of(&memory.tenant).messages_per_day.map(u64::from)
}

/// The counter of the day on which a message goes, and the day's name.
fn key_of(playbook: &Playbook, due_at: UtcMs) -> Worked<(StockKey, String)> {
    let day = playbook.zone.local(due_at).date().to_string();
    let key = Key::new(&format!("messages/{day}")).map_err(|fault| Halt::Broken(fault.to_string()))?;
    Ok((StockKey { plugin: PluginName::host().as_str().into(), key }, day))
}
