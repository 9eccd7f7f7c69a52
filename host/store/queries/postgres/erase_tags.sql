-- for: tags of an erased customer
-- index: primary key of tags
-- often: once an erased customer
DELETE FROM tags WHERE customer = $1;
