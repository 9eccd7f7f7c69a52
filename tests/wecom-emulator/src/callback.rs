//! Callbacks: what happened, as the XML that WeCom writes, sealed, signed, and handed over until somebody takes it
//! (documents 90930, 92130).

use std::fmt::Write;
use std::time::Duration;

use crate::crypto::Seal;
use crate::settings::{Faults, Limits};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Callback {
    pub(crate) event: &'static str,
    pub(crate) change: String,
    pub(crate) at_ms: i64,
    /// Further elements, in the order in which they are written.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// Ids of members that joined or left a group.
    pub(crate) members: Vec<String>,
}

/// A request that hands a callback over: the query after the URL, and the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// `msg_signature=…&timestamp=…&nonce=…`.
    pub query: String,
    /// XML with the sealed text.
    pub body: String,
}

impl Callback {
    /// What it is called in records.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.event, self.change)
    }

    /// The text before it is sealed.
    pub(crate) fn xml(&self, corp_id: &str) -> String {
        let mut xml = String::from("<xml>");
        let mut put = |name: &str, value: &str| {
            // Writing to a string cannot fail. A text ends the section that it stands in where it has its end.
            let value = value.replace("]]>", "]]]]><![CDATA[>");
            let _ = write!(xml, "<{name}><![CDATA[{value}]]></{name}>");
        };
        put("ToUserName", corp_id);
        put("FromUserName", "sys");
        put("MsgType", "event");
        put("Event", self.event);
        put("ChangeType", &self.change);
        for (name, value) in &self.fields {
            put(name, value);
        }
        if !self.members.is_empty() {
            xml.push_str("<MemChangeList>");
            for member in &self.members {
                let _ = write!(xml, "<Item><![CDATA[{member}]]></Item>");
            }
            xml.push_str("</MemChangeList>");
        }
        let _ = write!(xml, "<CreateTime>{}</CreateTime></xml>", self.at_ms / 1000);
        xml
    }
}

/// Seals a text for a receiver.
pub(crate) fn envelope(
    seal: &Seal,
    (corp_id, text): (&str, &str),
    now_ms: i64,
    chance: &mut fastrand::Rng,
) -> Envelope {
    let mut random = [0; 16];
    chance.fill(&mut random);
    let sealed = seal.close(text, random);
    let (timestamp, nonce) = ((now_ms / 1000).to_string(), chance.u32(1..).to_string());
    let signature = seal.sign(&timestamp, &nonce, &sealed);
    Envelope {
        query: format!("msg_signature={signature}&timestamp={timestamp}&nonce={nonce}"),
        body: format!(
            "<xml><ToUserName><![CDATA[{corp_id}]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt>\
             <AgentID><![CDATA[]]></AgentID></xml>"
        ),
    }
}

/// What is sent of what is due, after chance had its way: lost ones are missing, others come twice or later.
pub(crate) fn after_faults(
    due: Vec<Callback>,
    faults: &Faults,
    chance: &mut fastrand::Rng,
) -> (Vec<Callback>, Vec<Callback>) {
    let (mut sent, mut lost) = (Vec::new(), Vec::new());
    for callback in due {
        if Faults::happens(chance, faults.callbacks_lost_per_mille) {
            lost.push(callback);
            continue;
        }
        if Faults::happens(chance, faults.callbacks_doubled_per_mille) {
            sent.push(callback.clone());
        }
        sent.push(callback);
    }
    for later in 1..sent.len() {
        if Faults::happens(chance, faults.callbacks_swapped_per_mille) {
            let earlier = chance.usize(0..later);
            sent.swap(earlier, later);
        }
    }
    (sent, lost)
}

/// Hands an envelope over, and again while nobody takes it. The status of each answer; 0 for none in time.
pub(crate) fn hand_over(url: &str, envelope: &Envelope, limits: &Limits) -> Vec<u16> {
    let agent = agent(limits);
    let joint = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{joint}{}", envelope.query);
    let mut answers = Vec::new();
    for _ in 0..=limits.callback_retries_max {
        let answer = agent.post(&url).header("content-type", "text/xml").send(&envelope.body);
        let status = answer.map_or(0, |answer| answer.status().as_u16());
        answers.push(status);
        if status == 200 {
            break;
        }
    }
    answers
}

/// Asks a URL whether it can read what is sealed: `echostr` comes back open.
pub(crate) fn verify(
    url: &str,
    envelope: &Envelope,
    sealed: &str,
    limits: &Limits,
) -> Result<String, String> {
    let joint = if url.contains('?') { '&' } else { '?' };
    let echo: String = sealed.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let url = format!("{url}{joint}{}&echostr={echo}", envelope.query);
    let mut answer = agent(limits).get(&url).call().map_err(|fault| fault.to_string())?;
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string().map_err(|fault| fault.to_string())?;
    if status == 200 { Ok(text) } else { Err(format!("{status}: {text}")) }
}

fn agent(limits: &Limits) -> ureq::Agent {
    let limit = Duration::from_millis(limits.callback_ms);
    let config = ureq::Agent::config_builder().timeout_global(Some(limit)).http_status_as_error(false);
    config.max_redirects(0).proxy(None).build().into()
}
