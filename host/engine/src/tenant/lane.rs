//! A lane: a thread on which one batch of a tenant executes, one command after another, in memory only.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use siyu_model::clock::UtcMs;
use siyu_model::event::IncomingEvent;
use siyu_model::id::MessageId;
use siyu_model::limits::lanes;
use siyu_model::plugin::HostFault;
use tracing::Span;

use super::command::{Admitted, Answer, Command, Reply, Unavailable, Wish};
use crate::dispatch::{Begun, Delivered};
use crate::memory::{Halt, MemoryCell, Worked};
use crate::{admit, dispatch, operate, schedule, traces};

/// What a batch works on, handed to the lane and back.
pub(super) struct Batch {
    pub(super) cell: MemoryCell,
    pub(super) commands: VecDeque<Command>,
    pub(super) deliveries: VecDeque<Delivered>,
    /// Up to which instant timers may fire.
    pub(super) until: UtcMs,
    /// Whether each command happens at its own instant.
    pub(super) is_virtual: bool,
    /// Answers that wait for the commit.
    pub(super) answers: Vec<Answer>,
    /// Callers that want to know when nothing is left to do.
    pub(super) settles: Vec<Reply<Option<UtcMs>>>,
    /// Messages whose receipts were taken in.
    pub(super) received: usize,
    /// Messages that go to couriers once the batch is durable.
    pub(super) begun: Vec<(MessageId, Begun)>,
    /// Whether time must not pass before messages have arrived: something listens to what becomes of them, and time is
    /// virtual.
    pub(super) is_strict: bool,
    /// Whether messages are on their way.
    pub(super) is_waiting: bool,
    /// Whether a timer comes before the next command, in real time.
    pub(super) is_timers_turn: bool,
    /// Whether other tenants work too.
    pub(super) has_company: bool,
    /// What the collector is told of what is being done.
    pub(super) span: Span,
    /// Turns true when the commit before this batch is over; none when there is none.
    pub(super) committing: Option<Arc<AtomicBool>>,
}

impl Batch {
    /// Executes until the batch is full, its time slice is over, or nothing is left to do. A panic is a broken
    /// invariant: it stops this tenant and nothing else.
    pub(super) fn execute(mut self) -> (Self, Worked<()>) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.work()));
        let outcome = outcome.unwrap_or_else(|panic| Err(Halt::Broken(panic_message(&*panic))));
        (self, outcome)
    }

    fn work(&mut self) -> Worked<()> {
        let started = Instant::now();
        let batch_max = self.cell.settings.batch_max(self.is_virtual);
        // However short its time is, a batch does one thing.
        for _ in 0..batch_max.max(1) {
            if !self.work_once()? {
                break;
            }
            let span = std::mem::replace(&mut self.span, Span::none());
            span.in_scope(|| admit::settle(&mut self.cell))?;
            self.answer_responses();
            if self.is_over(started.elapsed()) {
                break;
            }
        }
        self.cell.responses.clear();
        Ok(())
    }

    /// Whether the batch has had its time. Nobody waits for an answer in virtual time; and nobody can be answered before
    /// the commit that is under way is durable, so meanwhile the batch grows instead of waiting,
    /// unless other tenants wait for the processor.
    fn is_over(&self, elapsed: Duration) -> bool {
        let settings = &self.cell.settings;
        let is_committing =
            self.committing.as_ref().is_some_and(|is_durable| !is_durable.load(Ordering::Acquire));
        let slice_ms = match (self.is_virtual, self.has_company, is_committing) {
            (true, ..) => settings.slice_virtual_ms,
            (false, true, _) => lanes::SLICE_MS.min(settings.slice_ms),
            (false, false, true) => settings.slice_committing_ms,
            (false, false, false) => settings.slice_ms,
        };
        elapsed >= Duration::from_millis(slice_ms)
    }

    /// Does the next thing: receipts first, then whatever is due earlier, a timer or a command.
    fn work_once(&mut self) -> Worked<bool> {
        self.cell.begin_command();
        if let Some(delivered) = self.deliveries.pop_front() {
            if !self.is_virtual {
                self.move_time(self.until);
            }
            self.received += delivered.messages;
            for turn in delivered.to_begin {
                self.begun.push((turn.message, dispatch::begin(&mut self.cell, turn)?));
            }
            for receipt in delivered.receipts {
                dispatch::receipt(&mut self.cell, receipt, delivered.at)?;
            }
            return Ok(true);
        }
        if self.is_strict && (self.is_waiting || !self.cell.outbox.is_empty()) {
            return Ok(false);
        }
        let command_at = self.commands.front().map(|command| self.instant_of(command));
        // In virtual time things happen in the order of their instants. In real time commands and timers take turns:
        // a customer does not wait for an answer because a million timers are due.
        let until = if self.is_virtual { command_at.unwrap_or(self.until) } else { self.until };
        let is_commands_turn = !self.is_virtual && command_at.is_some() && !self.is_timers_turn;
        self.is_timers_turn = is_commands_turn;
        let due = if is_commands_turn { None } else { self.pop_due(until)? };
        if let Some((due_at, kind)) = due {
            self.move_time(due_at);
            if !self.is_virtual {
                self.cell.numbers.fired(due_at, self.until);
            }
            self.span = traces::timer(&self.cell.tenant, &kind);
            self.span.clone().in_scope(|| schedule::fire(&mut self.cell, due_at, kind))?;
            return Ok(true);
        }
        let (Some(command), Some(at)) = (self.commands.pop_front(), command_at) else {
            return Ok(false);
        };
        self.move_time(at);
        self.span = command.span.clone();
        self.span.clone().in_scope(|| self.obey(command))?;
        Ok(true)
    }

    /// When a command happens.
    fn instant_of(&self, command: &Command) -> UtcMs {
        if self.is_virtual { command.instant() } else { command.at }
    }

    /// Virtual time goes with what happens; real time is the same for the whole batch. It never goes back.
    fn move_time(&mut self, at: UtcMs) {
        let at = if self.is_virtual { at } else { self.until };
        self.cell.now = self.cell.now.max(at);
    }

    fn pop_due(&mut self, until: UtcMs) -> Worked<Option<(UtcMs, crate::ports::rows::TimerKind)>> {
        self.cell.read_timers()?;
        Ok(self.cell.timers.pop_due(until))
    }

    fn obey(&mut self, command: Command) -> Worked<()> {
        match command.wish {
            Wish::Event { event, feed, reply } => self.take_in(event, feed, reply),
            Wish::Fed { feed, reply } => {
                self.answers.push(Answer::Fed(reply, self.cell.feed(&feed)));
                Ok(())
            }
            Wish::Publish { publication, reply } => {
                let published = operate::publish(&mut self.cell, *publication)?;
                self.answers.push(Answer::Publish(reply, published));
                Ok(())
            }
            Wish::Act { run, action, reply } => {
                let acted = operate::act(&mut self.cell, run, action)?;
                self.answers.push(Answer::Act(reply, acted));
                Ok(())
            }
            Wish::SettleMessage { message, fate, reply } => {
                let settled = operate::settle(&mut self.cell, message, fate)?;
                self.answers.push(Answer::Message(reply, settled));
                Ok(())
            }
            Wish::Erase { who, reply } => {
                let erased = operate::erase(&mut self.cell, who)?;
                self.answers.push(Answer::Erase(reply, erased));
                Ok(())
            }
            Wish::Start { request, reply } => {
                let started = operate::start_manually(&mut self.cell, *request)?;
                self.answers.push(Answer::Start(reply, started));
                Ok(())
            }
            Wish::Settle { reply } => {
                self.settles.push(reply);
                Ok(())
            }
        }
    }

    fn take_in(
        &mut self,
        event: IncomingEvent,
        feed: Option<(Arc<str>, u64)>,
        reply: Option<Reply<Admitted>>,
    ) -> Worked<()> {
        if let Some((name, place)) = &feed {
            let taken = self.cell.feed(name);
            if *place > taken + 1 {
                let why = format!("feed `{name}` goes on with event {}, this is event {place}", taken + 1);
                Wish::Event { event, feed: None, reply }.fail(&Unavailable::Failed(why));
                return Ok(());
            }
        }
        let admitted = match admit::incoming(&mut self.cell, event)? {
            Ok(admission) => Admitted::Recorded { admission, responses: Default::default() },
            Err(refused) => Admitted::Refused(refused),
        };
        // A feed stays before an event that is refused, so that it can be mended and handed in again.
        if let (Some((name, place)), Admitted::Recorded { .. }) = (&feed, &admitted)
            && *place == self.cell.feed(name) + 1
        {
            self.cell.set_feed(name, *place);
        }
        if let Some(reply) = reply {
            self.answers.push(Answer::Event(reply, admitted));
        }
        Ok(())
    }

    /// What the runs of the last command answered belongs to its caller.
    fn answer_responses(&mut self) {
        let Some(Answer::Event(_, Admitted::Recorded { admission, responses })) = self.answers.last_mut()
        else {
            return;
        };
        for run in &admission.started {
            if let Some(response) = self.cell.responses.remove(run) {
                responses.insert(*run, response);
            }
        }
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message");
    format!("{}: {message}", HostFault::HostPanic.code())
}
