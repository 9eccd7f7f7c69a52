//! What people do: staff, customers, and whoever wants to see a bad day. A test says it, and so may a request to
//! `/emulator/act`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::callback::Callback;
use crate::codes::{TOKEN_EXPIRED, WRONG_TOKEN};
use crate::people::Relation;
use crate::world::{Plan, World};

/// Something that people do, or that happens to WeCom.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// A member of staff joins; one who may have no customers is refused in contact ways (84074).
    StaffJoins {
        /// Their `userid`.
        staff: String,
        /// Whether they may have customers.
        #[serde(default = "yes")]
        may_contact: bool,
    },
    /// A customer becomes a friend: `add_external_contact`, with a welcome code.
    CustomerAdds {
        /// Their `external_userid`.
        customer: String,
        /// Whose friend.
        staff: String,
        /// Where they come from.
        #[serde(default)]
        state: String,
    },
    /// The same over a contact way, which knows staff and state.
    CustomerScans {
        /// Their `external_userid`.
        customer: String,
        /// The contact way.
        config_id: String,
    },
    /// A customer puts a member of staff off their list: `del_follow_user`.
    CustomerDeletes {
        /// Who.
        customer: String,
        /// Whom.
        staff: String,
    },
    /// A member of staff puts a customer off their list: `del_external_contact`.
    StaffDeletes {
        /// Who.
        staff: String,
        /// Whom.
        customer: String,
    },
    /// The two chat: from now on a welcome is too late.
    Chat {
        /// One.
        customer: String,
        /// The other.
        staff: String,
    },
    /// A member of staff puts tags on by hand: `edit_external_contact`.
    StaffTags {
        /// Who.
        staff: String,
        /// Whom.
        customer: String,
        /// Ids.
        tags: Vec<String>,
    },
    /// Somebody changes a tag in the console: `change_external_tag`.
    TagChanges {
        /// Its id.
        tag: String,
        /// `create`, `update`, `delete`.
        change: String,
    },
    /// A group of customers changes: `change_external_chat`.
    ChatChanges {
        /// Its id.
        chat: String,
        /// `create`, `update`, `dismiss`.
        change: String,
        /// For `update`: `add_member`, `del_member`, `change_owner` and so on.
        #[serde(default)]
        detail: Option<String>,
        /// Who came or went.
        #[serde(default)]
        members: Vec<String>,
    },
    /// A member of staff confirms a broadcast: now it goes.
    StaffConfirms {
        /// Who.
        staff: String,
        /// Which.
        msgid: String,
    },
    /// The token ends early and is unknown from now on (40014).
    TokenEnds,
    /// The token ends early and is said to be expired (42001).
    TokenExpires,
    /// The next calls of an API are not done, and answered with a code.
    Fail {
        /// The last part of its path.
        api: String,
        /// `errcode`.
        code: i64,
        /// How many.
        times: u32,
    },
    /// The next calls of an API are done, and nobody hears of it: the connection closes.
    LoseAnswers {
        /// The last part of its path.
        api: String,
        /// How many.
        times: u32,
    },
    /// Calls of an API wait before they are done.
    Hold {
        /// The last part of its path.
        api: String,
    },
    /// They go on.
    Release {
        /// The last part of its path.
        api: String,
    },
}

fn yes() -> bool {
    true
}

impl World {
    /// Does it; gives what there is to know, such as a welcome code. The error says what cannot be.
    pub(crate) fn act(&mut self, act: Act, now_ms: i64) -> Result<Value, String> {
        match act {
            Act::StaffJoins { staff, may_contact } => {
                self.people.staff.insert(staff, may_contact);
            }
            Act::CustomerAdds { customer, staff, state } => {
                return self.befriend((staff, customer), (state, 0), now_ms);
            }
            Act::CustomerScans { customer, config_id } => {
                let next = self.ways.next_staff(&config_id);
                let (staff, state) =
                    next.ok_or_else(|| format!("no contact way `{config_id}` with staff"))?;
                return self.befriend((staff, customer), (state, 1), now_ms);
            }
            Act::CustomerDeletes { customer, staff } => {
                self.relation(&staff, &customer)?.is_friend = false;
                self.callback("del_follow_user", (staff, customer), Vec::new(), now_ms);
            }
            Act::StaffDeletes { staff, customer } => {
                self.relation(&staff, &customer)?;
                self.people.relations.remove(&(staff.clone(), customer.clone()));
                self.callback("del_external_contact", (staff, customer), Vec::new(), now_ms);
            }
            Act::Chat { customer, staff } => {
                self.relation(&staff, &customer)?.last_chat_ms = Some(now_ms);
            }
            Act::StaffTags { staff, customer, tags } => {
                if let Some(unknown) = tags.iter().find(|id| !self.tags.by_id.contains_key(*id)) {
                    return Err(format!("no tag `{unknown}`"));
                }
                self.relation(&staff, &customer)?.tags.extend(tags);
                self.callback("edit_external_contact", (staff, customer), Vec::new(), now_ms);
            }
            Act::TagChanges { tag, change } => {
                let fields = vec![("Id", tag), ("TagType", "tag".to_owned())];
                self.due("change_external_tag", change, fields, now_ms);
            }
            Act::ChatChanges { chat, change, detail, members } => {
                let mut fields = vec![("ChatId", chat)];
                fields.extend(detail.map(|detail| ("UpdateDetail", detail)));
                fields.push(("MemChangeCnt", members.len().to_string()));
                self.due("change_external_chat", change, fields, now_ms);
                if let Some(due) = self.due.last_mut() {
                    due.members = members;
                }
            }
            Act::StaffConfirms { staff, msgid } => {
                let relations = &self.people.relations;
                let is_friend = |customer: &str| {
                    let relation = relations.get(&(staff.clone(), customer.to_owned()));
                    relation.is_some_and(|relation| relation.is_friend)
                };
                self.broadcasts.confirm((&msgid, &staff), is_friend, now_ms)?;
            }
            Act::TokenEnds => self.tokens.end(WRONG_TOKEN),
            Act::TokenExpires => self.tokens.end(TOKEN_EXPIRED),
            Act::Fail { api, code, times } => self.plan(api, Plan::Fail(code), times),
            Act::LoseAnswers { api, times } => self.plan(api, Plan::LoseAnswer, times),
            Act::Hold { api } => {
                self.held.insert(api);
            }
            Act::Release { api } => {
                self.held.remove(&api);
            }
        }
        Ok(json!({}))
    }

    fn befriend(
        &mut self,
        (staff, customer): (String, String),
        (state, add_way): (String, u8),
        now_ms: i64,
    ) -> Result<Value, String> {
        if !self.people.staff.contains_key(&staff) {
            return Err(format!("no staff `{staff}`"));
        }
        let place = (staff.clone(), customer.clone());
        if self.people.relations.get(&place).is_some_and(|relation| relation.is_friend) {
            return Err(format!("`{staff}` and `{customer}` are friends already"));
        }
        let relation = Relation {
            since_ms: now_ms,
            state: state.clone(),
            add_way,
            tags: Default::default(),
            last_chat_ms: None,
            is_friend: true,
        };
        self.people.relations.insert(place, relation);
        let salt = self.chance.u64(..);
        let code = self.welcomes.issue((&staff, &customer), now_ms, salt);
        let mut fields = Vec::new();
        if !state.is_empty() {
            fields.push(("State", state));
        }
        fields.push(("WelcomeCode", code.clone()));
        self.callback("add_external_contact", (staff, customer), fields, now_ms);
        Ok(json!({ "welcome_code": code }))
    }

    fn relation(&mut self, staff: &str, customer: &str) -> Result<&mut Relation, String> {
        let relation = self.people.relations.get_mut(&(staff.to_owned(), customer.to_owned()));
        relation.ok_or_else(|| format!("`{staff}` and `{customer}` have nothing to do with each other"))
    }

    fn callback(
        &mut self,
        change: &str,
        (staff, customer): (String, String),
        more: Vec<(&'static str, String)>,
        now_ms: i64,
    ) {
        let mut fields = vec![("UserID", staff), ("ExternalUserID", customer)];
        fields.extend(more);
        self.due("change_external_contact", change.to_owned(), fields, now_ms);
    }

    fn due(&mut self, event: &'static str, change: String, fields: Vec<(&'static str, String)>, at_ms: i64) {
        self.due.push(Callback { event, change, at_ms, fields, members: Vec::new() });
    }

    fn plan(&mut self, api: String, plan: Plan, times: u32) {
        let plans = self.plans.entry(api).or_default();
        plans.extend((0..times.min(1_000)).map(|_| plan));
    }
}
