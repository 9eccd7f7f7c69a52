//! `customers erase`: a customer asks to be forgotten.

use crate::stage::Stage;

#[test]
fn an_erased_customer_is_gone_and_it_has_to_be_meant() {
    let stage = Stage::new();
    stage.visits("events.ndjson", 11);
    assert_eq!(stage.siyu("run stamps --events events.ndjson --seed s").status, 0);
    let before = stage.siyu("runs list --json").json();
    let asked = stage.siyu("customers erase shop:3");
    assert_eq!(asked.status, 2);
    assert!(asked.err.contains("cannot be taken back") && asked.err.contains("--yes"), "{}", asked.err);
    assert_eq!(stage.siyu("customers show shop:3").status, 0);

    let erased = stage.siyu("customers erase shop:3 --yes --json").json();
    assert_eq!(erased["erased"], true);
    let id = erased["customer"].as_str().unwrap();
    for who in ["shop:3", id] {
        let said = stage.siyu(&format!("customers show {who}"));
        assert_eq!(said.status, 1, "{}", said.err);
    }
    assert_eq!(stage.siyu("customers show shop:4").status, 0);
    let runs = stage.siyu("runs list --json");
    assert!(!runs.out.contains(id));
    assert_eq!(runs.json()["runs"].as_array().unwrap().len(), before["runs"].as_array().unwrap().len());
    let again = stage.siyu("customers erase shop:3 --yes");
    assert_eq!(again.status, 1);
    assert!(again.err.contains("there is no customer shop:3"), "{}", again.err);
    // The tenant goes on.
    assert_eq!(stage.siyu("run stamps --events events.ndjson --seed s").status, 0);
}
