-- A tenant: everything that it keeps. Forward only; an applied migration is never edited.
--
-- Ids are 16 bytes, instants milliseconds since 1970 in UTC, money whole fen, documents JSON text as they were given.
-- WITHOUT ROWID where the key is the row and the row is narrow; a numbered table with an index on its id where rows are
-- wide, so that an update dirties one page. Whether large JSON is JSON is checked by whoever wrote it, once, and not
-- again here: that costs more than the insert. Lists of names are written with OR: a longer IN would build its list anew
-- for every row, which was a quarter of a commit. There are no foreign keys: a write set is whole when it comes, purging
-- goes in the order of what refers to what, and a look-up a row is what bulk writing avoids.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Who may write. Every commit sets `writer` to its own epoch, so a stale one breaks the check and with it the commit.
CREATE TABLE lease (
    only         INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    epoch        INTEGER NOT NULL CHECK (epoch >= 0),
    writer       INTEGER NOT NULL,
    committed_at INTEGER NOT NULL CHECK (committed_at >= 0),
    last_seq     INTEGER NOT NULL CHECK (last_seq >= 0),
    CONSTRAINT writer_has_the_lease CHECK (writer = epoch)
) STRICT;
INSERT INTO lease (only, epoch, writer, committed_at, last_seq) VALUES (1, 0, 0, 0, 0);

CREATE TABLE events (
    seq         INTEGER NOT NULL PRIMARY KEY CHECK (seq > 0),
    dedupe      BLOB NOT NULL CHECK (length(dedupe) = 16),
    id          TEXT NOT NULL,
    source      TEXT NOT NULL,
    event_type  TEXT NOT NULL,
    customer    BLOB CHECK (length(customer) = 16),
    occurred_at INTEGER NOT NULL CHECK (occurred_at >= 0),
    recorded_at INTEGER NOT NULL CHECK (recorded_at >= 0),
    depth       INTEGER NOT NULL CHECK (depth >= 0),
    data        TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    matches     BLOB CHECK (length(matches) > 0 AND length(matches) % 16 = 0)
) STRICT;
CREATE UNIQUE INDEX events_dedupe ON events (dedupe);
CREATE INDEX events_of_customer ON events (customer, event_type, occurred_at) WHERE customer IS NOT NULL;
CREATE INDEX events_of_type ON events (event_type);

CREATE TABLE event_matches (
    hash BLOB NOT NULL CHECK (length(hash) = 16),
    seq  INTEGER NOT NULL,
    PRIMARY KEY (hash, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE customers (
    no         INTEGER NOT NULL PRIMARY KEY,
    id         BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    attributes TEXT NOT NULL CHECK (substr(attributes, 1, 1) = '{')
) STRICT;

CREATE TABLE identities (
    namespace TEXT NOT NULL,
    value     TEXT NOT NULL,
    customer  BLOB NOT NULL CHECK (length(customer) = 16),
    PRIMARY KEY (namespace, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_of_customer ON identities (customer);

CREATE TABLE facts (
    customer   BLOB NOT NULL CHECK (length(customer) = 16),
    event_type TEXT NOT NULL,
    count      INTEGER NOT NULL CHECK (count > 0),
    sum_fen    INTEGER NOT NULL,
    first_at   INTEGER NOT NULL,
    last_at    INTEGER NOT NULL CHECK (last_at >= first_at),
    last_seq   INTEGER NOT NULL CHECK (last_seq >= 0),
    PRIMARY KEY (customer, event_type)
) STRICT, WITHOUT ROWID;

CREATE TABLE tags (
    customer           BLOB NOT NULL CHECK (length(customer) = 16),
    tag                TEXT NOT NULL,
    source             TEXT NOT NULL,
    added_at           INTEGER NOT NULL,
    effective_at       INTEGER NOT NULL,
    expires_at         INTEGER,
    confidence_percent INTEGER NOT NULL CHECK (confidence_percent BETWEEN 0 AND 100),
    evidence           TEXT,
    PRIMARY KEY (customer, tag)
) STRICT, WITHOUT ROWID;

CREATE TABLE segment_members (
    customer  BLOB NOT NULL CHECK (length(customer) = 16),
    playbook  TEXT NOT NULL,
    segment   TEXT NOT NULL,
    is_member INTEGER NOT NULL CHECK (is_member IN (0, 1)),
    since     INTEGER NOT NULL,
    check_at  INTEGER,
    PRIMARY KEY (customer, playbook, segment)
) STRICT, WITHOUT ROWID;
CREATE INDEX segment_members_inside ON segment_members (playbook, segment) WHERE is_member = 1;

CREATE TABLE runs (
    no           INTEGER NOT NULL PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    playbook     TEXT NOT NULL,
    version      BLOB NOT NULL CHECK (length(version) = 32),
    workflow     TEXT NOT NULL,
    customer     BLOB CHECK (length(customer) = 16),
    key          TEXT,
    slot         TEXT,
    event        INTEGER,
    since_seq    INTEGER NOT NULL CHECK (since_seq >= 0),
    depth        INTEGER NOT NULL CHECK (depth >= 0),
    parent       BLOB CHECK (length(parent) = 16),
    parent_fiber INTEGER,
    started_at   INTEGER NOT NULL CHECK (started_at >= 0),
    changed_at   INTEGER NOT NULL CHECK (changed_at >= 0),
    phase        TEXT NOT NULL,
    ended_at     INTEGER,
    status       TEXT,
    journal_rows INTEGER NOT NULL CHECK (journal_rows >= 0),
    journal_last INTEGER,
    state        TEXT NOT NULL,
    CONSTRAINT a_phase_is_known CHECK (
        phase = 'queued' OR phase = 'live' OR phase = 'paused' OR phase = 'undoing' OR phase = 'completed'
        OR phase = 'failed' OR phase = 'cancelled'
    ),
    CONSTRAINT an_ended_run_has_an_end CHECK (
        (phase = 'completed' OR phase = 'failed' OR phase = 'cancelled') = (ended_at IS NOT NULL)
    ),
    CONSTRAINT a_status_with_more_than_a_name_is_kept CHECK (
        (phase = 'queued' OR phase = 'live') = (status IS NULL)
    ),
    CONSTRAINT a_called_run_has_a_fiber_that_waits CHECK
        ((parent IS NULL) = (parent_fiber IS NULL))
) STRICT;
-- Written once a run, at its start: the lists that people open. `no` follows the key in every index, so they are in the
-- order of age already.
CREATE INDEX runs_of_customer ON runs (customer) WHERE customer IS NOT NULL;
CREATE INDEX runs_of_workflow ON runs (playbook, workflow);
-- Written at the start and at the end: lists and numbers by phase.
CREATE INDEX runs_of_phase ON runs (phase);
-- Written at the start and at the end: which events retention must keep.
CREATE INDEX runs_open_event ON runs (event) WHERE ended_at IS NULL AND event IS NOT NULL;
-- The same: which versions of playbooks unfinished runs keep. Four bytes tell a tenant's versions apart well enough to
-- look at one run.
CREATE INDEX runs_open_version ON runs (substr(version, 1, 4)) WHERE ended_at IS NULL;
-- Only for workflows with `concurrency`: who waits for a place, and who has one.
CREATE INDEX runs_in_slot ON runs (playbook, workflow, slot, phase, id)
    WHERE slot IS NOT NULL AND ended_at IS NULL;

-- Append only, in the order of time: no index but the place itself. A line holds the place of the run's line before it,
-- the run holds the last, so a journal is read backwards from its run.
CREATE TABLE journal (
    id     INTEGER NOT NULL PRIMARY KEY,
    prev   INTEGER CHECK (prev < id),
    run    BLOB NOT NULL CHECK (length(run) = 16),
    row    INTEGER NOT NULL CHECK (row >= 0),
    at     INTEGER NOT NULL,
    step   TEXT,
    fiber  INTEGER NOT NULL CHECK (fiber >= 0),
    kind   TEXT NOT NULL,
    detail TEXT,
    CONSTRAINT a_kind_is_known CHECK (
        kind = 'done' OR kind = 'waiting' OR kind = 'matched' OR kind = 'planned' OR kind = 'started'
        OR kind = 'ended' OR kind = 'queued' OR kind = 'refused' OR kind = 'failed' OR kind = 'retry'
        OR kind = 'skipped' OR kind = 'timed_out' OR kind = 'chose' OR kind = 'responded'
        OR kind = 'compensated' OR kind = 'paused' OR kind = 'resumed' OR kind = 'cancelled'
    ),
    CONSTRAINT only_the_first_line_has_none_before_it CHECK ((row = 0) = (prev IS NULL))
) STRICT;

CREATE TABLE entries (
    hash       BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 16),
    customer   BLOB CHECK (length(customer) = 16),
    run        BLOB NOT NULL CHECK (length(run) = 16),
    started_at INTEGER NOT NULL,
    is_alive   INTEGER NOT NULL CHECK (is_alive IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX entries_of_customer ON entries (customer) WHERE customer IS NOT NULL;

CREATE TABLE waits (
    id          BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    run         BLOB NOT NULL CHECK (length(run) = 16),
    fiber       INTEGER NOT NULL CHECK (fiber >= 0),
    customer    BLOB CHECK (length(customer) = 16),
    event_types TEXT NOT NULL CHECK (substr(event_types, 1, 1) = '['),
    matching    BLOB CHECK (length(matching) = 16)
) STRICT, WITHOUT ROWID;
CREATE INDEX waits_of_customer ON waits (customer) WHERE customer IS NOT NULL;
CREATE INDEX waits_matching ON waits (matching) WHERE matching IS NOT NULL;

CREATE TABLE timers (
    due_at INTEGER NOT NULL CHECK (due_at >= 0),
    id     BLOB NOT NULL CHECK (length(id) = 16),
    kind   TEXT NOT NULL,
    PRIMARY KEY (due_at, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE planned (
    plugin     TEXT NOT NULL,
    key        TEXT NOT NULL,
    due_at     INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    customer   BLOB CHECK (length(customer) = 16),
    data       TEXT NOT NULL,
    depth      INTEGER NOT NULL CHECK (depth >= 0),
    PRIMARY KEY (plugin, key)
) STRICT, WITHOUT ROWID;

-- The customer comes first, so that one range has all that plugins keep of a customer. The tenant's own documents are
-- under a customer of no bytes.
CREATE TABLE records (
    customer BLOB NOT NULL CHECK (length(customer) IN (0, 16)),
    plugin   TEXT NOT NULL,
    key      TEXT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (customer, plugin, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE pools (
    plugin    TEXT NOT NULL,
    key       TEXT NOT NULL,
    total     INTEGER NOT NULL CHECK (total >= 0),
    available INTEGER NOT NULL CHECK (available >= 0),
    reserved  INTEGER NOT NULL CHECK (reserved >= 0),
    sold      INTEGER NOT NULL CHECK (sold >= 0),
    PRIMARY KEY (plugin, key),
    CONSTRAINT a_pool_balances CHECK (available + reserved + sold = total)
) STRICT, WITHOUT ROWID;

CREATE TABLE reservations (
    id         BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    plugin     TEXT NOT NULL,
    pool       TEXT NOT NULL,
    customer   BLOB CHECK (length(customer) = 16),
    units      INTEGER NOT NULL CHECK (units > 0),
    counters   TEXT NOT NULL CHECK (substr(counters, 1, 1) = '['),
    reference  TEXT,
    status     TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT a_status_is_known CHECK (
        status = 'held' OR status = 'committed' OR status = 'released' OR status = 'expired'
    )
) STRICT, WITHOUT ROWID;
CREATE INDEX reservations_of_pool ON reservations (plugin, pool);

CREATE TABLE counters (
    plugin    TEXT NOT NULL,
    key       TEXT NOT NULL,
    used      INTEGER NOT NULL CHECK (used >= 0),
    limit_max INTEGER NOT NULL,
    PRIMARY KEY (plugin, key),
    CONSTRAINT no_counter_passes_its_limit CHECK (used <= limit_max)
) STRICT, WITHOUT ROWID;

CREATE TABLE codes (
    lookup     BLOB NOT NULL PRIMARY KEY CHECK (length(lookup) = 16),
    plugin     TEXT NOT NULL,
    space      TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    reference  TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
    no         INTEGER NOT NULL PRIMARY KEY,
    id         BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    customer   BLOB NOT NULL CHECK (length(customer) = 16),
    channel    TEXT NOT NULL,
    class      TEXT NOT NULL CHECK (class IN ('service', 'marketing')),
    template   TEXT NOT NULL,
    body       TEXT NOT NULL,
    status     TEXT NOT NULL,
    reason     TEXT,
    attempts   INTEGER NOT NULL CHECK (attempts >= 0),
    planned_at INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    run        BLOB CHECK (length(run) = 16),
    step       TEXT,
    CONSTRAINT a_status_is_known CHECK (
        status = 'planned' OR status = 'task_created' OR status = 'staff_notified' OR status = 'staff_sent'
        OR status = 'sent' OR status = 'delivered' OR status = 'failed' OR status = 'expired'
        OR status = 'blocked' OR status = 'cancelled'
    )
) STRICT;
CREATE INDEX messages_of_customer ON messages (customer);
CREATE INDEX messages_of_status ON messages (status, channel);
-- What a dispatcher hands over again after a crash.
CREATE INDEX messages_planned ON messages (id, due_at) WHERE status = 'planned';

CREATE TABLE playbooks (
    name         TEXT NOT NULL,
    digest       BLOB NOT NULL CHECK (length(digest) = 32),
    compiled     TEXT NOT NULL CHECK (json_valid(compiled)),
    files        TEXT NOT NULL CHECK (json_valid(files)),
    published_at INTEGER NOT NULL,
    is_active    INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    PRIMARY KEY (name, digest)
) STRICT;
CREATE UNIQUE INDEX playbooks_active ON playbooks (name) WHERE is_active = 1;

CREATE TABLE resources (
    plugin    TEXT NOT NULL,
    kind      TEXT NOT NULL,
    name      TEXT NOT NULL,
    playbook  TEXT NOT NULL,
    body      TEXT NOT NULL CHECK (json_valid(body)),
    reactions TEXT NOT NULL CHECK (json_valid(reactions)),
    PRIMARY KEY (plugin, kind, name)
) STRICT;

CREATE TABLE schedules (
    playbook TEXT NOT NULL,
    workflow TEXT NOT NULL,
    pattern  TEXT NOT NULL,
    next_at  INTEGER,
    PRIMARY KEY (playbook, workflow)
) STRICT, WITHOUT ROWID;

CREATE TABLE scans (
    id         BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    purpose    TEXT NOT NULL CHECK (json_valid(purpose)),
    started_at INTEGER NOT NULL,
    spread_ms  INTEGER NOT NULL CHECK (spread_ms >= 0),
    total      INTEGER NOT NULL CHECK (total >= 0),
    seen       INTEGER NOT NULL CHECK (seen >= 0),
    hits       INTEGER NOT NULL CHECK (hits BETWEEN 0 AND seen),
    after      BLOB CHECK (length(after) = 16),
    is_done    INTEGER NOT NULL CHECK (is_done IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX scans_open ON scans (id) WHERE is_done = 0;

CREATE TABLE feeds (
    name   TEXT NOT NULL PRIMARY KEY,
    events INTEGER NOT NULL CHECK (events >= 0)
) STRICT, WITHOUT ROWID;
