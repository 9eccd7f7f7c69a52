//! The files of an export and their columns, each with its meaning. The page that explains them is made from this.

use std::fmt::Write as _;

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is: a number or a text.
    Plain,
    /// An instant in UTC.
    Instant,
    /// Yes or no.
    Flag,
    /// A JSON value.
    Json,
    /// Hexadecimal digits.
    Hex,
    /// A customer's id.
    Customer,
    /// A run's id.
    Run,
    /// A message's id.
    Message,
    /// A reservation's id.
    Reservation,
    /// A posting's id.
    Posting,
}

impl Form {
    fn words(self) -> &'static str {
        match self {
            Self::Plain => "text or number",
            Self::Instant => "instant, UTC",
            Self::Flag => "true or false",
            Self::Json => "JSON",
            Self::Hex => "hexadecimal digits",
            Self::Customer => "`cus_…`",
            Self::Run => "`run_…`",
            Self::Message => "`msg_…`",
            Self::Reservation => "`res_…`",
            Self::Posting => "`pst_…`",
        }
    }
}

/// A column of a file.
pub(super) struct ExportColumn {
    /// In the table.
    pub(super) from: &'static str,
    /// In the file.
    pub(super) name: &'static str,
    pub(super) form: Form,
    /// What it means.
    about: &'static str,
}

/// A file, or several that are told apart by a column.
pub(super) struct ExportFile {
    pub(super) table: &'static str,
    /// Its name without its end.
    pub(super) file: &'static str,
    /// One file a value of this column.
    pub(super) by: Option<&'static str>,
    /// What a line is.
    about: &'static str,
    pub(super) columns: &'static [ExportColumn],
}

/// The page that explains the files.
pub(super) fn page() -> String {
    let mut page = String::from(
        "# The files of this folder\n\nOne JSON object a line, all of one moment. Money is in fen. Ids are stable: the same \
         customer, run or message has the same id in every export, and messages carry theirs when they leave.\n",
    );
    for file in FILES {
        let of = if file.by.is_some() { "-<plugin>" } else { "" };
        // Writing to a string cannot fail.
        let _always = write!(page, "\n## {}{of}.ndjson\n\n{}\n\n", file.file, file.about);
        page.push_str("| name | form | meaning |\n|---|---|---|\n");
        for column in file.columns {
            let _always = writeln!(page, "| {} | {} | {} |", column.name, column.form.words(), column.about);
        }
    }
    page
}

const fn column(from: &'static str, name: &'static str, form: Form, about: &'static str) -> ExportColumn {
    ExportColumn { from, name, form, about }
}

const fn plain(name: &'static str, about: &'static str) -> ExportColumn {
    column(name, name, Form::Plain, about)
}

const fn at(name: &'static str, about: &'static str) -> ExportColumn {
    column(name, name, Form::Instant, about)
}

const fn json(name: &'static str, about: &'static str) -> ExportColumn {
    column(name, name, Form::Json, about)
}

const fn customer(about: &'static str) -> ExportColumn {
    column("customer", "customer", Form::Customer, about)
}

const fn file(
    table: &'static str,
    file: &'static str,
    about: &'static str,
    columns: &'static [ExportColumn],
) -> ExportFile {
    ExportFile { table, file, by: None, about, columns }
}

/// All files.
pub(super) const FILES: &[ExportFile] = &[
    file(
        "customers",
        "customers",
        "A customer.",
        &[
            column("id", "id", Form::Customer, "the customer"),
            at("created_at", "when the host first heard of them"),
            json("attributes", "what is known of them"),
        ],
    ),
    file(
        "identities",
        "identities",
        "A name by which the outside knows a customer.",
        &[
            customer("whose"),
            plain("namespace", "whose name it is, such as a shop"),
            plain("value", "the name"),
        ],
    ),
    file(
        "facts",
        "facts",
        "What a customer did, counted by type of event.",
        &[
            customer("whose"),
            plain("event_type", "the type"),
            plain("count", "how often"),
            plain("sum_fen", "sum of `amount_fen`, in fen"),
            at("first_at", "the first time"),
            at("last_at", "the last time"),
        ],
    ),
    file(
        "tags",
        "tags",
        "A tag that a customer has.",
        &[
            customer("whose"),
            plain("tag", "the tag"),
            plain("source", "who put it on"),
            at("added_at", "when"),
            at("effective_at", "from when on it counts"),
            at("expires_at", "until when, if it ends"),
            plain("confidence_percent", "how sure, 0 to 100"),
            json("evidence", "why"),
        ],
    ),
    file(
        "segment_members",
        "segments",
        "Whether a customer is in a segment.",
        &[
            customer("who"),
            plain("playbook", "whose segment"),
            plain("segment", "the segment"),
            column("is_member", "is_member", Form::Flag, "whether they are in it"),
            at("since", "since when"),
        ],
    ),
    file(
        "events",
        "events",
        "Something that happened, in the order in which it was recorded.",
        &[
            plain("seq", "its place in the log"),
            plain("id", "its id as its source gave it"),
            plain("source", "who said it"),
            column("event_type", "type", Form::Plain, "what happened"),
            customer("to whom"),
            at("occurred_at", "when it happened"),
            at("recorded_at", "when it was recorded"),
            json("data", "what was said of it"),
            json("outcome", "what came of it: runs started and waits matched"),
        ],
    ),
    file(
        "runs",
        "runs",
        "One execution of a workflow.",
        &[
            column("id", "id", Form::Run, "the run"),
            plain("playbook", "of which playbook"),
            column("version", "version", Form::Hex, "the digest of its version"),
            plain("workflow", "the workflow"),
            customer("for whom"),
            plain("key", "what it is the only live run of"),
            plain("event", "the place of the event that started it"),
            column("parent", "parent", Form::Run, "the run that called it"),
            at("started_at", "when it began"),
            at("changed_at", "when it last changed"),
            at("ended_at", "when it ended"),
            plain("phase", "where it stands"),
            json("status", "how it ended, or why it rests"),
        ],
    ),
    file(
        "journal",
        "journal",
        "A line of a run's journal.",
        &[
            column("run", "run", Form::Run, "of which run"),
            plain("row", "its number in the run, from 0"),
            at("at", "when"),
            plain("step", "at which step"),
            plain("kind", "what happened"),
            json("detail", "more of it"),
        ],
    ),
    file(
        "messages",
        "messages",
        "A message to a customer.",
        &[
            column("id", "id", Form::Message, "the message, the same on the other side"),
            customer("to whom"),
            plain("channel", "over which channel"),
            plain("class", "service or marketing"),
            plain("template", "by which template"),
            plain("body", "what it says"),
            plain("status", "where it stands"),
            plain("reason", "why it was not sent"),
            plain("attempts", "how often it was handed over"),
            at("planned_at", "when it was planned"),
            at("due_at", "when it is to leave"),
            at("expires_at", "when it is not sent any more"),
            at("changed_at", "when its status changed"),
            column("run", "run", Form::Run, "by which run"),
            plain("step", "by which of its steps"),
        ],
    ),
    ExportFile {
        table: "records",
        file: "documents",
        by: Some("plugin"),
        about: "A document that a plugin keeps, a file a plugin: coupons are in `documents-coupon`, draws in \
                `documents-package-card-lottery`.",
        columns: &[
            plain("plugin", "the plugin"),
            customer("of whom; none for the tenant's own"),
            plain("key", "under which key"),
            json("body", "the document"),
        ],
    },
    file(
        "pools",
        "stock",
        "A pool of stock: available + reserved + sold = total.",
        &[
            plain("plugin", "whose"),
            plain("key", "which"),
            plain("total", "all"),
            plain("available", "can be had"),
            plain("reserved", "held for somebody"),
            plain("sold", "gone"),
        ],
    ),
    file(
        "reservations",
        "reservations",
        "Stock that was held for somebody.",
        &[
            column("id", "id", Form::Reservation, "the reservation"),
            plain("plugin", "whose stock"),
            plain("pool", "which"),
            customer("for whom"),
            plain("units", "how many"),
            plain("reference", "for what, such as an order"),
            plain("status", "held, committed, released or expired"),
            at("expires_at", "until when it is held"),
        ],
    ),
    file(
        "counters",
        "counters",
        "A budget or quota and how much of it is used.",
        &[
            plain("plugin", "whose"),
            plain("key", "which"),
            plain("used", "how much is used"),
            plain("limit_max", "how much there is"),
        ],
    ),
    file(
        "accounts",
        "accounts",
        "What an account holds. All accounts of a plugin together hold nothing.",
        &[
            plain("plugin", "whose"),
            customer("of whom; none for the tenant's own, which alone may owe"),
            plain("name", "which"),
            plain("balance", "what it holds"),
        ],
    ),
    file(
        "ledger_entries",
        "ledger",
        "A transfer from one account to another, in the order in which they were made.",
        &[
            column("posting", "posting", Form::Posting, "which transfers were made together"),
            plain("place", "its place among them, from 0"),
            plain("plugin", "whose accounts"),
            column("from_customer", "from_customer", Form::Customer, "who gave; none for the tenant"),
            plain("from_name", "from which account"),
            column("to_customer", "to_customer", Form::Customer, "who got; none for the tenant"),
            plain("to_name", "to which account"),
            plain("units", "how many"),
            at("at", "when"),
            plain("reference", "for what, such as an order"),
        ],
    ),
    file(
        "codes",
        "codes",
        "A code that was issued. The code itself is sealed and stays; what it stands for is here.",
        &[
            plain("plugin", "by which plugin"),
            plain("space", "among which codes it is the only one"),
            plain("reference", "what it stands for"),
            at("created_at", "when"),
        ],
    ),
    file(
        "planned",
        "planned_events",
        "An event that a plugin has planned.",
        &[
            plain("plugin", "by which plugin"),
            plain("key", "under which key"),
            at("due_at", "for when"),
            column("event_type", "type", Form::Plain, "what is to happen"),
            customer("to whom"),
            json("data", "what is to be said of it"),
        ],
    ),
    file(
        "playbooks",
        "playbooks",
        "A published version of a playbook, oldest first.",
        &[
            plain("name", "the playbook"),
            column("digest", "version", Form::Hex, "the digest of the version"),
            at("published_at", "when"),
            column("is_active", "is_active", Form::Flag, "whether it is in force"),
            json("files", "its files"),
        ],
    ),
    file(
        "resources",
        "resources",
        "A definition that is in force.",
        &[
            plain("plugin", "of which plugin"),
            plain("kind", "of which kind"),
            plain("name", "its name"),
            plain("playbook", "by which playbook"),
            json("body", "what it says"),
        ],
    ),
    file(
        "schedules",
        "schedules",
        "When a workflow starts by the calendar.",
        &[
            plain("playbook", "the playbook"),
            plain("workflow", "the workflow"),
            plain("pattern", "when"),
            at("next_at", "when next"),
        ],
    ),
];
