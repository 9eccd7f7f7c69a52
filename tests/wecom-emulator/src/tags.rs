//! The corp's tags (企业标签) and who has them (documents 92117, 92118). What the API changes causes no callback.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::codes::{
    Refusal, TAG_EXISTS, TOO_MANY_TAGS, WRONG_ARGUMENT, WRONG_CUSTOMER, WRONG_TAG, WRONG_TAG_LENGTH,
};
use crate::routes::Call;
use crate::world::World;

/// Characters of a name.
const NAME_MAX: usize = 30;
/// Tags of the corp.
const TAGS_MAX: usize = 3_000;

/// All tags.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    /// Names of groups by id.
    pub(crate) groups: BTreeMap<String, String>,
    pub(crate) by_id: BTreeMap<String, Tag>,
    made: u32,
}

/// A tag.
#[derive(Debug, Clone)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) group_id: String,
    made_s: i64,
}

impl Tags {
    /// A tag as `externalcontact/get` shows it.
    pub(crate) fn shown(&self, id: &str) -> Option<Value> {
        let tag = self.by_id.get(id)?;
        let group = self.groups.get(&tag.group_id)?;
        Some(json!({ "group_name": group, "tag_name": tag.name, "tag_id": id, "type": 1 }))
    }

    fn next_id(&mut self, of: &str) -> String {
        self.made += 1;
        format!("et{of}{}", self.made)
    }

    fn group_json(&self, group_id: &str) -> Value {
        let tags: Vec<Value> = self
            .by_id
            .iter()
            .filter(|(_, tag)| tag.group_id == group_id)
            .map(|(id, tag)| json!({ "id": id, "name": tag.name, "create_time": tag.made_s, "order": 0 }))
            .collect();
        let name = self.groups.get(group_id);
        json!({ "group_id": group_id, "group_name": name, "order": 0, "tag": tags })
    }

    fn is_taken(&self, group_id: &str, name: &str) -> bool {
        self.by_id.values().any(|tag| tag.group_id == group_id && tag.name == name)
    }
}

#[derive(Deserialize)]
struct Add {
    #[serde(default)]
    group_id: Option<String>,
    #[serde(default)]
    group_name: Option<String>,
    #[serde(default)]
    tag: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Edit {
    id: String,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    tag_id: Vec<String>,
    #[serde(default)]
    group_id: Vec<String>,
}

#[derive(Deserialize)]
struct Mark {
    userid: String,
    external_userid: String,
    #[serde(default)]
    add_tag: Vec<String>,
    #[serde(default)]
    remove_tag: Vec<String>,
}

/// `add_corp_tag`: into a group that there is, by id or name, or into a new one.
pub(crate) fn add(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let wish: Add = call.read()?;
    let tags = &mut world.tags;
    let known = match (&wish.group_id, &wish.group_name) {
        (Some(id), _) => {
            let is_known = tags.groups.contains_key(id);
            Some(id.clone())
                .filter(|_| is_known)
                .ok_or_else(|| Refusal::new(WRONG_TAG, "invalid group_id"))?
        }
        (None, Some(name)) => {
            check_name(name)?;
            let id = tags.groups.iter().find(|(_, known)| *known == name).map(|(id, _)| id.clone());
            id.unwrap_or_default()
        }
        (None, None) => return Err(Refusal::new(WRONG_ARGUMENT, "group_id and group_name are empty")),
    };
    let mut names = BTreeSet::new();
    for Named { name } in &wish.tag {
        check_name(name)?;
        if tags.is_taken(&known, name) || !names.insert(name) {
            return Err(Refusal::new(TAG_EXISTS, format!("tag name exists: {name}")));
        }
    }
    if names.is_empty() {
        return Err(Refusal::new(WRONG_ARGUMENT, "tag is empty"));
    }
    if tags.by_id.len() + names.len() > TAGS_MAX {
        return Err(Refusal::new(TOO_MANY_TAGS, "corp tag count over limit"));
    }
    let group_id = if known.is_empty() { tags.next_id("G") } else { known };
    tags.groups.entry(group_id.clone()).or_insert_with(|| wish.group_name.clone().unwrap_or_default());
    for Named { name } in wish.tag {
        let id = tags.next_id("T");
        tags.by_id.insert(id, Tag { name, group_id: group_id.clone(), made_s: call.now_ms / 1000 });
    }
    Ok(json!({ "tag_group": tags.group_json(&group_id) }))
}

/// `edit_corp_tag`: a tag or a group.
pub(crate) fn edit(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let Edit { id, name } = call.read()?;
    let name = name.unwrap_or_default();
    check_name(&name)?;
    let tags = &mut world.tags;
    if let Some(group) = tags.groups.get_mut(&id) {
        *group = name;
        return Ok(json!({}));
    }
    let group_id = tags.by_id.get(&id).map(|tag| tag.group_id.clone());
    let group_id = group_id.ok_or_else(|| Refusal::new(WRONG_TAG, "invalid tag id"))?;
    if tags.is_taken(&group_id, &name) {
        return Err(Refusal::new(TAG_EXISTS, format!("tag name exists: {name}")));
    }
    if let Some(tag) = tags.by_id.get_mut(&id) {
        tag.name = name;
    }
    Ok(json!({}))
}

/// `del_corp_tag`: tags, and groups with their tags.
pub(crate) fn remove(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let Which { tag_id, group_id } = call.read()?;
    let tags = &mut world.tags;
    let unknown_tag = tag_id.iter().any(|id| !tags.by_id.contains_key(id));
    if unknown_tag || group_id.iter().any(|id| !tags.groups.contains_key(id)) {
        return Err(Refusal::new(WRONG_TAG, "invalid tag id"));
    }
    tags.groups.retain(|id, _| !group_id.contains(id));
    tags.by_id.retain(|id, tag| !tag_id.contains(id) && !group_id.contains(&tag.group_id));
    for relation in world.people.relations.values_mut() {
        relation.tags.retain(|id| world.tags.by_id.contains_key(id));
    }
    Ok(json!({}))
}

/// `get_corp_tag_list`: all, or those that are named.
pub(crate) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let Which { tag_id, group_id } = call.read()?;
    let tags = &world.tags;
    let is_wanted = |id: &String| {
        let has_tag = tag_id.iter().any(|tag| tags.by_id.get(tag).is_some_and(|tag| tag.group_id == *id));
        tag_id.is_empty() && group_id.is_empty() || group_id.contains(id) || has_tag
    };
    let groups: Vec<Value> =
        tags.groups.keys().filter(|id| is_wanted(id)).map(|id| tags.group_json(id)).collect();
    Ok(json!({ "tag_group": groups }))
}

/// `mark_tag`.
pub(crate) fn mark(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let Mark { userid, external_userid, add_tag, remove_tag } = call.read()?;
    if external_userid.is_empty() {
        return Err(Refusal::new(WRONG_CUSTOMER, "invalid external userid"));
    }
    if add_tag.is_empty() && remove_tag.is_empty() {
        return Err(Refusal::new(WRONG_ARGUMENT, "add_tag and remove_tag are empty"));
    }
    let until_ms = call.now_ms - world.settings.limits.relation_lag_ms;
    let relation = world.people.seen((&userid, &external_userid), until_ms)?;
    let mut named = add_tag.iter().chain(&remove_tag);
    if let Some(unknown) = named.find(|id| !world.tags.by_id.contains_key(*id)) {
        return Err(Refusal::new(WRONG_TAG, format!("invalid tag id: {unknown}")));
    }
    relation.tags.extend(add_tag);
    relation.tags.retain(|id| !remove_tag.contains(id));
    Ok(json!({}))
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let length = name.chars().count();
    if length == 0 || length > NAME_MAX {
        return Err(Refusal::new(WRONG_TAG_LENGTH, format!("a name has {length} characters")));
    }
    Ok(())
}
