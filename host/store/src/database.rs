//! What the shared half of a store asks of a database: statements with parameters in, rows of cells out.
//!
//! Everything that is the same for every database stands on this seam: how a row becomes cells and back, how a load, a
//! list or a purge goes. What a statement says is the database's own (`queries/<database>/`), and so is how it travels.
//! Nothing here knows a table or a rule.

use std::borrow::Cow;

use async_trait::async_trait;
use siyu_engine::ports::store::{MaintenanceReport, StoreError};

use crate::commit::Batches;
use crate::queries::Queries;

/// A parameter of a statement.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A whole number or NULL.
    Int(Option<i64>),
    /// Text or NULL.
    Text(Option<String>),
    /// Bytes or NULL.
    Bytes(Option<Vec<u8>>),
    /// The end of a range of texts, which is not part of it; without one the range has no end.
    End(Option<String>),
    /// A path below a document, by the names on the way; none asks for nothing.
    Path(Option<&'static [&'static str]>),
    /// Many rows.
    Rows(Rows),
}

/// A batch of rows as the database takes it.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    /// What a row is like: see [`Batch`].
    pub(crate) shape: &'static str,
    /// The rows in the database's own form.
    pub(crate) bytes: Vec<u8>,
    /// How many they are.
    pub(crate) count: usize,
}

/// Parameters of a statement, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Args(pub(crate) Vec<Value>);

impl Args {
    /// A whole number.
    pub(crate) fn int(self, number: i64) -> Self {
        self.opt_int(Some(number))
    }

    /// A number of rows at most.
    pub(crate) fn limit(self, rows: usize) -> Self {
        self.int(i64::try_from(rows).unwrap_or(i64::MAX))
    }

    /// A place of the log or a number of things; one that no database can hold is the largest that it can.
    pub(crate) fn count(self, number: u64) -> Self {
        self.int(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// A whole number or NULL.
    pub(crate) fn opt_int(self, number: Option<i64>) -> Self {
        self.value(Value::Int(number))
    }

    /// Text.
    pub(crate) fn text(self, text: &str) -> Self {
        self.opt_text(Some(text.to_owned()))
    }

    /// Text or NULL.
    pub(crate) fn opt_text(self, text: Option<String>) -> Self {
        self.value(Value::Text(text))
    }

    /// Bytes.
    pub(crate) fn bytes(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.opt_bytes(Some(bytes.into()))
    }

    /// Bytes or NULL.
    pub(crate) fn opt_bytes(self, bytes: Option<Vec<u8>>) -> Self {
        self.value(Value::Bytes(bytes))
    }

    /// Where texts that begin with a prefix begin, and where they end.
    pub(crate) fn prefix(self, prefix: &str) -> Self {
        self.text(prefix).value(Value::End(after_prefix(prefix)))
    }

    /// A path below a document.
    pub(crate) fn path(self, names: Option<&'static [&'static str]>) -> Self {
        self.value(Value::Path(names))
    }

    /// Many rows.
    pub(crate) fn rows(self, rows: Rows) -> Self {
        self.value(Value::Rows(rows))
    }

    fn value(mut self, value: Value) -> Self {
        self.0.push(value);
        self
    }
}

/// The first text after all that begin with `prefix`; none when there is none, such as after the last character of all.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // The characters in the order of their bytes; a range of `char` leaves the surrogates out.
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// Whole rows as one parameter, written cell by cell in the order that the statement expects. The shape is the name of
/// what a row is like, for databases whose parameters have types: a table, or a type that the schema makes for it.
pub(crate) trait Batch: Sized + Send {
    /// No rows yet, and room for so many of a usual size.
    fn for_rows(shape: &'static str, rows: usize) -> Self;

    /// Rows of one value each: keys of bytes.
    fn keys<'k>(keys: impl IntoIterator<Item = &'k [u8]>) -> Self;

    /// Rows of one value each: texts.
    fn texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self;

    /// Rows of one value each: whole numbers.
    fn numbers(numbers: impl IntoIterator<Item = i64>) -> Self;

    /// Adds a row.
    fn row(&mut self, fill: impl FnOnce(&mut Self));

    /// The parameter; a number that no database can hold is an error.
    fn finish(self) -> Result<Rows, StoreError>;

    /// A cell: a whole number or NULL.
    fn opt_int(&mut self, number: Option<i64>) -> &mut Self;

    /// A cell: a number of things or NULL; one beyond 63 bits is refused when the batch is finished.
    fn opt_count(&mut self, number: Option<u64>) -> &mut Self;

    /// A cell: yes or no.
    fn flag(&mut self, flag: bool) -> &mut Self;

    /// A cell: text or NULL.
    fn opt_text(&mut self, text: Option<&str>) -> &mut Self;

    /// A cell: bytes or NULL.
    fn opt_bytes(&mut self, bytes: Option<&[u8]>) -> &mut Self;

    /// A cell: a whole number.
    fn int(&mut self, number: i64) -> &mut Self {
        self.opt_int(Some(number))
    }

    /// A cell: a number of things.
    fn count(&mut self, number: u64) -> &mut Self {
        self.opt_count(Some(number))
    }

    /// A cell: text.
    fn text(&mut self, text: &str) -> &mut Self {
        self.opt_text(Some(text))
    }

    /// A cell: bytes.
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.opt_bytes(Some(bytes))
    }

    /// Rows of values, each filled in.
    fn of<T>(
        shape: &'static str,
        rows: impl IntoIterator<Item = T>,
        mut fill: impl FnMut(T, &mut Self),
    ) -> Self {
        let rows = rows.into_iter();
        let mut batch = Self::for_rows(shape, rows.size_hint().0);
        for row in rows {
            batch.row(|cells| fill(row, cells));
        }
        batch
    }
}

/// The cells of one row of an answer, by their places from 0 on. What a cell does not hold is said in words.
pub(crate) trait Cells: Send + Sync + Sized + 'static {
    /// A whole number, or yes and no as 1 and 0.
    fn int(&self, at: usize) -> Result<Option<i64>, String>;

    /// Text.
    fn text(&self, at: usize) -> Result<Option<Cow<'_, str>>, String>;

    /// Bytes.
    fn bytes(&self, at: usize) -> Result<Option<&[u8]>, String>;

    /// Whether there is nothing.
    fn is_null(&self, at: usize) -> Result<bool, String>;

    /// What people call the cell.
    fn column(&self, at: usize) -> String;
}

/// The answers to the questions of a view, in their order.
pub(crate) type Answers<D> = Vec<Vec<<D as Database>::Row>>;

/// A database with one tenant in it.
#[async_trait]
pub(crate) trait Database: Send + Sync + 'static {
    /// A row of an answer.
    type Row: Cells;
    /// Many rows as one parameter.
    type Batch: Batch;
    /// The one connection that writes.
    type Connection: sqlx::Connection;

    /// What the statements say here.
    const SQL: &'static Queries;

    /// Asks several questions of one view of the database, so that the answers fit together.
    async fn view(&self, questions: Vec<(&'static str, Args)>) -> Result<Answers<Self>, StoreError>
    where
        Self: Sized;

    /// Asks one question.
    async fn rows(&self, text: &'static str, args: Args) -> Result<Vec<Self::Row>, StoreError>
    where
        Self: Sized,
    {
        Ok(self.view(vec![(text, args)]).await?.pop().unwrap_or_default())
    }

    /// Makes a write set durable in one transaction, under the lease that the first parameters name.
    async fn commit(
        &self,
        connection: &mut Self::Connection,
        lease: Args,
        batches: Batches,
    ) -> Result<(), sqlx::Error>;

    /// Begins a transaction under the lease.
    async fn begin(&self, connection: &mut Self::Connection, lease: Args) -> Result<(), sqlx::Error>;

    /// Asks one question on the connection that writes, inside its transaction.
    async fn ask(
        &self,
        connection: &mut Self::Connection,
        text: &'static str,
        args: Args,
    ) -> Result<Vec<Self::Row>, sqlx::Error>;

    /// Changes rows inside a transaction; says how many.
    async fn change(
        &self,
        connection: &mut Self::Connection,
        text: &'static str,
        args: Args,
    ) -> Result<u64, sqlx::Error>;

    /// Ends a transaction that removed rows, and gives back what they took; says the bytes of the write-ahead log.
    async fn end(&self, connection: &mut Self::Connection) -> Result<u64, sqlx::Error>;

    /// Begins a transaction under the lease after which nothing of what it changes is left in the database's pages, where
    /// the database can do that.
    async fn begin_erasing(&self, connection: &mut Self::Connection, lease: Args) -> Result<(), sqlx::Error>;

    /// Ends such a transaction.
    async fn end_erasing(&self, connection: &mut Self::Connection) -> Result<(), sqlx::Error>;

    /// Moves the write-ahead log into the database beside the writer, and says whether the writer must do the rest.
    async fn checkpoint_beside(&self) -> Result<(MaintenanceReport, bool), StoreError>;

    /// Moves the write-ahead log into the database between two commits.
    async fn checkpoint(&self, connection: &mut Self::Connection) -> Result<MaintenanceReport, StoreError>;

    /// Closes what reads; further questions are refused.
    async fn close(&self);

    /// Closes what writes.
    async fn close_writer(&self, connection: Self::Connection) -> Result<(), StoreError>;

    /// Bytes of the database, of its write-ahead log, and of what holds nothing.
    async fn bytes(&self) -> Result<(u64, u64, u64), StoreError>;
}

/// What a database said, as the port says it.
pub(crate) fn failed(what: &str, fault: sqlx::Error) -> StoreError {
    StoreError::Database(format!("{what}: {fault}"))
}

/// What is wrong with a number that no database can hold.
pub(crate) fn too_large(found: u64) -> StoreError {
    StoreError::Broken(format!(
        "the number {found} does not fit into a database: expected at most {}",
        i64::MAX
    ))
}

#[cfg(test)]
mod tests {
    use super::after_prefix;

    #[test]
    fn a_prefix_ends_before_the_next_character() {
        for (prefix, end) in [
            ("a", Some("b")),
            ("a/\u{d7ff}", Some("a/\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
            ("", None),
        ] {
            assert_eq!(after_prefix(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}
