//! Codes that people type.

use super::*;
use crate::steps::check_code::{Checked, CodeStatus};

fn check(host: &mut Host, code: &str) -> Outcome<Checked> {
    host.call::<CheckCode>(json!({ "code": code }))
}

fn as_staff(host: &mut Host, code: &str) -> Outcome<Checked> {
    host.call::<CheckCode>(json!({ "code": code, "staff": "zhang" }))
}

#[test]
fn published_vectors_are_codes_and_their_mistypings_are_not() {
    for code in ["2222222222222", "ABCDEFGHJKMN3", "7K9QW2XZ4MPTY", "7K9Q-W2XZ-4MPT-Y"] {
        check(&mut host(), code).refused("CODE_UNKNOWN");
    }
    for (code, hint) in [
        ("2222222222223", "check symbol"),
        ("ABCDEFGHJKM3N", "check symbol"),
        ("7K9QW2XZ4MPT0", "neither 0 nor O"),
        ("7K9QW2XZ4MPTI", "no 1, I or L"),
        ("优惠券", "优"),
        ("", "symbols"),
    ] {
        let refused = check(&mut host(), code).refused("CODE_MALFORMED");
        assert!(refused.message.contains(hint), "{code}: {}", refused.message);
    }
}

#[test]
fn however_a_code_is_typed_it_is_found() {
    let mut host = host();
    let code = issue(&mut host, "plain", "k1").code;
    let wide: String = code.chars().filter_map(|symbol| char::from_u32(symbol as u32 + 0xfee0)).collect();
    let spaced: String = code.chars().flat_map(|symbol| [symbol.to_ascii_lowercase(), '-', ' ']).collect();
    for typed in [code.as_str(), &code.to_ascii_lowercase(), &wide, &spaced] {
        assert_eq!(check(&mut host, typed).done().status, CodeStatus::Valid, "{typed}");
    }
    let redeem = json!({ "order": "A1", "amount_fen": 10_000, "code": spaced });
    assert_eq!(host.call::<Redeem>(&redeem).done().discount_fen, 2_000);
    assert!(host.call::<Redeem>(&redeem).done().replayed);
}

#[test]
fn a_prefix_may_be_typed_or_not() {
    let mut host = host_with(json!({ "code": { "prefix": "nk" } }));
    host.publish::<Batch>("longer", with(plain(), json!({ "code": { "prefix": "NKX" } })));
    let code = issue(&mut host, "plain", "k1").code;
    for typed in [code.clone(), format!("NK{code}"), format!(" nk-{code}"), format!("Nk {code}")] {
        assert_eq!(check(&mut host, &typed).done().status, CodeStatus::Valid, "{typed}");
    }
    let shown = host.call::<crate::Wallet>(json!({})).done().coupons[0].code.clone();
    assert_eq!(shown, format!("NK{code}"));
    check(&mut host, &format!("XX{code}")).refused("CODE_MALFORMED");
}

#[test]
fn a_code_says_where_its_coupon_stands() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    let checked = check(&mut host, &coupon.code).done();
    assert_eq!(
        checked,
        Checked {
            status: CodeStatus::Valid,
            batch: "plain".into(),
            title: "满100减20".into(),
            coupon: Some(coupon.coupon.clone()),
            value_fen: 2_000,
            min_spend_fen: 10_000,
            valid_from: Some(coupon.valid_from),
            valid_until: Some(coupon.valid_until),
        }
    );
    let stop = json!({ "batch": "plain", "reason": "check", "redeeming": true });
    host.call::<crate::Stop>(stop).done();
    assert_eq!(check(&mut host, &coupon.code).done().status, CodeStatus::Stopped);
    host.call::<Resume>(json!({ "batch": "plain" })).done();
    lock_one(&mut host, "A1", &coupon.coupon).done();
    assert_eq!(check(&mut host, &coupon.code).done().status, CodeStatus::Locked);
    redeem(&mut host, "A1", 10_000);
    assert_eq!(check(&mut host, &coupon.code).done().status, CodeStatus::Redeemed);
    let second = issue(&mut host, "plain", "k2");
    host.call::<Revoke>(json!({ "code": second.code, "reason": "fraud" })).done();
    assert_eq!(check(&mut host, &second.code).done().status, CodeStatus::Revoked);
    let third = issue(&mut host, "plain", "k3");
    host.advance(Duration::days(9));
    assert_eq!(check(&mut host, &third.code).done().status, CodeStatus::Expired);
    let later = json!({ "validity": { "relative": { "days": 1, "starts_after": "1d" } } });
    host.publish::<Batch>("later", with(plain(), later));
    let fourth = issue(&mut host, "later", "k1");
    assert_eq!(check(&mut host, &fourth.code).done().status, CodeStatus::NotStarted);
}

#[test]
fn a_stranger_hears_of_no_code_that_they_could_not_use() {
    let mut host = host();
    let code = issue(&mut host, "plain", "k1").code;
    let ours = check(&mut host, "7K9QW2XZ4MPTY").refused("CODE_UNKNOWN");
    host.act_for("shop:00043");
    let theirs = check(&mut host, &code).refused("CODE_UNKNOWN");
    assert_eq!(theirs, ours, "a code of another and one of nobody give the same answer");
    let redeem = json!({ "order": "A1", "amount_fen": 10_000, "code": code });
    host.call::<Redeem>(&redeem).refused("CODE_UNKNOWN");
    host.act_for_nobody();
    let device = json!({ "code": code, "actor": "device:1" });
    host.call::<CheckCode>(device).refused("CODE_UNKNOWN");
    let nobody = json!({ "code": code, "actor": "" });
    let long = json!({ "code": code, "actor": "x".repeat(65) });
    for input in [json!({ "code": code }), nobody, long] {
        let fault = host.call::<CheckCode>(input).failed("INVALID_INPUT");
        assert_eq!(fault.fields[0].pointer, "/actor");
    }
}

#[test]
fn the_staff_use_everybodys_codes() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    host.act_for_nobody();
    assert_eq!(as_staff(&mut host, &coupon.code).done().coupon, Some(coupon.coupon.clone()));
    let redeem = json!({ "order": "A1", "amount_fen": 10_000, "code": coupon.code, "staff": "zhang" });
    assert_eq!(host.call::<Redeem>(&redeem).done().discount_fen, 2_000);
    let customer = host.act_for("shop:00042");
    let redeemed = host.events().into_iter().find(|event| event.event_type == "coupon.redeemed");
    assert_eq!(redeemed.and_then(|event| event.customer), Some(customer));
    assert_eq!(refund(&mut host, "A1").coupons.len(), 1, "the order is the owner's");
}

#[test]
fn five_wrong_codes_in_a_minute_block_for_fifteen() {
    let mut host = host();
    let code = issue(&mut host, "plain", "k1").code;
    for _ in 0..4 {
        check(&mut host, "7K9QW2XZ4MPTY").refused("CODE_UNKNOWN");
    }
    assert_eq!(check(&mut host, &code).done().status, CodeStatus::Valid, "not yet");
    check(&mut host, "nonsense").refused("CODE_MALFORMED");
    let refused = check(&mut host, &code).refused("TOO_MANY_TRIES");
    let until = host.now() + Duration::minutes(15);
    assert_eq!(refused.details, Some(json!({ "blocked_until": until })));
    let redeem = json!({ "order": "A1", "amount_fen": 10_000, "code": code });
    host.call::<Redeem>(&redeem).refused("TOO_MANY_TRIES");
    host.advance(Duration::minutes(15) - Duration::from_millis(1));
    check(&mut host, &code).refused("TOO_MANY_TRIES");
    host.advance(Duration::from_millis(1));
    check(&mut host, &code).done();
}

#[test]
fn wrong_codes_of_another_minute_and_of_another_caller_do_not_count() {
    let mut host = host();
    let code = issue(&mut host, "plain", "k1").code;
    for _ in 0..20 {
        check(&mut host, "7K9QW2XZ4MPTY").refused("CODE_UNKNOWN");
        host.advance(Duration::seconds(16));
    }
    check(&mut host, &code).done();
    for _ in 0..5 {
        as_staff(&mut host, "7K9QW2XZ4MPTY").refused("CODE_UNKNOWN");
    }
    as_staff(&mut host, &code).refused("TOO_MANY_TRIES");
    check(&mut host, &code).done();
}

#[test]
fn the_code_of_a_coupon_is_stored_by_the_host_and_not_derived() {
    let mut host = host_with(json!({ "code": { "random_len": 24 } }));
    let coupon = issue(&mut host, "plain", "k1");
    assert_eq!(coupon.code.len(), 25);
    assert_eq!(check(&mut host, &coupon.code).done().coupon, Some(coupon.coupon));
}
