-- for: closes a tenant to all hosts, or opens it; nobody has it then
-- index: primary key of tenants
-- often: when a tenant is carried
UPDATE siyu.tenants SET is_closed = $2, holder = NULL WHERE name = $1;
