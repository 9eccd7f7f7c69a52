//! What is signed and what is not: each trick is a line.

use siyu_plugin::HookRefusal;

use super::*;
use crate::testing::{NOW_S, SIGNED_WITH, base64, hex, hook, is_mac, mac, standard};

const BODY: &str = r#"{"id":1}"#;

fn check(scheme: &Scheme, fields: &[(&str, &str)], body: &str) -> Result<Signed, HookRefusal> {
    verify(scheme, &hook(fields, body), &mut is_mac)
}

fn is_unverified(found: Result<Signed, HookRefusal>, what: &str) {
    assert!(matches!(found, Err(HookRefusal::Unverified(_))), "{what}: {found:?}");
}

#[test]
fn a_body_is_signed_as_each_sender_does_it() {
    let sha256 = mac(SIGNED_WITH, Algorithm::Sha256, BODY.as_bytes());
    let sha1 = mac(SIGNED_WITH, Algorithm::Sha1, BODY.as_bytes());
    let sha512 = mac(SIGNED_WITH, Algorithm::Sha512, BODY.as_bytes());
    let header = |encoding, algorithm| Scheme::Header {
        header: "x-signature".to_owned(),
        prefix: "mac ".to_owned(),
        encoding,
        algorithm,
    };
    for (scheme, field, value) in [
        (Scheme::Github {}, "x-hub-signature-256", format!("sha256={}", hex(&sha256))),
        (Scheme::Shopify {}, "x-shopify-hmac-sha256", base64(&sha256)),
        (header(Encoding::Hex, Algorithm::Sha1), "x-signature", format!("mac {}", hex(&sha1))),
        (header(Encoding::Base64, Algorithm::Sha512), "x-signature", format!("mac {}", base64(&sha512))),
    ] {
        assert_eq!(check(&scheme, &[(field, &value)], BODY), Ok(Signed { id: None }), "{field}");
        let upper = value.to_uppercase();
        let bare = value.trim_start_matches("sha256=").trim_start_matches("mac ");
        for (what, fields) in [
            ("no field", vec![]),
            ("twice", vec![(field, value.as_str()), (field, value.as_str())]),
            ("twice, one empty", vec![(field, value.as_str()), (field, "")]),
            ("empty", vec![(field, "")]),
            ("upper case", vec![(field, upper.as_str())]),
            ("another field", vec![("x-other", value.as_str())]),
            ("cut", vec![(field, &value[..value.len() - 1])]),
            ("longer", vec![(field, &format!("{value}0"))]),
            ("white space", vec![(field, &format!("{value} "))]),
            ("two", vec![(field, &format!("{value},{value}"))]),
            ("the prefix twice", vec![(field, &format!("sha256={value}"))]),
        ] {
            is_unverified(check(&scheme, &fields, BODY), what);
        }
        if bare != value {
            is_unverified(check(&scheme, &[(field, bare)], BODY), "no prefix");
        }
        for body in ["", " ", r#"{"id":2}"#, r#"{"id":1} "#, r#"{"id":1"#] {
            is_unverified(check(&scheme, &[(field, &value)], body), body);
        }
    }
}

#[test]
fn every_changed_bit_is_noticed() {
    let sha256 = mac(SIGNED_WITH, Algorithm::Sha256, BODY.as_bytes());
    for at in 0..BODY.len() * 8 {
        let mut request = hook(&[("x-hub-signature-256", &format!("sha256={}", hex(&sha256)))], BODY);
        request.body[at / 8] ^= 1 << (at % 8);
        is_unverified(verify(&Scheme::Github {}, &request, &mut is_mac), "the body");
    }
    for at in 0..sha256.len() * 8 {
        let mut changed = sha256.clone();
        changed[at / 8] ^= 1 << (at % 8);
        let value = format!("sha256={}", hex(&changed));
        is_unverified(check(&Scheme::Github {}, &[("x-hub-signature-256", &value)], BODY), "the MAC");
    }
}

const STANDARD: Scheme = Scheme::StandardWebhooks { tolerance_s: 300 };

fn signed(id: &str, seconds: &str, signature: &str) -> Result<Signed, HookRefusal> {
    let fields = [("webhook-id", id), ("webhook-timestamp", seconds), ("webhook-signature", signature)];
    check(&STANDARD, &fields, BODY)
}

#[test]
fn standard_webhooks_are_signed_with_their_id_and_time() {
    let seconds = NOW_S.to_string();
    let right = standard(SIGNED_WITH, "msg_1", &seconds, BODY);
    let old = standard(b"old", "msg_1", &seconds, BODY);
    let accepted = Ok(Signed { id: Some("msg_1".to_owned()) });
    for list in [
        right.clone(),
        format!("{old} {right}"),
        format!("v1a,AAAA {right} v2,x"),
        format!("v1,* {right}"),
        format!("{right} {right}"),
    ] {
        assert_eq!(signed("msg_1", &seconds, &list), accepted, "{list}");
    }
    let many = [old.as_str(); SIGNATURES_MAX].join(" ");
    let (earlier, later) = ((NOW_S - 1).to_string(), (NOW_S + 1).to_string());
    let wide: String = seconds.chars().map(|c| char::from_u32(c as u32 + 0xff10 - 0x30).unwrap()).collect();
    let arabic: String = seconds.chars().map(|c| char::from_u32(c as u32 + 0x660 - 0x30).unwrap()).collect();
    for (what, id, at, list) in [
        ("another key", "msg_1", seconds.as_str(), old.as_str()),
        ("another id", "msg_2", &seconds, &right),
        ("an id in another case", "MSG_1", &seconds, &right),
        ("no id", "", &seconds, &right),
        ("an earlier time", "msg_1", &earlier, &right),
        ("a later time", "msg_1", &later, &right),
        ("no time", "msg_1", "", &right),
        ("a sign", "msg_1", &format!("+{seconds}"), &right),
        ("a zero before", "msg_1", &format!("0{seconds}"), &right),
        ("a fraction", "msg_1", &format!("{seconds}.0"), &right),
        ("full-width digits", "msg_1", &wide, &right),
        ("arabic digits", "msg_1", &arabic, &right),
        ("no signature", "msg_1", &seconds, ""),
        ("a blank", "msg_1", &seconds, " "),
        ("no version", "msg_1", &seconds, &right[3..]),
        ("another version", "msg_1", &seconds, &right.replace("v1,", "v2,")),
        ("a version in upper case", "msg_1", &seconds, &right.replace("v1,", "V1,")),
        ("a tab between", "msg_1", &seconds, &format!("{old}\t{right}")),
        ("a comma between", "msg_1", &seconds, &format!("{old},{right}")),
        ("no padding", "msg_1", &seconds, right.trim_end_matches('=')),
        ("more padding", "msg_1", &seconds, &format!("{right}=")),
        ("too many", "msg_1", &seconds, &format!("{many} {right}")),
    ] {
        is_unverified(signed(id, at, list), what);
    }
}

#[test]
fn an_id_cannot_be_read_with_another_time() {
    // Signed as id `a`, at NOW, with a body that begins like one.
    let body = format!("{NOW_S}.{BODY}");
    let right = standard(SIGNED_WITH, "a", &NOW_S.to_string(), &body);
    let (id, at) = (format!("a.{NOW_S}"), NOW_S.to_string());
    let fields = [
        ("webhook-id", id.as_str()),
        ("webhook-timestamp", at.as_str()),
        ("webhook-signature", right.as_str()),
    ];
    is_unverified(check(&STANDARD, &fields, BODY), "an id with a full stop");
}

#[test]
fn a_repetition_outside_of_the_tolerance_is_stale() {
    for (apart, is_taken) in
        [(0, true), (300, true), (-300, true), (301, false), (-301, false), (86_400, false)]
    {
        let seconds = (NOW_S + apart).to_string();
        let right = standard(SIGNED_WITH, "msg_1", &seconds, BODY);
        match signed("msg_1", &seconds, &right) {
            Ok(_) => assert!(is_taken, "{apart}"),
            Err(fault) => assert!(!is_taken && matches!(fault, HookRefusal::Stale(_)), "{apart}: {fault:?}"),
        }
    }
}

#[test]
fn a_secret_that_is_no_key_verifies_nothing() {
    let mut broken = |_: Algorithm, _: &[u8], _: &[u8]| Err(Error::invalid("no key"));
    let value = format!("sha256={}", "0".repeat(64));
    let request = hook(&[("x-hub-signature-256", &value)], BODY);
    is_unverified(verify(&Scheme::Github {}, &request, &mut broken), "no key");
}

proptest::proptest! {
    #[test]
    fn nothing_that_was_not_signed_is_taken(
        id in ".{0,140}", seconds in ".{0,14}", list in ".{0,200}", body in ".{0,80}", field in ".{0,90}",
    ) {
        let fields = [
            ("webhook-id", id.as_str()), ("webhook-timestamp", &seconds), ("webhook-signature", &list),
            ("x-hub-signature-256", &field), ("x-shopify-hmac-sha256", &field),
        ];
        for scheme in [STANDARD, Scheme::Github {}, Scheme::Shopify {}] {
            is_unverified(check(&scheme, &fields, &body), "a chance");
        }
    }
}
