-- for: rows of every table
-- index: scan: the narrowest index of each table
-- often: when a person looks
SELECT 'events', count(*) FROM events
UNION ALL SELECT 'event_matches', count(*) FROM event_matches
UNION ALL SELECT 'customers', count(*) FROM customers
UNION ALL SELECT 'identities', count(*) FROM identities
UNION ALL SELECT 'facts', count(*) FROM facts
UNION ALL SELECT 'tags', count(*) FROM tags
UNION ALL SELECT 'segment_members', count(*) FROM segment_members
UNION ALL SELECT 'runs', count(*) FROM runs
UNION ALL SELECT 'journal', count(*) FROM journal
UNION ALL SELECT 'entries', count(*) FROM entries
UNION ALL SELECT 'waits', count(*) FROM waits
UNION ALL SELECT 'timers', count(*) FROM timers
UNION ALL SELECT 'planned', count(*) FROM planned
UNION ALL SELECT 'records', count(*) FROM records
UNION ALL SELECT 'pools', count(*) FROM pools
UNION ALL SELECT 'reservations', count(*) FROM reservations
UNION ALL SELECT 'counters', count(*) FROM counters
UNION ALL SELECT 'accounts', count(*) FROM accounts
UNION ALL SELECT 'ledger_entries', count(*) FROM ledger_entries
UNION ALL SELECT 'codes', count(*) FROM codes
UNION ALL SELECT 'messages', count(*) FROM messages
UNION ALL SELECT 'playbooks', count(*) FROM playbooks
UNION ALL SELECT 'resources', count(*) FROM resources
UNION ALL SELECT 'schedules', count(*) FROM schedules
UNION ALL SELECT 'scans', count(*) FROM scans
UNION ALL SELECT 'feeds', count(*) FROM feeds;
