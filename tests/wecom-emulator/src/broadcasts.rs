//! Broadcasts (企业群发): a call makes a task for staff, and nothing is sent before a member of staff says so (document 92135).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::codes::{
    BEING_DISPATCHED, NO_BROADCAST, NO_SUCH_STAFF, NOBODY_TO_SEND_TO, Refusal, TOO_OFTEN, WRONG_ARGUMENT,
    WRONG_BROADCAST,
};
use crate::content::Content;
use crate::paging::{Page, paged};
use crate::routes::Call;
use crate::world::World;

const DAY_MS: i64 = 86_400_000;
/// Customers of one call.
const CUSTOMERS_MAX: usize = 10_000;
/// How far apart the ends of a list may lie: a month.
const SPAN_S: i64 = 31 * 86_400;

/// What became of a broadcast for one customer: the `status` of `get_groupmsg_send_result`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// 0: the member of staff did not say so yet.
    NotYet,
    /// 1: the customer has it.
    Sent,
    /// 2: they are friends no more.
    NotFriends,
    /// 3: the customer has had as many as one may have.
    QuotaUsed,
}

/// A task for staff.
#[derive(Debug, Clone, Serialize)]
pub struct Broadcast {
    /// What it says.
    pub content: Content,
    /// When it was made.
    pub made_ms: i64,
    /// Staff, their customers, and what became of it for each, with the instant.
    pub staff: BTreeMap<String, BTreeMap<String, (Sent, Option<i64>)>>,
    /// When staff were reminded.
    pub reminded_ms: Vec<i64>,
}

/// All broadcasts.
#[derive(Debug, Default)]
pub(crate) struct Broadcasts {
    pub(crate) by_id: BTreeMap<String, Broadcast>,
}

impl Broadcasts {
    /// A member of staff says so: it goes to their customers. The error says what is wrong.
    pub(crate) fn confirm(
        &mut self,
        (msgid, staff): (&str, &str),
        is_friend: impl Fn(&str) -> bool,
        now_ms: i64,
    ) -> Result<(), String> {
        let month = month(now_ms);
        let had: Vec<String> = self.sent_in(&month).map(str::to_owned).collect();
        let broadcast = self.by_id.get_mut(msgid).ok_or_else(|| format!("no broadcast `{msgid}`"))?;
        let customers = broadcast.staff.get_mut(staff);
        let customers = customers.ok_or_else(|| format!("`{staff}` has no part in `{msgid}`"))?;
        for (customer, sent) in customers.iter_mut().filter(|(_, sent)| sent.0 == Sent::NotYet) {
            let count = had.iter().filter(|whose| *whose == customer).count();
            let became = match is_friend(customer) {
                false => Sent::NotFriends,
                true if count >= month.2 => Sent::QuotaUsed,
                true => Sent::Sent,
            };
            *sent = (became, Some(now_ms));
        }
        Ok(())
    }

    fn sent_in<'a>(&'a self, wanted: &'a Month) -> impl Iterator<Item = &'a str> {
        let all = self.by_id.values().flat_map(|broadcast| broadcast.staff.values()).flatten();
        all.filter(|(_, (sent, at))| *sent == Sent::Sent && at.is_some_and(|at| month(at) == *wanted))
            .map(|(customer, _)| customer.as_str())
    }
}

/// A year, a month, and how many days it has: so many broadcasts a customer may get.
type Month = (i16, i8, usize);

fn month(at_ms: i64) -> Month {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    let day = at.to_zoned(TimeZone::fixed(Offset::constant(8))).date();
    (day.year(), day.month(), usize::try_from(day.days_in_month()).unwrap_or(31))
}

#[derive(Deserialize)]
struct Wish {
    #[serde(default)]
    chat_type: Option<String>,
    #[serde(default)]
    external_userid: Vec<String>,
    #[serde(default)]
    sender: Option<String>,
    #[serde(flatten)]
    content: Content,
}

#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    msgid: String,
    #[serde(default)]
    userid: String,
    #[serde(flatten)]
    page: Page,
}

#[derive(Deserialize)]
struct Span {
    chat_type: String,
    start_time: i64,
    end_time: i64,
    #[serde(flatten)]
    page: Page,
}

/// `add_msg_template`, for customers.
pub(crate) fn add(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let Wish { chat_type, external_userid, sender, content } = call.read()?;
    if chat_type.is_some_and(|kind| kind != "single") {
        return Err(Refusal::new(WRONG_ARGUMENT, "chat_type: single is emulated alone"));
    }
    if external_userid.len() > CUSTOMERS_MAX {
        return Err(Refusal::new(WRONG_ARGUMENT, "external_userid: too many"));
    }
    content.check()?;
    let sender = sender.filter(|sender| !sender.is_empty());
    if let Some(sender) = &sender
        && !world.people.staff.contains_key(sender)
    {
        return Err(Refusal::new(NO_SUCH_STAFF, "userid not found"));
    }
    let customers: BTreeSet<String> = external_userid.into_iter().collect();
    let (mut staff, mut fail_list): (BTreeMap<String, BTreeMap<_, _>>, Vec<String>) = Default::default();
    for customer in customers {
        let closest = match &sender {
            Some(sender) => {
                let relation = world.people.relations.get(&(sender.clone(), customer.clone()));
                relation.map(|_| sender.clone())
            }
            None => world.people.closest_to(&customer).map(str::to_owned),
        };
        match closest {
            Some(closest) => {
                staff.entry(closest).or_default().insert(customer, (Sent::NotYet, None));
            }
            None => fail_list.push(customer),
        }
    }
    if staff.is_empty() {
        return Err(Refusal::new(NOBODY_TO_SEND_TO, "no customer to send"));
    }
    let msgid = format!("msg{}{:08x}", world.broadcasts.by_id.len() + 1, world.chance.u32(..));
    let broadcast = Broadcast { content, made_ms: call.now_ms, staff, reminded_ms: Vec::new() };
    world.broadcasts.by_id.insert(msgid.clone(), broadcast);
    Ok(json!({ "fail_list": fail_list, "msgid": msgid }))
}

/// `get_groupmsg_task`: which staff did their part.
pub(crate) fn staff_of(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let which: Which = call.read()?;
    let broadcast = find(world, call, &which)?;
    let staff = broadcast.staff.iter().map(|(member, customers)| {
        let done_at = customers.values().filter_map(|(_, at)| *at).max();
        let is_done = customers.values().all(|(sent, _)| *sent != Sent::NotYet);
        match done_at.filter(|_| is_done) {
            Some(at) => json!({ "userid": member, "status": 2, "send_time": at / 1000 }),
            None => json!({ "userid": member, "status": 0 }),
        }
    });
    paged("task_list", staff.collect(), &which.page, 1000)
}

/// `get_groupmsg_send_result`: what became of it for the customers of one member of staff.
pub(crate) fn results_of(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let which: Which = call.read()?;
    let broadcast = find(world, call, &which)?;
    let customers = broadcast.staff.get(&which.userid);
    let customers = customers.ok_or_else(|| Refusal::new(NO_SUCH_STAFF, "userid not found"))?;
    let rows = customers.iter().map(|(customer, (sent, at))| {
        let mut row = json!({ "external_userid": customer, "userid": which.userid, "status": *sent as u8 });
        if let Some(at) = at {
            row["send_time"] = json!(at / 1000);
        }
        row
    });
    paged("send_list", rows.collect(), &which.page, 1000)
}

/// `get_groupmsg_list_v2`: the broadcasts of a month at most.
pub(crate) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let Span { chat_type, start_time, end_time, page } = call.read()?;
    if end_time < start_time || end_time - start_time > SPAN_S {
        return Err(Refusal::new(WRONG_ARGUMENT, "start_time and end_time: at most a month apart"));
    }
    let all = world.broadcasts.by_id.iter().filter(|_| chat_type == "single");
    let mut of_span: Vec<_> =
        all.filter(|(_, one)| (start_time..=end_time).contains(&(one.made_ms / 1000))).collect();
    of_span.sort_by_key(|(_, one)| std::cmp::Reverse(one.made_ms));
    let rows = of_span.into_iter().map(|(msgid, one)| {
        json!({
            "msgid": msgid,
            "create_time": (one.made_ms / 1000).to_string(),
            "create_type": 0,
            "text": one.content.text,
            "attachments": one.content.attachments,
        })
    });
    paged("group_msg_list", rows.collect(), &page, 100)
}

/// `remind_groupmsg_send`.
pub(crate) fn remind(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let which: Which = call.read()?;
    find(world, call, &which)?;
    let limit = world.settings.limits.reminders_per_day as usize;
    let broadcast = world.broadcasts.by_id.get_mut(&which.msgid);
    let broadcast = broadcast.ok_or_else(|| Refusal::new(WRONG_BROADCAST, "invalid msgid"))?;
    let recent = broadcast.reminded_ms.iter().filter(|at| call.now_ms - **at < DAY_MS).count();
    if recent >= limit {
        return Err(Refusal::new(TOO_OFTEN, "reminded three times in 24 hours"));
    }
    broadcast.reminded_ms.push(call.now_ms);
    Ok(json!({}))
}

fn find<'a>(world: &'a World, call: &Call, which: &Which) -> Result<&'a Broadcast, Refusal> {
    if which.msgid.is_empty() {
        return Err(Refusal::new(NO_BROADCAST, "msgid missing"));
    }
    let broadcast = world.broadcasts.by_id.get(&which.msgid);
    let broadcast = broadcast.ok_or_else(|| Refusal::new(WRONG_BROADCAST, "invalid msgid"))?;
    if call.now_ms - broadcast.made_ms < world.settings.limits.dispatch_lag_ms {
        return Err(Refusal::new(BEING_DISPATCHED, "the message is being dispatched, try later"));
    }
    Ok(broadcast)
}
