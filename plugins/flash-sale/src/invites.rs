//! Friends that a customer brought (拉新). A friend counts for one customer, once; a purchase may spend them. Who left again
//! counts no more, unless the purchase was made before.

#[cfg(test)]
mod tests;

use siyu_plugin::Error;
use siyu_plugin::customers::{self, Customer};
use siyu_plugin::prelude::*;
use siyu_plugin::{context, records};

use crate::refusals::GATE_INVITES;
use crate::session::Invites;

/// Friends that are remembered of one customer; beyond, the oldest are forgotten. They fit one document.
const REMEMBERED_MAX: usize = 300;
const KEY: &str = "invites";

/// A friend that was brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Invited {
    friend: String,
    at: Instant,
    /// Never a friend before.
    is_new: bool,
    /// The order that spent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spent: Option<String>,
}

/// Counts a friend for the customer who brought them (记邀请), for the gates of all sessions.
///
/// Put it into the workflow of `friend.added` or `referral.qualified`. Who is brought twice, or brings oneself, does not
/// count; that is an answer, not a refusal.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invite {
    /// The customer who brought the friend (邀请人), by id; the run's customer when absent.
    #[serde(default)]
    inviter: Option<String>,
    /// The friend (被邀请人), by id; the run's customer when absent.
    #[serde(default)]
    friend: Option<String>,
    /// Whether they never were a friend before. When absent, their events say it: one `friend.added`, no `friend.re_added`
    /// and no `friend.deleted_by_…`.
    #[serde(default)]
    new_friend: Option<bool>,
    /// Whether they are staff (员工), who never count.
    #[serde(default)]
    staff: bool,
}

/// Why a friend counts not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NotCounted {
    /// Nobody brings oneself.
    Oneself,
    /// Staff do not count.
    Staff,
    /// Counted before, for this customer or another.
    CountedBefore,
}

/// Whether the friend counts.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct InviteCounted {
    /// Whether they do.
    pub(crate) counted: bool,
    /// Why not; null when they do.
    pub(crate) reason: Option<NotCounted>,
    /// Whether they never were a friend before.
    pub(crate) new_friend: bool,
    /// Friends of the customer who brought them that are not spent yet.
    pub(crate) unspent: u64,
}

impl Step for Invite {
    const NAME: &'static str = "invite";
    type Output = InviteCounted;

    fn run(self) -> Result<InviteCounted, Stop> {
        if self.inviter.is_none() && self.friend.is_none() {
            Err(Fault::invalid(
                "/inviter",
                "expected `inviter` or `friend`: one of them is the run's customer",
            ))?;
        }
        let me = || context::customer();
        let (inviter, friend) =
            (self.inviter.clone().map_or_else(me, Ok)?, self.friend.clone().map_or_else(me, Ok)?);
        let known = customers::of(&friend).get()?;
        let known = known.ok_or_else(|| {
            Fault::invalid("/friend", format!("there is no customer {friend}: expected an id"))
        })?;
        let new_friend = self.new_friend.unwrap_or_else(|| is_new(&known));
        let reason = self.objection(&inviter, &friend)?;
        let theirs = records::of(&inviter);
        let mut invited: Vec<Invited> = theirs.get(KEY)?.unwrap_or_default();
        if reason.is_none() {
            invited.push(Invited { friend, at: Instant::now(), is_new: new_friend, spent: None });
            let forgotten = invited.len().saturating_sub(REMEMBERED_MAX);
            invited.drain(..forgotten);
            theirs.put(KEY, &invited)?;
        }
        let unspent = invited.iter().filter(|one| one.spent.is_none()).count() as u64;
        Ok(InviteCounted { counted: reason.is_none(), reason, new_friend, unspent })
    }
}

impl Invite {
    fn objection(&self, inviter: &str, friend: &str) -> Result<Option<NotCounted>, Error> {
        if inviter == friend {
            return Ok(Some(NotCounted::Oneself));
        }
        if self.staff {
            return Ok(Some(NotCounted::Staff));
        }
        // Whoever inserts first has brought them: one friend, one customer, for ever.
        let is_first = records::of(friend).insert("brought-by", inviter)?;
        Ok((!is_first).then_some(NotCounted::CountedBefore))
    }
}

fn is_new(friend: &Customer) -> bool {
    let before = ["friend.re_added", "friend.deleted_by_customer", "friend.deleted_by_staff"];
    friend.fact("friend.added").count <= 1 && before.iter().all(|event| friend.fact(event).count == 0)
}

/// Lets the customer through who brought enough friends; those that the purchase spends.
pub(crate) fn pass(wanted: &Invites, qty: u64, now: Instant) -> Result<Vec<String>, Stop> {
    let needed = if wanted.consume { wanted.min.saturating_mul(qty) } else { wanted.min };
    let invited: Vec<Invited> = records::of_customer().get(KEY)?.unwrap_or_default();
    let mut counted = Vec::new();
    for one in &invited {
        if counted.len() as u64 == needed {
            break;
        }
        let age = now.since(one.at);
        let counts = (one.is_new || !wanted.new_friend)
            && (one.spent.is_none() || !wanted.consume)
            && wanted.kept_for <= age
            && age < wanted.window;
        // Asked last: it looks at another customer.
        if counts && is_still_friend(one)? {
            counted.push(one.friend.clone());
        }
    }
    let missing = needed.saturating_sub(counted.len() as u64);
    if missing > 0 {
        let message = format!("{} of {needed} friends are brought: {missing} are missing", counted.len());
        let details = json!({ "needed": needed, "counted": counted.len(), "missing": missing });
        Err(GATE_INVITES.because(message).details(details))?;
    }
    Ok(if wanted.consume { counted } else { Vec::new() })
}

/// Whether nobody ended the friendship since the invite. Who comes back later is not new.
fn is_still_friend(one: &Invited) -> Result<bool, Error> {
    let Some(friend) = customers::of(&one.friend).get()? else {
        return Ok(false);
    };
    let ended =
        friend.fact("friend.deleted_by_customer").last.max(friend.fact("friend.deleted_by_staff").last);
    Ok(ended.is_none_or(|ended| ended < one.at))
}

/// Spends friends on an order.
pub(crate) fn spend(friends: &[String], order: &str) -> Result<(), Error> {
    change(friends, |one| one.spent = Some(order.to_owned()))
}

/// Gives friends back that an order had spent.
pub(crate) fn give_back(friends: &[String], order: &str) -> Result<(), Error> {
    change(friends, |one| {
        if one.spent.as_deref() == Some(order) {
            one.spent = None;
        }
    })
}

/// Whether friends that an order once had can be spent on it again.
pub(crate) fn are_unspent(friends: &[String]) -> Result<bool, Error> {
    if friends.is_empty() {
        return Ok(true);
    }
    let invited: Vec<Invited> = records::of_customer().get(KEY)?.unwrap_or_default();
    let is_free = |friend: &String| {
        invited.iter().find(|one| one.friend == *friend).is_some_and(|one| one.spent.is_none())
    };
    Ok(friends.iter().all(is_free))
}

fn change(friends: &[String], change: impl Fn(&mut Invited)) -> Result<(), Error> {
    if friends.is_empty() {
        return Ok(());
    }
    let mine = records::of_customer();
    let mut invited: Vec<Invited> = mine.get(KEY)?.unwrap_or_default();
    invited.iter_mut().filter(|one| friends.contains(&one.friend)).for_each(change);
    mine.put(KEY, &invited)
}
