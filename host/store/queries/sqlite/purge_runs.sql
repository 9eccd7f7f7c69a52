-- for: runs that go
-- index: primary key of runs
-- often: maintenance, a bounded window a call
DELETE FROM runs WHERE no IN (SELECT value FROM jsonb_each(?));
