//! Whether what lies between a host and its database leaves sessions whole.
//!
//! A pooler that gives a session to another client after each transaction mixes up what is set for a session: whose schema
//! its statements see, and what is listened to. Nothing would say so, and one tenant's rows would go into another's
//! schema. So it is tried before anything is written.

use siyu_engine::ports::store::StoreError;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};

use super::connect::{REACHED, Server, within};
use crate::database::failed;

const WHO: &str = "SELECT pg_backend_pid()";

/// Refuses a server whose sessions are shared, by a session that is open and one that is opened for this.
pub(super) async fn are_whole(
    server: &Server,
    one: &mut PgConnection,
    mut other: PgConnection,
) -> Result<(), StoreError> {
    let tried = within(REACHED, try_sessions(one, &mut other)).await;
    let is_shared = tried.map_err(|fault| failed(server.place(), fault))?;
    if is_shared {
        return Err(StoreError::Database(format!(
            "{} gives the sessions of its clients to others (a pooler in transaction mode): expected whole sessions, \
             as with pool_mode = session",
            server.place()
        )));
    }
    // It did nothing that would have to be durable.
    drop(other.close().await);
    Ok(())
}

/// Whether two clients ever had one session. Within a transaction a session is its client's own, also with a pooler: whoever
/// had it before gets another one.
async fn try_sessions(one: &mut PgConnection, other: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let before = who(one).await?;
    sqlx::raw_sql("BEGIN").execute(&mut *other).await?;
    let others = who(other).await?;
    let after = who(one).await?;
    sqlx::raw_sql("ROLLBACK").execute(&mut *other).await?;
    Ok(before == others || before != after)
}

async fn who(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    let row = sqlx::raw_sql(WHO).fetch_one(connection).await?;
    row.try_get(0)
}
