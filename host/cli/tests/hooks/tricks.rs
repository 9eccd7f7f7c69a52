//! Tricks: each makes of a request that is signed one that must not be taken. None when it is not for the sender.

use fastrand::Rng;

use crate::senders::{Sender, now_s, sha256, sha512};
use crate::wire::Request;

/// A trick: of whom, id and body.
pub(crate) type Trick = fn(Sender, (&str, &str), &mut Rng) -> Option<Request>;

/// All tricks.
pub(crate) const TRICKS: &[(&str, Trick)] = &[
    ("a bit of the body", body_bit),
    ("the body cut short", |sender, of, random| {
        let mut request = right(sender, of);
        request.body.truncate(random.usize(..request.body.len()));
        Some(request)
    }),
    ("the body longer", |sender, of, random| {
        let mut request = right(sender, of);
        request.body.extend(vec![*random.choice(b" \n\0}x").unwrap_or(&b' '); 1 + random.usize(..9)]);
        Some(request)
    }),
    ("another body", |sender, of, random| {
        let body = format!(r#"{{"id":"{}","n":{}}}"#, of.0, random.u32(..));
        Some(Request { body: body.into_bytes(), ..right(sender, of) })
    }),
    ("no body", |sender, of, _| Some(Request { body: Vec::new(), ..right(sender, of) })),
    ("a bit of the signature", |sender, of, random| {
        Some(with_mac(sender, of, |mac| mac[random.usize(..32)] ^= 1 << random.u8(..8)))
    }),
    ("bytes of the signature exchanged", |sender, of, _| {
        Some(with_mac(sender, of, |mac| {
            if mac[0] == mac[31] {
                mac[0] ^= 1;
            }
            mac.swap(0, 31);
        }))
    }),
    ("the signature cut short", |sender, of, random| {
        Some(with_mac(sender, of, |mac| mac.truncate(random.usize(..32))))
    }),
    ("the signature longer", |sender, of, random| {
        Some(with_mac(sender, of, |mac| mac.extend(vec![0; 1 + random.usize(..40)])))
    }),
    ("a signature of nothing", |sender, of, _| Some(with_mac(sender, of, |mac| mac.fill(0)))),
    ("no signature", |sender, of, _| {
        let mut request = right(sender, of);
        request.headers.retain(|(name, _)| name != sender.field());
        Some(request)
    }),
    ("an empty signature", |sender, of, _| changed(sender, of, |_| String::new())),
    ("a signature twice", |sender, of, _| {
        let mut request = right(sender, of);
        let again = request.headers[0].clone();
        request.headers.push(again);
        Some(request)
    }),
    ("a signature and an empty one", |sender, of, random| {
        let mut request = right(sender, of);
        request.headers.insert(random.usize(..2), (sender.field().to_owned(), String::new()));
        Some(request)
    }),
    ("a signature in upper case", |sender, of, _| changed(sender, of, |value| value.to_uppercase())),
    ("a signature in lower case", |sender, of, _| match sender {
        // That of GitHub is in lower case.
        Sender::Github => None,
        _ => changed(sender, of, |value| value.to_lowercase()),
    }),
    ("white space within a signature", |sender, of, random| {
        let blank = *random.choice(&[" ", "\t", "  "]).unwrap_or(&" ");
        changed(sender, of, |value| format!("{}{blank}{}", &value[..12], &value[12..]))
    }),
    ("quotes around a signature", |sender, of, _| changed(sender, of, |value| format!("\"{value}\""))),
    ("a field of another name", |sender, of, _| {
        let mut request = right(sender, of);
        request.headers[0].0 = request.headers[0].0.replace('-', "_");
        Some(request)
    }),
    ("a key that was replaced", |sender, of, _| {
        Some(sender.signed("shop", &sender.key_rotated_out("shop"), (of.0, now_s()), of.1))
    }),
    ("the key of another tenant", |sender, of, _| {
        Some(sender.signed("shop", &sender.key("other"), (of.0, now_s()), of.1))
    }),
    ("the key of another sender", |sender, of, _| {
        let other = Sender::ALL[(sender as usize + 1) % 3];
        Some(sender.signed("shop", &other.key("shop"), (of.0, now_s()), of.1))
    }),
    ("an empty key", |sender, of, _| Some(sender.signed("shop", &[], (of.0, now_s()), of.1))),
    ("a part of the key", |sender, of, random| {
        let key = sender.key("shop");
        Some(sender.signed("shop", &key[..random.usize(..key.len())], (of.0, now_s()), of.1))
    }),
    ("another algorithm", |sender, of, _| Some(rewritten(sender, of, sha512))),
    ("the beginning of another algorithm's", |sender, of, _| {
        Some(rewritten(sender, of, |key, content| sha512(key, content)[..32].to_vec()))
    }),
    ("a MAC of the MAC", |sender, of, _| {
        Some(rewritten(sender, of, |key, content| sha256(key, &sha256(key, content))))
    }),
    ("to another tenant", |sender, of, _| {
        let request = right(sender, of);
        Some(Request { path: request.path.replace("/shop/", "/other/"), ..request })
    }),
    ("to another source", |sender, of, _| {
        let request = right(sender, of);
        let path = match sender {
            Sender::Standard => "/v1/hooks/shop/github",
            Sender::Github => "/v1/hooks/shop/shopify",
            Sender::Shopify => "/v1/hooks/shop/std",
        };
        Some(Request { path: path.to_owned(), ..request })
    }),
    ("to nobody", |sender, of, _| {
        let request = right(sender, of);
        Some(Request { path: request.path.replace("/shop/", "/nobody/"), ..request })
    }),
    ("by another method", |sender, of, random| {
        let method = *random.choice(&["GET", "PUT", "DELETE"]).unwrap_or(&"GET");
        Some(Request { method, is_closed: true, ..right(sender, of) })
    }),
    ("two lengths", |sender, of, _| {
        let mut request = right(sender, of);
        for length in [request.body.len(), request.body.len() - 1] {
            request.headers.push(("content-length".to_owned(), length.to_string()));
        }
        request.is_closed = true;
        Some(request)
    }),
    ("a shorter length", |sender, of, _| {
        let mut request = right(sender, of);
        request.headers.push(("content-length".to_owned(), (request.body.len() - 1).to_string()));
        request.is_closed = true;
        Some(request)
    }),
    ("an encoded body", |sender, of, random| {
        let encoding = *random.choice(&["gzip", "br", "identity, gzip"]).unwrap_or(&"gzip");
        let mut request = right(sender, of);
        request.headers.push(("content-encoding".to_owned(), encoding.to_owned()));
        request.is_closed = true;
        Some(request)
    }),
    ("an earlier or later time", |sender, of, random| {
        let apart = i64::from(random.u8(1..120)) * if random.bool() { 1 } else { -1 };
        standard(sender, of, |request| {
            let value = request.field("webhook-timestamp");
            let signed: i64 = value.parse().expect("seconds");
            *value = (signed + apart).to_string();
        })
    }),
    ("a repetition of long ago", |sender, of, random| {
        let at = now_s() - 301 - i64::from(random.u32(..100_000_000));
        (sender == Sender::Standard).then(|| sender.signed("shop", &sender.key("shop"), (of.0, at), of.1))
    }),
    ("a time of the future", |sender, of, random| {
        let at = now_s() + 360 + i64::from(random.u32(..100_000_000));
        (sender == Sender::Standard).then(|| sender.signed("shop", &sender.key("shop"), (of.0, at), of.1))
    }),
    ("digits of other scripts", |sender, of, random| {
        let zero = *random.choice(&[0xff10, 0x660, 0x6f0, 0x966]).unwrap_or(&0xff10);
        time_written(sender, of, |text| {
            let digit = |c: char| char::from_u32(c as u32 - 0x30 + zero).unwrap_or(c);
            text.chars().map(digit).collect()
        })
    }),
    ("a time written otherwise", |sender, of, random| {
        let forms: [fn(&str) -> String; 7] = [
            |text| format!("+{text}"),
            |text| format!("0{text}"),
            |text| format!("{text}.0"),
            |text| format!("{text}e0"),
            |text| format!("{text}000"),
            |text| format!("-{text}"),
            |text| format!("{}_{}", &text[..5], &text[5..]),
        ];
        let form = forms[random.usize(..forms.len())];
        time_written(sender, of, form)
    }),
    ("no time", |sender, of, _| time_written(sender, of, |_| String::new())),
    ("another id", |sender, of, random| {
        let id = format!("{}{}", of.0, random.u8(..));
        standard(sender, of, |request| *request.field("webhook-id") = id)
    }),
    ("a bit of the id", |sender, of, _| {
        standard(sender, of, |request| {
            let id = request.field("webhook-id");
            let first = if id.starts_with('h') { "i" } else { "h" };
            id.replace_range(..1, first);
        })
    }),
    ("no id", |sender, of, _| {
        let at = now_s();
        (sender == Sender::Standard).then(|| sender.signed("shop", &sender.key("shop"), ("", at), of.1))
    }),
    ("an id that holds a time", |sender, of, _| {
        // Signed as `id`, then a time, then a body that begins like a time: read as a longer id.
        let (at, body) = (now_s(), format!("{}.{}", now_s(), of.1));
        let mut request = (sender == Sender::Standard)
            .then(|| sender.signed("shop", &sender.key("shop"), (of.0, at), &body))?;
        *request.field("webhook-id") = format!("{}.{at}", of.0);
        request.body = of.1.as_bytes().to_vec();
        Some(request)
    }),
    ("an id or a time twice", |sender, of, random| {
        let name = *random.choice(&["webhook-id", "webhook-timestamp"]).unwrap_or(&"webhook-id");
        standard(sender, of, |request| {
            let value = request.field(name).clone();
            request.headers.push((name.to_owned(), value));
        })
    }),
    ("many signatures, the right one last", |sender, of, random| {
        let many = 8 + random.usize(..200);
        let wrong = sender.written(&[7; 32]);
        standard(sender, of, |request| {
            let value = request.field("webhook-signature");
            *value = format!("{} {value}", vec![wrong; many.min(300)].join(" "));
        })
    }),
    ("many signatures", |sender, of, random| {
        let many: Vec<String> =
            (0..1 + random.usize(..250)).map(|number| sender.written(&[number as u8; 32])).collect();
        standard(sender, of, |request| *request.field("webhook-signature") = many.join(" "))
    }),
    ("another version", |sender, of, random| {
        let version = *random.choice(&["v2,", "V1,", "v1a,", "v1", "", "v1,v1,", "v01,"]).unwrap_or(&"v2,");
        standard(sender, of, |request| {
            let value = request.field("webhook-signature");
            *value = value.replacen("v1,", version, 1);
        })
    }),
    ("signatures with something else between", |sender, of, random| {
        let between = *random.choice(&[",", "\t", ";", ", ", "|"]).unwrap_or(&",");
        let wrong = sender.written(&[7; 32]);
        standard(sender, of, |request| {
            let value = request.field("webhook-signature");
            *value = format!("{wrong}{between}{}", &value[3..]);
        })
    }),
    ("only blanks", |sender, of, random| {
        let blanks = " ".repeat(random.usize(..50));
        standard(sender, of, |request| *request.field("webhook-signature") = blanks)
    }),
];

/// Signed as it should be.
fn right(sender: Sender, (id, body): (&str, &str)) -> Request {
    sender.signed("shop", &sender.key("shop"), (id, now_s()), body)
}

fn body_bit(sender: Sender, of: (&str, &str), random: &mut Rng) -> Option<Request> {
    let mut request = right(sender, of);
    let at = random.usize(..request.body.len());
    request.body[at] ^= 1 << random.u8(..8);
    Some(request)
}

fn changed(sender: Sender, of: (&str, &str), change: impl FnOnce(&str) -> String) -> Option<Request> {
    let mut request = right(sender, of);
    let value = request.field(sender.field());
    *value = change(value);
    Some(request)
}

fn with_mac(sender: Sender, of: (&str, &str), change: impl FnOnce(&mut Vec<u8>)) -> Request {
    rewritten(sender, of, |key, content| {
        let mut mac = sha256(key, content);
        change(&mut mac);
        mac
    })
}

fn rewritten(
    sender: Sender,
    (id, body): (&str, &str),
    sign: impl FnOnce(&[u8], &[u8]) -> Vec<u8>,
) -> Request {
    let at = now_s();
    let mut request = sender.signed("shop", &sender.key("shop"), (id, at), body);
    let content = sender.content((id, &at.to_string()), body.as_bytes());
    *request.field(sender.field()) = sender.written(&sign(&sender.key("shop"), &content));
    request
}

fn standard(sender: Sender, of: (&str, &str), change: impl FnOnce(&mut Request)) -> Option<Request> {
    (sender == Sender::Standard).then(|| {
        let mut request = right(sender, of);
        change(&mut request);
        request
    })
}

/// Signed with the time as it is written: it must be refused for its form.
fn time_written(
    sender: Sender,
    (id, body): (&str, &str),
    write: impl FnOnce(&str) -> String,
) -> Option<Request> {
    let text = write(&now_s().to_string());
    (sender == Sender::Standard).then(|| sender.signed_as("shop", &sender.key("shop"), (id, &text), body))
}
