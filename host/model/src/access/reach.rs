//! Which tenants somebody reaches.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::limits::access::TENANTS_MAX;
use crate::name::{NameError, TenantName};

/// Which tenants: all of the host, or those that are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// All, also those that come later.
    All,
    /// These.
    Tenants(BTreeSet<TenantName>),
}

/// Why a text says no reach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReachError {
    /// A tenant cannot be called that.
    #[error(transparent)]
    Name(#[from] NameError),
    /// More tenants than one token may name.
    #[error("{found} tenants: expected 1 to {TENANTS_MAX}, or * for all")]
    Count {
        /// How many.
        found: usize,
    },
}

impl Reach {
    /// Whether a tenant is within.
    pub fn holds(&self, tenant: &TenantName) -> bool {
        match self {
            Self::All => true,
            Self::Tenants(names) => names.contains(tenant),
        }
    }
}

impl Reach {
    /// Whether every tenant of this one is within another one.
    pub fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::All) => true,
            (Self::All, Self::Tenants(_)) => false,
            (Self::Tenants(own), Self::Tenants(others)) => own.is_subset(others),
        }
    }
}

/// `*`, or names with commas between them.
impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Tenants(names) => {
                for (place, name) in names.iter().enumerate() {
                    write!(f, "{}{name}", if place == 0 { "" } else { "," })?;
                }
                Ok(())
            }
        }
    }
}

impl FromStr for Reach {
    type Err = ReachError;

    fn from_str(text: &str) -> Result<Self, ReachError> {
        if text == "*" {
            return Ok(Self::All);
        }
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let names = names.map(str::parse).collect::<Result<BTreeSet<TenantName>, _>>()?;
        if names.is_empty() || names.len() > TENANTS_MAX {
            return Err(ReachError::Count { found: names.len() });
        }
        Ok(Self::Tenants(names))
    }
}

impl Serialize for Reach {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reach_survives_its_text_form() {
        for text in ["*", "shop", "client-a,client-b"] {
            assert_eq!(text.parse::<Reach>().unwrap().to_string(), text);
        }
        assert_eq!("b, a,b".parse::<Reach>().unwrap().to_string(), "a,b");
    }

    #[test]
    fn what_names_no_tenant_is_refused_in_words() {
        let many = (0..=TENANTS_MAX).map(|number| format!("t{number}")).collect::<Vec<_>>().join(",");
        for (text, part) in
            [("", "0 tenants: expected 1 to"), ("Shop", "is not a tenant"), (many.as_str(), "1001 tenants")]
        {
            let fault = text.parse::<Reach>().unwrap_err().to_string();
            assert!(fault.contains(part), "{fault}");
        }
    }

    #[test]
    fn only_named_tenants_are_reached() {
        let (shop, other) = ("shop".parse().unwrap(), "other".parse().unwrap());
        let reach: Reach = "shop".parse().unwrap();
        assert!(reach.holds(&shop) && !reach.holds(&other) && Reach::All.holds(&other));
    }
}
