-- for: events of an erased customer: that they happened stays, with their whole amounts, under the pseudonym
-- index: events_of_customer
-- often: once an erased customer
UPDATE events SET
    customer = $2,
    id = '',
    data = CASE
        WHEN document(data) ->> 'amount_fen' ~ '^-?[0-9]+$' AND json_typeof(document(data) -> 'amount_fen') = 'number'
            THEN '{"amount_fen":' || (document(data) ->> 'amount_fen') || '}'
        ELSE '{}'
    END,
    matches = NULL
WHERE customer = $1;
