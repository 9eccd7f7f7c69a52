//! `wasi:sockets`: a network on which everything is denied.

use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower, Resource};

use super::{Nothing, provide};
use crate::capabilities::Weight;
use crate::sandbox::state::Call;

/// `network`: there is one, and it leads nowhere.
pub(crate) struct Network;

/// `network.ip-address-family`.
#[expect(dead_code, reason = "made by lifting what a plugin passes")]
#[derive(ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
enum Family {
    #[component(name = "ipv4")]
    V4,
    #[component(name = "ipv6")]
    V6,
}

macro_rules! error_codes {
    ($($case:ident = $name:literal),* $(,)?) => {
        /// `network.error-code`: all of its cases, since the types must be the same.
        #[derive(Clone, Copy, ComponentType, Lower)]
        #[component(enum)]
        #[repr(u8)]
        #[expect(dead_code, reason = "one case is ever given")]
        enum ErrorCode {
            $(#[component(name = $name)] $case),*
        }
    };
}

error_codes! {
    Unknown = "unknown",
    AccessDenied = "access-denied",
    NotSupported = "not-supported",
    InvalidArgument = "invalid-argument",
    OutOfMemory = "out-of-memory",
    Timeout = "timeout",
    ConcurrencyConflict = "concurrency-conflict",
    NotInProgress = "not-in-progress",
    WouldBlock = "would-block",
    InvalidState = "invalid-state",
    NewSocketLimit = "new-socket-limit",
    AddressNotBindable = "address-not-bindable",
    AddressInUse = "address-in-use",
    RemoteUnreachable = "remote-unreachable",
    ConnectionRefused = "connection-refused",
    ConnectionReset = "connection-reset",
    ConnectionAborted = "connection-aborted",
    DatagramTooLarge = "datagram-too-large",
    NameUnresolvable = "name-unresolvable",
    TemporaryResolverFailure = "temporary-resolver-failure",
    PermanentResolverFailure = "permanent-resolver-failure",
}

type Denied = Result<Resource<Nothing>, ErrorCode>;
const DENIED: Denied = Err(ErrorCode::AccessDenied);

pub(super) fn link(instance: &mut LinkerInstance<'_, Call>, interface: &str) -> wasmtime::Result<()> {
    match interface {
        "instance-network" => {
            provide(instance, "instance-network", |_, ()| Ok((Resource::<Network>::new_own(0),)))
        }
        "tcp-create-socket" => provide(instance, "create-tcp-socket", |_, (_,): (Family,)| Ok((DENIED,))),
        "udp-create-socket" => provide(instance, "create-udp-socket", |_, (_,): (Family,)| Ok((DENIED,))),
        "ip-name-lookup" => {
            provide(instance, "resolve-addresses", |_, (_, _): (Resource<Network>, String)| Ok((DENIED,)))
        }
        _ => Ok(()),
    }
}

macro_rules! weightless {
    ($($item:ty),*) => { $(impl Weight for $item {
        fn weight(&self) -> usize {
            0
        }
    })* };
}

weightless!(Resource<Network>, Family, ErrorCode);
