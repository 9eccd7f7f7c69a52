//! Workflows as they are written, lowered to steps that know what comes next.

use serde_yaml::Value as Yaml;

use crate::expr::{Expr, Template};

type Read<T> = Result<T, String>;
/// The number of a step; none ends a sequence.
pub(crate) type Next = Option<usize>;

/// A workflow.
#[derive(Debug)]
pub(crate) struct Workflow {
    pub(crate) name: String,
    /// Events that start it; none when it is only called.
    pub(crate) events: Vec<String>,
    pub(crate) condition: Option<Expr>,
    pub(crate) key: Option<Expr>,
    pub(crate) reentry: Reentry,
    pub(crate) places: Option<Places>,
    pub(crate) vars: serde_json::Map<String, serde_json::Value>,
    pub(crate) steps: Vec<Step>,
    pub(crate) entry: Next,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Reentry {
    Always,
    Once,
    After(i64),
}

/// How many runs may be alive at once.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) key: Option<Expr>,
    pub(crate) limit: usize,
    pub(crate) on_conflict: String,
}

/// A step.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) id: Option<String>,
    pub(crate) condition: Option<Expr>,
    pub(crate) act: Act,
    pub(crate) next: Next,
    pub(crate) attempts: u32,
    pub(crate) timeout: Option<i64>,
    /// What a refusal does: arms by code; none fails.
    pub(crate) on_refused: Option<Vec<(Option<String>, Next)>>,
    /// Where a fault goes on; none fails.
    pub(crate) on_error: Option<Next>,
    pub(crate) undo: Option<(String, Template)>,
}

#[derive(Debug, Clone)]
pub(crate) enum Act {
    Uses(String, Template),
    Send(String, Template),
    WaitEvent { types: Vec<String>, condition: Option<Expr>, since_now: bool, timeout: Option<i64> },
    WaitFor(i64),
    Switch(Vec<(Option<Expr>, Next)>),
    Parallel(Vec<usize>),
    Each { items: Expr, name: String, concurrency: usize, body: usize },
    Set(Template),
    Emit(String, Template),
    Call(String, Template),
    End(String),
}

/// Reads a workflow's file.
pub(crate) fn workflow(text: &str) -> Read<Workflow> {
    let yaml: Yaml = serde_yaml::from_str(text).map_err(|fault| fault.to_string())?;
    let on = &yaml["on"];
    let mut lower = Lower { steps: Vec::new() };
    let entry = lower.block(&yaml["steps"], None)?;
    let places = &yaml["concurrency"];
    let places = if places.is_null() {
        None
    } else {
        let limit = places["limit"].as_u64().ok_or("`concurrency` without a limit")?;
        Some(Places {
            key: optional(&places["key"])?,
            limit: usize::try_from(limit).map_err(|fault| fault.to_string())?,
            on_conflict: string(&places["on_conflict"])?,
        })
    };
    let reentry = match &on["reentry"] {
        Yaml::Null => Reentry::Always,
        Yaml::String(word) if word == "always" => Reentry::Always,
        Yaml::String(word) if word == "once" => Reentry::Once,
        other => Reentry::After(duration(&string(&other["after"])?)?),
    };
    let vars = serde_json::to_value(&yaml["vars"]).map_err(|fault| fault.to_string())?;
    Ok(Workflow {
        name: string(&yaml["workflow"])?,
        events: strings(&on["event"])?,
        condition: optional(&on["if"])?,
        key: optional(&on["key"])?,
        reentry,
        places,
        vars: vars.as_object().cloned().unwrap_or_default(),
        steps: lower.steps.into_iter().collect::<Option<_>>().ok_or("a step was not lowered")?,
        entry,
    })
}

fn string(yaml: &Yaml) -> Read<String> {
    yaml.as_str().map(str::to_owned).ok_or_else(|| format!("{yaml:?} is no text"))
}

fn strings(yaml: &Yaml) -> Read<Vec<String>> {
    match yaml {
        Yaml::Null => Ok(Vec::new()),
        Yaml::Sequence(items) => items.iter().map(string).collect(),
        one => Ok(vec![string(one)?]),
    }
}

fn optional(yaml: &Yaml) -> Read<Option<Expr>> {
    if yaml.is_null() { Ok(None) } else { Expr::parse(&string(yaml)?).map(Some) }
}

/// `1h 30m`, in milliseconds.
pub(crate) fn duration(text: &str) -> Read<i64> {
    text.split_whitespace().try_fold(0, |sum, part| {
        let digits = part.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &part[digits.len()..] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            other => return Err(format!("`{other}` is no unit of time")),
        };
        digits.parse::<i64>().map(|count| sum + count * unit).map_err(|fault| fault.to_string())
    })
}

fn template(yaml: &Yaml) -> Read<Template> {
    match yaml {
        Yaml::Null => Ok(Template::Map(Vec::new())),
        Yaml::String(text) => Template::text(text),
        Yaml::Mapping(members) => {
            let members = members.iter().map(|(name, member)| Ok((string(name)?, template(member)?)));
            Ok(Template::Map(members.collect::<Read<_>>()?))
        }
        other => serde_json::to_value(other).map(Template::Value).map_err(|fault| fault.to_string()),
    }
}

struct Lower {
    steps: Vec<Option<Step>>,
}

impl Lower {
    /// Lowers a sequence whose end goes on at `after`; gives where it begins.
    fn block(&mut self, yaml: &Yaml, after: Next) -> Read<Next> {
        let steps = yaml.as_sequence().cloned().unwrap_or_default();
        steps.iter().rev().try_fold(after, |next, step| self.step(step, next).map(Some))
    }

    fn step(&mut self, yaml: &Yaml, next: Next) -> Read<usize> {
        let number = self.steps.len();
        self.steps.push(None);
        let act = self.act(yaml, next)?;
        let on_error = match &yaml["on_error"] {
            Yaml::Null => None,
            Yaml::String(_) => Some(next),
            steps => Some(self.block(steps, next)?),
        };
        let on_refused = match &yaml["on_refused"] {
            Yaml::Null => None,
            Yaml::String(word) if word == "fail" => None,
            Yaml::String(_) => Some(Vec::new()),
            Yaml::Mapping(arms) => {
                let mut read = Vec::new();
                for (code, steps) in arms {
                    let code = string(code)?;
                    read.push(((code != "else").then_some(code), self.block(steps, next)?));
                }
                Some(read)
            }
            other => return Err(format!("`on_refused` is {other:?}")),
        };
        let undo = &yaml["compensate"];
        let undo =
            if undo.is_null() { None } else { Some((offer(&undo["uses"])?, template(&undo["with"])?)) };
        let timeout = &yaml["timeout"];
        let timeout = if timeout.is_null() { None } else { Some(duration(&string(timeout)?)?) };
        let attempts = yaml["retry"]["attempts"].as_u64().unwrap_or(3);
        self.steps[number] = Some(Step {
            id: yaml["id"].as_str().map(str::to_owned),
            condition: optional(&yaml["if"])?,
            next: if matches!(act, Act::End(_)) { None } else { next },
            act,
            attempts: u32::try_from(attempts).map_err(|fault| fault.to_string())?,
            timeout,
            on_refused,
            on_error,
            undo,
        });
        Ok(number)
    }

    fn act(&mut self, yaml: &Yaml, next: Next) -> Read<Act> {
        let has = |name: &str| !yaml[name].is_null();
        let with = || template(&yaml["with"]);
        if has("uses") {
            return Ok(Act::Uses(offer(&yaml["uses"])?, with()?));
        }
        if has("send") {
            return Ok(Act::Send(string(&yaml["send"])?, with()?));
        }
        if has("set") {
            return Ok(Act::Set(template(&yaml["set"])?));
        }
        if has("emit") {
            return Ok(Act::Emit(string(&yaml["emit"])?, with()?));
        }
        if has("call") {
            return Ok(Act::Call(string(&yaml["call"])?, with()?));
        }
        if has("end") {
            return Ok(Act::End(string(&yaml["end"])?));
        }
        if let Some(length) = yaml["wait"].as_str() {
            return duration(length).map(Act::WaitFor);
        }
        if has("wait") {
            let wait = &yaml["wait"];
            let timeout = wait["timeout"].as_str().map(duration).transpose()?;
            let since_now = wait["since"].as_str() == Some("now");
            return Ok(Act::WaitEvent {
                types: strings(&wait["event"])?,
                condition: optional(&wait["if"])?,
                since_now,
                timeout,
            });
        }
        self.branches(yaml, next)
    }

    fn branches(&mut self, yaml: &Yaml, next: Next) -> Read<Act> {
        if let Some(branches) = yaml["switch"].as_sequence() {
            let mut read = Vec::new();
            for branch in branches {
                let condition = optional(&branch["if"])?;
                let steps = if condition.is_some() { &branch["steps"] } else { &branch["else"] };
                read.push((condition, self.block(steps, next)?));
            }
            return Ok(Act::Switch(read));
        }
        if let Some(branches) = yaml["parallel"].as_mapping() {
            let mut read = Vec::new();
            for (_, steps) in branches {
                read.extend(self.block(steps, None)?);
            }
            return Ok(Act::Parallel(read));
        }
        let items = string(&yaml["each"])?;
        let items = items.trim_start_matches("${{").trim_end_matches("}}");
        Ok(Act::Each {
            items: Expr::parse(items)?,
            name: string(&yaml["as"])?,
            concurrency: usize::try_from(yaml["concurrency"].as_u64().unwrap_or(1)).unwrap_or(1),
            body: self.block(&yaml["steps"], None)?.ok_or("an `each` without steps")?,
        })
    }
}

/// The step's name in `box/name@1`.
fn offer(yaml: &Yaml) -> Read<String> {
    let text = string(yaml)?;
    let name = text.strip_prefix("box/").and_then(|rest| rest.strip_suffix("@1"));
    name.map(str::to_owned).ok_or_else(|| format!("`{text}` is no step of box"))
}
