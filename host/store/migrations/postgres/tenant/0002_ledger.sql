-- Accounts of plugins in double entry, and the transfers between them. The tables and columns are those of SQLite.

-- Accounts of the tenant are under a customer of no bytes; they alone may owe. Nothing goes beyond what JSON holds exactly.
CREATE TABLE accounts (
    plugin   text   COLLATE "C" NOT NULL,
    customer bytea  NOT NULL CHECK (length(customer) IN (0, 16)),
    name     text   COLLATE "C" NOT NULL,
    balance  bigint NOT NULL CHECK (balance BETWEEN -9007199254740991 AND 9007199254740991),
    PRIMARY KEY (plugin, customer, name),
    CONSTRAINT no_customer_owes CHECK (length(customer) = 0 OR balance >= 0)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- One row is a debit and a credit of as many units, so all accounts together hold nothing. Rows are only added.
CREATE TABLE ledger_entries (
    no            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    posting       bytea  NOT NULL CHECK (length(posting) = 16),
    place         bigint NOT NULL CHECK (place >= 0),
    plugin        text   COLLATE "C" NOT NULL,
    from_customer bytea  CHECK (length(from_customer) = 16),
    from_name     text   COLLATE "C" NOT NULL,
    to_customer   bytea  CHECK (length(to_customer) = 16),
    to_name       text   COLLATE "C" NOT NULL,
    units         bigint NOT NULL CHECK (units BETWEEN 1 AND 9007199254740991),
    at            bigint NOT NULL,
    reference     text,
    CONSTRAINT a_transfer_has_two_sides CHECK (from_customer IS DISTINCT FROM to_customer OR from_name <> to_name)
);
CREATE UNIQUE INDEX ledger_entries_posting ON ledger_entries (posting, place);
CREATE INDEX ledger_entries_from ON ledger_entries (from_customer, no) WHERE from_customer IS NOT NULL;
CREATE INDEX ledger_entries_to ON ledger_entries (to_customer, no) WHERE to_customer IS NOT NULL;

-- Rows of a write set that are no whole rows of a table.
CREATE TYPE ledger_cells AS (
    posting bytea, place bigint, plugin text, from_customer bytea, from_name text, to_customer bytea, to_name text,
    units bigint, at bigint, reference text
);

-- What a commit writes of the ledger, in the trip and the transaction of `commit_writes`, which checks the lease.
CREATE FUNCTION commit_ledger(put_accounts accounts[], add_entries ledger_cells[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF put_accounts IS NOT NULL THEN
        INSERT INTO accounts SELECT * FROM unnest(put_accounts)
        ON CONFLICT (plugin, customer, name) DO UPDATE SET balance = excluded.balance;
    END IF;
    IF add_entries IS NOT NULL THEN
        INSERT INTO ledger_entries (
            posting, place, plugin, from_customer, from_name, to_customer, to_name, units, at, reference
        )
        SELECT * FROM unnest(add_entries);
    END IF;
END
$$;
