//! The shop of the SDK's tests as a component, or a plugin without kinds of resource.

#[cfg(not(feature = "steps-only"))]
#[path = "../../shop/mod.rs"]
pub mod shop;

#[cfg(feature = "steps-only")]
mod nothing {
    use siyu_plugin::prelude::*;

    /// Does nothing.
    #[derive(Deserialize, JsonSchema)]
    struct Nothing {}

    impl Step for Nothing {
        const NAME: &'static str = "nothing";
        type Output = ();

        fn run(self) -> Result<(), Stop> {
            Ok(())
        }
    }

    siyu_plugin::export! { name: "nothing", version: "1.0.0", summary: "Nothing.", steps: [Nothing] }
}
