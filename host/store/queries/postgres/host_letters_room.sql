-- for: whether tenants are there, how many letters wait for each, counted up to a limit, and which are closed
-- index: primary key of tenants, letters_of_tenant
-- often: once a batch of letters
SELECT asked.name, tenant.name IS NOT NULL, (
    SELECT count(*) FROM (
        SELECT 1 FROM siyu.letters AS letter
        WHERE letter.tenant = asked.name AND letter.answer IS NULL LIMIT $2
    ) AS waiting
), coalesce(tenant.is_closed, false), to_regclass(quote_ident(tenant.schema) || '.meta') IS NOT NULL
FROM unnest($1::text[]) AS asked (name)
LEFT JOIN siyu.tenants AS tenant ON tenant.name = asked.name;
