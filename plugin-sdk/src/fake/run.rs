//! Running a plugin's code as the host does: a call is a transaction, what it emits is recorded when it is kept, and the
//! steps that react run after it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::Serialize;
use siyu_model::event::Event;
use siyu_model::id::RunId;
use siyu_model::json::{self, JsonError};
use siyu_model::limits;
use siyu_model::name::{EventType, OfferName};
use siyu_model::plugin::{Fault, HostFault};

use super::host::{Host, Unpublished, document, event_type};
use super::outcome::{Outcome, fault, words};
use super::port::event_text;
use super::state::{self, Call, Pending, ResourceRow};
use super::view::Reacted;
use crate::context;
use crate::resource::{Finding, Resource};
use crate::step::{Answer, Step};
use crate::stop::Fault as Stopped;

/// Gives the state back to the host, whatever happens.
struct GiveBack<'a>(&'a mut Host);

impl Drop for GiveBack<'_> {
    fn drop(&mut self) {
        self.0.give_state(state::uninstall());
    }
}

impl Host {
    /// Runs code on this thread with the host under it.
    pub(super) fn under<T>(&mut self, call: Call, work: impl FnOnce() -> T) -> T {
        self.state_mut().call = Some(call);
        if let Some(state) = self.take_state() {
            state::install(state);
        }
        context::forget();
        let back = GiveBack(self);
        let result = work();
        drop(back);
        result
    }

    pub(super) fn next_call(&mut self, step: &str) -> Call {
        let (customer, event, run) = (self.customer, self.event.clone(), self.run.clone());
        let depth = event.as_ref().map_or(0, |event| event.depth);
        let state = self.state_mut();
        state.calls += 1;
        let id = format!("call-{}", state.calls);
        Call { id, step: step.to_owned(), run, customer, event, depth, ..Call::default() }
    }

    /// Runs a step as a workflow would, and then the steps that react to what it emitted.
    ///
    /// # Panics
    /// When the step is not among `steps` of `export!`, and when a reaction fails.
    #[track_caller]
    pub fn call<S: Step>(&mut self, input: impl Serialize) -> Outcome<S::Output> {
        self.check_offered(S::NAME);
        let input = document(input);
        let call = self.next_call(S::NAME);
        let outcome = self.transact(&call, &|| {
            let output = match Answer::of(crate::json::read::<S>(&input)?.run())? {
                Answer::Done(output) => output,
                Answer::Refused(refused) => return Ok(Answer::Refused(refused)),
            };
            let text = crate::json::write("the output", &output)?;
            Ok(Answer::Done((output, text)))
        });
        self.settle();
        outcome.map(|(output, _)| output)
    }

    /// Runs code that uses capabilities as if it were a step, and keeps its effects.
    ///
    /// # Panics
    /// When the code does, and when it does what the real host would not allow.
    #[track_caller]
    pub fn during<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let call = self.next_call("during");
        let result = self.under(call, work);
        let call = self.state_mut().call.take().unwrap_or_default();
        if let Some(violation) = call.violation {
            panic!("{}", words(&violation));
        }
        self.keep(call.pending);
        self.settle();
        result
    }

    /// What the check finds in a definition.
    ///
    /// # Panics
    /// When the kind is not among `resources` of `export!`, and when the check is not pure.
    #[track_caller]
    pub fn check<R: Resource>(&mut self, name: &str, definition: impl Serialize) -> Vec<Finding> {
        let definition = document(definition);
        let call =
            Call { id: "check".to_owned(), step: R::KIND.to_owned(), is_pure: true, ..Call::default() };
        let check = self.plugin.check;
        let found = self.under(call, || check(R::KIND, name, &definition));
        if let Some(violation) = self.state_mut().call.take().and_then(|call| call.violation) {
            panic!("{}", words(&violation));
        }
        found.unwrap_or_else(|stopped| panic!("{}", words(&fault(stopped))))
    }

    /// Publishes a definition: checks it, and puts it into force. What the check finds may be warnings only.
    ///
    /// # Panics
    /// When it does not come into force.
    #[track_caller]
    pub fn publish<R: Resource>(&mut self, name: &str, definition: impl Serialize) -> Vec<Finding> {
        self.try_publish::<R>(name, definition).unwrap_or_else(|why| panic!("{} `{name}`: {why}", R::KIND))
    }

    /// Publishes a definition, or says why not; then what was in force stays.
    ///
    /// # Errors
    /// Errors that the check found, or the fault of `apply`.
    #[track_caller]
    pub fn try_publish<R: Resource>(
        &mut self,
        name: &str,
        definition: impl Serialize,
    ) -> Result<Vec<Finding>, Unpublished> {
        let body = document(definition);
        let value: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        let found = self.check::<R>(name, value);
        if found.iter().any(|finding| finding.is_error) {
            return Err(Unpublished::Findings(found));
        }
        let mut call = self.next_call(R::KIND);
        (call.customer, call.event, call.run, call.depth) = (None, None, None, 0);
        let apply = self.plugin.apply;
        let applied = self.transact(&call, &|| Ok(Answer::Done(((), apply(R::KIND, name, &body)?))));
        let reactions = match applied {
            Outcome::Done(((), text)) => text,
            Outcome::Refused(_) => "[]".to_owned(),
            Outcome::Failed(fault) => return Err(Unpublished::Fault(fault)),
        };
        let reactions = self.read_reactions(&reactions).map_err(Unpublished::Fault)?;
        if let Ok(kind) = OfferName::new(R::KIND) {
            let row = ResourceRow { body, reactions };
            let resources = &mut self.state_mut().tables.resources;
            resources.set(&(kind, name.to_owned()), Some(row));
            resources.keep();
        }
        self.settle();
        Ok(found)
    }

    /// Takes a definition out of force, as a new version of the playbook without it does.
    pub fn unpublish<R: Resource>(&mut self, name: &str) {
        if let Ok(kind) = OfferName::new(R::KIND) {
            let resources = &mut self.state_mut().tables.resources;
            resources.set(&(kind, name.to_owned()), None);
            resources.keep();
        }
    }

    fn read_reactions(&self, text: &str) -> Result<Vec<(EventType, OfferName)>, Fault> {
        #[derive(serde::Deserialize)]
        struct Reaction {
            event: EventType,
            step: OfferName,
        }
        let bad = |why: String| Fault::permanent("BAD_REACTIONS", format!("`apply` gave {text}: {why}"));
        let found: Vec<Reaction> = serde_json::from_str(text).map_err(|fault| bad(fault.to_string()))?;
        let pair = |reaction: Reaction| match self.manifest().step(reaction.step.as_str()) {
            Some(_) => Ok((reaction.event, reaction.step)),
            None => Err(bad(format!("the plugin has no step `{}`", reaction.step))),
        };
        found.into_iter().map(pair).collect()
    }

    /// Records an event from outside, of a customer or of nobody, and runs the steps that react to it.
    ///
    /// # Panics
    /// When the event is none, there is no such customer, or a reaction fails.
    #[track_caller]
    pub fn record(&mut self, type_name: &str, customer: Option<&str>, data: impl Serialize) {
        let now = self.now();
        self.record_at(now, type_name, customer, data);
    }

    /// Records an event that happened at another time than now: a late one.
    ///
    /// # Panics
    /// As [`record`](Self::record).
    #[track_caller]
    pub fn record_at(
        &mut self,
        at: crate::time::Instant,
        type_name: &str,
        customer: Option<&str>,
        data: impl Serialize,
    ) {
        let event = self.outside_event(type_name, customer, data);
        let event = self.state_mut().record(event, super::port::utc(at));
        self.react(&event);
        self.settle();
    }

    #[track_caller]
    fn outside_event(&self, type_name: &str, customer: Option<&str>, data: impl Serialize) -> Pending {
        let data = json::parse(&document(data)).unwrap_or_else(|fault| panic!("event data: {fault}"));
        assert!(data.as_map().is_some(), "event data is {}, expected an object", data.kind());
        Pending {
            event_type: event_type(type_name),
            source: "test".to_owned(),
            customer: customer.map(|customer| self.known(customer)),
            data,
            depth: 0,
        }
    }

    /// A run starts with an event of the customer that calls are for: it is recorded, and later calls belong to the run.
    ///
    /// # Panics
    /// As [`record`](Self::record).
    #[track_caller]
    pub fn start_run(&mut self, type_name: &str, data: impl Serialize) {
        let customer = self.customer.map(|customer| customer.to_string());
        let event = self.outside_event(type_name, customer.as_deref(), data);
        let now = self.state().now;
        let event = self.state_mut().record(event, now);
        self.run = Some(RunId::derive(now, &[event.id.as_bytes()]).to_string());
        self.event = Some(event.clone());
        self.react(&event);
        self.settle();
    }

    #[track_caller]
    fn check_offered(&self, step: &str) {
        assert!(self.manifest().step(step).is_some(), "`{step}` is not among `steps` of export!");
    }

    /// A call, kept or undone; with `repeating` undone once before.
    #[track_caller]
    fn transact<T>(
        &mut self,
        call: &Call,
        body: &dyn Fn() -> Result<Answer<(T, String)>, Stopped>,
    ) -> Outcome<(T, String)> {
        if self.repeats {
            let (first, first_emitted) = self.attempt(call, body);
            self.state_mut().tables.undo();
            let lines = self.state().log.len();
            let (second, second_emitted) = self.attempt(call, body);
            self.state_mut().log.truncate(lines);
            let first = (seen(&first), first_emitted);
            let differs = first != (seen(&second), second_emitted.clone());
            assert!(!differs, "`{}` does not do the same when it is repeated:\n{first:#?}", call.step);
            return self.end(second, second_emitted);
        }
        let (outcome, emitted) = self.attempt(call, body);
        self.end(outcome, emitted)
    }

    fn end<T>(&mut self, outcome: Outcome<T>, emitted: Vec<Pending>) -> Outcome<T> {
        match outcome {
            Outcome::Failed(_) => self.state_mut().tables.undo(),
            Outcome::Done(_) | Outcome::Refused(_) => self.keep(emitted),
        }
        outcome
    }

    /// One attempt: what the host would say, and what the call emitted. Its effects are neither kept nor undone yet.
    fn attempt<T>(
        &mut self,
        call: &Call,
        body: &dyn Fn() -> Result<Answer<(T, String)>, Stopped>,
    ) -> (Outcome<(T, String)>, Vec<Pending>) {
        let result = self.under(call.clone(), || catch_unwind(AssertUnwindSafe(body)));
        let ended = self.state_mut().call.take().unwrap_or_default();
        let outcome = match (ended.violation, result) {
            (Some(violation), _) => Outcome::Failed(violation),
            (None, Err(panic)) => Outcome::Failed(panicked(panic.as_ref())),
            (None, Ok(Err(stopped))) => Outcome::Failed(fault(stopped)),
            (None, Ok(Ok(Answer::Refused(refused)))) => match self.undeclared(&call.step, refused.code) {
                Some(fault) => Outcome::Failed(fault),
                None => Outcome::Refused(refused),
            },
            (None, Ok(Ok(Answer::Done((output, text))))) => match acceptable(&text) {
                Ok(()) => Outcome::Done((output, text)),
                Err(fault) => Outcome::Failed(fault),
            },
        };
        (outcome, ended.pending)
    }

    fn undeclared(&self, step: &str, code: &str) -> Option<Fault> {
        let offer = self.manifest().step(step)?;
        let is_declared = offer.refusals.iter().any(|refusal| refusal.code == code);
        let message = format!("the step `{step}` refused with {code}: add it to its REFUSALS");
        (!is_declared).then(|| Fault::permanent("UNDECLARED_REFUSAL", message))
    }

    /// A call is kept: its events wait to be recorded.
    pub(super) fn keep(&mut self, emitted: Vec<Pending>) {
        let state = self.state_mut();
        state.tables.keep();
        state.waiting.extend(emitted);
    }

    /// Records what waits and runs what reacts, until nothing is left.
    #[track_caller]
    pub(super) fn settle(&mut self) {
        while let Some(pending) = self.state_mut().waiting.pop_front() {
            let now = self.state().now;
            let event = self.state_mut().record(pending, now);
            self.react(&event);
        }
    }

    /// Runs the steps that react to an event.
    #[track_caller]
    fn react(&mut self, event: &Arc<Event>) {
        if event.depth > limits::run::CAUSE_DEPTH_MAX {
            return;
        }
        let input = event_text(event, false);
        for step in self.state().reactions_to(&event.event_type) {
            let call = Call {
                customer: event.customer,
                event: Some(event.clone()),
                run: Some(RunId::derive(event.recorded_at, &[event.id.as_bytes()]).to_string()),
                depth: event.depth,
                ..self.next_call(step.as_str())
            };
            let run = self.plugin.run;
            let outcome = self.transact(&call, &|| {
                Ok(match run(step.as_str(), &input)? {
                    Answer::Done(text) => Answer::Done(((), text)),
                    Answer::Refused(refused) => Answer::Refused(refused),
                })
            });
            let outcome = outcome.map(|((), text)| serde_json::from_str(&text).unwrap_or_default());
            if let (Outcome::Failed(fault), false) = (&outcome, self.allows_faults) {
                panic!("the step `{step}`, reacting to {}, failed with {}", event.event_type, words(fault));
            }
            let (event_type, step) = (event.event_type.to_string(), step.to_string());
            self.reacted.push(Reacted { event_type, step, outcome });
        }
    }
}

/// What two attempts are compared by.
fn seen<T>(outcome: &Outcome<(T, String)>) -> String {
    match outcome {
        Outcome::Done((_, text)) => text.clone(),
        Outcome::Refused(refused) => format!("{refused:?}"),
        Outcome::Failed(fault) => words(fault),
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Fault {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    let words = text.unwrap_or_else(|| "without words".to_owned());
    HostFault::GuestPanic.fault(format!("the plugin panicked: {words}"))
}

/// The limits of an output.
fn acceptable(text: &str) -> Result<(), Fault> {
    match json::parse_within(text, limits::call::OUTPUT_BYTES_MAX) {
        Ok(_) => Ok(()),
        Err(fault @ JsonError::TooLong { .. }) => {
            Err(HostFault::OutputTooLarge.fault(format!("the output: {fault}")))
        }
        Err(fault) => Err(HostFault::BadOutput.fault(format!("the output is not acceptable: {fault}"))),
    }
}
