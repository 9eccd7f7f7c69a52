//! `stop` and `resume`: an operator halts a batch.

use siyu_plugin::prelude::*;
use siyu_plugin::resources;

use crate::batch::Batch;
use crate::terms::{Book, Stopped as Halt};

/// Stops a batch (停用): no further coupon is issued. Coupons that customers have stay good, unless `redeeming` says that
/// they cannot be used either; what an order holds then is still good for that order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// The batch.
    pub batch: String,
    /// Why: customers' steps are refused with it.
    #[schemars(length(min = 1, max = 200))]
    pub reason: String,
    /// Whether coupons that are out cannot be used either, until the batch is resumed.
    #[serde(default)]
    pub redeeming: bool,
}

/// Lets a stopped batch go on (恢复).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// The batch.
    pub batch: String,
}

/// Where the batch stands.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Standing {
    /// The batch.
    pub batch: String,
    /// Whether coupons are issued.
    pub issuing: bool,
    /// Whether coupons can be used.
    pub redeeming: bool,
    /// Whether this call changed it.
    pub changed: bool,
}

impl Step for Stop {
    const NAME: &'static str = "stop";
    type Output = Standing;

    fn run(self) -> Result<Standing, siyu_plugin::Stop> {
        if self.reason.trim().is_empty() || self.reason.len() > 200 {
            Err(Fault::invalid("/reason", "expected why, in 1 to 200 bytes"))?;
        }
        set(self.batch, Some(Halt { reason: self.reason, redeeming: self.redeeming }))
    }
}

impl Step for Resume {
    const NAME: &'static str = "resume";
    type Output = Standing;

    fn run(self) -> Result<Standing, siyu_plugin::Stop> {
        set(self.batch, None)
    }
}

fn set(batch: String, stopped: Option<Halt>) -> Result<Standing, siyu_plugin::Stop> {
    let _published: Batch = resources::require(&batch)?;
    let mut book = Book::open(&batch)?;
    let changed = book.stopped != stopped;
    book.stopped = stopped;
    if changed {
        book.save(&batch)?;
    }
    Ok(Standing { issuing: book.stopped.is_none(), redeeming: !book.is_frozen(), batch, changed })
}
