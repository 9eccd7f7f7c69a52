//! The plugin of these tests: a shop that holds, sells and gives back, and a step that does whatever a test wants.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test uses a part")]

use std::collections::HashMap;

use siyu_plugin::host_events::ReservationExpired;
use siyu_plugin::ledger::{Account, Posting};
use siyu_plugin::pools::Reserved;
use siyu_plugin::prelude::*;
use siyu_plugin::{
    codes, context, counters, customers, events, log, messages, pools, random, records, resources,
};

/// A shelf of one kind of goods.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shelf {
    /// How many there are.
    pub stock: u64,
    /// How many one customer may have.
    #[serde(default = "Shelf::default_per_customer")]
    #[schemars(range(min = 1))]
    pub per_customer: u64,
    /// How long a customer may think.
    pub ttl: Duration,
    /// From when on.
    #[serde(default)]
    pub opens_at: Option<Instant>,
    /// For whom.
    #[serde(default)]
    pub only_if: Option<Expression>,
    /// Whose days count.
    #[serde(default)]
    pub zone: Option<Zone>,
    /// Anything.
    #[serde(default)]
    pub more: serde_json::Value,
}

impl Shelf {
    fn default_per_customer() -> u64 {
        1
    }
}

impl Resource for Shelf {
    const KIND: &'static str = "shelf";

    fn check(&self, name: &str, found: &mut Findings) {
        if self.stock == 0 {
            found.error("/stock", "SHELF_EMPTY", "an empty shelf sells nothing: expected 1 or more");
        }
        if self.per_customer > self.stock {
            found.warning("/per_customer", "SHELF_LIMIT", "more for one customer than there are");
        }
        assert!(name != "panic", "no shelf is called {name}");
        if name == "impure" {
            let _ = counters::used("x");
        }
        if name == "logging" {
            log::info("a check may log");
        }
    }

    fn apply(&self, name: &str) -> Result<Vec<Reaction>, Fault> {
        if let Some(before) = resources::get::<Self>(name)? {
            records::of_tenant().put(&key(&["stock before", name]), &before.stock)?;
        }
        pools::define(&key(&["shelf", name]), self.stock)?;
        Ok(vec![Reaction::of::<Welcome>("order.paid")])
    }
}

/// Holds one of a shelf.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// The shelf.
    pub shelf: String,
    /// The order it is for.
    #[serde(default)]
    pub order: Option<String>,
}

/// What is held.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Held {
    /// The reservation.
    pub reservation: String,
    /// Until when.
    pub until: Instant,
}

pub const SOLD_OUT: Refusal = Refusal::new("SOLD_OUT", "none is left");
pub const LIMIT_CUSTOMER: Refusal =
    Refusal::new("LIMIT_CUSTOMER", "the customer has as many as one may have");
pub const NOT_ELIGIBLE: Refusal = Refusal::new("NOT_ELIGIBLE", "the shelf is for others");
const UNLISTED: Refusal = Refusal::new("UNLISTED", "never declared");

impl Step for Hold {
    const NAME: &'static str = "hold";
    const REFUSALS: &'static [Refusal] = &[SOLD_OUT, LIMIT_CUSTOMER, NOT_ELIGIBLE];
    type Output = Held;

    fn run(self) -> Result<Held, Stop> {
        let shelf: Shelf = resources::require(&self.shelf)?;
        if let Some(condition) = &shelf.only_if {
            NOT_ELIGIBLE.unless(condition.holds()?)?;
        }
        let until = Instant::now() + shelf.ttl;
        let mine = key(&["held", &self.shelf, &context::customer()?]);
        let mut wanted =
            pools::Reserve::new(key(&["shelf", &self.shelf]), 1, until).quota(&mine, 1, shelf.per_customer);
        if let Some(order) = self.order {
            wanted = wanted.reference(order);
        }
        match wanted.hold()? {
            Reserved::Held(reservation) => Ok(Held { reservation, until }),
            Reserved::SoldOut { available } => Err(SOLD_OUT
                .because(format!("{available} are left"))
                .details(json!({ "available": available })))?,
            Reserved::OverQuota { used, .. } => Err(LIMIT_CUSTOMER.because(format!("{used} are held")))?,
        }
    }
}

/// Says that the goods of an order are back.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TakeBack(pub Incoming<ReservationExpired>);

impl Step for TakeBack {
    const NAME: &'static str = "take-back";
    type Output = ();

    fn run(self) -> Result<(), Stop> {
        let order = self.0.data.reference.unwrap_or_default();
        if order == "broken" {
            Err(Fault::permanent("BROKEN", "this order is broken"))?;
        }
        Ok(Back { order, units: self.0.data.units }.emit()?)
    }
}

/// Thanks a customer for the first order.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Welcome {
    data: serde_json::Map<String, serde_json::Value>,
}

impl Step for Welcome {
    const NAME: &'static str = "welcome";
    type Output = ();

    fn run(self) -> Result<(), Stop> {
        messages::enqueue("thanks", "wecom", &self.data)?;
        Ok(())
    }
}

/// Goods are back.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Back {
    /// Of which order.
    pub order: String,
    pub units: u64,
}

impl Event for Back {
    const TYPE: &'static str = "shop.back";
}

/// An echo of an echo.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Echo {
    pub n: u64,
}

impl Event for Echo {
    const TYPE: &'static str = "shop.echo";
}

/// Never among the manifest's events.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Secret {}

impl Event for Secret {
    const TYPE: &'static str = "shop.secret";
}

/// Of a family of the host.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FakeTag {}

impl Event for FakeTag {
    const TYPE: &'static str = "tag.added";
}

/// Emits an echo of what it hears.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct EchoBack {
    data: serde_json::Value,
}

impl Step for EchoBack {
    const NAME: &'static str = "echo-back";
    type Output = u64;

    fn run(self) -> Result<u64, Stop> {
        let n = self.data["n"].as_u64().unwrap_or(0) + 1;
        match (Echo { n }).emit() {
            Ok(()) => Ok(n),
            Err(error) if error.is_limit() => Ok(0),
            Err(error) => Err(error)?,
        }
    }
}

/// Does what a test wants.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Do {
    /// Changes one of everything, then ends in this way.
    Everything {
        then: String,
    },
    /// Emits this many events.
    Emit {
        count: u64,
    },
    /// Refuses with a code that it does not declare.
    RefuseUnlisted,
    EmitUnlisted,
    EmitHosts,
    /// Calls the host this often.
    Ask {
        times: u64,
    },
    /// Gives an output that depends on the order of a map with random hashes.
    Disorder,
    /// Draws.
    Draw {
        below: u64,
    },
    Tag {
        tag: String,
        seconds: u64,
    },
    Count {
        event_type: String,
        seconds: u64,
    },
    Whole {
        units: u64,
    },
    Output {
        bytes: usize,
    },
    Locals,
}

impl Step for Do {
    const NAME: &'static str = "do";
    const REFUSALS: &'static [Refusal] = &[SOLD_OUT];
    type Output = serde_json::Value;

    fn run(self) -> Result<serde_json::Value, Stop> {
        Ok(match self {
            Self::Everything { then } => everything(&then)?,
            Self::Emit { count } => {
                for n in 0..count {
                    Back { order: n.to_string(), units: n }.emit()?;
                }
                json!(count)
            }
            Self::RefuseUnlisted => Err(UNLISTED)?,
            Self::EmitUnlisted => json!(Secret {}.emit().is_err()),
            Self::EmitHosts => json!(FakeTag {}.emit().map_err(|error| error.message).err()),
            Self::Ask { times } => {
                for _ in 0..times {
                    let _ = counters::used("x");
                }
                json!(times)
            }
            Self::Disorder => {
                let map: HashMap<String, u8> = (0..32).map(|n| (format!("k{n}"), n)).collect();
                json!(map.keys().collect::<Vec<_>>())
            }
            Self::Draw { below } => json!([random::below(below), random::below(below)]),
            Self::Tag { tag, seconds } => {
                let mark = customers::TagMark::new(tag, "rule:r1")
                    .expires_at(Instant::now() + Duration::seconds(seconds));
                json!(customers::current().put_tag(&mark)?)
            }
            Self::Count { event_type, seconds } => {
                json!(events::count(&event_type, Instant::now() - Duration::seconds(seconds))?)
            }
            Self::Whole { units } => {
                json!(counters::take("whole", units, 10).map_err(|error| error.message).err())
            }
            Self::Output { bytes } => json!("x".repeat(bytes)),
            Self::Locals => {
                let zone = Zone::of_playbook();
                let now = Instant::now();
                json!({
                    "date": now.local(&zone)?.date(),
                    "tomorrow": now.start_of_day(&zone, 1)?,
                    "unknown": now.local(&Zone::new("Asia/Peking")).map_err(|error| error.message).err(),
                })
            }
        })
    }
}

fn everything(then: &str) -> Result<serde_json::Value, Stop> {
    let code = codes::mint("gift", codes::RANDOM_LEN, "g1")?;
    let adopted = codes::adopt("gift", "old-2026", "g0")?;
    pools::define("p", 5)?;
    pools::take("p", 2)?;
    counters::take("c", 3, 9)?;
    let mine = Account::of(context::customer()?, "points");
    Posting::new().transfer(&Account::of_tenant("issued"), &mine, 4).reference("o1").post()?;
    records::of_customer().put("mine", &1)?;
    records::of_tenant().insert("ours", &2)?;
    let me = customers::current();
    me.set_attributes(&json!({ "taste": "spicy" }))?;
    me.put_tag(&customers::TagMark::new("vip", "rule:r1"))?;
    messages::enqueue("hello", "wecom", &json!({}))?;
    Back { order: "1".into(), units: 1 }.emit()?;
    Back { order: "2".into(), units: 1 }.plan("later", Instant::now() + Duration::hours(1))?;
    log::warn("everything");
    match then {
        "refuse" => Err(SOLD_OUT)?,
        "fault" => Err(Fault::transient("BUSY", "later"))?,
        "panic" => panic!("the end"),
        _ => Ok(json!({ "code": code, "adopted": adopted })),
    }
}

siyu_plugin::export! {
    name: "shop",
    version: "1.2.3",
    summary: "A shop for tests.",
    steps: [Hold, TakeBack, Welcome, EchoBack, Do],
    resources: [Shelf],
    events: [Back, Echo, FakeTag],
    reactions: { ReservationExpired::TYPE => TakeBack, Echo::TYPE => EchoBack },
    capabilities: {
        Codes: "makes gift codes",
        Counters: "keeps what one customer may have",
        Customers: "marks customers",
        Events: "says what is back",
        Expressions: "asks whom a shelf is for",
        Ledger: "gives points",
        Messages: "thanks",
        Pools: "keeps the stock",
        Records: "remembers",
        Resources: "reads shelves",
    },
}
