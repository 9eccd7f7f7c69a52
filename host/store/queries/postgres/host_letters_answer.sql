-- for: answers letters; those that nobody waits for go. Gives whom to tell
-- index: primary key of letters
-- often: once a batch of letters
WITH given AS (
    SELECT id, answer FROM unnest($1::bigint[], $2::text[]) AS given (id, answer)
), gone AS (
    DELETE FROM siyu.letters AS letter USING given WHERE letter.id = given.id AND letter.asker IS NULL
), told AS (
    UPDATE siyu.letters AS letter SET answer = given.answer, answered_at = siyu.now_ms()
    FROM given WHERE letter.id = given.id AND letter.asker IS NOT NULL AND letter.answer IS NULL
    RETURNING letter.asker
)
SELECT pg_notify('siyu', 'answers ' || encode(asker, 'hex')) FROM (SELECT DISTINCT asker FROM told) AS askers;
