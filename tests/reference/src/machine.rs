//! Runs going on: a step at a time, the first fiber that can first, until all of them wait or the run is over.

use std::collections::VecDeque;
use std::rc::Rc;

use serde_json::{Map, Value, json};

use crate::expr::Expr;
use crate::run::{Doing, End, Event, Fiber, Joining, State};
use crate::script::{Act, Next, Step};
use crate::stock::{Called, Caller};
use crate::tenant::{Fault, Tenant, names};

type Did = Result<(), Fault>;

/// Steps of one turn, after which the host lets others have theirs: more than this interpreter follows.
const STEPS_MAX: u32 = 64;

impl Tenant {
    fn step_of(&self, run: usize, at: usize) -> Step {
        self.workflows[self.runs[run].workflow].steps[at].clone()
    }

    fn at(&self, run: usize, fiber: u32) -> Result<(Fiber, Step), Fault> {
        let found = self.runs[run].fiber(fiber).cloned();
        let found = found.ok_or_else(|| Fault::Unknown(format!("run {run} has no fiber {fiber}")))?;
        let step = self.step_of(run, found.at);
        Ok((found, step))
    }

    fn change(&mut self, run: usize, fiber: u32, change: impl FnOnce(&mut Fiber)) {
        if let Some(fiber) = self.runs[run].fiber_mut(fiber) {
            change(fiber);
        }
    }

    fn write(&mut self, run: usize, fiber: u32, step: Option<&Step>, said: &str) {
        let id = step.and_then(|step| step.id.as_deref()).unwrap_or("-");
        let line = format!("{} {fiber} {id} {said}", self.now);
        self.runs[run].journal.push(line);
    }

    /// What a fiber sees.
    fn sees(&self, run: usize, fiber: u32) -> Map<String, Value> {
        let found = &self.runs[run];
        let mut vars = self.workflows[found.workflow].vars.clone();
        vars.extend(found.vars.clone());
        let mut names = names(&found.event, &vars);
        let mut steps: Map<String, Value> = found.kept.clone().into_iter().collect();
        let around: Vec<&Fiber> = found.around(fiber).collect();
        for fiber in around.into_iter().rev() {
            steps.extend(fiber.kept.clone());
            if let Some((name, value)) = &fiber.item {
                names.insert(name.clone(), value.clone());
            }
        }
        names.insert("steps".to_owned(), Value::Object(steps));
        names
    }

    fn holds(&self, run: usize, fiber: u32, condition: &Expr) -> Result<bool, String> {
        condition.holds(&self.sees(run, fiber))
    }

    /// A run goes on.
    pub(crate) fn advance(&mut self, run: usize) -> Did {
        let mut steps = 0;
        loop {
            match self.runs[run].state {
                State::Undoing(_) => self.undo(run)?,
                State::Live => {
                    let ready =
                        self.runs[run].fibers.iter().find(|fiber| matches!(fiber.doing, Doing::Ready));
                    let Some(fiber) = ready.map(|fiber| fiber.id) else { break };
                    steps += 1;
                    if steps > STEPS_MAX {
                        return Err(Fault::Open("a run takes too many steps at once".to_owned()));
                    }
                    self.step(run, fiber)?;
                }
                _ => return Ok(()),
            }
        }
        if self.runs[run].fibers.is_empty() {
            self.finish_run(run, End::Completed("done".to_owned()))?;
        }
        Ok(())
    }

    fn step(&mut self, run: usize, fiber: u32) -> Did {
        let (found, step) = self.at(run, fiber)?;
        if found.attempt == 0 {
            match step.condition.as_ref().map(|condition| self.holds(run, fiber, condition)) {
                Some(Ok(false)) => {
                    self.write(run, fiber, Some(&step), "skipped ");
                    return self.go_to(run, fiber, step.next);
                }
                Some(Err(_)) => return self.fail(run, fiber, "EXPRESSION", None),
                _ => {}
            }
            if let Some(timeout) = step.timeout {
                let deadline = self.now + timeout;
                self.change(run, fiber, |fiber| fiber.deadline = Some(deadline));
            }
        }
        self.act(run, fiber, &step)
    }

    fn act(&mut self, run: usize, fiber: u32, step: &Step) -> Did {
        let sees = self.sees(run, fiber);
        let filled = match &step.act {
            Act::Uses(_, with)
            | Act::Send(_, with)
            | Act::Set(with)
            | Act::Emit(_, with)
            | Act::Call(_, with) => match with.fill(&sees) {
                Ok(value) => value,
                Err(_) => return self.fail(run, fiber, "EXPRESSION", None),
            },
            _ => Value::Null,
        };
        let members = filled.as_object().cloned().unwrap_or_default();
        match &step.act {
            Act::Uses(name, _) => self.uses(run, fiber, step, (name, &filled)),
            Act::Send(template, _) => self.message(run, fiber, step, (template, &filled)),
            Act::Set(_) => {
                self.runs[run].vars.extend(members);
                self.done(run, fiber, step, filled)
            }
            Act::Emit(kind, _) => {
                let customer = self.runs[run].event.customer.clone();
                self.pending.push_back((kind.clone(), customer, members));
                self.done(run, fiber, step, filled)
            }
            Act::Call(name, _) => self.call(run, fiber, step, (name, members)),
            Act::End(word) => {
                self.write(run, fiber, Some(step), &format!("ended {word}"));
                self.finish_run(run, End::Completed(word.clone()))
            }
            Act::WaitFor(length) => {
                let until = self.now + length;
                self.write(run, fiber, Some(step), "waiting ");
                self.change(run, fiber, |fiber| fiber.doing = Doing::Sleeping(until));
                Ok(())
            }
            Act::WaitEvent { timeout, .. } => self.wait(run, fiber, step, *timeout),
            Act::Switch(branches) => self.switch(run, fiber, step, branches),
            Act::Parallel(entries) => {
                entries.iter().for_each(|entry| self.runs[run].spawn(fiber, *entry, None));
                let joining = Joining { alive: entries.len(), ..Joining::default() };
                self.change(run, fiber, |fiber| fiber.doing = Doing::Joining(joining));
                Ok(())
            }
            Act::Each { items, name, concurrency, body } => match items.eval(&sees) {
                Ok(Value::Array(items)) if items.is_empty() => self.done(run, fiber, step, json!({})),
                Ok(Value::Array(items)) => {
                    let mut waiting: VecDeque<Value> = items.into();
                    let first: Vec<Value> = waiting.drain(..waiting.len().min(*concurrency)).collect();
                    let joining = Joining { alive: first.len(), waiting, ..Joining::default() };
                    for item in first {
                        self.runs[run].spawn(fiber, *body, Some((name.clone(), item)));
                    }
                    self.change(run, fiber, |fiber| fiber.doing = Doing::Joining(joining));
                    Ok(())
                }
                _ => self.fail(run, fiber, "NOT_A_LIST", None),
            },
        }
    }

    fn caller(&self, run: usize, attempt: u32) -> (String, i64, u32) {
        let customer = self.runs[run].event.customer.clone().unwrap_or_default();
        (customer, self.now, attempt)
    }

    fn uses(&mut self, run: usize, fiber: u32, step: &Step, (name, input): (&str, &Value)) -> Did {
        let attempt = self.at(run, fiber)?.0.attempt + 1;
        let (customer, now, attempt) = self.caller(run, attempt);
        let (called, rang) = self.stock.call(name, input, &Caller { customer: &customer, attempt, now });
        if let Some(number) = rang {
            let data = json!({"n": number, "items": []}).as_object().cloned().unwrap_or_default();
            let customer = self.runs[run].event.customer.clone();
            self.pending.push_back(("box.rang".to_owned(), customer, data));
        }
        match called {
            Called::Done(output) => self.done(run, fiber, step, output),
            Called::Transient(pause) => self.fail(run, fiber, "BUSY", Some(pause)),
            Called::Refused(code) => {
                self.write(run, fiber, Some(step), &format!("refused {code}"));
                let Some(arms) = &step.on_refused else { return self.give_up(run, fiber, step, &code) };
                self.keep(run, fiber, step, json!({"refused": {"code": code}}));
                let arm = arms.iter().find(|(of, _)| of.as_ref().is_none_or(|of| *of == code));
                self.go_to(run, fiber, arm.and_then(|(_, entry)| *entry).or(step.next))
            }
        }
    }

    fn message(&mut self, run: usize, fiber: u32, step: &Step, (template, with): (&str, &Value)) -> Did {
        let Some(customer) = self.runs[run].event.customer.clone() else {
            return self.fail(run, fiber, "NO_CUSTOMER", None);
        };
        self.send(template, &customer, with)?;
        self.write(run, fiber, Some(step), "planned ");
        self.finish(run, fiber, step, Value::Null)
    }

    fn call(&mut self, run: usize, fiber: u32, step: &Step, (name, data): (&str, Map<String, Value>)) -> Did {
        let place = self.workflows.iter().position(|found| found.name == name);
        let place = place.ok_or_else(|| Fault::Unknown(format!("the workflow {name}")))?;
        let customer = self.runs[run].event.customer.clone();
        let event = self.record("workflow.called".to_owned(), customer, data);
        match self.start(place, &event, Some((run, fiber)))? {
            Some(called) => {
                self.write(run, fiber, Some(step), "waiting ");
                self.change(run, fiber, |fiber| fiber.doing = Doing::Calling(called));
                Ok(())
            }
            None => self.fail(run, fiber, "CALL_NOT_STARTED", None),
        }
    }

    fn switch(&mut self, run: usize, fiber: u32, step: &Step, branches: &[(Option<Expr>, Next)]) -> Did {
        for (place, (condition, entry)) in branches.iter().enumerate() {
            match condition.as_ref().map(|condition| self.holds(run, fiber, condition)) {
                Some(Ok(false)) => {}
                Some(Err(_)) => return self.fail(run, fiber, "EXPRESSION", None),
                None | Some(Ok(true)) => {
                    self.write(run, fiber, Some(step), &format!("chose {place}"));
                    return self.go_to(run, fiber, entry.or(step.next));
                }
            }
        }
        self.write(run, fiber, Some(step), "chose null");
        self.go_to(run, fiber, step.next)
    }

    /// The step did its work.
    fn done(&mut self, run: usize, fiber: u32, step: &Step, output: Value) -> Did {
        self.write(run, fiber, Some(step), &format!("done {}", told(&output)));
        self.finish(run, fiber, step, output)
    }

    fn finish(&mut self, run: usize, fiber: u32, step: &Step, output: Value) -> Did {
        self.keep(run, fiber, step, output);
        if let Some((undo, with)) = &step.undo {
            match with.fill(&self.sees(run, fiber)) {
                Ok(input) => self.runs[run].undo.push((undo.clone(), input)),
                Err(_) => return self.fail(run, fiber, "EXPRESSION", None),
            }
        }
        self.go_to(run, fiber, step.next)
    }

    fn keep(&mut self, run: usize, fiber: u32, step: &Step, output: Value) {
        let Some(id) = step.id.clone() else { return };
        let found = &mut self.runs[run];
        match found.fiber_mut(fiber) {
            Some(inner) if inner.parent.is_some() => drop(inner.kept.insert(id, output)),
            _ => drop(found.kept.insert(id, output)),
        }
    }

    fn go_to(&mut self, run: usize, fiber: u32, next: Next) -> Did {
        let Some(next) = next else { return self.fiber_over(run, fiber) };
        self.change(run, fiber, |fiber| {
            fiber.at = next;
            fiber.doing = Doing::Ready;
            fiber.attempt = 0;
            fiber.deadline = None;
        });
        Ok(())
    }

    /// The step failed; one that may pass is tried again after a pause.
    fn fail(&mut self, run: usize, fiber: u32, code: &str, pause: Option<i64>) -> Did {
        let (found, step) = self.at(run, fiber)?;
        let attempt = found.attempt + 1;
        if let Some(pause) = pause.filter(|_| attempt < step.attempts) {
            let until = self.now + pause;
            if found.deadline.is_none_or(|deadline| until < deadline) {
                self.write(run, fiber, Some(&step), &format!("retry {attempt}"));
                self.change(run, fiber, |fiber| {
                    fiber.attempt = attempt;
                    fiber.doing = Doing::Retrying(until);
                });
                return Ok(());
            }
        }
        self.write(run, fiber, Some(&step), &format!("failed {code}"));
        self.give_up(run, fiber, &step, code)
    }

    fn give_up(&mut self, run: usize, fiber: u32, step: &Step, code: &str) -> Did {
        let Some(entry) = step.on_error else { return self.fail_branch(run, fiber, code) };
        self.keep(run, fiber, step, json!({"error": {"code": code}}));
        self.go_to(run, fiber, entry)
    }

    fn fail_branch(&mut self, run: usize, fiber: u32, code: &str) -> Did {
        let Some(parent) = self.at(run, fiber)?.0.parent else {
            return self.finish_run(run, End::Failed(code.to_owned()));
        };
        let step = self.at(run, parent)?.1;
        if step.on_error.is_none() {
            return self.fail_branch(run, parent, code);
        }
        self.drop_below(run, parent)?;
        self.give_up(run, parent, &step, code)
    }

    fn drop_below(&mut self, run: usize, parent: u32) -> Did {
        let below = |tenant: &Self| {
            tenant.runs[run].fibers.iter().find(|fiber| fiber.parent == Some(parent)).map(|fiber| fiber.id)
        };
        while let Some(child) = below(self) {
            self.drop_below(run, child)?;
            self.stop_waiting(run, child)?;
            self.runs[run].fibers.retain(|fiber| fiber.id != child);
        }
        Ok(())
    }

    fn stop_waiting(&mut self, run: usize, fiber: u32) -> Did {
        let (found, _) = self.at(run, fiber)?;
        self.change(run, fiber, |fiber| {
            fiber.deadline = None;
            if !matches!(fiber.doing, Doing::Joining(_)) {
                fiber.doing = Doing::Ready;
            }
        });
        if let Doing::Calling(called) = found.doing {
            self.cancel(called)?;
        }
        Ok(())
    }

    /// A branch or an item has done its last step.
    fn fiber_over(&mut self, run: usize, fiber: u32) -> Did {
        let over = self.at(run, fiber)?.0;
        self.runs[run].fibers.retain(|other| other.id != fiber);
        let Some(parent) = over.parent else { return Ok(()) };
        let step = self.at(run, parent)?.1;
        let mut next = None;
        let is_each = matches!(step.act, Act::Each { .. });
        if is_each {
            self.consume(run, parent, &over.matched);
        } else if self.at(run, parent)?.0.parent.is_some() {
            self.change(run, parent, |fiber| fiber.kept.extend(over.kept));
        } else {
            self.runs[run].kept.extend(over.kept);
        }
        self.change(run, parent, |fiber| {
            if let Doing::Joining(joining) = &mut fiber.doing {
                joining.alive -= 1;
                joining.results += 1;
                next = joining.waiting.pop_front();
                joining.alive += usize::from(next.is_some());
                if !is_each {
                    for (kind, seq) in over.matched {
                        let last = joining.matched.entry(kind).or_insert(seq);
                        *last = (*last).max(seq);
                    }
                }
            }
        });
        if let (Some(item), Act::Each { name, body, .. }) = (next, &step.act) {
            self.runs[run].spawn(parent, *body, Some((name.clone(), item)));
        }
        let Doing::Joining(joining) = self.at(run, parent)?.0.doing else { return Ok(()) };
        if joining.alive > 0 {
            return Ok(());
        }
        self.consume(run, parent, &joining.matched);
        self.done(run, parent, &step, json!({}))
    }

    /// Events that were taken count for a fiber and for what comes after it.
    fn consume(&mut self, run: usize, fiber: u32, taken: &std::collections::BTreeMap<String, u64>) {
        let found = &mut self.runs[run];
        let is_inside = found.fiber(fiber).is_some_and(|fiber| fiber.parent.is_some());
        let matched = match found.fiber_mut(fiber) {
            Some(fiber) if is_inside => &mut fiber.matched,
            _ => &mut found.matched,
        };
        for (kind, seq) in taken {
            let last = matched.entry(kind.clone()).or_insert(*seq);
            *last = (*last).max(*seq);
        }
    }

    fn wait(&mut self, run: usize, fiber: u32, step: &Step, timeout: Option<i64>) -> Did {
        let Act::WaitEvent { types, since_now, .. } = &step.act else { return Ok(()) };
        let found = &self.runs[run];
        if found.event.customer.is_none() {
            return self.fail(run, fiber, "NO_CUSTOMER", None);
        }
        let last = |kind: &String| {
            let around = found.around(fiber).filter_map(|fiber| fiber.matched.get(kind));
            around.chain(found.matched.get(kind)).copied().max().unwrap_or(0).max(found.event.seq)
        };
        let at = found.fiber(fiber).cloned();
        let before = at.filter(|_| !since_now).and_then(|at| {
            let is_new = |event: &&Rc<Event>| {
                event.customer == found.event.customer
                    && types.contains(&event.kind)
                    && event.seq > last(&event.kind)
                    && self.takes(run, &at, event)
            };
            self.log.iter().find(is_new).cloned()
        });
        if let Some(event) = before {
            return self.matched(run, fiber, &event);
        }
        self.write(run, fiber, Some(step), "waiting ");
        let (since, until) = (self.now, timeout.map(|timeout| self.now + timeout));
        self.change(run, fiber, |fiber| fiber.doing = Doing::Waiting { since, until });
        Ok(())
    }

    /// Whether a fiber at a wait takes an event.
    pub(crate) fn takes(&self, run: usize, fiber: &Fiber, event: &Event) -> bool {
        let Act::WaitEvent { types, condition, .. } = self.step_of(run, fiber.at).act else { return false };
        let mut sees = self.sees(run, fiber.id);
        sees.insert("event".to_owned(), Value::Object(event.data.clone()));
        types.contains(&event.kind)
            && condition.is_none_or(|condition| condition.holds(&sees).unwrap_or(false))
    }

    /// The event came that a fiber waits for.
    pub(crate) fn matched(&mut self, run: usize, fiber: u32, event: &Rc<Event>) -> Did {
        let step = self.at(run, fiber)?.1;
        self.consume(run, fiber, &[(event.kind.clone(), event.seq)].into());
        self.write(run, fiber, Some(&step), "matched ");
        self.finish(run, fiber, &step, json!({"timed_out": false, "event": event.data}))
    }

    /// A fiber's time has come.
    pub(crate) fn due(&mut self, run: usize, fiber: u32, at: i64) -> Did {
        let (found, step) = self.at(run, fiber)?;
        if found.deadline == Some(at) {
            self.drop_below(run, fiber)?;
            self.stop_waiting(run, fiber)?;
            self.change(run, fiber, |fiber| fiber.doing = Doing::Ready);
            self.fail(run, fiber, "TIMEOUT", None)?;
        } else {
            match found.doing {
                Doing::Waiting { .. } => {
                    self.write(run, fiber, Some(&step), "timed_out ");
                    self.finish(run, fiber, &step, json!({"timed_out": true, "event": null}))?;
                }
                Doing::Sleeping(_) => self.done(run, fiber, &step, json!({}))?,
                _ => self.change(run, fiber, |fiber| fiber.doing = Doing::Ready),
            }
        }
        self.ready.push_back(run);
        Ok(())
    }

    /// Ends a run from outside; says whether that was possible.
    pub(crate) fn cancel(&mut self, run: usize) -> Result<bool, Fault> {
        if matches!(self.runs[run].state, State::Undoing(_) | State::Ended(_)) {
            return Ok(false);
        }
        self.write(run, 0, None, "cancelled ");
        self.finish_run(run, End::Cancelled)?;
        Ok(true)
    }

    fn finish_run(&mut self, run: usize, end: End) -> Did {
        let was_queued = self.runs[run].state == State::Queued;
        let fibers: Vec<u32> = self.runs[run].fibers.iter().map(|fiber| fiber.id).collect();
        for fiber in fibers {
            self.stop_waiting(run, fiber)?;
        }
        let is_well = matches!(end, End::Completed(_));
        if !is_well && !was_queued && !self.runs[run].undo.is_empty() {
            self.runs[run].state = State::Undoing(end);
            self.runs[run].next_fiber += 1;
            self.ready.push_back(run);
            return Ok(());
        }
        self.over(run, end)
    }

    /// Undoes the newest step.
    fn undo(&mut self, run: usize) -> Did {
        let State::Undoing(end) = self.runs[run].state.clone() else { return Ok(()) };
        let Some((step, input)) = self.runs[run].undo.pop() else { return self.over(run, end) };
        let (customer, now, attempt) = self.caller(run, 1);
        let (called, _) = self.stock.call(&step, &input, &Caller { customer: &customer, attempt, now });
        let fiber = self.runs[run].next_fiber - 1;
        let said = match called {
            Called::Done(output) => format!("compensated {}", told(&output)),
            Called::Refused(_) | Called::Transient(_) => {
                return Err(Fault::Unknown(format!("a compensation by {step}")));
            }
        };
        self.write(run, fiber, None, &said);
        if self.runs[run].undo.is_empty() {
            return self.over(run, end);
        }
        self.runs[run].next_fiber += 1;
        Ok(())
    }

    fn over(&mut self, run: usize, end: End) -> Did {
        self.runs[run].state = State::Ended(end.clone());
        self.runs[run].fibers.clear();
        self.free_place(run)?;
        let Some((parent, fiber)) = self.runs[run].parent else { return Ok(()) };
        let is_calling = |found: &Fiber| matches!(found.doing, Doing::Calling(called) if called == run);
        let is_calling = self.runs[parent].fiber(fiber).is_some_and(is_calling);
        if !is_calling || matches!(self.runs[parent].state, State::Ended(_)) {
            return Ok(());
        }
        match end {
            End::Completed(word) => {
                let step = self.at(parent, fiber)?.1;
                let vars = self.runs[run].vars.clone();
                self.done(parent, fiber, &step, json!({"outcome": word, "vars": vars}))?;
            }
            End::Failed(_) => self.fail(parent, fiber, "CALLED_RUN_FAILED", None)?,
            End::Cancelled => self.fail(parent, fiber, "CALLED_RUN_CANCELLED", None)?,
        }
        self.ready.push_back(parent);
        Ok(())
    }

    /// Runs that wait for a place begin.
    fn free_place(&mut self, run: usize) -> Did {
        let (workflow, slot) = (self.runs[run].workflow, self.runs[run].slot.clone());
        let workflows = self.workflows.clone();
        let (Some(slot), Some(places)) = (slot, &workflows[workflow].places) else { return Ok(()) };
        while self.alive(workflow, &slot).len() < places.limit {
            let is_next = |other: &crate::run::Run| {
                other.workflow == workflow
                    && other.slot.as_ref() == Some(&slot)
                    && other.state == State::Queued
            };
            let mut waiting = self.runs.iter().enumerate().filter(|(_, other)| is_next(other));
            let Some((next, first)) = waiting.next() else { return Ok(()) };
            if waiting.next().is_some_and(|(_, second)| second.started_at == first.started_at) {
                return Err(Fault::Open("two runs were queued in one millisecond".to_owned()));
            }
            self.runs[next].state = State::Live;
            self.write(next, 0, None, "started ");
            self.ready.push_back(next);
        }
        Ok(())
    }
}

/// An output without what only the host can know.
fn told(output: &Value) -> String {
    let mut members = output.as_object().cloned().unwrap_or_default();
    members.remove("reservation");
    Value::Object(members).to_string()
}
