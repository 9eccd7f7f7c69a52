//! The targets.

use std::collections::BTreeMap;
use std::sync::Arc;

use siyu_model::clock::{UtcMs, Zone};
use siyu_model::cron::Cron;
use siyu_model::event::IncomingEvent;
use siyu_model::expr::{Expr, Scope, TextTemplate};
use siyu_model::json::{self, Value};
use siyu_runtime::{Allocation, CacheKey, Compiler, Runtime, RuntimeConfig};
use siyu_workflow::{Bundle, Catalog, CatalogPlugin, Style, compile};

/// What is done with bytes.
pub type Target = fn(&[u8]);

/// The target of a name.
pub fn target(name: &str) -> Option<Target> {
    match name {
        "yaml" => Some(yaml),
        "expression" => Some(expression),
        "component" => Some(component),
        "event" => Some(event),
        "cron" => Some(cron),
        _ => None,
    }
}

struct NoPlugins;

impl Catalog for NoPlugins {
    fn plugin(&self, _: &str) -> Option<CatalogPlugin> {
        None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Files of a playbook, each after a line `=== path`; what comes before the first of them is its `playbook.yaml`. Whatever
/// they say, they are a playbook or there are diagnostics, and the same ones each time.
fn yaml(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut files = BTreeMap::new();
    let mut parts = text.split("=== ");
    files.insert("playbook.yaml".to_owned(), parts.next().unwrap_or_default().as_bytes().to_vec());
    for part in parts {
        let (path, body) = part.split_once('\n').unwrap_or((part, ""));
        files.insert(path.trim().to_owned(), body.as_bytes().to_vec());
    }
    let bundle = Bundle { files };
    let compiled = compile(&bundle, &NoPlugins);
    assert!(compiled.has_errors() || compiled.playbook.is_some(), "neither a playbook nor an error");
    let again = compile(&bundle, &NoPlugins);
    assert_eq!(compiled.render(Style::Plain), again.render(Style::Plain));
}

/// An expression or a template: it has a value within the limits, or a fault.
fn expression(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let zone = Zone::utc();
    let empty = Value::Map(Arc::default());
    let item = json::parse(r#"{"a": [1, 2.5, "x", null, true], "at": "2026-11-21T02:00:00Z", "n": 7}"#);
    let names = [(Arc::from("x"), item.expect("the item is JSON"))];
    let mut scope = Scope::new(UtcMs::from_millis(1_795_226_400_000), &zone, &empty);
    scope.names = &names;
    if let Ok(expr) = Expr::parse(&text) {
        if let Ok(value) = expr.eval(&scope) {
            assert_eq!(expr.eval(&scope).ok(), Some(value.clone()), "another value the second time");
            // What an expression gives can be printed, or the limit of documents says why not.
            let _printed = json::print(&value);
        }
        let _holds = expr.holds(&scope);
        let _paths = expr.paths().len();
    }
    if let Ok(template) = TextTemplate::parse(&text) {
        let _rendered = template.render(&scope);
    }
}

/// A file that claims to be a component: it is loaded, or it is said why not.
fn component(bytes: &[u8]) {
    thread_local! {
        static RUNTIME: Option<Runtime> = runtime();
    }
    let _packed = siyu_runtime::pack(bytes);
    RUNTIME.with(|runtime| {
        let runtime = runtime.as_ref().expect("a sandbox without a cache can always be made");
        if let Ok(loaded) = runtime.load(bytes) {
            assert!(runtime.unload(&loaded.digest));
        }
    });
}

fn runtime() -> Option<Runtime> {
    let config = RuntimeConfig {
        cache_dir: None,
        key: CacheKey::new([7; 32]),
        compiler: Compiler::InProcess,
        allocation: Allocation::default(),
    };
    Runtime::new(config).ok()
}

/// An event as the outside hands it in: what is taken can be written and read again.
fn event(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(value) = json::parse(&text)
        && let Ok(printed) = json::print(&value)
    {
        assert_eq!(json::parse(&printed).ok(), Some(value));
    }
    if let Ok(event) = IncomingEvent::from_json(&text) {
        let data = json::print(&event.data).ok();
        assert_eq!(
            data.as_deref().and_then(|data| json::parse(data).ok()),
            data.is_some().then_some(event.data)
        );
    }
}

/// A cron pattern, and the zone after a line's end: ticks come one after another.
fn cron(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (pattern, zone) = text.split_once('\n').unwrap_or((&text, "Asia/Shanghai"));
    let (Ok(pattern), Ok(zone)) = (pattern.parse::<Cron>(), zone.parse::<Zone>()) else { return };
    let mut at = UtcMs::from_millis(1_795_226_400_000);
    for _ in 0..8 {
        let Some(next) = pattern.next_after(at, &zone) else { return };
        assert!(next > at, "a tick at {next} after {at}");
        at = next;
    }
}
