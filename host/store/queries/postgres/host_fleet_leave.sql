-- for: a host goes: what it has is free
-- index: primary key of hosts, tenants_of_holder
-- often: once a stop
DELETE FROM siyu.hosts WHERE id = $1;
