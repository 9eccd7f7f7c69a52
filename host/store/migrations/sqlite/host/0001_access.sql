-- A host with its tenants in files: who may enter it, and what was changed by whom. Forward only; an applied migration is
-- never edited.

-- What tokens are hashed under, and a number that grows with every token that is made or revoked. Whoever changes anything
-- here changes this row first, so changes come one after another.
CREATE TABLE door (
    one      INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    key      BLOB    NOT NULL CHECK (length(key) = 32),
    revision INTEGER NOT NULL CHECK (revision >= 0)
) STRICT;

CREATE TABLE tokens (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    name       TEXT    NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 128),
    role       TEXT    NOT NULL,
    -- Only these scopes of the role, with commas between them; all of them when it is NULL.
    only_scopes TEXT,
    -- `*`, or the names of tenants with commas between them.
    reach      TEXT    NOT NULL CHECK (reach <> ''),
    made_at    INTEGER NOT NULL CHECK (made_at >= 0),
    made_by    TEXT    NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > made_at),
    revoked_at INTEGER CHECK (revoked_at >= made_at),
    used_at    INTEGER CHECK (used_at >= 0)
) STRICT, WITHOUT ROWID;

-- What was changed by whom. Each line's link holds the one before, so an edit shows.
CREATE TABLE audit (
    place   INTEGER NOT NULL PRIMARY KEY CHECK (place > 0),
    at      INTEGER NOT NULL CHECK (at >= 0),
    actor   TEXT    NOT NULL,
    tenant  TEXT,
    action  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    outcome TEXT    NOT NULL CHECK (outcome IN ('asked', 'done', 'refused', 'unknown')),
    detail  TEXT    NOT NULL,
    link    BLOB    NOT NULL CHECK (length(link) = 32)
) STRICT;
