-- for: how many letters wait for a tenant that is to be closed
-- index: letters_of_tenant
-- often: when a tenant is carried
SELECT count(*) FROM siyu.letters WHERE tenant = $1 AND answer IS NULL;
