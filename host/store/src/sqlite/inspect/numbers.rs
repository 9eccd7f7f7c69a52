//! Numbers: how much there is of what, who came back, and how large the file is.

use std::collections::BTreeMap;
use std::path::Path;

use siyu_engine::ports::inspect::{Cohort, CohortQuery, RunTally, StoreSize, Tallies};
use siyu_engine::ports::store::StoreError;
use siyu_model::limits::inspect::{COHORT_MONTHS_MAX, GROUPS_MAX};
use siyu_model::name::{EventType, PlaybookName};
use siyu_model::run::RunPhase;

use super::super::connect::{Args, Readers};
use super::super::decode::{Fields, all};
use super::super::jsonb::Batch;
use super::sql;

/// Places of a table that are counted at once: what is sorted for that stays below some tens of megabytes.
const WINDOW: usize = 100_000;

pub(super) async fn tallies(readers: &Readers) -> Result<Tallies, StoreError> {
    let results = readers.run(sql::TALLIES, Args::default()).await?;
    let [_, runs, messages, events, segments, ..] = results.as_slice() else {
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

pub(super) async fn run_tallies(readers: &Readers) -> Result<Vec<RunTally>, StoreError> {
    let mut counted: BTreeMap<(PlaybookName, String, RunPhase, Option<String>), u64> = BTreeMap::new();
    for (from, until) in windows(last(readers, sql::RUNS_END).await?) {
        let found = readers.rows(sql::WORKFLOWS, Args::default().int(from).int(until)).await?;
        for tally in all("runs", &found, run_tally)? {
            let key = (tally.playbook, tally.workflow, tally.phase, tally.end);
            *counted.entry(key).or_default() += tally.runs;
        }
    }
    let tallies = counted.into_iter().take(GROUPS_MAX);
    let tally = |((playbook, workflow, phase, end), runs)| RunTally { playbook, workflow, phase, end, runs };
    Ok(tallies.map(tally).collect())
}

pub(super) async fn run_tallies_of(
    readers: &Readers,
    playbook: &PlaybookName,
    workflow: &str,
) -> Result<Vec<RunTally>, StoreError> {
    let limit = i64::try_from(GROUPS_MAX).unwrap_or(i64::MAX);
    let args = Args::default().text(playbook.as_str()).text(workflow).int(limit);
    let found = readers.rows(sql::WORKFLOW, args).await?;
    all("runs", &found, run_tally)
}

fn run_tally(row: &mut Fields<'_>) -> Result<RunTally, StoreError> {
    Ok(RunTally {
        playbook: row.parse()?,
        workflow: row.text()?.to_owned(),
        phase: row.parse()?,
        end: row.opt_text()?.map(str::to_owned),
        runs: row.number()?,
    })
}

/// The last place of a table.
pub(super) async fn last(readers: &Readers, end: &'static str) -> Result<i64, StoreError> {
    let found = readers.rows(end, Args::default()).await?;
    Ok(all("end", &found, Fields::int)?.pop().unwrap_or(0))
}

pub(super) async fn reach(
    readers: &Readers,
    event_type: &EventType,
    at_least: u64,
) -> Result<u64, StoreError> {
    let args = Args::default().text(event_type.as_str()).int(i64::try_from(at_least).unwrap_or(i64::MAX));
    let found = readers.rows(sql::REACH, args).await?;
    let counted = all("facts", &found, |row| row.number())?;
    Ok(counted.into_iter().next().unwrap_or_default())
}

pub(super) async fn cohorts(readers: &Readers, query: CohortQuery) -> Result<Vec<Cohort>, StoreError> {
    let ends = &query.months[..query.months.len().min(COHORT_MONTHS_MAX + 1)];
    let months = ends.len().saturating_sub(1);
    let bounds = Batch::numbers(ends.iter().map(|at| at.as_millis())).finish()?;
    // The first statement's parameters are the first two of the second's.
    let args = Args::default()
        .bytes(bounds)
        .text(query.event_type.as_str())
        .int(i64::from(query.distinct_days))
        .int(query.day_offset_ms);
    let results = readers.run(sql::COHORTS, args).await?;
    let [_, sizes, returned, ..] = results.as_slice() else {
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

pub(super) async fn size(readers: &Readers, path: &Path) -> Result<StoreSize, StoreError> {
    let pages = readers.rows(sql::PAGES, Args::default()).await?;
    let pages =
        all("pages", &pages, |row| Ok((row.number::<u64>()?, row.number::<u64>()?, row.number::<u64>()?)))?;
    let (pages, page_bytes, free) = pages.into_iter().next().unwrap_or_default();
    let rows = readers.rows(sql::ROWS, Args::default()).await?;
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    Ok(StoreSize {
        database_bytes: pages * page_bytes,
        // After a clean end there is no log.
        wal_bytes: std::fs::metadata(wal).map_or(0, |file| file.len()),
        free_bytes: free * page_bytes,
        rows: all("rows", &rows, |row| Ok((row.text()?.to_owned(), row.number()?)))?,
    })
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
