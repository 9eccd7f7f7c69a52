-- for: what a server says of itself
-- index: none: no table
-- often: when a person asks
SELECT
    current_setting('server_version'),
    current_setting('fsync'),
    current_setting('synchronous_commit'),
    current_setting('full_page_writes'),
    current_setting('max_connections');
