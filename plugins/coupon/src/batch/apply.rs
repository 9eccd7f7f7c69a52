//! What publishing a batch does: its stock, and the version of its terms that new coupons get.
//!
//! Possible to repeat: what has not changed makes no new version.

use siyu_plugin::prelude::*;
use siyu_plugin::{Fault, pools, records};

use super::Batch;
use crate::terms::Book;
use crate::{code, ledger};

impl Resource for Batch {
    const KIND: &'static str = Self::NAME;

    fn check(&self, _name: &str, found: &mut Findings) {
        self.find_faults(found);
    }

    fn apply(&self, name: &str) -> Result<Vec<Reaction>, Fault> {
        let before = Book::find(name)?;
        self.apply_stock(name, before.as_ref())?;
        let terms = self.terms();
        let (version, stopped) = match before {
            None => (1, None),
            Some(before) if before.terms == terms => (before.version, before.stopped),
            Some(before) => {
                // Coupons of the older version keep their terms.
                records::of_tenant().put(&Book::terms_key(name, before.version), &before.terms)?;
                (before.version + 1, before.stopped)
            }
        };
        let prefix = self.code.prefix.to_ascii_uppercase();
        code::keep_prefix(&prefix)?;
        let book = Book {
            version,
            title: self.title.clone(),
            terms,
            stopped,
            budget: self.budget.clone(),
            imported: self.is_imported(),
            prefix,
        };
        book.save(name)?;
        Ok(Vec::new())
    }
}

impl Batch {
    fn apply_stock(&self, name: &str, before: Option<&Book>) -> Result<(), Fault> {
        if before.is_some_and(|before| before.imported != self.is_imported()) {
            let message =
                "codes come from another place than before: coupons are out already, define a new batch";
            return Err(Fault::invalid("/code/source", message));
        }
        if self.is_imported() {
            // The step `import` makes the stock.
            return if before.is_some() { Ok(()) } else { Ok(pools::define(&ledger::stock_key(name), 0)?) };
        }
        let total = self.total.unwrap_or(ledger::UNLIMITED);
        pools::define(&ledger::stock_key(name), total).map_err(|error| {
            if error.is_conflict() {
                Fault::invalid("/total", format!("{total} coupons, but more are out already: {error}"))
            } else {
                error.into()
            }
        })
    }
}
