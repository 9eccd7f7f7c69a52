-- for: new or changed facts
-- index: primary key of facts
-- often: commits that have some
INSERT INTO facts (
    customer, event_type, count, sum_fen, first_at, last_at, last_seq
)
SELECT
    CAST(value ->> 0 AS BLOB), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
    value ->> 6
FROM jsonb_each(?)
WHERE true
ON CONFLICT (customer, event_type) DO UPDATE SET
    count = excluded.count,
    sum_fen = excluded.sum_fen,
    first_at = excluded.first_at,
    last_at = excluded.last_at,
    last_seq = excluded.last_seq;
