-- for: a whole commit in one trip; see the functions, which the migrations make
-- index: primary key of lease, and of every table with changes
-- often: every commit
SELECT
    commit_writes(
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
        $22, $23, $24, $25, $26, $27, $30, $31, $32, $33, $34, $35, $36, $37
    ),
    commit_ledger($28, $29);
