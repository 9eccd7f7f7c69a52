//! Stock that changes while the sale is open.

use siyu_plugin::fake::{Host, Outcome};
use siyu_plugin::prelude::*;

use super::{Restock, Stock};
use crate::kit::{FS, before, cups, open, pay, reserve, said, session};
use crate::session::Session;

fn add(host: &mut Host, qty: i64) -> Outcome<Stock> {
    host.call::<Restock>(json!({ "session": FS, "sku": "cup", "qty": qty }))
}

#[test]
fn stock_may_rise_and_may_fall_to_what_is_held_and_sold() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    reserve(&mut host, "shop:2", "o2").done();
    pay(&mut host, "shop:2", "o2", 10).done();
    assert_eq!(add(&mut host, 5).done().total, 8);
    let stock = add(&mut host, -6).done();
    assert_eq!((stock.total, stock.available), (2, 0));
    add(&mut host, -1).refused("STOCK_COMMITTED");
    add(&mut host, i64::MIN).refused("STOCK_COMMITTED");
    assert_eq!(add(&mut host, 0).done().total, 2);
    assert_eq!(cups(&host), (0, 1, 1));
    assert_eq!(said(&host, "flash.restocked", "qty"), [5, -6]);
    assert_eq!(said(&host, "flash.restocked", "total"), [8, 2]);
}

#[test]
fn it_is_sold_out_again_after_more_came() {
    let mut host = open(json!({ "items": [{ "sku": "cup", "price_fen": 10, "stock": 1 }] }));
    reserve(&mut host, "shop:1", "o1").done();
    reserve(&mut host, "shop:2", "o2").refused("SOLD_OUT");
    add(&mut host, 1).done();
    reserve(&mut host, "shop:2", "o2").done();
    reserve(&mut host, "shop:3", "o3").refused("SOLD_OUT");
    assert_eq!(host.events_of("flash.sold_out").len(), 2);
}

#[test]
fn units_that_were_added_stay_when_the_definition_is_published_again() {
    let mut host = open(json!({}));
    add(&mut host, 5).done();
    host.publish::<Session>(FS, session(json!({ "title": "a better title" })));
    assert_eq!(cups(&host), (8, 0, 0));
    let items = json!([{ "sku": "cup", "price_fen": 10, "stock": 4 }]);
    host.publish::<Session>(FS, session(json!({ "items": items })));
    assert_eq!(cups(&host), (9, 0, 0));
}

#[test]
fn a_sale_that_never_opened_has_no_stock_to_change() {
    let mut host = before(json!({}));
    add(&mut host, 1).refused("NOT_OPEN");
    host.call::<Restock>(json!({ "session": "fx", "sku": "cup", "qty": 1 })).failed("UNKNOWN_RESOURCE");
    let mut host = open(json!({}));
    let fault =
        host.call::<Restock>(json!({ "session": FS, "sku": "mug", "qty": 1 })).failed("INVALID_INPUT");
    assert_eq!(fault.fields[0].pointer, "/sku");
}
