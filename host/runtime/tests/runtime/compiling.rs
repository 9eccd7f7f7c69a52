//! Compiling in a child process with limits, and the cache of what it made.

use std::fs;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use siyu_runtime::{CacheKey, CompileChild, CompileLimits, Compiler, LoadError, Runtime, RuntimeConfig};

use crate::support::double::Recorder;
use crate::support::wat::{self, Code};
use crate::support::{call_with, child, config, guests, small};

fn runtime(cache_dir: &Path, key: u8, compiler: Compiler) -> Runtime {
    Runtime::new(RuntimeConfig {
        cache_dir: Some(cache_dir.to_owned()),
        key: CacheKey::new([key; 32]),
        compiler,
        ..config()
    })
    .unwrap()
}

/// A compiler that cannot be started: whoever needs it fails.
fn no_compiler() -> Compiler {
    Compiler::Child(CompileChild {
        program: PathBuf::from("/nonexistent/compiler"),
        args: Vec::new(),
        limits: CompileLimits::default(),
    })
}

fn answers(runtime: &Runtime, bytes: &[u8]) -> bool {
    let digest = runtime.load(bytes).unwrap().digest;
    let report = call_with(runtime, &digest, ("nop", ""), &small(), Recorder::kind());
    report.outcome.is_ok()
}

fn only_file(dir: &Path) -> PathBuf {
    let files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

#[test]
fn a_child_compiles_once_and_later_starts_need_neither_compiler_nor_file() {
    let dir = tempfile::tempdir().unwrap();
    let first = runtime(dir.path(), 1, child(CompileLimits::default()));
    let loaded = first.load(guests::misbehaving()).unwrap();
    assert!(answers(&first, guests::misbehaving()));
    drop(first);

    let second = runtime(dir.path(), 1, no_compiler());
    let cached = second.load_cached(&loaded.digest).unwrap().expect("it is in the cache");
    assert_eq!((&cached.manifest, cached.imports), (&loaded.manifest, loaded.imports));
    assert!(answers(&second, guests::misbehaving()));
    assert!(second.load_cached(&siyu_runtime::digest_of(b"else")).unwrap().is_none());
}

#[test]
fn a_component_of_a_standard_library_comes_back_from_the_cache_too() {
    let dir = tempfile::tempdir().unwrap();
    let loaded = runtime(dir.path(), 1, Compiler::InProcess).load(guests::std_guest()).unwrap();
    let second = runtime(dir.path(), 1, no_compiler());
    assert!(second.load_cached(&loaded.digest).unwrap().is_some());
    let report = call_with(&second, &loaded.digest, ("print", "x"), &small(), Recorder::kind());
    assert!(report.outcome.is_ok(), "{:?}", report.outcome);
}

#[test]
fn a_cache_file_that_is_not_this_hosts_is_compiled_again_and_never_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let plugin = wat::plugin(Code::default());
    let digest = siyu_runtime::digest_of(&plugin);
    assert!(answers(&runtime(dir.path(), 1, Compiler::InProcess), &plugin));
    let file = only_file(dir.path());
    let good = fs::read(&file).unwrap();
    let damages: [(&str, Vec<u8>); 4] = [
        ("cut", good[..good.len() / 2].to_vec()),
        ("changed", {
            let mut changed = good.clone();
            let place = changed.len() - 100;
            changed[place] ^= 1;
            changed
        }),
        ("empty", Vec::new()),
        ("replaced", b"\x7fELF and some code".to_vec()),
    ];
    for (name, damaged) in damages {
        fs::write(&file, damaged).unwrap();
        let without = runtime(dir.path(), 1, no_compiler());
        assert!(without.load_cached(&digest).unwrap().is_none(), "{name}");
        assert!(matches!(without.load(&plugin), Err(LoadError::Compile(_))), "{name}");
        assert!(answers(&runtime(dir.path(), 1, Compiler::InProcess), &plugin), "{name}");
        assert_eq!(fs::read(&file).unwrap().len(), good.len(), "{name}: written anew");
    }
    let foreign = runtime(dir.path(), 2, no_compiler());
    assert!(foreign.load_cached(&digest).unwrap().is_none(), "sealed with another key");
}

/// A function of so many nested branches that compiling it takes minutes.
fn compile_bomb(branches: usize) -> Vec<u8> {
    let mut run = String::new();
    for branch in 0..branches {
        run.push_str(&format!(
            "(if (i32.eq (local.get 0) (i32.const {branch})) (then (local.set 1 (i32.add (local.get 2) (local.get 3)))) \
             (else (local.set 2 (i32.mul (local.get 1) (local.get 0)))))"
        ));
    }
    wat::plugin(Code { run: &run, ..Code::default() })
}

#[test]
fn a_component_made_to_be_slow_to_compile_ends_the_child_and_not_the_host() {
    let dir = tempfile::tempdir().unwrap();
    let limits = CompileLimits { cpu_seconds: 1, ..CompileLimits::default() };
    let runtime = runtime(dir.path(), 1, child(limits));
    assert_snapshot!(runtime.load(&compile_bomb(60_000)).unwrap_err(), @"compiling the component took more than 1 s of processor time: it is too large, or made to be slow");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is kept of it");
    assert!(answers(&runtime, &wat::plugin(Code::default())), "the next one compiles");
}

#[test]
fn a_component_that_takes_too_much_memory_to_compile_ends_the_child_and_not_the_host() {
    let dir = tempfile::tempdir().unwrap();
    let limits = CompileLimits { memory_bytes: 96 << 20, ..CompileLimits::default() };
    let runtime = runtime(dir.path(), 1, child(limits));
    assert_snapshot!(runtime.load(&compile_bomb(60_000)).unwrap_err(), @"compiling the component took more than 100663296 bytes of memory: it is too large, or made to be so");
}

#[test]
fn a_child_says_why_a_component_is_not_valid() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path(), 1, child(CompileLimits::default()));
    let mut broken = wat::plugin(Code::default());
    let body = broken
        .windows(4)
        .position(|window| window == [0x03, 0x00, 0x00, 0x0b])
        .expect("the body of describe");
    broken[body + 2] = 0xff;
    let message = runtime.load(&broken).unwrap_err().to_string();
    assert!(message.starts_with("the component is not valid: "), "{message}");
}

#[test]
fn a_compiler_that_is_not_there_or_is_none_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let plugin = wat::plugin(Code::default());
    let missing = runtime(dir.path(), 1, no_compiler());
    assert_snapshot!(missing.load(&plugin).unwrap_err(), @"the compiler /nonexistent/compiler cannot be run: No such file or directory (os error 2)");
    let other = Compiler::Child(CompileChild {
        program: PathBuf::from("/bin/false"),
        args: Vec::new(),
        limits: CompileLimits::default(),
    });
    assert_snapshot!(runtime(dir.path(), 1, other).load(&plugin).unwrap_err(), @"the compiler ended with exit status: 1:");
}
