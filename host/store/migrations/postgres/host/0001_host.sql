-- A database of tenants: which there are, and under which schema each is. Forward only; an applied migration is never
-- edited.

CREATE TABLE tenants (
    name       text   COLLATE "C" NOT NULL PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    schema     text   COLLATE "C" NOT NULL UNIQUE CHECK (octet_length(schema) <= 63 AND schema LIKE 'siyu\_%'),
    created_at bigint NOT NULL CHECK (created_at >= 0)
);
