-- for: messages to a customer that have not left, or that staff have not sent
-- index: messages_of_customer
-- often: a look at what is under way for a customer who is to be erased
SELECT id FROM messages
WHERE customer = $1 AND status IN ('planned', 'task_created', 'staff_notified')
ORDER BY id
LIMIT $2;
