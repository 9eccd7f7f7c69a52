//! Issuing: limits, audiences, validity, idempotency.

use super::*;

#[test]
fn a_coupon_has_a_code_a_worth_and_an_end() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    assert_eq!((coupon.value_fen, coupon.min_spend_fen, coupon.replayed), (2_000, 10_000, false));
    assert_eq!(coupon.title, "满100减20");
    assert_eq!(coupon.code.len(), 13, "12 random symbols and a check symbol");
    assert_eq!(coupon.valid_until.to_string(), "2026-11-28T16:00:00Z", "the midnight after 7 whole days");
    let events = host.events_of("coupon.issued");
    assert_eq!(
        events,
        [json!({
            "batch": "plain", "coupon": coupon.coupon, "code": coupon.code, "value_fen": 2_000,
            "valid_from": "2026-11-21T04:00:00Z", "valid_until": "2026-11-28T16:00:00Z",
        })]
    );
}

#[test]
fn the_same_key_gives_the_same_coupon() {
    let mut host = host_with(json!({ "per_customer": 1 }));
    let first = issue(&mut host, "plain", "k1");
    let again = issue(&mut host, "plain", "k1");
    assert!(again.replayed);
    assert_eq!(Issued { replayed: false, ..again }, first);
    assert_eq!(host.events_of("coupon.issued").len(), 1);
    assert_eq!(report(&mut host, "plain").issued, 1);
}

#[test]
fn the_same_key_gives_the_same_coupon_after_it_was_used_and_after_it_expired() {
    let mut host = host();
    let first = issue(&mut host, "plain", "k1");
    redeem(&mut host, "A1", 10_000);
    assert_eq!(issue(&mut host, "plain", "k1").coupon, first.coupon);
    let second = issue(&mut host, "plain", "k2");
    host.advance(Duration::days(9));
    let again = issue(&mut host, "plain", "k2");
    assert_eq!((again.coupon, again.replayed), (second.coupon, true));
}

#[test]
fn a_run_gives_one_coupon_of_a_batch_an_event() {
    let mut host = host();
    host.start_run("friend.added", json!({}));
    let first = host.call::<Issue>(json!({ "batch": "plain" })).done();
    let again = host.call::<Issue>(json!({ "batch": "plain" })).done();
    assert_eq!((again.coupon, again.replayed), (first.coupon.clone(), true));
    host.start_run("friend.added", json!({}));
    let other = host.call::<Issue>(json!({ "batch": "plain" })).done();
    assert_ne!(other.coupon, first.coupon);
}

#[test]
fn keys_of_different_customers_and_batches_are_different_coupons() {
    let mut host = host();
    host.publish::<Batch>("other", plain());
    let mut ids = vec![issue(&mut host, "plain", "k1").coupon, issue(&mut host, "other", "k1").coupon];
    host.act_for("shop:00043");
    ids.push(issue(&mut host, "plain", "k1").coupon);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_customer_gets_as_many_as_one_may() {
    let mut host = host_with(json!({ "per_customer": 2 }));
    issue(&mut host, "plain", "k1");
    issue(&mut host, "plain", "k2");
    try_issue(&mut host, "plain", "k3").refused("LIMIT_CUSTOMER");
    redeem(&mut host, "A1", 10_000);
    try_issue(&mut host, "plain", "k3").refused("LIMIT_CUSTOMER");
    host.act_for("shop:00043");
    issue(&mut host, "plain", "k3");
}

#[test]
fn two_workflows_that_issue_at_the_same_instant_share_the_customers_limit() {
    let mut host = host_with(json!({ "per_customer": 1 }));
    issue(&mut host, "plain", "workflow a");
    try_issue(&mut host, "plain", "workflow b").refused("LIMIT_CUSTOMER");
    assert_eq!(report(&mut host, "plain").issued, 1);
}

#[test]
fn who_holds_more_than_a_lowered_limit_keeps_it_and_gets_no_more() {
    // As after two identities were merged that both held the coupon.
    let mut host = host_with(json!({ "per_customer": 2 }));
    issue(&mut host, "plain", "k1");
    issue(&mut host, "plain", "k2");
    host.publish::<Batch>("plain", with(plain(), json!({ "per_customer": 1 })));
    try_issue(&mut host, "plain", "k3").refused("LIMIT_CUSTOMER");
    assert_eq!(redeem(&mut host, "A1", 10_000).discount_fen, 2_000);
    assert_eq!(redeem(&mut host, "A2", 10_000).discount_fen, 2_000);
}

#[test]
fn limits_of_a_day_end_at_local_midnight() {
    for (limit, code) in [("per_customer_per_day", "LIMIT_CUSTOMER_DAY"), ("per_day", "LIMIT_DAY_TOTAL")] {
        let mut host = host_with(json!({ limit: 1 }));
        issue(&mut host, "plain", "k1");
        host.advance(Duration::hours(12) - Duration::seconds(1));
        try_issue(&mut host, "plain", "k2").refused(code);
        host.advance(Duration::seconds(1));
        issue(&mut host, "plain", "k2");
        try_issue(&mut host, "plain", "k3").refused(code);
    }
}

#[test]
fn days_are_those_of_the_batchs_zone() {
    // Noon in Shanghai is 23:00 of the day before in New York.
    let validity = json!({ "relative": { "days": 1, "tz": "America/New_York" } });
    let mut host = host_with(json!({ "per_day": 1, "validity": validity }));
    issue(&mut host, "plain", "k1");
    host.advance(Duration::hours(1));
    issue(&mut host, "plain", "k2");
}

#[test]
fn days_of_different_zones_do_not_disturb_each_other() {
    let east = json!({ "per_customer_per_day": 1 });
    let mut host = host_with(east.clone());
    let west = json!({ "relative": { "days": 1, "tz": "America/New_York" } });
    host.publish::<Batch>("west", with(plain(), with(east, json!({ "validity": west }))));
    for key in ["k1", "k2"] {
        for batch in ["plain", "west"] {
            let outcome = try_issue(&mut host, batch, key);
            if key == "k1" { drop(outcome.done()) } else { drop(outcome.refused("LIMIT_CUSTOMER_DAY")) }
        }
    }
    host.advance(Duration::hours(1));
    issue(&mut host, "west", "k3");
    try_issue(&mut host, "plain", "k3").refused("LIMIT_CUSTOMER_DAY");
}

#[test]
fn the_limit_of_a_day_is_for_all_customers_and_the_customers_own_is_not() {
    let mut host = host_with(json!({ "per_customer_per_day": 1 }));
    host.publish::<Batch>("daily", with(plain(), json!({ "per_day": 1 })));
    issue(&mut host, "plain", "k1");
    issue(&mut host, "daily", "k1");
    host.act_for("shop:00043");
    issue(&mut host, "plain", "k1");
    try_issue(&mut host, "daily", "k1").refused("LIMIT_DAY_TOTAL");
}

#[test]
fn the_last_coupon_goes_once() {
    let mut host = host_with(json!({ "total": 1 }));
    issue(&mut host, "plain", "k1");
    host.act_for("shop:00043");
    try_issue(&mut host, "plain", "k1").refused("SOLD_OUT");
    assert_eq!(host.events_of("coupon.issue_refused"), [json!({ "batch": "plain", "reason": "SOLD_OUT" })]);
}

#[test]
fn a_refusal_consumes_nothing() {
    let budget = json!({ "basis": "issued", "limit_fen": 2_000 });
    let limits =
        json!({ "total": 5, "per_customer": 5, "per_customer_per_day": 5, "per_day": 5, "budget": budget });
    let mut host = host_with(limits.clone());
    issue(&mut host, "plain", "k1");
    for key in ["k2", "k3", "k4", "k5", "k6", "k7"] {
        try_issue(&mut host, "plain", key).refused("BUDGET_EXHAUSTED");
    }
    assert_eq!(report(&mut host, "plain").issued, 1);
    let more = with(limits, json!({ "budget": { "basis": "issued", "limit_fen": 10_000 } }));
    host.publish::<Batch>("plain", with(plain(), more));
    for key in ["k2", "k3", "k4", "k5"] {
        issue(&mut host, "plain", key);
    }
    try_issue(&mut host, "plain", "k6").refused("LIMIT_CUSTOMER");
}

#[test]
fn refusals_come_in_the_order_customer_day_total_budget() {
    let mut limits = json!({
        "per_customer": 1, "per_customer_per_day": 1, "per_day": 1, "total": 1,
        "budget": { "basis": "issued", "limit_fen": 2_000 },
    });
    for (limit, code) in [
        ("per_customer", "LIMIT_CUSTOMER"),
        ("per_customer_per_day", "LIMIT_CUSTOMER_DAY"),
        ("per_day", "LIMIT_DAY_TOTAL"),
        ("total", "SOLD_OUT"),
        ("budget", "BUDGET_EXHAUSTED"),
    ] {
        let mut host = host_with(limits.clone());
        issue(&mut host, "plain", "k1");
        try_issue(&mut host, "plain", "k2").refused(code);
        limits[limit] = Value::Null;
    }
}

#[test]
fn a_batch_is_for_whom_its_audience_says() {
    let mut host = host();
    let customer = host.act_for("shop:00042");
    let audiences = [
        ("tags", json!({ "tags_any": ["vip", "gold"] })),
        ("member", json!({ "member_only": true })),
        ("condition", json!({ "if": "customer.attributes.city == 'Xiamen'" })),
        ("newcomer", json!({ "first_order_only": true })),
    ];
    for (batch, audience) in &audiences {
        host.publish::<Batch>(batch, with(plain(), json!({ "audience": audience })));
    }
    host.set_attributes(&customer, json!({ "city": "Beijing" }));
    for batch in ["tags", "member", "condition"] {
        try_issue(&mut host, batch, "k1").refused("NOT_ELIGIBLE");
    }
    issue(&mut host, "newcomer", "k1");
    host.put_tag(&customer, "gold");
    host.put_tag(&customer, "member.silver");
    host.set_attributes(&customer, json!({ "city": "Xiamen" }));
    for batch in ["tags", "member", "condition"] {
        issue(&mut host, batch, "k1");
    }
    host.record("order.paid", Some(&customer), json!({ "amount_fen": 100 }));
    try_issue(&mut host, "newcomer", "k2").refused("NOT_ELIGIBLE");
}

#[test]
fn validity_is_counted_in_whole_local_days() {
    for (at, zone, rule, from, until) in [
        // Issued at 23:59, it has seven whole days.
        (
            "2026-11-21T23:59:00+08:00",
            "Asia/Shanghai",
            json!({ "days": 7 }),
            "2026-11-21T15:59:00Z",
            "2026-11-28T16:00:00Z",
        ),
        (
            "2026-11-21T00:00:00+08:00",
            "Asia/Shanghai",
            json!({ "days": 7 }),
            "2026-11-20T16:00:00Z",
            "2026-11-28T16:00:00Z",
        ),
        (
            "2026-11-21T12:00:00+08:00",
            "Asia/Shanghai",
            json!({ "days": 0 }),
            "2026-11-21T04:00:00Z",
            "2026-11-21T16:00:00Z",
        ),
        (
            "2026-11-21T12:00:00+08:00",
            "Asia/Shanghai",
            json!({ "days": 7, "end_of_day": false }),
            "2026-11-21T04:00:00Z",
            "2026-11-28T04:00:00Z",
        ),
        (
            "2026-11-21T12:00:00+08:00",
            "Asia/Shanghai",
            json!({ "days": 1, "starts_after": "2d" }),
            "2026-11-23T04:00:00Z",
            "2026-11-24T16:00:00Z",
        ),
        (
            "2026-11-21T12:00:00+08:00",
            "Asia/Shanghai",
            json!({ "days": 1, "tz": "UTC" }),
            "2026-11-21T04:00:00Z",
            "2026-11-23T00:00:00Z",
        ),
        // Clocks go back on 1 November 2026 in New York, and forward on 8 March 2026: midnight stays midnight.
        (
            "2026-10-31T12:00:00-04:00",
            "America/New_York",
            json!({ "days": 1 }),
            "2026-10-31T16:00:00Z",
            "2026-11-02T05:00:00Z",
        ),
        (
            "2026-03-07T12:00:00-05:00",
            "America/New_York",
            json!({ "days": 1 }),
            "2026-03-07T17:00:00Z",
            "2026-03-09T04:00:00Z",
        ),
        // No midnight on 6 September 2026 in Santiago: the day begins at one.
        (
            "2026-09-05T12:00:00-04:00",
            "America/Santiago",
            json!({ "days": 0 }),
            "2026-09-05T16:00:00Z",
            "2026-09-06T04:00:00Z",
        ),
    ] {
        let mut host = Host::of::<Plugin>().at(at).zone(zone).repeating();
        host.act_for("shop:00042");
        host.publish::<Batch>("b", with(plain(), json!({ "validity": { "relative": rule } })));
        let coupon = issue(&mut host, "b", "k1");
        let found = (coupon.valid_from.to_string(), coupon.valid_until.to_string());
        assert_eq!(found, (from.to_owned(), until.to_owned()), "{at} {zone} {rule}");
    }
}

#[test]
fn a_fixed_window_is_the_same_for_all_and_ends_issuing() {
    let window = json!({ "from": "2026-11-25T00:00:00+08:00", "to": "2026-12-01T00:00:00+08:00" });
    let mut host = host_with(json!({ "validity": { "fixed": window } }));
    let early = issue(&mut host, "plain", "k1");
    assert_eq!(early.valid_from.to_string(), "2026-11-24T16:00:00Z");
    redeem_one(&mut host, "A1", 10_000, &early.coupon).refused("NOT_STARTED");
    assert_eq!(redeem(&mut host, "A1", 10_000).discount_fen, 0, "the free choice leaves it out");
    host.advance_to("2026-11-25T00:00:00+08:00".parse().unwrap());
    assert_eq!(redeem(&mut host, "A1", 10_000).discount_fen, 2_000);
    host.advance_to("2026-12-01T00:00:00+08:00".parse().unwrap());
    try_issue(&mut host, "plain", "k2").refused("ENDED");
}

#[test]
fn a_wallet_holds_a_hundred_coupons() {
    let mut host = host();
    for number in 0..100 {
        issue(&mut host, "plain", &format!("k{number}"));
    }
    try_issue(&mut host, "plain", "one more").refused("WALLET_FULL");
    redeem(&mut host, "A1", 10_000);
    issue(&mut host, "plain", "one more");
}

#[test]
fn a_full_wallet_with_the_longest_names_fits_a_document() {
    let name = "x".repeat(64);
    let mut host = Host::of::<Plugin>();
    let customer = host.act_for("shop:00042");
    let stacking = json!({ "group": "g", "combinable_with": ["g"] });
    host.publish::<Batch>(
        &name,
        with(plain(), json!({ "stacking": stacking, "min_spend_fen": 0, "value_fen": 1 })),
    );
    let mut issued = 0;
    for order in 0..40 {
        for _ in 0..(if order == 0 { 100 } else { 5 }) {
            issue(&mut host, &name, &format!("k{issued}"));
            issued += 1;
        }
        let number = format!("{order:064}");
        if order % 2 == 0 {
            host.call::<Redeem>(json!({ "order": number, "amount_fen": 1_000, "required": true })).done();
        } else {
            let held = host.call::<Lock>(json!({ "order": number, "amount_fen": 1_000, "ttl": "7d" })).done();
            for coupon in held.coupons {
                let revoke =
                    json!({ "coupon": coupon.coupon, "reason": "r".repeat(200), "even_if_locked": true });
                host.call::<Revoke>(revoke).done();
            }
        }
    }
    let bytes = host.document::<Value>(Some(&customer), "wallet").map(|wallet| wallet.to_string().len());
    assert!(bytes.is_some_and(|bytes| bytes < 64 << 10), "{bytes:?} bytes");
}

#[test]
fn a_batch_that_was_never_published_is_named_with_those_that_were() {
    let mut host = host();
    let fault = try_issue(&mut host, "plian", "k1").failed("UNKNOWN_RESOURCE");
    assert!(fault.message.contains("published are plain"), "{}", fault.message);
    host.unpublish::<Batch>("plain");
    try_issue(&mut host, "plain", "k1").failed("UNKNOWN_RESOURCE");
}

#[test]
fn a_key_has_1_to_200_bytes() {
    let mut host = host();
    for key in ["", &"k".repeat(201)] {
        let fault = try_issue(&mut host, "plain", key).failed("INVALID_INPUT");
        assert_eq!(fault.fields[0].pointer, "/key");
    }
    issue(&mut host, "plain", &"k".repeat(200));
}

#[test]
fn codes_are_neither_in_sequence_nor_made_of_the_customer() {
    let mut host = host();
    let mut codes = std::collections::BTreeSet::new();
    for number in 0..50 {
        codes.insert(issue(&mut host, "plain", &format!("k{number}")).code);
    }
    assert_eq!(codes.len(), 50);
    let mut other = host_seeded(7);
    assert!(
        !codes.contains(&issue(&mut other, "plain", "k0").code),
        "the same customer and key, another secret"
    );
}

fn host_seeded(seed: u64) -> Host {
    let mut host = Host::of::<Plugin>().seed(seed);
    host.act_for("shop:00042");
    host.publish::<Batch>("plain", plain());
    host
}
