-- for: removes values of a secret that are over
-- index: primary key of secrets
-- often: once a value that is set
DELETE FROM siyu.secrets WHERE tenant = $1 AND name = $2 AND (until <= $3 OR version <= $4);
