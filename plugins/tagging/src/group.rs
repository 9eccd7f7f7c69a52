//! Tag groups (标签组): what operators define, and how a definition comes into force.
//!
//! The rules that set a group's tags stand inside it, so that one definition can be checked as a whole. What a group means
//! for a customer is decided in [`crate::placing`] and [`crate::deciding`].

mod check;
mod sensitive;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use siyu_plugin::prelude::*;
use siyu_plugin::{counters, records, resources};

use crate::name;
use crate::react::React;
use crate::refusals::{TAG_INVALID, TAG_RETIRED, UNKNOWN_TAG, about};
use crate::wecom::Queue;
use crate::withdraw::Withdraw;

/// A group of tags (标签组) with the rules that set them. The resource's name is the group's: its tags are called
/// `name.value`, such as `lifecycle.loyal`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// What people read, such as 生命周期: at most 30 symbols, as in WeCom.
    #[serde(default)]
    pub title: Option<String>,
    /// Whether a customer has one tag of the group at a time, or several.
    pub mode: Mode,
    /// The values (标签), lowest first: the order counts for `decay`. Without it any value is taken, such as `batch.2026-11`.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Values on their way out: never put on any more, and taken off whenever the group is evaluated.
    #[serde(default)]
    pub retired: Vec<String>,
    /// How many tags of a multi group a customer may have.
    #[serde(default)]
    pub max: Option<u32>,
    /// What happens to one tag more than `max`.
    #[serde(default)]
    pub on_full: OnFull,
    /// How long a tag lasts (有效期) from the event behind it; for ever without it.
    #[serde(default)]
    pub ttl: Option<Duration>,
    /// Whether putting a tag on again lets it last anew.
    #[serde(default)]
    pub ttl_mode: TtlMode,
    /// What follows a tag whose time is over.
    #[serde(default)]
    pub decay: Decay,
    /// Who may put tags of this group on or take them off; everybody without it.
    #[serde(default = "Writer::all")]
    pub writers: Vec<Writer>,
    /// Events at which the group is evaluated, besides those of its rules. Time is followed without an event.
    #[serde(default)]
    pub on: Vec<String>,
    /// Rules that set the group's tags.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// What the tags tell of a person. Sensitive categories need `purpose` and `consent` (Personal Information Protection
    /// Law, arts. 28 to 31).
    #[serde(default)]
    pub category: Option<Category>,
    /// What tags of a sensitive category are used for.
    #[serde(default)]
    pub purpose: Option<String>,
    /// When the customer has consented to tags of this group, such as
    /// `customer.attributes.health_consent | default('') == 'granted'`. Looked at before a tag is put on, and again at every
    /// `consent.withdrawn`.
    #[serde(default)]
    pub consent: Option<Expression>,
    /// Whether tags of this group go to WeCom (企业微信标签): a connector gets `tagging.push` and uses `outgoing` and `synced`.
    #[serde(default)]
    pub wecom_sync: WecomSync,
}

/// How many tags of a group a customer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One: putting another on takes it off.
    Exclusive,
    /// Several.
    Multi,
}

/// What happens to one tag more than a multi group may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFull {
    /// It is refused with `LIMIT_GROUP`.
    #[default]
    Refuse,
    /// The tag with the oldest event behind it goes, unless a person put it on.
    DropOldest,
}

/// Whether putting a tag on again lets it last anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TtlMode {
    /// It does.
    #[default]
    Refresh,
    /// It lasts from the first time.
    Fixed,
}

/// What follows a tag whose time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// Nothing.
    #[default]
    Remove,
    /// The value before it in `tags`, for as long again; nothing after the first one.
    Downgrade,
}

/// Who puts tags on or takes them off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Writer {
    /// A rule of the group.
    Rule,
    /// A person, `manual:<who>`.
    Manual,
    /// A step of a workflow.
    Workflow,
    /// A list, `import` or `import:<batch>`.
    Import,
    /// What staff did in WeCom, `wecom` or `wecom:<staff>`.
    Wecom,
    /// Another plugin's finding, `plugin:<name>`.
    Plugin,
}

/// To which of a customer's relations a group's tags go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WecomSync {
    /// To none.
    #[default]
    None,
    /// To those of all staff who follow the customer.
    All,
    /// To the main one alone.
    Primary,
}

/// What tags tell of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Nothing sensitive, whatever it sounds like.
    Ordinary,
    /// Health and medical care (医疗健康).
    Health,
    /// Financial accounts and means (金融账户).
    Finance,
    /// People under 14 (不满十四周岁未成年人).
    Minors,
}

/// A rule (规则): puts a tag of its group on when a condition holds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name within the group: a tag that it puts on has the source `rule:<id>`.
    pub id: String,
    /// Events at which the group is evaluated. A condition that reads `event` needs them, and is looked at for them alone;
    /// any other condition is looked at whenever the group is, and when time alone changes it.
    #[serde(default)]
    pub on: Vec<String>,
    /// When the tag is put on, such as `count('order.paid', '90d') >= 3`.
    pub when: Expression,
    /// The value that it puts on, such as `loyal` in the group `lifecycle`.
    pub tag: String,
    /// Which rule wins when several hold: the larger number, then the smaller `id` in the order of letters.
    #[serde(default)]
    pub priority: i32,
    /// How long its tag lasts, instead of the group's `ttl`.
    #[serde(default)]
    pub ttl: Option<Duration>,
    /// Whether its tag is taken off when the condition holds no more.
    #[serde(default)]
    pub auto_remove: bool,
    /// Keeps a tag from flapping (防抖).
    #[serde(default)]
    pub hysteresis: Option<Hysteresis>,
    /// Whether it may replace tags that a person put on, and put on what a person took off.
    #[serde(default)]
    pub override_manual: bool,
    /// How sure it is, 0 to 100.
    #[serde(default = "Rule::sure")]
    #[schemars(range(max = 100))]
    pub confidence: u8,
}

/// A rule with hysteresis goes on holding, once it has put its tag on, until another condition holds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hysteresis {
    /// When it stops holding. While `when` holds this does not count.
    pub leave_when: Expression,
}

impl Writer {
    fn all() -> Vec<Self> {
        vec![Self::Rule, Self::Manual, Self::Workflow, Self::Import, Self::Wecom, Self::Plugin]
    }
}

impl Category {
    /// Whether purpose and separate consent are needed.
    pub(crate) fn is_sensitive(self) -> bool {
        self != Self::Ordinary
    }
}

impl Rule {
    fn sure() -> u8 {
        100
    }

    /// Where a tag of this rule comes from.
    pub(crate) fn source(&self) -> String {
        format!("rule:{}", self.id)
    }

    /// Larger wins: the priority, then the smaller id.
    pub(crate) fn rank(&self) -> (i32, std::cmp::Reverse<&str>) {
        (self.priority, std::cmp::Reverse(&self.id))
    }

    /// What it looks at.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Expression> {
        [&self.when].into_iter().chain(self.hysteresis.as_ref().map(|hysteresis| &hysteresis.leave_when))
    }

    /// Whether a condition of it reads the event, and so only makes sense for its own ones.
    pub(crate) fn reads_event(&self) -> bool {
        self.conditions().any(|condition| names(condition.source(), "event"))
    }
}

/// Whether an expression names a root or a function; words inside quotes and after a dot are others.
pub(crate) fn names(source: &str, wanted: &str) -> bool {
    let mut quote = None;
    let mut before = ' ';
    let mut word_from = None;
    for (place, symbol) in source.char_indices().chain([(source.len(), ' ')]) {
        if let Some(open) = quote {
            quote = (symbol != open).then_some(open);
            before = symbol;
        } else if symbol.is_alphanumeric() || symbol == '_' {
            word_from.get_or_insert(place);
        } else {
            let word = word_from.take().map(|from| &source[from..place]);
            if word == Some(wanted) && before != '.' {
                return true;
            }
            if word.is_some() || !symbol.is_whitespace() {
                before = symbol;
            }
            quote = matches!(symbol, '\'' | '"').then_some(symbol);
        }
    }
    false
}

impl Group {
    /// A group without limits: what tags without a dot are in.
    pub(crate) fn free() -> Self {
        Self {
            title: None,
            mode: Mode::Multi,
            tags: Vec::new(),
            retired: Vec::new(),
            max: None,
            on_full: OnFull::Refuse,
            ttl: None,
            ttl_mode: TtlMode::Refresh,
            decay: Decay::Remove,
            writers: Writer::all(),
            on: Vec::new(),
            rules: Vec::new(),
            category: None,
            purpose: None,
            consent: None,
            wecom_sync: WecomSync::None,
        }
    }

    /// Whether it takes only the values that it lists.
    pub(crate) fn is_closed(&self) -> bool {
        !self.tags.is_empty()
    }

    /// The rule behind a tag's source.
    pub(crate) fn rule_of(&self, source: &str) -> Option<&Rule> {
        let id = source.strip_prefix("rule:")?;
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// The value before another one in the order of the group.
    pub(crate) fn below(&self, value: &str) -> Option<&str> {
        let place = self.tags.iter().position(|tag| tag == value)?;
        place.checked_sub(1).and_then(|below| self.tags.get(below)).map(String::as_str)
    }

    /// The group's own spelling of a value that somebody wrote.
    ///
    /// # Errors
    /// A refusal when it cannot be one, is retired or not listed; an error of the host.
    pub(crate) fn spell<'a>(&'a self, group: &str, value: &'a str) -> Result<Cow<'a, str>, Stop> {
        let value = value.trim();
        let tag = name::join(group, value);
        if let Some(fault) = name::fault_of(value) {
            Err(about(TAG_INVALID, &tag, format!("`{}`: {fault}", crate::shown(&tag))))?;
        }
        if self.retired.iter().any(|known| name::is_same(known, value)) {
            Err(about(TAG_RETIRED, &tag, format!("`{tag}` is retired: it is taken off, never put on")))?;
        }
        let known = self.tags.iter().chain(self.rules.iter().map(|rule| &rule.tag));
        if let Some(known) = known.into_iter().find(|known| name::is_same(known, value)) {
            return Ok(Cow::Borrowed(known));
        }
        if self.is_closed() {
            let listed = self.tags.join(", ");
            Err(about(UNKNOWN_TAG, &tag, format!("`{tag}` is none of group `{group}`: it has {listed}")))?;
        }
        let place = spelling_key(group, value);
        let known: Option<String> = records::of_tenant().get(&place)?;
        Ok(known.map_or(Cow::Borrowed(value), Cow::Owned))
    }
}

/// Where the spelling stands that a tag of an open group got first.
pub(crate) fn spelling_key(group: &str, value: &str) -> String {
    key(&["spelling", group, &name::fold(value)])
}

/// The counter of customers who have a tag.
pub(crate) fn members_key(tag: &str) -> String {
    key(&["members", tag])
}

impl Resource for Group {
    const KIND: &'static str = "group";

    fn check(&self, name: &str, found: &mut Findings) {
        check::check(self, name, found);
    }

    fn apply(&self, name: &str) -> Result<Vec<Reaction>, Fault> {
        // A definition of another version of this plugin is none to compare with.
        let before = resources::get::<Self>(name).unwrap_or_default();
        if let Some(before) = before.filter(|_| self.is_closed()) {
            self.keeps_used_tags(name, &before)?;
        }
        let events = self.events();
        Index::change(name, &events)?;
        let mut reactions: Vec<Reaction> = events.into_iter().map(Reaction::of::<React>).collect();
        if self.consent.is_some() {
            reactions.push(Reaction::of::<Withdraw>("consent.withdrawn"));
        }
        if self.wecom_sync != WecomSync::None {
            reactions.extend(["tag.added", "tag.removed"].map(Reaction::of::<Queue>));
        }
        Ok(reactions)
    }
}

impl Group {
    /// Events at which it is evaluated, each once.
    fn events(&self) -> BTreeSet<String> {
        let of_rules = self.rules.iter().flat_map(|rule| &rule.on);
        self.on.iter().chain(of_rules).cloned().collect()
    }

    /// A value that customers have is retired before it goes: segments, workflows and reports may still ask for it.
    fn keeps_used_tags(&self, name: &str, before: &Self) -> Result<(), Fault> {
        let is_known = |value: &String| self.tags.contains(value) || self.retired.contains(value);
        let mut used = Vec::new();
        for value in before.tags.iter().chain(&before.retired).filter(|value| !is_known(value)) {
            let customers = counters::used(&members_key(&name::join(name, value)))?;
            if customers > 0 {
                used.push(format!("`{value}` by {customers} customers"));
            }
        }
        if used.is_empty() {
            return Ok(());
        }
        let message = format!(
            "tags that go are still in use: {}. List them under `retired` first: a retired tag is taken off whenever the \
             group is evaluated, and `tagging/backfill` does so for everybody",
            used.join(", ")
        );
        Err(Fault::permanent("TAG_IN_USE", message))
    }
}

/// Which groups are evaluated at which events. A group that is no longer published may still stand here: whoever reads it
/// asks for the definition.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Index(BTreeMap<String, BTreeSet<String>>);

impl Index {
    const KEY: &'static str = "events";

    /// As it stands.
    ///
    /// # Errors
    /// Of the host.
    pub(crate) fn read() -> Result<Self, Error> {
        Ok(records::of_tenant().get(Self::KEY)?.unwrap_or_default())
    }

    /// The groups that are evaluated at an event.
    pub(crate) fn groups_at(&self, event_type: &str) -> impl Iterator<Item = &str> {
        self.0.get(event_type).into_iter().flatten().map(String::as_str)
    }

    /// Whether any group is evaluated because of tags: then rules can set each other off.
    pub(crate) fn follows_tags(&self) -> bool {
        self.0.keys().any(|event_type| event_type.starts_with("tag."))
    }

    fn change(group: &str, events: &BTreeSet<String>) -> Result<(), Error> {
        let mut index = Self::read()?;
        let before: BTreeMap<_, _> = index.0.clone();
        index.0.retain(|_, groups| {
            groups.remove(group);
            !groups.is_empty()
        });
        for event in events {
            index.0.entry(event.clone()).or_default().insert(group.to_owned());
        }
        if index.0 == before { Ok(()) } else { records::of_tenant().put(Self::KEY, &index) }
    }
}
