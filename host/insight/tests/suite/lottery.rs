//! A lottery's log, written by hand in the documented form: every line's text with its members in order, so that nothing
//! of what is tested takes part in making it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use siyu_engine::ports::rows::RecordKey;

use crate::support::{Tenant, name};

const SEED: [u8; 32] = [7; 32];
pub(crate) const SEED_HEX: &str = "0707070707070707070707070707070707070707070707070707070707070707";
const PLUGIN: &str = "package-card-lottery";
pub(crate) const WHEN: &str = "2026-02-01T00:00:00Z";
/// Guaranteed, two of p66, p5 without end; a prize of one customer at most once.
pub(crate) const CONFIG: &str = r#"{"budget_fen":20000,"entry":{"by":"card"},"mode":"guaranteed","no_prize":{"name":"谢谢参与","weight":0},"on_exhausted":"fallback","prizes":[{"fallback":false,"grant":{"coupon":"c66"},"id":"p66","name":"66元首单券","per_customer":1,"stock":2,"value_fen":6600,"weight":300},{"fallback":true,"grant":{"coupon":"c5"},"id":"p5","name":"5元首单券","per_customer":null,"stock":"unlimited","value_fen":500,"weight":700}],"restock_unclaimed":false,"rng":{"public_randomness":"none"},"title":"秋季"}"#;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// The number that the seed gives for a card.
pub(crate) fn number(entry: &str) -> u64 {
    let mut mac = Hmac::<Sha256>::new_from_slice(&SEED).unwrap();
    mac.update(format!("autumn|1|{entry}|1|0").as_bytes());
    let digest = mac.finalize().into_bytes();
    u64::from_be_bytes(digest[..8].try_into().unwrap()) % 1_000
}

/// A log that is being written.
pub(crate) struct Log {
    pub(crate) head: String,
    pub(crate) lines: Vec<String>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { head: "0".repeat(64), lines: Vec::new() }
    }

    /// Appends a line. Its members are given in two parts, between which `seq` has its place.
    pub(crate) fn add(&mut self, before: &str, after: &str) {
        let (head, seq) = (&self.head, self.lines.len() + 1);
        let members = format!(r#"{before}"seq":{seq}{after}"#);
        let hash = sha256(&format!("{head}{{{members}}}"));
        self.lines.push(format!(r#"{{{members},"prev_hash":"{head}","row_hash":"{hash}"}}"#));
        self.head = hash;
    }
}

pub(crate) fn opened(log: &mut Log) {
    let (hash, commitment) = (sha256(CONFIG), hex(&Sha256::digest(SEED)));
    let before = format!(
        r#""at":"{WHEN}","campaign":"autumn","config":{CONFIG},"config_hash":"{hash}","config_version":1,"kind":"opened","plugin":"x","salt_hash":"00","seed_hash":"{commitment}","#
    );
    log.add(&before, "");
}

/// What is left of p66, and what each customer has of it.
#[derive(Default)]
pub(crate) struct Shop {
    pub(crate) given: u64,
    of: std::collections::BTreeMap<String, u64>,
}

/// A draw by the rules above, as an honest lottery writes it.
pub(crate) fn draw(log: &mut Log, shop: &mut Shop, entry: &str, customer: &str) {
    let r = number(entry);
    let chosen = if r < 300 { "p66" } else { "p5" };
    let won = shop.of.get(customer).copied().unwrap_or(0);
    let left = 20_000 - shop.given * 6_600;
    let (awarded, reason) = match chosen {
        "p66" if shop.given == 2 => ("p5", "stock"),
        "p66" if won == 1 => ("p5", "cap"),
        chosen => (chosen, "drawn"),
    };
    let (stock, budget) = match awarded {
        "p66" => ((2 - shop.given).to_string(), left.to_string()),
        _ => ("null".to_owned(), "null".to_owned()),
    };
    if awarded == "p66" {
        shop.given += 1;
        *shop.of.entry(customer.to_owned()).or_default() += 1;
    }
    let (hash, seq) = (sha256(CONFIG), log.lines.len() + 1);
    let before = format!(
        r#""at":"{WHEN}","awarded":"{awarded}","budget_before":{budget},"campaign":"autumn","chosen":"{chosen}","config_hash":"{hash}","config_version":1,"ctr":0,"customer":"{customer}","day":null,"draw_id":"autumn/{seq}","draw_no":1,"entry_key":"{entry}","kind":"draw","plugin":"x","r":{r},"reason":"{reason}","#
    );
    log.add(&before, &format!(r#","stock_before":{stock},"trigger_event":null,"w":1000"#));
}

pub(crate) fn closed(log: &mut Log) {
    log.add(
        &format!(r#""at":"{WHEN}","campaign":"autumn","kind":"closed","plugin":"x","reason":"ended","#),
        "",
    );
}

pub(crate) fn revealed(log: &mut Log) {
    let commitment = hex(&Sha256::digest(SEED));
    let before = format!(
        r#""at":"{WHEN}","campaign":"autumn","kind":"revealed","plugin":"x","seed":"{SEED_HEX}","seed_hash":"{commitment}","#
    );
    log.add(&before, "");
}

/// A whole campaign: forty draws, closed, revealed.
pub(crate) fn campaign() -> Log {
    let (mut log, mut shop) = (Log::new(), Shop::default());
    opened(&mut log);
    for card in 0..40 {
        draw(&mut log, &mut shop, &format!("card:{card:04}"), &format!("{:032x}", card / 7));
    }
    closed(&mut log);
    revealed(&mut log);
    log
}

pub(crate) fn record(key: &str, body: String) -> (RecordKey, Option<std::sync::Arc<str>>) {
    (RecordKey { plugin: name(PLUGIN), customer: None, key: name(key) }, Some(body.into()))
}

/// The log in a store, with the state that it ends with and the events of its draws.
pub(crate) fn tenant(log: &Log, status: &str) -> Tenant {
    let mut tenant = Tenant::default();
    for (place, line) in log.lines.iter().enumerate() {
        tenant.writes.records.push(record(&format!("line/autumn/{:010}", place + 1), line.clone()));
        if line.contains(r#""kind":"draw""#) {
            let hash = &line[line.find(r#""row_hash":""#).unwrap() + 12..][..64];
            let data =
                format!(r#"{{"campaign":"autumn","seq":{},"chain_hash":"{hash}","prize":"p5"}}"#, place + 1);
            tenant.event(Some(9), "draw.completed", WHEN, &data);
            tenant.writes.events.last_mut().unwrap().source = format!("plugin:{PLUGIN}");
        }
    }
    let (seq, head) = (log.lines.len(), &log.head);
    let state = format!(r#"{{"status":"{status}","seq":{seq},"head":"{head}","draws":40}}"#);
    tenant.writes.records.push(record("state/autumn", state));
    tenant
}
