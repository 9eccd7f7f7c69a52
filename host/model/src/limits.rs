//! Every limit of Siyu in one place: its number, its unit, and where the number comes from.
//!
//! Limits that an operator may change live in the host's configuration and take their defaults from here.

/// Playbooks and what people write.
pub mod playbook {
    /// Bytes of one YAML file. A playbook file that people read is some kilobytes.
    pub const FILE_BYTES_MAX: usize = 1 << 20;
    /// Bytes of all files of one playbook.
    pub const BUNDLE_BYTES_MAX: usize = 8 << 20;
    /// Files of one playbook.
    pub const FILES_MAX: usize = 1_000;
    /// Nesting of YAML collections.
    pub const YAML_DEPTH_MAX: usize = 64;
    /// Nodes of one YAML file, aliases expanded.
    pub const YAML_NODES_MAX: usize = 50_000;
    /// Bytes of all texts of one YAML file, aliases expanded: a long text that is named often must not fill memory.
    pub const YAML_TEXT_BYTES_MAX: usize = 4 << 20;
    /// Steps of one workflow, nested ones counted.
    pub const STEPS_MAX: usize = 1_000;
    /// Diagnostics that are shown; the rest is counted.
    pub const DIAGNOSTICS_SHOWN_MAX: usize = 20;
}

/// Expressions and templates.
pub mod expr {
    /// Bytes of the source of one expression.
    pub const SOURCE_BYTES_MAX: usize = 4 << 10;
    /// Bytes of one message template.
    pub const TEMPLATE_BYTES_MAX: usize = 32 << 10;
    /// Nodes of one expression's syntax tree: bounds how often a value can be repeated by writing it again.
    pub const NODES_MAX: usize = 256;
    /// Instructions of one evaluation. Bounds time; memory is bounded by the rules of the expression module.
    pub const FUEL: u64 = 20_000;
    /// Bytes of what one expression or template may produce, as JSON or text.
    pub const OUTPUT_BYTES_MAX: usize = 64 << 10;
}

/// JSON documents that cross a boundary.
pub mod json {
    /// Nesting of arrays and objects.
    pub const DEPTH_MAX: usize = 64;
    /// Bytes of one event's data, one step's input, output or one resource.
    pub const DOCUMENT_BYTES_MAX: usize = 256 << 10;
}

/// One call of a plugin; the defaults of `CallLimits`.
pub mod call {
    /// Instructions, wasmtime's fuel: 0.06 s of a tight loop, 0.6 s in an interpreter.
    pub const FUEL: u64 = 1_000_000_000;
    /// Fuel that one host call costs, before its bytes.
    pub const FUEL_PER_HOST_CALL: u64 = 2_000;
    /// Fuel that one byte costs which crosses between a plugin and the host.
    pub const FUEL_PER_HOST_CALL_BYTE: u64 = 1;
    /// Fuel after which a call looks at the clock: about a millisecond of a tight loop.
    pub const FUEL_PER_LOOK: u64 = 1_000_000;
    /// The same for components that are composed of several: text that they pass to each other costs no fuel, and the
    /// longest that fits takes 3 ms for 72 units (measured). So a call ends at most 0.4 s after its time.
    pub const FUEL_PER_LOOK_COMPOSED: u64 = 10_000;
    /// Processor time of one call in milliseconds, for what costs time and no fuel. Waiting for a processor does not
    /// count: a run does not fail because the machine is busy.
    pub const CPU_MS: u64 = 2_000;
    /// The same for a call that no customer waits for (describing a plugin, checking a definition).
    pub const PURE_CPU_MS: u64 = 20_000;
    /// Bytes of all linear memories of one instance together.
    pub const MEMORY_BYTES_MAX: usize = 64 << 20;
    /// Elements of all tables of one instance together.
    pub const TABLE_ELEMENTS_MAX: usize = 50_000;
    /// Core instances of one call, and as many memories and tables: a Python component has 38 instances.
    pub const INSTANCES_MAX: usize = 64;
    /// Handles of resources that are alive at once in one call.
    pub const HANDLES_MAX: usize = 1_000;
    /// Bytes of WebAssembly stack.
    pub const STACK_BYTES_MAX: usize = 512 << 10;
    /// Bytes of a step's input.
    pub const INPUT_BYTES_MAX: usize = 256 << 10;
    /// Bytes of a step's output.
    pub const OUTPUT_BYTES_MAX: usize = 256 << 10;
    /// Host calls.
    pub const HOST_CALLS_MAX: u32 = 10_000;
    /// Lines of log; further ones are dropped and counted.
    pub const LOG_LINES_MAX: u32 = 200;
    /// Bytes of one log line; the rest is cut.
    pub const LOG_LINE_BYTES_MAX: usize = 4 << 10;
    /// Bytes of all log lines of a call.
    pub const LOG_BYTES_MAX: usize = 64 << 10;
    /// Bytes of one document of a plugin.
    pub const RECORD_BYTES_MAX: usize = 64 << 10;
    /// Rows that one scan may ask for.
    pub const SCAN_ROWS_MAX: u32 = 1_000;
    /// Random bytes of one call.
    pub const RANDOM_BYTES_MAX: usize = 64 << 10;
    /// Bytes of the message of a fault or refusal; the rest is cut.
    pub const FAULT_MESSAGE_BYTES_MAX: usize = 4 << 10;
}

/// Accounts in double entry.
pub mod ledger {
    /// Transfers of one posting.
    pub const TRANSFERS_MAX: usize = 16;
    /// Units that an account may hold, or owe: what a JavaScript guest and JSON hold without loss, 2^53 - 1.
    pub const BALANCE_MAX: i64 = (1 << 53) - 1;
    /// Bytes of the reference of a posting, such as an order number.
    pub const REFERENCE_BYTES_MAX: usize = 256;
}

/// What a delivery over a plugin's channel may use, and what it may send and get over the network.
pub mod network {
    /// Bytes of the body of a request.
    pub const REQUEST_BYTES_MAX: usize = 1 << 20;
    /// Bytes of the body of a response.
    pub const RESPONSE_BYTES_MAX: usize = 1 << 20;
    /// Bytes of a URL: what servers take.
    pub const URL_BYTES_MAX: usize = 8 << 10;
    /// Header fields of a request or a response.
    pub const HEADERS_MAX: usize = 64;
    /// Bytes of all names and values of header fields together.
    pub const HEADER_BYTES_MAX: usize = 32 << 10;
    /// Addresses of a name that are looked at; one that is not public refuses the name.
    pub const ADDRESSES_MAX: usize = 32;
    /// Milliseconds that looking a name up and connecting may take, TLS included.
    pub const CONNECT_MS: u64 = 3_000;
    /// Milliseconds that a request may take in all.
    pub const REQUEST_MS: u64 = 10_000;
    /// Milliseconds after which a delivery sends nothing more.
    pub const DELIVERY_MS: u64 = 30_000;
    /// Requests of one delivery.
    pub const REQUESTS_MAX: u32 = 16;
    /// Requests of one tenant that are under way at once.
    pub const AT_ONCE_OF_TENANT: usize = 12;
    /// Requests of one host that are under way at once, each on a thread that waits for it.
    pub const AT_ONCE: usize = 128;
    /// Failures one after another after which a peer is left alone.
    pub const FAILURES_MAX: u32 = 5;
    /// Milliseconds for which a peer is left alone first; they double with each probe that fails.
    pub const REST_MS: u64 = 5_000;
    /// Milliseconds for which a peer is left alone at most.
    pub const REST_MS_MAX: u64 = 300_000;
    /// Peers of which failures are remembered, a tenant each; the one that was used longest ago is forgotten.
    pub const PEERS_MAX: usize = 4_096;
    /// Bytes of the value of a secret: a private key in PEM has some kilobytes.
    pub const SECRET_BYTES_MAX: usize = 16 << 10;
    /// Bytes of a key of a channel's cache.
    pub const CACHE_KEY_BYTES_MAX: usize = 256;
    /// Bytes of a value of a channel's cache: an access token has some hundreds.
    pub const CACHE_VALUE_BYTES_MAX: usize = 16 << 10;
    /// Values of one channel's cache.
    pub const CACHE_VALUES_MAX: usize = 64;
    /// Host calls of one delivery.
    pub const HOST_CALLS_MAX: u32 = 1_000;
}

/// Deliveries over channels that take one message at a time.
pub mod deliveries {
    /// Messages that one channel of a tenant has at once.
    pub const AT_ONCE: usize = 8;
    /// Places beside these for messages whose time ends soon.
    pub const URGENT: usize = 2;
    /// Milliseconds before its end at which a message's time ends soon: a welcome message of WeCom has 20 seconds in all.
    pub const URGENT_MS: u64 = 60_000;
    /// Milliseconds after which a message that was handed over, and of which nothing is known, is asked for: whatever was under way
    /// has ended by then, also on a host that was thought dead.
    pub const ASK_MS: u64 = 2 * super::network::DELIVERY_MS;
    /// Milliseconds of the first pause before a message is handed over again; it doubles each time.
    pub const PAUSE_MS: u64 = 2_000;
    /// Milliseconds of the longest pause.
    pub const PAUSE_MS_MAX: u64 = 3_600_000;
}

/// Erasing customers.
pub mod erasure {
    /// Milliseconds between two looks at what is still under way for a customer who is to be erased.
    pub const AGAIN_MS: u64 = 5_000;
    /// Milliseconds that runs may take which tell others that the customer is to be erased. 3 days: a task for staff over a
    /// weekend, and well within the 15 working days of a request (GB/T 35273, 8.7 names 30 days).
    pub const TELLING_MS: u64 = 3 * 86_400_000;
}

/// A component file and what it becomes.
pub mod component {
    /// Bytes of one component: the largest seen is a Python plugin with 18 MB.
    pub const BYTES_MAX: usize = 32 << 20;
    /// Bytes that an instance may write before its first instruction, which no fuel measures: the data of its memories,
    /// and 8 for each byte that describes its tables. As many as its memories may hold.
    pub const STARTUP_BYTES_MAX: usize = super::call::MEMORY_BYTES_MAX;
    /// Bytes of the manifest inside it.
    pub const MANIFEST_BYTES_MAX: usize = 256 << 10;
    /// Seconds of processor time that compiling may take, in its own process.
    pub const COMPILE_CPU_SECONDS: u64 = 120;
    /// Bytes of address space that compiling may take.
    pub const COMPILE_MEMORY_BYTES: u64 = 4 << 30;
}

/// Runs and their journals.
pub mod run {
    /// Journal rows of one run; the run fails with `JOURNAL_FULL` at the limit.
    pub const JOURNAL_ROWS_MAX: u32 = 10_000;
    /// Fibers of one run that are alive at once (branches of `parallel`, items of `each`).
    pub const FIBERS_MAX: usize = 1_000;
    /// Items of one `each`.
    pub const EACH_ITEMS_MAX: usize = 1_000;
    /// Bytes of what a run keeps: outputs that later expressions read, and variables.
    pub const KEPT_BYTES_MAX: usize = 256 << 10;
    /// Nesting of what a run keeps: documents inside the results of steps inside steps. With the run around it, it stays
    /// below the 128 levels that the JSON reader takes.
    pub const KEPT_DEPTH_MAX: usize = 96;
    /// Steps that one run may take without blocking; then it yields to others.
    pub const STEPS_PER_TURN: u32 = 64;
    /// How long a chain of events that cause runs that emit events may get (domain: loop guard of tag rules).
    pub const CAUSE_DEPTH_MAX: u32 = 8;
    /// Events that one step may emit.
    pub const EVENTS_PER_STEP_MAX: usize = 100;
    /// Events that one command may cause, steps of all runs that it starts together: a hundred events that cause a hundred
    /// each, eight times over, would be more than a host ever gets done.
    pub const EVENTS_PER_COMMAND_MAX: usize = 1_000;
    /// Messages that one step may enqueue.
    pub const MESSAGES_PER_STEP_MAX: usize = 100;
}

/// The executor of a tenant.
pub mod executor {
    /// Commands that wait in the inbox of a tenant; a further one is refused with a time to retry.
    pub const INBOX_MAX: usize = 8_192;
    /// So many are taken in however long those before them take: some batches, so that a burst after a quiet hour is.
    pub const INBOX_ALWAYS_TAKEN: usize = 1_024;
    /// Milliseconds that a further command waits in the inbox at most; one that would wait longer is refused with a time to
    /// retry. Beyond it a person who waits for an answer asks again, which makes more of the same.
    pub const INBOX_WAIT_MAX_MS: u64 = 300;
    /// Commands of one batch. Measured: beyond 256 nothing is gained.
    pub const BATCH_MAX: usize = 256;
    /// The same in virtual time, where nobody waits: customers come again within a batch, and each page of the database
    /// is written once a batch.
    pub const BATCH_VIRTUAL_MAX: usize = 1_024;
    /// Milliseconds of execution after which a batch is committed, so that slow plugins do not delay others' answers.
    pub const SLICE_MS: u64 = 5;
    /// The same while the commit before is under way: answers wait for that anyway, and a larger batch costs less a step.
    pub const SLICE_COMMITTING_MS: u64 = 20;
    /// The same in virtual time.
    pub const SLICE_VIRTUAL_MS: u64 = 500;
    /// Messages that wait for their channel with all that they say; further ones are kept by id and read again. A channel
    /// takes them in thousands, so this is some seconds of work.
    pub const OUTBOX_MAX: usize = 8_192;
    /// Timers held in memory; the rest stays in the store's index.
    pub const TIMER_WINDOW_MAX: usize = 8_192;
    /// Customers held in memory, at about six kilobytes each. With fewer than come again within a day or a scan goes
    /// through, each of them is read again: measured four times slower for a replay of 30,000.
    pub const CUSTOMERS_CACHED_MAX: usize = 50_000;
    /// Runs held in memory: those that customers come back to within minutes.
    pub const RUNS_CACHED_MAX: usize = 8_000;
    /// Records, pools, counters and other single rows held in memory.
    pub const ROWS_CACHED_MAX: usize = 20_000;
    /// Rows that were looked for in vain after which a tenant gathers the keys of what it has: one that is woken for a moment
    /// does not.
    pub const KEYS_AFTER_ABSENT: u64 = 256;
    /// Keys of one table that are read at once.
    pub const KEYS_READ: usize = 4_096;
    /// Keys of one table that are gathered at most, at about two bytes each; a larger table is asked about every row.
    pub const KEYS_GATHERED_MAX: usize = 12_000_000;
    /// Customers that one batch of a scan looks at.
    pub const SCAN_BATCH: usize = 256;
    /// Events that a wait looks back over when it is reached, oldest first: a busy customer of a year has some hundreds.
    pub const LOOK_BACK_EVENTS_MAX: u32 = 10_000;
}

/// The lanes of a host, and what one tenant may take of them.
pub mod lanes {
    /// Percent of one lane that a tenant gets while others work too.
    pub const SHARE_PERCENT: u32 = 25;
    /// What a tenant did not take before is its own for so many milliseconds.
    pub const BURST_MS: u64 = 20;
    /// Milliseconds for which another tenant that worked counts as working.
    pub const COMPANY_MS: u64 = 100;
    /// Milliseconds of a batch that has company.
    pub const SLICE_MS: u64 = 2;
}

/// A host of many tenants.
pub mod host {
    /// Milliseconds after which a tenant in which nothing happens is closed. Opening it again takes some milliseconds.
    pub const IDLE_MS: u64 = 30_000;
    /// Tenants that may be awake while nothing happens in them: each has four connections with a thread and a cache.
    pub const AWAKE_MAX: usize = 128;
    /// Tenants that are opened or closed at once: opening is reading, and two processors have no use for more.
    pub const TURNS_MAX: usize = 8;
}

/// Several hosts on one database.
pub mod fleet {
    /// Milliseconds for which a host lives after it said so. Whoever looks once a beat takes over what it had within ten
    /// seconds of its last word.
    pub const LEASE_MS: u64 = 8_000;
    /// Milliseconds between two times that a host says that it lives, and looks who else does: seven chances within its
    /// lease.
    pub const BEAT_MS: u64 = 1_000;
    /// Tenants that a host gives up within one beat, so that a host that comes does not wake all of them at once.
    pub const MOVES_MAX: usize = 32;
    /// Letters of one tenant that are read at once: about a batch of its executor.
    pub const LETTERS_READ: usize = 256;
    /// Letters of one tenant that may wait; further ones are refused. A million bytes of index, and some seconds of work.
    pub const LETTERS_MAX: usize = 20_000;
    /// Bytes of one letter: an event's document and the room that JSON takes to quote it; a playbook with its files.
    pub const LETTER_BYTES_MAX: usize = 16 << 20;
    /// Milliseconds that whoever hands in a letter waits for the answer before it is told that the letter is kept: longer
    /// than it takes another host to take over.
    pub const PATIENCE_MS: u64 = 12_000;
    /// Milliseconds within which whoever hands an event in at a host of a fleet is told something: that it is done, that it is kept,
    /// or that it is to be handed in again. A host that its database does not hear
    /// says so once its lease is over.
    pub const ANSWER_MS: u64 = PATIENCE_MS;
    /// Milliseconds between two looks for letters and answers when nobody said that there are any.
    pub const POLL_MS: u64 = 500;
}

/// What people read.
pub mod inspect {
    /// Rows of one page of a list: what a person scrolls through, and a response stays below a megabyte.
    pub const PAGE_ROWS_MAX: usize = 1_000;
    /// Rows of one call to a list of narrow rows that reports read to its end: ids and instants, about 50 bytes each, so
    /// that a report over a million of them makes a hundred calls and holds a megabyte.
    pub const STREAM_ROWS_MAX: usize = 10_000;
    /// Characters of the detail of a journal line that is told to those who follow a tenant; a longer one is in the run's
    /// journal.
    pub const LOG_DETAIL_CHARS_MAX: usize = 512;
    /// Groups of events that one question gives: channels, campaigns and prizes are tens.
    pub const GROUPS_MAX: usize = 5_000;
    /// Paths by which events are grouped.
    pub const GROUP_PATHS_MAX: usize = 4;
    /// The largest number of one event that a sum takes in, either way: ten billion yuan in fen, so that nine million of
    /// them fit into the sum.
    pub const SUMMED_MAX: i64 = 1_000_000_000_000;
    /// Months of one cohort matrix: ten years.
    pub const COHORT_MONTHS_MAX: usize = 120;
}

/// Who may do what: tokens and what is noted of changes.
pub mod access {
    /// Tokens of one host that are neither expired nor revoked. Each holder has one; a host keeps all of them in memory.
    pub const TOKENS_MAX: usize = 10_000;
    /// Tenants that one token may name; a token for more is for all.
    pub const TENANTS_MAX: usize = 1_000;
    /// Bytes of what people call a token.
    pub const NAME_BYTES_MAX: usize = 128;
    /// Days after which a token expires when nobody says otherwise.
    pub const DAYS: u32 = 90;
    /// Days after which every token expires: ten years.
    pub const DAYS_MAX: u32 = 3_650;
    /// Milliseconds for which a host goes by what it knows of tokens: one that was revoked elsewhere is refused then.
    pub const FRESH_MS: u64 = 1_000;
    /// The same for a token that the host does not know: it may have been made a moment ago.
    pub const FRESH_UNKNOWN_MS: u64 = 100;
    /// Milliseconds after which a host that cannot ask goes by what it knows no longer.
    pub const STALE_MS: u64 = 30_000;
    /// Milliseconds between two notes that tokens were used: `used_at` is exact to this.
    pub const USED_MS: u64 = 10_000;
    /// Bytes of each text of a note of a change; the rest is cut.
    pub const NOTE_BYTES_MAX: usize = 1_024;
}

/// Requests over HTTP.
pub mod http {
    /// Connections that are open at once; a further one waits to be taken in.
    pub const CONNECTIONS_MAX: usize = 8_192;
    /// Bytes of the head of a request: names and values of its fields.
    pub const HEAD_BYTES_MAX: usize = 16 << 10;
    /// Fields of the head of a request.
    pub const HEAD_FIELDS_MAX: usize = 64;
    /// Milliseconds for which the head of a request may take to come.
    pub const HEAD_MS: u64 = 10_000;
    /// Milliseconds for which the handshake of TLS may take.
    pub const HANDSHAKE_MS: u64 = 5_000;
    /// Bytes of a path with its query.
    pub const URL_BYTES_MAX: usize = 8 << 10;
    /// Milliseconds for which the body of a request may take to come.
    pub const BODY_MS: u64 = 30_000;
    /// Bytes of a body that is no event and no playbook.
    pub const BODY_BYTES_MAX: usize = 64 << 10;
    /// Bytes that are read and dropped of a body beyond its limit, so that whoever sends them hears the refusal.
    pub const BODY_BEYOND_BYTES_MAX: usize = 8 << 20;
    /// Bytes of a body with the files of a playbook: [`super::playbook::BUNDLE_BYTES_MAX`] in JSON, whose escapes take room.
    pub const PLAYBOOK_BYTES_MAX: usize = 12 << 20;
    /// Playbooks that are read, checked or compared at once; whoever comes then is told to come again.
    pub const PLAYBOOKS_AT_ONCE: usize = 4;
    /// Bytes of a batch of events.
    pub const BATCH_BYTES_MAX: usize = 4 << 20;
    /// Events of a batch.
    pub const BATCH_EVENTS_MAX: usize = 10_000;
    /// Events of a batch that are on their way at once: half of what an inbox always takes in
    /// ([`super::executor::INBOX_ALWAYS_TAKEN`]), so that two batches are never in each other's way. With 256 fewer
    /// events a second were measured.
    pub const BATCH_AT_ONCE: usize = 512;
    /// Milliseconds for which a request may wait for what a run answers.
    pub const WAIT_MS_MAX: u64 = 30_000;
    /// Bytes of an `X-Request-Id` that is taken over; a longer one is replaced.
    pub const REQUEST_ID_BYTES_MAX: usize = 64;
    /// Seconds for which a tenant's quota of events may be saved up and used at once.
    pub const QUOTA_SAVED_S: u64 = 2;
    /// Seconds for which what was measured of a tenant's storage is good.
    pub const STORAGE_LOOK_S: u64 = 10;
    /// Streams that are open at once: half of the connections, so that requests find some.
    pub const STREAMS_MAX: usize = CONNECTIONS_MAX / 2;
    /// Streams that one token has open at once.
    pub const STREAMS_PER_TOKEN_MAX: usize = 20;
    /// Milliseconds after which a stream that has nothing to tell says that it is alive, and whoever follows is looked at again.
    pub const STREAM_BEAT_MS: u64 = 15_000;
    /// Bytes by which somebody who follows may be behind before they are let go; kept once a tenant.
    pub const STREAM_BEHIND_BYTES_MAX: usize = 256 << 10;
    /// Rows of each log that are read at once for those who follow a tenant.
    pub const STREAM_PAGE_ROWS: usize = 100;
    /// Messages that are handed to one of those who follow at once.
    pub const STREAM_TAKEN_MAX: usize = 64;
    /// Parts of logs that are read at once for those who come back.
    pub const STREAM_READS_MAX: usize = 4;
    /// Milliseconds between two looks at a followed tenant that another host executes.
    pub const STREAM_POLL_MS: u64 = 500;
    /// Rows of a page when nobody says how many.
    pub const PAGE_ROWS: usize = 50;
}

/// Secrets of tenants.
pub mod secrets {
    /// Bytes of one value: a private key as text has some three thousand.
    pub const VALUE_BYTES_MAX: usize = 8 << 10;
    /// Secrets of one tenant. A connection to a shop or a messenger has two or three.
    pub const PER_TENANT_MAX: usize = 100;
    /// Values of one secret that are accepted at once: the one in force, and two that were replaced a moment ago.
    pub const VALUES_MAX: u32 = 3;
    /// Hours for which a value that is replaced is still accepted when nobody says otherwise.
    pub const PREVIOUS_HOURS: u32 = 24;
    /// Hours for which one may be accepted: thirty days.
    pub const PREVIOUS_HOURS_MAX: u32 = 720;
    /// Keys of a host at once: the one in force, and those that it replaces.
    pub const HOST_KEYS_MAX: usize = 4;
    /// Milliseconds for which a host goes by what it knows of secrets: one that was replaced elsewhere is used then.
    pub const FRESH_MS: u64 = 1_000;
    /// Milliseconds after which a host that cannot ask goes by what it knows no longer.
    pub const STALE_MS: u64 = 30_000;
    /// Milliseconds between two notes that secrets were used: `used_at` is exact to this.
    pub const USED_MS: u64 = 10_000;
    /// Tenants whose secrets a host holds open; beyond that all are opened again.
    pub const TENANTS_OPEN_MAX: usize = 1_024;
    /// Parts of a text that is signed sorted (WeCom: three beside the token).
    pub const SORTED_PARTS_MAX: usize = 8;
}

/// Webhooks in.
pub mod hooks {
    /// Bytes of the body of a request: an event's document, which is the most that comes of it.
    pub const BODY_BYTES_MAX: usize = 256 << 10;
    /// Milliseconds for all of a request: WeCom closes the connection after five seconds and tries again.
    pub const TIME_MS: u64 = 5_000;
    /// Requests of one tenant that are under way at once; a further one is told to come again.
    pub const PER_TENANT_AT_ONCE: usize = 32;
    /// Calls of plugins that are under way at once, all tenants together: each takes a processor for a millisecond.
    pub const AT_ONCE: usize = 16;
    /// Events of one request.
    pub const EVENTS_MAX: usize = 100;
    /// Bytes of the answer to a sender: an echo, a short text.
    pub const ANSWER_BYTES_MAX: usize = 16 << 10;
    /// Instructions of one call: verifying and mapping the largest body takes a tenth of it.
    pub const FUEL: u64 = 200_000_000;
    /// Processor time of one call in milliseconds.
    pub const CPU_MS: u64 = 1_000;
    /// Bytes of memory of one call.
    pub const MEMORY_BYTES_MAX: usize = 32 << 20;
    /// Bytes of what a source is told by its configuration.
    pub const CONFIG_BYTES_MAX: usize = 64 << 10;
}
