//! Numbers: how much there is of what, who came back, and how large the file is.

use std::path::Path;

use siyu_engine::ports::inspect::{Cohort, CohortQuery, RunTally, StoreSize, Tallies};
use siyu_engine::ports::store::StoreError;
use siyu_model::limits::inspect::{COHORT_MONTHS_MAX, GROUPS_MAX};
use siyu_model::name::EventType;
use siyu_model::run::RunPhase;

use super::super::connect::{Args, Readers};
use super::super::decode::all;
use super::super::jsonb::Batch;
use super::sql;

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

pub(super) async fn run_tallies(readers: &Readers) -> Result<Vec<RunTally>, StoreError> {
    let limit = i64::try_from(GROUPS_MAX).unwrap_or(i64::MAX);
    let found = readers.rows(sql::WORKFLOWS, Args::default().int(limit)).await?;
    all("runs", &found, |row| {
        Ok(RunTally {
            playbook: row.parse()?,
            workflow: row.text()?.to_owned(),
            phase: row.parse()?,
            end: row.opt_text()?.map(str::to_owned),
            runs: row.number()?,
        })
    })
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
