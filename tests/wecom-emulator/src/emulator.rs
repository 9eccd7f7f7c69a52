//! The emulator as a whole: started, acted upon, watched, and ended with whoever holds it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::Method;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::acts::Act;
use crate::broadcasts::Broadcast;
use crate::callback::{self, Envelope};
use crate::clock::Clock;
use crate::crypto::{Seal, SealError};
use crate::record::{CalledBack, Record};
use crate::server;
use crate::settings::{Faults, Limits, Settings};
use crate::ways::Way;
use crate::world::World;

/// Nothing that a test waits for takes longer on any machine.
const LONG: Duration = Duration::from_secs(60);

/// Why it does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no seal.
    #[error("the callback's key: {0}")]
    Seal(#[from] SealError),
    /// The address is not one of this machine's own, or is taken.
    #[error("`{address}` cannot be listened on: {source}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The system has no threads left.
    #[error("there are no threads for it: {0}")]
    Threads(io::Error),
}

/// WeCom, for one corp.
pub struct Emulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

/// What the server and who watches have in common.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    seal: Seal,
    world: Mutex<World>,
    turned: Condvar,
    turns: watch::Sender<u64>,
}

impl Emulator {
    /// Starts it.
    ///
    /// # Errors
    /// When the key is none, or the address cannot be listened on; only loopback addresses can.
    pub fn start(settings: Settings, clock: Clock) -> Result<Self, StartError> {
        let seal = Seal::new(&settings.callback_token, &settings.aes_key, &settings.corp_id)?;
        let address = settings.listen.clone();
        let fails = |source: io::Error| StartError::Listen { address: address.clone(), source };
        let wanted: SocketAddr = address.parse().map_err(|fault| fails(io::Error::other(fault)))?;
        if !wanted.ip().is_loopback() {
            return Err(fails(io::Error::other("expected a loopback address")));
        }
        let sends_by_itself = settings.sends_by_itself;
        let world = Mutex::new(World::new(settings));
        let turns = watch::Sender::new(0);
        let shared = Arc::new(Shared { clock, seal, world, turned: Condvar::new(), turns });
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(StartError::Threads)?;
        // Whoever starts it may be in a runtime of their own, where nothing can be waited for.
        let listener = std::net::TcpListener::bind(wanted).map_err(&fails)?;
        listener.set_nonblocking(true).map_err(&fails)?;
        let address = listener.local_addr().map_err(&fails)?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener).map_err(&fails)?
        };
        runtime.spawn(server::serve(listener, shared.clone()));
        if sends_by_itself {
            runtime.spawn(send_all(shared.clone()));
        }
        Ok(Self { shared, address, runtime: Some(runtime) })
    }

    /// Where it is, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Does what people do; gives what there is to know of it.
    ///
    /// # Errors
    /// When it cannot be, in words.
    pub fn act(&self, act: Act) -> Result<Value, String> {
        self.shared.act(act)
    }

    /// What goes wrong by chance from now on.
    pub fn bad_days(&self, faults: Faults) {
        self.shared.world().settings.faults = faults;
    }

    /// Where callbacks go from now on.
    pub fn call_back_to(&self, url: &str) {
        self.shared.world().settings.callback_url = Some(url.to_owned());
    }

    /// Sends the callbacks that are due, one after another, as chance lets it; says how many were handed over.
    pub fn send_callbacks(&self) -> usize {
        self.shared.send_callbacks()
    }

    /// The callbacks that are due, sealed as they would be sent, in their order. They stay due.
    pub fn envelopes(&self) -> Vec<Envelope> {
        let mut world = self.shared.world();
        let corp_id = world.settings.corp_id.clone();
        let due = world.due.clone();
        let now_ms = self.shared.clock.now_ms();
        let texts = due.iter().map(|callback| callback.xml(&corp_id));
        let chance = &mut world.chance;
        texts.map(|text| callback::envelope(&self.shared.seal, (&corp_id, &text), now_ms, chance)).collect()
    }

    /// Asks the receiver's URL whether it can read callbacks, as WeCom does when it is set up.
    ///
    /// # Errors
    /// When it cannot, in words.
    pub fn verify_url(&self) -> Result<(), String> {
        let (url, corp_id, limits, said) = {
            let mut world = self.shared.world();
            let url = world.settings.callback_url.clone().ok_or("no URL is set")?;
            let said = world.chance.u64(..).to_string();
            (url, world.settings.corp_id.clone(), world.settings.limits, said)
        };
        let (envelope, sealed) = self.shared.echo(&corp_id, &said);
        let heard = callback::verify(&url, &envelope, &sealed, &limits)?;
        if heard == said { Ok(()) } else { Err(format!("expected `{said}`, heard `{heard}`")) }
    }

    /// What was seen so far.
    pub fn record(&self) -> Record {
        self.shared.world().record.clone()
    }

    /// How things stand.
    pub fn sight(&self) -> Sight {
        self.shared.sight()
    }

    /// Waits until something was seen.
    ///
    /// # Errors
    /// When it was not within a minute; names it.
    pub fn until(&self, what: &str, mut seen: impl FnMut(&Record) -> bool) -> Result<(), String> {
        self.shared.until(what, |world| seen(&world.record))
    }

    /// Waits until so many calls of an API are under way, such as those that [`Act::Hold`] holds.
    ///
    /// # Errors
    /// When they were not within a minute.
    pub fn until_under_way(&self, api: &str, count: u32) -> Result<(), String> {
        self.shared.until(&format!("{count} calls of {api}"), |world| world.under_way(api) >= count)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// How things stand.
#[derive(Debug, Clone, Serialize)]
pub struct Sight {
    /// Names of tags, `group/name`, by `staff/customer`.
    pub tags: std::collections::BTreeMap<String, Vec<String>>,
    /// Contact ways by id.
    pub ways: std::collections::BTreeMap<String, Way>,
    /// Broadcasts by id.
    pub broadcasts: std::collections::BTreeMap<String, Broadcast>,
}

impl Shared {
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells who waits that something is different.
    pub(crate) fn changed(&self) {
        self.turned.notify_all();
        self.turns.send_modify(|turn| *turn = turn.wrapping_add(1));
    }

    /// Waits while calls of an API are held.
    pub(crate) async fn until_released(&self, api: &str) {
        let mut turns = self.turns.subscribe();
        // The sender is in this very place, so it is not gone.
        let _ = turns.wait_for(|_| !self.world().held.contains(api)).await;
    }

    fn act(&self, act: Act) -> Result<Value, String> {
        let done = self.world().act(act, self.clock.now_ms());
        self.changed();
        done
    }

    /// What somebody asks for who watches.
    pub(crate) fn watched(&self, method: &Method, wish: &str, body: &[u8]) -> Result<Value, String> {
        match (method, wish) {
            (&Method::GET, "record") => {
                serde_json::to_value(&self.world().record).map_err(|it| it.to_string())
            }
            (&Method::GET, "sight") => serde_json::to_value(self.sight()).map_err(|it| it.to_string()),
            (&Method::POST, "act") => {
                let act = serde_json::from_slice(body).map_err(|fault| fault.to_string())?;
                self.act(act)
            }
            (&Method::POST, "advance") => {
                let wish: Value = serde_json::from_slice(body).map_err(|fault| fault.to_string())?;
                let by_ms = wish["ms"].as_i64().ok_or("expected {\"ms\": 1000}")?;
                match self.clock.advance_ms(by_ms) {
                    true => Ok(json!({ "now_ms": self.clock.now_ms() })),
                    false => Err("the clock is the machine's".to_owned()),
                }
            }
            _ => Err(format!("{method} {wish}: expected GET record or sight, POST act or advance")),
        }
    }

    fn echo(&self, corp_id: &str, said: &str) -> (Envelope, String) {
        let mut world = self.world();
        let now_ms = self.clock.now_ms();
        let envelope = callback::envelope(&self.seal, (corp_id, said), now_ms, &mut world.chance);
        let after = envelope.body.split("<Encrypt><![CDATA[").nth(1).unwrap_or_default();
        let sealed = after.split("]]>").next().unwrap_or_default().to_owned();
        (envelope, sealed)
    }

    fn send_callbacks(&self) -> usize {
        let (url, corp_id, limits, sent) = {
            let mut world = self.world();
            let Some(url) = world.settings.callback_url.clone() else { return 0 };
            let due = std::mem::take(&mut world.due);
            let faults = world.settings.faults;
            let (sent, lost) = callback::after_faults(due, &faults, &mut world.chance);
            let lost = lost.iter().map(|one| CalledBack { event: one.name(), answers: Vec::new() });
            world.record.callbacks.extend(lost);
            (url, world.settings.corp_id.clone(), world.settings.limits, sent)
        };
        let mut taken = 0;
        for callback in sent {
            let answers = self.send(&callback.xml(&corp_id), (&url, &corp_id), &limits);
            taken += usize::from(answers.last() == Some(&200));
            self.world().record.callbacks.push(CalledBack { event: callback.name(), answers });
            self.changed();
        }
        taken
    }

    fn send(&self, text: &str, (url, corp_id): (&str, &str), limits: &Limits) -> Vec<u16> {
        let now_ms = self.clock.now_ms();
        let envelope = callback::envelope(&self.seal, (corp_id, text), now_ms, &mut self.world().chance);
        callback::hand_over(url, &envelope, limits)
    }

    fn sight(&self) -> Sight {
        let world = self.world();
        let name = |id: &String| {
            let tag = world.tags.by_id.get(id)?;
            Some(format!("{}/{}", world.tags.groups.get(&tag.group_id)?, tag.name))
        };
        let relations = world.people.relations.iter();
        Sight {
            tags: relations
                .map(|((staff, customer), relation)| {
                    (format!("{staff}/{customer}"), relation.tags.iter().filter_map(name).collect())
                })
                .collect(),
            ways: world.ways.by_id.iter().map(|(id, (_, way))| (id.clone(), way.clone())).collect(),
            broadcasts: world.broadcasts.by_id.clone(),
        }
    }

    fn until(&self, what: &str, mut seen: impl FnMut(&World) -> bool) -> Result<(), String> {
        let world = self.world();
        let waited = self.turned.wait_timeout_while(world, LONG, |world| !seen(world));
        let is_over = waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        if is_over { Err(format!("{what}: not within {LONG:?}")) } else { Ok(()) }
    }
}

/// Sends callbacks as they fall due.
async fn send_all(shared: Arc<Shared>) {
    let mut turns = shared.turns.subscribe();
    loop {
        let _ = turns.wait_for(|_| !shared.world().due.is_empty()).await;
        let shared = shared.clone();
        // Sending waits for the receiver, which may be slow.
        let sent = tokio::task::spawn_blocking(move || shared.send_callbacks()).await;
        if sent.is_err() {
            return;
        }
    }
}
