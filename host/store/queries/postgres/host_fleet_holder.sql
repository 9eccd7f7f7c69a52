-- for: who has a tenant, in words
-- index: primary key of tenants and of hosts
-- often: when a host is refused a tenant
SELECT host.name, host.is_member, (siyu.now_ms() - host.alive_until)::bigint
FROM siyu.tenants AS tenant JOIN siyu.hosts AS host ON host.id = tenant.holder
WHERE tenant.name = $1;
