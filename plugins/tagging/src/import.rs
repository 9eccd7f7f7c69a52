//! The step `import` (批量导入标签): a list of tags of many customers, with a line of report for each row that did not do what it
//! says.
//!
//! A list of any length is imported in parts. A part is done once: repeated, it gives its report again and changes nothing.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use siyu_plugin::prelude::*;
use siyu_plugin::records;

use crate::book::Book;
use crate::events::TaggingImported;
use crate::merge::open;
use crate::name;
use crate::placing::{Placed, Why};
use crate::refusals::IDEMPOTENCY_MISMATCH;
use crate::writing::{Author, Groups, Terms, refuse};

/// Rows of one part: with up to nine host calls a row it stays below the 10,000 of a call.
const ROWS_MAX: usize = 1_000;
/// Lines of one document of a report: 64 KiB with the longest lines.
const LINES_PER_PAGE: usize = 100;
/// Symbols of one line's message.
const MESSAGE_SYMBOLS_MAX: usize = 120;

/// Imports tags of many customers from a list (批量导入). A bad row becomes a line of the report and stops nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// Names the list, such as `crm-2026-11`. Its tags have the source `import:<batch>`.
    #[serde(deserialize_with = "short")]
    #[schemars(length(min = 1, max = 64))]
    pub batch: String,
    /// Which part of the list this is. The same part again changes nothing.
    #[serde(default)]
    pub part: u32,
    /// At most 1,000 rows: `{ customer: cus_…, tag: lifecycle.loyal }`, and where needed `action` (`add` or `remove`),
    /// `effective_at`, `expires_at` or `ttl`, `confidence` and `evidence`.
    pub rows: Vec<serde_json::Value>,
    /// Whether to say only what would happen.
    #[serde(default)]
    pub dry_run: bool,
}

/// A row of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    customer: String,
    tag: String,
    #[serde(default)]
    action: Action,
    effective_at: Option<Instant>,
    expires_at: Option<Instant>,
    ttl: Option<Duration>,
    confidence: Option<u8>,
    evidence: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    #[default]
    Add,
    Remove,
}

/// What became of a part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Imported {
    /// Rows of the part.
    pub rows: u64,
    /// Tags that were put on.
    pub added: u64,
    /// Tags that were taken off by the list, not those that others replaced.
    pub removed: u64,
    /// Rows that said what was so already.
    pub unchanged: u64,
    /// Rows that have a line in the report.
    pub bad: u64,
    /// A line for each row that did not do what it says, in their order.
    pub report: Vec<Line>,
    /// Whether the part came before, and this is its report from then.
    pub replayed: bool,
}

/// Why a row did not do what it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The row; 1 is the first of the part.
    pub row: u64,
    /// A stable name: a refusal of `add`, `ROW_INVALID`, `UNKNOWN_CUSTOMER` or `LATE`.
    pub code: String,
    /// What was found and what was expected.
    pub message: String,
}

/// A part that was done.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    hash: String,
    pages: usize,
    counts: Imported,
}

/// What a row did.
enum Did {
    Added,
    Removed,
    Nothing,
}

impl Step for Import {
    const NAME: &'static str = "import";
    const REFUSALS: &'static [Refusal] = &[IDEMPOTENCY_MISMATCH];
    type Output = Imported;

    fn run(self) -> Result<Imported, Stop> {
        if self.rows.len() > ROWS_MAX {
            let message =
                format!("{} rows, expected at most {ROWS_MAX}: import a long list in parts", self.rows.len());
            Err(Fault::invalid("/rows", message))?;
        }
        let author = Author::new(Some(format!("import:{}", self.batch)))?;
        let hash = hash(&self.rows);
        if !self.dry_run
            && let Some(before) = self.done_before(&hash)?
        {
            return Ok(before);
        }
        let mut list =
            Work { author, is_dry: self.dry_run, groups: Groups::default(), books: BTreeMap::new() };
        let mut done = Imported { rows: self.rows.len() as u64, ..Imported::default() };
        for (place, row) in self.rows.iter().enumerate() {
            match list.row(row) {
                Ok(Did::Added) => done.added += 1,
                Ok(Did::Removed) => done.removed += 1,
                Ok(Did::Nothing) => done.unchanged += 1,
                Err(stop) => done.report.push(line(place as u64 + 1, stop)?),
            }
        }
        done.bad = done.report.len() as u64;
        for book in list.books.values_mut() {
            book.save()?;
        }
        if !self.dry_run {
            self.keep(hash, &done)?;
            TaggingImported {
                batch: self.batch,
                part: self.part,
                rows: done.rows,
                added: done.added,
                removed: done.removed,
                unchanged: done.unchanged,
                bad: done.bad,
            }
            .emit()?;
        }
        Ok(done)
    }
}

impl Import {
    fn place(&self, page: &str) -> String {
        key(&["import", &self.batch, &self.part.to_string(), page])
    }

    /// The report of a part that was done before.
    fn done_before(&self, hash: &str) -> Result<Option<Imported>, Stop> {
        let records = records::of_tenant();
        let Some(done) = records.get::<Done>(&self.place(""))? else {
            return Ok(None);
        };
        if done.hash != hash {
            let words = format!(
                "part {} of `{}` was imported with other rows: give the list another name, or the part another number",
                self.part, self.batch
            );
            Err(IDEMPOTENCY_MISMATCH.because(words))?;
        }
        let mut before = Imported { replayed: true, ..done.counts };
        for page in 0..done.pages {
            before
                .report
                .extend(records.get::<Vec<Line>>(&self.place(&page.to_string()))?.unwrap_or_default());
        }
        Ok(Some(before))
    }

    fn keep(&self, hash: String, done: &Imported) -> Result<(), Error> {
        let records = records::of_tenant();
        let pages = done.report.chunks(LINES_PER_PAGE);
        let count = pages.len();
        for (page, lines) in pages.enumerate() {
            records.put(&self.place(&page.to_string()), lines)?;
        }
        let counts = Imported { report: Vec::new(), ..done.clone() };
        records.put(&self.place(""), &Done { hash, pages: count, counts })
    }
}

/// A part while it is worked on.
struct Work {
    author: Author,
    is_dry: bool,
    groups: Groups,
    /// Customers of the rows so far; one row may undo another.
    books: BTreeMap<String, Book>,
}

impl Work {
    fn row(&mut self, row: &serde_json::Value) -> Result<Did, Stop> {
        let row = Row::deserialize(row).map_err(|fault| Fault::invalid("", fault.to_string()))?;
        let terms = Terms {
            effective_at: row.effective_at,
            expires_at: row.expires_at,
            ttl: row.ttl,
            confidence: row.confidence,
            evidence: row.evidence,
        };
        terms.check()?;
        if !self.books.contains_key(&row.customer) {
            let mut book = open(&row.customer)?;
            (book.is_dry, book.is_silent) = (self.is_dry, true);
            self.books.insert(row.customer.clone(), book);
        }
        let Some(book) = self.books.get_mut(&row.customer) else {
            return Ok(Did::Nothing);
        };
        if row.action == Action::Remove {
            let (group, _) = name::split(row.tag.trim());
            self.groups.for_author(group, &self.author)?;
            let known = book.marks.keys().find(|known| name::is_same(known, &row.tag)).cloned();
            let removed = known.map(|tag| book.remove(&tag, self.author.reason())).transpose()?;
            return Ok(if removed == Some(true) { Did::Removed } else { Did::Nothing });
        }
        let target = self.groups.target(&row.tag, &self.author)?;
        self.groups.consented(&target.group, &book.id)?;
        match self.groups.place(book, &target, (&self.author, &terms))? {
            Placed::Added => Ok(Did::Added),
            Placed::Kept => Ok(Did::Nothing),
            Placed::Not(why) => {
                refuse(book, &target, why)?;
                Err(LATE.because(words(why)))?
            }
        }
    }
}

/// A row that says something older than what is known. It never leaves this step.
const LATE: Refusal = Refusal::new("LATE", "what is known is true since later");

fn words(why: Why) -> &'static str {
    match why {
        Why::Late => "the standing tag is true since later than this row says",
        _ => "the standing tag wins",
    }
}

/// The line of a row that stopped; an error of the host that no row can help is one of the whole part.
fn line(row: u64, stop: Stop) -> Result<Line, Stop> {
    let cut = |message: &str| message.chars().take(MESSAGE_SYMBOLS_MAX).collect();
    match stop {
        Stop::Refused(refused) => {
            Ok(Line { row, code: refused.code.to_owned(), message: cut(&refused.message) })
        }
        Stop::Fault(Fault::InvalidInput(fields)) => {
            let message = fields.first().map_or_else(String::new, |field| cut(&field.message));
            Ok(Line { row, code: "ROW_INVALID".to_owned(), message })
        }
        other => Err(other),
    }
}

/// Tells rows apart: FNV-1a in 64 bits over their JSON, which is written in one way.
fn hash(rows: &[serde_json::Value]) -> String {
    let text = serde_json::to_string(rows).unwrap_or_default();
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

fn short<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if (1..=64).contains(&text.chars().count()) && text.trim() == text && text.len() <= 120 {
        return Ok(text);
    }
    Err(serde::de::Error::custom("expected a name of 1 to 64 symbols without white space at its ends"))
}
