-- for: bytes of a tenant's tables and indexes
-- index: none: no table of a tenant
-- often: when a person looks
SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_catalog.pg_class
WHERE relkind = 'r'
    AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema());
