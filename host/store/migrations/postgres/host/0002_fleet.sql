-- Several hosts on one database: who lives, who has which tenant, and what they hand each other. All instants are the
-- database's own clock in UTC milliseconds. Forward only; an applied migration is never edited.

CREATE TABLE hosts (
    id          bytea  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name        text   NOT NULL CHECK (octet_length(name) <= 256),
    -- Whether it takes its part of the tenants; a command that works on one tenant does not.
    is_member   boolean NOT NULL,
    began_at    bigint NOT NULL CHECK (began_at >= 0),
    alive_until bigint NOT NULL CHECK (alive_until >= began_at)
) WITH (fillfactor = 50);

ALTER TABLE tenants
    ADD COLUMN holder bytea REFERENCES hosts (id) ON DELETE SET NULL,
    -- Who makes its time: events of a replay, or the machine. A fleet executes those of the machine's clock.
    ADD COLUMN clock text NOT NULL DEFAULT 'real' CHECK (clock IN ('real', 'virtual'));
CREATE INDEX tenants_of_holder ON tenants (holder) WHERE holder IS NOT NULL;

CREATE TABLE letters (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant      text   COLLATE "C" NOT NULL REFERENCES tenants (name),
    posted_at   bigint NOT NULL CHECK (posted_at >= 0),
    -- Who waits for the answer; nobody when it is NULL.
    asker       bytea  CHECK (length(asker) = 16),
    body        text   NOT NULL,
    answer      text,
    answered_at bigint,
    CONSTRAINT an_answer_has_its_instant CHECK ((answer IS NULL) = (answered_at IS NULL)),
    CONSTRAINT an_answer_is_for_somebody CHECK (answer IS NULL OR asker IS NOT NULL)
) WITH (autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX letters_of_tenant ON letters (tenant, id) WHERE answer IS NULL;
CREATE INDEX answers_of_asker ON letters (asker, id) WHERE answer IS NOT NULL;

-- Plugins that published versions use, so that every host can execute every tenant.
CREATE TABLE components (
    digest  bytea  NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    code    bytea  NOT NULL,
    kept_at bigint NOT NULL CHECK (kept_at >= 0)
);
ALTER TABLE components ALTER COLUMN code SET STORAGE EXTERNAL;

CREATE FUNCTION now_ms() RETURNS bigint LANGUAGE sql VOLATILE
    RETURN (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
