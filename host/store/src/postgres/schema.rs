//! A tenant's schema as the shared half of the store asks it: questions to readers, write sets to the one writer.
//!
//! Every trip over the network costs more than most statements, so a load is one statement and a commit one call.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use siyu_engine::ports::store::{MaintenanceReport, StoreError};
use siyu_model::id::HostId;
use siyu_model::name::TenantName;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Row};

use super::cells::Record;
use super::composite::{Batch, Shapes};
use super::connect::{self, Purpose, Server, arguments, is_broken, run, within};
use super::{PgOptions, fleet, migrate, registry};
use crate::carry::{self, CARRIED};
use crate::commit::{Batches, Writer};
use crate::database::{Answers, Args, Cells as _, Database, failed};
use crate::decode::{Fields, all};
use crate::queries::{self, Queries};
use crate::readers::Readers;
use crate::store::{TenantStore, random_bytes};
use crate::texts::Texts;

/// The text of a query file that only Postgres has.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/postgres/", $name, ".sql"))
    };
}

/// How long a server may take to answer an executor: longer than it waits for a lock, and much longer than any statement
/// of its takes.
const ANSWERED: Duration = Duration::from_secs(30);

/// A tenant's schema, as questions reach it.
pub struct PgSchema {
    server: Arc<Server>,
    name: String,
    place: String,
    shapes: Shapes,
    reads: Purpose,
    readers: Readers<PgConnection>,
    texts: Texts,
}

/// Opens a tenant's schema, makes or migrates it, and takes the lease.
pub(super) async fn open(
    tenant: &TenantName,
    server: Arc<Server>,
    options: &PgOptions,
) -> Result<TenantStore<PgSchema>, StoreError> {
    let name = registry::schema_of(tenant);
    let mut connection = server.connect(&name, Purpose::Write).await?;
    migrate::migrate(&mut connection, registry::HOST_SCHEMA, server.place(), migrate::HOST).await?;
    let place = place(&server, tenant);
    migrate::migrate(&mut connection, &name, &place, migrate::TENANT).await?;
    registry::put(&mut connection, tenant, &name, &place).await?;
    let secret = match options.secret {
        Some(secret) => secret,
        None => random_bytes(&place)?,
    };
    let schema = PgSchema::on(server, tenant, &mut connection, Purpose::Read, options.readers).await?;
    let fault = |fault| failed(&place, fault);
    schema
        .change(&mut connection, PgSchema::SQL.secret_put, Args::default().bytes(secret))
        .await
        .map_err(fault)?;
    let epoch = take(&mut connection, tenant, options.host, &schema).await?;
    // After the lease, so that whoever closes the tenant at this moment either fences this opening or is seen by it.
    let note = schema.ask(&mut connection, PgSchema::SQL.note, Args::default().text(CARRIED)).await;
    let note = note.map_err(fault)?;
    carry::refuse(note.first().and_then(|row| row.bytes(0).ok().flatten()), &place)?;
    let last =
        schema.ask(&mut connection, PgSchema::SQL.journal_end, Args::default()).await.map_err(fault)?;
    let last_line = all("journal", &last, Fields::int)?.pop().unwrap_or(0);
    let writer = Writer::new(connection, tenant.clone(), u64::try_from(epoch).unwrap_or(0), last_line);
    Ok(TenantStore::new(schema, writer))
}

/// Takes the lease, as the host that has the tenant when one is named; gives its epoch.
async fn take(
    connection: &mut PgConnection,
    tenant: &TenantName,
    host: Option<HostId>,
    schema: &PgSchema,
) -> Result<i64, StoreError> {
    let fault = |fault| failed(&schema.place, fault);
    run(connection, "BEGIN", PgArguments::default()).await.map_err(fault)?;
    if let Some(host) = host {
        let args = || Args::default().text(tenant.as_str());
        let holds = args().bytes(*host.as_bytes());
        let (held, _) =
            run(connection, sql!("host_fleet_holds"), arguments(holds, &schema.shapes).map_err(fault)?)
                .await
                .map_err(fault)?;
        if held.is_empty() {
            let asked = arguments(args(), &schema.shapes).map_err(fault)?;
            let (rows, _) = run(connection, sql!("host_fleet_holder"), asked).await.map_err(fault)?;
            let holder = fleet::holder(&schema.server, rows)?;
            let holder = holder.map_or_else(|| "nobody now".to_owned(), |holder| holder.to_string());
            return Err(StoreError::Elsewhere { tenant: tenant.clone(), holder });
        }
    }
    let (taken, _) =
        run(connection, PgSchema::SQL.lease_take, PgArguments::default()).await.map_err(fault)?;
    let epoch: i64 = match taken.first() {
        Some(row) => row.try_get(0).map_err(fault)?,
        None => return Err(StoreError::Broken(format!("{} has no lease", schema.place))),
    };
    run(connection, "COMMIT", PgArguments::default()).await.map_err(fault)?;
    Ok(epoch)
}

/// Opens a tenant's schema to read, as it is.
pub(super) async fn read(
    tenant: &TenantName,
    server: Arc<Server>,
    readers: usize,
) -> Result<PgSchema, StoreError> {
    let name = registry::schema_of(tenant);
    let place = place(&server, tenant);
    let mut connection = server.connect(&name, Purpose::Inspect).await?;
    if migrate::check(&mut connection, &name, &place, migrate::TENANT).await? == 0 {
        return Err(StoreError::Broken(format!("{place} is not there yet")));
    }
    let schema = PgSchema::on(server, tenant, &mut connection, Purpose::Inspect, readers).await?;
    let note = schema.ask(&mut connection, PgSchema::SQL.note, Args::default().text(CARRIED)).await;
    let note = note.map_err(|fault| failed(&place, fault))?;
    carry::refuse_reading(note.first().and_then(|row| row.bytes(0).ok().flatten()), &place)?;
    connection.close().await.map_err(|fault| failed(&place, fault))?;
    Ok(schema)
}

/// A tenant of a database in words.
pub(super) fn place(server: &Server, tenant: &TenantName) -> String {
    format!("tenant {tenant} in {}", server.place())
}

impl PgSchema {
    /// The schema whose types a connection sees.
    async fn on(
        server: Arc<Server>,
        tenant: &TenantName,
        connection: &mut PgConnection,
        reads: Purpose,
        readers: usize,
    ) -> Result<Self, StoreError> {
        let place = place(&server, tenant);
        let fault = |fault| failed(&place, fault);
        let (rows, _) = run(connection, sql!("schema_types"), PgArguments::default()).await.map_err(fault)?;
        let mut shapes = Shapes::default();
        for row in &rows {
            let numbers =
                (row.try_get::<i64, _>(1).map_err(fault)?, row.try_get::<i64, _>(2).map_err(fault)?);
            let number = |number: i64| u32::try_from(number).unwrap_or(0);
            shapes.0.insert(row.try_get(0).map_err(fault)?, (number(numbers.0), number(numbers.1)));
        }
        Ok(Self {
            name: registry::schema_of(tenant),
            readers: Readers::new(readers),
            texts: Texts::default(),
            server,
            place,
            shapes,
            reads,
        })
    }

    /// Asks the questions of a view on one connection.
    async fn answer(
        &self,
        connection: &mut PgConnection,
        questions: &[(&'static str, Args)],
    ) -> Result<Answers<Self>, sqlx::Error> {
        let statements: Vec<&'static str> = questions.iter().map(|(text, _)| *text).collect();
        let parameters: Vec<usize> = questions.iter().map(|(_, args)| args.0.len()).collect();
        let text = self.texts.of(&statements, |statements| connect::view(statements, &parameters));
        let values = questions.iter().flat_map(|(_, args)| args.0.iter().cloned());
        let arguments = arguments(Args(values.collect()), &self.shapes)?;
        let asked = run(connection, AssertSqlSafe(text), arguments);
        let (rows, _) = match self.reads {
            // What people ask may take its time.
            Purpose::Inspect => asked.await?,
            Purpose::Write | Purpose::Read => within(ANSWERED, asked).await?,
        };
        connect::records(&rows, questions.len())
    }

    async fn read(&self, questions: &[(&'static str, Args)]) -> Result<Answers<Self>, Failed> {
        let open = || self.server.connect(&self.name, self.reads);
        let mut turn = self.readers.turn(open).await.map_err(Failed::Open)?;
        let answers = self.answer(&mut turn.connection, questions).await.map_err(Failed::Question)?;
        turn.keep();
        Ok(answers)
    }
}

/// Why a question was not answered.
enum Failed {
    /// No connection could be opened.
    Open(StoreError),
    /// The question, or the connection while it was asked.
    Question(sqlx::Error),
}

#[async_trait]
impl Database for PgSchema {
    type Row = Record;
    type Batch = Batch;
    type Connection = PgConnection;

    const SQL: &'static Queries = &queries::POSTGRES;

    async fn view(&self, questions: Vec<(&'static str, Args)>) -> Result<Answers<Self>, StoreError> {
        let mut answers = self.read(&questions).await;
        if let Err(Failed::Question(fault)) = &answers
            && is_broken(fault)
        {
            // The server was started anew: all connections from before are as dead, and a question changes nothing.
            drop(self.readers.forget());
            answers = self.read(&questions).await;
        }
        answers.map_err(|failure| match failure {
            Failed::Open(fault) => fault,
            Failed::Question(fault) => failed(&format!("{}: a question failed", self.place), fault),
        })
    }

    async fn commit(
        &self,
        connection: &mut PgConnection,
        lease: Args,
        batches: Batches,
    ) -> Result<(), sqlx::Error> {
        let batches = batches.steps.into_iter().chain(batches.stock).chain(batches.published);
        let args = batches.fold(lease, Args::rows);
        let committed = run(connection, sql!("commit_writes"), arguments(args, &self.shapes)?);
        within(ANSWERED, committed).await.map(drop)
    }

    async fn begin(&self, connection: &mut PgConnection, lease: Args) -> Result<(), sqlx::Error> {
        within(ANSWERED, run(connection, "BEGIN", PgArguments::default())).await?;
        self.change(connection, sql!("lease_check"), lease).await.map(drop)
    }

    async fn ask(
        &self,
        connection: &mut PgConnection,
        text: &'static str,
        args: Args,
    ) -> Result<Vec<Record>, sqlx::Error> {
        Ok(self.answer(connection, &[(text, args)]).await?.pop().unwrap_or_default())
    }

    async fn change(
        &self,
        connection: &mut PgConnection,
        text: &'static str,
        args: Args,
    ) -> Result<u64, sqlx::Error> {
        Ok(within(ANSWERED, run(connection, text, arguments(args, &self.shapes)?)).await?.1)
    }

    /// The server moves its log and gives back pages by itself.
    async fn end(&self, connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
        within(ANSWERED, run(connection, "COMMIT", PgArguments::default())).await?;
        Ok(0)
    }

    async fn begin_erasing(&self, connection: &mut PgConnection, lease: Args) -> Result<(), sqlx::Error> {
        self.begin(connection, lease).await
    }

    /// What rows were before goes when the server cleans up after itself.
    async fn end_erasing(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.end(connection).await.map(drop)
    }

    async fn checkpoint_beside(&self) -> Result<(MaintenanceReport, bool), StoreError> {
        Ok((MaintenanceReport::default(), false))
    }

    async fn checkpoint(&self, _connection: &mut PgConnection) -> Result<MaintenanceReport, StoreError> {
        Ok(MaintenanceReport::default())
    }

    async fn close(&self) {
        for reader in self.readers.close() {
            if let Err(fault) = reader.close().await {
                tracing::warn!(%fault, "a reader did not close cleanly");
            }
        }
    }

    async fn close_writer(&self, connection: PgConnection) -> Result<(), StoreError> {
        connection.close().await.map_err(|fault| failed("the writer did not close cleanly", fault))
    }

    async fn bytes(&self) -> Result<(u64, u64, u64), StoreError> {
        let found = self.rows(sql!("inspect_size"), Args::default()).await?;
        let bytes = all("size", &found, |row| row.number::<u64>())?;
        // The log and what holds nothing are the server's.
        Ok((bytes.into_iter().next().unwrap_or_default(), 0, 0))
    }
}
