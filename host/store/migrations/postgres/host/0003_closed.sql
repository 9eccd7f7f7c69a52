-- Tenants that no host executes: one that is on its way to another place, and what it leaves behind there. The tenant's own
-- note says the same and is what refuses an executor; here it keeps hosts from asking again and again, and from taking in
-- requests that nobody would work off. Forward only; an applied migration is never edited.

ALTER TABLE tenants ADD COLUMN is_closed boolean NOT NULL DEFAULT false;

-- Whoever closes a tenant holds its row, so a letter is there before that, and seen, or comes after it, and is refused.
CREATE FUNCTION letters_are_for_open_tenants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM siyu.tenants WHERE name = NEW.tenant AND NOT is_closed FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'tenant % is closed: it is being moved, or lives elsewhere', NEW.tenant;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER letters_are_for_open_tenants BEFORE INSERT ON letters
    FOR EACH ROW EXECUTE FUNCTION letters_are_for_open_tenants();
