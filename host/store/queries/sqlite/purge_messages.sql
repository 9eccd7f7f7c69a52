-- for: messages of a window that left or will never leave; a receipt may never come, so sent is enough
-- index: primary key of messages
-- often: maintenance, a bounded window a call
DELETE FROM messages
WHERE no > ? AND no <= ? AND changed_at < ?
    AND status NOT IN ('planned', 'task_created', 'staff_notified');
