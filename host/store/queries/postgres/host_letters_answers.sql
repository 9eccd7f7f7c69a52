-- for: takes the answers to letters of a host
-- index: answers_of_asker
-- often: when there may be answers, and twice a second while somebody waits
DELETE FROM siyu.letters WHERE asker = $1 AND answer IS NOT NULL RETURNING id, answer;
