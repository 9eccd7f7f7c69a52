//! Capabilities: what a granted one passes on and gives back, and what an ungranted one costs: the call.

use std::fmt::Write;

use insta::assert_snapshot;
use siyu_engine::ports::plugins::{Entry, HostError, PluginCall, Plugins};
use siyu_model::plugin::{Capability, CapabilitySet, HostFault};

use crate::support::double::{Mood, Recorder};
use crate::support::wat;
use crate::support::{
    MISBEHAVING, RUNTIME, all_capabilities, call_with, contained, done, guests, is, roomy, small,
};

/// What the host was asked, and what the plugin got.
fn transcript(step: &str, input: &str, mood: Mood) -> String {
    let recorder = Recorder::new(mood);
    let asks = recorder.asks();
    let report = call_with(&RUNTIME, &MISBEHAVING, (step, input), &small(), recorder);
    let log = report.log.clone();
    let got: Vec<String> = serde_json::from_str(&done(report)).unwrap();
    let mut text = String::new();
    for ask in asks.lock().unwrap().iter() {
        writeln!(text, "host: {ask}").unwrap();
    }
    for answer in got {
        writeln!(text, "plugin: {answer}").unwrap();
    }
    for line in log {
        writeln!(text, "log: {:?} {}", line.level, line.message).unwrap();
    }
    text
}

#[test]
fn every_function_of_every_capability_passes_on_what_it_is_given_and_gives_back_what_it_gets() {
    for capability in Capability::OF_STEPS {
        let name = capability.as_str();
        assert_snapshot!(format!("granted_{name}"), transcript(name, "cus_2", Mood::Kind));
    }
}

#[test]
fn without_a_customer_the_host_is_asked_for_its_own() {
    for name in ["records", "customers", "events", "messages", "expressions"] {
        let text = transcript(name, "", Mood::Kind);
        assert!(text.contains("None") && !text.contains("cus_2"), "{text}");
    }
}

#[test]
fn a_refusal_reaches_the_plugin_with_its_code_and_its_words() {
    for (refusal, code) in [
        (HostError::Invalid("because".to_owned()), "Invalid"),
        (HostError::Limit("because".to_owned()), "Limit"),
        (HostError::NotFound("because".to_owned()), "NotFound"),
        (HostError::Conflict("because".to_owned()), "Conflict"),
    ] {
        let text = transcript("counters", "", Mood::Refusing(refusal));
        let got = text.lines().filter(|line| line.starts_with("plugin: ")).count();
        let refused = text.matches(&format!("ErrorCode::{code}")).count();
        assert_eq!(got, 4, "{text}");
        assert!(refused >= 3 && text.contains("because"), "{text}");
    }
}

/// A component that imports one capability and nothing else.
fn importing(capability: Capability) -> Vec<u8> {
    let more = format!(
        "package siyu:probe; world probe {{ import siyu:plugin/{capability}@1.0.0; export siyu:plugin/steps@1.0.0; }}"
    );
    let manifest = format!(
        r#"{{"name":"probe","version":"1.0.0","contract":"1.0.0","summary":"s","capabilities":[{{"name":"{capability}","why":"to see"}}]}}"#
    );
    wat::with_manifest(&wat::of_world(&more, "probe"), &manifest)
}

#[test]
fn a_capability_that_was_not_granted_keeps_the_component_from_being_called() {
    let mut refusals = String::new();
    for capability in Capability::ALL {
        let loaded = RUNTIME.load(&importing(capability)).unwrap();
        assert_eq!(loaded.imports.iter().collect::<Vec<_>>(), [capability]);
        let others: CapabilitySet =
            Capability::ALL.into_iter().filter(|other| *other != capability).collect();
        let granted = RUNTIME.check_grants(&loaded.digest, all_capabilities());
        assert_eq!(granted, Ok(()), "{capability}");
        let report = RUNTIME.call(
            PluginCall {
                digest: &loaded.digest,
                granted: others,
                limits: &small(),
                entry: Entry::Step { step: "x", input: "{}" },
            },
            Box::new(Recorder::kind()),
        );
        let fault = report.outcome.unwrap_err();
        if CapabilitySet::without_grant().contains(capability) {
            assert!(is(&fault, HostFault::Trap), "it runs, into its trap: {fault}");
            continue;
        }
        assert_eq!(
            RUNTIME.check_grants(&loaded.digest, others).unwrap_err(),
            fault,
            "publishing and calling say the same"
        );
        assert_eq!(report.usage.fuel, 0, "no instruction runs");
        writeln!(refusals, "{fault}").unwrap();
    }
    assert_snapshot!(refusals);
}

#[test]
fn a_plugin_reaches_another_customer_only_through_the_host() {
    // Keys and customers are text without meaning to the sandbox: the host, which knows the tenant, decides.
    let text = transcript("records", "../../other-tenant/cus_9", Mood::Kind);
    assert!(text.contains(r#"host: records.get Some("../../other-tenant/cus_9") ../other/key"#), "{text}");
}

#[test]
fn every_answer_of_a_plugin_comes_back_as_it_was_meant() {
    let mut text = String::new();
    for step in ["refuse", "transient", "permanent", "invalid-input"] {
        let report = call_with(&RUNTIME, &MISBEHAVING, (step, ""), &small(), Recorder::kind());
        writeln!(text, "{step}: {:#?}", report.outcome).unwrap();
    }
    assert_snapshot!(text);
}

#[test]
fn a_resource_is_applied_like_a_step() {
    let apply = |kind: &str| {
        RUNTIME.call(
            PluginCall {
                digest: &MISBEHAVING,
                granted: all_capabilities(),
                limits: &small(),
                entry: Entry::Apply { kind, name: "autumn", definition: "{}" },
            },
            Box::new(Recorder::kind()),
        )
    };
    assert_eq!(done(apply("pool")), r#"[{"event":"autumn","step":"pool"}]"#);
    assert_snapshot!(apply("broken").outcome.unwrap_err(), @"BROKEN: {}");
    let fault = contained(&RUNTIME, &MISBEHAVING, "nop", apply("unknown"));
    assert!(is(&fault, HostFault::Trap) || is(&fault, HostFault::GuestPanic), "{fault}");
}

#[test]
fn a_check_is_pure_and_its_capabilities_answer_with_an_error() {
    let found = RUNTIME.check_resource(&MISBEHAVING, "pool", "autumn", r#"{"total":1}"#).unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].is_error);
    assert_snapshot!(found[0].message, @r#"pool/autumn: {"total":1}: this call is pure: it checks or describes, and no capability answers"#);
}

#[test]
fn a_plugin_without_resource_kinds_says_so() {
    let loaded = RUNTIME.load(&importing(Capability::Log)).unwrap();
    let refused = RUNTIME.check_resource(&loaded.digest, "pool", "autumn", "{}").unwrap_err();
    assert_snapshot!(refused, @"NOT_LOADABLE: plugin probe 1.0.0 does not export `resource-kinds`: it defines no kind of resource");
}

#[test]
fn a_check_has_the_limits_of_a_call() {
    let definition = "x".repeat(roomy().input_bytes_max + 1);
    let refused = RUNTIME.check_resource(&MISBEHAVING, "pool", "autumn", &definition).unwrap_err();
    assert!(is(&refused, HostFault::InputTooLarge), "{refused}");
}

#[test]
fn a_plugin_of_the_sdk_is_packed_loaded_and_called() {
    let loaded = RUNTIME.load(guests::stamp_card()).unwrap();
    assert_eq!(RUNTIME.manifest(&loaded.digest).unwrap().name.as_str(), "stamp-card");
    let listed = loaded.manifest.capabilities.iter().map(|used| used.name);
    let listed = listed.fold(CapabilitySet::free(), CapabilitySet::with);
    assert!(loaded.imports.beyond(listed).is_empty());
    let mut host = Recorder::kind();
    host.definition = r#"{"stamps":6,"stamp_lasts":"30d"}"#.into();
    let asks = host.asks();
    let input = r#"{"card":"autumn"}"#;
    let report = call_with(&RUNTIME, &loaded.digest, ("stamp", input), &small(), host);
    assert_eq!(done(report), r#"{"stamps":1,"is_full":false}"#);
    assert!(asks.lock().unwrap().iter().any(|ask| ask.starts_with("records.put")));
}
