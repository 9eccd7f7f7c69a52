//! The host over HTTP: events in, answers out, after the commit that holds them; and a door that asks who comes.
//!
//! It decides nothing about events or tenants, and opens no store.

mod body;
mod door;
mod live;
mod metrics;
mod problem;
mod quota;
mod request_id;
mod routes;
mod serve;
mod tls;
mod traces;
mod workshop;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::Request;
use axum::middleware::Next;
use axum::{Router, middleware};
use siyu_engine::hooks::Hooks;
use siyu_engine::host::Host;
use siyu_engine::ports::inspect::Inspect;
use siyu_engine::ports::store::StoreError;
use siyu_model::limits::http::PLAYBOOKS_AT_ONCE;
use siyu_model::name::TenantName;
use siyu_model::quota::QuotaTable;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub use door::Door;
use live::Hub;
use metrics::Counted;
pub use problem::Problem;
use quota::Quota;
pub use tls::{Tls, TlsError};
pub use traces::Adopt;
pub use workshop::{Workshop, WorkshopError};

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
    /// What playbooks are checked with.
    workshop: Arc<dyn Workshop>,
    /// Turns to hold the files of a playbook.
    playbooks: Semaphore,
    /// Who follows what.
    hub: Arc<Hub>,
    /// What each tenant may use of this host.
    quota: Quota,
    /// Where webhooks come in; none when this host takes none.
    hooks: Option<Arc<Hooks>>,
    /// How a request becomes a part of its sender's trace; none when nobody follows requests.
    adopt: Option<Adopt>,
    /// What is counted, a route each.
    counted: Vec<Arc<Counted>>,
}

impl Api {
    /// A host, where its tenants are read, what their playbooks are checked with, and who may enter.
    pub fn new(
        host: Arc<Host>,
        inspectors: Arc<dyn Inspectors>,
        workshop: Arc<dyn Workshop>,
        door: Arc<Door>,
    ) -> Self {
        let counted = routes::all().iter().map(Counted::of).collect();
        let playbooks = Semaphore::new(PLAYBOOKS_AT_ONCE);
        let hub = Hub::new(host.clone(), inspectors.clone());
        Self {
            host,
            inspectors,
            door,
            workshop,
            playbooks,
            hub,
            quota: Quota::default(),
            hooks: None,
            adopt: None,
            counted,
        }
    }
}

impl Api {
    /// The same with quotas of tenants.
    #[must_use]
    pub fn with_quotas(self, quotas: Arc<QuotaTable>) -> Self {
        Self { quota: Quota::of(quotas), ..self }
    }

    /// The same that makes requests a part of the traces that their `traceparent` names.
    #[must_use]
    pub fn adopting(self, adopt: Adopt) -> Self {
        Self { adopt: Some(adopt), ..self }
    }

    /// The same that takes webhooks in.
    #[must_use]
    pub fn with_hooks(self, hooks: Arc<Hooks>) -> Self {
        Self { hooks: Some(hooks), ..self }
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
        let (route_of, adopt) = (counted.route(), api.adopt);
        let follow = move |request: Request, next: Next| traces::follow(route_of, adopt, request, next);
        let handler = handler.layer(middleware::from_fn(follow));
        router = router.route(route.path, handler);
    }
    let ids = Arc::new(request_id::RequestIds::new());
    router
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::no_method)
        .layer(middleware::from_fn_with_state(api.door.clone(), door::limits))
        .layer(middleware::from_fn(move |request, next| request_id::named(ids.clone(), request, next)))
        .with_state(api)
}

/// Answers requests until `stop` is over, and then those that came before it. The host goes on.
pub async fn serve(
    (listener, tls): (TcpListener, Option<Tls>),
    api: Arc<Api>,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let (door, (ended, mut ending)) = (api.door.clone(), tokio::sync::watch::channel(false));
    let hub = api.hub.clone();
    let stop = async move {
        stop.await;
        // Streams and those who wait for what a run answers are let go, so that their connections can end.
        hub.stop();
    };
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
