-- for: the value of a secret that is in force
-- index: secrets_in_force
-- often: once a value that is set
SELECT version FROM secrets WHERE tenant = ? AND name = ? AND until IS NULL;
