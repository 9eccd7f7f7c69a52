//! The compiling process: reads its limits and a component from standard input, and writes machine code to standard
//! output. It never opens a file or a socket, and its limits are its own: the system ends it when it passes one.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, nice, setrlimit};
use siyu_model::limits;

use crate::config::CompileLimits;
use crate::engine;

/// The exit status for a component that is not valid; the reason is on standard error.
pub(super) const INVALID: u8 = 65;
/// The exit status for everything else that goes wrong.
const FAILED: u8 = 70;
/// Bytes of a reason.
const WORDS_BYTES_MAX: usize = 4 << 10;
/// Least favourable but two: a compiler never competes with calls.
const NICENESS: i32 = 17;
const HEADER_BYTES: usize = 16;

/// What stands before the component on standard input.
pub(super) struct Request {
    pub(super) limits: CompileLimits,
}

impl Request {
    pub(super) fn header(&self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(&self.limits.cpu_seconds.to_le_bytes());
        header[8..].copy_from_slice(&self.limits.memory_bytes.to_le_bytes());
        header
    }

    fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut number = || -> io::Result<u64> {
            let mut bytes = [0; 8];
            from.read_exact(&mut bytes)?;
            Ok(u64::from_le_bytes(bytes))
        };
        Ok(Self { limits: CompileLimits { cpu_seconds: number()?, memory_bytes: number()? } })
    }
}

/// What the compiling process does, all of it: the program that
/// [`CompileChild`](crate::config::CompileChild) names calls this from a hidden subcommand and returns its status.
pub fn compile_child_main() -> ExitCode {
    match serve(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Refusal { status, words }) => {
            let _ = io::stderr().write_all(cut(&words).as_bytes());
            ExitCode::from(status)
        }
    }
}

struct Refusal {
    status: u8,
    words: String,
}

impl From<io::Error> for Refusal {
    fn from(fault: io::Error) -> Self {
        Self { status: FAILED, words: fault.to_string() }
    }
}

fn serve(from: &mut impl Read, to: &mut impl Write) -> Result<(), Refusal> {
    let request = Request::read(from)?;
    limit(request.limits)?;
    let mut component = Vec::new();
    let bytes_max = u64::try_from(limits::component::BYTES_MAX).unwrap_or(u64::MAX);
    from.take(bytes_max).read_to_end(&mut component)?;
    let made = engine::on_demand(1).map_err(|fault| Refusal { status: FAILED, words: words_of(&fault) })?;
    let code = made
        .engine
        .precompile_component(&component)
        .map_err(|fault| Refusal { status: INVALID, words: words_of(&fault) })?;
    to.write_all(&code)?;
    to.flush()?;
    Ok(())
}

fn limit(limits: CompileLimits) -> io::Result<()> {
    let at_most = |limit: u64| Rlimit { current: Some(limit), maximum: Some(limit.saturating_add(1)) };
    setrlimit(Resource::Cpu, at_most(limits.cpu_seconds))?;
    setrlimit(Resource::As, at_most(limits.memory_bytes))?;
    // No dump of memory, no file.
    setrlimit(Resource::Core, at_most(0))?;
    setrlimit(Resource::Fsize, at_most(0))?;
    nice(NICENESS)?;
    Ok(())
}

/// The reasons of a fault, outermost first.
pub(super) fn words_of(fault: &wasmtime::Error) -> String {
    cut(&format!("{fault:#}")).to_owned()
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(WORDS_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_survives_the_pipe() {
        let limits = CompileLimits { cpu_seconds: 7, memory_bytes: 1 << 33 };
        let header = Request { limits }.header();
        assert_eq!(Request::read(&mut header.as_slice()).unwrap().limits, limits);
        assert!(Request::read(&mut &header[..15]).is_err());
    }
}
