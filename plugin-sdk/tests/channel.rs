//! Channels in tests: peers that the test makes up, what a delivery may do and what the host would refuse.

use siyu_plugin::fake::Host;
use siyu_plugin::http::{self, Response};
use siyu_plugin::prelude::*;
use siyu_plugin::{Place, cache};

/// Hands messages to a shop.
#[derive(Serialize, Deserialize, JsonSchema)]
struct ToShop {
    /// Where the shop is.
    url: String,
}

impl Channel for ToShop {
    type Config = Self;
    const HOSTS: &'static [&'static str] = &["https://*.shop.example", "https://login.example"];
    const IS_IDEMPOTENT: bool = false;
    const SECRETS: &'static [SecretUse] = &[SecretUse::in_query("key", "opens the shop")];

    fn deliver(config: Self, message: Message) -> Verdict {
        let token = match token() {
            Ok(token) => token,
            Err(error) => return Verdict::later(error.message),
        };
        let request = http::Request::post(config.url).header("x-token", token).body(message.body.as_bytes());
        match request.send() {
            Ok(answer) => answer.verdict(),
            Err(error) if error.may_have_arrived => Verdict::Uncertain(error.message),
            Err(error) => Verdict::Later(error.message, error.retry_after),
        }
    }

    fn reconcile(_: Self, message: Message) -> Option<Verdict> {
        message.details_json.map(|_| Verdict::sent())
    }
}

fn token() -> Result<String, Error> {
    if let Some(token) = cache::get("token")? {
        return Ok(token);
    }
    let answer = http::Request::get("https://login.example/token?key={{secret:key}}").send();
    let token = answer.map(|answer| answer.text()).map_err(|error| Error::invalid(error.message))?;
    cache::put("token", &token, Instant::now() + Duration::hours(2))?;
    Ok(token)
}

siyu_plugin::export! {
    name: "to-shop",
    version: "1.0.0",
    summary: "Hands messages to a shop.",
    channel: ToShop,
    capabilities: { Http: "hands messages over", Cache: "keeps the shop's token" },
}

fn config() -> ToShop {
    ToShop { url: "https://a.shop.example/in".to_owned() }
}

fn answering(status: u16) -> Host {
    let mut host = Host::of::<Plugin>();
    host.peers(move |request| {
        let is_login = request.url.starts_with("https://login.example");
        let (status, body) = if is_login { (200, b"t1".to_vec()) } else { (status, Vec::new()) };
        Ok(Response { status, headers: vec![("retry-after".to_owned(), "30".to_owned())], body })
    });
    host
}

#[test]
fn a_manifest_says_where_a_channel_sends_and_which_secrets_it_needs() {
    let host = Host::of::<Plugin>();
    let channel = host.manifest().channel.as_ref().unwrap();
    assert_eq!(channel.summary, "Hands messages to a shop.");
    assert_eq!(channel.config["required"], json!(["url"]));
    assert!(!channel.is_idempotent);
    assert_eq!(
        serde_json::to_value(&channel.secrets).unwrap(),
        json!([
            { "name": "key", "why": "opens the shop", "places": ["query"] }
        ])
    );
    assert_eq!(ToShop::SECRETS[0].places, [Place::Query]);
    assert!(host.manifest().steps.is_empty());
}

#[test]
fn an_answer_decides_and_a_token_is_fetched_once() {
    for (status, verdict) in [
        (204, Verdict::sent()),
        (410, Verdict::refused("the peer answered 410")),
        (429, Verdict::Later("the peer answered 429".to_owned(), Some(Duration::seconds(30)))),
    ] {
        let mut host = answering(status);
        let message = host.message("hello");
        assert_eq!(host.deliver(config(), &message), verdict);
        assert_eq!(host.deliver(config(), &message), verdict);
        let urls: Vec<&str> = host.requests().iter().map(|request| request.url.as_str()).collect();
        let to_shop = "https://a.shop.example/in";
        assert_eq!(urls, ["https://login.example/token?key={{secret:key}}", to_shop, to_shop]);
        assert_eq!(
            (host.cached("token"), host.requests()[1].body.as_slice()),
            (Some("t1"), b"hello".as_slice())
        );
        host.advance(Duration::hours(3));
        let _ = host.deliver(config(), &message);
        assert_eq!(host.requests().len(), 5, "the token's time is over");
    }
}

#[test]
fn what_the_manifest_does_not_name_is_denied() {
    let mut host = answering(200);
    let message = host.message("hello");
    for url in [
        "https://shop.example/",
        "http://a.shop.example/",
        "https://a.shop.example:8443/",
        "https://evil.example/",
    ] {
        let Verdict::Later(why, _) = host.deliver(ToShop { url: url.to_owned() }, &message) else {
            panic!("{url}");
        };
        assert!(why.starts_with("the plugin's HOSTS do not name"), "{why}");
    }
    assert_eq!(host.requests().len(), 1, "the login");
}

#[test]
fn a_configuration_that_cannot_be_read_keeps_the_message() {
    let mut host = answering(200);
    let message = host.message("hello");
    let verdict = host.deliver(json!({ "uri": 1 }), &message);
    assert!(matches!(&verdict, Verdict::Later(why, None) if why.contains("configuration")), "{verdict:?}");
}

#[test]
fn a_channel_is_asked_with_what_it_said_before() {
    let mut host = answering(200);
    let mut message = host.message("hello");
    assert_eq!(host.reconcile(config(), &message), None);
    message.details_json = Some(json!({ "msgid": "m1" }).to_string());
    assert_eq!(message.details::<serde_json::Value>(), Ok(Some(json!({ "msgid": "m1" }))));
    assert_eq!(host.reconcile(config(), &message), Some(Verdict::sent()));
}

#[test]
fn a_message_knows_its_customer() {
    let mut host = Host::of::<Plugin>();
    assert_eq!(host.message("hello").customer(), Ok(None));
    let id = host.act_for("shop:00042");
    let customer = host.message("hello").customer().unwrap().unwrap();
    assert_eq!((customer.id, customer.identities), (id, vec!["shop:00042".to_owned()]));
}

#[test]
fn only_a_delivery_has_the_network() {
    let mut host = answering(200);
    host.during(|| {
        let error = http::Request::get("https://login.example/").send().unwrap_err();
        assert_eq!(error.code, http::ErrorCode::Denied);
        assert!(cache::peek("token").unwrap_err().is_invalid());
    });
    assert!(host.requests().is_empty());
}
