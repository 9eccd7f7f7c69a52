-- for: whose turn it is to change something, and whether tokens change
-- index: primary key of door
-- often: once a change
UPDATE siyu.door SET revision = revision + $1 WHERE one = 1;
