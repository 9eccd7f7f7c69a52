//! Every input that fuzzing kept is tried.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use siyu_fuzz::{TARGETS, pack, target, unpack};

#[test]
fn every_input_that_was_kept_is_held_by_its_target() {
    for name in TARGETS {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let packed = std::fs::read(&file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        let inputs = unpack(&packed);
        assert!(inputs.len() > 1, "{name} has {} inputs", inputs.len());
        inputs.into_iter().for_each(target(name).unwrap());
    }
}

#[test]
fn what_was_packed_comes_out_again() {
    let inputs: [&[u8]; 3] = [b"", b"one", &[0; 300]];
    let packed = pack(inputs);
    assert_eq!(unpack(&packed), inputs);
    // What is cut off is left out.
    assert_eq!(unpack(&packed[..packed.len() - 1]), inputs[..2]);
}
