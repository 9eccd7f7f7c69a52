//! Who may do what on a host: scopes, the roles that bundle them, and the tenants that they reach.
//!
//! It checks no token and knows no request: whoever opens the door asks [`Grant::has`].

mod reach;
mod token;

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

pub use reach::{Reach, ReachError};
pub use token::{Token, TokenHash};

/// Why a text is no word of access.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no {what}: expected one of {known}")]
pub struct WordError {
    found: String,
    what: &'static str,
    known: String,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$about:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$about])* $variant,)*
        }

        impl $name {
            /// All of them, in their order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = WordError;

            fn from_str(text: &str) -> Result<Self, WordError> {
                Self::ALL.iter().copied().find(|known| known.as_str() == text).ok_or_else(|| WordError {
                    found: text.chars().take(64).collect(),
                    what: $what,
                    known: Self::ALL.iter().map(|known| known.as_str()).collect::<Vec<_>>().join(", "),
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// What one request needs.
    Scope, "scope", {
        /// Handing events in and starting workflows.
        EventsWrite = "events:write",
        /// Reading runs with their journals.
        RunsRead = "runs:read",
        /// Cancelling, retrying, pausing and resuming runs.
        RunsWrite = "runs:write",
        /// Reading customers and what happened to them.
        CustomersRead = "customers:read",
        /// Erasing customers, which cannot be taken back.
        CustomersErase = "customers:erase",
        /// Reading published versions, plugins and definitions.
        PlaybooksRead = "playbooks:read",
        /// Publishing versions and going back to earlier ones.
        PlaybooksPublish = "playbooks:publish",
        /// Reading pools, counters and accounts.
        StockRead = "stock:read",
        /// Reading reports.
        ReportsRead = "reports:read",
        /// Making, listing and revoking tokens.
        TokensAdmin = "tokens:admin",
        /// Making tenants.
        TenantsAdmin = "tenants:admin",
        /// Reading who changed what.
        AuditRead = "audit:read",
        /// Reading what the host as a whole does.
        HostRead = "host:read",
    }
}

words! {
    /// A bundle of scopes, named after who has it.
    Role, "role", {
        /// Runs the host: everything.
        HostAdmin = "host-admin",
        /// Runs the playbooks of its clients: everything but the host itself.
        Agency = "agency",
        /// Composes playbooks and looks after runs.
        Operator = "operator",
        /// A program that hands events in and asks what became of them.
        Integrator = "integrator",
        /// Looks, and changes nothing.
        Viewer = "viewer",
    }
}

impl Role {
    /// Whether the role has a scope.
    pub fn has(self, scope: Scope) -> bool {
        use Scope::{
            AuditRead, CustomersErase, CustomersRead, EventsWrite, HostRead, PlaybooksPublish, PlaybooksRead,
            ReportsRead, RunsRead, RunsWrite, StockRead, TenantsAdmin, TokensAdmin,
        };
        match self {
            Self::HostAdmin => true,
            Self::Agency => scope != HostRead,
            Self::Operator => {
                !matches!(scope, HostRead | TokensAdmin | TenantsAdmin | AuditRead | CustomersErase)
            }
            Self::Integrator => matches!(scope, EventsWrite | RunsRead | PlaybooksRead | StockRead),
            Self::Viewer => match scope {
                RunsRead | CustomersRead | PlaybooksRead | StockRead | ReportsRead => true,
                EventsWrite | RunsWrite | PlaybooksPublish | TokensAdmin | TenantsAdmin | AuditRead
                | CustomersErase | HostRead => false,
            },
        }
    }

    /// Its scopes, in their order.
    pub fn scopes(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.has(*scope))
    }
}

/// What a token may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The bundle of scopes.
    pub role: Role,
    /// Only these scopes of the role; none gives all of them, also those that a newer host adds to the role.
    pub only: Option<Vec<Scope>>,
    /// Which tenants.
    pub reach: Reach,
}

impl Grant {
    /// Everything, everywhere.
    pub fn everything() -> Self {
        Self { role: Role::HostAdmin, only: None, reach: Reach::All }
    }

    /// Whether it has a scope, wherever it reaches.
    pub fn has(&self, scope: Scope) -> bool {
        self.role.has(scope) && self.only.as_ref().is_none_or(|only| only.contains(&scope))
    }

    /// Whether it gives nothing that another one does not give, now or when a newer host adds a scope to a role.
    pub fn is_within(&self, other: &Self) -> bool {
        let is_closed = other.only.is_none() || self.only.is_some();
        let is_of_role = self.only.is_some()
            || Scope::ALL.iter().all(|scope| !self.role.has(*scope) || other.role.has(*scope));
        self.reach.is_within(&other.reach)
            && is_closed
            && is_of_role
            && self.scopes().all(|scope| other.has(scope))
    }

    /// Its scopes, in their order.
    pub fn scopes(&self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(|scope| self.has(*scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_their_text_form_and_others_are_refused_in_words() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse::<Scope>().as_ref(), Ok(scope));
        }
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().as_ref(), Ok(role));
        }
        let fault = "root".parse::<Role>().unwrap_err().to_string();
        assert!(fault.starts_with("`root` is no role: expected one of host-admin, agency"), "{fault}");
    }

    #[test]
    fn who_looks_changes_nothing_and_a_program_publishes_nothing() {
        let changes = [Scope::EventsWrite, Scope::RunsWrite, Scope::PlaybooksPublish, Scope::TokensAdmin];
        assert!(changes.iter().all(|scope| !Role::Viewer.has(*scope)));
        assert!(
            !Role::Integrator.has(Scope::PlaybooksPublish) && !Role::Integrator.has(Scope::CustomersRead)
        );
        assert!(!Role::Operator.has(Scope::TokensAdmin) && !Role::Agency.has(Scope::HostRead));
        assert!(Scope::ALL.iter().all(|scope| Role::HostAdmin.has(*scope)));
    }

    #[test]
    fn a_grant_is_within_those_that_give_as_much() {
        let grant = |role, only: Option<&[Scope]>, reach: &str| Grant {
            role,
            only: only.map(<[Scope]>::to_vec),
            reach: reach.parse().unwrap(),
        };
        let agency = grant(Role::Agency, None, "a,b");
        for (inner, is_within) in [
            (grant(Role::Agency, None, "a"), true),
            (grant(Role::Operator, None, "a,b"), true),
            (grant(Role::Viewer, Some(&[Scope::RunsRead]), "b"), true),
            (grant(Role::Operator, None, "a,c"), false),
            (grant(Role::Viewer, None, "*"), false),
            (grant(Role::HostAdmin, None, "a"), false),
            (grant(Role::HostAdmin, Some(&[Scope::RunsRead]), "a"), true),
        ] {
            assert_eq!(inner.is_within(&agency), is_within, "{inner:?}");
        }
        let narrow = grant(Role::Agency, Some(&[Scope::RunsRead, Scope::TokensAdmin]), "a");
        assert!(grant(Role::Viewer, Some(&[Scope::RunsRead]), "a").is_within(&narrow));
        assert!(!grant(Role::Viewer, Some(&[Scope::StockRead]), "a").is_within(&narrow));
        let whole = grant(Role::Integrator, None, "a");
        assert!(
            !whole.is_within(&narrow),
            "what is added to the role later would be more than the maker has"
        );
        assert!(agency.is_within(&Grant::everything()) && !Grant::everything().is_within(&agency));
    }

    #[test]
    fn a_grant_narrows_its_role_and_never_widens_it() {
        let only = Some(vec![Scope::RunsRead, Scope::TokensAdmin]);
        let grant = Grant { role: Role::Viewer, only, reach: Reach::All };
        assert_eq!(grant.scopes().collect::<Vec<_>>(), [Scope::RunsRead]);
    }
}
