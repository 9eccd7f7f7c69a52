//! The manifest, by hand.

pub(crate) const TEXT: &str = r#"{
  "name": "misbehaving",
  "version": "1.0.0",
  "contract": "1.0.0",
  "summary": "Does what a sandbox must stop.",
  "steps": [
    { "name": "nop", "summary": "Does nothing.", "input": {}, "output": {} }
  ],
  "resources": [
    { "kind": "pool", "summary": "A pool.", "schema": {} }
  ],
  "capabilities": [
    { "name": "records", "why": "to be denied" },
    { "name": "pools", "why": "to be denied" },
    { "name": "counters", "why": "to be denied" },
    { "name": "ledger", "why": "to be denied" },
    { "name": "codes", "why": "to be denied" },
    { "name": "customers", "why": "to be denied" },
    { "name": "events", "why": "to be denied" },
    { "name": "messages", "why": "to be denied" },
    { "name": "resources", "why": "to be denied" },
    { "name": "expressions", "why": "to be denied" }
  ]
}"#;
