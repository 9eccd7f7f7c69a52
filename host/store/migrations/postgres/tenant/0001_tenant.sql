-- A tenant: everything that it keeps, in a schema of its own. Forward only; an applied migration is never edited.
--
-- The tables and columns are those of SQLite. Ids are 16 bytes, instants milliseconds since 1970 in UTC, money whole
-- fen, documents JSON text as they were given: jsonb would cost the insert and change the text. Text that is compared
-- has the order of its bytes, whatever the server's language. A text with the character 0, which Postgres cannot hold,
-- is written with an escape by the store. Rows that change often leave room in their pages, so that a change stays on
-- its page and touches no index, and are cleaned early: a batch of updates is a batch of dead rows.

CREATE TABLE meta (
    name  text  COLLATE "C" NOT NULL PRIMARY KEY,
    value bytea NOT NULL
);

-- Who may write. Every commit sets `writer` to its own epoch, so a stale one breaks the check and with it the commit.
-- The change also holds the row until the commit is durable, so nobody takes the lease in between.
CREATE TABLE lease (
    "only"       bigint NOT NULL PRIMARY KEY CHECK ("only" = 1),
    epoch        bigint NOT NULL CHECK (epoch >= 0),
    writer       bigint NOT NULL,
    committed_at bigint NOT NULL CHECK (committed_at >= 0),
    last_seq     bigint NOT NULL CHECK (last_seq >= 0),
    CONSTRAINT writer_has_the_lease CHECK (writer = epoch)
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);
INSERT INTO lease ("only", epoch, writer, committed_at, last_seq) VALUES (1, 0, 0, 0, 0);

CREATE TABLE events (
    seq         bigint NOT NULL PRIMARY KEY CHECK (seq > 0),
    dedupe      bytea  NOT NULL CHECK (length(dedupe) = 16),
    id          text   NOT NULL,
    source      text   NOT NULL,
    event_type  text   COLLATE "C" NOT NULL,
    customer    bytea  CHECK (length(customer) = 16),
    occurred_at bigint NOT NULL CHECK (occurred_at >= 0),
    recorded_at bigint NOT NULL CHECK (recorded_at >= 0),
    depth       bigint NOT NULL CHECK (depth >= 0),
    data        text   NOT NULL,
    outcome     text   NOT NULL,
    matches     bytea  CHECK (length(matches) > 0 AND length(matches) % 16 = 0)
);
CREATE UNIQUE INDEX events_dedupe ON events (dedupe);
CREATE INDEX events_of_customer ON events (customer, event_type, occurred_at, seq) WHERE customer IS NOT NULL;
CREATE INDEX events_of_type ON events (event_type, seq);

CREATE TABLE event_matches (
    hash bytea  NOT NULL CHECK (length(hash) = 16),
    seq  bigint NOT NULL,
    PRIMARY KEY (hash, seq)
);

CREATE TABLE customers (
    no         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         bytea  NOT NULL UNIQUE CHECK (length(id) = 16),
    created_at bigint NOT NULL CHECK (created_at >= 0),
    attributes text   NOT NULL CHECK (substr(attributes, 1, 1) = '{')
) WITH (fillfactor = 80);

CREATE TABLE identities (
    namespace text  COLLATE "C" NOT NULL,
    value     text  COLLATE "C" NOT NULL,
    customer  bytea NOT NULL CHECK (length(customer) = 16),
    PRIMARY KEY (namespace, value)
);
CREATE INDEX identities_of_customer ON identities (customer);

CREATE TABLE facts (
    customer   bytea  NOT NULL CHECK (length(customer) = 16),
    event_type text   COLLATE "C" NOT NULL,
    count      bigint NOT NULL CHECK (count > 0),
    sum_fen    bigint NOT NULL,
    first_at   bigint NOT NULL,
    last_at    bigint NOT NULL CHECK (last_at >= first_at),
    last_seq   bigint NOT NULL CHECK (last_seq >= 0),
    PRIMARY KEY (customer, event_type)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE tags (
    customer           bytea  NOT NULL CHECK (length(customer) = 16),
    tag                text   COLLATE "C" NOT NULL,
    source             text   NOT NULL,
    added_at           bigint NOT NULL,
    effective_at       bigint NOT NULL,
    expires_at         bigint,
    confidence_percent bigint NOT NULL CHECK (confidence_percent BETWEEN 0 AND 100),
    evidence           text,
    PRIMARY KEY (customer, tag)
) WITH (fillfactor = 80);

CREATE TABLE segment_members (
    customer  bytea   NOT NULL CHECK (length(customer) = 16),
    playbook  text    COLLATE "C" NOT NULL,
    segment   text    COLLATE "C" NOT NULL,
    is_member boolean NOT NULL,
    since     bigint  NOT NULL,
    check_at  bigint,
    PRIMARY KEY (customer, playbook, segment)
) WITH (fillfactor = 80);
CREATE INDEX segment_members_inside ON segment_members (playbook, segment) WHERE is_member;

CREATE TABLE runs (
    no           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           bytea  NOT NULL UNIQUE CHECK (length(id) = 16),
    playbook     text   COLLATE "C" NOT NULL,
    version      bytea  NOT NULL CHECK (length(version) = 32),
    workflow     text   COLLATE "C" NOT NULL,
    customer     bytea  CHECK (length(customer) = 16),
    key          text,
    slot         text   COLLATE "C",
    event        bigint,
    since_seq    bigint NOT NULL CHECK (since_seq >= 0),
    depth        bigint NOT NULL CHECK (depth >= 0),
    parent       bytea  CHECK (length(parent) = 16),
    parent_fiber bigint,
    started_at   bigint NOT NULL CHECK (started_at >= 0),
    changed_at   bigint NOT NULL CHECK (changed_at >= 0),
    phase        text   COLLATE "C" NOT NULL,
    ended_at     bigint,
    status       text,
    journal_rows bigint NOT NULL CHECK (journal_rows >= 0),
    journal_last bigint,
    state        text   NOT NULL,
    CONSTRAINT a_phase_is_known CHECK (
        phase IN ('queued', 'live', 'paused', 'undoing', 'completed', 'failed', 'cancelled')
    ),
    CONSTRAINT an_ended_run_has_an_end CHECK (
        (phase IN ('completed', 'failed', 'cancelled')) = (ended_at IS NOT NULL)
    ),
    CONSTRAINT a_status_with_more_than_a_name_is_kept CHECK (
        (phase IN ('queued', 'live')) = (status IS NULL)
    ),
    CONSTRAINT a_called_run_has_a_fiber_that_waits CHECK
        ((parent IS NULL) = (parent_fiber IS NULL))
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX runs_of_customer ON runs (customer, no) WHERE customer IS NOT NULL;
CREATE INDEX runs_of_workflow ON runs (playbook, workflow, no);
CREATE INDEX runs_of_phase ON runs (phase, no);
-- Which events retention must keep.
CREATE INDEX runs_open_event ON runs (event) WHERE ended_at IS NULL AND event IS NOT NULL;
-- Which versions of playbooks unfinished runs keep.
CREATE INDEX runs_open_version ON runs (version) WHERE ended_at IS NULL;
-- Only for workflows with `concurrency`: who waits for a place, and who has one.
CREATE INDEX runs_in_slot ON runs (playbook, workflow, slot, phase, id)
    WHERE slot IS NOT NULL AND ended_at IS NULL;

-- Append only, in the order of time. A line holds the place of the run's line before it, the run holds the last, so a
-- journal is read backwards from its run.
CREATE TABLE journal (
    id     bigint NOT NULL PRIMARY KEY,
    prev   bigint CHECK (prev < id),
    run    bytea  NOT NULL CHECK (length(run) = 16),
    "row"  bigint NOT NULL CHECK ("row" >= 0),
    at     bigint NOT NULL,
    step   text,
    fiber  bigint NOT NULL CHECK (fiber >= 0),
    kind   text   COLLATE "C" NOT NULL,
    detail text,
    CONSTRAINT a_kind_is_known CHECK (
        kind IN (
            'done', 'waiting', 'matched', 'planned', 'started', 'ended', 'queued', 'refused', 'failed', 'retry',
            'skipped', 'timed_out', 'chose', 'responded', 'compensated', 'paused', 'resumed', 'cancelled'
        )
    ),
    CONSTRAINT only_the_first_line_has_none_before_it CHECK (("row" = 0) = (prev IS NULL))
);

CREATE TABLE entries (
    hash       bytea   NOT NULL PRIMARY KEY CHECK (length(hash) = 16),
    customer   bytea   CHECK (length(customer) = 16),
    run        bytea   NOT NULL CHECK (length(run) = 16),
    started_at bigint  NOT NULL,
    is_alive   boolean NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX entries_of_customer ON entries (customer) WHERE customer IS NOT NULL;

CREATE TABLE waits (
    id          bytea  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    run         bytea  NOT NULL CHECK (length(run) = 16),
    fiber       bigint NOT NULL CHECK (fiber >= 0),
    customer    bytea  CHECK (length(customer) = 16),
    event_types text   NOT NULL CHECK (substr(event_types, 1, 1) = '['),
    matching    bytea  CHECK (length(matching) = 16)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX waits_of_customer ON waits (customer) WHERE customer IS NOT NULL;
CREATE INDEX waits_matching ON waits (matching) WHERE matching IS NOT NULL;

CREATE TABLE timers (
    due_at bigint NOT NULL CHECK (due_at >= 0),
    id     bytea  NOT NULL CHECK (length(id) = 16),
    kind   text   NOT NULL,
    PRIMARY KEY (due_at, id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE planned (
    plugin     text   COLLATE "C" NOT NULL,
    key        text   COLLATE "C" NOT NULL,
    due_at     bigint NOT NULL,
    event_type text   COLLATE "C" NOT NULL,
    customer   bytea  CHECK (length(customer) = 16),
    data       text   NOT NULL,
    depth      bigint NOT NULL CHECK (depth >= 0),
    PRIMARY KEY (plugin, key)
);

-- The customer comes first, so that one range has all that plugins keep of a customer. The tenant's own documents are
-- under a customer of no bytes.
CREATE TABLE records (
    customer bytea NOT NULL CHECK (length(customer) IN (0, 16)),
    plugin   text  COLLATE "C" NOT NULL,
    key      text  COLLATE "C" NOT NULL,
    body     text  NOT NULL,
    PRIMARY KEY (customer, plugin, key)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE pools (
    plugin    text   COLLATE "C" NOT NULL,
    key       text   COLLATE "C" NOT NULL,
    total     bigint NOT NULL CHECK (total >= 0),
    available bigint NOT NULL CHECK (available >= 0),
    reserved  bigint NOT NULL CHECK (reserved >= 0),
    sold      bigint NOT NULL CHECK (sold >= 0),
    PRIMARY KEY (plugin, key),
    CONSTRAINT a_pool_balances CHECK (available + reserved + sold = total)
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE reservations (
    id         bytea  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    plugin     text   COLLATE "C" NOT NULL,
    pool       text   COLLATE "C" NOT NULL,
    customer   bytea  CHECK (length(customer) = 16),
    units      bigint NOT NULL CHECK (units > 0),
    counters   text   NOT NULL CHECK (substr(counters, 1, 1) = '['),
    reference  text,
    status     text   COLLATE "C" NOT NULL,
    expires_at bigint NOT NULL,
    CONSTRAINT a_status_is_known CHECK (status IN ('held', 'committed', 'released', 'expired'))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX reservations_of_pool ON reservations (plugin, pool, id);

CREATE TABLE counters (
    plugin    text   COLLATE "C" NOT NULL,
    key       text   COLLATE "C" NOT NULL,
    used      bigint NOT NULL CHECK (used >= 0),
    limit_max bigint NOT NULL,
    PRIMARY KEY (plugin, key),
    CONSTRAINT no_counter_passes_its_limit CHECK (used <= limit_max)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE codes (
    lookup     bytea  NOT NULL PRIMARY KEY CHECK (length(lookup) = 16),
    plugin     text   COLLATE "C" NOT NULL,
    space      text   NOT NULL,
    sealed     bytea  NOT NULL,
    reference  text   NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE messages (
    no         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         bytea  NOT NULL UNIQUE CHECK (length(id) = 16),
    customer   bytea  NOT NULL CHECK (length(customer) = 16),
    channel    text   COLLATE "C" NOT NULL,
    class      text   COLLATE "C" NOT NULL CHECK (class IN ('service', 'marketing')),
    template   text   NOT NULL,
    body       text   NOT NULL,
    status     text   COLLATE "C" NOT NULL,
    reason     text,
    attempts   bigint NOT NULL CHECK (attempts >= 0),
    planned_at bigint NOT NULL,
    due_at     bigint NOT NULL,
    expires_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    run        bytea  CHECK (length(run) = 16),
    step       text,
    CONSTRAINT a_status_is_known CHECK (
        status IN (
            'planned', 'task_created', 'staff_notified', 'staff_sent', 'sent', 'delivered', 'failed', 'expired',
            'blocked', 'cancelled'
        )
    )
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX messages_of_customer ON messages (customer, no);
CREATE INDEX messages_of_status ON messages (status, channel, no);
-- What a dispatcher hands over again after a crash.
CREATE INDEX messages_planned ON messages (id, due_at) WHERE status = 'planned';

CREATE TABLE playbooks (
    no           bigint  GENERATED ALWAYS AS IDENTITY UNIQUE,
    name         text    COLLATE "C" NOT NULL,
    digest       bytea   NOT NULL CHECK (length(digest) = 32),
    compiled     text    NOT NULL CHECK (json_typeof(compiled::json) IS NOT NULL),
    files        text    NOT NULL CHECK (json_typeof(files::json) IS NOT NULL),
    published_at bigint  NOT NULL,
    is_active    boolean NOT NULL,
    PRIMARY KEY (name, digest)
);
CREATE UNIQUE INDEX playbooks_active ON playbooks (name) WHERE is_active;

CREATE TABLE resources (
    plugin    text COLLATE "C" NOT NULL,
    kind      text COLLATE "C" NOT NULL,
    name      text COLLATE "C" NOT NULL,
    playbook  text COLLATE "C" NOT NULL,
    body      text NOT NULL CHECK (json_typeof(body::json) IS NOT NULL),
    reactions text NOT NULL CHECK (json_typeof(reactions::json) IS NOT NULL),
    PRIMARY KEY (plugin, kind, name)
);

CREATE TABLE schedules (
    playbook text COLLATE "C" NOT NULL,
    workflow text COLLATE "C" NOT NULL,
    pattern  text NOT NULL,
    next_at  bigint,
    PRIMARY KEY (playbook, workflow)
);

CREATE TABLE scans (
    id         bytea   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    purpose    text    NOT NULL CHECK (json_typeof(purpose::json) IS NOT NULL),
    started_at bigint  NOT NULL,
    spread_ms  bigint  NOT NULL CHECK (spread_ms >= 0),
    total      bigint  NOT NULL CHECK (total >= 0),
    seen       bigint  NOT NULL CHECK (seen >= 0),
    hits       bigint  NOT NULL CHECK (hits BETWEEN 0 AND seen),
    after      bytea   CHECK (length(after) = 16),
    is_done    boolean NOT NULL
);
CREATE INDEX scans_open ON scans (id) WHERE NOT is_done;

CREATE TABLE feeds (
    name   text   COLLATE "C" NOT NULL PRIMARY KEY,
    events bigint NOT NULL CHECK (events >= 0)
);

-- A document as JSON. Postgres cannot take the character 0 out of one; it is read as the replacement character.
CREATE FUNCTION document(body text) RETURNS json LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE strpos(body, '\u0000')
        WHEN 0 THEN body::json
        ELSE regexp_replace(body, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')::json
    END
$$;

-- Rows of a write set that are no whole rows of a table.
CREATE TYPE text_pair AS (first text, second text);
CREATE TYPE timer_key AS (due_at bigint, id bytea);
CREATE TYPE tag_key AS (customer bytea, tag text);
CREATE TYPE record_key AS (customer bytea, plugin text, key text);
CREATE TYPE resource_key AS (plugin text, kind text, name text);
CREATE TYPE journal_head AS (run bytea, place bigint);
CREATE TYPE customer_cells AS (id bytea, created_at bigint, attributes text);
CREATE TYPE run_cells AS (
    id bytea, playbook text, version bytea, workflow text, customer bytea, key text, slot text, event bigint,
    since_seq bigint, depth bigint, parent bytea, parent_fiber bigint, started_at bigint, changed_at bigint,
    phase text, ended_at bigint, status text, journal_rows bigint, journal_last bigint, state text
);
CREATE TYPE run_step AS (
    id bytea, changed_at bigint, journal_rows bigint, journal_last bigint, state text
);
CREATE TYPE message_cells AS (
    id bytea, customer bytea, channel text, class text, template text, body text, status text, reason text,
    attempts bigint, planned_at bigint, due_at bigint, expires_at bigint, changed_at bigint, run bytea, step text
);
CREATE TYPE playbook_cells AS (
    name text, digest bytea, compiled text, files text, published_at bigint, is_active boolean
);

-- One commit in one trip: the check of the lease, then a write set, a batch of rows a table in the order in which they
-- must be written. A batch that is NULL changes nothing and costs nothing.
CREATE FUNCTION commit_writes(
    lease_epoch      bigint,
    lease_at         bigint,
    lease_seq        bigint,
    over_waits       bytea[],
    over_timers      timer_key[],
    put_customers    customer_cells[],
    put_identities   identities[],
    add_events       events[],
    add_matches      event_matches[],
    put_facts        facts[],
    put_runs         run_cells[],
    go_on_runs       run_step[],
    add_journal      journal[],
    put_entries      entries[],
    put_waits        waits[],
    put_timers       timers[],
    put_records      records[],
    put_messages     message_cells[],
    put_tags         tags[],
    over_tags        tag_key[],
    put_segments     segment_members[],
    put_planned      planned[],
    over_planned     text_pair[],
    over_records     record_key[],
    put_pools        pools[],
    put_reservations reservations[],
    put_counters     counters[],
    add_codes        codes[],
    put_playbooks    playbook_cells[],
    over_resources   resource_key[],
    put_resources    resources[],
    put_schedules    schedules[],
    put_scans        scans[],
    put_feeds        feeds[],
    put_heads        journal_head[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE lease SET
        writer = lease_epoch,
        committed_at = greatest(committed_at, lease_at),
        last_seq = greatest(last_seq, lease_seq)
    WHERE "only" = 1;
    IF over_waits IS NOT NULL THEN
        DELETE FROM waits WHERE id = ANY (over_waits);
    END IF;
    IF over_timers IS NOT NULL THEN
        DELETE FROM timers USING unnest(over_timers) AS gone
        WHERE timers.due_at = gone.due_at AND timers.id = gone.id;
    END IF;
    IF put_customers IS NOT NULL THEN
        INSERT INTO customers (id, created_at, attributes) SELECT * FROM unnest(put_customers)
        ON CONFLICT (id) DO UPDATE SET attributes = excluded.attributes;
    END IF;
    IF put_identities IS NOT NULL THEN
        INSERT INTO identities SELECT * FROM unnest(put_identities)
        ON CONFLICT (namespace, value) DO UPDATE SET customer = excluded.customer;
    END IF;
    IF add_events IS NOT NULL THEN
        INSERT INTO events SELECT * FROM unnest(add_events);
    END IF;
    IF add_matches IS NOT NULL THEN
        INSERT INTO event_matches SELECT * FROM unnest(add_matches) ON CONFLICT (hash, seq) DO NOTHING;
    END IF;
    IF put_facts IS NOT NULL THEN
        INSERT INTO facts SELECT * FROM unnest(put_facts)
        ON CONFLICT (customer, event_type) DO UPDATE SET
            count = excluded.count,
            sum_fen = excluded.sum_fen,
            first_at = excluded.first_at,
            last_at = excluded.last_at,
            last_seq = excluded.last_seq;
    END IF;
    IF put_runs IS NOT NULL THEN
        INSERT INTO runs (
            id, playbook, version, workflow, customer, key, slot, event, since_seq, depth, parent, parent_fiber,
            started_at, changed_at, phase, ended_at, status, journal_rows, journal_last, state
        )
        SELECT * FROM unnest(put_runs)
        ON CONFLICT (id) DO UPDATE SET
            slot = excluded.slot,
            changed_at = excluded.changed_at,
            phase = excluded.phase,
            ended_at = excluded.ended_at,
            status = excluded.status,
            journal_rows = excluded.journal_rows,
            journal_last = coalesce(excluded.journal_last, runs.journal_last),
            state = excluded.state;
    END IF;
    IF go_on_runs IS NOT NULL THEN
        UPDATE runs SET
            changed_at = step.changed_at,
            journal_rows = step.journal_rows,
            journal_last = coalesce(step.journal_last, runs.journal_last),
            state = step.state
        FROM unnest(go_on_runs) AS step
        WHERE runs.id = step.id;
    END IF;
    IF add_journal IS NOT NULL THEN
        INSERT INTO journal SELECT * FROM unnest(add_journal);
    END IF;
    IF put_entries IS NOT NULL THEN
        INSERT INTO entries SELECT * FROM unnest(put_entries)
        ON CONFLICT (hash) DO UPDATE SET
            run = excluded.run,
            started_at = excluded.started_at,
            is_alive = excluded.is_alive;
    END IF;
    IF put_waits IS NOT NULL THEN
        INSERT INTO waits SELECT * FROM unnest(put_waits)
        ON CONFLICT (id) DO UPDATE SET
            run = excluded.run,
            fiber = excluded.fiber,
            customer = excluded.customer,
            event_types = excluded.event_types,
            matching = excluded.matching;
    END IF;
    IF put_timers IS NOT NULL THEN
        INSERT INTO timers SELECT * FROM unnest(put_timers)
        ON CONFLICT (due_at, id) DO UPDATE SET kind = excluded.kind;
    END IF;
    IF put_records IS NOT NULL THEN
        INSERT INTO records SELECT * FROM unnest(put_records)
        ON CONFLICT (customer, plugin, key) DO UPDATE SET body = excluded.body;
    END IF;
    IF put_messages IS NOT NULL THEN
        INSERT INTO messages (
            id, customer, channel, class, template, body, status, reason, attempts, planned_at, due_at, expires_at,
            changed_at, run, step
        )
        SELECT * FROM unnest(put_messages)
        ON CONFLICT (id) DO UPDATE SET
            status = excluded.status,
            reason = excluded.reason,
            attempts = excluded.attempts,
            due_at = excluded.due_at,
            expires_at = excluded.expires_at,
            changed_at = excluded.changed_at,
            body = excluded.body;
    END IF;
    IF put_tags IS NOT NULL THEN
        INSERT INTO tags SELECT * FROM unnest(put_tags)
        ON CONFLICT (customer, tag) DO UPDATE SET
            source = excluded.source,
            added_at = excluded.added_at,
            effective_at = excluded.effective_at,
            expires_at = excluded.expires_at,
            confidence_percent = excluded.confidence_percent,
            evidence = excluded.evidence;
    END IF;
    IF over_tags IS NOT NULL THEN
        DELETE FROM tags USING unnest(over_tags) AS gone
        WHERE tags.customer = gone.customer AND tags.tag = gone.tag;
    END IF;
    IF put_segments IS NOT NULL THEN
        INSERT INTO segment_members SELECT * FROM unnest(put_segments)
        ON CONFLICT (customer, playbook, segment) DO UPDATE SET
            is_member = excluded.is_member,
            since = excluded.since,
            check_at = excluded.check_at;
    END IF;
    IF put_planned IS NOT NULL THEN
        INSERT INTO planned SELECT * FROM unnest(put_planned)
        ON CONFLICT (plugin, key) DO UPDATE SET
            due_at = excluded.due_at,
            event_type = excluded.event_type,
            customer = excluded.customer,
            data = excluded.data,
            depth = excluded.depth;
    END IF;
    IF over_planned IS NOT NULL THEN
        DELETE FROM planned USING unnest(over_planned) AS gone
        WHERE planned.plugin = gone.first AND planned.key = gone.second;
    END IF;
    IF over_records IS NOT NULL THEN
        DELETE FROM records USING unnest(over_records) AS gone
        WHERE records.customer = gone.customer AND records.plugin = gone.plugin AND records.key = gone.key;
    END IF;
    IF put_pools IS NOT NULL THEN
        INSERT INTO pools SELECT * FROM unnest(put_pools)
        ON CONFLICT (plugin, key) DO UPDATE SET
            total = excluded.total,
            available = excluded.available,
            reserved = excluded.reserved,
            sold = excluded.sold;
    END IF;
    IF put_reservations IS NOT NULL THEN
        INSERT INTO reservations SELECT * FROM unnest(put_reservations)
        ON CONFLICT (id) DO UPDATE SET
            units = excluded.units,
            counters = excluded.counters,
            reference = excluded.reference,
            status = excluded.status,
            expires_at = excluded.expires_at;
    END IF;
    IF put_counters IS NOT NULL THEN
        INSERT INTO counters SELECT * FROM unnest(put_counters)
        ON CONFLICT (plugin, key) DO UPDATE SET used = excluded.used, limit_max = excluded.limit_max;
    END IF;
    IF add_codes IS NOT NULL THEN
        INSERT INTO codes SELECT * FROM unnest(add_codes);
    END IF;
    IF put_playbooks IS NOT NULL THEN
        INSERT INTO playbooks (name, digest, compiled, files, published_at, is_active)
        SELECT * FROM unnest(put_playbooks)
        ON CONFLICT (name, digest) DO UPDATE SET is_active = excluded.is_active;
    END IF;
    IF over_resources IS NOT NULL THEN
        DELETE FROM resources USING unnest(over_resources) AS gone
        WHERE resources.plugin = gone.plugin AND resources.kind = gone.kind AND resources.name = gone.name;
    END IF;
    IF put_resources IS NOT NULL THEN
        INSERT INTO resources SELECT * FROM unnest(put_resources)
        ON CONFLICT (plugin, kind, name) DO UPDATE SET
            playbook = excluded.playbook,
            body = excluded.body,
            reactions = excluded.reactions;
    END IF;
    IF put_schedules IS NOT NULL THEN
        INSERT INTO schedules SELECT * FROM unnest(put_schedules)
        ON CONFLICT (playbook, workflow) DO UPDATE SET
            pattern = excluded.pattern,
            next_at = excluded.next_at;
    END IF;
    IF put_scans IS NOT NULL THEN
        INSERT INTO scans SELECT * FROM unnest(put_scans)
        ON CONFLICT (id) DO UPDATE SET
            purpose = excluded.purpose,
            started_at = excluded.started_at,
            spread_ms = excluded.spread_ms,
            total = excluded.total,
            seen = excluded.seen,
            hits = excluded.hits,
            after = excluded.after,
            is_done = excluded.is_done;
    END IF;
    IF put_feeds IS NOT NULL THEN
        INSERT INTO feeds SELECT * FROM unnest(put_feeds)
        ON CONFLICT (name) DO UPDATE SET events = excluded.events;
    END IF;
    IF put_heads IS NOT NULL THEN
        UPDATE runs SET journal_last = head.place
        FROM unnest(put_heads) AS head
        WHERE runs.id = head.run;
    END IF;
END
$$;
