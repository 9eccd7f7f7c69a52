//! The step that Siyu is compared with: it adds one. It never keeps anything.

use siyu_plugin::prelude::*;

/// Adds one to a number.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Next {
    /// The number.
    pub number: i64,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Number {
    /// The number and one.
    pub number: i64,
}

impl Step for Next {
    const NAME: &'static str = "next";
    type Output = Number;

    fn run(self) -> Result<Number, Stop> {
        Ok(Number { number: self.number + 1 })
    }
}

siyu_plugin::export! {
    name: "count",
    version: env!("CARGO_PKG_VERSION"),
    summary: "Adds one.",
    steps: [Next],
    capabilities: {},
}
