-- for: until when values that are replaced are still accepted
-- index: primary key of secrets
-- often: once a value that is set
UPDATE secrets SET until = min(coalesce(until, ?), ?) WHERE tenant = ? AND name = ?;
