//! The version of a playbook that is in force, as it is kept. Never changes it.

use siyu_engine::ports::inspect::{Inspect, InspectError, Turn};
use siyu_engine::ports::rows::PlaybookRow;
use siyu_model::limits::inspect::PAGE_ROWS_MAX;
use siyu_model::name::PlaybookName;

/// The version that new runs of a playbook use; none when it was never published.
///
/// # Errors
/// The tenant cannot be read.
pub async fn in_force(
    inspect: &dyn Inspect,
    name: &PlaybookName,
) -> Result<Option<PlaybookRow>, InspectError> {
    let mut turn = Turn::first(PAGE_ROWS_MAX);
    loop {
        let page = inspect.playbooks(turn).await?;
        if let Some(active) = page.items.iter().find(|version| version.is_active && version.name == *name) {
            return inspect.playbook(name, active.digest).await;
        }
        match page.next {
            Some(after) => turn = Turn { after: Some(after), limit: PAGE_ROWS_MAX },
            None => return Ok(None),
        }
    }
}
