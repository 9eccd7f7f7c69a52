-- for: runs of an erased customer: how they ended stays, under the pseudonym
-- index: runs_of_customer
-- often: once an erased customer
UPDATE runs SET
    customer = $2,
    key = NULL,
    slot = NULL,
    state = $3,
    status = jsonb_set(
        jsonb_set(
            document(status)::jsonb #- '{ended,end,failed,fault,fields}',
            '{ended,end,failed,fault,message}', '""', false
        ),
        '{ended,end,cancelled,reason}', '""', false
    )::text
WHERE customer = $1;
