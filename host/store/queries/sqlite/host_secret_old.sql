-- for: removes values of a secret that are over
-- index: primary key of secrets
-- often: once a value that is set
DELETE FROM secrets WHERE tenant = ? AND name = ? AND (until <= ? OR version <= ?);
