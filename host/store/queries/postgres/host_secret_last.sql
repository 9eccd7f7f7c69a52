-- for: the value of a secret that is in force
-- index: secrets_in_force
-- often: once a value that is set
SELECT version FROM siyu.secrets WHERE tenant = $1 AND name = $2 AND until IS NULL;
