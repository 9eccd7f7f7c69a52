//! Numbers: how much there is of what, who came back, and how large the file is.

use std::collections::BTreeMap;

use siyu_engine::ports::inspect::{Cohort, CohortQuery, RunTally, StoreSize, Tallies};
use siyu_engine::ports::store::StoreError;
use siyu_model::limits::inspect::{COHORT_MONTHS_MAX, GROUPS_MAX};
use siyu_model::name::{EventType, PlaybookName};
use siyu_model::run::RunPhase;

use crate::database::{Args, Batch, Cells, Database};
use crate::decode::{Fields, all};

/// Places of a table that are counted at once: what is sorted for that stays below some tens of megabytes.
const WINDOW: usize = 100_000;

pub(super) async fn tallies<D: Database>(database: &D) -> Result<Tallies, StoreError> {
    let sql = D::SQL;
    let questions = [
        sql.inspect_tally_runs,
        sql.inspect_tally_messages,
        sql.inspect_tally_events,
        sql.inspect_tally_segments,
    ];
    let answers = database.view(questions.map(|text| (text, Args::default())).into()).await?;
    let [runs, messages, events, segments] = answers.as_slice() else {
        return Ok(Tallies::default());
    };
    let mut runs: Vec<(RunPhase, u64)> = all("runs", runs, |row| Ok((row.parse()?, row.number()?)))?;
    runs.sort();
    Ok(Tallies {
        runs,
        messages: all("messages", messages, |row| Ok((row.parse()?, row.parse()?, row.number()?)))?,
        events: all("events", events, |row| Ok((row.parse()?, row.number()?)))?,
        segments: all("segment_members", segments, |row| Ok((row.parse()?, row.parse()?, row.number()?)))?,
    })
}

/// Windows over a table's places: from, and up to which.
pub(super) fn windows(last: i64) -> impl Iterator<Item = (i64, i64)> {
    (0..last.max(0)).step_by(WINDOW).map(|from| (from, from.saturating_add(WINDOW as i64)))
}

pub(super) async fn run_tallies<D: Database>(database: &D) -> Result<Vec<RunTally>, StoreError> {
    let mut counted: BTreeMap<(PlaybookName, String, RunPhase, Option<String>), u64> = BTreeMap::new();
    for (from, until) in windows(last(database, D::SQL.inspect_runs_at_end).await?) {
        let found =
            database.rows(D::SQL.inspect_tally_workflows, Args::default().int(from).int(until)).await?;
        for tally in all("runs", &found, run_tally)? {
            let key = (tally.playbook, tally.workflow, tally.phase, tally.end);
            *counted.entry(key).or_default() += tally.runs;
        }
    }
    let tallies = counted.into_iter().take(GROUPS_MAX);
    let tally = |((playbook, workflow, phase, end), runs)| RunTally { playbook, workflow, phase, end, runs };
    Ok(tallies.map(tally).collect())
}

pub(super) async fn run_tallies_of<D: Database>(
    database: &D,
    playbook: &PlaybookName,
    workflow: &str,
) -> Result<Vec<RunTally>, StoreError> {
    let args = Args::default().text(playbook.as_str()).text(workflow).limit(GROUPS_MAX);
    let found = database.rows(D::SQL.inspect_tally_workflow, args).await?;
    all("runs", &found, run_tally)
}

fn run_tally<R: Cells>(row: &mut Fields<'_, R>) -> Result<RunTally, StoreError> {
    Ok(RunTally {
        playbook: row.parse()?,
        workflow: row.string()?,
        phase: row.parse()?,
        end: row.opt_string()?,
        runs: row.number()?,
    })
}

/// The last place of a table.
pub(super) async fn last<D: Database>(database: &D, end: &'static str) -> Result<i64, StoreError> {
    let found = database.rows(end, Args::default()).await?;
    Ok(all("end", &found, Fields::int)?.pop().unwrap_or(0))
}

pub(super) async fn reach<D: Database>(
    database: &D,
    event_type: &EventType,
    at_least: u64,
) -> Result<u64, StoreError> {
    let args = Args::default().text(event_type.as_str()).count(at_least);
    let found = database.rows(D::SQL.inspect_reach, args).await?;
    let counted = all("facts", &found, |row| row.number())?;
    Ok(counted.into_iter().next().unwrap_or_default())
}

pub(super) async fn cohorts<D: Database>(
    database: &D,
    query: CohortQuery,
) -> Result<Vec<Cohort>, StoreError> {
    let ends = &query.months[..query.months.len().min(COHORT_MONTHS_MAX + 1)];
    let months = ends.len().saturating_sub(1);
    let bounds = D::Batch::numbers(ends.iter().map(|at| at.as_millis())).finish()?;
    let began = Args::default().rows(bounds).text(query.event_type.as_str());
    let returned =
        began.clone().int(i64::from(query.distinct_days)).int(query.day_offset_ms).int(query.day_offset_ms);
    let questions = vec![(D::SQL.inspect_cohorts, began), (D::SQL.inspect_cohorts_returned, returned)];
    let answers = database.view(questions).await?;
    let [sizes, returned] = answers.as_slice() else {
        return Ok(Vec::new());
    };
    let mut cohorts: Vec<Cohort> = (0..months)
        .map(|month| Cohort { month: ends[month], customers: 0, returned: vec![0; months - month] })
        .collect();
    for (month, customers) in all("cohorts", sizes, |row| Ok((row.number::<usize>()?, row.number()?)))? {
        if let Some(cohort) = cohorts.get_mut(month) {
            cohort.customers = customers;
        }
    }
    let returned =
        all("cohorts", returned, |row| Ok((row.number::<usize>()?, row.number::<usize>()?, row.number()?)))?;
    for (month, back, customers) in returned {
        let cohort = cohorts.get_mut(month).map(|cohort| &mut cohort.returned);
        if let Some(cell) = cohort.and_then(|returned| returned.get_mut(back.checked_sub(month)?)) {
            *cell = customers;
        }
    }
    Ok(cohorts)
}

pub(super) async fn size<D: Database>(database: &D) -> Result<StoreSize, StoreError> {
    let (database_bytes, wal_bytes, free_bytes) = database.bytes().await?;
    let rows = database.rows(D::SQL.inspect_rows, Args::default()).await?;
    let rows = all("rows", &rows, |row| Ok((row.string()?, row.number()?)))?;
    Ok(StoreSize { database_bytes, wal_bytes, free_bytes, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_every_place_once() {
        for (last, expected) in [
            (0, vec![]),
            (-1, vec![]),
            (1, vec![(0, 100_000)]),
            (100_000, vec![(0, 100_000)]),
            (100_001, vec![(0, 100_000), (100_000, 200_000)]),
        ] {
            assert_eq!(windows(last).collect::<Vec<_>>(), expected, "{last}");
        }
    }
}
