-- for: makes letters durable, in their order
-- index: none: it only inserts
-- often: once a batch of letters
INSERT INTO siyu.letters (tenant, posted_at, asker, body)
SELECT posted.tenant, siyu.now_ms(), CASE WHEN posted.is_awaited THEN $1::bytea END, posted.body
FROM unnest($2::text[], $3::text[], $4::bool[]) WITH ORDINALITY AS posted (tenant, body, is_awaited, place)
ORDER BY posted.place
RETURNING id;
