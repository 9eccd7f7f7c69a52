-- for: takes tenants that nobody has who lives; a command takes them from a command, and nothing from a host
-- index: primary key of tenants and of hosts
-- often: when a host came or went, and once a command
WITH free AS (
    SELECT tenant.name
    FROM siyu.tenants AS tenant
    WHERE tenant.name = ANY ($2) AND NOT EXISTS (
        SELECT 1 FROM siyu.hosts AS host
        WHERE host.id = tenant.holder AND host.id <> $1 AND host.alive_until > siyu.now_ms()
            AND (host.is_member OR $3)
    )
    ORDER BY tenant.name
    FOR UPDATE OF tenant SKIP LOCKED
)
UPDATE siyu.tenants AS tenant SET holder = $1 FROM free WHERE tenant.name = free.name RETURNING tenant.name;
