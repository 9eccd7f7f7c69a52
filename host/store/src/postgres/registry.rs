//! Which tenants a database has, and under which schema each is.
//!
//! It never looks into a tenant.

use siyu_engine::ports::store::StoreError;
use siyu_model::name::TenantName;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::{Arguments, Connection, Row};

use super::connect::{Purpose, Server, run};
use super::migrate;
use crate::database::failed;

/// The schema of what is no tenant's.
pub(super) const HOST_SCHEMA: &str = "siyu";
/// Bytes of a name in Postgres; a longer one would be cut silently.
const NAME_BYTES_MAX: usize = 63;
/// Hexadecimal digits that tell tenants apart whose names are too long for a schema's.
const HASH_DIGITS: usize = 16;

/// The schema of a tenant: `siyu_` and its name; of a long name its beginning, a point, which no name of a tenant has, and
/// a hash of all of it. A tenant's name holds no quote by its rule.
pub(super) fn schema_of(tenant: &TenantName) -> String {
    let plain = format!("{HOST_SCHEMA}_{tenant}");
    if plain.len() <= NAME_BYTES_MAX {
        return plain;
    }
    let hash = blake3::hash(tenant.as_str().as_bytes()).to_hex();
    let (begin, digits) = (&plain[..NAME_BYTES_MAX - 1 - HASH_DIGITS], &hash[..HASH_DIGITS]);
    format!("{begin}.{digits}")
}

/// Notes a tenant that was opened.
pub(super) async fn put(
    connection: &mut PgConnection,
    tenant: &TenantName,
    schema: &str,
    place: &str,
) -> Result<(), StoreError> {
    const PUT: &str = include_str!("../../queries/postgres/host_tenant_put.sql");
    let mut arguments = PgArguments::default();
    let added = arguments.add(tenant.as_str()).and_then(|()| arguments.add(schema));
    added.map_err(|fault| failed(place, sqlx::Error::Encode(fault)))?;
    run(connection, PUT, arguments).await.map(drop).map_err(|fault| failed(place, fault))
}

/// The tenants that a database has, sorted.
pub(super) async fn tenants(server: &Server) -> Result<Vec<TenantName>, StoreError> {
    const TENANTS: &str = include_str!("../../queries/postgres/host_tenants.sql");
    let place = server.place();
    let fault = |fault| failed(place, fault);
    let mut connection = server.connect(HOST_SCHEMA, Purpose::Inspect).await?;
    if migrate::check(&mut connection, HOST_SCHEMA, place, migrate::HOST).await? == 0 {
        return Ok(Vec::new());
    }
    let (rows, _) = run(&mut connection, TENANTS, PgArguments::default()).await.map_err(fault)?;
    let mut tenants = Vec::with_capacity(rows.len());
    for row in &rows {
        let name: String = row.try_get(0).map_err(fault)?;
        let parsed = name.parse().map_err(|fault| StoreError::Broken(format!("{place}: {fault}")))?;
        tenants.push(parsed);
    }
    connection.close().await.map_err(fault)?;
    Ok(tenants)
}

/// Whether a tenant goes by a virtual clock; none when it is not there.
pub(super) async fn is_virtual(server: &Server, tenant: &TenantName) -> Result<Option<bool>, StoreError> {
    const CLOCK: &str = include_str!("../../queries/postgres/host_tenant_clock.sql");
    let place = server.place();
    let fault = |fault| failed(place, fault);
    let mut connection = server.connect(HOST_SCHEMA, Purpose::Inspect).await?;
    // A database of an older host has no virtual tenants that a fleet could meet.
    if migrate::check(&mut connection, HOST_SCHEMA, place, migrate::HOST).await? == 0 {
        return Ok(None);
    }
    let mut arguments = PgArguments::default();
    arguments.add(tenant.as_str()).map_err(|why| fault(sqlx::Error::Encode(why)))?;
    let (rows, _) = run(&mut connection, CLOCK, arguments).await.map_err(fault)?;
    let clock = rows.first().map(|row| row.try_get::<String, _>(0)).transpose().map_err(fault)?;
    connection.close().await.map_err(fault)?;
    Ok(clock.map(|clock| clock == "virtual"))
}

#[cfg(test)]
mod tests {
    use super::{NAME_BYTES_MAX, schema_of};

    #[test]
    fn every_tenant_has_a_schema_of_its_own_that_postgres_does_not_cut() {
        let long = |end: &str| format!("{}{end}", "a".repeat(64 - end.len()));
        let names =
            ["t".to_owned(), "a-b_9".to_owned(), "a".repeat(58), "a".repeat(59), long("x"), long("y")];
        let schemas = names.map(|name| schema_of(&name.parse().expect("a name")));
        assert_eq!(schemas[1], "siyu_a-b_9");
        assert_eq!(schemas[2], format!("siyu_{}", "a".repeat(58)));
        for (at, schema) in schemas.iter().enumerate() {
            assert!(schema.len() <= NAME_BYTES_MAX, "{schema}");
            assert_eq!(schemas.iter().position(|other| other == schema), Some(at), "{schema}");
        }
    }
}
