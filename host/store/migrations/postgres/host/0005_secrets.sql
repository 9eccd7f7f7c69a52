-- Secrets of tenants, sealed: nothing here can be opened with what is here. Forward only; an applied migration is never
-- edited.

-- A tenant's own key, wrapped under a key of the host that is kept elsewhere.
CREATE TABLE data_keys (
    tenant   text  COLLATE "C" NOT NULL PRIMARY KEY CHECK (octet_length(tenant) BETWEEN 1 AND 64),
    -- Which key of the host opens it.
    host_key bytea NOT NULL CHECK (length(host_key) = 8),
    -- A nonce of 24 bytes, 32 of the key, 16 that tell whether it was changed.
    wrapped  bytea NOT NULL CHECK (length(wrapped) = 72)
);

CREATE TABLE secrets (
    tenant  text   COLLATE "C" NOT NULL REFERENCES data_keys (tenant),
    name    text   COLLATE "C" NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 64),
    version bigint NOT NULL CHECK (version > 0),
    -- A nonce of 24 bytes, 1 to 8,192 of the value, 16 that tell whether it was changed.
    sealed  bytea  NOT NULL CHECK (length(sealed) BETWEEN 41 AND 8232),
    set_at  bigint NOT NULL CHECK (set_at >= 0),
    set_by  text   NOT NULL,
    -- From then on it is no longer accepted; the one in force has no end.
    until   bigint CHECK (until >= 0),
    used_at bigint CHECK (used_at >= 0),
    PRIMARY KEY (tenant, name, version)
);
CREATE UNIQUE INDEX secrets_in_force ON secrets (tenant, name) WHERE until IS NULL;
