//! The host over HTTP: events in, answers out, after the commit that holds them; and a door that asks who comes.
//!
//! It decides nothing about events or tenants, and opens no store.

mod body;
mod door;
mod metrics;
mod problem;
mod routes;
mod serve;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::{Router, middleware};
use siyu_engine::host::Host;
use siyu_engine::ports::inspect::Inspect;
use siyu_engine::ports::store::StoreError;
use siyu_model::name::TenantName;
use tokio::net::TcpListener;

pub use door::Door;
use metrics::Counted;
pub use problem::Problem;
pub use tls::{Tls, TlsError};

/// How long requests that came before the end of a host may take to be answered: those that wait for another host are
/// told that their event is kept.
pub const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// Where tenants are read, beside whoever executes them.
#[async_trait]
pub trait Inspectors: Send + Sync {
    /// A tenant to read; none when there is no such tenant.
    async fn of(&self, tenant: &TenantName) -> Result<Option<Arc<dyn Inspect>>, StoreError>;

    /// The tenants that there are, on this host and on others of its database, sorted.
    async fn tenants(&self) -> Result<Vec<TenantName>, StoreError>;
}

/// What requests are answered with.
pub struct Api {
    /// The tenants of this process, and the way to those of others.
    host: Arc<Host>,
    /// Where tenants are read.
    inspectors: Arc<dyn Inspectors>,
    /// Who may enter.
    door: Arc<Door>,
    /// What is counted, a route each.
    counted: Vec<Arc<Counted>>,
}

impl Api {
    /// A host, where its tenants are read, and who may enter.
    pub fn new(host: Arc<Host>, inspectors: Arc<dyn Inspectors>, door: Arc<Door>) -> Self {
        Self { host, inspectors, door, counted: routes::all().iter().map(Counted::of).collect() }
    }
}

/// The routes of a host.
pub fn router(api: Arc<Api>) -> Router {
    let mut router = Router::new();
    for (route, counted) in routes::all().into_iter().zip(&api.counted) {
        let handler = match route.scope {
            Some(scope) => {
                let guard = door::Guard { door: api.door.clone(), scope };
                route.handler.layer(middleware::from_fn_with_state(guard, door::guard))
            }
            None => route.handler,
        };
        let handler = handler.layer(middleware::from_fn_with_state(counted.clone(), metrics::count));
        router = router.route(route.path, handler);
    }
    router
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::no_method)
        .layer(middleware::from_fn_with_state(api.door.clone(), door::limits))
        .with_state(api)
}

/// Answers requests until `stop` is over, and then those that came before it. The host goes on.
pub async fn serve(
    (listener, tls): (TcpListener, Option<Tls>),
    api: Arc<Api>,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let (door, (ended, mut ending)) = (api.door.clone(), tokio::sync::watch::channel(false));
    let attending = tokio::spawn(async move {
        // Without a sender it is over too.
        door.attend(async { drop(ending.wait_for(|is_over| *is_over).await) }).await;
    });
    serve::serve((listener, tls), router(api), stop).await;
    drop(ended);
    if let Err(fault) = attending.await {
        tracing::error!(%fault, "a loop of the door ended badly");
    }
}
