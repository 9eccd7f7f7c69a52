//! Several hosts on one database: who lives, who has which tenant, and letters between them, in the schema of the host.
//!
//! All time is the database's. It never looks into a tenant.

mod letters;
mod news;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use siyu_engine::ports::fleet::{Fleet, Letter, LetterId, News, Posted, Posting, Roster};
use siyu_engine::ports::store::StoreError;
use siyu_model::clock::DurationMs;
use siyu_model::id::HostId;
use siyu_model::limits::fleet::LEASE_MS;
use siyu_model::name::TenantName;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::{Arguments, Connection, Encode, Postgres, Row, SqlSafeStr, Type};

use super::connect::{Purpose, Server, is_broken, run, within};
use super::registry::{HOST_SCHEMA, schema_of};
use super::{PgStores, migrate};
use crate::database::failed;
use crate::readers::Readers;
use crate::store::random_bytes;
use news::Listener;

/// The text of a query file.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/postgres/", $name, ".sql"))
    };
}
use sql;

/// Connections at once: one that says that the host lives is never kept waiting by one that carries letters.
const CONNECTIONS: usize = 4;
/// How long the server may take to answer: a host that waits longer has lost its tenants.
const ANSWERED: Duration = Duration::from_secs(5);
/// Bytes of a host's name.
const NAME_BYTES_MAX: usize = 256;

/// What a host is to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PgRole {
    /// It takes its part of the tenants.
    Member,
    /// It works on tenants that it names, and takes none from a member.
    Command,
}

/// Who has a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgHolder {
    /// What it calls itself.
    pub name: String,
    /// Whether it is a member of the fleet, and no command.
    pub is_host: bool,
}

impl std::fmt::Display for PgHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", if self.is_host { "host" } else { "command" }, self.name)
    }
}

/// A host among those of a database.
pub struct PgFleet {
    server: Arc<Server>,
    me: HostId,
    name: String,
    role: PgRole,
    lease: DurationMs,
    connections: Readers<PgConnection>,
    listener: Listener,
}

impl PgFleet {
    /// Joins the hosts of a database under a name for people, which need not be unique. Makes what the database lacks.
    pub async fn join(stores: &PgStores, name: &str, role: PgRole) -> Result<Self, StoreError> {
        Self::join_for(stores, (name, role), DurationMs::from_millis(LEASE_MS)).await
    }

    /// The same with another time for which the host lives after it said so: the longest time before another host goes
    /// on with what this one had, when this one dies.
    pub async fn join_for(
        stores: &PgStores,
        (name, role): (&str, PgRole),
        lease: DurationMs,
    ) -> Result<Self, StoreError> {
        let server = stores.server.clone();
        let mut connection = server.connect(HOST_SCHEMA, Purpose::Write).await?;
        migrate::migrate(&mut connection, HOST_SCHEMA, server.place(), migrate::HOST).await?;
        let fault = |fault| failed(server.place(), fault);
        connection.close().await.map_err(fault)?;
        let me = HostId::from_bytes(random_bytes::<16>(server.place())?);
        let mut name = name.to_owned();
        name.truncate(name.floor_char_boundary(NAME_BYTES_MAX));
        let listener = Listener::of(&server, me);
        let connections = Readers::new(CONNECTIONS);
        let fleet = Self { server, me, name, role, lease, connections, listener };
        fleet.say_alive().await?;
        fleet.ask(sql!("host_letters_old"), Given::default()).await?;
        fleet.ask(sql!("host_fleet_old"), Given::default()).await?;
        fleet.tell("roster").await?;
        Ok(fleet)
    }

    /// Who has a tenant; none when nobody does who lives.
    pub async fn holder(&self, tenant: &TenantName) -> Result<Option<PgHolder>, StoreError> {
        holder(
            &self.server,
            self.ask(sql!("host_fleet_holder"), Given::default().and(tenant.as_str())).await?,
        )
    }

    /// Keeps a plugin that a published version uses, for all hosts.
    pub async fn keep_component(&self, digest: [u8; 32], code: &[u8]) -> Result<(), StoreError> {
        self.ask(sql!("host_component_put"), Given::default().and(digest.to_vec()).and(code)).await.map(drop)
    }

    /// A plugin that a published version uses; none when nobody kept it.
    pub async fn component(&self, digest: [u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.ask(sql!("host_component"), Given::default().and(digest.to_vec())).await?;
        rows.first().map(|row| self.cell(row, 0)).transpose()
    }

    /// Makes a tenant that is not there, and takes it; says whether this host has it now. A fleet executes only tenants
    /// that go by the machine's clock.
    pub async fn found_by_clock(&self, tenant: &TenantName, is_virtual: bool) -> Result<bool, StoreError> {
        let clock = if is_virtual { "virtual" } else { "real" };
        let given = Given::default().and(tenant.as_str()).and(schema_of(tenant));
        let given = given.and(self.me.as_bytes().to_vec()).and(clock);
        self.ask(sql!("host_fleet_found"), given).await?;
        let got = self.claim(std::slice::from_ref(tenant)).await?;
        Ok(!got.is_empty())
    }

    /// Says that this host lives, and asks for nothing.
    pub async fn say_alive(&self) -> Result<(), StoreError> {
        let lease = i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX);
        let given = Given::default().and(self.me.as_bytes().to_vec()).and(self.name.as_str());
        let given = given.and(self.role == PgRole::Member).and(lease);
        self.ask(sql!("host_fleet_beat"), given).await.map(drop)
    }

    async fn tell(&self, what: &str) -> Result<(), StoreError> {
        self.ask(sql!("host_fleet_tell"), Given::default().and(what)).await.map(drop)
    }

    fn fault(&self, fault: sqlx::Error) -> StoreError {
        failed(self.server.place(), fault)
    }

    fn cell<'r, T: sqlx::Decode<'r, Postgres> + Type<Postgres>>(
        &self,
        row: &'r PgRow,
        at: usize,
    ) -> Result<T, StoreError> {
        row.try_get(at).map_err(|fault| self.fault(fault))
    }

    fn tenant(&self, row: &PgRow, at: usize) -> Result<TenantName, StoreError> {
        let name: String = self.cell(row, at)?;
        name.parse().map_err(|fault| StoreError::Broken(format!("{}: {fault}", self.server.place())))
    }

    /// Runs one statement. After a fault of the connection it is not known whether it was done, and it is not repeated.
    async fn ask(&self, text: impl SqlSafeStr, given: Given) -> Result<Vec<PgRow>, StoreError> {
        let arguments = given.finish().map_err(|fault| self.fault(fault))?;
        let open = || self.server.connect(HOST_SCHEMA, Purpose::Write);
        let mut turn = self.connections.turn(open).await?;
        match within(ANSWERED, run(&mut turn.connection, text, arguments)).await {
            Ok((rows, _)) => {
                turn.keep();
                Ok(rows)
            }
            Err(fault) => {
                if is_broken(&fault) {
                    // All connections from before are as dead.
                    drop(self.connections.forget());
                }
                Err(self.fault(fault))
            }
        }
    }
}

/// The holder of a tenant from its row.
pub(super) fn holder(server: &Server, rows: Vec<PgRow>) -> Result<Option<PgHolder>, StoreError> {
    let fault = |fault| failed(server.place(), fault);
    let Some(row) = rows.first() else { return Ok(None) };
    let holder = PgHolder { name: row.try_get(0).map_err(fault)?, is_host: row.try_get(1).map_err(fault)? };
    let silent_ms: i64 = row.try_get(2).map_err(fault)?;
    Ok((silent_ms < 0).then_some(holder))
}

/// Parameters of a statement, in their order.
#[derive(Default)]
struct Given {
    arguments: PgArguments,
    fault: Option<sqlx::Error>,
}

impl Given {
    fn and<'v>(mut self, value: impl Encode<'v, Postgres> + Type<Postgres>) -> Self {
        if let Err(fault) = self.arguments.add(value) {
            self.fault = Some(sqlx::Error::Encode(fault));
        }
        self
    }

    fn finish(self) -> Result<PgArguments, sqlx::Error> {
        self.fault.map_or(Ok(self.arguments), Err)
    }
}

fn names(tenants: &[TenantName]) -> Vec<String> {
    tenants.iter().map(|name| name.as_str().to_owned()).collect()
}

fn host(bytes: Vec<u8>, server: &Server) -> Result<HostId, StoreError> {
    let bytes = <[u8; 16]>::try_from(bytes);
    bytes.map(HostId::from_bytes).map_err(|found| {
        StoreError::Broken(format!("{}: a host's id of {} bytes", server.place(), found.len()))
    })
}

#[async_trait]
impl Fleet for PgFleet {
    fn me(&self) -> HostId {
        self.me
    }

    fn lease(&self) -> DurationMs {
        self.lease
    }

    async fn beat(&self) -> Result<Roster, StoreError> {
        self.say_alive().await?;
        let mut roster = Roster::default();
        for row in self.ask(sql!("host_fleet_hosts"), Given::default()).await? {
            roster.hosts.push(host(self.cell(&row, 0)?, &self.server)?);
        }
        for row in self.ask(sql!("host_fleet_tenants"), Given::default()).await? {
            let holder = self.cell::<Option<Vec<u8>>>(&row, 1)?;
            let holder = holder.map(|bytes| host(bytes, &self.server)).transpose()?;
            roster.tenants.push((self.tenant(&row, 0)?, holder));
        }
        Ok(roster)
    }

    async fn claim(&self, tenants: &[TenantName]) -> Result<Vec<TenantName>, StoreError> {
        let given = Given::default().and(self.me.as_bytes().to_vec()).and(names(tenants));
        let rows = self.ask(sql!("host_fleet_claim"), given.and(self.role == PgRole::Member)).await?;
        rows.iter().map(|row| self.tenant(row, 0)).collect()
    }

    async fn found(&self, tenant: &TenantName) -> Result<bool, StoreError> {
        self.found_by_clock(tenant, false).await
    }

    async fn release(&self, tenants: &[TenantName]) -> Result<(), StoreError> {
        let given = Given::default().and(self.me.as_bytes().to_vec()).and(names(tenants));
        self.ask(sql!("host_fleet_release"), given).await?;
        self.tell("roster").await
    }

    async fn leave(&self) -> Result<(), StoreError> {
        self.ask(sql!("host_fleet_leave"), Given::default().and(self.me.as_bytes().to_vec())).await?;
        self.tell("roster").await
    }

    async fn post(&self, letters: Vec<Posting>) -> Result<Vec<Posted>, StoreError> {
        letters::post(self, letters).await
    }

    async fn letters(&self, tenants: &[TenantName], limit: usize) -> Result<Vec<Letter>, StoreError> {
        letters::read(self, tenants, limit).await
    }

    async fn answer(&self, answers: Vec<(LetterId, String)>) -> Result<(), StoreError> {
        let (ids, texts): (Vec<i64>, Vec<String>) = answers.into_iter().unzip();
        self.ask(sql!("host_letters_answer"), Given::default().and(ids).and(texts)).await.map(drop)
    }

    async fn answers(&self) -> Result<Vec<(LetterId, String)>, StoreError> {
        let rows =
            self.ask(sql!("host_letters_answers"), Given::default().and(self.me.as_bytes().to_vec())).await?;
        rows.iter().map(|row| Ok((self.cell(row, 0)?, self.cell(row, 1)?))).collect()
    }

    async fn news(&self) -> News {
        self.listener.news().await
    }
}
