//! What callers of a host are told, and how soon, when its store or the fleet's database does not answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::event::IncomingEvent;
use siyu_model::id::HostId;
use siyu_model::limits::fleet::{ANSWER_MS, BEAT_MS, LEASE_MS, PATIENCE_MS};
use siyu_model::name::TenantName;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Host, HostError, Rules, Told};
use crate::dispatch::Channels;
use crate::doubles::{HandClock, MemoryFleet, MemoryFleets, MemoryStores, NativePlugins};
use crate::ports::fleet::{Fleet, Letter, LetterId, News, Posted, Posting, Roster};
use crate::ports::store::{Store, StoreError, Stores};
use crate::tenant::{Admitted, Lanes, Ports, Settings};

/// A cable: nothing comes through while it is cut, and nobody says so.
#[derive(Default)]
struct Cable {
    is_cut: AtomicBool,
    mended: Notify,
}

impl Cable {
    fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
    }

    fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
        self.mended.notify_waiters();
    }

    async fn pass(&self) {
        loop {
            let mended = self.mended.notified();
            if !self.is_cut.load(Ordering::SeqCst) {
                return;
            }
            mended.await;
        }
    }
}

struct Wired<T> {
    inner: T,
    cable: Arc<Cable>,
}

#[async_trait]
impl Stores for Wired<MemoryStores> {
    async fn open(&self, tenant: &TenantName) -> Result<Arc<dyn Store>, StoreError> {
        self.cable.pass().await;
        self.inner.open(tenant).await
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreError> {
        self.cable.pass().await;
        self.inner.tenants().await
    }
}

#[async_trait]
impl Fleet for Wired<MemoryFleet> {
    fn me(&self) -> HostId {
        self.inner.me()
    }

    fn lease(&self) -> DurationMs {
        self.inner.lease()
    }

    async fn beat(&self) -> Result<Roster, StoreError> {
        self.cable.pass().await;
        self.inner.beat().await
    }

    async fn claim(&self, tenants: &[TenantName]) -> Result<Vec<TenantName>, StoreError> {
        self.cable.pass().await;
        self.inner.claim(tenants).await
    }

    async fn found(&self, tenant: &TenantName) -> Result<bool, StoreError> {
        self.cable.pass().await;
        self.inner.found(tenant).await
    }

    async fn release(&self, tenants: &[TenantName]) -> Result<(), StoreError> {
        self.cable.pass().await;
        self.inner.release(tenants).await
    }

    async fn leave(&self) -> Result<(), StoreError> {
        self.cable.pass().await;
        self.inner.leave().await
    }

    async fn post(&self, letters: Vec<Posting>) -> Result<Vec<Posted>, StoreError> {
        self.cable.pass().await;
        self.inner.post(letters).await
    }

    async fn letters(&self, tenants: &[TenantName], limit: usize) -> Result<Vec<Letter>, StoreError> {
        self.cable.pass().await;
        self.inner.letters(tenants, limit).await
    }

    async fn answer(&self, answers: Vec<(LetterId, String)>) -> Result<(), StoreError> {
        self.cable.pass().await;
        self.inner.answer(answers).await
    }

    async fn answers(&self) -> Result<Vec<(LetterId, String)>, StoreError> {
        self.cable.pass().await;
        self.inner.answers().await
    }

    async fn news(&self) -> News {
        self.cable.pass().await;
        self.inner.news().await
    }
}

const MINE: &str = "mine";
const THEIRS: &str = "theirs";

/// A host with a tenant whose store can be cut off, beside a host that has another tenant and says nothing.
struct Stage {
    host: Host,
    store: Arc<Cable>,
    fleet: Arc<Cable>,
    _silent: MemoryFleet,
}

impl Stage {
    async fn new() -> Self {
        let (fleets, store, fleet) =
            (MemoryFleets::new(), Arc::new(Cable::default()), Arc::new(Cable::default()));
        let silent = fleets.join(HostId::from_bytes([2; 16]));
        assert!(silent.found(&name(THEIRS)).await.unwrap());
        let me = Wired { inner: fleets.join(HostId::from_bytes([1; 16])), cable: fleet.clone() };
        assert!(me.found(&name(MINE)).await.unwrap());
        // The tenant is never awake before its store answers.
        store.cut();
        let ports = Ports {
            stores: Arc::new(Wired { inner: MemoryStores::new(), cable: store.clone() }),
            plugins: Arc::new(NativePlugins::default()),
            clock: Arc::new(HandClock::showing(UtcMs::from_millis(1_000))),
            channels: Channels::default(),
            lanes: Lanes::unpaced(1),
        };
        let host = Host::join(ports, Settings::default(), Rules::default(), Arc::new(me)).await.unwrap();
        let stage = Self { host, store, fleet, _silent: silent };
        stage.pass(3 * BEAT_MS).await;
        assert_eq!(stage.host.tenants(), [name(MINE)]);
        stage
    }

    async fn pass(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// Hands an event in; gives what is told, and after how many milliseconds.
    async fn told(&self, tenant: &str, id: &str) -> (Result<Told<Admitted>, HostError>, u64) {
        let text = format!(r#"{{"id":"{id}","type":"go","source":"shop","subject":"shop:1"}}"#);
        let begun = Instant::now();
        let told = self.host.admit(&name(tenant), IncomingEvent::from_json(&text).unwrap()).await;
        (told, u64::try_from(begun.elapsed().as_millis()).unwrap())
    }

    /// The same while the fleet's database stops answering after some milliseconds.
    async fn told_and_cut(
        &self,
        tenant: &str,
        id: &str,
        after_ms: u64,
    ) -> (Result<Told<Admitted>, HostError>, u64) {
        let cut = async {
            self.pass(after_ms).await;
            self.fleet.cut();
        };
        tokio::join!(self.told(tenant, id), cut).0
    }
}

fn name(text: &str) -> TenantName {
    text.parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_store_that_does_not_answer_is_told_in_time() {
    let stage = Stage::new().await;
    let (told, ms) = stage.told(MINE, "one").await;
    assert!(matches!(told, Err(HostError::Late)), "{told:?}");
    assert!(ms <= ANSWER_MS + 1, "{ms}");
    stage.store.mend();
    let (told, _) = stage.told(MINE, "one").await;
    assert!(matches!(told, Ok(Told::Done(Admitted::Recorded { .. }))), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_a_host_that_its_database_does_not_hear_is_told_in_time_and_later_ones_at_once() {
    let stage = Stage::new().await;
    let (told, ms) = stage.told_and_cut(MINE, "one", 100).await;
    assert!(matches!(told, Err(HostError::Unheard)), "{told:?}");
    assert!(ms <= LEASE_MS + BEAT_MS, "{ms}");
    for tenant in [MINE, THEIRS] {
        let (told, ms) = stage.told(tenant, "two").await;
        assert!(matches!(told, Err(HostError::Unheard)), "{told:?}");
        assert_eq!(ms, 0);
    }
    stage.fleet.mend();
    stage.store.mend();
    stage.pass(2 * BEAT_MS).await;
    let (told, _) = stage.told(MINE, "two").await;
    assert!(matches!(told, Ok(Told::Done(Admitted::Recorded { .. }))), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_is_durable_is_told_as_kept_however_the_host_is_cut_off() {
    let stage = Stage::new().await;
    let (told, ms) = stage.told(THEIRS, "one").await;
    assert!(matches!(told, Ok(Told::Kept(_))), "{told:?}");
    assert!(ms <= PATIENCE_MS + 1, "{ms}");
    let (told, ms) = stage.told_and_cut(THEIRS, "two", 100).await;
    assert!(matches!(told, Ok(Told::Kept(_))), "{told:?}");
    assert!(ms <= LEASE_MS + BEAT_MS, "{ms}");
    // Without a place among the letters nothing is kept.
    stage.fleet.mend();
    stage.pass(2 * BEAT_MS).await;
    stage.fleet.cut();
    let (told, ms) = stage.told(THEIRS, "three").await;
    assert!(matches!(told, Err(HostError::Unheard)), "{told:?}");
    assert!(ms <= LEASE_MS + BEAT_MS, "{ms}");
}
