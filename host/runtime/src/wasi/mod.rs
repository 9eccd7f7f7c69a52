//! WASI with nothing in it, for components compiled from a standard library.
//!
//! Such a component imports WASI whether it uses it or not. Here it finds a program without arguments, environment,
//! files and sockets, whose output goes to the call's log, whose clock stands at the call's instant and whose randomness
//! is the call's. Nothing in it reaches the machine, and the same call sees the same.

mod cli;
mod clocks;
mod io;
mod random;
mod sockets;

use siyu_model::plugin::LogLevel;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{
    Component, ComponentNamedList, Lift, Linker, LinkerInstance, Lower, Resource, ResourceType,
};

use crate::capabilities::Weight;
use crate::sandbox::log::CallLog;
use crate::sandbox::state::{Call, Ctx, End, charge, enter};

/// What the version of a WASI import begins with that is linked here.
const VERSION: &str = "0.2.";
/// Packages that are linked.
const PACKAGES: [&str; 6] = ["cli", "clocks", "filesystem", "io", "random", "sockets"];
/// Bytes of standard error that are kept for the reason of a fault.
const LAST_WORDS_BYTES: usize = 8 << 10;
/// Bytes of a line that are kept until its end comes.
const LINE_BYTES_MAX: usize = siyu_model::limits::call::LOG_LINE_BYTES_MAX + 1;

/// The interface that a WASI import names, such as `io/streams`; none when it is not linked here.
pub(crate) fn interface_of(import: &str) -> Option<&str> {
    let (interface, version) = import.strip_prefix("wasi:")?.split_once('@')?;
    let package = interface.split('/').next()?;
    (version.starts_with(VERSION) && PACKAGES.contains(&package)).then_some(interface)
}

/// What a guest sees of a system during one call.
#[derive(Debug, Default)]
pub(crate) struct Wasi {
    stdout: Line,
    stderr: Line,
    last_words: Vec<u8>,
    /// Nanoseconds that the guest slept, or counted by looking at its clock.
    elapsed_ns: u64,
    slept_ns: u64,
    /// When each thing that can be waited for is ready.
    ready_ns: Vec<u64>,
}

/// A stream that a guest can write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Out,
    Error,
}

/// The beginning of a line whose end has not come.
#[derive(Debug, Default)]
struct Line(Vec<u8>);

impl Line {
    fn push(&mut self, bytes: &[u8]) {
        // What is beyond the limit is cut in the log anyway.
        let room = LINE_BYTES_MAX.saturating_sub(self.0.len());
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end(&mut self, level: LogLevel, log: &mut CallLog) {
        if !self.0.is_empty() {
            log.write(level, &String::from_utf8_lossy(&self.0));
            self.0.clear();
        }
    }
}

impl Wasi {
    fn write(&mut self, stream: Stream, bytes: &[u8], log: &mut CallLog) {
        let (line, level) = match stream {
            Stream::Out => (&mut self.stdout, LogLevel::Info),
            Stream::Error => (&mut self.stderr, LogLevel::Warn),
        };
        let mut parts = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            line.push(part);
            if parts.peek().is_some() {
                line.end(level, log);
            }
        }
        if stream == Stream::Error {
            self.last_words.extend_from_slice(bytes);
            let surplus = self.last_words.len().saturating_sub(LAST_WORDS_BYTES);
            self.last_words.drain(..surplus);
        }
    }

    /// Writes what is left when the call is over.
    pub(crate) fn flush(&mut self, log: &mut CallLog) {
        self.stdout.end(LogLevel::Info, log);
        self.stderr.end(LogLevel::Warn, log);
        if !self.last_words.is_empty() {
            log.heard(&String::from_utf8_lossy(&self.last_words));
            self.last_words.clear();
        }
    }
}

/// Links what a component imports of WASI, under the names and version that it uses.
///
/// Everything is there, so that it loads; what no module here provides ends a call that uses it.
pub(crate) fn link(linker: &mut Linker<Call>, component: &Component) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let engine = linker.engine().clone();
    for (import, item) in component.component_type().imports(&engine) {
        let (Some(interface), ComponentItem::ComponentInstance(wanted)) = (interface_of(import), item.ty)
        else {
            continue;
        };
        let mut instance = linker.instance(import)?;
        for (name, item) in wanted.exports(&engine) {
            match item.ty {
                ComponentItem::ComponentFunc(_) => forbid(&mut instance, interface, name)?,
                ComponentItem::Resource(_) => resource(&mut instance, name)?,
                _ => {}
            }
        }
        match interface.split_once('/') {
            Some(("cli", of)) => cli::link(&mut instance, of)?,
            Some(("clocks", of)) => clocks::link(&mut instance, of)?,
            Some(("io", of)) => io::link(&mut instance, of)?,
            Some(("random", of)) => random::link(&mut instance, of)?,
            Some(("sockets", of)) => sockets::link(&mut instance, of)?,
            Some(("filesystem", "preopens")) => provide(&mut instance, "get-directories", |_, ()| {
                Ok((Vec::<(Resource<Nothing>, String)>::new(),))
            })?,
            _ => {}
        }
    }
    Ok(())
}

/// A resource that no guest ever gets: an open file, a socket, a directory.
pub(crate) struct Nothing;

impl Weight for Resource<Nothing> {
    fn weight(&self) -> usize {
        0
    }
}

fn resource(instance: &mut LinkerInstance<'_, Call>, name: &str) -> wasmtime::Result<()> {
    let ty = match name {
        "input-stream" => ResourceType::host::<io::Input>(),
        "output-stream" => ResourceType::host::<io::Output>(),
        "pollable" => ResourceType::host::<io::Pollable>(),
        "network" => ResourceType::host::<sockets::Network>(),
        _ => ResourceType::host::<Nothing>(),
    };
    // A handle is a number without anything behind it: nothing is freed.
    instance.resource(name, ty, |_, _| Ok(()))
}

fn forbid(instance: &mut LinkerInstance<'_, Call>, interface: &str, name: &str) -> wasmtime::Result<()> {
    let words =
        format!("the plugin called `{name}` of wasi:{interface}, and a sandbox has nothing of the kind");
    instance.func_new(name, move |mut store: Ctx<'_>, _, _, _| {
        Err(store.data_mut().end(End::Misuse(words.clone())))
    })
}

/// Links a function: counted and charged like every host call.
fn provide<P, R>(
    instance: &mut LinkerInstance<'_, Call>,
    name: &str,
    answer: impl Fn(&mut Call, P) -> wasmtime::Result<R> + Send + Sync + 'static,
) -> wasmtime::Result<()>
where
    P: ComponentNamedList + Lift + Weight + 'static,
    R: ComponentNamedList + Lower + Weight + 'static,
{
    instance.func_wrap(name, move |mut store: Ctx<'_>, arguments: P| {
        enter(&mut store, arguments.weight())?;
        let answer = answer(store.data_mut(), arguments)?;
        charge(&mut store, answer.weight())?;
        Ok(answer)
    })
}

#[cfg(test)]
mod tests {
    use siyu_model::plugin::CallLimits;

    use super::*;

    #[test]
    fn only_preview_2_without_http_is_linked() {
        assert_eq!(interface_of("wasi:io/streams@0.2.6"), Some("io/streams"));
        assert_eq!(interface_of("wasi:cli/exit@0.2.0"), Some("cli/exit"));
        for import in [
            "wasi:http/types@0.2.6",
            "wasi:io/streams@0.3.0",
            "wasi:io/streams",
            "wasi:iox/streams@0.2.0",
            "siyu:plugin/log@1.0.0",
        ] {
            assert_eq!(interface_of(import), None, "{import}");
        }
    }

    #[test]
    fn output_becomes_lines_however_it_is_cut_up() {
        let mut log = CallLog::new(&CallLimits::default());
        let mut wasi = Wasi::default();
        for part in ["one\ntw", "o", "\n\n", "three"] {
            wasi.write(Stream::Out, part.as_bytes(), &mut log);
        }
        wasi.write(Stream::Error, b"bad \xff byte", &mut log);
        wasi.flush(&mut log);
        let lines: Vec<String> = log.take_lines().into_iter().map(|line| line.message).collect();
        assert_eq!(lines, ["one", "two", "three", "bad \u{fffd} byte"]);
    }

    #[test]
    fn a_line_without_an_end_does_not_grow() {
        let mut log = CallLog::new(&CallLimits::default());
        let mut wasi = Wasi::default();
        for _ in 0..100 {
            wasi.write(Stream::Error, &[b'x'; 4_096], &mut log);
        }
        assert!(wasi.stderr.0.capacity() < 4 * LINE_BYTES_MAX);
        assert!(wasi.last_words.len() <= LAST_WORDS_BYTES);
    }
}
