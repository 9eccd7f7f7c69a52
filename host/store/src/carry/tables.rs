//! What a tenant consists of, by schema version: every table, its columns and its order.
//!
//! The same rows have the same form in every database, so two of them can be compared. A version's list is never edited: a
//! backup that was made with it is still read by it. A test compares the newest list with what the migrations make.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A whole number.
    Int,
    /// Yes or no: a boolean in Postgres, 1 or 0 in SQLite.
    Flag,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// A table of a tenant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The columns that are carried.
    pub(crate) columns: &'static [Column],
    /// In which order rows are read; empty for the order in which they were made.
    pub(crate) order: &'static [&'static str],
    /// Which rows belong to the tenant; the others belong to the place where it is kept.
    pub(crate) only: Option<&'static str>,
    /// Whether rows are numbered by the database, in a column `no` that is carried.
    pub(crate) is_numbered: bool,
    /// Whether the row is there from the beginning, and is changed instead of added.
    pub(crate) is_there: bool,
}

/// The tables of a schema version, in the order in which they are carried; none for a version that this program does not
/// know.
pub(crate) fn tables(version: i64) -> Option<&'static [Table]> {
    match version {
        1 => Some(VERSION_1),
        2 => Some(&VERSION_2),
        _ => None,
    }
}

const fn int(name: &'static str) -> Column {
    Column { name, kind: Kind::Int }
}

const fn flag(name: &'static str) -> Column {
    Column { name, kind: Kind::Flag }
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

const fn bytes(name: &'static str) -> Column {
    Column { name, kind: Kind::Bytes }
}

const fn table(name: &'static str, order: &'static [&'static str], columns: &'static [Column]) -> Table {
    Table { name, columns, order, only: None, is_numbered: false, is_there: false }
}

const fn numbered(name: &'static str, columns: &'static [Column]) -> Table {
    Table { name, columns, order: &["no"], only: None, is_numbered: true, is_there: false }
}

/// The tables of a version and new ones after them.
const fn added<const N: usize>(before: &[Table], new: &[Table]) -> [Table; N] {
    let mut all = [before[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < before.len() { before[at] } else { new[at - before.len()] };
        at += 1;
    }
    all
}

impl Table {
    /// The place of a column.
    pub(crate) fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|found| found.name == column)
    }

    /// What is asked to read it, where rows that have no key come in the order of `age`.
    pub(crate) fn select(&self, age: &str) -> String {
        let quoted = |names: &mut dyn Iterator<Item = &str>| {
            names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
        };
        let columns = quoted(&mut self.columns.iter().map(|column| column.name));
        let order = match self.order {
            [] => age.to_owned(),
            names => quoted(&mut names.iter().copied()),
        };
        let only = self.only.map_or_else(String::new, |only| format!(" WHERE {only}"));
        format!("SELECT {columns} FROM \"{}\"{only} ORDER BY {order}", self.name)
    }
}

/// The random bytes of the tenant go with it; notes of its place stay.
const META: Table =
    Table { only: Some("name = 'secret'"), ..table("meta", &["name"], &[text("name"), bytes("value")]) };

/// How far the tenant came goes with it; who may write it does not.
const LEASE: Table =
    Table { is_there: true, ..table("lease", &["only"], &[int("committed_at"), int("last_seq")]) };

const VERSION_1: &[Table] = &[
    META,
    LEASE,
    table(
        "events",
        &["seq"],
        &[
            int("seq"),
            bytes("dedupe"),
            text("id"),
            text("source"),
            text("event_type"),
            bytes("customer"),
            int("occurred_at"),
            int("recorded_at"),
            int("depth"),
            text("data"),
            text("outcome"),
            bytes("matches"),
        ],
    ),
    table("event_matches", &["hash", "seq"], &[bytes("hash"), int("seq")]),
    numbered("customers", &[int("no"), bytes("id"), int("created_at"), text("attributes")]),
    table("identities", &["namespace", "value"], &[text("namespace"), text("value"), bytes("customer")]),
    table(
        "facts",
        &["customer", "event_type"],
        &[
            bytes("customer"),
            text("event_type"),
            int("count"),
            int("sum_fen"),
            int("first_at"),
            int("last_at"),
            int("last_seq"),
        ],
    ),
    table(
        "tags",
        &["customer", "tag"],
        &[
            bytes("customer"),
            text("tag"),
            text("source"),
            int("added_at"),
            int("effective_at"),
            int("expires_at"),
            int("confidence_percent"),
            text("evidence"),
        ],
    ),
    table(
        "segment_members",
        &["customer", "playbook", "segment"],
        &[
            bytes("customer"),
            text("playbook"),
            text("segment"),
            flag("is_member"),
            int("since"),
            int("check_at"),
        ],
    ),
    numbered(
        "runs",
        &[
            int("no"),
            bytes("id"),
            text("playbook"),
            bytes("version"),
            text("workflow"),
            bytes("customer"),
            text("key"),
            text("slot"),
            int("event"),
            int("since_seq"),
            int("depth"),
            bytes("parent"),
            int("parent_fiber"),
            int("started_at"),
            int("changed_at"),
            text("phase"),
            int("ended_at"),
            text("status"),
            int("journal_rows"),
            int("journal_last"),
            text("state"),
        ],
    ),
    table(
        "journal",
        &["id"],
        &[
            int("id"),
            int("prev"),
            bytes("run"),
            int("row"),
            int("at"),
            text("step"),
            int("fiber"),
            text("kind"),
            text("detail"),
        ],
    ),
    table(
        "entries",
        &["hash"],
        &[bytes("hash"), bytes("customer"), bytes("run"), int("started_at"), flag("is_alive")],
    ),
    table(
        "waits",
        &["id"],
        &[bytes("id"), bytes("run"), int("fiber"), bytes("customer"), text("event_types"), bytes("matching")],
    ),
    table("timers", &["due_at", "id"], &[int("due_at"), bytes("id"), text("kind")]),
    table(
        "planned",
        &["plugin", "key"],
        &[
            text("plugin"),
            text("key"),
            int("due_at"),
            text("event_type"),
            bytes("customer"),
            text("data"),
            int("depth"),
        ],
    ),
    table(
        "records",
        &["customer", "plugin", "key"],
        &[bytes("customer"), text("plugin"), text("key"), text("body")],
    ),
    table(
        "pools",
        &["plugin", "key"],
        &[text("plugin"), text("key"), int("total"), int("available"), int("reserved"), int("sold")],
    ),
    table(
        "reservations",
        &["id"],
        &[
            bytes("id"),
            text("plugin"),
            text("pool"),
            bytes("customer"),
            int("units"),
            text("counters"),
            text("reference"),
            text("status"),
            int("expires_at"),
        ],
    ),
    table("counters", &["plugin", "key"], &[text("plugin"), text("key"), int("used"), int("limit_max")]),
    table(
        "codes",
        &["lookup"],
        &[
            bytes("lookup"),
            text("plugin"),
            text("space"),
            bytes("sealed"),
            text("reference"),
            int("created_at"),
        ],
    ),
    numbered(
        "messages",
        &[
            int("no"),
            bytes("id"),
            bytes("customer"),
            text("channel"),
            text("class"),
            text("template"),
            text("body"),
            text("status"),
            text("reason"),
            int("attempts"),
            int("planned_at"),
            int("due_at"),
            int("expires_at"),
            int("changed_at"),
            bytes("run"),
            text("step"),
        ],
    ),
    table(
        "playbooks",
        &[],
        &[
            text("name"),
            bytes("digest"),
            text("compiled"),
            text("files"),
            int("published_at"),
            flag("is_active"),
        ],
    ),
    table(
        "resources",
        &["plugin", "kind", "name"],
        &[text("plugin"), text("kind"), text("name"), text("playbook"), text("body"), text("reactions")],
    ),
    table(
        "schedules",
        &["playbook", "workflow"],
        &[text("playbook"), text("workflow"), text("pattern"), int("next_at")],
    ),
    table(
        "scans",
        &["id"],
        &[
            bytes("id"),
            text("purpose"),
            int("started_at"),
            int("spread_ms"),
            int("total"),
            int("seen"),
            int("hits"),
            bytes("after"),
            flag("is_done"),
        ],
    ),
    table("feeds", &["name"], &[text("name"), int("events")]),
];

/// Accounts and the transfers between them.
const LEDGER: &[Table] = &[
    table(
        "accounts",
        &["plugin", "customer", "name"],
        &[text("plugin"), bytes("customer"), text("name"), int("balance")],
    ),
    numbered(
        "ledger_entries",
        &[
            int("no"),
            bytes("posting"),
            int("place"),
            text("plugin"),
            bytes("from_customer"),
            text("from_name"),
            bytes("to_customer"),
            text("to_name"),
            int("units"),
            int("at"),
            text("reference"),
        ],
    ),
];

static VERSION_2: [Table; VERSION_1.len() + LEDGER.len()] = added(VERSION_1, LEDGER);
