//! Who may enter the hosts of a database: in the schema that no tenant has, the same for all of them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use siyu_engine::ports::access::{Access, Note, NoteRow, TokenRow};
use siyu_engine::ports::secrets::{DataKeyRow, Rewrap, SecretRow, SecretStore, SetEnd, SetSecret};
use siyu_engine::ports::store::StoreError;
use siyu_model::clock::UtcMs;
use siyu_model::id::TokenId;
use siyu_model::name::{SecretName, TenantName};
use sqlx::Connection;
use sqlx::postgres::{PgArguments, PgConnection};

use super::cells::Record;
use super::composite::Shapes;
use super::connect::{self, Purpose, Server, records, run, view, within};
use super::registry::HOST_SCHEMA;
use super::{PgStores, migrate};
use crate::access::{HostDatabase, HostQueries, Kept, POSTGRES};
use crate::database::{Args, failed};

/// How long the server may take to answer.
const ANSWERED: Duration = Duration::from_secs(5);

/// Who may enter the hosts of a database.
pub struct PgAccess(Kept<HostSchema>);

struct HostSchema {
    server: Arc<Server>,
}

impl PgAccess {
    /// Opens it; makes what the database lacks.
    ///
    /// # Errors
    /// The database cannot be reached, or is one of a newer host.
    pub async fn open(stores: &PgStores) -> Result<Self, StoreError> {
        let server = stores.server.clone();
        let mut connection = server.connect(HOST_SCHEMA, Purpose::Write).await?;
        migrate::migrate(&mut connection, HOST_SCHEMA, server.place(), migrate::HOST).await?;
        connection.close().await.map_err(|fault| failed(server.place(), fault))?;
        Kept::open(HostSchema { server }).await.map(Self)
    }
}

/// No statement here has rows as parameters, so none needs the shape of one.
fn arguments(args: Args) -> Result<PgArguments, sqlx::Error> {
    connect::arguments(args, &Shapes(Default::default()))
}

#[async_trait]
impl HostDatabase for HostSchema {
    type Row = Record;
    type Connection = PgConnection;

    const SQL: &'static HostQueries = &POSTGRES;
    const BEGIN: &'static str = "BEGIN";

    fn place(&self) -> &str {
        self.server.place()
    }

    async fn open(&self) -> Result<PgConnection, StoreError> {
        self.server.connect(HOST_SCHEMA, Purpose::Write).await
    }

    async fn ask(
        &self,
        connection: &mut PgConnection,
        text: &'static str,
        args: Args,
    ) -> Result<Vec<Record>, sqlx::Error> {
        let view = sqlx::AssertSqlSafe(view(&[text], &[args.0.len()]));
        let (rows, _) = within(ANSWERED, run(connection, view, arguments(args)?)).await?;
        Ok(records(&rows, 1)?.pop().unwrap_or_default())
    }

    async fn change(
        &self,
        connection: &mut PgConnection,
        text: &'static str,
        args: Args,
    ) -> Result<u64, sqlx::Error> {
        let (_, changed) = within(ANSWERED, run(connection, text, arguments(args)?)).await?;
        Ok(changed)
    }
}

crate::access::through!(PgAccess);
