//! What pages show is what there is.

use siyu_plugin::prelude::*;

use super::{Phase, Status};
use crate::kit::{FIRST, FS, before, open, pay, reserve};

#[test]
fn a_planned_session_tells_when_it_opens() {
    let mut host = before(json!({}));
    let standing = host.call::<Status>(json!({ "session": FS })).done();
    assert_eq!(standing.phase, Phase::Planned);
    assert_eq!(standing.now.to_string(), "2026-12-11T11:00:00Z");
    assert_eq!(standing.next_opens_at.unwrap().to_string(), "2026-12-11T12:00:00Z");
    assert_eq!((standing.items[0].total, standing.items[0].left_for_customer), (3, None));
}

#[test]
fn an_open_session_tells_its_stock_and_what_the_customer_may_have() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    pay(&mut host, "shop:1", "o1", 10).done();
    reserve(&mut host, "shop:2", "o2").done();
    let standing = host.call::<Status>(json!({ "session": FS, "sku": "cup" })).done();
    assert_eq!((standing.phase, standing.occurrence.as_deref()), (Phase::Open, Some(FIRST)));
    let item = &standing.items[0];
    assert_eq!((item.total, item.available, item.reserved, item.sold), (3, 1, 1, 1));
    assert_eq!(item.left_for_customer, Some(0));
    host.act_for("shop:3");
    let standing = host.call::<Status>(json!({ "session": FS })).done();
    assert_eq!(standing.items[0].left_for_customer, Some(1));
    host.advance(Duration::hours(1));
    let standing = host.call::<Status>(json!({ "session": FS })).done();
    assert_eq!((standing.phase, standing.next_opens_at), (Phase::Over, None));
    host.call::<Status>(json!({ "session": FS, "sku": "mug" })).failed("INVALID_INPUT");
}

#[test]
fn a_price_is_struck_through_only_when_it_was_asked_for_a_week() {
    for (lowest, shown) in [(json!(null), None), (json!(2_000), None), (json!(2_990), Some(2_990))] {
        let items = json!([{ "sku": "cup", "price_fen": 10, "list_price_fen": 2_990, "stock": 3, "lowest_7d_fen": lowest }]);
        let mut host = before(json!({ "items": items }));
        let standing = host.call::<Status>(json!({ "session": FS })).done();
        assert_eq!(standing.items[0].list_price_fen, shown);
    }
}
