//! Rows of SQLite's answers as cells.
//!
//! It converts nothing: a cell of another kind than expected is a fault.

use std::borrow::Cow;

use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row as _, ValueRef as _};

use crate::database::Cells;

fn get<'r, T>(row: &'r SqliteRow, at: usize) -> Result<Option<T>, String>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(at).map_err(|fault| fault.to_string())
}

impl Cells for SqliteRow {
    fn int(&self, at: usize) -> Result<Option<i64>, String> {
        get(self, at)
    }

    fn text(&self, at: usize) -> Result<Option<Cow<'_, str>>, String> {
        Ok(get::<&str>(self, at)?.map(Cow::Borrowed))
    }

    fn bytes(&self, at: usize) -> Result<Option<&[u8]>, String> {
        get(self, at)
    }

    fn is_null(&self, at: usize) -> Result<bool, String> {
        self.try_get_raw(at).map(|value| value.is_null()).map_err(|fault| fault.to_string())
    }

    fn column(&self, at: usize) -> String {
        self.columns().get(at).map_or("?", |column| column.name()).to_owned()
    }
}
