-- for: the hosts that live and take tenants
-- index: primary key of hosts
-- often: once a second and host
SELECT id FROM siyu.hosts WHERE is_member AND alive_until > siyu.now_ms() ORDER BY id;
