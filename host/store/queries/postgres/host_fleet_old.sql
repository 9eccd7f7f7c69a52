-- for: forgets hosts that said nothing for a day
-- index: primary key of hosts
-- often: once a start of a host
DELETE FROM siyu.hosts WHERE id > ''::bytea AND alive_until < siyu.now_ms() - 86400000;
