//! Callbacks as their receiver sees them: sealed, signed, and after chance had its way.

use siyu_wecom_emulator::{Act, Clock, Emulator, Faults, Seal, Settings};

const BEGIN_MS: i64 = 1_767_225_600_000;

fn seal() -> Seal {
    let settings = Settings::default();
    Seal::new(&settings.callback_token, &settings.aes_key, &settings.corp_id).expect("a key")
}

/// A corp in which one customer came, wrote tags and went.
fn busy(faults: Faults, seed: u64) -> Emulator {
    let wecom = Emulator::start(Settings { faults, seed, ..Settings::default() }, Clock::by_hand(BEGIN_MS))
        .expect("it can be");
    let (customer, staff) = ("wm1".to_owned(), "li".to_owned());
    wecom.act(Act::StaffJoins { staff: staff.clone(), may_contact: true }).expect("it can be");
    let state = "c]]>7".to_owned();
    wecom
        .act(Act::CustomerAdds { customer: customer.clone(), staff: staff.clone(), state })
        .expect("it can be");
    wecom.act(Act::TagChanges { tag: "et1".into(), change: "update".into() }).expect("it can be");
    let members = vec!["wm1".to_owned(), "wm2".to_owned()];
    let detail = Some("add_member".to_owned());
    wecom
        .act(Act::ChatChanges { chat: "wr1".into(), change: "update".into(), detail, members })
        .expect("it can be");
    wecom.act(Act::CustomerDeletes { customer, staff }).expect("it can be");
    wecom
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map_or("", |(inside, _)| inside)
}

#[test]
fn a_callback_opens_under_the_key_and_says_what_happened() {
    let wecom = busy(Faults::default(), 1);
    let texts: Vec<String> = wecom
        .envelopes()
        .iter()
        .map(|envelope| {
            let sealed = between(&envelope.body, "<Encrypt><![CDATA[", "]]>");
            let of_query = |name: &str| {
                let pairs = envelope.query.split('&').map(|pair| pair.split_once('=').unwrap());
                pairs.into_iter().find(|(key, _)| *key == name).unwrap().1
            };
            let signature = seal().sign(of_query("timestamp"), of_query("nonce"), sealed);
            assert_eq!(signature, of_query("msg_signature"));
            assert_eq!(of_query("timestamp"), "1767225600");
            seal().open(sealed).unwrap()
        })
        .collect();
    let change = |text: &String| between(text, "<ChangeType><![CDATA[", "]]>").to_owned();
    let changes: Vec<String> = texts.iter().map(change).collect();
    assert_eq!(changes, ["add_external_contact", "update", "update", "del_follow_user"]);
    assert!(texts[0].contains("<State><![CDATA[c]]]]><![CDATA[>7]]></State>"), "{}", texts[0]);
    assert!(texts[0].contains("<ExternalUserID><![CDATA[wm1]]></ExternalUserID>"));
    assert!(texts[2].contains("<Item><![CDATA[wm2]]></Item>"));
    assert!(texts[3].ends_with("<CreateTime>1767225600</CreateTime></xml>"));
}

#[test]
fn chance_loses_doubles_and_swaps_the_same_for_a_seed() {
    let faults = Faults {
        callbacks_lost_per_mille: 200,
        callbacks_doubled_per_mille: 500,
        callbacks_swapped_per_mille: 500,
        ..Faults::default()
    };
    let mut seen = (0, 0, 0);
    for seed in 0..20 {
        let run = || {
            let wecom = busy(faults, seed);
            wecom.call_back_to(&format!("{}/nobody", wecom.url()));
            wecom.send_callbacks();
            wecom.record().callbacks
        };
        let first = run();
        assert_eq!(first, run(), "seed {seed}");
        let lost = first.iter().filter(|one| one.answers.is_empty()).count();
        let sent: Vec<&str> =
            first.iter().filter(|one| !one.answers.is_empty()).map(|one| one.event.as_str()).collect();
        assert!(sent.len() >= 4 - lost);
        let in_order = ["add_external", "external_tag", "external_chat", "del_follow"];
        let places: Vec<usize> =
            sent.iter().map(|event| in_order.iter().position(|part| event.contains(part)).unwrap()).collect();
        seen.0 += lost;
        seen.1 += sent.len() + lost - 4;
        seen.2 += usize::from(!places.is_sorted());
    }
    assert!(seen.0 > 0 && seen.1 > 0 && seen.2 > 0, "{seen:?}");
}
