//! `plugins list|inspect|pack`.

use crate::stage::{Stage, module};

#[test]
fn plugins_are_listed() {
    let stage = Stage::new();
    insta::assert_snapshot!(stage.siyu("plugins list").all());
    let json = stage.siyu("plugins list --json").json();
    let plugin = &json["plugins"][0];
    assert_eq!((&plugin["name"], &plugin["version"]), (&"stamp-card".into(), &"1.0.0".into()));
    assert_eq!(plugin["error"], serde_json::Value::Null);
}

#[test]
fn a_narrow_terminal_wraps_tables() {
    let said = Stage::new().siyu_with(("COLUMNS", "50"), "plugins list");
    assert!(said.raw.lines().all(|line| line.chars().count() <= 50), "{}", said.raw);
}

#[test]
fn a_plugin_is_shown_with_all_it_offers_and_asks_for() {
    let stage = Stage::new();
    let shown = stage.siyu("plugins inspect stamp-card");
    let without_size =
        shown.all().lines().filter(|line| !line.starts_with("file ")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(without_size);
    let json = stage.siyu("plugins inspect stamp-card --json").json();
    assert_eq!(json["manifest"]["steps"][0]["name"], "stamp");
    assert!(json["imports"].as_array().unwrap().contains(&"counters".into()));
}

#[test]
fn an_unknown_plugin_is_answered_with_the_nearest() {
    let stage = Stage::new();
    let near = stage.siyu("plugins inspect stamp-crad");
    assert_eq!(near.status, 2);
    assert!(near.err.contains("did you mean `stamp-card`?"), "{}", near.err);
    let far = stage.siyu("plugins inspect nothing-alike");
    assert!(far.err.contains("there are: stamp-card"), "{}", far.err);
    assert_eq!(stage.siyu("plugins list --plugins nowhere").status, 2);
}

#[test]
fn packing_gives_the_same_file_every_time() {
    let stage = Stage::new();
    let module = module().display().to_string();
    let said = stage.siyu(&format!("plugins pack {module}"));
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(said.out.starts_with("packed stamp-card 1.0.0 SHORT into stamp-card.wasm ("), "{}", said.out);
    let json = stage.siyu(&format!("plugins pack {module} --output new/again.wasm --json")).json();
    assert_eq!(json["name"], "stamp-card");
    let bytes = |name: &str| std::fs::read(stage.path(name)).unwrap();
    assert_eq!(bytes("stamp-card.wasm"), bytes("new/again.wasm"));
    let again = stage.siyu("plugins pack new/again.wasm --json").json();
    assert_eq!(again["digest"], json["digest"], "what is packed stays as it is");
}

#[test]
fn what_is_no_plugin_is_refused_in_words() {
    let stage = Stage::new();
    stage.write("words.wasm", "these are words");
    stage.write("none.wasm", b"\0asm\x0d\0\x01\0");
    for (words, status, told) in [
        ("plugins pack words.wasm", 1, "words.wasm: not WebAssembly"),
        ("plugins pack none.wasm", 1, "none.wasm: not a plugin"),
        ("plugins pack nowhere.wasm", 2, "nowhere.wasm cannot be read"),
        ("plugins inspect words.wasm", 1, "words.wasm: not WebAssembly"),
    ] {
        let said = stage.siyu(words);
        assert_eq!(said.status, status, "{words}: {}", said.err);
        assert!(said.err.contains(told), "{words}: {}", said.err);
    }
}

#[test]
fn a_broken_plugin_is_told_where_it_is_named_and_nowhere_else() {
    let stage = Stage::new();
    stage.write("plugins/words.wasm", "these are words");
    let module = module().display().to_string();
    assert_eq!(stage.siyu(&format!("plugins pack {module} --output plugins/stamp-card.wasm")).status, 0);
    std::fs::copy(stage.path("plugins/stamp-card.wasm"), stage.path("plugins/renamed.wasm")).unwrap();
    insta::assert_snapshot!(stage.siyu("plugins list --plugins plugins").all());
    assert_eq!(stage.siyu("validate stamps --plugins plugins").status, 0, "nobody named the broken ones");
    stage.write("plugins/stamp-card.wasm", "these are words");
    let named = stage.siyu("validate stamps --plugins plugins");
    assert_eq!(named.status, 2);
    assert!(named.err.contains("plugins/stamp-card.wasm: not WebAssembly"), "{}", named.err);
}

#[test]
fn machine_code_that_somebody_changed_is_compiled_again() {
    let stage = Stage::new();
    assert_eq!(stage.siyu("publish stamps").status, 0);
    for entry in std::fs::read_dir(stage.path("siyu-data/compiled")).unwrap() {
        let path = entry.unwrap().path();
        let mut code = std::fs::read(&path).unwrap();
        let middle = code.len() / 2;
        code[middle] ^= 1;
        std::fs::write(&path, code).unwrap();
    }
    let said = stage.siyu("test stamps");
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(said.err.contains("it is compiled again"), "{}", said.err);
}
