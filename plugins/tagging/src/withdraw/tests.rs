//! What happens when a customer takes consent back.

use siyu_plugin::prelude::*;

use crate::Group;
use crate::testing::{add, evaluate, host, me, story, tags};

fn health() -> siyu_plugin::fake::Host {
    let mut host = host();
    host.publish::<Group>(
        "health",
        json!({ "mode": "multi", "category": "health", "purpose": "recipes without sugar",
                "consent": "customer.attributes.consent == 'granted'",
                "rules": [{ "id": "r", "when": "true", "tag": "diabetes" }] }),
    );
    let me = me(&mut host);
    host.set_attributes(&me, json!({ "consent": "granted" }));
    add(&mut host, json!({ "tags": ["health.diabetes", "seed"], "source": "manual:li.lei" })).done();
    host
}

#[test]
fn withdrawn_consent_takes_sensitive_tags_off_at_once() {
    for after in [json!({ "consent": "withdrawn" }), json!({ "consent": null })] {
        let mut host = health();
        let me = me(&mut host);
        host.set_attributes(&me, after);
        host.record("consent.withdrawn", Some(&me), json!({ "purpose": "health" }));
        assert_eq!(tags(&mut host), ["seed"]);
        assert_eq!(story(&host)[2..], ["-health.diabetes consent_withdrawn"]);
    }
}

#[test]
fn another_consent_that_is_withdrawn_changes_nothing() {
    let mut host = health();
    let me = me(&mut host);
    host.record("consent.withdrawn", Some(&me), json!({ "purpose": "marketing" }));
    host.record("consent.withdrawn", None, json!({}));
    assert_eq!(tags(&mut host), ["health.diabetes", "seed"]);
}

#[test]
fn rules_put_nothing_on_without_consent_and_an_evaluation_takes_off_what_lost_it() {
    let mut host = health();
    let me = me(&mut host);
    host.set_attributes(&me, json!({ "consent": "withdrawn" }));
    let found = evaluate(&mut host, &["health"]).done();
    assert_eq!((found.tags.len(), found.removed[0].reason.as_str()), (0, "consent_withdrawn"));
    // A condition that has no value is no consent, and no reason to take off what is on.
    host.put_tag(&me, "health.allergy");
    host.set_attributes(&me, json!({ "consent": null }));
    let found = evaluate(&mut host, &["health"]).done();
    assert_eq!((found.tags, found.failed[0].rule.as_str()), (vec!["health.allergy".to_owned()], "consent"));
}
