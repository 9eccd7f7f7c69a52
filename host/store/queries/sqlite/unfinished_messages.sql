-- for: messages to a customer that have not left, or that staff have not sent
-- index: messages_of_customer
-- often: a look at what is under way for a customer who is to be erased
SELECT id FROM messages
WHERE customer = ?1 AND (status = 'planned' OR status = 'task_created' OR status = 'staff_notified')
ORDER BY id
LIMIT ?2;
