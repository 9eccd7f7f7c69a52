//! `wasi:random`: the call's own randomness under every name, the same when the call is repeated.

use wasmtime::component::LinkerInstance;

use super::provide;
use crate::sandbox::state::Call;

pub(super) fn link(instance: &mut LinkerInstance<'_, Call>, interface: &str) -> wasmtime::Result<()> {
    match interface {
        "random" => {
            bytes(instance, "get-random-bytes")?;
            provide(instance, "get-random-u64", |call, ()| Ok((number(call)?,)))
        }
        "insecure" => {
            bytes(instance, "get-insecure-random-bytes")?;
            provide(instance, "get-insecure-random-u64", |call, ()| Ok((number(call)?,)))
        }
        "insecure-seed" => {
            provide(instance, "insecure-seed", |call, ()| Ok(((number(call)?, number(call)?),)))
        }
        _ => Ok(()),
    }
}

fn bytes(instance: &mut LinkerInstance<'_, Call>, name: &str) -> wasmtime::Result<()> {
    provide(instance, name, |call, (count,): (u64,)| {
        Ok((call.random("wasi:random", usize::try_from(count).unwrap_or(usize::MAX))?,))
    })
}

fn number(call: &mut Call) -> wasmtime::Result<u64> {
    let bytes = call.random("wasi:random", size_of::<u64>())?;
    Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
