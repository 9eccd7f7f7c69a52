//! Pages of answers: `cursor`, `limit`, `next_cursor`. A cursor is opaque to who reads it; here it is a position.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::codes::{Refusal, WRONG_ARGUMENT};

/// What a request says of the page that it wants.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Page {
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

/// One page of items under a name; `next_cursor` is missing on the last.
pub(crate) fn paged(name: &str, items: Vec<Value>, page: &Page, limit_max: usize) -> Result<Value, Refusal> {
    let limit = page.limit.unwrap_or(limit_max);
    if limit == 0 || limit > limit_max {
        return Err(Refusal::new(WRONG_ARGUMENT, format!("limit is {limit}, at most {limit_max}")));
    }
    let cursor = page.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let begin = match cursor.map(str::parse) {
        None => 0,
        Some(Ok(begin)) => begin,
        Some(Err(_)) => return Err(Refusal::new(WRONG_ARGUMENT, "invalid cursor")),
    };
    let count = items.len();
    let shown: Vec<Value> = items.into_iter().skip(begin).take(limit).collect();
    let mut answer = json!({ name: shown });
    if begin + limit < count {
        answer["next_cursor"] = json!((begin + limit).to_string());
    }
    Ok(answer)
}
