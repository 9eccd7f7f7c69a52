//! A tenant's schema as it is carried: read in one view, written under another name, closed and opened to executors.
//!
//! What is written lies in a schema whose name no tenant can have. Whoever writes it holds a lock of the server for it, which
//! goes with the connection, so what a killed process left can be told from what another one is writing, and removed.

use async_trait::async_trait;
use siyu_engine::ports::store::StoreError;
use siyu_model::name::TenantName;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::{Arguments, AssertSqlSafe, Connection, Executor, Row as _};

use super::connect::{Purpose, run};
use super::escape::{escaped, unescaped};
use super::schema::PgSchema;
use super::{PgStores, migrate, registry};
use crate::carry::{
    Arrival, CARRIED, CarryError, Cell, Column, Desk, Kind, Published, Row, Sink, Snapshot, Table, pour,
    tables,
};
use crate::database::Database;

/// The text of a query file that only Postgres has.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/postgres/", $name, ".sql"))
    };
}

/// How long a view may wait for whoever takes its rows.
const PATIENT: &str = "SET idle_in_transaction_session_timeout = '10min'";
/// The error of a lock that was not given in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// The error of a schema that is there already.
const DUPLICATE_SCHEMA: &str = "42P06";

/// A view of a tenant's schema.
pub(crate) struct Reader {
    connection: PgConnection,
    version: i64,
    place: String,
}

impl Reader {
    /// Begins the view now.
    pub(crate) async fn open(stores: &PgStores, tenant: &TenantName) -> Result<Self, CarryError> {
        Self::at(stores, &registry::schema_of(tenant), place(stores, tenant)).await
    }

    async fn at(stores: &PgStores, schema: &str, place: String) -> Result<Self, CarryError> {
        let mut connection = stores.server.connect(schema, Purpose::Inspect).await?;
        execute(&mut connection, PATIENT, &place).await?;
        execute(&mut connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", &place).await?;
        let version = migrate::check(&mut connection, schema, &place, migrate::TENANT).await?;
        if version == 0 {
            return Err(StoreError::Broken(format!("{place} is not there yet")).into());
        }
        Ok(Self { connection, version, place })
    }
}

#[async_trait]
impl Snapshot for Reader {
    fn version(&self) -> i64 {
        self.version
    }

    async fn note(&mut self, name: &str) -> Result<Option<String>, CarryError> {
        note(&mut self.connection, name, &self.place).await
    }

    async fn epoch(&mut self) -> Result<i64, CarryError> {
        let found = run(&mut self.connection, "SELECT epoch FROM lease", PgArguments::default()).await;
        let (found, _) = found.map_err(CarryError::database(&self.place))?;
        let epoch = found.first().and_then(|row| row.try_get(0).ok());
        epoch.ok_or_else(|| StoreError::Broken(format!("{} has no lease", self.place)).into())
    }

    async fn read(&mut self, table: &Table, sink: &mut dyn Sink) -> Result<(), CarryError> {
        let text = AssertSqlSafe(table.select("\"no\""));
        let answer = (&mut self.connection).fetch(sqlx::query(text).persistent(false));
        pour(answer, table, &self.place, cell, sink).await
    }

    async fn end(self: Box<Self>) -> Result<(), CarryError> {
        self.connection.close().await.map_err(CarryError::database(&self.place))
    }
}

fn cell(row: &PgRow, at: usize, column: &Column) -> Result<Cell, String> {
    fn get<'r, T>(row: &'r PgRow, at: usize) -> Result<Option<T>, String>
    where
        T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        row.try_get(at).map_err(|fault| fault.to_string())
    }
    let cell = match column.kind {
        Kind::Int => get(row, at)?.map(Cell::Int),
        Kind::Flag => get::<bool>(row, at)?.map(|flag| Cell::Int(i64::from(flag))),
        Kind::Bytes => get::<Vec<u8>>(row, at)?.map(Cell::Bytes),
        Kind::Text => match get::<&str>(row, at)? {
            Some(written) => {
                let text = unescaped(written).ok_or("an escape that this store does not write")?;
                Some(Cell::Text(text.into_owned()))
            }
            None => None,
        },
    };
    Ok(cell.unwrap_or(Cell::Null))
}

/// A schema that is being written.
pub(crate) struct Writer {
    connection: PgConnection,
    stores: PgStores,
    tenant: TenantName,
    /// Its name until it is published.
    staged: String,
    version: i64,
    place: String,
}

impl Writer {
    /// An empty tenant of a schema version.
    pub(crate) async fn begin(
        stores: &PgStores,
        tenant: &TenantName,
        version: i64,
    ) -> Result<Self, CarryError> {
        let staged = staged(tenant);
        let place = place(stores, tenant);
        let mut connection = stores.server.connect(&staged, Purpose::Write).await?;
        let words = stores.server.place();
        migrate::migrate(&mut connection, registry::HOST_SCHEMA, words, migrate::HOST).await?;
        if !lock(&mut connection, tenant, &place).await? {
            return Err(CarryError::Busy { place });
        }
        clear(&mut connection, &staged, &place).await?;
        migrate::migrate(&mut connection, &staged, &place, migrate::up_to(version)).await?;
        // What is not published is thrown away after a crash. The commit that publishes it makes all before it durable.
        execute(&mut connection, "SET synchronous_commit = off", &place).await?;
        Ok(Self { connection, stores: stores.clone(), tenant: tenant.clone(), staged, version, place })
    }

    async fn execute(&mut self, text: &str) -> Result<(), CarryError> {
        execute(&mut self.connection, text, &self.place).await
    }
}

#[async_trait]
impl Sink for Writer {
    async fn take(&mut self, table: &Table, rows: Vec<Row>) -> Result<(), CarryError> {
        let mut arguments = PgArguments::default();
        for (at, column) in table.columns.iter().enumerate() {
            add(&mut arguments, column, rows.iter().filter_map(|row| row.get(at)))
                .map_err(|fault| CarryError::database(&self.place)(sqlx::Error::Encode(fault)))?;
        }
        let text = AssertSqlSafe(put(table));
        run(&mut self.connection, text, arguments).await.map(drop).map_err(CarryError::database(&self.place))
    }
}

/// Adds the cells of a column as an array.
fn add<'c>(
    arguments: &mut PgArguments,
    column: &Column,
    cells: impl Iterator<Item = &'c Cell>,
) -> Result<(), sqlx::error::BoxDynError> {
    match column.kind {
        Kind::Int => arguments.add(cells.map(Cell::int).collect::<Vec<_>>()),
        Kind::Flag => {
            arguments.add(cells.map(|cell| cell.int().map(|number| number != 0)).collect::<Vec<_>>())
        }
        Kind::Bytes => arguments.add(cells.map(|cell| cell.bytes().map(<[u8]>::to_vec)).collect::<Vec<_>>()),
        Kind::Text => {
            let texts = cells.map(|cell| cell.text().map(|text| escaped(text).into_owned()));
            arguments.add(texts.collect::<Vec<_>>())
        }
    }
}

/// How rows are written: an array a column.
fn put(table: &Table) -> String {
    let array = |(at, column): (usize, &Column)| {
        let kind = match column.kind {
            Kind::Int => "bigint",
            Kind::Flag => "boolean",
            Kind::Text => "text",
            Kind::Bytes => "bytea",
        };
        format!("${}::{kind}[]", at + 1)
    };
    let arrays: Vec<String> = table.columns.iter().enumerate().map(array).collect();
    let names: Vec<String> = table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let names = names.join(", ");
    if table.is_there {
        let first: Vec<String> = arrays.iter().map(|array| format!("({array})[1]")).collect();
        return format!("UPDATE \"{}\" SET ({names}) = ROW({})", table.name, first.join(", "));
    }
    format!(
        "INSERT INTO \"{}\" ({names}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest({})",
        table.name,
        arrays.join(", ")
    )
}

#[async_trait]
impl Arrival for Writer {
    async fn snapshot(&mut self) -> Result<Box<dyn Snapshot>, CarryError> {
        Ok(Box::new(Reader::at(&self.stores, &self.staged, self.place.clone()).await?))
    }

    async fn seal(&mut self, epoch: i64, notes: &[(&str, String)]) -> Result<(), CarryError> {
        for table in tables(self.version).unwrap_or_default() {
            if table.is_numbered {
                // The next row gets the number after the last.
                let text = format!(
                    "SELECT setval(pg_get_serial_sequence('{0}', 'no'), coalesce(max(no), 0) + 1, false) FROM \"{0}\"",
                    table.name
                );
                self.execute(&text).await?;
            }
            // People's questions are planned by what is known of the tables; the server would learn it only later.
            self.execute(&format!("ANALYZE \"{}\"", table.name)).await?;
        }
        self.execute(&format!("UPDATE lease SET epoch = {epoch}, writer = {epoch} WHERE \"only\" = 1"))
            .await?;
        for (name, text) in notes {
            set_note(&mut self.connection, name, Some(text), &self.place).await?;
        }
        self.execute("RESET synchronous_commit").await
    }

    async fn publish(mut self: Box<Self>, as_what: Published<'_>) -> Result<(), CarryError> {
        let schema = registry::schema_of(&self.tenant);
        self.execute("BEGIN").await?;
        if let Some(aside) = as_what.aside {
            let kept = format!("{}.moved.{aside}", registry::HOST_SCHEMA);
            self.execute(&format!("ALTER SCHEMA \"{schema}\" RENAME TO \"{kept}\"")).await?;
        }
        let text = format!("ALTER SCHEMA \"{}\" RENAME TO \"{schema}\"", self.staged);
        let renamed = sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut self.connection).await;
        if let Err(fault) = renamed {
            let is_there =
                fault.as_database_error().and_then(|fault| fault.code()).as_deref() == Some(DUPLICATE_SCHEMA);
            return Err(match is_there {
                true => CarryError::Exists { what: format!("the schema {schema} of {}", self.place) },
                false => CarryError::database(&self.place)(fault),
            });
        }
        let clock = if as_what.is_virtual { "virtual" } else { "real" };
        let fault = CarryError::database(&self.place);
        let mut arguments = PgArguments::default();
        let added = arguments.add(self.tenant.as_str()).and_then(|()| arguments.add(schema.as_str()));
        added.and_then(|()| arguments.add(clock)).map_err(|error| fault(sqlx::Error::Encode(error)))?;
        run(&mut self.connection, sql!("host_tenant_arrive"), arguments).await.map_err(fault)?;
        self.execute("COMMIT").await?;
        self.connection.close().await.map_err(CarryError::database(&self.place))
    }

    async fn abandon(mut self: Box<Self>) {
        // A transaction that failed is over; outside of one this says so and does nothing.
        let _over = self.execute("ROLLBACK").await;
        // What cannot be removed now is removed by the next copy.
        let _removed = clear(&mut self.connection, &self.staged, &self.place).await;
        let _closed = self.connection.close().await;
    }
}

/// The connection that changes who may write a tenant's schema.
pub(crate) struct Lessor {
    connection: PgConnection,
    tenant: TenantName,
    place: String,
}

impl Lessor {
    /// Changes nothing yet.
    pub(crate) async fn open(stores: &PgStores, tenant: &TenantName) -> Result<Self, CarryError> {
        let schema = registry::schema_of(tenant);
        let place = place(stores, tenant);
        let mut connection = stores.server.connect(&schema, Purpose::Write).await?;
        if migrate::check(&mut connection, &schema, &place, migrate::TENANT).await? == 0 {
            return Err(StoreError::Broken(format!("{place} is not there yet")).into());
        }
        let words = stores.server.place();
        migrate::migrate(&mut connection, registry::HOST_SCHEMA, words, migrate::HOST).await?;
        Ok(Self { connection, tenant: tenant.clone(), place })
    }

    /// That no request waits for the tenant: one that was taken in would be worked off nowhere.
    async fn must_have_no_letters(&mut self) -> Result<(), CarryError> {
        let fault = CarryError::database(&self.place);
        let mut arguments = PgArguments::default();
        arguments.add(self.tenant.as_str()).map_err(|error| fault(sqlx::Error::Encode(error)))?;
        let (found, _) =
            run(&mut self.connection, sql!("host_letters_waiting"), arguments).await.map_err(&fault)?;
        match found.first().map_or(Ok(0), |row| row.try_get::<i64, _>(0)).map_err(fault)? {
            0 => Ok(()),
            waiting => Err(CarryError::Refused {
                what: self.place.clone(),
                why: format!("has requests that wait ({waiting}): let a host work them off, then move it"),
            }),
        }
    }

    /// Runs a statement about the tenant's row among the tenants, with one more parameter or none.
    async fn registered(&mut self, text: &'static str, flag: Option<bool>) -> Result<(), CarryError> {
        let fault = CarryError::database(&self.place);
        let mut arguments = PgArguments::default();
        let added = arguments.add(self.tenant.as_str());
        let added = added.and_then(|()| flag.map_or(Ok(()), |flag| arguments.add(flag)));
        added.map_err(|error| fault(sqlx::Error::Encode(error)))?;
        run(&mut self.connection, text, arguments).await.map(drop).map_err(fault)
    }
}

#[async_trait]
impl Desk for Lessor {
    async fn begin(&mut self) -> Result<i64, CarryError> {
        execute(&mut self.connection, "BEGIN", &self.place).await?;
        // The row among the tenants before the lease, as whoever opens the tenant takes them.
        self.registered(sql!("host_tenant_hold"), None).await?;
        let (taken, _) = run(&mut self.connection, PgSchema::SQL.lease_take, PgArguments::default())
            .await
            .map_err(CarryError::database(&self.place))?;
        let epoch = taken.first().and_then(|row| row.try_get(0).ok());
        epoch.ok_or_else(|| StoreError::Broken(format!("{} has no lease", self.place)).into())
    }

    async fn note(&mut self, name: &str) -> Result<Option<String>, CarryError> {
        note(&mut self.connection, name, &self.place).await
    }

    async fn set_note(&mut self, name: &str, text: Option<&str>) -> Result<(), CarryError> {
        if name == CARRIED && text.is_some() {
            self.must_have_no_letters().await?;
        }
        if name == CARRIED {
            self.registered(sql!("host_tenant_close"), Some(text.is_some())).await?;
        }
        set_note(&mut self.connection, name, text, &self.place).await
    }

    async fn commit(&mut self) -> Result<(), CarryError> {
        execute(&mut self.connection, "COMMIT", &self.place).await
    }

    async fn roll_back(&mut self) -> Result<(), CarryError> {
        execute(&mut self.connection, "ROLLBACK", &self.place).await
    }

    async fn close(self: Box<Self>) -> Result<(), CarryError> {
        self.connection.close().await.map_err(CarryError::database(&self.place))
    }
}

/// Removes what copies left that nobody goes on with.
pub(crate) async fn sweep(stores: &PgStores, tenant: &TenantName) -> Result<(), CarryError> {
    let (staged, place) = (staged(tenant), place(stores, tenant));
    let mut connection = stores.server.connect(&staged, Purpose::Write).await?;
    if lock(&mut connection, tenant, &place).await? {
        clear(&mut connection, &staged, &place).await?;
    }
    connection.close().await.map_err(CarryError::database(&place))
}

fn place(stores: &PgStores, tenant: &TenantName) -> String {
    format!("tenant {tenant} in {}", stores.place())
}

fn hash(tenant: &TenantName) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key("siyu 2026-11-22 schema of a tenant that arrives");
    hasher.update(tenant.as_str().as_bytes()).finalize()
}

/// The schema of a tenant that is being written. No tenant's schema begins like this.
fn staged(tenant: &TenantName) -> String {
    format!("{}.arriving.{}", registry::HOST_SCHEMA, &hash(tenant).to_hex()[..16])
}

/// Takes the server's lock for writing a tenant; it goes with the connection.
async fn lock(connection: &mut PgConnection, tenant: &TenantName, place: &str) -> Result<bool, CarryError> {
    let mut number = [0; 8];
    number.copy_from_slice(&hash(tenant).as_bytes()[..8]);
    // A process that was killed a moment ago may still have its connection; the session's own limit ends the waiting.
    let text = format!("SELECT pg_advisory_lock({})", i64::from_be_bytes(number));
    match sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(fault)) if fault.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => Ok(false),
        Err(fault) => Err(CarryError::database(place)(fault)),
    }
}

async fn clear(connection: &mut PgConnection, staged: &str, place: &str) -> Result<(), CarryError> {
    execute(connection, &format!("DROP SCHEMA IF EXISTS \"{staged}\" CASCADE"), place).await
}

/// Runs statements of this crate. The only names put into them are those of schemas and tables, which hold no quote.
async fn execute(connection: &mut PgConnection, text: &str, place: &str) -> Result<(), CarryError> {
    sqlx::raw_sql(AssertSqlSafe(text))
        .execute(connection)
        .await
        .map(drop)
        .map_err(CarryError::database(place))
}

async fn note(connection: &mut PgConnection, name: &str, place: &str) -> Result<Option<String>, CarryError> {
    let fault = CarryError::database(place);
    let mut arguments = PgArguments::default();
    arguments.add(name).map_err(|error| fault(sqlx::Error::Encode(error)))?;
    let (found, _) = run(connection, PgSchema::SQL.note, arguments).await.map_err(&fault)?;
    let bytes = found.first().and_then(|row| row.try_get::<Vec<u8>, _>(0).ok());
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

async fn set_note(
    connection: &mut PgConnection,
    name: &str,
    text: Option<&str>,
    place: &str,
) -> Result<(), CarryError> {
    let fault = CarryError::database(place);
    let mut arguments = PgArguments::default();
    let added = arguments.add(name).and_then(|()| match text {
        Some(text) => arguments.add(text.as_bytes().to_vec()),
        None => Ok(()),
    });
    added.map_err(|error| fault(sqlx::Error::Encode(error)))?;
    let put = match text {
        Some(_) => PgSchema::SQL.note_put,
        None => PgSchema::SQL.note_end,
    };
    run(connection, put, arguments).await.map(drop).map_err(fault)
}

/// The columns of a tenant, for the test that compares them with what is carried.
#[cfg(test)]
pub(crate) async fn columns(stores: &PgStores, tenant: &TenantName) -> Vec<(String, String)> {
    let schema = registry::schema_of(tenant);
    let mut connection = stores.server.connect(&schema, Purpose::Inspect).await.expect("a schema");
    let text = "SELECT table_name::text, column_name::text FROM information_schema.columns \
        WHERE table_schema = current_schema() AND table_name <> 'migrations' ORDER BY 1, ordinal_position";
    let (found, _) = run(&mut connection, text, PgArguments::default()).await.expect("its tables");
    found.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// The versions that schemas have had.
#[cfg(test)]
pub(crate) fn versions() -> Vec<i64> {
    migrate::TENANT.iter().map(|migration| migration.version).collect()
}
