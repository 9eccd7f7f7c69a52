-- for: says that a host lives for some milliseconds from now on
-- index: primary key of hosts
-- often: once a second and host
INSERT INTO siyu.hosts AS host (id, name, is_member, began_at, alive_until)
VALUES ($1, $2, $3, siyu.now_ms(), siyu.now_ms() + $4)
ON CONFLICT (id) DO UPDATE SET alive_until = siyu.now_ms() + $4;
