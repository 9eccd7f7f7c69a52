//! `records`: the plugin's own documents, seen by no other plugin and no other tenant.
//!
//! A document belongs to a customer or to the whole tenant. A customer's documents are in memory when a step runs for that
//! customer, so they cost next to nothing; put there what belongs to one customer. A document has at most 64 KiB, its key
//! 1 to 256 bytes; [`key`](crate::key()) makes keys of parts. A call sees its own changes; when it fails, there are none.
//!
//! ```
//! use siyu_plugin::prelude::*;
//! use siyu_plugin::records;
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct Visits {
//!     count: u32,
//! }
//!
//! fn count_visit() -> Result<u32, Stop> {
//!     let mine = records::of_customer();
//!     let mut visits: Visits = mine.get("visits")?.unwrap_or_default();
//!     visits.count += 1;
//!     mine.put("visits", &visits)?;
//!     Ok(visits.count)
//! }
//! ```

use std::collections::VecDeque;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{context, read, written};
use crate::error::Error;
use crate::port;

/// Documents of one owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records(Owner);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Owner {
    Tenant,
    CallsCustomer,
    Customer(String),
}

/// Documents of the whole tenant.
pub fn of_tenant() -> Records {
    Records(Owner::Tenant)
}

/// Documents of the call's customer. Without one, every function answers `Invalid`.
pub fn of_customer() -> Records {
    Records(Owner::CallsCustomer)
}

/// Documents of a customer by id.
pub fn of(customer: impl Into<String>) -> Records {
    Records(Owner::Customer(customer.into()))
}

impl Records {
    fn owner(&self) -> Result<Option<String>, Error> {
        match &self.0 {
            Owner::Tenant => Ok(None),
            Owner::CallsCustomer => context::customer().map(Some),
            Owner::Customer(id) => Ok(Some(id.clone())),
        }
    }

    /// The document of a key.
    ///
    /// # Errors
    /// `Invalid` for a key that is none, and for a document that is not of the type.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let body = port::record(self.owner()?.as_deref(), key)?;
        body.map(|body| read(|| format!("the record `{key}`"), &body)).transpose()
    }

    /// Writes a document.
    ///
    /// # Errors
    /// `Invalid` for a key that is none and for a document that is too large.
    pub fn put<T: Serialize + ?Sized>(&self, key: &str, document: &T) -> Result<(), Error> {
        let body = written("the record", document)?;
        port::put_record(self.owner()?.as_deref(), key, &body)
    }

    /// Writes a document that is JSON text already, such as a line that was hashed as it is.
    ///
    /// # Errors
    /// As [`put`](Self::put), and `Invalid` for a text that is no JSON.
    pub fn put_json(&self, key: &str, document: &str) -> Result<(), Error> {
        port::put_record(self.owner()?.as_deref(), key, document)
    }

    /// Writes a document if there is none; says whether it did. What must happen once is done by whoever inserts first.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn insert<T: Serialize + ?Sized>(&self, key: &str, document: &T) -> Result<bool, Error> {
        let body = written("the record", document)?;
        port::insert_record(self.owner()?.as_deref(), key, &body)
    }

    /// Removes a document; says whether there was one.
    ///
    /// # Errors
    /// `Invalid` for a key that is none.
    pub fn delete(&self, key: &str) -> Result<bool, Error> {
        port::delete_record(self.owner()?.as_deref(), key)
    }

    /// Documents whose keys begin with `prefix`, in the order of their keys, asked for a page at a time.
    ///
    /// ```
    /// use siyu_plugin::prelude::*;
    /// use siyu_plugin::records;
    ///
    /// fn total() -> Result<u64, Stop> {
    ///     let mut total = 0;
    ///     for entry in records::of_tenant().scan::<u64>("sold/") {
    ///         let (_key, sold) = entry?;
    ///         total += sold;
    ///     }
    ///     Ok(total)
    /// }
    /// ```
    pub fn scan<T: DeserializeOwned>(&self, prefix: &str) -> Scan<T> {
        Scan {
            records: self.clone(),
            prefix: prefix.to_owned(),
            after: None,
            page: VecDeque::new(),
            is_last_page: false,
            of: PhantomData,
        }
    }
}

/// Rows of one page: few host calls for many rows, and not much work for nothing when the reader stops early.
const PAGE_ROWS: u32 = 100;

/// Documents in the order of their keys. Ends after the first error.
#[derive(Debug)]
pub struct Scan<T> {
    records: Records,
    prefix: String,
    after: Option<String>,
    page: VecDeque<(String, String)>,
    is_last_page: bool,
    of: PhantomData<fn() -> T>,
}

impl<T> Scan<T> {
    /// Only keys after this one.
    pub fn after(mut self, key: impl Into<String>) -> Self {
        self.after = Some(key.into());
        self
    }

    fn turn_page(&mut self) -> Result<(), Error> {
        let owner = self.records.owner()?;
        let page = port::scan_records(owner.as_deref(), &self.prefix, self.after.as_deref(), PAGE_ROWS)?;
        self.is_last_page = page.len() < PAGE_ROWS as usize;
        self.after = page.last().map(|(key, _)| key.clone());
        self.page = page.into();
        Ok(())
    }
}

impl<T: DeserializeOwned> Iterator for Scan<T> {
    type Item = Result<(String, T), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty()
            && !self.is_last_page
            && let Err(error) = self.turn_page()
        {
            self.is_last_page = true;
            return Some(Err(error));
        }
        let (key, body) = self.page.pop_front()?;
        let document = read(|| format!("the record `{key}`"), &body);
        if document.is_err() {
            self.page.clear();
            self.is_last_page = true;
        }
        Some(document.map(|document| (key, document)))
    }
}
