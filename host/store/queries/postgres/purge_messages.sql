-- for: messages of a window that left or will never leave; a receipt may never come, so sent is enough
-- index: primary key of messages
-- often: maintenance, a bounded window a call
DELETE FROM messages
WHERE no > $1 AND no <= $2 AND changed_at < $3
    AND status NOT IN ('planned', 'task_created', 'staff_notified');
