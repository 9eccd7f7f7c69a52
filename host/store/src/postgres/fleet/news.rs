//! Hearing what other hosts say, on a connection that does nothing else.

use std::time::Duration;

use siyu_engine::ports::fleet::News;
use siyu_model::id::HostId;
use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use tokio::sync::Mutex;

use crate::postgres::connect::Server;

/// The channel of all hosts.
const CHANNEL: &str = "siyu";
/// How long after a fault it is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// Hears news; while it cannot, it says now and then that anything may be new.
pub(super) struct Listener {
    pool: PgPool,
    /// What news of answers to this host begin and end with.
    my_answers: String,
    listening: Mutex<Option<PgListener>>,
}

impl Listener {
    pub(super) fn of(server: &Server, me: HostId) -> Self {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(server.listener());
        let hex: String = me.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { pool, my_answers: format!("answers {hex}"), listening: Mutex::new(None) }
    }

    /// The next news that are for this host.
    pub(super) async fn news(&self) -> News {
        let mut listening = self.listening.lock().await;
        loop {
            let listener = match &mut *listening {
                Some(listener) => listener,
                None => match self.listen().await {
                    // Whatever was said before is missed.
                    Ok(listener) => {
                        *listening = Some(listener);
                        return News::Anything;
                    }
                    Err(fault) => {
                        tracing::debug!(%fault, "other hosts cannot be heard");
                        tokio::time::sleep(AGAIN).await;
                        return News::Anything;
                    }
                },
            };
            match listener.try_recv().await {
                Ok(Some(said)) => match said.payload() {
                    "roster" => return News::Roster,
                    "letters" => return News::Letters,
                    answers if answers == self.my_answers => return News::Answers,
                    // For another host, or of a newer one.
                    _ => {}
                },
                Ok(None) => return News::Anything,
                Err(fault) => {
                    tracing::debug!(%fault, "other hosts cannot be heard");
                    *listening = None;
                    tokio::time::sleep(AGAIN).await;
                    return News::Anything;
                }
            }
        }
    }

    async fn listen(&self) -> Result<PgListener, sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }
}
