//! Erasing a customer: who they were goes from every table, and what is counted stays under a pseudonym, in one
//! transaction under the lease.
//!
//! A new table or column that holds anything of a customer is named here too; the conformance suite looks through every
//! cell of every table for what it put there.

use siyu_engine::ports::store::{StoreError, Unfinished};
use siyu_model::clock::UtcMs;
use siyu_model::id::{CustomerId, MessageId, ReservationId, RunId};
use siyu_model::run::RunState;

use crate::commit::Writer;
use crate::database::{Args, Database};
use crate::decode::all;
use crate::encode;

/// What is under way for a customer, at most so many of each.
pub(crate) async fn unfinished<D: Database>(
    database: &D,
    customer: CustomerId,
    limit: usize,
) -> Result<Unfinished, StoreError> {
    let sql = D::SQL;
    let questions =
        [sql.unfinished_runs, sql.unfinished_messages, sql.unfinished_planned, sql.unfinished_reservations];
    let args = || Args::default().bytes(*customer.as_bytes()).limit(limit);
    let answers = database.view(questions.map(|text| (text, args())).into()).await?;
    let [runs, messages, planned, reservations] = answers.as_slice() else {
        return Err(StoreError::Broken("what is under way for a customer is not whole".to_owned()));
    };
    Ok(Unfinished {
        runs: all("runs", runs, |row| Ok(RunId::from_bytes(row.bytes()?)))?,
        messages: all("messages", messages, |row| Ok(MessageId::from_bytes(row.bytes()?)))?,
        planned: all("planned", planned, |row| Ok((row.parse()?, row.parse()?)))?,
        reservations: all("reservations", reservations, |row| Ok(ReservationId::from_bytes(row.bytes()?)))?,
    })
}

/// Erases a customer.
pub(crate) async fn erase<D: Database>(
    database: &D,
    writer: &mut Writer<D>,
    customer: CustomerId,
    pseudonym: CustomerId,
) -> Result<(), StoreError> {
    let sql = D::SQL;
    let whose = || Args::default().bytes(*customer.as_bytes());
    let moved = || whose().bytes(*pseudonym.as_bytes());
    let name = customer.to_string();
    let called = pseudonym.to_string();
    let renamed = || moved().text(&name).text(&called);
    let named = || Args::default().text(&name);
    let state = encode::json(&RunState::default())?;
    // What finds rows by the customer comes before what takes the customer off them.
    let changes = [
        (sql.erase_journal, whose()),
        (sql.erase_event_matches, whose()),
        (sql.erase_events, moved()),
        (sql.erase_runs, moved().text(&state)),
        (sql.erase_messages, moved()),
        (sql.erase_facts, moved()),
        (sql.erase_reservations, whose()),
        (sql.erase_counters, named()),
        (sql.erase_accounts, renamed()),
        (sql.erase_ledger_entries, renamed()),
        (sql.erase_records, whose()),
        (sql.erase_records_named, named()),
        (sql.erase_identities, whose()),
        (sql.erase_tags, whose()),
        (sql.erase_segments, whose()),
        (sql.erase_entries, whose()),
        (sql.erase_customer, whose()),
    ];
    let lease = writer.lease(UtcMs::EPOCH, 0);
    database.begin_erasing(&mut writer.connection, lease).await.map_err(|fault| writer.fault(fault))?;
    for (text, args) in changes {
        let changed = database.change(&mut writer.connection, text, args).await;
        changed.map_err(|fault| writer.fault(fault))?;
    }
    database.end_erasing(&mut writer.connection).await.map_err(|fault| writer.fault(fault))
}
