//! The operator's own codes.

use super::*;
use crate::steps::check_code::CodeStatus;
use crate::steps::import::Imported;

fn import(host: &mut Host, codes: &[&str]) -> Imported {
    host.call::<Import>(json!({ "batch": "own", "codes": codes })).done()
}

fn own() -> Host {
    let mut host = host();
    host.publish::<Batch>("own", with(plain(), json!({ "total": null, "code": { "source": "imported" } })));
    host
}

#[test]
fn codes_are_taken_in_once_and_faulty_ones_are_told() {
    let mut host = own();
    // The second has no check symbol of ours; the third is the first again, as people write it.
    let imported = import(&mut host, &["SUP-0001", "SUP0002", " sup 0001 ", "x", "优惠券优惠券", "A1!B2"]);
    assert_eq!((imported.imported, imported.duplicates, imported.malformed, imported.total), (2, 1, 3, 2));
    assert_eq!(imported.faults.iter().map(|fault| fault.place).collect::<Vec<_>>(), [3, 4, 5]);
    let again = import(&mut host, &["SUP-0001", "SUP0002", "SUP0003"]);
    assert_eq!((again.imported, again.duplicates, again.total), (1, 2, 3));
    assert_eq!(report(&mut host, "own").total, Some(3));
}

#[test]
fn imported_codes_are_given_out_in_their_order_until_they_are_gone() {
    let mut host = own();
    try_issue(&mut host, "own", "k0").refused("SOLD_OUT");
    import(&mut host, &["SUP-0001", "SUP-0002"]);
    assert_eq!(issue(&mut host, "own", "k1").code, "SUP-0001");
    assert_eq!(issue(&mut host, "own", "k2").code, "SUP-0002");
    try_issue(&mut host, "own", "k3").refused("SOLD_OUT");
    import(&mut host, &["SUP-0003"]);
    assert_eq!(issue(&mut host, "own", "k3").code, "SUP-0003");
}

#[test]
fn a_customer_claims_the_code_on_a_card() {
    let mut host = own();
    import(&mut host, &["CARD-0001", "CARD-0002", "CARD-0003"]);
    let checked = host.call::<CheckCode>(json!({ "code": "card 0001" })).done();
    assert_eq!((checked.status, checked.batch.as_str(), checked.coupon), (CodeStatus::Free, "own", None));
    let claim = json!({ "batch": "own", "key": "k1", "code": "card0001" });
    assert_eq!(host.call::<Issue>(&claim).done().code, "CARD-0001");
    assert!(host.call::<Issue>(&claim).done().replayed);
    let other = json!({ "batch": "own", "key": "k1", "code": "CARD-0002" });
    host.call::<Issue>(other).refused("IDEMPOTENCY_MISMATCH");
    assert_eq!(issue(&mut host, "own", "k2").code, "CARD-0002", "claimed codes are skipped");
    host.act_for("shop:00043");
    let stolen = json!({ "batch": "own", "key": "k1", "code": "CARD-0001" });
    host.call::<Issue>(stolen).refused("CODE_UNKNOWN");
    let of_another_batch = json!({ "batch": "plain", "key": "k1", "code": "CARD-0003" });
    host.call::<Issue>(of_another_batch).refused("CODE_UNKNOWN");
}

#[test]
fn an_imported_code_is_used_like_any_other() {
    let mut host = own();
    import(&mut host, &["CARD-0001"]);
    let unclaimed = json!({ "order": "A1", "amount_fen": 10_000, "code": "CARD-0001" });
    host.call::<Redeem>(&unclaimed).refused("CODE_UNKNOWN");
    let coupon = issue(&mut host, "own", "k1");
    assert_eq!(host.call::<Redeem>(&unclaimed).done().coupons[0].coupon, coupon.coupon);
    host.act_for_nobody();
    let device = json!({ "code": "CARD-0001", "actor": "device:1" });
    host.call::<CheckCode>(device).refused("CODE_UNKNOWN");
}

#[test]
fn a_stranger_hears_nothing_of_codes_that_are_free() {
    let mut host = own();
    import(&mut host, &["CARD-0001"]);
    host.act_for_nobody();
    let device = json!({ "code": "CARD-0001", "actor": "device:1" });
    host.call::<CheckCode>(device).refused("CODE_UNKNOWN");
}

#[test]
fn a_batch_whose_codes_are_minted_takes_none_in() {
    let mut host = own();
    let fault =
        host.call::<Import>(json!({ "batch": "plain", "codes": ["SUP-0001"] })).failed("INVALID_INPUT");
    assert_eq!(fault.fields[0].pointer, "/batch");
    let many = vec!["SUP-0001"; 2_001];
    let fault = host.call::<Import>(json!({ "batch": "own", "codes": many })).failed("INVALID_INPUT");
    assert_eq!(fault.fields[0].pointer, "/codes");
}

#[test]
fn two_thousand_codes_fit_one_call() {
    let mut host = own();
    let codes: Vec<String> = (0..2_000).map(|number| format!("SUP-{number:06}")).collect();
    let imported = host.call::<Import>(json!({ "batch": "own", "codes": codes })).done();
    assert_eq!((imported.imported, imported.total), (2_000, 2_000));
}

#[test]
fn publishing_again_keeps_the_imported_stock() {
    let mut host = own();
    import(&mut host, &["SUP-0001"]);
    host.publish::<Batch>(
        "own",
        with(plain(), json!({ "total": null, "code": { "source": "imported" }, "value_fen": 100 })),
    );
    assert_eq!(issue(&mut host, "own", "k1").value_fen, 100);
}
