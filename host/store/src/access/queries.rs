//! The statements about who may enter a host, and about secrets: one file each in `queries/<database>/host_…`, named here
//! once.

macro_rules! queries {
    ($($name:ident,)*) => {
        /// The texts of one database.
        pub(crate) struct HostQueries {
            $(pub(crate) $name: &'static str,)*
        }

        /// What they say in SQLite.
        pub(crate) static SQLITE: HostQueries = HostQueries {
            $($name: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/queries/sqlite/host_", stringify!($name), ".sql"
            )),)*
        };

        /// What they say in Postgres.
        pub(crate) static POSTGRES: HostQueries = HostQueries {
            $($name: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/queries/postgres/host_", stringify!($name), ".sql"
            )),)*
        };
    };
}

queries! {
    audit,
    audit_add,
    audit_end,
    data_key,
    data_key_add,
    data_key_end,
    data_key_put,
    data_keys,
    door,
    door_make,
    door_turn,
    secret_add,
    secret_end,
    secret_last,
    secret_old,
    secret_until,
    secret_used,
    secrets,
    secrets_count,
    secrets_end,
    token_add,
    token_revoke,
    token_used,
    tokens,
    tokens_old,
    tokens_valid,
}
