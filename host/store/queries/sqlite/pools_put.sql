-- for: new or changed pools
-- index: primary key of pools
-- often: commits that change them
INSERT INTO pools (
    plugin, key, total, available, reserved, sold
)
SELECT
    value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
FROM jsonb_each(?)
WHERE true
ON CONFLICT (plugin, key) DO UPDATE SET
    total = excluded.total,
    available = excluded.available,
    reserved = excluded.reserved,
    sold = excluded.sold;
