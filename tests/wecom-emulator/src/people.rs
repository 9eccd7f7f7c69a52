//! Staff, customers, and what is between them: a relation belongs to one of each, as tags and deletions do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::codes::{NO_CUSTOMER, NO_RELATION, NO_SUCH_STAFF, Refusal};
use crate::routes::Call;
use crate::world::World;

/// Everybody.
#[derive(Debug, Default)]
pub(crate) struct People {
    /// Whether each may have customers (客户联系).
    pub(crate) staff: BTreeMap<String, bool>,
    /// By staff and customer.
    pub(crate) relations: BTreeMap<(String, String), Relation>,
}

/// What is between a member of staff and a customer (跟进关系).
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    pub(crate) since_ms: i64,
    pub(crate) state: String,
    /// How they met: 1 is by a code (扫描二维码), 0 is unknown.
    pub(crate) add_way: u8,
    /// Ids of tags.
    pub(crate) tags: BTreeSet<String>,
    pub(crate) last_chat_ms: Option<i64>,
    /// Whether the customer still has the member of staff.
    pub(crate) is_friend: bool,
}

impl People {
    /// The relation that the API sees.
    pub(crate) fn seen(
        &mut self,
        (staff, customer): (&str, &str),
        until_ms: i64,
    ) -> Result<&mut Relation, Refusal> {
        if !self.staff.contains_key(staff) {
            return Err(Refusal::new(NO_SUCH_STAFF, "userid not found"));
        }
        let relation = self.relations.get_mut(&(staff.to_owned(), customer.to_owned()));
        let relation = relation.filter(|relation| relation.since_ms <= until_ms);
        relation.ok_or_else(|| Refusal::new(NO_RELATION, "not external contact"))
    }

    /// The member of staff that a customer last chatted with, or who has them longest.
    pub(crate) fn closest_to(&self, customer: &str) -> Option<&str> {
        let of_customer = self.relations.iter().filter(|((_, whose), _)| whose == customer);
        let by_chat = |(_, relation): &(&(String, String), &Relation)| {
            (relation.last_chat_ms.unwrap_or(i64::MIN), -relation.since_ms)
        };
        of_customer.max_by_key(by_chat).map(|((staff, _), _)| staff.as_str())
    }
}

/// `externalcontact/get` (document 92114).
pub(crate) fn get(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let customer = call.query("external_userid").filter(|id| !id.is_empty());
    let customer = customer.ok_or_else(|| Refusal::new(NO_CUSTOMER, "external_userid missing"))?;
    let until_ms = call.now_ms - world.settings.limits.relation_lag_ms;
    let relations = world.people.relations.iter();
    let mine = relations.filter(|((_, whose), relation)| whose == customer && relation.since_ms <= until_ms);
    let follow_user: Vec<Value> = mine
        .map(|((staff, _), relation)| {
            json!({
                "userid": staff,
                "remark": customer,
                "createtime": relation.since_ms / 1000,
                "state": relation.state,
                "add_way": relation.add_way,
                "oper_userid": customer,
                "tags": relation.tags.iter().filter_map(|id| world.tags.shown(id)).collect::<Vec<_>>(),
            })
        })
        .collect();
    if follow_user.is_empty() {
        return Err(Refusal::new(NO_RELATION, "not external contact"));
    }
    Ok(json!({
        "external_contact": { "external_userid": customer, "name": customer, "type": 1, "gender": 0 },
        "follow_user": follow_user,
    }))
}
