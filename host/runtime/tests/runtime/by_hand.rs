//! Attacks that no compiler would write: components made by hand.

use insta::assert_snapshot;
use siyu_model::plugin::{CallLimits, HostFault};

use crate::support::double::Recorder;
use crate::support::wat::{self, Code};
use crate::support::{RUNTIME, call_with, is, roomy, small};

const LOG: &str = r#"(import "siyu:plugin/log@1.0.0" "write" (func $log (param i32 i32 i32)))"#;

/// Loads a plugin of hand-made code and calls it.
fn run(code: Code<'_>, limits: &CallLimits) -> Result<String, String> {
    let loaded = RUNTIME.load(&wat::plugin(code)).map_err(|fault| fault.to_string())?;
    let report = call_with(&RUNTIME, &loaded.digest, ("step", "input"), limits, Recorder::kind());
    assert!(report.host.into_any().is::<Recorder>(), "the host did not come back");
    let behaving = RUNTIME.load(&wat::plugin(Code::default())).unwrap();
    let next = call_with(&RUNTIME, &behaving.digest, ("step", ""), &small(), Recorder::kind());
    assert!(next.outcome.is_ok(), "the next call failed: {:?}", next.outcome);
    RUNTIME.unload(&loaded.digest);
    match report.outcome {
        Ok(answer) => Ok(format!("{answer:?}")),
        Err(fault) => Err(fault.to_string()),
    }
}

fn fault(code: Code<'_>, limits: &CallLimits) -> String {
    run(code, limits).expect_err("expected a fault")
}

fn doing(run: &str) -> Code<'_> {
    Code { run, ..Code::default() }
}

#[test]
fn a_hand_made_plugin_that_behaves_is_answered() {
    assert_eq!(run(Code::default(), &small()).unwrap(), "Done(\"{}\")");
}

#[test]
fn tables_have_a_limit() {
    let grow = Code {
        items: "(table $t 0 funcref)",
        run: "(if (i32.eq (table.grow $t (ref.null func) (i32.const 60000)) (i32.const -1)) (then unreachable))",
        ..Code::default()
    };
    assert_snapshot!(fault(grow, &small()), @"TABLE_LIMIT: the plugin wanted 60000 table elements in all, it may have 50000");
    let step_by_step = Code {
        run: "(loop $more
            (if (i32.eq (table.grow $t (ref.null func) (i32.const 100)) (i32.const -1)) (then unreachable))
            (br $more))",
        ..grow
    };
    assert_snapshot!(fault(step_by_step, &small()), @"TABLE_LIMIT: the plugin wanted 50100 table elements in all, it may have 50000");
    let two = Code { items: "(table $t 30000 funcref) (table $u 30000 funcref)", run: "", ..grow };
    assert_snapshot!(fault(two, &small()), @"TABLE_LIMIT: the plugin wanted 60000 table elements in all, it may have 50000");
}

#[test]
fn several_memories_count_as_one() {
    let limits = CallLimits { memory_bytes_max: 3 << 16, ..small() };
    let grow = "(if (i32.eq (memory.grow $m (i32.const 1)) (i32.const -1)) (then unreachable))";
    let both = Code { items: "(memory $m 1)", run: grow, ..Code::default() };
    assert!(run(both, &limits).is_ok(), "one page and two");
    let too_many = Code { run: &grow.repeat(2), ..both };
    assert_snapshot!(fault(too_many, &limits), @"MEMORY_LIMIT: the plugin wanted 262144 bytes of memory in all, it may have 196608");
    let from_the_start = Code { items: "(memory $m 3)", run: "", ..both };
    assert_snapshot!(fault(from_the_start, &limits), @"MEMORY_LIMIT: the plugin wanted 262144 bytes of memory in all, it may have 196608");
}

#[test]
fn a_panic_after_a_refusal_is_named_by_the_refusal() {
    let words = r"panicked at src/lib.rs:1:2:\0aout of memory";
    let panics = Code {
        imports: LOG,
        items: &format!(r#"(data (i32.const 2048) "{words}")"#),
        run: "(if (i32.eq (memory.grow (i32.const 2000)) (i32.const -1)) (then
            (call $log (i32.const 3) (i32.const 2048) (i32.const 41)) unreachable))",
        ..Code::default()
    };
    assert_snapshot!(fault(panics, &small()), @"MEMORY_LIMIT: the plugin wanted 131137536 bytes of memory in all, it may have 67108864; then it panicked at src/lib.rs:1:2: out of memory");
    let own_maximum = Code {
        items: "(memory $m 1 2)",
        run: "(if (i32.eq (memory.grow $m (i32.const 2)) (i32.const -1)) (then unreachable))",
        ..Code::default()
    };
    assert_snapshot!(fault(own_maximum, &small()), @"MEMORY_LIMIT: the plugin wanted 196608 bytes of memory in all, it may have 131072");
}

#[test]
fn growing_memory_costs_fuel_whether_it_is_granted_or_not() {
    let endless = doing("(loop $more (drop (memory.grow (i32.const 0))) (br $more))");
    assert_snapshot!(fault(endless, &small()), @"FUEL_EXHAUSTED: the call used all of its 50000000 fuel: it loops without end, or has more to do than a call may");
}

#[test]
fn bulk_instructions_cost_their_bytes() {
    let megabyte = "(drop (memory.grow (i32.const 16)))";
    for (name, instruction) in [
        ("memory.fill", "(memory.fill (i32.const 0) (i32.const 1) (i32.const 1000000))"),
        ("memory.copy", "(memory.copy (i32.const 0) (i32.const 1) (i32.const 1000000))"),
    ] {
        // The answer lies where the instruction writes, so the answer of `run` is not looked at: only its price.
        let used = |times: usize| {
            let code = format!("{megabyte} {}", instruction.repeat(times));
            let loaded = RUNTIME.load(&wat::plugin(doing(&code))).unwrap();
            let report = call_with(&RUNTIME, &loaded.digest, ("", ""), &small(), Recorder::kind());
            RUNTIME.unload(&loaded.digest);
            report.usage.fuel
        };
        let one = used(2) - used(1);
        assert!((1_000_000..1_001_000).contains(&one), "{name} cost {one}");
        let endless = format!("{megabyte} (loop $more {instruction} (br $more))");
        assert!(fault(doing(&endless), &small()).starts_with("FUEL_EXHAUSTED"), "{name}");
    }
}

#[test]
fn text_that_is_not_utf_8_is_refused_both_ways() {
    let answer = Code {
        items: r#"(data (i32.const 600) "\ff\fe")"#,
        run: "(i32.store (i32.const 1032) (i32.const 600))",
        ..Code::default()
    };
    assert_snapshot!(fault(answer, &small()), @"TRAP: the plugin broke the contract: invalid utf-8 sequence of 1 bytes from index 0");
    let argument = Code {
        imports: LOG,
        items: r#"(data (i32.const 600) "\ff\fe")"#,
        run: "(call $log (i32.const 1) (i32.const 600) (i32.const 2))",
        ..Code::default()
    };
    assert_snapshot!(fault(argument, &small()), @"TRAP: the plugin broke the contract: invalid utf-8 sequence of 1 bytes from index 0");
}

#[test]
fn pointers_and_cases_that_cannot_be_are_refused() {
    let beyond = doing("(i32.store (i32.const 1032) (i32.const 0x7fffffff))");
    assert_snapshot!(fault(beyond, &small()), @"TRAP: the plugin broke the contract: string pointer/length out of bounds of memory");
    let no_case = doing("(i32.store8 (i32.const 1024) (i32.const 7))");
    assert_snapshot!(fault(no_case, &small()), @"TRAP: the plugin broke the contract: invalid expected discriminant");
    let endless_text = doing("(i32.store (i32.const 1036) (i32.const -1))");
    assert_snapshot!(fault(endless_text, &small()), @"TRAP: the plugin broke the contract: string pointer/length out of bounds of memory");
}

#[test]
fn a_trap_at_the_start_and_in_the_allocator_are_contained() {
    let start = Code { items: "(func $start unreachable) (start $start)", ..Code::default() };
    assert_snapshot!(fault(start, &small()), @"TRAP: the plugin trapped: wasm `unreachable` instruction executed in `start`; a panic looks like this when the SDK's panic hook is not installed");
    let endless_start =
        Code { items: "(func $start (loop $more (br $more))) (start $start)", ..Code::default() };
    assert_snapshot!(fault(endless_start, &small()), @"FUEL_EXHAUSTED: the call used all of its 50000000 fuel: it loops without end, or has more to do than a call may");
    let realloc = Code { realloc: "unreachable", ..Code::default() };
    assert_snapshot!(fault(realloc, &small()), @"TRAP: the plugin trapped: wasm `unreachable` instruction executed; a panic looks like this when the SDK's panic hook is not installed");
    let wild = Code { realloc: "(i32.const -16)", ..Code::default() };
    assert_snapshot!(fault(wild, &small()), @"TRAP: the plugin broke the contract: realloc return: beyond end of memory");
}

#[test]
fn division_by_zero_names_its_function() {
    let divide = Code {
        items: "(func $divide (result i32) (i32.div_u (i32.const 1) (i32.const 0)))",
        run: "(drop (call $divide))",
        ..Code::default()
    };
    assert_snapshot!(fault(divide, &small()), @"TRAP: the plugin trapped: integer divide by zero in `divide`");
}

#[test]
fn an_allocator_that_asks_the_host_breaks_the_contract() {
    let reentrant = Code {
        imports: LOG,
        realloc: "(call $log (i32.const 1) (i32.const 512) (i32.const 2)) (i32.const 4096)",
        ..Code::default()
    };
    assert_snapshot!(fault(reentrant, &small()), @"TRAP: the plugin trapped: cannot leave component instance");
}

#[test]
fn recursion_without_end_ends_with_the_stack() {
    let recurse = Code {
        items: "(func $deeper (param i32) (result i32) (i32.add (i32.const 1) (call $deeper (local.get 0))))",
        run: "(drop (call $deeper (i32.const 0)))",
        ..Code::default()
    };
    assert_snapshot!(fault(recurse, &roomy()), @"STACK_OVERFLOW: the plugin's calls nest deeper than its stack of 524288 bytes: it recurses without end, or too far");
}

#[test]
fn more_instances_than_a_call_may_have_are_refused() {
    let with = |module: &str, instances: usize| {
        wat::with_instances(wat::component(Code::default()), module, instances)
    };
    let call = |bytes: &[u8]| {
        let loaded = RUNTIME.load(bytes).unwrap();
        call_with(&RUNTIME, &loaded.digest, ("", ""), &small(), Recorder::kind())
    };
    assert_snapshot!(call(&with("(module)", 70)).outcome.unwrap_err(), @"NOT_LOADABLE: no instance of the component could be made: resource limit exceeded: instance count too high at 65");
    assert_snapshot!(RUNTIME.load(&with("(module (memory 1))", 20)).unwrap_err(), @"the component cannot be linked: an instance needs 21 memories or as many sets of tables, the pool has 16");
    let report = call(&with("(module (memory 1))", 3));
    assert_eq!((report.outcome.is_ok(), report.usage.memory_bytes), (true, 4 << 16));
}

#[test]
fn what_an_instance_writes_before_it_begins_is_bounded() {
    let megabytes = format!(r#"(module (memory 32) (data (i32.const 0) "{}"))"#, "x".repeat(2_000_000));
    let with = |instances: usize| {
        let plugin = wat::with_instances(wat::component(Code::default()), &megabytes, instances);
        RUNTIME.load(&plugin).map(|loaded| RUNTIME.unload(&loaded.digest))
    };
    assert!(with(3).unwrap());
    assert_snapshot!(with(40).unwrap_err(), @"an instance writes 80000351 bytes before its first instruction, it may write 67108864");
}

#[test]
fn text_that_components_of_a_component_pass_to_each_other_ends_with_its_time() {
    let call = |run: &str, cpu_ms: u64| {
        let loaded = RUNTIME.load(&wat::composed(run)).unwrap();
        let limits = CallLimits { cpu_ms, ..roomy() };
        call_with(&RUNTIME, &loaded.digest, ("", ""), &limits, Recorder::kind())
    };
    assert!(call("(call $take (i32.const 512) (i32.const 2))", 2_000).outcome.is_ok());
    // 72 units of fuel for thirty megabytes: its fuel would last for hours, and a million units for half a minute.
    let flood = "(drop (memory.grow (i32.const 480))) (loop $more (call $take (i32.const 0) (i32.const 30000000)) \
        (br $more))";
    let report = call(flood, 20);
    assert!(report.usage.fuel < 1_000_000, "{}", report.usage.fuel);
    assert_snapshot!(report.outcome.unwrap_err(), @"DEADLINE: the call took longer than the 20 ms of processor time that it may take");
}

#[test]
fn the_start_of_a_composed_plugin_is_bounded_as_well() {
    let inner = |instances: usize| {
        let megabytes = format!(r#"(module (memory 32) (data (i32.const 0) "{}"))"#, "x".repeat(2_000_000));
        wat::with_instances(wat::component(Code::default()), &megabytes, instances)
    };
    assert!(RUNTIME.load(&wat::nested(&inner(2), 1)).is_ok());
    assert_snapshot!(RUNTIME.load(&wat::nested(&inner(20), 3)).unwrap_err(), @"an instance writes 120000573 bytes before its first instruction, it may write 67108864");
}

#[test]
fn handles_have_a_limit() {
    let more = "package a:b;
        package wasi:io@0.2.0 { interface streams { resource output-stream; } }
        package wasi:cli@0.2.0 {
            interface stdout { use wasi:io/streams@0.2.0.{output-stream}; get-stdout: func() -> output-stream; }
        }
        world w { import wasi:cli/stdout@0.2.0; export siyu:plugin/steps@1.0.0; }";
    let hoard = Code {
        imports: r#"(import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))"#,
        run: "(loop $more (drop (call $stdout)) (br $more))",
        ..Code::default()
    };
    let plugin = wat::with_manifest(&wat::component_of(hoard, more, "w"), wat::MANIFEST);
    let loaded = RUNTIME.load(&plugin).unwrap();
    let report = call_with(&RUNTIME, &loaded.digest, ("", ""), &small(), Recorder::kind());
    assert_eq!(report.usage.host_calls, 1_001);
    assert_snapshot!(report.outcome.unwrap_err(), @"TRAP: the plugin broke the contract: cannot allocate another handle: store handle limit exceeded");
}

#[test]
fn the_answer_of_a_hand_made_plugin_is_used_up_to_the_last_unit_of_fuel() {
    let used = {
        let loaded = RUNTIME.load(&wat::plugin(Code::default())).unwrap();
        call_with(&RUNTIME, &loaded.digest, ("", ""), &small(), Recorder::kind()).usage.fuel
    };
    for (fuel, passes) in [(used, true), (used - 1, false)] {
        let limits = CallLimits { fuel, ..small() };
        let loaded = RUNTIME.load(&wat::plugin(Code::default())).unwrap();
        let report = call_with(&RUNTIME, &loaded.digest, ("", ""), &limits, Recorder::kind());
        assert_eq!(report.outcome.is_ok(), passes, "{fuel} of {used}");
        if let Err(fault) = report.outcome {
            assert!(is(&fault, HostFault::FuelExhausted), "{fault}");
        }
    }
}
