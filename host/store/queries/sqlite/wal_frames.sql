-- for: how long the write-ahead log is; does nothing to it
-- index: none: no table
-- often: every commit, last
PRAGMA wal_checkpoint(NOOP);
