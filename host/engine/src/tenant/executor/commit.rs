//! Making a batch durable beside the next one, and what follows then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use siyu_model::event::EventSeq;
use siyu_model::id::MessageId;
use siyu_model::message::Message;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;
use tracing::Instrument;

use super::Executor;
use crate::dispatch::{Begun, Delivered};
use crate::memory::Worked;
use crate::ports::store::{StoreError, Wants};
use crate::tenant::command::Answer;
use crate::tenant::numbers::Tally;
use crate::traces;

/// A batch that is being made durable.
pub(super) struct Commit {
    pub(super) task: JoinHandle<Result<(), StoreError>>,
    /// Turns true when the task is done.
    pub(super) is_over: Arc<AtomicBool>,
    batch: u64,
    since: Instant,
    tally: Tally,
    last_seq: EventSeq,
    answers: Vec<Answer>,
    pub(super) outbox: Vec<Message>,
    begun: Vec<(MessageId, Begun)>,
}

impl Executor {
    /// Starts to make the batch durable.
    pub(super) fn start_commit(
        &mut self,
        answers: Vec<Answer>,
        begun: Vec<(MessageId, Begun)>,
    ) -> Worked<()> {
        let memory = self.memory();
        let outbox: Vec<Message> = memory.take_outbox();
        let (batch, last_seq) = (memory.batch, memory.last_seq());
        let writes = memory.flush()?;
        if writes.is_empty() {
            memory.committed(batch, last_seq);
            answers.into_iter().for_each(Answer::give);
            self.begin(begun);
            return Ok(());
        }
        let (since, tally) = (Instant::now(), Tally::of(&writes));
        let forgotten = memory.forgotten.take();
        let store = self.store.clone();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let span = traces::commit(&self.name, answers.len());
        let commit = async move {
            let outcome = store.commit(writes).await;
            over.store(true, Ordering::Release);
            drop(forgotten);
            outcome
        };
        let task = tokio::spawn(commit.instrument(span));
        self.committing =
            Some(Commit { task, is_over, batch, since, tally, last_seq, answers, outbox, begun });
        Ok(())
    }

    /// Waits until the commit that is under way is durable.
    pub(super) async fn finish_commit(&mut self) -> Worked<()> {
        match &mut self.committing {
            Some(commit) => {
                let outcome = (&mut commit.task).await;
                self.durable(flatten(outcome))
            }
            None => Ok(()),
        }
    }

    /// The commit is over: answers leave, messages go to the dispatcher.
    pub(super) fn durable(&mut self, outcome: Result<(), StoreError>) -> Worked<()> {
        let Some(commit) = self.committing.take() else {
            return Ok(());
        };
        if let Err(error) = outcome {
            let why = error.to_string();
            commit.answers.into_iter().for_each(|answer| answer.fail(&why));
            return Err(error.into());
        }
        self.memory().committed(commit.batch, commit.last_seq);
        self.numbers.committed(&commit.tally, commit.since.elapsed());
        self.committed.send_modify(|count| *count += 1);
        commit.answers.into_iter().for_each(Answer::give);
        self.begin(commit.begun);
        self.put_out(commit.outbox);
        self.hand_over();
        let purge_before = self.purge_before();
        self.upkeep.committed(&self.store, purge_before);
        Ok(())
    }

    /// Messages that are durable: some go to couriers, and the others to the dispatcher.
    pub(super) fn put_out(&mut self, messages: Vec<Message>) {
        let rest = self.couriers.take(messages);
        self.outbox.extend(rest);
    }

    /// It is durable that these are with couriers.
    fn begin(&mut self, begun: Vec<(MessageId, Begun)>) {
        for (id, begun) in begun {
            self.couriers.begin(id, begun, &self.store);
        }
    }

    /// What was delivered: its receipts are taken in with the next batch.
    pub(super) fn take_delivered(&mut self, delivered: Delivered) {
        if let Some(id) = delivered.courier {
            self.couriers.release(id);
        }
        self.deliveries.push_back(delivered);
    }

    /// Hands messages to couriers that have places, and to the dispatcher while it has room.
    pub(super) fn hand_over(&mut self) {
        if !self.is_stopping() {
            let turns = self.couriers.next();
            if !turns.is_empty() {
                self.deliveries.push_back(Delivered::to_begin(turns));
            }
        }
        let now = self.cell.as_ref().map_or_else(|| self.ports.clock.now(), |cell| cell.now);
        let Some(dispatcher) = &self.dispatcher else { return };
        loop {
            let messages = self.outbox.next();
            let count = messages.len();
            if count == 0 {
                return;
            }
            match dispatcher.hand_over(messages, now) {
                Ok(()) => self.on_their_way += count,
                Err(messages) => return self.outbox.put_back(messages),
            }
        }
    }

    /// Reads messages of which only the ids were kept, when it is their turn.
    pub(super) async fn read_outbox(&mut self) -> Worked<()> {
        let messages = self.outbox.wants();
        if !messages.is_empty() {
            let loaded = self.store.load(Wants { messages, ..Wants::default() }).await?;
            self.outbox.read(loaded.messages);
        }
        Ok(())
    }
}

/// Returns once the commit that is under way is over; never when none is.
pub(super) async fn durable(committing: &mut Option<Commit>) -> Result<Result<(), StoreError>, JoinError> {
    match committing {
        Some(commit) => (&mut commit.task).await,
        None => std::future::pending().await,
    }
}

pub(super) fn flatten(outcome: Result<Result<(), StoreError>, JoinError>) -> Result<(), StoreError> {
    outcome.unwrap_or_else(|why| Err(StoreError::Database(format!("the commit ended badly: {why}"))))
}
