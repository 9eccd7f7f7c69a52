-- for: the place of the last of the messages
-- index: primary key of messages
-- often: when a person looks
SELECT coalesce(max(no), 0) FROM messages;
