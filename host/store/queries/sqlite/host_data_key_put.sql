-- for: wraps the key of a tenant anew, unless somebody did
-- index: primary key of data_keys
-- often: once a tenant and change of the key of the host
UPDATE data_keys SET host_key = ?, wrapped = ? WHERE tenant = ? AND wrapped = ?;
