//! `export!`: makes a plugin of its parts.

/// Makes a plugin of steps, kinds of resource, events and capabilities, in the crate where it stands, once.
///
/// It defines `pub struct Plugin`, which tests give to [`fake::Host::of`](crate::fake::Host::of), and in a component the
/// exports of the contract. All parts after `steps` may be left out; those that are there keep this order:
///
/// ```
/// # use siyu_plugin::prelude::*;
/// # use siyu_plugin::host_events::ReservationExpired;
/// # /// Sells one. It is one.
/// # #[derive(Deserialize, JsonSchema)] struct Sell {}
/// # impl Step for Sell { const NAME: &'static str = "sell"; type Output = (); fn run(self) -> Result<(), Stop> { Ok(()) } }
/// # /// Gives one back.
/// # #[derive(Deserialize, JsonSchema)] #[serde(transparent)] struct GiveBack(Incoming<ReservationExpired>);
/// # impl Step for GiveBack { const NAME: &'static str = "give-back"; type Output = (); fn run(self) -> Result<(), Stop> { Ok(()) } }
/// # /// A session.
/// # #[derive(Deserialize, JsonSchema)] struct Session {}
/// # impl Resource for Session { const KIND: &'static str = "session"; }
/// # /// One was sold.
/// # #[derive(Serialize, JsonSchema)] struct Sold {}
/// # impl Event for Sold { const TYPE: &'static str = "shop.sold"; }
/// siyu_plugin::export! {
///     name: "shop",
///     version: env!("CARGO_PKG_VERSION"),
///     summary: "Sells.",
///     steps: [Sell, GiveBack],
///     resources: [Session],
///     events: [Sold],
///     reactions: { ReservationExpired::TYPE => GiveBack },
///     capabilities: {
///         Pools: "holds stock while a customer pays",
///         Resources: "reads the session that an operator defined",
///     },
/// }
/// # let host = siyu_plugin::fake::Host::of::<Plugin>();
/// # assert_eq!(host.manifest().steps[0].summary, "Sells one. It is one.");
/// ```
///
/// A plugin that delivers messages has a `channel` instead of steps; see [`Channel`](crate::Channel):
///
/// ```
/// # use siyu_plugin::prelude::*;
/// # /// Delivers to nobody.
/// # #[derive(Deserialize, JsonSchema)] struct Nowhere {}
/// # impl Channel for Nowhere {
/// #     type Config = Self;
/// #     const HOSTS: &'static [&'static str] = &["https://nowhere.example"];
/// #     const IS_IDEMPOTENT: bool = true;
/// #     fn deliver(_: Self, _: Message) -> Verdict { Verdict::sent() }
/// # }
/// siyu_plugin::export! {
///     name: "nowhere",
///     version: env!("CARGO_PKG_VERSION"),
///     summary: "Delivers messages to nobody.",
///     channel: Nowhere,
///     capabilities: { Http: "hands messages to nobody" },
/// }
/// # let host = siyu_plugin::fake::Host::of::<Plugin>();
/// # assert_eq!(host.manifest().channel.as_ref().unwrap().summary, "Delivers to nobody.");
/// ```
///
/// The manifest lists what stands here: the step a reaction names must be among `steps`, an event that a step emits among
/// `events`, and a capability that is used among `capabilities` (`log`, `context` and `random` every plugin has).
#[macro_export]
macro_rules! export {
    (
        name: $name:expr,
        version: $version:expr,
        summary: $summary:expr,
        steps: [$($step:ty),* $(,)?]
        $(, resources: [$($resource:ty),* $(,)?])?
        $(, events: [$($event:ty),* $(,)?])?
        $(, reactions: { $($event_type:expr => $reaction:ty),* $(,)? })?
        $(, capabilities: { $($capability:ident: $why:expr),* $(,)? })?
        $(,)?
    ) => {
        /// The plugin of this crate.
        #[derive(Debug, Clone, Copy)]
        pub struct Plugin;

        impl $crate::Plugin for Plugin {
            const NAME: &'static str = $name;
            const VERSION: &'static str = $version;
            const SUMMARY: &'static str = $summary;
            const STEPS: &'static [$crate::StepEntry] = &[$($crate::StepEntry::of::<$step>()),*];
            const RESOURCES: &'static [$crate::ResourceEntry] =
                &[$($($crate::ResourceEntry::of::<$resource>()),*)?];
            const EVENTS: &'static [$crate::EventEntry] = &[$($($crate::EventEntry::of::<$event>()),*)?];
            const REACTIONS: &'static [(&'static str, &'static str)] =
                &[$($(($event_type, <$reaction as $crate::Step>::NAME)),*)?];
            const CAPABILITIES: &'static [($crate::Capability, &'static str)] =
                &[$($(($crate::Capability::$capability, $why)),*)?];
        }

        $crate::__export_component!(Plugin [$($($resource)*)?]);
    };
    (
        name: $name:expr,
        version: $version:expr,
        summary: $summary:expr
        $(, capabilities: { $($capability:ident: $why:expr),* $(,)? })?
        $(,)?
    ) => {
        ::std::compile_error!("a plugin has `steps`, a `channel` or a `source`");
    };
    (
        name: $name:expr,
        version: $version:expr,
        summary: $summary:expr
        $(, channel: $channel:ty)?
        $(, source: $source:ty)?
        $(, capabilities: { $($capability:ident: $why:expr),* $(,)? })?
        $(,)?
    ) => {
        /// The plugin of this crate.
        #[derive(Debug, Clone, Copy)]
        pub struct Plugin;

        impl $crate::Plugin for Plugin {
            const NAME: &'static str = $name;
            const VERSION: &'static str = $version;
            const SUMMARY: &'static str = $summary;
            const STEPS: &'static [$crate::StepEntry] = &[];
            const RESOURCES: &'static [$crate::ResourceEntry] = &[];
            const EVENTS: &'static [$crate::EventEntry] = &[];
            const REACTIONS: &'static [(&'static str, &'static str)] = &[];
            const CAPABILITIES: &'static [($crate::Capability, &'static str)] =
                &[$($(($crate::Capability::$capability, $why)),*)?];
            $(const CHANNEL: ::std::option::Option<$crate::ChannelEntry> =
                ::std::option::Option::Some($crate::ChannelEntry::of::<$channel>());)?
            $(const SOURCE: ::std::option::Option<$crate::SourceEntry> =
                ::std::option::Option::Some($crate::SourceEntry::of::<$source>());)?
        }

        $crate::__export_component!(Plugin []);
        $($crate::__export_component!(@deliver Plugin $channel);)?
        $($crate::__export_component!(@receive Plugin $source);)?
    };
}

/// The exports of a component: `steps`, and `resource-kinds` when there are kinds.
#[cfg(target_family = "wasm")]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_component {
    ($plugin:ident []) => {
        $crate::__export_component!(@steps $plugin);
        $crate::bindings::exports::siyu::plugin::steps::__export_siyu_plugin_steps_1_0_0_cabi!(
            $plugin with_types_in $crate::bindings::exports::siyu::plugin::steps
        );
    };
    ($plugin:ident [$($resource:ty)+]) => {
        $crate::__export_component!(@steps $plugin);
        impl $crate::bindings::exports::siyu::plugin::resource_kinds::Guest for $plugin {
            fn check(
                kind: ::std::string::String,
                name: ::std::string::String,
                definition: ::std::string::String,
            ) -> ::std::vec::Vec<$crate::bindings::exports::siyu::plugin::resource_kinds::Finding> {
                $crate::component::check::<Self>(kind, name, definition)
            }

            fn apply(
                kind: ::std::string::String,
                name: ::std::string::String,
                definition: ::std::string::String,
            ) -> ::std::result::Result<
                ::std::string::String,
                $crate::bindings::exports::siyu::plugin::steps::Fault,
            > {
                $crate::component::apply::<Self>(kind, name, definition)
            }
        }
        $crate::bindings::export_steps_and_resources!($plugin with_types_in $crate::bindings);
    };
    (@deliver $plugin:ident $channel:ty) => {
        impl $crate::bindings::network::exports::siyu::plugin::channel::Guest for $plugin {
            fn deliver(
                config: ::std::string::String,
                message: $crate::bindings::network::exports::siyu::plugin::channel::Message,
            ) -> $crate::bindings::network::exports::siyu::plugin::channel::Verdict {
                $crate::component::deliver::<Self>(config, message)
            }

            fn reconcile(
                config: ::std::string::String,
                message: $crate::bindings::network::exports::siyu::plugin::channel::Message,
            ) -> ::std::option::Option<$crate::bindings::network::exports::siyu::plugin::channel::Verdict> {
                $crate::component::reconcile::<Self>(config, message)
            }
        }
        $crate::bindings::network::export_channel!($plugin with_types_in $crate::bindings::network);
    };
    (@receive $plugin:ident $source:ty) => {
        impl $crate::bindings::source::exports::siyu::plugin::source::Guest for $plugin {
            fn receive(
                config: ::std::string::String,
                hook: $crate::bindings::source::exports::siyu::plugin::source::Hook,
            ) -> ::std::result::Result<
                $crate::bindings::source::exports::siyu::plugin::source::Accepted,
                $crate::bindings::source::exports::siyu::plugin::source::Refusal,
            > {
                $crate::component::receive::<Self>(config, hook)
            }
        }
        $crate::bindings::source::export_source!($plugin with_types_in $crate::bindings::source);
    };
    (@steps $plugin:ident) => {
        impl $crate::bindings::exports::siyu::plugin::steps::Guest for $plugin {
            fn describe() -> ::std::string::String {
                $crate::component::describe::<Self>()
            }

            fn run(
                step: ::std::string::String,
                input: ::std::string::String,
            ) -> ::std::result::Result<
                $crate::bindings::exports::siyu::plugin::steps::Answer,
                $crate::bindings::exports::siyu::plugin::steps::Fault,
            > {
                $crate::component::run::<Self>(step, input)
            }
        }
    };
}

/// Outside a component there is nothing to export.
#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_component {
    ($($anything:tt)*) => {};
}
