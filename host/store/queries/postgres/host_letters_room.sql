-- for: whether tenants are there, and how many letters wait for each, counted up to a limit; a closed one has no room
-- index: primary key of tenants, letters_of_tenant
-- often: once a batch of letters
SELECT asked.name, tenant.name IS NOT NULL, CASE WHEN tenant.is_closed THEN $2 ELSE (
    SELECT count(*) FROM (
        SELECT 1 FROM siyu.letters AS letter
        WHERE letter.tenant = asked.name AND letter.answer IS NULL LIMIT $2
    ) AS waiting
) END
FROM unnest($1::text[]) AS asked (name)
LEFT JOIN siyu.tenants AS tenant ON tenant.name = asked.name;
