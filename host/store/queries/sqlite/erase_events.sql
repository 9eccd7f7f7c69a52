-- for: events of an erased customer: that they happened stays, with their whole amounts, under the pseudonym
-- index: events_of_customer
-- often: once an erased customer
UPDATE events SET
    customer = ?2,
    id = '',
    data = CASE json_type(data, '$.amount_fen')
        WHEN 'integer' THEN '{"amount_fen":' || (data ->> '$.amount_fen') || '}'
        ELSE '{}'
    END,
    matches = NULL
WHERE customer = ?1;
