-- for: pages of the database, their size, and how many of them hold nothing
-- index: none: the header of the file
-- often: when a person looks
SELECT page_count, page_size, freelist_count
FROM pragma_page_count(), pragma_page_size(), pragma_freelist_count();
