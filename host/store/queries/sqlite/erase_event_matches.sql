-- for: keys of the events of an erased customer
-- index: events_of_customer, primary key of event_matches
-- often: once an erased customer
DELETE FROM event_matches
WHERE (hash, seq) IN (
    WITH RECURSIVE part (seq, matches, at) AS (
        SELECT seq, matches, 1 FROM events WHERE customer = ?1 AND matches IS NOT NULL
        UNION ALL
        SELECT seq, matches, at + 16 FROM part WHERE at + 16 <= length(matches)
    )
    SELECT substr(matches, at, 16), seq FROM part
);
