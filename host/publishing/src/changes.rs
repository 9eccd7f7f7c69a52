//! What changed between two versions of a playbook, in the words of whoever wrote it. Never looks at texts: `diff` does.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use siyu_model::playbook::Playbook;

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// How.
    pub change: How,
    /// What kind of thing: `workflow`, `resource`, `template` …
    pub what: &'static str,
    /// Its name; empty for what there is once.
    pub name: String,
}

/// How something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It was not there before.
    Added,
    /// It says something else than before.
    Changed,
    /// It is not there any more.
    Removed,
}

impl How {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// The parts of a playbook that are told apart: kind, name, content.
type Parts = BTreeMap<(&'static str, String), Value>;

/// What is different in `new`. Without an `old` one everything that has a name was added.
pub fn between(old: Option<&Playbook>, new: &Playbook) -> Vec<Change> {
    let before = old.map(parts).unwrap_or_default();
    let after = parts(new);
    let mut changes: Vec<Change> = Vec::new();
    for (key, content) in &after {
        let change = match before.get(key) {
            None if old.is_none() && key.1.is_empty() => continue,
            None => How::Added,
            Some(was) if was != content => How::Changed,
            Some(_) => continue,
        };
        changes.push(Change { change, what: key.0, name: key.1.clone() });
    }
    let gone = before.keys().filter(|key| !after.contains_key(key));
    changes.extend(gone.map(|key| Change { change: How::Removed, what: key.0, name: key.1.clone() }));
    changes.sort_by(|a, b| (a.what, &a.name).cmp(&(b.what, &b.name)));
    changes
}

fn parts(playbook: &Playbook) -> Parts {
    let mut parts = Parts::new();
    let mut add = |what: &'static str, name: String, content: Value| {
        parts.insert((what, name), without_places(content));
    };
    for (name, workflow) in &playbook.workflows {
        add("workflow", name.to_string(), content(workflow));
    }
    for (name, template) in &playbook.templates {
        add("template", name.to_string(), content(template));
    }
    for (name, segment) in &playbook.segments {
        add("segment", name.to_string(), content(segment));
    }
    for resource in &playbook.resources {
        let name = format!("{}/{} {}", resource.plugin, resource.kind, resource.name);
        add("resource", name, content(&resource.body));
    }
    for (name, used) in &playbook.plugins {
        add("plugin", name.to_string(), content(used));
    }
    add("title", String::new(), content(&playbook.title));
    add("zone", String::new(), content(&playbook.zone));
    add("vars", String::new(), content(&playbook.vars));
    add("channels", String::new(), content(&playbook.channels));
    add("contact", String::new(), content(&playbook.contact));
    parts
}

/// Every type inside a playbook has a JSON form.
fn content(part: &impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}

/// A step that only moved to another line is the same step.
fn without_places(mut content: Value) -> Value {
    match &mut content {
        Value::Object(members) => {
            members.remove("place");
            members.values_mut().for_each(|member| *member = without_places(member.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_places(item.take())),
        _ => {}
    }
    content
}
