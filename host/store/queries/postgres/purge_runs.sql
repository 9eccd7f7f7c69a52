-- for: runs that go
-- index: primary key of runs
-- often: maintenance, a bounded window a call
DELETE FROM runs WHERE no = ANY ($1);
