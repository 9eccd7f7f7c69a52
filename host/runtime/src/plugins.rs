//! The port of the engine: from a call of the engine to a call of an export and back.
//!
//! It never runs a component whose imports go beyond its grants, and never gives less back than it got.

use std::sync::Arc;

use siyu_engine::ports::channel::Verdict;
use siyu_engine::ports::hooks::{Accepted, HookCall, HookRefusal, HookReport};
use siyu_engine::ports::plugins::{
    CallHost, CallReport, DeliveryCall, DeliveryReport, Entry, PluginCall, Plugins,
};
use siyu_model::digest::PluginDigest;
use siyu_model::plugin::{Answer, CallLimits, CapabilitySet, Fault, Finding, HostFault, Manifest};

use crate::capabilities::millis;
use crate::contract::{Apply, Check, Deliver, Describe, Header, Hook, Message, Receive, Reconcile, Run};
use crate::inspect::names;
use crate::linked::Export;
use crate::runtime::{Loaded, Runtime};
use crate::sandbox::nobody::{self, Nobody};
use crate::sandbox::{Ran, answer};

impl Plugins for Runtime {
    fn manifest(&self, digest: &PluginDigest) -> Option<Arc<Manifest>> {
        self.get(digest).map(|loaded| loaded.manifest.clone())
    }

    fn check_grants(&self, digest: &PluginDigest, granted: CapabilitySet) -> Result<(), Fault> {
        self.loaded_or_fault(digest)?.check_grants(granted)
    }

    fn call(&self, call: PluginCall<'_>, host: Box<dyn CallHost>) -> CallReport {
        let ran = match self.admitted(&call) {
            Ok(loaded) => self.run(&loaded, &call, host),
            Err(fault) => Ran::never_began(fault, host),
        };
        let mut usage = ran.usage;
        let outcome = ran.result.map(|(answer, bytes)| {
            usage.output_bytes = bytes;
            answer
        });
        CallReport { outcome, usage, log: ran.log, host: ran.host }
    }

    fn deliver(&self, call: DeliveryCall<'_>, host: Box<dyn CallHost>) -> DeliveryReport {
        let ran = match self.deliverable(&call) {
            Ok(loaded) => self.hand_over(&loaded, &call, host),
            Err(fault) => Ran::never_began(fault, host),
        };
        DeliveryReport { outcome: ran.result, usage: ran.usage, log: ran.log, host: ran.host }
    }

    fn receive(&self, call: HookCall<'_>, host: Box<dyn CallHost>) -> HookReport {
        let ran = match self.receivable(&call) {
            Ok(loaded) => self.take_in(&loaded, &call, host),
            Err(fault) => Ran::never_began(fault, host),
        };
        HookReport { outcome: ran.result, usage: ran.usage, log: ran.log, host: ran.host }
    }

    fn check_resource(
        &self,
        digest: &PluginDigest,
        kind: &str,
        name: &str,
        definition: &str,
    ) -> Result<Vec<Finding>, Fault> {
        let loaded = self.loaded_or_fault(digest)?;
        let limits = nobody::limits();
        within_input(definition, &limits)?;
        let target = loaded.linked.target(Export::Check, &limits).ok_or_else(|| loaded.has_no_kinds())?;
        let arguments = (kind, name, definition);
        let ran: Ran<<Check<'_> as Pair>::Answer> = self.sandbox.run(&target, arguments, Box::new(Nobody));
        answer::of_check(ran.result?.0, &limits)
    }
}

/// How a call of a step or an `apply` went: its answer, and the bytes of it.
type RanStep = Ran<(Answer, usize)>;

impl Runtime {
    /// The text that a loaded component's `describe` gives; it must be the text of its manifest section.
    ///
    /// # Errors
    /// The fault that ended the call.
    pub fn describe(&self, digest: &PluginDigest) -> Result<String, Fault> {
        let loaded = self.loaded_or_fault(digest)?;
        let limits = nobody::limits();
        let target = loaded.linked.target(Export::Describe, &limits).ok_or_else(|| loaded.has_no_kinds())?;
        let ran: Ran<<Describe as Pair>::Answer> = self.sandbox.run(&target, (), Box::new(Nobody));
        answer::of_describe(ran.result?.0)
    }

    fn loaded_or_fault(&self, digest: &PluginDigest) -> Result<Arc<Loaded>, Fault> {
        self.get(digest)
            .ok_or_else(|| HostFault::NotLoadable.fault(format!("no component {} is loaded", digest.short())))
    }

    fn admitted(&self, call: &PluginCall<'_>) -> Result<Arc<Loaded>, Fault> {
        let loaded = self.loaded_or_fault(call.digest)?;
        loaded.check_grants(call.granted)?;
        let input = match call.entry {
            Entry::Step { input, .. } => input,
            Entry::Apply { definition, .. } => definition,
        };
        within_input(input, call.limits)?;
        Ok(loaded)
    }

    fn run(&self, loaded: &Loaded, call: &PluginCall<'_>, host: Box<dyn CallHost>) -> RanStep {
        let limits = call.limits;
        match call.entry {
            Entry::Step { step, input } => match loaded.linked.target(Export::Run, limits) {
                Some(target) => {
                    let ran: Ran<<Run<'_> as Pair>::Answer> = self.sandbox.run(&target, (step, input), host);
                    ran.read(|(result,)| answer::of_run(result, limits))
                }
                None => Ran::never_began(loaded.has_no_kinds(), host),
            },
            Entry::Apply { kind, name, definition } => match loaded.linked.target(Export::Apply, limits) {
                Some(target) => {
                    let arguments = (kind, name, definition);
                    let ran: Ran<<Apply<'_> as Pair>::Answer> = self.sandbox.run(&target, arguments, host);
                    ran.read(|(result,)| answer::of_apply(result, limits))
                }
                None => Ran::never_began(loaded.has_no_kinds(), host),
            },
        }
    }
}

impl Runtime {
    fn deliverable(&self, call: &DeliveryCall<'_>) -> Result<Arc<Loaded>, Fault> {
        let loaded = self.loaded_or_fault(call.digest)?;
        within_input(call.config, call.limits)?;
        within_input(call.customer, call.limits)?;
        Ok(loaded)
    }

    fn hand_over(
        &self,
        loaded: &Loaded,
        call: &DeliveryCall<'_>,
        host: Box<dyn CallHost>,
    ) -> Ran<Option<Verdict>> {
        let export = if call.is_question { Export::Reconcile } else { Export::Deliver };
        let Some(target) = loaded.linked.target(export, call.limits) else {
            return Ran::never_began(loaded.has_no_channel(), host);
        };
        let message = call.message;
        let arguments = (
            call.config,
            Message {
                id: message.id.to_string(),
                channel: message.channel.as_str(),
                template: message.template.as_str(),
                class: message.class.as_str(),
                body: &message.body,
                customer: call.customer,
                planned_at: millis(message.planned_at),
                expires_at: millis(message.expires_at),
                attempt: message.attempts.saturating_add(1),
                details: message.details(),
            },
        );
        if call.is_question {
            let ran: Ran<<Reconcile<'_> as Pair>::Answer> = self.sandbox.run(&target, arguments, host);
            ran.read(|(verdict,)| verdict.map(answer::of_delivery).transpose())
        } else {
            let ran: Ran<<Deliver<'_> as Pair>::Answer> = self.sandbox.run(&target, arguments, host);
            ran.read(|(verdict,)| answer::of_delivery(verdict).map(Some))
        }
    }
}

impl Runtime {
    fn receivable(&self, call: &HookCall<'_>) -> Result<Arc<Loaded>, Fault> {
        let loaded = self.loaded_or_fault(call.digest)?;
        within_input(call.config, call.limits)?;
        Ok(loaded)
    }

    fn take_in(
        &self,
        loaded: &Loaded,
        call: &HookCall<'_>,
        host: Box<dyn CallHost>,
    ) -> Ran<Result<Accepted, HookRefusal>> {
        let Some(target) = loaded.linked.target(Export::Receive, call.limits) else {
            return Ran::never_began(loaded.has_no_source(), host);
        };
        let hook = call.hook;
        let header = |(name, value): &(String, String)| Header { name: name.clone(), value: value.clone() };
        let arguments = (
            call.config,
            Hook {
                method: &hook.method,
                query: &hook.query,
                headers: hook.headers.iter().map(header).collect(),
                body: &hook.body,
                received_at: millis(hook.received_at),
            },
        );
        let ran: Ran<<Receive<'_> as Pair>::Answer> = self.sandbox.run(&target, arguments, host);
        ran.read(|(received,)| answer::of_hook(received, call.limits))
    }
}

impl Loaded {
    /// Free capabilities need no grant.
    fn check_grants(&self, granted: CapabilitySet) -> Result<(), Fault> {
        let all = CapabilitySet::without_grant().iter().fold(granted, CapabilitySet::with);
        let missing = self.imports.beyond(all);
        if missing.is_empty() {
            return Ok(());
        }
        Err(HostFault::NotLoadable.fault(format!(
            "plugin {} {} imports {}, which it is not granted: add it to the plugin's grants in playbook.yaml, or use a \
             plugin that does without",
            self.manifest.name,
            self.manifest.version,
            names(missing)
        )))
    }

    fn has_no_channel(&self) -> Fault {
        let Manifest { name, version, .. } = &*self.manifest;
        HostFault::NotLoadable
            .fault(format!("plugin {name} {version} does not export `channel`: it delivers no messages"))
    }

    fn has_no_source(&self) -> Fault {
        let Manifest { name, version, .. } = &*self.manifest;
        HostFault::NotLoadable
            .fault(format!("plugin {name} {version} does not export `source`: it takes no webhooks in"))
    }

    fn has_no_kinds(&self) -> Fault {
        HostFault::NotLoadable.fault(format!(
            "plugin {} {} does not export `resource-kinds`: it defines no kind of resource",
            self.manifest.name, self.manifest.version
        ))
    }
}

fn within_input(input: &str, limits: &CallLimits) -> Result<(), Fault> {
    let (found, limit) = (input.len(), limits.input_bytes_max);
    if found > limit {
        return Err(
            HostFault::InputTooLarge.fault(format!("the input has {found} bytes, it may have {limit}"))
        );
    }
    Ok(())
}

/// The answer's type of one of the contract's signatures.
trait Pair {
    type Answer;
}

impl<A, R> Pair for (A, R) {
    type Answer = R;
}
