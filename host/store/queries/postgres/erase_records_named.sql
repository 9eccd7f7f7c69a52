-- for: documents of the tenant that are named after an erased customer
-- index: primary key of records, and all of the tenant's own
-- often: once an erased customer
DELETE FROM records WHERE customer = ''::bytea AND strpos(key, $1) > 0;
