-- for: the tenants of a fleet, and who has each
-- index: primary key of tenants and of hosts
-- often: once a second and host
SELECT tenant.name, host.id
FROM siyu.tenants AS tenant
LEFT JOIN siyu.hosts AS host ON host.id = tenant.holder AND host.alive_until > siyu.now_ms()
WHERE tenant.clock = 'real' AND NOT tenant.is_closed
ORDER BY tenant.name;
