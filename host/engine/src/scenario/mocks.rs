//! Mocked steps: plugins whose steps answer what a scenario says, and are not called.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use siyu_model::digest::PluginDigest;
use siyu_model::json;
use siyu_model::plugin::{
    Answer, CallUsage, CapabilitySet, Fault, FaultKind, Finding, HostFault, Manifest, Refusal,
};
use siyu_model::scenario::{Mock, MockAnswer};

use crate::ports::plugins::{CallContext, CallHost, CallReport, Entry, PluginCall, Plugins};

/// Plugins with mocked steps over them.
pub(super) fn over(plugins: Arc<dyn Plugins>, mocks: &[Mock]) -> Arc<dyn Plugins> {
    if mocks.is_empty() {
        return plugins;
    }
    let scripts = mocks.iter().map(|mock| {
        let place = (mock.plugin.to_string(), mock.step.to_string());
        (place, Script { answers: mock.answers.clone(), given: HashMap::new() })
    });
    Arc::new(Mocked { plugins, scripts: Mutex::new(scripts.collect()) })
}

struct Mocked {
    plugins: Arc<dyn Plugins>,
    /// By plugin and step.
    scripts: Mutex<HashMap<(String, String), Script>>,
}

struct Script {
    answers: Vec<MockAnswer>,
    /// Which answer a call got, by its id and attempt: a call that is repeated after a crash gets the same again.
    given: HashMap<(String, u32), usize>,
}

impl Mocked {
    /// The next answer of a step, when it is mocked.
    fn answer(&self, context: &CallContext, step: &str) -> Option<Result<Answer, Fault>> {
        let plugin = context.plugin.split('@').next().unwrap_or_default();
        let mut scripts = self.scripts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let script = scripts.get_mut(&(plugin.to_owned(), step.to_owned()))?;
        let next = script.given.len();
        let turn = *script.given.entry((context.id.clone(), context.attempt)).or_insert(next);
        let answer = script.answers.get(turn).or(script.answers.last()).cloned();
        let mocked = |code: &str| format!("mocked {code}");
        Some(match answer? {
            MockAnswer::Done(output) => json::print(&output)
                .map(Answer::Done)
                .map_err(|why| HostFault::BadOutput.fault(why.to_string())),
            MockAnswer::Refused(code) => {
                Ok(Answer::Refused(Refusal { message: mocked(&code), code, details: None }))
            }
            MockAnswer::Transient(code) => Err(Fault {
                kind: FaultKind::Transient { retry_after_ms: None },
                message: mocked(&code),
                code,
                fields: Vec::new(),
            }),
            MockAnswer::Permanent(code) => Err(Fault::permanent(code.clone(), mocked(&code))),
        })
    }
}

impl Plugins for Mocked {
    fn manifest(&self, digest: &PluginDigest) -> Option<Arc<Manifest>> {
        self.plugins.manifest(digest)
    }

    fn check_grants(&self, digest: &PluginDigest, granted: CapabilitySet) -> Result<(), Fault> {
        self.plugins.check_grants(digest, granted)
    }

    fn call(&self, call: PluginCall<'_>, host: Box<dyn CallHost>) -> CallReport {
        if let Entry::Step { step, .. } = call.entry
            && let Some(outcome) = self.answer(host.context(), step)
        {
            return CallReport { outcome, usage: CallUsage::default(), log: Vec::new(), host };
        }
        self.plugins.call(call, host)
    }

    fn check_resource(
        &self,
        digest: &PluginDigest,
        kind: &str,
        name: &str,
        definition: &str,
    ) -> Result<Vec<Finding>, Fault> {
        self.plugins.check_resource(digest, kind, name, definition)
    }
}
