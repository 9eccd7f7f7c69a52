//! One thing that an overlay changes, as people read it. Never decides whether it may.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use siyu_model::json::Value;

/// One thing that an overlay changes in its base.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Where: `vars.brand`, `templates.welcome.text`, `resources.coupon/batch@1 c88.amount_fen`.
    pub place: String,
    /// What the base says; none when it says nothing.
    pub before: Option<Value>,
    /// What the overlay says instead.
    pub after: Value,
}

/// What is changed so far, each place once.
#[derive(Default)]
pub(super) struct Changes {
    list: Vec<Change>,
    places: BTreeSet<String>,
}

impl Changes {
    /// Whether a place is named for the first time.
    pub(super) fn is_first(&mut self, place: &str) -> bool {
        self.places.insert(place.to_owned())
    }

    pub(super) fn add(&mut self, change: Change) {
        self.list.push(change);
    }

    pub(super) fn into_list(self) -> Vec<Change> {
        self.list
    }
}

/// On one line; texts of several lines as the lines that differ, with `-` and `+`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, before, after } = self;
        match (before.as_ref().and_then(Value::as_str), after.as_str()) {
            (Some(before), Some(after))
                if before.trim_end().contains('\n') || after.trim_end().contains('\n') =>
            {
                write!(f, "{place}:")?;
                let (gone, new) = differing(before, after);
                gone.iter().try_for_each(|line| write!(f, "\n  - {line}"))?;
                new.iter().try_for_each(|line| write!(f, "\n  + {line}"))
            }
            _ => match before {
                Some(before) => write!(f, "{place}: {before:?} → {after:?}"),
                None => write!(f, "{place}: {after:?}, the base says nothing"),
            },
        }
    }
}

/// The lines between what both begin and end with.
fn differing<'t>(before: &'t str, after: &'t str) -> (Vec<&'t str>, Vec<&'t str>) {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let first = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let rest = (before[first..].iter().rev()).zip(after[first..].iter().rev());
    let last = rest.take_while(|(a, b)| a == b).count();
    (before[first..before.len() - last].to_vec(), after[first..after.len() - last].to_vec())
}
