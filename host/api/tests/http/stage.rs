//! A host with a small playbook, its door, and requests to it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use siyu_api::{Api, Door, Inspectors, Tls, Workshop, WorkshopError};
use siyu_engine::dispatch::Channels;
use siyu_engine::doubles::{MemoryAccess, NativePlugins};
use siyu_engine::host::{Host, Rules};
use siyu_engine::operate::Publication;
use siyu_engine::ports::access::{Access, Note, Outcome, TokenRow};
use siyu_engine::ports::channel::{Courier, Parcel, Tried, Verdict};
use siyu_engine::ports::clock::{Clock, SystemClock};
use siyu_engine::ports::inspect::Inspect;
use siyu_engine::ports::rows::WriteSet;
use siyu_engine::ports::store::{StoreError, Stores};
use siyu_engine::tenant::{Lanes, Ports, Settings};
use siyu_model::access::{Grant, Reach, Role, Scope, Token};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::id::TokenId;
use siyu_model::message::MessageStatus;
use siyu_model::name::TenantName;
use siyu_model::playbook::Playbook;
use siyu_model::quota::QuotaTable;
use siyu_publishing::Checked;
use siyu_store::{SqliteInspect, SqliteOptions, SqliteStores};
use siyu_workflow::{Bundle, Catalog, CatalogPlugin, Style, compile};
use ureq::http::Response;

use super::described;

/// A playbook without plugins: it answers, waits, fails and is started by hand.
pub(crate) const FILES: [(&str, &str); 6] = [
    (
        "playbook.yaml",
        "playbook: shop\ntitle: Shop\nzone: Asia/Shanghai\nevents:\n  visit.made: { fields: { name: string } }\n  \
         visit.late: { fields: { name: string } }\n  visit.bad: { fields: { n: integer } }\n  visit.never: {}\n",
    ),
    (
        "workflows/greet.yaml",
        "workflow: greet\non: { event: visit.made }\nsteps:\n  - respond: { hello: \"${{ event.name }}\" }\n  - wait: 1d\n",
    ),
    (
        "workflows/late.yaml",
        "workflow: late\non: { event: visit.late }\nsteps:\n  - wait: 1s\n  - respond: { late: true }\n",
    ),
    (
        "workflows/never.yaml",
        "workflow: never\non: { event: visit.never }\nsteps:\n  - wait: 1d\n  - respond: { never: true }\n",
    ),
    (
        "workflows/bad.yaml",
        "workflow: bad\non: { event: visit.bad }\nsteps:\n  - set: { x: \"${{ 10 // event.n }}\" }\n",
    ),
    (
        "workflows/byhand.yaml",
        "workflow: byhand\non: { manual: true }\nsteps:\n  - respond: { by: hand }\n  - wait: 1d\n",
    ),
];

struct NoPlugins;

impl Catalog for NoPlugins {
    fn plugin(&self, _: &str) -> Option<CatalogPlugin> {
        None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

#[async_trait]
impl Workshop for NoPlugins {
    async fn check(&self, bundle: Bundle) -> Result<Checked, WorkshopError> {
        Ok(siyu_publishing::check(bundle, self, &NativePlugins::default()))
    }

    async fn keep(&self, _: &Playbook) -> Result<(), WorkshopError> {
        Ok(())
    }
}

/// A channel of which nobody knows what becomes of a message.
struct Fog;

#[async_trait]
impl Courier for Fog {
    fn is_idempotent(&self) -> bool {
        false
    }

    async fn hand_over(&self, _: Parcel, _: UtcMs) -> Tried {
        Tried::Unknown("it went into the fog".to_owned())
    }

    async fn reconcile(&self, _: Parcel, _: UtcMs) -> Tried {
        Tried::CannotTell
    }
}

/// A channel that refuses a message the first time, and takes it when it comes once more.
struct Wall;

#[async_trait]
impl Courier for Wall {
    fn is_idempotent(&self) -> bool {
        true
    }

    async fn hand_over(&self, parcel: Parcel, _: UtcMs) -> Tried {
        Tried::Said(match parcel.message.attempts {
            0 => Verdict::Refused("it ran into a wall".to_owned()),
            _ => Verdict::Became(MessageStatus::Sent),
        })
    }

    async fn reconcile(&self, _: Parcel, _: UtcMs) -> Tried {
        Tried::CannotTell
    }
}

struct Files(SqliteStores);

#[async_trait]
impl Inspectors for Files {
    async fn of(&self, tenant: &TenantName) -> Result<Option<Arc<dyn Inspect>>, StoreError> {
        let path = self.0.path(tenant);
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(Arc::new(SqliteInspect::open(path).await?)))
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreError> {
        self.0.tenants().await
    }
}

/// What a host is made of.
struct Made {
    runtime: Arc<tokio::runtime::Runtime>,
    access: MemoryAccess,
    is_open: bool,
    quotas: Arc<QuotaTable>,
    tls: Option<Tls>,
}

impl Made {
    /// A host of the tenants in a folder, which reads those in these stores.
    fn host(self, folder: tempfile::TempDir, stores: SqliteStores) -> Stage {
        let Self { runtime, access, is_open, quotas, tls } = self;
        let (host, address, stop, serving) = runtime.block_on(async {
            let ports = Ports {
                stores: Arc::new(SqliteStores::new(folder.path(), SqliteOptions::default())),
                plugins: Arc::new(NativePlugins::default()),
                clock: Arc::new(SystemClock),
                channels: Channels::default()
                    .with_courier("fog".parse().unwrap(), Arc::new(Fog))
                    .with_courier("wall".parse().unwrap(), Arc::new(Wall)),
                lanes: Lanes::new(2),
            };
            let settings = Settings { quotas: quotas.clone(), ..Settings::default() };
            let host = Arc::new(Host::open(ports, settings, Rules::default()).await.unwrap());
            let (kept, clock) = (Arc::new(access.clone()), Arc::new(SystemClock));
            let door = if is_open { Door::open(kept, clock).await } else { Door::closed(kept, clock).await };
            let (files, door) = (Arc::new(Files(stores.clone())), Arc::new(door.unwrap()));
            let mut api = Api::new(host.clone(), files, Arc::new(NoPlugins), door);
            api = api.with_hooks(super::hooks::hooks(host.clone()));
            api = api.with_quotas(quotas.clone());
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            let (stop, stopping) = tokio::sync::oneshot::channel::<()>();
            let serving = tokio::spawn(siyu_api::serve((listener, tls), Arc::new(api), async {
                // A sender that is gone stops it too.
                drop(stopping.await);
            }));
            (host, address, stop, serving)
        });
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(90)));
        let agent = config.http_status_as_error(false).max_redirects(0).build().into();
        let (stop, serving, client) = (Some(stop), Some(serving), Client { agent, address });
        Stage { runtime, access, stores, host, client, stop, serving, _folder: folder }
    }
}

/// A host that is asked over HTTP.
pub(crate) struct Stage {
    runtime: Arc<tokio::runtime::Runtime>,
    /// What the door keeps.
    pub(crate) access: MemoryAccess,
    /// The tenants that it reads.
    stores: SqliteStores,
    host: Arc<Host>,
    client: Client,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    serving: Option<tokio::task::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

/// Who asks a host, as long as it is there.
#[derive(Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    address: String,
}

impl Client {
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response<ureq::Body> {
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.agent.run(request.body(body.to_owned()).unwrap()).unwrap()
    }

    /// Asks for something, with more header fields.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut response = self.send(method, path, headers, body);
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let headers = headers.collect();
        let (status, text) = (response.status().as_u16(), response.body_mut().read_to_string().unwrap());
        let answer = Answer { status, headers, text };
        described::hold(self, (method, path), &answer);
        answer
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// Its header fields.
    pub(crate) headers: BTreeMap<String, String>,
    /// Its body.
    pub(crate) text: String,
}

impl Answer {
    /// Its body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }

    /// Its status and its code.
    pub(crate) fn fault(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap_or_default().to_owned())
    }
}

/// The tenant that has the playbook, and one that has none.
pub(crate) const TENANTS: [&str; 2] = ["shop", "other"];

impl Stage {
    /// A host whose door asks for tokens.
    pub(crate) fn new() -> Self {
        Self::with(false)
    }

    /// A host with two tenants, whose door may ask nobody.
    pub(crate) fn with(is_open: bool) -> Self {
        Self::made(is_open, QuotaTable::default(), None)
    }

    /// A host that speaks TLS.
    pub(crate) fn over_tls(tls: Tls) -> Self {
        Self::made(false, QuotaTable::default(), Some(tls))
    }

    /// A host whose tenants have quotas.
    pub(crate) fn with_quotas(quotas: QuotaTable) -> Self {
        Self::made(false, quotas, None)
    }

    fn made(is_open: bool, quotas: QuotaTable, tls: Option<Tls>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let folder = tempfile::tempdir().unwrap();
        let stores = SqliteStores::new(folder.path(), SqliteOptions::default());
        let (runtime, quotas) = (Arc::new(runtime.unwrap()), Arc::new(quotas));
        let made = Made { runtime, access: MemoryAccess::new(), is_open, quotas, tls };
        let stage = made.host(folder, stores);
        stage.runtime.block_on(async {
            for tenant in TENANTS {
                stage.host.publish(&tenant.parse().unwrap(), publication(&FILES)).await.unwrap();
            }
        });
        stage
    }

    /// Another host with the same tokens, which reads the tenants of this one and executes none of them.
    pub(crate) fn beside(&self) -> Self {
        let made = Made {
            runtime: self.runtime.clone(),
            access: self.access.clone(),
            is_open: false,
            quotas: Arc::default(),
            tls: None,
        };
        made.host(tempfile::tempdir().unwrap(), self.stores.clone())
    }

    /// Puts rows into the tenant `shop` behind the host's back, which executes it no more.
    pub(crate) fn keep(&self, writes: WriteSet) {
        self.runtime.block_on(async {
            let store = self.stores.open(&"shop".parse().unwrap()).await.unwrap();
            store.commit(writes).await.unwrap();
            store.close().await.unwrap();
        });
    }

    /// Where it serves, such as `127.0.0.1:4711`.
    pub(crate) fn socket(&self) -> &str {
        &self.client.address["http://".len()..]
    }

    /// A token of a role for some tenants.
    pub(crate) fn token(&self, role: Role, tenants: &str) -> String {
        self.token_for(role, tenants, 90).0
    }

    /// The same that is over after so many days.
    pub(crate) fn token_for(&self, role: Role, tenants: &str, days: i64) -> (String, TokenId) {
        let reach: Reach = tenants.parse().unwrap();
        self.token_of(Grant { role, only: None, reach }, days)
    }

    fn token_of(&self, grant: Grant, days: i64) -> (String, TokenId) {
        let now = SystemClock.now();
        let text = format!("{grant:?} {days} {now}");
        let token = Token::of(*blake3::hash(text.as_bytes()).as_bytes());
        let made_at = now - DurationMs::from_millis(100 * 86_400_000);
        self.runtime.block_on(async {
            let id = TokenId::derive(now, &[text.as_bytes()]);
            let row = TokenRow {
                id,
                hash: token.hash(&self.access.key().await.unwrap()),
                name: "test".to_owned(),
                grant,
                made_at,
                made_by: "test".to_owned(),
                expires_at: UtcMs::from_millis(now.as_millis() + days * 86_400_000),
                revoked_at: None,
                used_at: None,
            };
            assert!(self.access.add(row, note("tokens.create")).await.unwrap());
            (token.expose().to_owned(), id)
        })
    }

    /// A token with one scope of a role.
    pub(crate) fn token_only(&self, role: Role, scope: Scope, tenants: &str) -> String {
        let grant = Grant { role, only: Some(vec![scope]), reach: tenants.parse().unwrap() };
        self.token_of(grant, 90).0
    }

    /// Does something with the runtime of the host.
    pub(crate) fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Who asks it.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Asks for something, with more header fields.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.client.ask(method, path, headers, body)
    }

    /// Whether something is answered with 200; what the answer holds is not waited for.
    pub(crate) fn opens(&self, path: &str, headers: &[(&str, &str)]) -> bool {
        self.client.send("GET", path, headers, "").status() == 200
    }

    /// Begins to read what has no end.
    pub(crate) fn open(&self, path: &str, headers: &[(&str, &str)]) -> Box<dyn BufRead + Send> {
        let response = self.client.send("GET", path, headers, "");
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Box::new(BufReader::new(response.into_body().into_reader()))
    }

    /// Reads something with a token.
    pub(crate) fn get(&self, token: &str, path: &str) -> Answer {
        self.ask("GET", path, &[("authorization", &format!("Bearer {token}"))], "")
    }

    /// Changes something with a token.
    pub(crate) fn post(&self, token: &str, path: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.ask("POST", path, &[("authorization", &bearer), ("content-type", "application/json")], body)
    }

    /// The notes of changes, oldest first: action, outcome, tenant.
    pub(crate) fn notes(&self) -> Vec<(String, Outcome, Option<TenantName>)> {
        let mut rows = self.wait_for(self.access.notes(None, 1_000)).unwrap();
        rows.reverse();
        rows.into_iter().map(|row| (row.note.action, row.note.outcome, row.note.tenant)).collect()
    }

    /// Waits until a run is in a phase.
    pub(crate) fn until_phase(&self, token: &str, run: &str, phase: &str) -> Value {
        let begun = std::time::Instant::now();
        loop {
            let found = self.get(token, &format!("/v1/tenants/shop/runs/{run}")).json();
            if found["phase"] == phase {
                return found;
            }
            assert!(begun.elapsed() < Duration::from_secs(90), "{run} is never {phase}: {found}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.stop.take());
        let (host, serving) = (self.host.clone(), self.serving.take());
        self.runtime.block_on(async {
            if let Some(serving) = serving {
                // One that panicked has failed its test already.
                drop(serving.await);
            }
            host.stop().await;
        });
    }
}

/// A note of a test.
pub(crate) fn note(action: &str) -> Note {
    Note {
        at: SystemClock.now(),
        actor: "test".to_owned(),
        tenant: None,
        action: action.to_owned(),
        subject: String::new(),
        outcome: Outcome::Done,
        detail: String::new(),
    }
}

fn publication(files: &[(&str, &str)]) -> Publication {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    let files: Vec<(String, String)> = files.collect();
    let bundle = files.iter().map(|(path, text)| (path.clone(), text.clone().into_bytes()));
    let compiled = compile(&Bundle { files: bundle.collect() }, &NoPlugins);
    let faults = compiled.render(Style::Plain);
    let playbook = Arc::new(compiled.playbook.unwrap_or_else(|| panic!("{faults}")));
    Publication { playbook, files, replaces: Default::default() }
}
