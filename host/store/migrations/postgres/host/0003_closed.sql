-- Tenants that no host executes: one that is on its way to another place, and what it leaves behind there. The tenant's own
-- note says the same and is what refuses an executor; here it keeps hosts from asking again and again. Forward only; an
-- applied migration is never edited.

ALTER TABLE tenants ADD COLUMN is_closed boolean NOT NULL DEFAULT false;
