//! Connections: their settings, what a server must be like, and how statements and parameters travel.
//!
//! A setting that weakens durability is refused, whoever set it. Nothing here knows a table.

use std::fmt::Write as _;
use std::str::FromStr as _;
use std::time::Duration;

use futures_util::TryStreamExt;
use siyu_engine::ports::store::StoreError;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Either, Executor, Row, SqlSafeStr};
use tokio::sync::OnceCell;

use super::cells::Record;
use super::composite::Shapes;
use super::escape::escaped;
use super::sessions;
use crate::database::{Args, Value, failed};

/// The oldest version of Postgres that is supported: the oldest that its makers support.
const VERSION_MIN: i32 = 140_000;
/// Texts that a connection keeps prepared. Loads have one text a combination of what is wanted.
const STATEMENTS_KEPT: usize = 96;
/// How long a transaction of several statements may lie idle before the server ends it, so that a host that hangs in the
/// middle of one does not keep the lease's row.
const IDLE: &str = "10s";
/// How long a statement waits for a lock: for the lease's row, while a commit of the host before is on its way.
const LOCK: &str = "15s";

/// How long a server may take to be reached.
pub(super) const REACHED: Duration = Duration::from_secs(10);

/// Bytes of a key at most, as the model has it.
const KEY_BYTES_MAX: usize = 256;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The one that writes a tenant: by key, never a whole table.
    Write,
    /// Reads for the executor: by key, never a whole table.
    Read,
    /// Reads for people: any list and any number.
    Inspect,
}

/// A database of tenants, and how to reach it.
pub(super) struct Server {
    options: PgConnectOptions,
    place: String,
    /// Set once it was tried whether sessions are whole.
    has_whole_sessions: OnceCell<()>,
}

/// Without the password.
impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.place)
    }
}

impl Server {
    /// The server that a URL names.
    pub(super) fn at(url: &str) -> Result<Self, StoreError> {
        let is_postgres = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
        if !is_postgres {
            let found = url.split_once("://").map_or("no scheme", |(scheme, _)| scheme);
            let found = found.chars().take(32).collect::<String>();
            return Err(StoreError::Database(format!(
                "the URL of the database begins with `{found}`: expected postgres://user@host/database"
            )));
        }
        // What the driver says of a URL never holds the URL itself, whose password is nobody's business.
        let options = PgConnectOptions::from_str(url)
            .map_err(|fault| StoreError::Database(format!("the URL of the database: {fault}")))?;
        let place = place(&options);
        Ok(Self { options, place, has_whole_sessions: OnceCell::new() })
    }

    /// The database in words, without the password.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Opens a connection that sees one schema.
    pub(super) async fn connect(&self, schema: &str, purpose: Purpose) -> Result<PgConnection, StoreError> {
        let mut connection = self.dial(schema, purpose).await?;
        self.check(&mut connection, purpose).await?;
        let try_sessions = async {
            let other = self.dial(schema, Purpose::Read).await?;
            sessions::are_whole(self, &mut connection, other).await
        };
        self.has_whole_sessions.get_or_try_init(|| try_sessions).await?;
        Ok(connection)
    }

    /// Opens a connection without a look at what it leads to.
    pub(super) async fn dial(&self, schema: &str, purpose: Purpose) -> Result<PgConnection, StoreError> {
        let options = self.listener().statement_cache_capacity(STATEMENTS_KEPT);
        let fault = |fault| failed(&format!("{} cannot be reached", self.place), fault);
        let mut connection = within(REACHED, options.connect()).await.map_err(fault)?;
        // Settings that come with the greeting are refused by poolers.
        let mut text = String::new();
        for (name, value) in settings(schema, purpose) {
            let _ = writeln!(text, "SET {name} = {value};");
        }
        within(REACHED, sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection)).await.map_err(fault)?;
        Ok(connection)
    }

    /// How to reach it for a connection that asks nothing of a schema.
    pub(super) fn listener(&self) -> PgConnectOptions {
        // No number with a fraction travels, so how many digits it would have matters to nobody.
        let options = self.options.clone().extra_float_digits(None).disable_statement_logging();
        match options.get_application_name() {
            Some(_) => options,
            None => options.application_name("siyu"),
        }
    }

    async fn check(&self, connection: &mut PgConnection, purpose: Purpose) -> Result<(), StoreError> {
        const ASKED: &str = "SELECT current_setting('server_version_num')::int4, current_setting('fsync'), \
            current_setting('synchronous_commit'), current_setting('server_encoding'), pg_is_in_recovery()";
        let fault = |fault| failed(self.place(), fault);
        let row = sqlx::raw_sql(ASKED).fetch_one(connection).await.map_err(fault)?;
        let setting = |at: usize| row.try_get::<String, _>(at).map_err(fault);
        let version: i32 = row.try_get(0).map_err(fault)?;
        let is_standby: bool = row.try_get(4).map_err(fault)?;
        let (fsync, synchronous, encoding) = (setting(1)?, setting(2)?, setting(3)?);
        let wrong = [
            (version < VERSION_MIN).then(|| {
                format!("is Postgres {}: expected {} or later", version / 10_000, VERSION_MIN / 10_000)
            }),
            (fsync == "off").then(|| {
                "runs with fsync=off: a power cut would lose what was acknowledged; set fsync=on".to_owned()
            }),
            (synchronous == "off").then(|| {
                "answers commits before they are durable (synchronous_commit=off): set it to on for this \
                 user or database"
                    .to_owned()
            }),
            (encoding != "UTF8").then(|| format!("is encoded as {encoding}: expected UTF8")),
            (is_standby && purpose == Purpose::Write)
                .then(|| "is a standby, which cannot be written: name the primary".to_owned()),
        ];
        match wrong.into_iter().flatten().next() {
            Some(wrong) => Err(StoreError::Database(format!("{} {wrong}", self.place))),
            None => Ok(()),
        }
    }
}

fn place(options: &PgConnectOptions) -> String {
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => options.get_host().to_owned(),
    };
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    format!("postgres://{user}@{host}:{}/{database}", options.get_port())
}

/// The settings of a session: names, and values as statements have them. Keyed statements must take their indexes whatever the tables' statistics say when they are
/// planned: a plan made for an empty table would read the whole of a full one.
fn settings(schema: &str, purpose: Purpose) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("search_path", format!("\"{schema}\"")),
        ("client_encoding", "'UTF8'".to_owned()),
        ("default_transaction_isolation", "'read committed'".to_owned()),
        ("idle_in_transaction_session_timeout", format!("'{IDLE}'")),
        ("lock_timeout", format!("'{LOCK}'")),
        ("jit", "off".to_owned()),
        ("max_parallel_workers_per_gather", "0".to_owned()),
    ];
    let is_read_only = if purpose == Purpose::Write { "off" } else { "on" };
    settings.push(("default_transaction_read_only", is_read_only.to_owned()));
    if purpose == Purpose::Inspect {
        settings.push(("plan_cache_mode", "force_custom_plan".to_owned()));
    } else {
        settings.push(("plan_cache_mode", "force_generic_plan".to_owned()));
        let by_key = ["enable_seqscan", "enable_hashjoin", "enable_mergejoin"];
        settings.extend(by_key.map(|setting| (setting, "off".to_owned())));
    }
    settings
}

/// A text after all texts that are keys: longer than any, of the last character.
fn after_all() -> String {
    char::MAX.to_string().repeat(KEY_BYTES_MAX)
}

/// The parameters of a statement, in the order of their numbers.
pub(super) fn arguments(args: Args, shapes: &Shapes) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for value in args.0 {
        add(&mut arguments, value, shapes).map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn add(arguments: &mut PgArguments, value: Value, shapes: &Shapes) -> Result<(), BoxDynError> {
    match value {
        Value::Int(number) => Arguments::add(arguments, number),
        Value::Text(text) => Arguments::add(arguments, text.map(|text| escaped(&text).into_owned())),
        Value::Bytes(bytes) => Arguments::add(arguments, bytes),
        Value::End(Some(text)) => Arguments::add(arguments, escaped(&text).into_owned()),
        Value::End(None) => Arguments::add(arguments, after_all()),
        Value::Path(names) => {
            let names = names.map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
            Arguments::add(arguments, names)
        }
        Value::Rows(rows) => Arguments::add(arguments, shapes.array(rows)?),
    }
}

/// Runs one statement; gives its rows, and how many it changed.
pub(super) async fn run(
    connection: &mut PgConnection,
    text: impl SqlSafeStr,
    arguments: PgArguments,
) -> Result<(Vec<PgRow>, u64), sqlx::Error> {
    let mut answers = connection.fetch_many(sqlx::query_with(text, arguments));
    let (mut rows, mut changed) = (Vec::new(), 0);
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Right(row) => rows.push(row),
            Either::Left(end) => changed += end.rows_affected(),
        }
    }
    Ok((rows, changed))
}

/// Gives up waiting for a server that does not answer: a network that is cut says nothing for a quarter of an hour. What was
/// asked may be done all the same, and the connection is of no use any more.
pub(super) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        let silent = format!("no answer for {} s", limit.as_secs());
        Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, silent)))
    })
}

/// Several questions as one statement, so that they see one view of the database and cost one trip: the rows of each come
/// as records with its number, in its order.
pub(super) fn view(questions: &[&'static str], parameters: &[usize]) -> String {
    let mut text = String::new();
    let mut offset = 0;
    for (number, question) in questions.iter().enumerate() {
        let union = if number == 0 { "" } else { "UNION ALL\n" };
        let body = renumbered(statement(question), offset);
        let _ = writeln!(text, "{union}SELECT {number}::int4, answer FROM (\n{body}\n) AS answer");
        offset += parameters.get(number).copied().unwrap_or(0);
    }
    text
}

/// A query file without its comment and its end.
fn statement(text: &str) -> &str {
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        if !line.starts_with("--") {
            break;
        }
        rest = after;
    }
    rest.trim_end().trim_end_matches(';')
}

/// A statement whose parameters are numbered after others. A `$` stands before a number only as a parameter.
fn renumbered(text: &str, offset: usize) -> String {
    let mut parts = text.split('$');
    let mut written = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match part[..digits].parse::<usize>() {
            Ok(number) => {
                let _ = write!(written, "${}{}", number + offset, &part[digits..]);
            }
            Err(_) => {
                written.push('$');
                written.push_str(part);
            }
        }
    }
    written
}

/// Sorts the records of a view by their questions.
pub(super) fn records(rows: &[PgRow], questions: usize) -> Result<Vec<Vec<Record>>, sqlx::Error> {
    let mut answers: Vec<Vec<Record>> = Vec::new();
    answers.resize_with(questions, Vec::new);
    for row in rows {
        let (question, record) = Record::of(row)?;
        match answers.get_mut(question) {
            Some(answer) => answer.push(record),
            None => return Err(sqlx::Error::Decode(format!("an answer to question {question}").into())),
        }
    }
    Ok(answers)
}

/// Whether the connection is at fault, and another one may answer.
pub(super) fn is_broken(fault: &sqlx::Error) -> bool {
    match fault {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => true,
        // A shutdown, a crash, or a statement that outlived its plan.
        sqlx::Error::Database(fault) => {
            fault.code().is_some_and(|code| ["57P01", "57P02", "57P03"].contains(&&*code))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Server, renumbered, statement, view};

    #[test]
    fn questions_become_one_statement_with_parameters_in_a_row() {
        let one = "-- for: one\n-- index: none\nSELECT a FROM t WHERE b = $1 AND c < $2;\n";
        let other = "-- for: other\nSELECT d #>> '{x,$}' FROM u WHERE e = $1 OR e = $11;\n";
        let expected = "SELECT 0::int4, answer FROM (\nSELECT a FROM t WHERE b = $1 AND c < $2\n) AS answer\n\
            UNION ALL\nSELECT 1::int4, answer FROM (\nSELECT d #>> '{x,$}' FROM u WHERE e = $3 OR e = $13\n) AS answer\n";
        assert_eq!(view(&[one, other], &[2, 11]), expected);
        assert_eq!(statement(one), "SELECT a FROM t WHERE b = $1 AND c < $2");
        assert_eq!(renumbered("$1 $2", 0), "$1 $2");
    }

    #[test]
    fn a_place_is_told_without_its_password() {
        for (url, place) in [
            ("postgres://me:hush@db.example:5433/shop", "postgres://me@db.example:5433/shop"),
            ("postgresql://me@db.example:5432/a%20b?sslmode=require", "postgres://me@db.example:5432/a b"),
        ] {
            let server = Server::at(url).map(|server| server.place);
            assert_eq!(server.ok().as_deref(), Some(place), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_database_is_refused_without_repeating_it() {
        for (url, says) in [
            ("mysql://me:hush@db/shop", "begins with `mysql`: expected postgres://"),
            ("me:hush@db", "begins with `no scheme`"),
            ("postgres://me:hush@db:port/shop", "invalid port number"),
        ] {
            let fault = Server::at(url).map(drop).map_err(|fault| fault.to_string());
            let fault = fault.expect_err("no URL of a database");
            assert!(fault.contains(says) && !fault.contains("hush"), "{fault}");
        }
    }
}
