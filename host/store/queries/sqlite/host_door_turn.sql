-- for: whose turn it is to change something, and whether tokens change
-- index: primary key of door
-- often: once a change
UPDATE door SET revision = revision + ? WHERE one = 1;
