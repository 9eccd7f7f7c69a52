-- for: messages to an erased customer: that they went, or why a rule stopped them, stays, under the pseudonym
-- index: messages_of_customer
-- often: once an erased customer
UPDATE messages SET customer = $2, body = '', reason = CASE status WHEN 'blocked' THEN reason END
WHERE customer = $1;
