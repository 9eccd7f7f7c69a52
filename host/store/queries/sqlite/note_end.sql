-- for: removes a text that a tenant keeps about its own way
-- index: primary key of meta
-- often: when a move is taken back
DELETE FROM meta WHERE name = ?;
