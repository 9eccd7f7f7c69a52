-- for: letters that are not answered, of some of the tenants that a host has
-- index: primary key of tenants, letters_of_tenant
-- often: when there may be letters, and twice a second
SELECT letter.id, tenant.name, letter.body
FROM siyu.tenants AS tenant
CROSS JOIN LATERAL (
    SELECT id, body FROM siyu.letters WHERE letters.tenant = tenant.name AND answer IS NULL ORDER BY id LIMIT $3
) AS letter
WHERE tenant.name = ANY ($2) AND tenant.holder = $1
ORDER BY letter.id;
