-- for: messages by status and channel
-- index: scan: all of the narrow index messages_of_status
-- often: when a person looks
SELECT status, channel, count(*) FROM messages GROUP BY status, channel ORDER BY status, channel;
