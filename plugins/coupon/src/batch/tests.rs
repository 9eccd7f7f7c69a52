//! What is refused when a batch is published, what is warned of, and what publishing again does.

use siyu_plugin::fake::{Host, Unpublished};
use siyu_plugin::prelude::*;
use siyu_plugin::serde_json::Value;

use super::Batch;
use crate::Plugin;
use crate::tests::{issue, plain, redeem, report, with};

fn found(definition: &Value) -> Vec<(String, String, bool)> {
    let found = Host::of::<Plugin>().check::<Batch>("b", definition);
    found.into_iter().map(|finding| (finding.pointer, finding.code, finding.is_error)).collect()
}

#[track_caller]
fn check(changes: Value, pointer: &str, code: &str, is_error: bool) {
    let definition = with(plain(), changes);
    let found = found(&definition);
    let wanted = (pointer.to_owned(), code.to_owned(), is_error);
    assert!(found.contains(&wanted), "{definition}\nfound {found:?}\nexpected {wanted:?}");
}

#[track_caller]
fn refused(changes: Value, pointer: &str, code: &str) {
    check(changes, pointer, code, true);
}

#[track_caller]
fn warned(changes: Value, pointer: &str, code: &str) {
    check(changes, pointer, code, false);
}

/// Changes that make a right to buy for one fen.
fn one_fen(changes: Value) -> Value {
    let right = json!({
        "kind": "price_right", "value_fen": 2_900, "price_fen": 1, "min_spend_fen": null, "scope": { "skus": ["wxl-1"] },
    });
    with(right, changes)
}

/// Changes that make 20 % off.
fn percent(changes: Value) -> Value {
    with(
        json!({ "kind": "percent_off", "value_fen": null, "off_bp": 2_000, "max_discount_fen": 5_000 }),
        changes,
    )
}

#[test]
fn a_plain_batch_has_nothing_wrong() {
    assert_eq!(found(&plain()), []);
    assert_eq!(found(&with(plain(), percent(json!({})))), []);
}

#[test]
fn a_batch_with_everything_is_published() {
    let definition = json!({
        "title": "66元首单券", "rules": "首单可用,不与其他新人券叠加", "kind": "amount_off", "value_fen": 6_600,
        "min_spend_fen": 9_900,
        "scope": { "skus": ["a", "b"], "exclude": ["c"], "channels": ["mini_program"] },
        "audience": {
            "first_order_only": true, "tags_any": ["vip"], "member_only": true,
            "if": "customer.facts['order.paid'].count == 0",
        },
        "validity": { "relative": { "days": 7, "end_of_day": true, "tz": "Asia/Shanghai", "starts_after": "0s" } },
        "total": 10_000, "per_customer": 1, "per_customer_per_day": 1, "per_day": 500,
        "budget": { "basis": "issued", "limit_fen": 66_000_000, "warn_at": [80, 100] },
        "stacking": { "group": "newcomer", "combinable_with": ["shipping"] },
        "on_refund": "restore_extend_3d",
        "code": { "source": "minted", "random_len": 12, "prefix": "NK" },
        "transferable": false, "reminders": ["72h", "24h"],
    });
    Host::of::<Plugin>().publish::<Batch>("c66", &definition);
}

#[test]
fn amounts_that_make_no_sense_are_refused() {
    refused(json!({ "value_fen": null }), "/value_fen", "FIELD_MISSING");
    refused(json!({ "value_fen": 0 }), "/value_fen", "AMOUNT_ZERO");
    refused(json!({ "value_fen": 100_000_000_000_001_u64 }), "/value_fen", "AMOUNT_TOO_LARGE");
    refused(json!({ "min_spend_fen": 100_000_000_000_001_u64 }), "/min_spend_fen", "AMOUNT_TOO_LARGE");
    refused(json!({ "off_bp": 2_000 }), "/off_bp", "FIELD_NOT_OF_KIND");
    refused(json!({ "price_fen": 1 }), "/price_fen", "FIELD_NOT_OF_KIND");
    refused(json!({ "max_discount_fen": 1 }), "/max_discount_fen", "FIELD_NOT_OF_KIND");
    refused(percent(json!({ "off_bp": null })), "/off_bp", "FIELD_MISSING");
    refused(percent(json!({ "value_fen": 1 })), "/value_fen", "FIELD_NOT_OF_KIND");
    refused(percent(json!({ "off_bp": 0 })), "/off_bp", "PERCENT_RANGE");
    refused(percent(json!({ "off_bp": 10_000 })), "/off_bp", "PERCENT_RANGE");
    refused(percent(json!({ "max_discount_fen": 0 })), "/max_discount_fen", "AMOUNT_ZERO");
    refused(one_fen(json!({ "price_fen": null })), "/price_fen", "FIELD_MISSING");
    refused(one_fen(json!({ "price_fen": 2_900 })), "/price_fen", "PRICE_NOT_BELOW_VALUE");
    refused(json!({ "kind": "gift" }), "/kind", "DEFINITION");
    refused(json!({ "value": 1 }), "/value", "DEFINITION");
}

#[test]
fn a_scope_that_contradicts_itself_is_refused() {
    refused(one_fen(json!({ "scope": null })), "/scope", "SCOPE_MISSING");
    refused(json!({ "kind": "exchange" }), "/scope", "SCOPE_MISSING");
    refused(json!({ "scope": { "skus": ["a"], "exclude": ["a"] } }), "/scope/exclude/0", "SCOPE_OVERLAP");
    refused(json!({ "scope": { "skus": ["a", "a"] } }), "/scope/skus/1", "NAME_TWICE");
    let many: Vec<String> = (0..551).map(|sku| sku.to_string()).collect();
    refused(json!({ "scope": { "skus": many } }), "/scope", "SCOPE_TOO_LARGE");
    refused(json!({ "scope": { "channels": [""] } }), "/scope/channels/0", "NAME_LENGTH");
}

#[test]
fn a_validity_that_holds_never_is_refused() {
    let window = |from: &str, to: &str| json!({ "validity": { "fixed": { "from": from, "to": to } } });
    refused(
        window("2026-11-21T00:00:00+08:00", "2026-11-21T00:00:00+08:00"),
        "/validity/fixed/to",
        "VALIDITY_WINDOW",
    );
    let relative = |rule: Value| json!({ "validity": { "relative": rule } });
    refused(relative(json!({ "days": 0, "end_of_day": false })), "/validity/relative/days", "VALIDITY_ZERO");
    refused(relative(json!({ "days": 3_651 })), "/validity/relative/days", "VALIDITY_LENGTH");
    refused(relative(json!({ "days": 1, "tz": "Asia/Peking" })), "/validity/relative/tz", "DEFINITION");
    refused(json!({ "validity": null }), "", "DEFINITION");
    assert_eq!(found(&with(plain(), relative(json!({ "days": 0 })))), [], "today only");
}

#[test]
fn limits_and_budgets_that_issue_nothing_are_refused() {
    for field in ["total", "per_customer", "per_customer_per_day", "per_day"] {
        refused(json!({ field: 0 }), &format!("/{field}"), "LIMIT_ZERO");
        refused(json!({ field: 1_u64 << 53 }), &format!("/{field}"), "LIMIT_TOO_LARGE");
    }
    let budget = |basis: &str, fen: u64| json!({ "budget": { "basis": basis, "limit_fen": fen } });
    refused(budget("issued", 0), "/budget/limit_fen", "BUDGET_LIMIT");
    refused(budget("issued", 1_999), "/budget/limit_fen", "BUDGET_BELOW_ONE");
    let uncapped = percent(json!({
        "max_discount_fen": null, "budget": { "basis": "issued", "limit_fen": 1_000_000 },
    }));
    refused(uncapped, "/max_discount_fen", "BUDGET_UNCAPPED");
    let warn = |percent: u32| json!({ "budget": { "basis": "issued", "limit_fen": 9_000, "warn_at": [80, percent] } });
    refused(warn(101), "/budget/warn_at/1", "WARN_AT_RANGE");
    refused(warn(0), "/budget/warn_at/1", "WARN_AT_RANGE");
}

#[test]
fn stacking_codes_and_reminders_follow_their_rules() {
    let stacking =
        |group: &str, with: Value| json!({ "stacking": { "group": group, "combinable_with": with } });
    refused(stacking("", json!([])), "/stacking/group", "GROUP_NAME");
    refused(stacking("*", json!([])), "/stacking/group", "GROUP_NAME");
    refused(stacking("a", json!([""])), "/stacking/combinable_with/0", "GROUP_NAME");
    refused(stacking("a", json!(vec!["b"; 9])), "/stacking/combinable_with", "GROUPS_TOO_MANY");
    let code = |rules: Value| json!({ "code": rules });
    refused(code(json!({ "random_len": 7 })), "/code/random_len", "CODE_LENGTH");
    refused(code(json!({ "random_len": 25 })), "/code/random_len", "CODE_LENGTH");
    refused(code(json!({ "prefix": "牛" })), "/code/prefix", "CODE_PREFIX");
    refused(code(json!({ "source": "imported", "prefix": "A" })), "/code/prefix", "CODE_PREFIX");
    refused(code(json!({ "source": "imported" })), "/total", "TOTAL_IMPORTED");
    refused(json!({ "reminders": ["1d", "24h"] }), "/reminders/1", "REMINDER_TWICE");
    refused(json!({ "reminders": ["0s"] }), "/reminders/0", "REMINDER_ZERO");
    refused(json!({ "reminders": ["1d", "2d", "3d", "4d", "5d", "6d"] }), "/reminders", "REMINDERS_TOO_MANY");
}

#[test]
fn the_law_is_named_in_warnings() {
    warned(json!({ "value_fen": 5_000_001, "min_spend_fen": 6_000_000 }), "/value_fen", "LAW_PRIZE_TOP");
    warned(one_fen(json!({})), "/value_fen", "LAW_LIST_PRICE");
    warned(json!({ "audience": { "tags_any": ["rich"] } }), "/audience", "LAW_PERSONALISED_PRICE");
    warned(json!({ "audience": { "if": "true" } }), "/audience", "LAW_PERSONALISED_PRICE");
    warned(json!({ "rules": " " }), "", "LAW_RULES_UNSTATED");
    let definition = with(
        plain(),
        one_fen(json!({ "value_fen": 5_000_002, "rules": null, "audience": { "tags_any": ["x"] } })),
    );
    for finding in Host::of::<Plugin>().check::<Batch>("b", definition) {
        if finding.code.starts_with("LAW_") {
            let names_source = finding.message.contains("art.") || finding.message.contains("Order 32");
            assert!(names_source, "{} names no source: {}", finding.code, finding.message);
        }
    }
}

#[test]
fn what_an_operator_may_not_have_meant_is_a_warning() {
    warned(json!({ "min_spend_fen": 2_000 }), "/min_spend_fen", "ORDER_FREE");
    warned(json!({ "total": null }), "", "COST_UNBOUNDED");
    warned(
        json!({ "per_customer": 1, "per_customer_per_day": 2 }),
        "/per_customer_per_day",
        "LIMIT_NEVER_REACHED",
    );
    warned(json!({ "per_day": 1_001 }), "/per_day", "LIMIT_NEVER_REACHED");
}

fn host() -> Host {
    let mut host = Host::of::<Plugin>().repeating();
    host.act_for("shop:00042");
    host.publish::<Batch>("plain", plain());
    host
}

#[test]
fn publishing_again_changes_nothing() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    host.publish::<Batch>("plain", plain());
    let report = report(&mut host, "plain");
    assert_eq!((report.total, report.issued), (Some(1_000), 1));
}

#[test]
fn coupons_keep_the_terms_that_they_were_issued_under() {
    let mut host = host();
    let old = issue(&mut host, "plain", "k1");
    host.publish::<Batch>("plain", with(plain(), json!({ "value_fen": 500 })));
    host.publish::<Batch>("plain", with(plain(), json!({ "value_fen": 300, "min_spend_fen": 20_000 })));
    let new = issue(&mut host, "plain", "k2");
    assert_eq!((old.value_fen, new.value_fen, new.min_spend_fen), (2_000, 300, 20_000));
    let redeemed = redeem(&mut host, "A1", 10_000);
    assert_eq!((redeemed.discount_fen, redeemed.coupons[0].coupon.as_str()), (2_000, old.coupon.as_str()));
}

#[test]
fn the_largest_scope_fits_a_document() {
    let mut host = host();
    let skus: Vec<String> = (0..550).map(|sku| format!("{sku:064}")).collect();
    host.publish::<Batch>("large", with(plain(), json!({ "scope": { "skus": skus } })));
    issue(&mut host, "large", "k1");
}

#[test]
fn a_total_grows_and_shrinks_but_not_below_what_is_out() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    issue(&mut host, "plain", "k2");
    host.publish::<Batch>("plain", with(plain(), json!({ "total": 2 })));
    let why = host.try_publish::<Batch>("plain", with(plain(), json!({ "total": 1 }))).unwrap_err();
    let Unpublished::Fault(fault) = why else { panic!("{why}") };
    assert_eq!(fault.fields[0].pointer, "/total");
    assert_eq!(report(&mut host, "plain").total, Some(2), "what was in force stays");
    host.publish::<Batch>(
        "plain",
        with(plain(), json!({ "total": null, "budget": { "basis": "redeemed", "limit_fen": 90_000 } })),
    );
    assert_eq!(report(&mut host, "plain").total, None);
}

#[test]
fn a_batch_keeps_where_its_codes_come_from() {
    let mut host = host();
    let imported = with(plain(), json!({ "total": null, "code": { "source": "imported" } }));
    let why = host.try_publish::<Batch>("plain", imported).unwrap_err();
    let Unpublished::Fault(fault) = why else { panic!("{why}") };
    assert_eq!(fault.fields[0].pointer, "/code/source");
}
