//! What a workflow may do with a customer's points.

use siyu_plugin::prelude::*;

use crate::accounts::{Moved, Way, points};

const SHORT: Refusal = Refusal::new("SHORT", "the customer has fewer points than are to be spent");
const REFERENCE_USED: Refusal =
    Refusal::new("REFERENCE_USED", "the reference stands for another number of points already");

/// Gives the customer points.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Earn {
    /// How many.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub units: u64,
    /// For what, such as an order: points are given once for each reference of a customer.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    pub reference: Option<String>,
}

/// Points that the customer got.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Earned {
    /// What the customer has now.
    pub balance: u64,
    /// The posting, as `siyu ledger entries` shows it.
    pub posting: String,
    /// Whether they were given now, and not before under the same reference.
    pub is_new: bool,
}

impl Step for Earn {
    const NAME: &'static str = "earn";
    const REFUSALS: &'static [Refusal] = &[REFERENCE_USED];
    type Output = Earned;

    fn run(self) -> Result<Earned, Stop> {
        match Way::Earned.go(self.units, self.reference.as_deref())? {
            Moved::Done { posting, is_new } => Ok(Earned { balance: points()?, posting, is_new }),
            Moved::Other(units) => {
                Err(REFERENCE_USED.because(format!("{units} points were given for it")).into())
            }
            Moved::Short(_) => Err(Fault::permanent("BROKEN", "the tenant's account has no end").into()),
        }
    }
}

/// Takes points from the customer, who must have as many.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spend {
    /// How many.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub units: u64,
    /// For what, such as an order: points are taken once for each reference of a customer.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    pub reference: Option<String>,
}

/// Points that the customer spent.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Spent {
    /// What the customer has left.
    pub balance: u64,
    /// The posting, as `siyu ledger entries` shows it.
    pub posting: String,
    /// Whether they were taken now, and not before under the same reference.
    pub is_new: bool,
}

/// What the customer has, with a refusal.
#[derive(Serialize)]
struct There {
    balance: u64,
}

impl Step for Spend {
    const NAME: &'static str = "spend";
    const REFUSALS: &'static [Refusal] = &[SHORT, REFERENCE_USED];
    type Output = Spent;

    fn run(self) -> Result<Spent, Stop> {
        match Way::Spent.go(self.units, self.reference.as_deref())? {
            Moved::Done { posting, is_new } => Ok(Spent { balance: points()?, posting, is_new }),
            Moved::Other(units) => {
                Err(REFERENCE_USED.because(format!("{units} points were taken for it")).into())
            }
            Moved::Short(balance) => {
                let why = format!("{} are to be spent, {balance} are there", self.units);
                Err(SHORT.because(why).details(There { balance }).into())
            }
        }
    }
}

/// What the customer has.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Balance {}

/// The customer's points.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Held {
    /// How many.
    pub balance: u64,
}

impl Step for Balance {
    const NAME: &'static str = "balance";
    type Output = Held;

    fn run(self) -> Result<Held, Stop> {
        Ok(Held { balance: points()? })
    }
}
