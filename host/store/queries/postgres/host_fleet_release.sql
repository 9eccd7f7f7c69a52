-- for: gives tenants up for others to take
-- index: primary key of tenants
-- often: when a host has more than its part
UPDATE siyu.tenants SET holder = NULL WHERE name = ANY ($2) AND holder = $1;
