-- for: runs of an erased customer: how they ended stays, under the pseudonym
-- index: runs_of_customer
-- often: once an erased customer
UPDATE runs SET
    customer = ?2,
    key = NULL,
    slot = NULL,
    state = ?3,
    status = json_replace(
        json_remove(status, '$.ended.end.failed.fault.fields'),
        '$.ended.end.failed.fault.message', '',
        '$.ended.end.cancelled.reason', ''
    )
WHERE customer = ?1;
