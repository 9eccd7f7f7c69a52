//! The contract in Rust, generated from `wit/siyu.wit`. Nothing here is written by hand, and nothing outside `port` and
//! `component` uses it.
#![allow(
    unsafe_code,
    missing_docs,
    unused_qualifications,
    unreachable_pub,
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    reason = "generated: lowers and lifts values over the canonical ABI, see wit-bindgen"
)]

wit_bindgen::generate!({
    path: "wit",
    world: "plugin",
    pub_export_macro: true,
    export_macro_name: "export_steps_and_resources",
});

/// The world of a plugin without kinds of resource. Only its description is used: it tells the packer that `steps` is
/// exported. The code is that of the world above.
mod steps_only {
    wit_bindgen::generate!({
        path: "wit",
        world: "steps-plugin",
        with: {
            "siyu:plugin/types@1.0.0": super::siyu::plugin::types,
            "siyu:plugin/log@1.0.0": super::siyu::plugin::log,
            "siyu:plugin/context@1.0.0": super::siyu::plugin::context,
            "siyu:plugin/random@1.0.0": super::siyu::plugin::random,
            "siyu:plugin/records@1.0.0": super::siyu::plugin::records,
            "siyu:plugin/pools@1.0.0": super::siyu::plugin::pools,
            "siyu:plugin/counters@1.0.0": super::siyu::plugin::counters,
            "siyu:plugin/ledger@1.0.0": super::siyu::plugin::ledger,
            "siyu:plugin/codes@1.0.0": super::siyu::plugin::codes,
            "siyu:plugin/customers@1.0.0": super::siyu::plugin::customers,
            "siyu:plugin/events@1.0.0": super::siyu::plugin::events,
            "siyu:plugin/messages@1.0.0": super::siyu::plugin::messages,
            "siyu:plugin/resources@1.0.0": super::siyu::plugin::resources,
            "siyu:plugin/expressions@1.0.0": super::siyu::plugin::expressions,
        },
    });
}

/// The world of what a plugin that delivers messages has beside its steps.
pub mod network {
    wit_bindgen::generate!({
        path: "wit",
        world: "deliveries",
        pub_export_macro: true,
        export_macro_name: "export_channel",
        with: {
            "siyu:plugin/types@1.0.0": super::siyu::plugin::types,
            "siyu:plugin/log@1.0.0": super::siyu::plugin::log,
            "siyu:plugin/context@1.0.0": super::siyu::plugin::context,
            "siyu:plugin/random@1.0.0": super::siyu::plugin::random,
            "siyu:plugin/secrets@1.0.0": super::signing::siyu::plugin::secrets,
        },
    });
}

/// What plugins of the network share: a world without exports, so that using it says nothing about what a plugin exports.
pub mod signing {
    wit_bindgen::generate!({
        path: "wit",
        world: "signing",
        with: { "siyu:plugin/types@1.0.0": super::siyu::plugin::types },
    });
}

/// The world of a plugin that turns webhooks into events.
pub mod source {
    wit_bindgen::generate!({
        path: "wit",
        world: "hooks",
        pub_export_macro: true,
        export_macro_name: "export_source",
        with: {
            "siyu:plugin/types@1.0.0": super::siyu::plugin::types,
            "siyu:plugin/log@1.0.0": super::siyu::plugin::log,
            "siyu:plugin/context@1.0.0": super::siyu::plugin::context,
            "siyu:plugin/random@1.0.0": super::siyu::plugin::random,
            "siyu:plugin/web@1.0.0": super::network::siyu::plugin::web,
            "siyu:plugin/secrets@1.0.0": super::signing::siyu::plugin::secrets,
        },
    });
}

/// Keeps the description of `steps_only` in the program: the linker drops what nothing calls.
pub(crate) fn keep_description() {
    steps_only::__link_custom_section_describing_imports();
}
