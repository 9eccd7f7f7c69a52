//! `wasi:io`: streams that go to the log or are at their end, and waiting that takes no time.

use wasmtime::component::{ComponentType, LinkerInstance, Lower, Resource};

use super::{Nothing, Stream, provide};
use crate::capabilities::Weight;
use crate::sandbox::state::{Call, End};

/// `input-stream`: always at its end.
pub(crate) struct Input;
/// `output-stream`: its number says which.
pub(crate) struct Output;
/// `pollable`: its number is a place in the list of instants at which things are ready.
pub(crate) struct Pollable;

/// Bytes that a guest may write at once.
const WRITE_BYTES_MAX: u64 = 64 << 10;

/// `streams.stream-error`.
#[derive(ComponentType, Lower)]
#[component(variant)]
pub(super) enum StreamError {
    #[expect(dead_code, reason = "a case of the type; nothing here fails")]
    #[component(name = "last-operation-failed")]
    Failed(Resource<Nothing>),
    #[component(name = "closed")]
    Closed,
}

type Written<T> = Result<T, StreamError>;

pub(super) fn link(instance: &mut LinkerInstance<'_, Call>, interface: &str) -> wasmtime::Result<()> {
    match interface {
        "streams" => {
            link_input(instance)?;
            link_output(instance)
        }
        "poll" => link_poll(instance),
        _ => Ok(()),
    }
}

fn link_input(instance: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    for name in ["[method]input-stream.read", "[method]input-stream.blocking-read"] {
        provide(instance, name, |_, (_, _): (Resource<Input>, u64)| {
            Ok((Err::<Vec<u8>, _>(StreamError::Closed),))
        })?;
    }
    for name in ["[method]input-stream.skip", "[method]input-stream.blocking-skip"] {
        provide(instance, name, |_, (_, _): (Resource<Input>, u64)| {
            Ok((Err::<u64, _>(StreamError::Closed),))
        })?;
    }
    provide(instance, "[method]input-stream.subscribe", |call, (_,): (Resource<Input>,)| {
        Ok((call.wasi.ready_at(0),))
    })
}

fn link_output(instance: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    provide(instance, "[method]output-stream.check-write", |_, (_,): (Resource<Output>,)| {
        Ok((Written::Ok(WRITE_BYTES_MAX),))
    })?;
    for name in ["[method]output-stream.write", "[method]output-stream.blocking-write-and-flush"] {
        provide(instance, name, |call, (to, bytes): (Resource<Output>, Vec<u8>)| {
            call.wasi.write(Stream::of(&to), &bytes, &mut call.log);
            Ok((Written::Ok(()),))
        })?;
    }
    for name in ["[method]output-stream.flush", "[method]output-stream.blocking-flush"] {
        provide(instance, name, |_, (_,): (Resource<Output>,)| Ok((Written::Ok(()),)))?;
    }
    provide(instance, "[method]output-stream.subscribe", |call, (_,): (Resource<Output>,)| {
        Ok((call.wasi.ready_at(0),))
    })
}

fn link_poll(instance: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    provide(instance, "[method]pollable.ready", |call, (one,): (Resource<Pollable>,)| {
        Ok((call.wasi.is_ready(&one),))
    })?;
    provide(instance, "[method]pollable.block", |call, (one,): (Resource<Pollable>,)| {
        call.wasi.sleep_for_any(&[one]);
        Ok(())
    })?;
    provide(instance, "poll", |call, (all,): (Vec<Resource<Pollable>>,)| {
        if all.is_empty() {
            return Err(call.end(End::Misuse("the plugin polls an empty list".to_owned())));
        }
        call.wasi.sleep_for_any(&all);
        let ready: Vec<u32> =
            (0u32..).zip(&all).filter(|(_, one)| call.wasi.is_ready(one)).map(|(place, _)| place).collect();
        Ok((ready,))
    })
}

impl super::Wasi {
    /// A thing that is ready at an instant of the guest's clock.
    pub(super) fn ready_at(&mut self, at_ns: u64) -> Resource<Pollable> {
        // A call makes at most so many host calls, so the list is short.
        let place = u32::try_from(self.ready_ns.len()).unwrap_or(u32::MAX);
        self.ready_ns.push(at_ns);
        Resource::new_own(place)
    }

    fn instant_of(&self, one: &Resource<Pollable>) -> u64 {
        let place = usize::try_from(one.rep()).unwrap_or(usize::MAX);
        self.ready_ns.get(place).copied().unwrap_or(0)
    }

    fn is_ready(&self, one: &Resource<Pollable>) -> bool {
        self.instant_of(one) <= self.elapsed_ns
    }

    /// Lets the guest's time pass until one of them is ready. The machine's time does not.
    fn sleep_for_any(&mut self, all: &[Resource<Pollable>]) {
        let first = all.iter().map(|one| self.instant_of(one)).min().unwrap_or(0);
        let slept = first.saturating_sub(self.elapsed_ns);
        self.elapsed_ns = self.elapsed_ns.saturating_add(slept);
        self.slept_ns = self.slept_ns.saturating_add(slept);
    }
}

impl Stream {
    pub(super) fn handle(self) -> Resource<Output> {
        Resource::new_own(u32::from(self == Self::Error))
    }

    fn of(handle: &Resource<Output>) -> Self {
        if handle.rep() == 0 { Self::Out } else { Self::Error }
    }
}

macro_rules! weightless {
    ($($handle:ty),*) => { $(impl Weight for $handle {
        fn weight(&self) -> usize {
            0
        }
    })* };
}

weightless!(Resource<Input>, Resource<Output>, Resource<Pollable>, StreamError);
