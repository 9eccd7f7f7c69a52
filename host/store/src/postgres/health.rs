//! What a server says of itself: for people who ask whether it is fit to hold tenants.
//!
//! It measures nothing: the clock is whoever asks.

use siyu_engine::ports::store::StoreError;
use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::connect::{Purpose, Server, run};
use super::registry::HOST_SCHEMA;
use crate::database::failed;
use sqlx::postgres::PgArguments;

/// A server and its settings, with a connection to try it.
pub struct PgHealth {
    /// The version, such as `15.18 (Debian 15.18-0+deb12u1)`.
    pub version: String,
    /// Whether it makes its log durable: `on`, or `off`, on which no tenant is opened.
    pub fsync: String,
    /// When it answers a commit: `on` or a stronger setting; on `off` no tenant is opened.
    pub synchronous_commit: String,
    /// Whether a page is written whole after a checkpoint, so that a power cut in the middle of one breaks nothing.
    pub full_page_writes: String,
    /// Connections that it allows.
    pub connections_max: String,
    connection: PgConnection,
    place: String,
}

impl PgHealth {
    /// A question and its answer, and nothing else.
    pub async fn round_trip(&mut self) -> Result<(), StoreError> {
        self.run("SELECT 1").await
    }

    /// A transaction that the server must make durable before it answers. It leaves nothing in any table.
    pub async fn commit(&mut self) -> Result<(), StoreError> {
        self.run("SELECT pg_logical_emit_message(true, 'siyu', 'doctor')").await
    }

    async fn run(&mut self, text: &'static str) -> Result<(), StoreError> {
        let done = run(&mut self.connection, text, PgArguments::default()).await;
        done.map(drop).map_err(|fault| failed(&self.place, fault))
    }
}

/// Asks a server, whatever its settings are.
pub(super) async fn of(server: &Server) -> Result<PgHealth, StoreError> {
    const HEALTH: &str = include_str!("../../queries/postgres/host_health.sql");
    let mut connection = server.dial(HOST_SCHEMA, Purpose::Write).await?;
    let fault = |fault| failed(server.place(), fault);
    let (rows, _) = run(&mut connection, HEALTH, PgArguments::default()).await.map_err(fault)?;
    let row = rows.first().ok_or_else(|| fault(sqlx::Error::RowNotFound))?;
    Ok(PgHealth {
        version: row.try_get(0).map_err(fault)?,
        fsync: row.try_get(1).map_err(fault)?,
        synchronous_commit: row.try_get(2).map_err(fault)?,
        full_page_writes: row.try_get(3).map_err(fault)?,
        connections_max: row.try_get(4).map_err(fault)?,
        place: server.place().to_owned(),
        connection,
    })
}
