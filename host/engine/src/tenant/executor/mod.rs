//! The executor of a tenant: takes a batch of commands and due timers, executes it on a lane, commits what it changed
//! in one transaction, and only then answers. While batch N commits, batch N+1 may already execute.

mod commit;
mod recovery;

use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::name::TenantName;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::command::{Command, Reply, Unavailable};
use super::inbox::Pace;
use super::lane::Batch;
use super::lanes::Share;
use super::outbox::{MESSAGES_PER_BATCH, Outbox};
use super::upkeep::Upkeep;
use super::{Numbers, Ports, Settings};
use crate::dispatch::{Couriers, Delivered, Dispatcher};
use crate::memory::{Asked, Halt, Memory, MemoryCell, Reader, Worked};
use crate::ports::rows::TimerKind;
use crate::ports::store::{Loaded, Store, StoreError, Wants};
use commit::{Commit, durable, flatten};

/// Commands with their rows in memory with which a batch begins without waiting for more of them: about as many as one
/// executes in its time.
const LOADED_ENOUGH: usize = 64;
const DAY_MS: u64 = 86_400_000;

/// The executor of a tenant.
pub(super) struct Executor {
    name: TenantName,
    ports: Ports,
    settings: Arc<Settings>,
    store: Arc<dyn Store>,
    /// None only while a lane has it.
    cell: Option<MemoryCell>,
    inbox: mpsc::Receiver<Command>,
    /// How fast it is emptied.
    pace: Arc<Pace>,
    numbers: Arc<Numbers>,
    stopping: watch::Receiver<bool>,
    commands: VecDeque<Command>,
    /// Up to which instant timers may fire after the commands.
    until: UtcMs,
    /// How many of the next commands have their rows in memory already.
    loaded_ahead: usize,
    receipts: mpsc::UnboundedReceiver<Delivered>,
    receipts_sender: mpsc::UnboundedSender<Delivered>,
    dispatcher: Option<Dispatcher>,
    couriers: Couriers,
    deliveries: VecDeque<Delivered>,
    committing: Option<Commit>,
    /// Messages that are durable and wait for room at the dispatcher.
    outbox: Outbox,
    /// Messages that the dispatcher has.
    on_their_way: usize,
    settles: Vec<Reply<Option<UtcMs>>>,
    upkeep: Upkeep,
    share: Share,
    /// Counts what became durable.
    committed: watch::Sender<u64>,
}

/// The executor's ends of what it shares with the tenant's handle.
pub(super) struct Ends {
    pub(super) inbox: mpsc::Receiver<Command>,
    pub(super) pace: Arc<Pace>,
    pub(super) numbers: Arc<Numbers>,
    pub(super) stopping: watch::Receiver<bool>,
    pub(super) committed: watch::Sender<u64>,
}

/// Why the executor goes round again or ends.
enum Next {
    Work,
    End,
}

impl Executor {
    pub(super) async fn open(
        name: TenantName,
        ports: Ports,
        settings: Settings,
        Ends { inbox, pace, numbers, stopping, committed }: Ends,
    ) -> Result<Self, StoreError> {
        let settings = Arc::new(settings);
        let quotas = settings.quotas.of(&name);
        let store = ports.stores.open(&name).await?;
        let (receipts_sender, receipts) = mpsc::unbounded_channel();
        let mut executor = Self {
            dispatcher: Some(Dispatcher::start(
                name.clone(),
                ports.channels.clone(),
                ports.clock.clone(),
                receipts_sender.clone(),
            )),
            couriers: Couriers::new(
                name.clone(),
                ports.channels.clone(),
                ports.clock.clone(),
                receipts_sender.clone(),
            ),
            name,
            share: Share::of(&ports.lanes).with_quota(quotas.plugin_cpu_percent),
            ports,
            settings,
            store,
            cell: None,
            inbox,
            pace,
            numbers,
            upkeep: Upkeep::new(stopping.clone()),
            stopping,
            commands: VecDeque::new(),
            until: UtcMs::EPOCH,
            loaded_ahead: 0,
            receipts,
            receipts_sender,
            deliveries: VecDeque::new(),
            committing: None,
            outbox: Outbox::default(),
            on_their_way: 0,
            settles: Vec::new(),
            committed,
        };
        executor.load().await?;
        Ok(executor)
    }

    /// Builds memory from the store, and takes up messages that were durable but not sent.
    async fn load(&mut self) -> Result<(), StoreError> {
        let image = self.store.load_tenant().await?;
        let at = image.at.max(self.ports.clock.now());
        let reader = Reader::new(self.store.clone(), self.ports.lanes.may_wait());
        let ports = (reader, self.ports.plugins.clone());
        let memory = Memory::new(self.name.clone(), self.settings.clone(), ports, image);
        let mut memory = memory.map_err(|halt| match halt {
            Halt::Store(error) => error,
            Halt::Broken(why) => StoreError::Broken(why),
        })?;
        memory.numbers = self.numbers.clone();
        let playbooks: Vec<_> = memory.books.playbooks().cloned().collect();
        for playbook in &playbooks {
            let ready = self.ports.plugins.make_ready(playbook).await;
            ready.map_err(|fault| StoreError::Broken(format!("playbook {}: {fault}", playbook.name)))?;
        }
        let mut cell = MemoryCell::new(memory);
        let due_before = at + DurationMs::from_millis(1);
        let mut after = None;
        loop {
            let messages = self.store.unsent_messages(due_before, after, MESSAGES_PER_BATCH).await?;
            let Some(last) = messages.last() else { break };
            after = Some(last.id);
            let under_way = messages.into_iter().filter(crate::dispatch::was_under_way);
            if self.ports.clock.is_virtual() {
                // In virtual time no time passed while the host was down: they leave at the instant they had.
                self.put_out(under_way.collect());
            } else {
                // They come due once more, so that the rules of contact and their time are looked at again.
                for message in under_way {
                    cell.timers.set(message.due_at, TimerKind::Message(message.id));
                }
            }
        }
        self.cell = Some(cell);
        Ok(())
    }

    /// Works until it is stopped, fenced or broken.
    pub(super) async fn run(mut self) {
        loop {
            let outcome = match self.prepare().await {
                Ok(Some(Next::End)) => break,
                Ok(Some(Next::Work)) => self.execute().await,
                Ok(None) => Ok(()),
                Err(halt) => Err(halt),
            };
            if let Err(halt) = outcome
                && !self.recover(halt).await
            {
                break;
            }
        }
        self.end().await;
    }

    /// Takes commands from the inbox, and says up to which instant timers may fire when all of them are done. In virtual
    /// time that is never later than a command which is still on its way: who moves the clock hands in first and moves it
    /// then, so here the clock is read first.
    fn take_commands(&mut self) {
        let (now, at) = (self.ports.clock.now(), Instant::now());
        let mut is_emptied = false;
        while !is_emptied && self.commands.len() < self.batch_max() {
            match self.inbox.try_recv() {
                Ok(command) => {
                    self.pace.learn(&command.queued, at);
                    self.commands.push_back(command);
                }
                Err(_) => is_emptied = true,
            }
        }
        self.until = match self.commands.back() {
            Some(last) if self.ports.clock.is_virtual() && !is_emptied => last.instant().min(now),
            _ => now,
        };
    }

    fn batch_max(&self) -> usize {
        self.settings.batch_max(self.ports.clock.is_virtual())
    }

    /// Gathers what there is to do, or waits for it.
    async fn prepare(&mut self) -> Worked<Option<Next>> {
        self.take_commands();
        while let Ok(delivered) = self.receipts.try_recv() {
            self.take_delivered(delivered);
        }
        self.read_outbox().await?;
        self.hand_over();
        let is_held = self.is_strict() && self.has_messages_out();
        if !self.deliveries.is_empty() || (!self.commands.is_empty() && !is_held) {
            return Ok(Some(Next::Work));
        }
        let is_stopping = self.is_stopping();
        let next_due = self.next_due().await?;
        // What falls due while the tenant is being stopped is durable: it happens when it is opened again.
        if next_due.is_some_and(|due_at| due_at <= self.until) && !is_held && !is_stopping {
            return Ok(Some(Next::Work));
        }
        if self.committing.is_none() && !self.has_messages_out() {
            for reply in self.settles.drain(..) {
                drop(reply.send(Ok(next_due)));
            }
            if is_stopping {
                return Ok(Some(Next::End));
            }
        }
        let next_due = if is_held || is_stopping { None } else { next_due };
        self.wait(next_due).await?;
        Ok(None)
    }

    fn has_messages_out(&self) -> bool {
        let committing = self.committing.as_ref().is_some_and(|commit| !commit.outbox.is_empty());
        // What waits for a courier when the tenant stops is durable: it goes when the tenant is opened again.
        let couriers = self.couriers.are_busy() || (self.couriers.are_waited_for() && !self.is_stopping());
        committing || !self.outbox.is_empty() || self.on_their_way > 0 || couriers
    }

    /// In virtual time nothing may happen between a message and what becomes of it, if anything listens to that.
    fn is_strict(&self) -> bool {
        let listens = self.cell.as_ref().is_some_and(|cell| cell.books.listens_to_messages());
        listens && self.ports.clock.is_virtual()
    }

    pub(super) fn is_stopping(&self) -> bool {
        // Nobody holds the tenant any more, or it was told to stop: the inbox is empty already.
        *self.stopping.borrow() || (self.inbox.is_closed() && self.inbox.is_empty())
    }

    /// When the next timer is due.
    async fn next_due(&mut self) -> Worked<Option<UtcMs>> {
        let limit = self.settings.timer_window_max;
        while let Some(after) = self.memory().timers.needs_reading() {
            let rows = self.store.timers(after, limit).await?;
            self.memory().timers.absorb(rows, limit);
        }
        Ok(self.memory().timers.next_due())
    }

    /// Waits until there is something to do.
    async fn wait(&mut self, next_due: Option<UtcMs>) -> Worked<()> {
        let clock = self.ports.clock.clone();
        let due = async {
            match next_due {
                Some(due_at) => clock.sleep_until(due_at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            outcome = durable(&mut self.committing) => self.durable(flatten(outcome)),
            command = self.inbox.recv(), if !self.inbox.is_closed() || !self.inbox.is_empty() => {
                self.commands.extend(command);
                Ok(())
            }
            delivered = self.receipts.recv() => {
                delivered.into_iter().for_each(|delivered| self.take_delivered(delivered));
                Ok(())
            }
            // Told once; without a sender the tenant was dropped, which is the same as being told.
            _told = self.stopping.changed(), if self.stopping.has_changed().is_ok() => Ok(()),
            () = due => Ok(()),
        }
    }

    /// Waits until the tenant may have a lane again; what became durable meanwhile is answered.
    async fn take_turn(&mut self) -> Worked<()> {
        while let Some(at) = self.share.begins_at(Instant::now()) {
            tokio::select! {
                outcome = durable(&mut self.committing) => self.durable(flatten(outcome))?,
                () = tokio::time::sleep_until(at) => {}
            }
        }
        Ok(())
    }

    /// Executes one batch on a lane and starts its commit when the one before is durable.
    async fn execute(&mut self) -> Worked<()> {
        self.take_turn().await?;
        let (next, ahead) = self.look_ahead().await?;
        let permit = self.share.enter().await.ok_or_else(|| Halt::Broken("there are no lanes".to_owned()))?;
        let (is_strict, is_waiting) = (self.is_strict(), self.has_messages_out());
        let commands = self.commands.len();
        let batch = Batch {
            cell: self.cell.take().expect("memory is with the executor between two batches"),
            commands: std::mem::take(&mut self.commands),
            deliveries: std::mem::take(&mut self.deliveries),
            until: self.until,
            is_virtual: self.ports.clock.is_virtual(),
            answers: Vec::new(),
            settles: Vec::new(),
            received: 0,
            begun: Vec::new(),
            is_strict,
            is_waiting,
            is_timers_turn: false,
            span: tracing::Span::none(),
            has_company: self.share.has_company(Instant::now()),
            committing: self.committing.as_ref().map(|commit| commit.is_over.clone()),
        };
        self.commands = next;
        let called = self.numbers.call_time();
        let done = self.share.run(move || {
            let begun = Instant::now();
            let done = batch.execute();
            drop(permit);
            (done, begun.elapsed())
        });
        // The batch executes while the rows of the commands after it are read.
        let (done, loaded) = tokio::join!(done, ahead);
        let ((mut batch, outcome), spent) =
            done.map_err(|why| Halt::Broken(format!("a lane ended badly: {why}")))?;
        let now = Instant::now();
        self.share.took(spent, now);
        self.share.called(self.numbers.call_time().saturating_sub(called), now);
        self.cell = Some(batch.cell);
        let executed = commands.saturating_sub(batch.commands.len());
        self.loaded_ahead = self.loaded_ahead.saturating_sub(executed);
        batch.commands.append(&mut self.commands);
        self.commands = batch.commands;
        self.deliveries = batch.deliveries;
        self.on_their_way = self.on_their_way.saturating_sub(batch.received);
        // Before anything is forgotten: what memory did not know then, the store had or had not.
        let absorbed = loaded.and_then(|loaded| match loaded {
            Some((asked, loaded)) => self.memory().absorb(asked, loaded),
            None => Ok(()),
        });
        if let Err(halt) = outcome.and(absorbed) {
            let why = halt.to_string();
            batch.answers.into_iter().for_each(|answer| answer.fail(&why));
            let why = Unavailable::Failed(why);
            batch.settles.into_iter().for_each(|reply| drop(reply.send(Err(why.clone()))));
            return Err(halt);
        }
        self.memory().gather_keys();
        self.settles.append(&mut batch.settles);
        if let Err(halt) = self.finish_commit().await {
            let why = halt.to_string();
            batch.answers.into_iter().for_each(|answer| answer.fail(&why));
            return Err(halt);
        }
        self.start_commit(batch.answers, batch.begun)?;
        self.erase().await
    }

    /// Erases customers for whom nothing is under way any more in what is durable. What belonged to them is nowhere in memory
    /// afterwards, because nothing of what was in it is.
    async fn erase(&mut self) -> Worked<()> {
        let customers = std::mem::take(&mut self.memory().erasing);
        if customers.is_empty() {
            return Ok(());
        }
        self.finish_commit().await?;
        for customer in customers {
            if self.store.unfinished(customer, 1).await?.is_empty() {
                let pseudonym = self.memory().pseudonym(customer);
                self.store.erase(customer, pseudonym).await?;
                self.memory().forget_rows();
                self.loaded_ahead = 0;
            }
        }
        Ok(())
    }

    /// Decides which commands wait until after the batch, because their rows are still to be read, and reads them: the
    /// future does. In virtual time commands and timers have one order, so timers that come after the last command of the
    /// batch wait too.
    async fn look_ahead(
        &mut self,
    ) -> Worked<(VecDeque<Command>, impl Future<Output = Worked<Option<(Asked, Loaded)>>> + use<>)> {
        let (until, is_virtual) = (self.until, self.ports.clock.is_virtual());
        let has_due = self.memory().timers.peek_due(until, 1).next().is_some();
        let is_waiting = (has_due && !is_virtual) || self.loaded_ahead < LOADED_ENOUGH;
        if is_waiting {
            self.load_ahead().await?;
        }
        let wants = if is_waiting { None } else { self.wants() };
        let next = match wants {
            Some(_) => self.commands.split_off(self.loaded_ahead.min(self.commands.len())),
            None => VecDeque::new(),
        };
        if let (true, false, Some(last)) = (is_virtual, next.is_empty(), self.commands.back()) {
            self.until = last.instant().min(until);
        }
        let store = self.store.clone();
        let read = async move {
            let Some(wants) = wants else { return Ok(None) };
            let asked = Asked::of(&wants);
            Ok(Some((asked, store.load(wants).await?)))
        };
        Ok((next, read))
    }

    /// What the next commands and timers need and memory does not know; those before the first of them are loaded.
    fn wants(&mut self) -> Option<Wants> {
        let until = self.until;
        let commands = std::mem::take(&mut self.commands);
        let (loaded, batch_max) = (self.loaded_ahead, self.batch_max());
        let (wants, complete) = self.memory().wants((&commands, loaded), until, batch_max);
        self.loaded_ahead = complete;
        self.commands = commands;
        wants
    }

    /// Loads what the batch will need in a few reads, instead of one at a time on the lane.
    async fn load_ahead(&mut self) -> Worked<()> {
        // Names, then the customers behind them, then the runs that wait for them.
        for _ in 0..4 {
            let Some(wants) = self.wants() else { break };
            let asked = Asked::of(&wants);
            let loaded = self.store.load(wants).await?;
            self.memory().absorb(asked, loaded)?;
        }
        self.loaded_ahead = self.commands.len().min(self.batch_max());
        Ok(())
    }

    /// What retention lets go now; none when everything is kept.
    fn purge_before(&mut self) -> Option<UtcMs> {
        let days = self.settings.retention_days;
        let now = self.memory().now;
        (days > 0).then(|| now - DurationMs::from_millis(u64::from(days) * DAY_MS))
    }

    fn memory(&mut self) -> &mut Memory {
        self.cell.as_mut().expect("memory is with the executor between two batches")
    }
}
