//! Playbooks at random, as text: every one of them compiles.
//!
//! Emitting goes one way (`go` to `hop` to `paid`) and only one workflow is called, so that nothing goes round. What is
//! read of a step is always there. [`Language::Plain`] leaves out what only the host can know, such as the arm of a split.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, ensure};
use fastrand::Rng;
use siyu_engine::operate::Publication;
use siyu_workflow::{Bundle, Style, compile};

use crate::plugin::Installed;

/// How much of the language is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Everything.
    Full,
    /// What another interpreter can foretell: no splits, no codes, no rules of contact, no time that hashes decide.
    Plain,
}

/// A playbook.
#[derive(Debug, Clone)]
pub struct Sketch {
    /// Paths and texts.
    pub files: Vec<(String, String)>,
    /// How many runs of a workflow may be alive under one slot, where one more waits or is left out.
    pub places_max: BTreeMap<String, usize>,
}

/// Counters that plugins take, with their limits.
const COUNTERS: [(&str, u64); 3] = [("red", 7), ("green", 15), ("blue", 1_000)];

const CONTACT: &str = "contact: { quiet_hours: \"21:00-09:00\", marketing_per_day: 2 }\n";

const EVENTS: &str = "events:
  go: { summary: Begins, fields: { n: integer, items: list } }
  hop: { summary: Goes on, fields: { n: integer, items: list } }
  paid: { summary: Pays, fields: { n: integer, items: list } }
";

impl Sketch {
    /// A playbook of a seed. Later versions of it have other steps, and the same keys and places.
    pub fn new(seed: u64, version: u64, language: Language) -> Self {
        let mut shape = Rng::with_seed(seed ^ 0x5eed);
        let mut files = vec![
            ("playbook.yaml".to_owned(), playbook(language, version)),
            (
                "templates/hello.yaml".to_owned(),
                "template: hello\nclass: service\ntext: \"Hello ${{ n }}.\"\n".to_owned(),
            ),
            (
                "templates/offer.yaml".to_owned(),
                "template: offer\nclass: marketing\nexpires_after: 20h\ntext: \"Buy ${{ n }}.\"\n".to_owned(),
            ),
            (
                "resources/shelf.yaml".to_owned(),
                "resource: box/stock@1\nname: shelf\ndefine: { pool: shelf, total: 12 }\n".to_owned(),
            ),
        ];
        let mut places_max = BTreeMap::new();
        let mut writer = Writer {
            rng: Rng::with_seed(seed.wrapping_mul(31).wrapping_add(version)),
            language,
            next: version * 100,
            left: 0,
            level: 0,
            may_tell: false,
        };
        for name in WORKFLOWS {
            let is_there = matches!(name, "first" | "called") || shape.u8(..4) > 0;
            let head = head(&mut shape, name, language, &mut places_max);
            if is_there && let Some(head) = head {
                let steps = writer.workflow(name);
                files.push((
                    format!("workflows/{name}.yaml"),
                    format!("workflow: {name}\n{head}vars: {{ k: 0 }}\nsteps:\n{steps}"),
                ));
            }
        }
        Self { files, places_max }
    }

    /// Compiles it.
    pub fn publication(&self) -> anyhow::Result<Publication> {
        let files = self.files.iter().map(|(path, text)| (path.clone(), text.as_bytes().to_vec())).collect();
        let compiled = compile(&Bundle { files }, &Installed);
        ensure!(!compiled.has_errors(), "{}", compiled.render(Style::Plain));
        let playbook = compiled.playbook.context("a playbook without errors compiles")?;
        Ok(Publication { playbook: Arc::new(playbook), files: Vec::new(), replaces: Default::default() })
    }

    /// The text of all workflows, for people.
    pub fn text(&self) -> String {
        let workflows = self.files.iter().filter(|(path, _)| path.starts_with("workflows/"));
        workflows.map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("---\n")
    }
}

fn playbook(language: Language, version: u64) -> String {
    let contact = if language == Language::Full { CONTACT } else { "" };
    format!(
        "playbook: sim\ntitle: A simulation {version}\nzone: Asia/Shanghai\nplugins:\n  box: {{ version: 1, grant: [records, pools, counters, ledger, codes, customers, events, messages, resources, expressions] }}\nchannels: [wecom]\n{contact}{EVENTS}"
    )
}

/// The workflows that there may be.
const WORKFLOWS: [&str; 7] = ["first", "second", "third", "called", "rung", "crowd", "told"];

/// What starts a workflow, and how many of it there may be.
fn head(
    rng: &mut Rng,
    name: &str,
    language: Language,
    places_max: &mut BTreeMap<String, usize>,
) -> Option<String> {
    let (kind, reentry, limit, conflict) = (rng.u8(..6), rng.u8(..4), rng.u8(1..3), rng.u8(..6));
    let condition = if rng.bool() { ", if: event.n % 3 != 0" } else { "" };
    let on = match name {
        "first" => format!("event: go{condition}"),
        "second" => format!("event: [hop, paid]{condition}"),
        "third" => "event: hop".to_owned(),
        "called" => return Some("on: { call: true }\n".to_owned()),
        "rung" => "event: [box.rang, box.planned]".to_owned(),
        _ if language == Language::Plain => return None,
        "crowd" => return Some("on: { manual: true, audience: everyone, spread: 10m }\n".to_owned()),
        _ => return Some("on: { event: [message.sent, message.failed, message.expired] }\n".to_owned()),
    };
    let keyed = match (kind, reentry) {
        (0 | 1, 0) => ", key: customer.id, reentry: once",
        (0 | 1, 1) => ", key: customer.id, reentry: { after: 3h }",
        (0 | 1, _) => ", key: customer.id, reentry: always",
        _ => "",
    };
    let places = match (kind, conflict) {
        (2 | 3, 0..3) => {
            places_max.insert(name.to_owned(), usize::from(limit));
            format!("concurrency: {{ key: customer.id, limit: {limit}, on_conflict: queue }}\n")
        }
        (2 | 3, 3 | 4) => {
            places_max.insert(name.to_owned(), usize::from(limit));
            format!("concurrency: {{ limit: {limit}, on_conflict: skip }}\n")
        }
        (2 | 3, _) => format!("concurrency: {{ limit: {limit}, on_conflict: cancel_oldest }}\n"),
        _ => String::new(),
    };
    Some(format!("on: {{ {on}{keyed} }}\n{places}"))
}

/// Writes steps.
struct Writer {
    rng: Rng,
    language: Language,
    /// The number of the next step; no two versions share one.
    next: u64,
    /// How many steps may still come.
    left: u32,
    /// How far events may go: 2 emits `hop` and `paid`, 1 `paid`, 0 nothing.
    level: u8,
    /// Whether plugins may emit here: not where that is what started the run.
    may_tell: bool,
}

/// What a step may read at its place.
#[derive(Clone, Default)]
struct Seen {
    /// Conditions.
    conditions: Vec<String>,
    /// Whether the steps are in an `each`.
    is_inside: bool,
    /// Whether the run may end here: only where another way goes on.
    may_end: bool,
    /// Nesting.
    depth: u32,
}

impl Writer {
    fn workflow(&mut self, name: &str) -> String {
        self.left = self.rng.u32(3..12);
        self.level = match name {
            "first" => 2,
            "third" => 1,
            _ => 0,
        };
        self.may_tell = !matches!(name, "rung" | "told");
        let mut out = String::new();
        let mut seen = Seen::default();
        match name {
            "told" => out.push_str(&self.take("  ", "blue")),
            "called" => {
                self.left = self.left.min(4);
                self.steps("  ", &mut seen, false, &mut out);
            }
            _ => self.steps("  ", &mut seen, name != "rung" && name != "crowd", &mut out),
        }
        out
    }

    fn id(&mut self, letter: &str) -> String {
        self.next += 1;
        format!("{letter}{}", self.next)
    }

    /// A sequence of at least one step.
    fn steps(&mut self, pad: &str, seen: &mut Seen, may_call: bool, out: &mut String) {
        let most = if seen.depth == 0 { 8 } else { 3 };
        for place in 0..self.rng.u32(1..=most) {
            if place > 0 && self.left == 0 {
                break;
            }
            self.left = self.left.saturating_sub(1);
            let step = self.step(pad, seen, may_call);
            out.push_str(&step);
        }
        if seen.may_end && self.rng.u8(..10) == 0 {
            out.push_str(&format!("{pad}- end: early\n"));
        }
    }

    fn condition(&mut self, seen: &Seen) -> String {
        let fixed =
            ["event.n % 2 == 0", "event.n > 4", "vars.k < 1", "not (event.n == 3)", "vars.k + event.n >= 6"];
        let all = fixed.len() + seen.conditions.len();
        let place = self.rng.usize(..all);
        fixed
            .get(place)
            .map_or_else(|| seen.conditions[place - fixed.len()].clone(), |text| (*text).to_owned())
    }

    /// A length of time that no other step of the simulation has.
    fn length(&mut self) -> String {
        self.next += 1;
        let minutes = [1, 7, 30, 90, 300][self.rng.usize(..5)];
        format!("{minutes}m {}ms", 7 * self.next + 1)
    }

    fn guard(&mut self, pad: &str, seen: &Seen) -> Option<String> {
        (self.rng.u8(..8) == 0).then(|| format!("{pad}  if: {}\n", self.condition(seen)))
    }

    fn step(&mut self, pad: &str, seen: &mut Seen, may_call: bool) -> String {
        let is_full = self.language == Language::Full;
        let may_nest = seen.depth < 3 && self.left > 1;
        match self.rng.u8(..34) {
            0..4 => self.taking(pad, seen),
            4..7 => self.holding(pad, seen),
            7 => format!(
                "{pad}- uses: box/sell@1\n{pad}  with: {{ pool: shelf, units: {} }}\n",
                self.rng.u8(1..3)
            ),
            8..10 => self.flaky(pad, seen),
            10 => self.echo(pad, seen),
            11..13 => self.sending(pad, seen),
            13..17 => self.waiting(pad, seen),
            17..19 => format!("{pad}- wait: {}\n", self.length()),
            19..21 if may_nest => self.switch(pad, seen, may_call),
            21..23 if may_nest => self.parallel(pad, seen, may_call),
            23..25 if may_nest && !seen.is_inside => self.each(pad, seen, may_call),
            25 if is_full => self.split(pad, seen, may_call),
            26 => format!("{pad}- set: {{ k: \"${{{{ vars.k + 1 }}}}\" }}\n"),
            27..29 if self.level > 0 => self.emit(pad, seen),
            29..31 if may_call => self.call(pad, seen),
            31 if self.may_tell => {
                format!("{pad}- uses: box/tell@1\n{pad}  with: {{ n: \"${{{{ event.n }}}}\" }}\n")
            }
            32 if is_full => self.odds(pad),
            25 | 32 if !is_full => self.posting(pad, seen),
            33 => self.posting(pad, seen),
            _ => self.taking(pad, seen),
        }
    }

    fn take(&mut self, pad: &str, key: &str) -> String {
        format!("{pad}- uses: box/take@1\n{pad}  with: {{ key: {key}, units: 1, limit: 1000 }}\n")
    }

    fn taking(&mut self, pad: &str, seen: &mut Seen) -> String {
        let id = self.id("u");
        let (key, limit) = COUNTERS[self.rng.usize(..COUNTERS.len())];
        let units = self.rng.u8(1..3);
        let guard = self.guard(pad, seen);
        let mut text = format!(
            "{pad}- id: {id}\n{pad}  uses: box/take@1\n{pad}  with: {{ key: {key}, units: {units}, limit: {limit} }}\n"
        );
        text.push_str(guard.as_deref().unwrap_or_default());
        match self.rng.u8(..6) {
            // Only where it was taken for sure can it be given back.
            0 if key == "blue" => text.push_str(&format!(
                "{pad}  compensate: {{ uses: box/give@1, with: {{ key: {key}, units: {units} }} }}\n"
            )),
            1 => text.push_str(&format!("{pad}  on_error: continue\n")),
            2 => text.push_str(&format!("{pad}  retry: {{ attempts: 4, backoff: 1ms, max: 3ms }}\n")),
            _ if guard.is_none() => seen.conditions.push(format!("steps.{id}.ok")),
            _ => {}
        }
        text
    }

    fn holding(&mut self, pad: &str, seen: &mut Seen) -> String {
        let id = self.id("u");
        let (units, limit) = (self.rng.u8(1..3), self.rng.u8(1..4));
        let for_ms = self.rng.u32(60_000..20_000_000);
        let mut text = format!(
            "{pad}- id: {id}\n{pad}  uses: box/hold@1\n{pad}  with: {{ pool: shelf, units: {units}, for_ms: {for_ms}, limit: {limit} }}\n"
        );
        match self.rng.u8(..4) {
            0 => {
                text.push_str(&format!(
                    "{pad}  on_refused:\n{pad}    SOLD_OUT: [end: sold_out]\n{pad}    else:\n"
                ));
                let (inner, mut below) = (format!("{pad}      "), aside(seen));
                self.steps(&inner, &mut below, false, &mut text);
            }
            1 => {}
            2 => text.push_str(&format!(
                "{pad}  on_refused: fail\n{pad}  compensate: {{ uses: box/settle@1, with: {{ reservation: \"${{{{ steps.{id}.reservation }}}}\", sell: false }} }}\n"
            )),
            _ => {
                text.push_str(&format!("{pad}  on_refused: continue\n"));
                text.push_str(&format!(
                    "{pad}- if: not (steps.{id}.refused is defined)\n{pad}  uses: box/settle@1\n{pad}  with: {{ reservation: \"${{{{ steps.{id}.reservation }}}}\", sell: {} }}\n",
                    self.rng.bool()
                ));
            }
        }
        text
    }

    fn posting(&mut self, pad: &str, seen: &mut Seen) -> String {
        let (id, units) = (self.id("u"), self.rng.u8(1..5));
        let guard = self.guard(pad, seen);
        let earns = self.rng.u8(..5) < 3;
        let step = if earns { "earn" } else { "spend" };
        let mut text =
            format!("{pad}- id: {id}\n{pad}  uses: box/{step}@1\n{pad}  with: {{ units: {units} }}\n");
        text.push_str(guard.as_deref().unwrap_or_default());
        if earns {
            if guard.is_none() {
                seen.conditions.push(format!("steps.{id}.balance > 5"));
            }
            return text;
        }
        match self.rng.u8(..4) {
            0 => text.push_str(&format!("{pad}  on_refused: continue\n")),
            1 => {
                text.push_str(&format!("{pad}  on_refused:\n{pad}    SHORT:\n"));
                let (inner, mut below) = (format!("{pad}      "), aside(seen));
                self.steps(&inner, &mut below, false, &mut text);
            }
            // What was spent comes back when the run ends badly.
            2 => text.push_str(&format!(
                "{pad}  on_refused: fail\n{pad}  compensate: {{ uses: box/earn@1, with: {{ units: {units} }} }}\n"
            )),
            _ => {}
        }
        text
    }

    fn flaky(&mut self, pad: &str, seen: &mut Seen) -> String {
        let id = self.id("u");
        let (times, attempts) = (self.rng.u8(..4), self.rng.u8(1..5));
        self.next += 1;
        let after_ms = 1_000 + 7 * self.next;
        let mut text = format!(
            "{pad}- id: {id}\n{pad}  uses: box/flaky@1\n{pad}  with: {{ times: {times}, after_ms: {after_ms}, n: 1 }}\n{pad}  retry: {{ attempts: {attempts}, backoff: 1ms, max: 3ms }}\n"
        );
        match self.rng.u8(..3) {
            0 => {}
            1 => text.push_str(&format!("{pad}  on_error: continue\n")),
            _ => {
                text.push_str(&format!("{pad}  on_error:\n"));
                let (inner, mut below) = (format!("{pad}    "), aside(seen));
                self.steps(&inner, &mut below, false, &mut text);
            }
        }
        text
    }

    fn echo(&mut self, pad: &str, seen: &mut Seen) -> String {
        let id = self.id("u");
        let with = if seen.is_inside { "it + event.n" } else { "event.n + 1" };
        seen.conditions.push(format!("steps.{id}.n > 4"));
        format!("{pad}- id: {id}\n{pad}  uses: box/echo@1\n{pad}  with: {{ n: \"${{{{ {with} }}}}\" }}\n")
    }

    fn sending(&mut self, pad: &str, seen: &Seen) -> String {
        let guard = self.guard(pad, seen).unwrap_or_default();
        let template = if self.language == Language::Full && self.rng.bool() { "offer" } else { "hello" };
        format!(
            "{pad}- send: {template}\n{pad}  channel: wecom\n{guard}{pad}  with: {{ n: \"${{{{ event.n }}}}\" }}\n{pad}  on_error: continue\n"
        )
    }

    fn waiting(&mut self, pad: &str, seen: &mut Seen) -> String {
        let id = self.id("w");
        let event = ["paid", "hop", "[paid, hop]"][self.rng.usize(..3)];
        let timeout =
            if self.rng.u8(..6) > 0 { format!(", timeout: {}", self.length()) } else { String::new() };
        let narrow = match self.rng.u8(..5) {
            0 => ", if: event.n > 3",
            1 => ", since: now",
            2 if self.language == Language::Full => ", match: event.n == vars.k",
            _ => "",
        };
        seen.conditions.push(format!("steps.{id}.timed_out"));
        format!("{pad}- id: {id}\n{pad}  wait: {{ event: {event}{timeout}{narrow} }}\n")
    }

    fn switch(&mut self, pad: &str, seen: &Seen, may_call: bool) -> String {
        let mut text = format!("{pad}- switch:\n");
        let inner = format!("{pad}        ");
        for _ in 0..self.rng.u8(1..3) {
            text.push_str(&format!("{pad}    - if: {}\n{pad}      steps:\n", self.condition(seen)));
            self.steps(&inner, &mut aside(seen), may_call, &mut text);
        }
        if self.rng.bool() {
            text.push_str(&format!("{pad}    - else:\n"));
            self.steps(&inner, &mut deeper(seen), may_call, &mut text);
        }
        text
    }

    fn parallel(&mut self, pad: &str, seen: &Seen, may_call: bool) -> String {
        let mut text = format!("{pad}- parallel:\n");
        let inner = format!("{pad}        ");
        for branch in ["one", "two", "three"].iter().take(self.rng.usize(2..4)) {
            text.push_str(&format!("{pad}    {branch}:\n"));
            self.steps(&inner, &mut deeper(seen), may_call, &mut text);
        }
        text.push_str(&self.limits(pad));
        text
    }

    fn limits(&mut self, pad: &str) -> String {
        let mut text = String::new();
        if self.rng.u8(..3) == 0 {
            text.push_str(&format!("{pad}  on_error: continue\n"));
        }
        if self.rng.u8(..4) == 0 {
            text.push_str(&format!("{pad}  timeout: {}\n", self.length()));
        }
        text
    }

    fn each(&mut self, pad: &str, seen: &Seen, may_call: bool) -> String {
        let concurrency = self.rng.u8(1..4);
        let mut text = format!(
            "{pad}- each: \"${{{{ event.items }}}}\"\n{pad}  as: it\n{pad}  concurrency: {concurrency}\n{pad}  steps:\n"
        );
        let mut below = deeper(seen);
        below.is_inside = true;
        below.conditions.push("it > 2".to_owned());
        self.steps(&format!("{pad}    "), &mut below, may_call, &mut text);
        text.push_str(&self.limits(pad));
        text
    }

    fn split(&mut self, pad: &str, seen: &Seen, may_call: bool) -> String {
        let id = self.id("s");
        let mut text = format!(
            "{pad}- id: {id}\n{pad}  split:\n{pad}    salt: {id}\n{pad}    arms:\n{pad}      nothing: 50\n{pad}      one:\n{pad}        weight: 50\n{pad}        steps:\n"
        );
        self.steps(&format!("{pad}          "), &mut deeper(seen), may_call, &mut text);
        text
    }

    fn emit(&mut self, pad: &str, seen: &Seen) -> String {
        let event = if self.level > 1 && self.rng.bool() { "hop" } else { "paid" };
        let guard = self.guard(pad, seen).unwrap_or_default();
        format!(
            "{pad}- emit: {event}\n{guard}{pad}  with: {{ n: \"${{{{ event.n + 2 }}}}\", items: [1, 4] }}\n"
        )
    }

    fn call(&mut self, pad: &str, seen: &mut Seen) -> String {
        let id = self.id("c");
        let mut text = format!(
            "{pad}- id: {id}\n{pad}  call: called\n{pad}  with: {{ n: \"${{{{ event.n }}}}\", items: [3] }}\n"
        );
        match self.rng.u8(..3) {
            0 => text.push_str(&format!("{pad}  on_error: continue\n")),
            1 => text.push_str(&format!("{pad}  timeout: {}\n", self.length())),
            _ => seen.conditions.push(format!("steps.{id}.outcome == 'done'")),
        }
        text
    }

    /// Steps whose outcome only the host knows.
    fn odds(&mut self, pad: &str) -> String {
        let ms = self.rng.u32(1_000..9_000_000);
        match self.rng.u8(..4) {
            0 => format!("{pad}- uses: box/mint@1\n"),
            1 => format!("{pad}- uses: box/write@1\n"),
            2 if self.may_tell => {
                format!("{pad}- uses: box/plan@1\n{pad}  with: {{ n: 1, after_ms: {ms} }}\n")
            }
            _ => format!(
                "{pad}- uses: box/tag@1\n{pad}  with: {{ tag: seen, for_ms: {ms} }}\n{pad}  on_error: continue\n"
            ),
        }
    }
}

/// The same in a block that may be left out.
fn aside(seen: &Seen) -> Seen {
    Seen { may_end: true, ..deeper(seen) }
}

fn deeper(seen: &Seen) -> Seen {
    Seen { depth: seen.depth + 1, may_end: false, ..seen.clone() }
}
