//! The step `list` (查看标签): a customer's tags, and where each came from.

#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;

use crate::book::{Book, is_by_hand};
use crate::name;

/// Lists the customer's tags with who put each on, why and since when (查看标签及来源).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Only tags of this group.
    #[serde(default)]
    pub group: Option<String>,
}

/// A customer's tags.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Listed {
    /// In the order of their names.
    pub tags: Vec<Listing>,
    /// Tags that a person took off, so that rules leave them off.
    pub held_off: Vec<HeldOff>,
}

/// A tag and where it came from.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Listing {
    /// The tag.
    pub tag: String,
    /// Its group; empty for a tag without one.
    pub group: String,
    /// Its value.
    pub value: String,
    /// Who put it on: `rule:<id>`, `manual:<who>`, `workflow`, `import` …
    pub source: String,
    /// Whether a person did, so that rules leave it alone.
    pub by_hand: bool,
    /// Since when it is true.
    pub effective_at: Instant,
    /// When it ends.
    pub expires_at: Option<Instant>,
    /// How sure the source is, 0 to 100.
    pub confidence: u8,
    /// The event that is the evidence.
    pub evidence: Option<String>,
}

/// A tag that a person took off.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct HeldOff {
    /// The tag.
    pub tag: String,
    /// Since when.
    pub since: Instant,
}

impl Step for List {
    const NAME: &'static str = "list";
    type Output = Listed;

    fn run(self) -> Result<Listed, Stop> {
        let Book { marks, memory, .. } = Book::of_call()?;
        let is_wanted = |tag: &str| self.group.as_deref().is_none_or(|group| name::split(tag).0 == group);
        let tags = marks.into_values().filter(|mark| is_wanted(&mark.tag)).map(|mark| {
            let (group, value) = name::split(&mark.tag);
            Listing {
                group: group.to_owned(),
                value: value.to_owned(),
                by_hand: is_by_hand(&mark.source),
                tag: mark.tag.clone(),
                source: mark.source,
                effective_at: mark.effective_at,
                expires_at: mark.expires_at,
                confidence: mark.confidence_percent,
                evidence: mark.evidence,
            }
        });
        let held_off = memory.off.into_iter().filter(|(tag, _)| is_wanted(tag));
        let held_off = held_off.map(|(tag, since)| HeldOff { tag, since });
        Ok(Listed { tags: tags.collect(), held_off: held_off.collect() })
    }
}
