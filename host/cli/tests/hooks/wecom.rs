//! WeCom calls back: an emulator seals and signs, the real program takes in, each happening once.

use siyu_wecom_emulator::{Act, Clock, Emulator, Faults, Settings};

use crate::Place;
use crate::senders::now_s;

/// Customers that come and go.
const CUSTOMERS: u64 = 40;

/// Callbacks of the emulated corp, of `shop` alone.
fn sources(settings: &Settings) -> String {
    format!(
        "[wecom]\nplugin = \"wecom\"\nsecrets = {{ token = \"wecom_token\", aes_key = \"wecom_aes_key\" }}\n\
         config = {{ receive_id = \"{}\" }}\n",
        settings.corp_id
    )
}

#[test]
fn wecom_verifies_the_url_and_each_of_its_callbacks_is_one_event_however_often_it_comes() {
    let settings = Settings {
        seed: 7,
        faults: Faults {
            callbacks_doubled_per_mille: 500,
            callbacks_swapped_per_mille: 300,
            ..Faults::default()
        },
        ..Settings::default()
    };
    let place = Place::new();
    std::fs::write(place.data().join("sources.toml"), sources(&settings)).expect("a file");
    place.set("shop", "wecom_token", &settings.callback_token, 0);
    place.set("shop", "wecom_aes_key", &settings.aes_key, 0);
    let host = place.serve();
    let wecom = Emulator::start(settings, Clock::by_hand(now_s() * 1_000)).expect("it can be");
    let at = |tenant: &str| format!("{}/v1/hooks/{tenant}/wecom", host.address());

    wecom.call_back_to(&at("other"));
    assert!(wecom.verify_url().is_err(), "another tenant has not set its secrets");
    wecom.call_back_to(&at("shop"));
    wecom.verify_url().expect("the URL is right");

    wecom.act(Act::StaffJoins { staff: "li".into(), may_contact: true }).expect("it can be");
    for number in 0..CUSTOMERS {
        let (customer, staff) = (format!("wm{number}"), "li".to_owned());
        let state = format!("c{number}");
        wecom
            .act(Act::CustomerAdds { customer: customer.clone(), staff: staff.clone(), state })
            .expect("it can be");
        if number % 2 == 0 {
            wecom.act(Act::CustomerDeletes { customer, staff }).expect("it can be");
        }
    }
    // All of them join a group: one event of the group, and one of each.
    let members: Vec<String> = (0..CUSTOMERS).map(|number| format!("wm{number}")).collect();
    let detail = Some("add_member".to_owned());
    wecom
        .act(Act::ChatChanges { chat: "wr1".into(), change: "update".into(), detail, members })
        .expect("it can be");
    let expected = CUSTOMERS + CUSTOMERS / 2 + 1 + CUSTOMERS;
    let sent = wecom.send_callbacks() as u64;
    assert!(sent > expected - CUSTOMERS, "chance doubled some: {sent}");
    let record = wecom.record();
    assert!(record.callbacks.iter().all(|one| one.answers == [200]), "{:?}", record.callbacks);
    assert_eq!(host.stop(), Some(0));
    assert_eq!((place.events("shop"), place.events("other")), (expected, 0));
}

#[test]
fn what_is_not_sealed_for_this_corp_is_taken_by_nobody() {
    let settings = Settings::default();
    let place = Place::new();
    std::fs::write(place.data().join("sources.toml"), sources(&settings)).expect("a file");
    place.set("shop", "wecom_token", &settings.callback_token, 0);
    place.set("shop", "wecom_aes_key", &settings.aes_key, 0);
    let host = place.serve();
    let url = format!("{}/v1/hooks/shop/wecom", host.address());
    let other_key = "kWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C".to_owned();
    for (what, settings, behind_s) in [
        ("another token", Settings { callback_token: "another".to_owned(), ..settings.clone() }, 0),
        ("another key", Settings { aes_key: other_key, ..settings.clone() }, 0),
        ("another corp", Settings { corp_id: "wx0000000000000000".to_owned(), ..settings.clone() }, 0),
        ("of long ago", settings.clone(), 301),
        ("of the future", settings.clone(), -360),
    ] {
        let wecom =
            Emulator::start(settings, Clock::by_hand((now_s() - behind_s) * 1_000)).expect("it can be");
        wecom.call_back_to(&url);
        assert!(wecom.verify_url().is_err(), "{what}");
        wecom.act(Act::TagChanges { tag: "et1".into(), change: "update".into() }).expect("it can be");
        assert_eq!(wecom.send_callbacks(), 0, "{what}");
        let answers = wecom.record().callbacks.into_iter().flat_map(|one| one.answers);
        assert!(answers.into_iter().all(|status| status == 401), "{what}");
    }
    assert_eq!(host.stop(), Some(0));
    assert_eq!(place.events("shop"), 0);
}
