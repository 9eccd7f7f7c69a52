//! Welcome messages (欢迎语): one for each new friend, within 20 seconds, once (document 92599).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::codes::{CHATTING, NO_WELCOME_CODE, Refusal, WRONG_WELCOME_CODE};
use crate::content::Content;
use crate::record::Complaint;
use crate::routes::Call;
use crate::world::World;

/// The codes that callbacks carried.
#[derive(Debug, Default)]
pub(crate) struct Welcomes {
    codes: BTreeMap<String, Code>,
}

#[derive(Debug)]
struct Code {
    staff: String,
    customer: String,
    made_ms: i64,
    is_used: bool,
}

/// A welcome that a customer read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Welcome {
    /// Who read it.
    pub customer: String,
    /// Whose words they are.
    pub staff: String,
    /// What it says.
    pub content: Content,
    /// How long after the two became friends, in milliseconds.
    pub after_ms: i64,
}

impl Welcomes {
    /// A code for a new friendship.
    pub(crate) fn issue(&mut self, (staff, customer): (&str, &str), now_ms: i64, salt: u64) -> String {
        let code = format!("WELCOME{}{salt:016X}", self.codes.len() + 1);
        let (staff, customer) = (staff.to_owned(), customer.to_owned());
        self.codes.insert(code.clone(), Code { staff, customer, made_ms: now_ms, is_used: false });
        code
    }
}

#[derive(Deserialize)]
struct Wish {
    #[serde(default)]
    welcome_code: String,
    #[serde(flatten)]
    content: Content,
}

/// `send_welcome_msg`.
pub(crate) fn send(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let Wish { welcome_code, content } = call.read()?;
    if welcome_code.is_empty() {
        return Err(Refusal::new(NO_WELCOME_CODE, "welcome_code missing"));
    }
    content.check()?;
    let code = world.welcomes.codes.get_mut(&welcome_code);
    let code = code.ok_or_else(|| Refusal::new(WRONG_WELCOME_CODE, "invalid code"))?;
    if code.is_used {
        world.record.complain(call, Complaint::WelcomeTwice);
        return Err(Refusal::new(CHATTING, "externaluser has started chatting"));
    }
    let after_ms = call.now_ms - code.made_ms;
    if after_ms > world.settings.limits.welcome_ms {
        return Err(Refusal::new(WRONG_WELCOME_CODE, "invalid code"));
    }
    let relation = world.people.relations.get(&(code.staff.clone(), code.customer.clone()));
    if relation.is_some_and(|relation| relation.last_chat_ms.is_some()) {
        return Err(Refusal::new(CHATTING, "externaluser has started chatting"));
    }
    code.is_used = true;
    let (customer, staff) = (code.customer.clone(), code.staff.clone());
    world.record.welcomes.push(Welcome { customer, staff, content, after_ms });
    Ok(json!({}))
}
