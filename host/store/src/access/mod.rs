//! Who may enter a host, the sealed secrets of tenants, and what was changed by whom: rows in, rows out.
//!
//! Every change takes the row of the door first, so changes come one after another and a note's link follows the one
//! before it, whichever host writes. It decides nothing about who may do what.

mod queries;
mod secrets;

/// The ports of access and of secrets of a type that wraps [`Kept`].
macro_rules! through {
    ($name:ident) => {
        #[async_trait]
        impl Access for $name {
            async fn key(&self) -> Result<[u8; 32], StoreError> {
                self.0.key().await
            }

            async fn revision(&self) -> Result<u64, StoreError> {
                self.0.revision().await
            }

            async fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
                self.0.tokens().await
            }

            async fn add(&self, token: TokenRow, note: Note) -> Result<bool, StoreError> {
                self.0.add(token, note).await
            }

            async fn revoke(&self, id: TokenId, note: Note) -> Result<bool, StoreError> {
                self.0.revoke(id, note).await
            }

            async fn used(&self, uses: Vec<(TokenId, UtcMs)>) -> Result<(), StoreError> {
                self.0.used(uses).await
            }

            async fn note(&self, note: Note) -> Result<(), StoreError> {
                self.0.note(note).await
            }

            async fn notes(&self, before: Option<u64>, limit: usize) -> Result<Vec<NoteRow>, StoreError> {
                self.0.notes(before, limit).await
            }
        }

        #[async_trait]
        impl SecretStore for $name {
            async fn secrets_revision(&self) -> Result<u64, StoreError> {
                self.0.secrets_revision().await
            }

            async fn data_keys(&self) -> Result<Vec<DataKeyRow>, StoreError> {
                self.0.data_keys().await
            }

            async fn data_key(&self, tenant: &TenantName) -> Result<Option<DataKeyRow>, StoreError> {
                self.0.data_key(tenant).await
            }

            async fn secrets(&self, tenant: &TenantName) -> Result<Vec<SecretRow>, StoreError> {
                self.0.secrets(tenant).await
            }

            async fn set_secret(&self, set: SetSecret, note: Note) -> Result<SetEnd, StoreError> {
                self.0.set_secret(set, note).await
            }

            async fn remove_secrets(
                &self,
                tenant: &TenantName,
                name: Option<&SecretName>,
                note: Note,
            ) -> Result<u64, StoreError> {
                self.0.remove_secrets(tenant, name, note).await
            }

            async fn rewrap(&self, keys: Vec<Rewrap>, note: Note) -> Result<bool, StoreError> {
                self.0.rewrap(keys, note).await
            }

            async fn secrets_used(
                &self,
                uses: Vec<(TenantName, SecretName, UtcMs)>,
            ) -> Result<(), StoreError> {
                self.0.secrets_used(uses).await
            }
        }
    };
}
pub(crate) use through;

use async_trait::async_trait;
use siyu_engine::ports::access::{Access, Note, NoteRow, TokenRow};
use siyu_engine::ports::store::StoreError;
use siyu_model::access::{Grant, Scope, TokenHash};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::id::TokenId;
use siyu_model::limits::access::TOKENS_MAX;

use crate::database::{Args, Cells, failed};
use crate::decode::Fields;
use crate::readers::Readers;
use crate::store::random_bytes;
pub(crate) use queries::{HostQueries, POSTGRES, SQLITE};
use secrets::Change;

/// How long a token that is over is still shown: a year and a month.
const SHOWN: DurationMs = DurationMs::from_millis(400 * 86_400_000);
/// Connections at once: one that changes something, and one that looks.
const CONNECTIONS: usize = 2;

/// A database with what a host keeps beside its tenants.
#[async_trait]
pub(crate) trait HostDatabase: Send + Sync + 'static {
    /// A row of an answer.
    type Row: Cells;
    /// A connection.
    type Connection: Send;

    /// What the statements say here.
    const SQL: &'static HostQueries;
    /// Begins a transaction that changes something.
    const BEGIN: &'static str;

    /// The database in words.
    fn place(&self) -> &str;

    /// Opens a connection to a database that has all migrations.
    async fn open(&self) -> Result<Self::Connection, StoreError>;

    /// Asks one question.
    async fn ask(
        &self,
        connection: &mut Self::Connection,
        text: &'static str,
        args: Args,
    ) -> Result<Vec<Self::Row>, sqlx::Error>;

    /// Changes rows; says how many.
    async fn change(
        &self,
        connection: &mut Self::Connection,
        text: &'static str,
        args: Args,
    ) -> Result<u64, sqlx::Error>;
}

/// The access port on a database.
pub(crate) struct Kept<D: HostDatabase> {
    database: D,
    connections: Readers<D::Connection>,
}

impl<D: HostDatabase> Kept<D> {
    /// With the key of the door, made when there is none.
    pub(crate) async fn open(database: D) -> Result<Self, StoreError> {
        let kept = Self { connections: Readers::new(CONNECTIONS), database };
        let key: [u8; 32] = random_bytes(kept.database.place())?;
        let mut turn = kept.connections.turn(|| kept.database.open()).await?;
        let args = Args::default().bytes(key);
        let made = kept.database.change(&mut turn.connection, D::SQL.door_make, args).await;
        made.map_err(|fault| kept.fault(fault))?;
        turn.keep();
        Ok(kept)
    }

    fn fault(&self, fault: sqlx::Error) -> StoreError {
        failed(self.database.place(), fault)
    }

    /// Asks one question, once more on a new connection when an old one is of no use any more.
    async fn rows(&self, text: &'static str, args: Args) -> Result<Vec<D::Row>, StoreError> {
        let mut turn = self.connections.turn(|| self.database.open()).await?;
        let rows = match self.database.ask(&mut turn.connection, text, args.clone()).await {
            Ok(rows) => rows,
            Err(_) => {
                drop(self.connections.forget());
                turn.connection = self.database.open().await?;
                let again = self.database.ask(&mut turn.connection, text, args).await;
                again.map_err(|fault| self.fault(fault))?
            }
        };
        turn.keep();
        Ok(rows)
    }

    /// Does all of it in one transaction, in its turn, or nothing of it. After a fault the connection is closed, and what
    /// it had begun is rolled back.
    async fn transact(&self, wish: Wish, note: Option<Note>) -> Result<Ended, StoreError> {
        let mut turn = self.connections.turn(|| self.database.open()).await?;
        if self.database.change(&mut turn.connection, D::BEGIN, Args::default()).await.is_err() {
            // One that was idle for long may be dead, and nothing was done on it.
            drop(self.connections.forget());
            turn.connection = self.database.open().await?;
            let begun = self.database.change(&mut turn.connection, D::BEGIN, Args::default()).await;
            begun.map_err(|fault| self.fault(fault))?;
        }
        let connection = &mut turn.connection;
        let ended = self.carry_out(connection, wish, note).await?;
        let end = if ended.is_done() { "COMMIT" } else { "ROLLBACK" };
        self.change(connection, end, Args::default()).await?;
        turn.keep();
        Ok(ended)
    }

    async fn carry_out(
        &self,
        connection: &mut D::Connection,
        wish: Wish,
        note: Option<Note>,
    ) -> Result<Ended, StoreError> {
        let sql = D::SQL;
        self.change(connection, sql.door_turn, Args::default().int(wish.moves_revision().into())).await?;
        let when = |is_done: bool| if is_done { Ended::Did(1) } else { Ended::Refused };
        let ended = match wish {
            Wish::Nothing => Ended::Did(0),
            Wish::Secrets(change) => self.carry_out_secrets(connection, change).await?,
            Wish::Add(token) => {
                let old = Args::default().int((token.made_at - SHOWN).as_millis());
                self.change(connection, sql.tokens_old, old).await?;
                let valid = Args::default().int(token.made_at.as_millis());
                let found = self.database.ask(connection, sql.tokens_valid, valid).await;
                let found = found.map_err(|fault| self.fault(fault))?;
                let count =
                    found.first().map(|row| Fields::of("tokens", row).number::<usize>()).transpose()?;
                let has_room = count.unwrap_or(0) < TOKENS_MAX;
                when(has_room && self.change(connection, sql.token_add, row_of(*token)).await? == 1)
            }
            Wish::Revoke(id, at) => {
                let args = Args::default().int(at.as_millis()).bytes(*id.as_bytes());
                when(self.change(connection, sql.token_revoke, args).await? == 1)
            }
            Wish::Used(uses) => {
                for (id, at) in uses {
                    let args = Args::default().int(at.as_millis()).bytes(*id.as_bytes());
                    self.change(connection, sql.token_used, args).await?;
                }
                Ended::Did(0)
            }
        };
        if let Some(note) = note.filter(|_| ended.is_done()) {
            self.write(connection, note.within_limits()).await?;
        }
        Ok(ended)
    }

    /// Adds a note after the last one.
    async fn write(&self, connection: &mut D::Connection, note: Note) -> Result<(), StoreError> {
        let end = self.database.ask(connection, D::SQL.audit_end, Args::default()).await;
        let end = end.map_err(|fault| self.fault(fault))?;
        let (last, before) = match end.first() {
            Some(row) => {
                let mut fields = Fields::of("audit", row);
                (fields.number::<u64>()?, fields.bytes()?)
            }
            None => (0, [0; 32]),
        };
        let place = last + 1;
        let link = note.link(place, &before);
        let args = Args::default()
            .count(place)
            .int(note.at.as_millis())
            .text(&note.actor)
            .opt_text(note.tenant.map(|tenant| tenant.to_string()))
            .text(&note.action)
            .text(&note.subject)
            .text(note.outcome.as_str())
            .text(&note.detail)
            .bytes(link);
        self.change(connection, D::SQL.audit_add, args).await.map(drop)
    }

    async fn change(
        &self,
        connection: &mut D::Connection,
        text: &'static str,
        args: Args,
    ) -> Result<u64, StoreError> {
        self.database.change(connection, text, args).await.map_err(|fault| self.fault(fault))
    }

    async fn door(&self) -> Result<([u8; 32], u64), StoreError> {
        let rows = self.rows(D::SQL.door, Args::default()).await?;
        let none = || StoreError::Broken(format!("{}: the door has no key", self.database.place()));
        let mut fields = Fields::of("door", rows.first().ok_or_else(none)?);
        Ok((fields.bytes()?, fields.number()?))
    }
}

/// What a transaction changes, beside the note of it.
enum Wish {
    Nothing,
    Add(Box<TokenRow>),
    Revoke(TokenId, UtcMs),
    Used(Vec<(TokenId, UtcMs)>),
    Secrets(Change),
}

impl Wish {
    /// Whether hosts must look again at what they know.
    fn moves_revision(&self) -> bool {
        match self {
            Self::Nothing | Self::Used(_) | Self::Secrets(Change::Used(_)) => false,
            Self::Add(_) | Self::Revoke(..) | Self::Secrets(_) => true,
        }
    }
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// It is durable; so many rows were changed.
    Did(u64),
    /// What it would change is not there, or there is no room: nothing was changed.
    Refused,
    /// What it was made for has changed meanwhile: nothing was changed.
    Changed,
}

impl Ended {
    fn is_done(self) -> bool {
        matches!(self, Self::Did(_))
    }
}

fn row_of(token: TokenRow) -> Args {
    let words = |only: Vec<Scope>| only.into_iter().map(Scope::as_str).collect::<Vec<_>>().join(",");
    Args::default()
        .bytes(*token.id.as_bytes())
        .bytes(*token.hash.as_bytes())
        .text(&token.name)
        .text(token.grant.role.as_str())
        .opt_text(token.grant.only.map(words))
        .text(&token.grant.reach.to_string())
        .int(token.made_at.as_millis())
        .text(&token.made_by)
        .int(token.expires_at.as_millis())
}

fn token<R: Cells>(row: &R) -> Result<TokenRow, StoreError> {
    let mut fields = Fields::of("tokens", row);
    let id = TokenId::from_bytes(fields.bytes()?);
    let hash = TokenHash::from_bytes(fields.bytes()?);
    let name = fields.string()?;
    let role = fields.parse()?;
    let only = fields.opt_text()?.map(|words| {
        // A scope that this host does not know gives nothing here.
        words.split(',').filter_map(|word| word.parse().ok()).collect()
    });
    let grant = Grant { role, only, reach: fields.parse()? };
    Ok(TokenRow {
        id,
        hash,
        name,
        grant,
        made_at: fields.at()?,
        made_by: fields.string()?,
        expires_at: fields.at()?,
        revoked_at: fields.opt_at()?,
        used_at: fields.opt_at()?,
    })
}

fn note<R: Cells>(row: &R) -> Result<NoteRow, StoreError> {
    let mut fields = Fields::of("audit", row);
    let place = fields.number()?;
    let note = Note {
        at: fields.at()?,
        actor: fields.string()?,
        tenant: fields.opt_parse()?,
        action: fields.string()?,
        subject: fields.string()?,
        outcome: fields.parse()?,
        detail: fields.string()?,
    };
    Ok(NoteRow { place, note, link: fields.bytes()? })
}

#[async_trait]
impl<D: HostDatabase> Access for Kept<D> {
    async fn key(&self) -> Result<[u8; 32], StoreError> {
        Ok(self.door().await?.0)
    }

    async fn revision(&self) -> Result<u64, StoreError> {
        Ok(self.door().await?.1)
    }

    async fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        self.rows(D::SQL.tokens, Args::default()).await?.iter().map(token).collect()
    }

    async fn add(&self, token: TokenRow, note: Note) -> Result<bool, StoreError> {
        Ok(self.transact(Wish::Add(Box::new(token)), Some(note)).await?.is_done())
    }

    async fn revoke(&self, id: TokenId, note: Note) -> Result<bool, StoreError> {
        Ok(self.transact(Wish::Revoke(id, note.at), Some(note)).await?.is_done())
    }

    async fn used(&self, uses: Vec<(TokenId, UtcMs)>) -> Result<(), StoreError> {
        self.transact(Wish::Used(uses), None).await.map(drop)
    }

    async fn note(&self, note: Note) -> Result<(), StoreError> {
        self.transact(Wish::Nothing, Some(note)).await.map(drop)
    }

    async fn notes(&self, before: Option<u64>, limit: usize) -> Result<Vec<NoteRow>, StoreError> {
        let args = Args::default().count(before.unwrap_or(u64::MAX)).limit(limit);
        self.rows(D::SQL.audit, args).await?.iter().map(note).collect()
    }
}
