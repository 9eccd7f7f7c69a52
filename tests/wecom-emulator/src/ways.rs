//! Contact ways (联系我, 渠道活码): codes that lead a customer to staff, and say where they came from (document 92228).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::codes::{
    MAY_NOT_CONTACT, NO_SUCH_STAFF, NO_WAY, Refusal, TOO_MANY_STAFF, TOO_MANY_WAYS, WRONG_ARGUMENT,
    WRONG_WAY, WRONG_WAY_SCENE, WRONG_WAY_TYPE,
};
use crate::paging::{Page, paged};
use crate::routes::Call;
use crate::world::World;

/// Characters of a `state` or a `remark`.
const WORDS_MAX: usize = 30;
/// Staff of one contact way.
const STAFF_MAX: usize = 100;

/// A contact way, as it is asked for and shown. What a request leaves out, an update leaves alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// Its id; the API gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_id: Option<String>,
    /// 1: one member of staff; 2: several.
    #[serde(default, rename = "type")]
    pub kind: Option<u8>,
    /// 1: in a mini programme; 2: a code to scan.
    #[serde(default)]
    pub scene: Option<u8>,
    /// How a button looks.
    #[serde(default)]
    pub style: Option<u8>,
    /// For people.
    #[serde(default)]
    pub remark: Option<String>,
    /// Whether the customer is a friend at once.
    #[serde(default)]
    pub skip_verify: Option<bool>,
    /// What the callback says of where a customer came from.
    #[serde(default)]
    pub state: Option<String>,
    /// Staff.
    #[serde(default)]
    pub user: Option<Vec<String>>,
    /// Departments.
    #[serde(default)]
    pub party: Option<Vec<u64>>,
    /// Whether a customer can have one member of staff over it only.
    #[serde(default)]
    pub is_exclusive: Option<bool>,
    /// Where the code can be fetched.
    #[serde(default)]
    pub qr_code: Option<String>,
}

/// All contact ways.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    pub(crate) by_id: BTreeMap<String, (i64, Way)>,
    made: u32,
    scans: usize,
}

impl Ways {
    /// Who gets the next customer of a contact way: its staff in turn.
    pub(crate) fn next_staff(&mut self, config_id: &str) -> Option<(String, String)> {
        let (_, way) = self.by_id.get(config_id)?;
        let staff = way.user.as_ref()?;
        let next = staff.get(self.scans % staff.len().max(1))?;
        self.scans += 1;
        Some((next.clone(), way.state.clone().unwrap_or_default()))
    }
}

#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    config_id: String,
}

#[derive(Deserialize)]
struct Span {
    #[serde(default)]
    start_time: Option<i64>,
    #[serde(default)]
    end_time: Option<i64>,
    #[serde(flatten)]
    page: Page,
}

/// `add_contact_way`.
pub(crate) fn add(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let mut way: Way = call.read()?;
    match way.kind {
        Some(1 | 2) => {}
        _ => return Err(Refusal::new(WRONG_WAY_TYPE, "invalid contact way type")),
    }
    match way.scene {
        Some(1 | 2) => {}
        _ => return Err(Refusal::new(WRONG_WAY_SCENE, "invalid contact way scene")),
    }
    check(world, &way)?;
    if world.ways.by_id.len() >= world.settings.limits.contact_ways_max {
        return Err(Refusal::new(TOO_MANY_WAYS, "contact way count over limit"));
    }
    world.ways.made += 1;
    let id = format!("way{}{:08x}", world.ways.made, world.chance.u32(..));
    way.config_id = Some(id.clone());
    let qr_code = (way.scene == Some(2)).then(|| format!("https://wework.qpic.cn/emulated/{id}/0"));
    way.qr_code.clone_from(&qr_code);
    world.ways.by_id.insert(id.clone(), (call.now_ms, way));
    Ok(match qr_code {
        Some(qr_code) => json!({ "config_id": id, "qr_code": qr_code }),
        None => json!({ "config_id": id }),
    })
}

/// `get_contact_way`.
pub(crate) fn get(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = which(world, call)?;
    Ok(json!({ "contact_way": world.ways.by_id.get(&id).map(|(_, way)| way) }))
}

/// `list_contact_way`: ids by the time they were made, the newest last.
pub(crate) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let span: Span = call.read()?;
    let from_ms = span.start_time.map_or(i64::MIN, |second| second.saturating_mul(1000));
    let until_ms = span.end_time.map_or(i64::MAX, |second| second.saturating_add(1).saturating_mul(1000));
    let ways = world.ways.by_id.iter().filter(|(_, (made_ms, _))| (from_ms..until_ms).contains(made_ms));
    let ids: Vec<Value> = ways.map(|(id, _)| json!({ "config_id": id })).collect();
    paged("contact_way", ids, &span.page, 1000)
}

/// `update_contact_way`: lays what is given over what there is.
pub(crate) fn update(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = which(world, call)?;
    let wish: Way = call.read()?;
    check(world, &wish)?;
    if let Some((_, way)) = world.ways.by_id.get_mut(&id) {
        way.style = wish.style.or(way.style);
        way.skip_verify = wish.skip_verify.or(way.skip_verify);
        way.is_exclusive = wish.is_exclusive.or(way.is_exclusive);
        for (have, want) in [(&mut way.remark, wish.remark), (&mut way.state, wish.state)] {
            *have = want.or_else(|| have.take());
        }
        way.user = wish.user.or_else(|| way.user.take());
        way.party = wish.party.or_else(|| way.party.take());
    }
    Ok(json!({}))
}

/// `del_contact_way`.
pub(crate) fn remove(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = which(world, call)?;
    world.ways.by_id.remove(&id);
    Ok(json!({}))
}

fn which(world: &World, call: &Call) -> Result<String, Refusal> {
    let which: Which = call.read()?;
    if which.config_id.is_empty() {
        return Err(Refusal::new(NO_WAY, "config_id missing"));
    }
    match world.ways.by_id.contains_key(&which.config_id) {
        true => Ok(which.config_id),
        false => Err(Refusal::new(WRONG_WAY, "invalid contact way config_id")),
    }
}

fn check(world: &World, way: &Way) -> Result<(), Refusal> {
    for (name, words) in [("state", &way.state), ("remark", &way.remark)] {
        let length = words.as_ref().map_or(0, |words| words.chars().count());
        if length > WORDS_MAX {
            return Err(Refusal::new(WRONG_ARGUMENT, format!("{name} has {length} characters")));
        }
    }
    let staff = way.user.as_deref().unwrap_or_default();
    if staff.len() > STAFF_MAX {
        return Err(Refusal::new(TOO_MANY_STAFF, "contact way user count over limit"));
    }
    let is_single = way.kind == Some(1);
    if way.kind.is_some() && (staff.is_empty() && way.party.is_none() || is_single && staff.len() != 1) {
        return Err(Refusal::new(WRONG_ARGUMENT, "a contact way of type 1 has one user, of type 2 some"));
    }
    for member in staff {
        match world.people.staff.get(member) {
            None => return Err(Refusal::new(NO_SUCH_STAFF, format!("userid not found: {member}"))),
            Some(false) => {
                return Err(Refusal::new(MAY_NOT_CONTACT, format!("no external permission: {member}")));
            }
            Some(true) => {}
        }
    }
    Ok(())
}
