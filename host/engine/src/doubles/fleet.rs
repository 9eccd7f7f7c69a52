//! The fleet in memory: several hosts behind the [`Fleet`] port, by a time that somebody moves.
//!
//! It never fails and loses no news: whoever wants faults puts them around it. It keeps nobody from writing a tenant, which
//! is the store's; [`MemoryFleets::holds`] is what a store asks before it opens one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use siyu_model::clock::DurationMs;
use siyu_model::id::HostId;
use siyu_model::limits::fleet::{LEASE_MS, LETTERS_MAX};
use siyu_model::name::TenantName;
use tokio::sync::Notify;

use crate::ports::fleet::{Fleet, Letter, LetterId, News, Posted, Posting, Roster};
use crate::ports::store::StoreError;

/// What the hosts of one database share. Cloning shares it.
#[derive(Clone, Default)]
pub struct MemoryFleets(Arc<Mutex<Board>>);

#[derive(Default)]
struct Board {
    now_ms: i64,
    hosts: BTreeMap<HostId, Seat>,
    tenants: BTreeMap<TenantName, Option<HostId>>,
    letters: BTreeMap<LetterId, Kept>,
    last: LetterId,
}

/// A host that was heard.
struct Seat {
    alive_until_ms: i64,
    ear: Arc<Ear>,
}

/// What a host was told and did not hear yet.
#[derive(Default)]
struct Ear {
    news: Mutex<VecDeque<News>>,
    told: Notify,
}

impl Ear {
    fn tell(&self, news: News) {
        self.news.lock().unwrap_or_else(PoisonError::into_inner).push_back(news);
        self.told.notify_one();
    }
}

/// A letter as it is kept.
struct Kept {
    tenant: TenantName,
    asker: Option<HostId>,
    body: String,
    answer: Option<String>,
}

impl Board {
    fn is_alive(&self, host: HostId) -> bool {
        self.hosts.get(&host).is_some_and(|seat| seat.alive_until_ms > self.now_ms)
    }

    fn holder(&self, tenant: &TenantName) -> Option<HostId> {
        self.tenants.get(tenant).copied().flatten().filter(|host| self.is_alive(*host))
    }

    fn has(&self, host: HostId, tenant: &TenantName) -> bool {
        self.tenants.get(tenant).copied().flatten() == Some(host)
    }

    fn waiting(&self, tenant: &TenantName) -> usize {
        let unanswered = |letter: &&Kept| letter.tenant == *tenant && letter.answer.is_none();
        self.letters.values().filter(unanswered).count()
    }

    fn tell(&self, news: News) {
        self.hosts.values().for_each(|seat| seat.ear.tell(news));
    }
}

impl MemoryFleets {
    /// No hosts and no tenants.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another host, alive from now on.
    pub fn join(&self, me: HostId) -> MemoryFleet {
        let ear = Arc::new(Ear::default());
        let mut board = self.lock();
        let alive_until_ms = board.now_ms + lease_ms();
        board.hosts.insert(me, Seat { alive_until_ms, ear: ear.clone() });
        board.tell(News::Roster);
        drop(board);
        MemoryFleet { fleets: self.clone(), me, ear }
    }

    /// Time passes for all of them, milliseconds.
    pub fn pass(&self, ms: u64) {
        self.lock().now_ms += i64::try_from(ms).unwrap_or(i64::MAX >> 1);
    }

    /// Whether a host lives and has a tenant: what a store asks before it opens the tenant for the host.
    pub fn holds(&self, host: HostId, tenant: &TenantName) -> bool {
        let board = self.lock();
        board.is_alive(host) && board.has(host, tenant)
    }

    /// A host was not heard for longer than its lease.
    pub fn silence(&self, host: HostId) {
        if let Some(seat) = self.lock().hosts.get_mut(&host) {
            seat.alive_until_ms = i64::MIN;
        }
    }

    /// Letters that are not answered.
    pub fn unanswered(&self) -> usize {
        self.lock().letters.values().filter(|letter| letter.answer.is_none()).count()
    }

    /// The tenants, and who has each who lives.
    pub fn holders(&self) -> Vec<(TenantName, Option<HostId>)> {
        let board = self.lock();
        board.tenants.keys().map(|tenant| (tenant.clone(), board.holder(tenant))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        // The board is whole at every instant, whoever died while holding it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lease_ms() -> i64 {
    i64::try_from(LEASE_MS).unwrap_or(i64::MAX)
}

/// A host's place in a fleet in memory.
pub struct MemoryFleet {
    fleets: MemoryFleets,
    me: HostId,
    ear: Arc<Ear>,
}

impl MemoryFleet {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.fleets.lock()
    }

    /// As [`Fleet::claim`], under a lock that is held already.
    fn take(&self, board: &mut Board, tenants: &[TenantName]) -> Vec<TenantName> {
        let is_free = |name: &&TenantName| {
            board.tenants.contains_key(*name) && board.holder(name).is_none_or(|holder| holder == self.me)
        };
        let got: Vec<TenantName> = tenants.iter().filter(is_free).cloned().collect();
        for name in &got {
            board.tenants.insert(name.clone(), Some(self.me));
        }
        got
    }
}

#[async_trait]
impl Fleet for MemoryFleet {
    fn me(&self) -> HostId {
        self.me
    }

    fn lease(&self) -> DurationMs {
        DurationMs::from_millis(LEASE_MS)
    }

    async fn beat(&self) -> Result<Roster, StoreError> {
        let mut board = self.board();
        let alive_until_ms = board.now_ms + lease_ms();
        board.hosts.insert(self.me, Seat { alive_until_ms, ear: self.ear.clone() });
        let hosts = board.hosts.keys().copied().filter(|host| board.is_alive(*host)).collect();
        let tenants = board.tenants.keys().map(|tenant| (tenant.clone(), board.holder(tenant))).collect();
        Ok(Roster { hosts, tenants })
    }

    async fn claim(&self, tenants: &[TenantName]) -> Result<Vec<TenantName>, StoreError> {
        Ok(self.take(&mut self.board(), tenants))
    }

    async fn found(&self, tenant: &TenantName) -> Result<bool, StoreError> {
        let mut board = self.board();
        board.tenants.entry(tenant.clone()).or_insert(Some(self.me));
        Ok(!self.take(&mut board, std::slice::from_ref(tenant)).is_empty())
    }

    async fn release(&self, tenants: &[TenantName]) -> Result<(), StoreError> {
        let mut board = self.board();
        for tenant in tenants {
            if board.has(self.me, tenant) {
                board.tenants.insert(tenant.clone(), None);
            }
        }
        board.tell(News::Roster);
        Ok(())
    }

    async fn leave(&self) -> Result<(), StoreError> {
        let mut board = self.board();
        board.hosts.remove(&self.me);
        board.tell(News::Roster);
        Ok(())
    }

    async fn post(&self, letters: Vec<Posting>) -> Result<Vec<Posted>, StoreError> {
        let mut board = self.board();
        let rooms: Vec<Option<usize>> = letters
            .iter()
            .map(|letter| board.tenants.contains_key(&letter.tenant).then(|| board.waiting(&letter.tenant)))
            .collect();
        let mut posted = Vec::new();
        for (letter, room) in letters.into_iter().zip(rooms) {
            posted.push(match room {
                None => Posted::NoTenant,
                Some(waiting) if waiting >= LETTERS_MAX => Posted::Full,
                Some(_) => {
                    board.last += 1;
                    let id = board.last;
                    let asker = letter.is_awaited.then_some(self.me);
                    let kept = Kept { tenant: letter.tenant, asker, body: letter.body, answer: None };
                    board.letters.insert(id, kept);
                    Posted::Taken(id)
                }
            });
        }
        board.tell(News::Letters);
        Ok(posted)
    }

    async fn letters(&self, tenants: &[TenantName], limit: usize) -> Result<Vec<Letter>, StoreError> {
        let board = self.board();
        let mut read = Vec::new();
        for tenant in tenants.iter().filter(|tenant| board.has(self.me, tenant)) {
            let own =
                board.letters.iter().filter(|(_, kept)| kept.tenant == *tenant && kept.answer.is_none());
            let letter = |(id, kept): (&LetterId, &Kept)| Letter {
                id: *id,
                tenant: tenant.clone(),
                body: kept.body.clone(),
            };
            read.extend(own.take(limit).map(letter));
        }
        read.sort_by_key(|letter| letter.id);
        Ok(read)
    }

    async fn answer(&self, answers: Vec<(LetterId, String)>) -> Result<(), StoreError> {
        let mut board = self.board();
        for (id, text) in answers {
            match board.letters.get_mut(&id) {
                Some(Kept { asker: Some(asker), answer: answer @ None, .. }) => {
                    *answer = Some(text);
                    let asker = *asker;
                    if let Some(seat) = board.hosts.get(&asker) {
                        seat.ear.tell(News::Answers);
                    }
                }
                Some(Kept { asker: None, .. }) => drop(board.letters.remove(&id)),
                // It was answered before, or is gone.
                _ => {}
            }
        }
        Ok(())
    }

    async fn answers(&self) -> Result<Vec<(LetterId, String)>, StoreError> {
        let mut board = self.board();
        let mine = |_: &LetterId, kept: &mut Kept| kept.asker == Some(self.me) && kept.answer.is_some();
        let taken = board.letters.extract_if(.., mine);
        Ok(taken.filter_map(|(id, kept)| kept.answer.map(|text| (id, text))).collect())
    }

    async fn news(&self) -> News {
        loop {
            let told = self.ear.told.notified();
            let next = self.ear.news.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            match next {
                Some(news) => return news,
                None => told.await,
            }
        }
    }
}
