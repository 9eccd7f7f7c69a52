//! Ways around the rules of where requests go. Every name leads to loopback here, and everybody permits every host and port: only the
//! rules of URLs and addresses stand between a plugin and the peer.

use siyu_engine::ports::network::{Network, SendErrorCode};

use crate::peer::Peer;
use crate::{Answers, client, get, patiently, patterns, sender};

/// URLs; `{p}` is the port of a peer on 127.0.0.1.
const TRICKS: &[&str] = &[
    // Names of the machine itself.
    "http://127.0.0.1:{p}/",
    "http://127.0.0.2:{p}/",
    "http://127.255.255.254:{p}/",
    "http://localhost:{p}/",
    "http://LOCALHOST:{p}/",
    "http://localhost.:{p}/",
    "http://foo.localhost:{p}/",
    "http://0.0.0.0:{p}/",
    "http://0:{p}/",
    "http://[::]:{p}/",
    "http://[::1]:{p}/",
    "http://[0:0:0:0:0:0:0:1]:{p}/",
    "http://[0000::0001]:{p}/",
    "https://127.0.0.1:{p}/",
    // Addresses in other forms.
    "http://127.1:{p}/",
    "http://127.0.1:{p}/",
    "http://2130706433:{p}/",
    "http://0x7f000001:{p}/",
    "http://0x7F.1:{p}/",
    "http://0x7f.0x0.0x0.0x1:{p}/",
    "http://0177.0.0.1:{p}/",
    "http://017700000001:{p}/",
    "http://127.000.000.001:{p}/",
    "http://127.0.0.1.:{p}/",
    "http://[127.0.0.1]:{p}/",
    "http://[::ffff:127.0.0.1]:{p}/",
    "http://[::ffff:7f00:1]:{p}/",
    "http://[::127.0.0.1]:{p}/",
    "http://[64:ff9b::7f00:1]:{p}/",
    "http://[2002:7f00:1::]:{p}/",
    "http://[::1%25lo]:{p}/",
    "http://[fe80::1%25eth0]:{p}/",
    "http://１２７.０.０.１:{p}/",
    "http://①②⑦.⓪.⓪.①:{p}/",
    "http://127。0。0。1:{p}/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{p}/",
    "http://%31%32%37.0.0.1:{p}/",
    "http://loc%61lhost:{p}/",
    // Names that lead there.
    "http://localtest.me:{p}/",
    "http://127.0.0.1.nip.io:{p}/",
    "http://metadata.google.internal:{p}/",
    "http://example.com:{p}/",
    "http://bücher.example:{p}/",
    "http://a:{p}/",
    // Other networks.
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://100.100.100.200/latest/meta-data/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    // Two readers who differ.
    "http://user@127.0.0.1:{p}/",
    "http://user:word@127.0.0.1:{p}/",
    "http://example.com@127.0.0.1:{p}/",
    "http://127.0.0.1:{p}@example.com/",
    "http://a@b@127.0.0.1:{p}/",
    "http://example.com#@127.0.0.1:{p}/",
    "http://127.0.0.1:{p}#.example.com/",
    "http://127.0.0.1:{p}\\@example.com/",
    "http://example.com\\@127.0.0.1:{p}/",
    "http:\\\\127.0.0.1:{p}\\",
    "http:/127.0.0.1:{p}/",
    "http:127.0.0.1:{p}/",
    "http:///127.0.0.1:{p}/",
    "//127.0.0.1:{p}/",
    "127.0.0.1:{p}/",
    "http://127.0.0.1:{p}?@example.com/",
    "http://127.0.0.1%00.example.com:{p}/",
    "http://127.0.0.1%2f.example.com:{p}/",
    "http://127.0.0.1%23.example.com:{p}/",
    "http://127.0.0.1:{p}:80/",
    "http://127.0.0.1:0{p}/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:-1/",
    "http://127.0.0.1:/",
    "http://:{p}/",
    "http://",
    "",
    // What splits a line.
    " http://127.0.0.1:{p}/",
    "http://127.0.0.1:{p}/ HTTP/1.1\r\nx: y",
    "http://127.0.0.1:{p}/\r\nx: y",
    "http://127.0.0.1\t:{p}/",
    "http://127.0.0\n.1:{p}/",
    "http://127.0.0.1:{p}/\0",
    "http://\u{200b}127.0.0.1:{p}/",
    "http://127.0.0.1\u{ad}:{p}/",
    "h\nttp://127.0.0.1:{p}/",
    // Other schemes.
    "HTTP://127.0.0.1:{p}/",
    "ftp://127.0.0.1:{p}/",
    "gopher://127.0.0.1:{p}/_GET%20/",
    "file:///etc/passwd",
    "ws://127.0.0.1:{p}/",
    "unix:/run/peer.sock",
    "data:text/plain,x",
    "javascript:0",
];

#[tokio::test]
async fn no_trick_reaches_the_machine_itself() {
    let peer = Peer::start(None).await;
    let client = client(&["https://*:*", "http://*:*"], Answers::of(&[&["127.0.0.1"]]));
    assert!(TRICKS.len() >= 60);
    for trick in TRICKS {
        let url = trick.replace("{p}", &peer.address.port().to_string());
        // A peer that failed is left alone; each trick meets a fresh one.
        let mut sender = sender();
        sender.tenant = format!("t{}", url.len()).parse().unwrap();
        let error = client.send(&sender, get(&url), patiently()).await.expect_err(trick);
        let is_refused = matches!(error.code, SendErrorCode::Invalid | SendErrorCode::Denied);
        assert!(is_refused && !error.may_have_arrived, "{trick}: {error:?}");
    }
    assert_eq!(peer.came(), 0);
}

#[tokio::test]
async fn an_address_that_the_hosts_operator_names_is_reached_and_no_name_for_it() {
    let peer = Peer::start(None).await;
    let address = format!("http://{}", peer.address);
    let client = client(&[&address, "http://*:*"], Answers::of(&[&["127.0.0.1"]]));
    let answer = client.send(&sender(), get(peer.url("/")), patiently()).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"hello".as_slice()));
    let name = format!("http://localhost:{}/", peer.address.port());
    let error = client.send(&sender(), get(name), patiently()).await.unwrap_err();
    assert_eq!(error.code, SendErrorCode::Denied, "{error}");
    assert_eq!(peer.came(), 1);
}

#[tokio::test]
async fn each_of_the_three_can_say_no() {
    let peer = Peer::start(None).await;
    let address = format!("http://{}", peer.address);
    let nobody = patterns(&["https://elsewhere.example"]);
    let resolver = Answers::of(&[&["127.0.0.1"]]);
    let mut by_manifest = sender();
    by_manifest.manifest.clone_from(&nobody);
    let mut by_tenant = sender();
    by_tenant.granted.clone_from(&nobody);
    for (sender, policy, why) in [
        (by_manifest, address.as_str(), "the plugin's manifest does not name it"),
        (by_tenant, address.as_str(), "the channel's `hosts` do not name it"),
        (sender(), "https://elsewhere.example", "this host does not permit it (--allow-host)"),
    ] {
        let client = client(&[policy], resolver.clone());
        let error = client.send(&sender, get(peer.url("/")), patiently()).await.unwrap_err();
        assert_eq!(error.message, format!("requests to {address} are not permitted: {why}"));
    }
    assert_eq!(peer.came(), 0);
}

#[tokio::test]
async fn a_name_is_asked_for_once_and_what_it_leads_to_later_does_not_matter() {
    let peer = Peer::start(None).await;
    let url = || format!("http://rebind.example:{}/", peer.address.port());
    // An address of the public network that nobody has: the connection fails, and nobody looks again.
    let rebinding = Answers::of(&[&["2bff:ffff::1"], &["127.0.0.1"]]);
    let to_all = client(&["http://*:*"], rebinding.clone());
    let error = to_all.send(&sender(), get(url()), patiently()).await.unwrap_err();
    let is_away = matches!(error.code, SendErrorCode::Unreachable | SendErrorCode::Timeout);
    assert!(is_away, "{error:?}");
    assert_eq!(rebinding.asked(), 1);
    let error = to_all.send(&sender(), get(url()), patiently()).await.unwrap_err();
    assert_eq!((error.code, rebinding.asked()), (SendErrorCode::Denied, 2));
    // One private address among public ones refuses all of them.
    let mixed = client(&["http://*:*"], Answers::of(&[&["2bff:ffff::1", "127.0.0.1"]]));
    let error = mixed.send(&sender(), get(url()), patiently()).await.unwrap_err();
    assert_eq!(error.code, SendErrorCode::Denied, "{error}");
    assert_eq!(peer.came(), 0);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_follows_it() {
    let peer = Peer::start(None).await;
    let address = format!("http://{}", peer.address);
    let client = client(&[&address], Answers::of(&[&["127.0.0.1"]]));
    let answer = client.send(&sender(), get(peer.url("/redirect")), patiently()).await.unwrap();
    assert_eq!(answer.status, 302);
    let location = answer.headers.iter().find(|header| header.name == "location").unwrap();
    assert_eq!(location.value, "http://127.0.0.1:1/secret");
    assert_eq!(peer.came(), 1);
}
