//! The manifest: what the real host reads of a plugin.

mod shop;

use shop::Plugin;
use siyu_model::plugin::{CONTRACT_VERSION, Capability};
use siyu_plugin::fake::Host;
use siyu_plugin::prelude::*;

#[test]
fn the_manifest_is_what_operators_read() {
    let host = Host::of::<Plugin>();
    let manifest = serde_json::to_string(host.manifest()).unwrap();
    // The model's values keep their members in order, whatever another crate makes of serde_json's.
    let manifest = siyu_model::json::parse(&manifest).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&manifest).unwrap());
}

#[test]
fn the_contract_is_the_one_of_the_wit_package_and_of_the_host() {
    let wit = include_str!("../wit/siyu.wit");
    let package = format!("package siyu:plugin@{};", siyu_plugin::CONTRACT_VERSION);
    assert!(wit.contains(&package), "the first version of the package is another: expected {package}");
    assert_eq!(siyu_plugin::CONTRACT_VERSION, CONTRACT_VERSION);
}

#[test]
fn capabilities_have_the_hosts_names() {
    use siyu_plugin::Capability as Ours;
    let ours = [
        Ours::Log,
        Ours::Context,
        Ours::Random,
        Ours::Records,
        Ours::Pools,
        Ours::Counters,
        Ours::Ledger,
        Ours::Codes,
        Ours::Customers,
        Ours::Events,
        Ours::Messages,
        Ours::Resources,
        Ours::Expressions,
        Ours::Http,
        Ours::Cache,
        Ours::Secrets,
    ];
    let names = ours.map(|capability| serde_json::to_value(capability).unwrap());
    assert_eq!(names, Capability::ALL.map(|capability| serde_json::to_value(capability).unwrap()));
}

/// A tree.
///
/// Its second paragraph is for whoever reads the schema.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tree {
    #[serde(default)]
    branches: Vec<Tree>,
    #[serde(default)]
    leaf: Option<Instant>,
}

impl Step for Tree {
    const NAME: &'static str = "tree";
    type Output = Tree;

    fn run(self) -> Result<Tree, Stop> {
        Ok(self)
    }
}

mod grove {
    use super::Tree;

    siyu_plugin::export! { name: "grove", version: "1.0.0", summary: "Trees.", steps: [Tree] }
}

#[test]
fn what_holds_itself_is_a_reference_and_the_summary_is_the_first_paragraph() {
    let mut host = Host::of::<grove::Plugin>();
    let step = host.manifest().steps[0].clone();
    assert_eq!(step.summary, "A tree.");
    assert_eq!(step.input["properties"]["branches"]["items"], json!({ "$ref": "#" }));
    assert_eq!(step.input["additionalProperties"], json!(false));
    assert_eq!(step.output["required"], json!(["branches", "leaf"]), "what is written is always there");
    assert!(step.input.get("required").is_none(), "what has a default need not be given");
    let deep = json!({ "branches": [{ "branches": [{ "leaf": "2026-11-21T09:00:00+08:00" }] }] });
    let found = host.call::<Tree>(deep).done();
    assert_eq!(found.branches[0].branches[0].leaf.unwrap().to_string(), "2026-11-21T01:00:00Z");
}

#[test]
fn the_tutorial_shows_the_template() {
    let readme = include_str!("../README.md");
    let plugin = include_str!("../template/src/lib.rs").replace("\n#[cfg(test)]\nmod tests;\n", "");
    assert!(readme.contains(&plugin), "README.md shows another plugin than template/src/lib.rs");
    assert!(
        readme.contains(include_str!("../template/src/tests.rs")),
        "README.md shows other tests than the template"
    );
}
