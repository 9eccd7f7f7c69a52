//! Events: the ones that a plugin emits, and the ones that its steps react to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::events;
use crate::time::Instant;

/// An event that a plugin emits: the type is its data, the doc comment says when it happens.
///
/// ```
/// use siyu_plugin::prelude::*;
///
/// /// A coupon was issued.
/// #[derive(Serialize, JsonSchema)]
/// struct CouponIssued {
///     batch: String,
///     /// What it is worth, in fen.
///     amount_fen: i64,
/// }
///
/// impl Event for CouponIssued {
///     const TYPE: &'static str = "coupon.issued";
/// }
///
/// fn issue() -> Result<(), Stop> {
///     CouponIssued { batch: "c66".into(), amount_fen: 6_600 }.emit()?;
///     Ok(())
/// }
/// ```
pub trait Event: Serialize + JsonSchema {
    /// Its type, dotted lower-case words such as `coupon.issued`. The families `tag`, `reservation`, `segment`, `message`,
    /// `customer` and `run` are the host's.
    const TYPE: &'static str;

    /// Records it for the call's customer, when the call is kept.
    ///
    /// # Errors
    /// `Invalid` when the data is no object, `Limit` beyond 100 events a call.
    fn emit(&self) -> Result<(), Error>
    where
        Self: Sized,
    {
        events::emit(self)
    }

    /// Plans it for later under a key of the plugin; planning again replaces it. See [`events::cancel`].
    ///
    /// # Errors
    /// As [`emit`](Self::emit), and `Invalid` for a key that is none.
    fn plan(&self, key: &str, at: Instant) -> Result<(), Error>
    where
        Self: Sized,
    {
        events::plan(key, at, self)
    }
}

/// An event as the host hands it in: to a step that reacts to it, and as the event that started a run.
///
/// ```
/// use siyu_plugin::host_events::ReservationExpired;
/// use siyu_plugin::prelude::*;
///
/// /// Tells the customer that the cart is open again.
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(transparent)]
/// struct Remind(Incoming<ReservationExpired>);
///
/// impl Step for Remind {
///     const NAME: &'static str = "remind";
///     type Output = ();
///
///     fn run(self) -> Result<(), Stop> {
///         siyu_plugin::log::info(&format!("{} units of {} are back", self.0.data.units, self.0.data.pool));
///         Ok(())
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incoming<T = serde_json::Value> {
    /// Unique within its source.
    pub id: String,
    /// What happened, such as `order.paid`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Who says so, such as `shop`, `siyu` or `plugin:coupon`.
    pub source: String,
    /// When it happened.
    pub time: Instant,
    /// Its facts.
    pub data: T,
}

/// Data of events that the host itself records.
pub mod host_events {
    use super::{Deserialize, JsonSchema, Serialize};

    /// `reservation.expired`: held units went back because time ran out.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct ReservationExpired {
        /// The reservation's id.
        pub reservation: String,
        /// Whose pool it was.
        pub plugin: String,
        /// The pool.
        pub pool: String,
        /// Units that went back.
        pub units: u64,
        /// What the plugin called it.
        #[serde(default)]
        pub reference: Option<String>,
    }

    impl ReservationExpired {
        /// The event's type.
        pub const TYPE: &'static str = "reservation.expired";
    }
}
