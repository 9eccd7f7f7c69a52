//! Compiling: machine code from a component, in a child process with limits.
//!
//! Never on the path of a request: a component is compiled when it is installed, and its code is cached. One hostile
//! component of 1.6 MB kept the compiler busy for 79 s (measured), and nothing inside the process can interrupt it.

pub(crate) mod child;

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use wasmtime::Engine;

use crate::config::{CompileChild, CompileLimits, Compiler};
use crate::error::CompileError;
use crate::trusted::Sealed;
use child::{INVALID, Request};

/// Bytes of compiled code at most.
const CODE_BYTES_MAX: u64 = 256 << 20;
/// Bytes of what the child says that are kept.
const WORDS_BYTES_MAX: u64 = 8 << 10;
/// The signal of a process that used up its processor time (signal(7)).
const SIGXCPU: i32 = 24;
const SIGKILL: i32 = 9;
/// How a process ends that cannot get memory: Rust's allocation error aborts.
const SIGABRT: i32 = 6;

/// Compiles a component.
pub(crate) fn compile(compiler: &Compiler, engine: &Engine, bytes: &[u8]) -> Result<Sealed, CompileError> {
    match compiler {
        Compiler::InProcess => in_process(engine, bytes),
        Compiler::Child(child) => in_child(child, bytes),
    }
}

/// Compiles here and now, without limits.
pub(crate) fn in_process(engine: &Engine, bytes: &[u8]) -> Result<Sealed, CompileError> {
    engine
        .precompile_component(bytes)
        .map(Sealed::from_compiler)
        .map_err(|fault| CompileError::Invalid(child::words_of(&fault)))
}

fn in_child(settings: &CompileChild, bytes: &[u8]) -> Result<Sealed, CompileError> {
    let start = |source| CompileError::Start { program: settings.program.clone(), source };
    let mut child = Command::new(&settings.program)
        .args(&settings.args)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(start)?;
    let talked = talk(&mut child, settings.limits, bytes);
    let status = child.wait().map_err(start)?;
    let (code, words) = talked.map_err(start)?;
    outcome(status, settings.limits, code, words)
}

/// Sends everything, then reads everything: the child answers only after it has read to the end, and says little.
fn talk(child: &mut Child, limits: CompileLimits, bytes: &[u8]) -> std::io::Result<(Vec<u8>, String)> {
    let (mut code, mut words) = (Vec::new(), Vec::new());
    if let Some(mut stdin) = child.stdin.take() {
        let sent = stdin.write_all(&Request { limits }.header()).and_then(|()| stdin.write_all(bytes));
        // A child that is gone says why when it is waited for.
        if let Err(fault) = sent
            && fault.kind() != std::io::ErrorKind::BrokenPipe
        {
            let _ = child.kill();
            return Err(fault);
        }
    }
    if let Some(stdout) = child.stdout.take() {
        stdout.take(CODE_BYTES_MAX).read_to_end(&mut code)?;
    }
    if let Some(stderr) = child.stderr.take() {
        stderr.take(WORDS_BYTES_MAX).read_to_end(&mut words)?;
    }
    Ok((code, String::from_utf8_lossy(&words).trim().to_owned()))
}

fn outcome(
    status: ExitStatus,
    limits: CompileLimits,
    code: Vec<u8>,
    words: String,
) -> Result<Sealed, CompileError> {
    if status.success() {
        return Ok(Sealed::from_compiler(code));
    }
    if status.code() == Some(i32::from(INVALID)) {
        return Err(CompileError::Invalid(words));
    }
    let no_memory = words.contains("memory allocation of") || words.contains("Cannot allocate memory");
    Err(match status.signal() {
        Some(SIGXCPU | SIGKILL) => CompileError::TooSlow { seconds: limits.cpu_seconds },
        Some(SIGABRT) if no_memory => CompileError::TooMuchMemory { bytes: limits.memory_bytes },
        _ => CompileError::Failed { status: status.to_string(), words },
    })
}
