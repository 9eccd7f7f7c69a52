-- Who may enter the hosts of a database, and what was changed by whom. Forward only; an applied migration is never edited.

-- What tokens are hashed under, and a number that grows with every token that is made or revoked. Whoever changes anything
-- here changes this row first, so changes come one after another.
CREATE TABLE door (
    one      bigint NOT NULL PRIMARY KEY CHECK (one = 1),
    key      bytea  NOT NULL CHECK (length(key) = 32),
    revision bigint NOT NULL CHECK (revision >= 0)
) WITH (fillfactor = 50);

CREATE TABLE tokens (
    id         bytea  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    hash       bytea  NOT NULL UNIQUE CHECK (length(hash) = 32),
    name       text   NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 256),
    role       text   NOT NULL,
    -- Only these scopes of the role, with commas between them; all of them when it is NULL.
    only_scopes text,
    -- `*`, or the names of tenants with commas between them.
    reach      text   NOT NULL CHECK (reach <> ''),
    made_at    bigint NOT NULL CHECK (made_at >= 0),
    made_by    text   NOT NULL,
    expires_at bigint NOT NULL CHECK (expires_at > made_at),
    revoked_at bigint CHECK (revoked_at >= made_at),
    used_at    bigint CHECK (used_at >= 0)
) WITH (fillfactor = 80);

-- What was changed by whom. Each line's link holds the one before, so an edit shows.
CREATE TABLE audit (
    place   bigint NOT NULL PRIMARY KEY CHECK (place > 0),
    at      bigint NOT NULL CHECK (at >= 0),
    actor   text   NOT NULL,
    tenant  text,
    action  text   NOT NULL,
    subject text   NOT NULL,
    outcome text   NOT NULL CHECK (outcome IN ('asked', 'done', 'refused', 'unknown')),
    detail  text   NOT NULL,
    link    bytea  NOT NULL CHECK (length(link) = 32)
);
