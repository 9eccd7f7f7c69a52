-- for: until when values that are replaced are still accepted
-- index: primary key of secrets
-- often: once a value that is set
UPDATE siyu.secrets SET until = least(coalesce(until, $1), $2) WHERE tenant = $3 AND name = $4;
