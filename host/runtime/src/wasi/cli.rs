//! `wasi:cli`: a program without arguments, environment and terminal, whose output goes to the log.

use wasmtime::component::{LinkerInstance, Resource};

use super::io::Input;
use super::{Nothing, Stream, provide};
use crate::sandbox::state::{Call, End};

pub(super) fn link(instance: &mut LinkerInstance<'_, Call>, interface: &str) -> wasmtime::Result<()> {
    match interface {
        "environment" => {
            provide(instance, "get-environment", |_, ()| Ok((Vec::<(String, String)>::new(),)))?;
            provide(instance, "get-arguments", |_, ()| Ok((Vec::<String>::new(),)))?;
            provide(instance, "initial-cwd", |_, ()| Ok((None::<String>,)))
        }
        "exit" => {
            provide(instance, "exit", |call, (status,): (Result<(), ()>,)| -> wasmtime::Result<()> {
                Err(exit(call, u8::from(status.is_err())))
            })?;
            provide(instance, "exit-with-code", |call, (status,): (u8,)| -> wasmtime::Result<()> {
                Err(exit(call, status))
            })
        }
        "stdin" => provide(instance, "get-stdin", |_, ()| Ok((Resource::<Input>::new_own(0),))),
        "stdout" => provide(instance, "get-stdout", |_, ()| Ok((Stream::Out.handle(),))),
        "stderr" => provide(instance, "get-stderr", |_, ()| Ok((Stream::Error.handle(),))),
        "terminal-stdin" => no_terminal(instance, "get-terminal-stdin"),
        "terminal-stdout" => no_terminal(instance, "get-terminal-stdout"),
        "terminal-stderr" => no_terminal(instance, "get-terminal-stderr"),
        _ => Ok(()),
    }
}

fn no_terminal(instance: &mut LinkerInstance<'_, Call>, name: &str) -> wasmtime::Result<()> {
    provide(instance, name, |_, ()| Ok((None::<Resource<Nothing>>,)))
}

fn exit(call: &mut Call, status: u8) -> wasmtime::Error {
    call.end(End::Exit(format!("the plugin exited with status {status} instead of answering")))
}
