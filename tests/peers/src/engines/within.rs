//! Libraries: their processes have the starters in them. Each is told a load in one line of JSON, and answers in one.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::load::{Driven, Load};
use crate::process::Process;

/// Lets processes start workflows, each its part of the starters and of the numbers. A single starter is in the first one.
pub(crate) fn drive(processes: &mut [Process], load: &Load, first: u64) -> anyhow::Result<Driven> {
    let used = processes.len().min(load.starters);
    let processes = &mut processes[..used];
    for (place, process) in processes.iter_mut().enumerate() {
        let part = json!({
            "starters": load.starters / used,
            "first": first + place as u64,
            "stride": used,
            "workflows": load.workflows_max / used as u64,
            "seconds": load.duration_max.as_secs_f64(),
        });
        process.tell(&part.to_string())?;
    }
    let mut all = Driven::default();
    for process in processes {
        let line = process.hear()?;
        let answer: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
        ensure!(answer["error"].is_null(), "{}", answer["error"]);
        let seconds = answer["seconds"].as_f64().with_context(|| line.clone())?;
        let spent = answer["spent_ms"].as_array().with_context(|| line.clone())?;
        all.seconds = all.seconds.max(seconds);
        all.spent_ms.extend(spent.iter().filter_map(Value::as_f64));
    }
    Ok(all)
}
