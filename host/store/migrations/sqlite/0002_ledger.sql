-- Accounts of plugins in double entry, and the transfers between them.

-- Accounts of the tenant are under a customer of no bytes; they alone may owe. Nothing goes beyond what JSON holds exactly.
CREATE TABLE accounts (
    plugin   TEXT NOT NULL,
    customer BLOB NOT NULL CHECK (length(customer) IN (0, 16)),
    name     TEXT NOT NULL,
    balance  INTEGER NOT NULL CHECK (balance BETWEEN -9007199254740991 AND 9007199254740991),
    PRIMARY KEY (plugin, customer, name),
    CONSTRAINT no_customer_owes CHECK (length(customer) = 0 OR balance >= 0)
) STRICT, WITHOUT ROWID;

-- One row is a debit and a credit of as many units, so all accounts together hold nothing. Rows are only added.
CREATE TABLE ledger_entries (
    no            INTEGER NOT NULL PRIMARY KEY,
    posting       BLOB NOT NULL CHECK (length(posting) = 16),
    place         INTEGER NOT NULL CHECK (place >= 0),
    plugin        TEXT NOT NULL,
    from_customer BLOB CHECK (length(from_customer) = 16),
    from_name     TEXT NOT NULL,
    to_customer   BLOB CHECK (length(to_customer) = 16),
    to_name       TEXT NOT NULL,
    units         INTEGER NOT NULL CHECK (units BETWEEN 1 AND 9007199254740991),
    at            INTEGER NOT NULL,
    reference     TEXT,
    CONSTRAINT a_transfer_has_two_sides CHECK (from_customer IS NOT to_customer OR from_name <> to_name)
) STRICT;
CREATE UNIQUE INDEX ledger_entries_posting ON ledger_entries (posting, place);
CREATE INDEX ledger_entries_from ON ledger_entries (from_customer, no) WHERE from_customer IS NOT NULL;
CREATE INDEX ledger_entries_to ON ledger_entries (to_customer, no) WHERE to_customer IS NOT NULL;
