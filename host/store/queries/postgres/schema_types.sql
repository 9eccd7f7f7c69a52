-- for: the numbers of the types that rows of a tenant have, and of their arrays
-- index: none: no table of a tenant
-- often: once an opening
SELECT typname::text, oid::int8, typarray::int8 FROM pg_catalog.pg_type
WHERE typtype = 'c' AND typarray <> 0
    AND typnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema());
