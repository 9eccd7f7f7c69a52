-- for: keys of the events of an erased customer
-- index: events_of_customer, primary key of event_matches
-- often: once an erased customer
DELETE FROM event_matches USING (
    SELECT substr(e.matches, part.at, 16) AS hash, e.seq
    FROM events AS e
    CROSS JOIN generate_series(1, length(e.matches), 16) AS part (at)
    WHERE e.customer = $1 AND e.matches IS NOT NULL
) AS gone
WHERE event_matches.hash = gone.hash AND event_matches.seq = gone.seq;
