//! What a customer keeps of a batch's definition, and the batch's book in which the versions of it stand.
//!
//! A coupon names the version that it was issued under. The newest version stands in the book itself, older ones in
//! documents of their own: using a coupon of the current version reads one document.

use std::collections::BTreeMap;

use siyu_plugin::prelude::*;
use siyu_plugin::{key, records};

use crate::batch::{Budget, OnRefund, Scope, Stacking};

/// What the coupons of one version of a batch do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// How it takes money off.
    pub(crate) worth: Worth,
    /// What the goods in scope must cost, in fen.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) min_spend_fen: u64,
    #[serde(default, skip_serializing_if = "is_everything")]
    pub(crate) scope: Scope,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) first_order_only: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stacking: Option<Stacking>,
    #[serde(default)]
    pub(crate) on_refund: OnRefund,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) transferable: bool,
    /// Lengths before the end, longest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) reminders: Vec<Duration>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_everything(scope: &Scope) -> bool {
    *scope == Scope::default()
}

/// How a coupon takes money off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Worth {
    AmountOff { value_fen: u64 },
    PercentOff { off_bp: u32, max_discount_fen: Option<u64> },
    Exchange { value_fen: u64 },
    PriceRight { value_fen: u64, price_fen: u64 },
}

impl Worth {
    /// What one coupon is worth, in fen; 0 when that depends on the order alone. Only a right to a price may take more off:
    /// when its goods have become dearer.
    pub(crate) fn face_fen(self) -> u64 {
        match self {
            Self::AmountOff { value_fen } | Self::Exchange { value_fen } => value_fen,
            Self::PercentOff { max_discount_fen, .. } => max_discount_fen.unwrap_or(0),
            Self::PriceRight { value_fen, price_fen } => value_fen.saturating_sub(price_fen),
        }
    }

    /// The order in which coupons of one purchase are applied: goods first, then parts, then amounts (折上减).
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Exchange { .. } | Self::PriceRight { .. } => 0,
            Self::PercentOff { .. } => 1,
            Self::AmountOff { .. } => 2,
        }
    }

    /// The word for it in outputs.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::AmountOff { .. } => "amount_off",
            Self::PercentOff { .. } => "percent_off",
            Self::Exchange { .. } => "exchange",
            Self::PriceRight { .. } => "price_right",
        }
    }
}

impl Terms {
    /// Whether two coupons may be used together: each allows the other's group.
    pub(crate) fn combines_with(&self, other: &Self) -> bool {
        match (&self.stacking, &other.stacking) {
            (Some(one), Some(two)) => one.allows(&two.group) && two.allows(&one.group),
            _ => false,
        }
    }
}

impl Stacking {
    fn allows(&self, group: &str) -> bool {
        self.combinable_with.iter().any(|allowed| allowed == group || allowed == "*")
    }
}

/// What the plugin knows of a batch beside its definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Book {
    /// The version of the terms; 1 is the first.
    pub(crate) version: u32,
    pub(crate) title: String,
    pub(crate) terms: Terms,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stopped: Option<Stopped>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) budget: Option<Budget>,
    /// Whether codes are the operator's own.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) imported: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) prefix: String,
}

/// A batch that an operator stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stopped {
    pub(crate) reason: String,
    /// Whether its coupons cannot be used either.
    pub(crate) redeeming: bool,
}

impl Book {
    pub(crate) fn key(batch: &str) -> String {
        key(&["batch", batch])
    }

    /// The key of an older version of the terms.
    pub(crate) fn terms_key(batch: &str, version: u32) -> String {
        key(&["terms", batch, &version.to_string()])
    }

    pub(crate) fn find(batch: &str) -> Result<Option<Self>, Error> {
        records::of_tenant().get(&Self::key(batch))
    }

    /// # Errors
    /// A permanent fault when the batch was never published.
    pub(crate) fn open(batch: &str) -> Result<Self, Fault> {
        Self::find(batch)?.ok_or_else(|| {
            Fault::permanent("UNKNOWN_RESOURCE", format!("the batch `{batch}` was never published"))
        })
    }

    pub(crate) fn save(&self, batch: &str) -> Result<(), Error> {
        records::of_tenant().put(&Self::key(batch), self)
    }

    /// Whether its coupons cannot be used.
    pub(crate) fn is_frozen(&self) -> bool {
        self.stopped.as_ref().is_some_and(|stopped| stopped.redeeming)
    }
}

/// The books of one call: each is read once.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    books: BTreeMap<String, Book>,
    older: BTreeMap<(String, u32), Terms>,
}

impl Shelf {
    /// The book of a batch.
    ///
    /// # Errors
    /// As [`Book::open`].
    pub(crate) fn book(&mut self, batch: &str) -> Result<&Book, Fault> {
        if !self.books.contains_key(batch) {
            let book = Book::open(batch)?;
            self.books.insert(batch.to_owned(), book);
        }
        self.books.get(batch).ok_or_else(|| missing(batch, 0))
    }

    /// The terms of one version of a batch.
    ///
    /// # Errors
    /// As [`Book::open`], and a permanent fault when there is no such version.
    pub(crate) fn terms(&mut self, batch: &str, version: u32) -> Result<Terms, Fault> {
        let book = self.book(batch)?;
        if book.version == version {
            return Ok(book.terms.clone());
        }
        let place = (batch.to_owned(), version);
        if let Some(terms) = self.older.get(&place) {
            return Ok(terms.clone());
        }
        let found: Option<Terms> = records::of_tenant().get(&Book::terms_key(batch, version))?;
        let terms = found.ok_or_else(|| missing(batch, version))?;
        self.older.insert(place, terms.clone());
        Ok(terms)
    }
}

fn missing(batch: &str, version: u32) -> Fault {
    Fault::permanent("TERMS_MISSING", format!("the batch `{batch}` has no version {version} of its terms"))
}
