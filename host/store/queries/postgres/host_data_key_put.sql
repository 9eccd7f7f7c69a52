-- for: wraps the key of a tenant anew, unless somebody did
-- index: primary key of data_keys
-- often: once a tenant and change of the key of the host
UPDATE siyu.data_keys SET host_key = $1, wrapped = $2 WHERE tenant = $3 AND wrapped = $4;
