//! libFuzzer over the target that `SIYU_FUZZ_TARGET` names.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<siyu_fuzz::Target> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let target = TARGET.get_or_init(|| {
        let name = std::env::var("SIYU_FUZZ_TARGET").unwrap_or_default();
        siyu_fuzz::target(&name).unwrap_or_else(|| panic!("SIYU_FUZZ_TARGET is `{name}`, which is no target"))
    });
    target(bytes);
});
