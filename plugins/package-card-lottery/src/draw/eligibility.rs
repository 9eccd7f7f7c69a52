//! Who may draw. Whoever may not is told so: nobody is led to a draw that cannot win (SAMR Order 32 art. 16).

use siyu_plugin::customers::{self, Customer};
use siyu_plugin::prelude::*;

use crate::campaign::{AgeUnknown, Campaign, Require};
use crate::refusals::{NOT_ELIGIBLE, NOT_FRIEND};

/// Whether the call's customer may draw.
pub(crate) fn check_eligible(rules: &Campaign) -> Result<(), Stop> {
    let wanted = &rules.eligibility;
    let asks_who = wanted.require == Require::Friend
        || wanted.new_customer_only
        || wanted.min_age.is_some()
        || !wanted.exclude_tags.is_empty();
    if asks_who {
        let who = customers::current().get()?;
        check_person(rules, &who.ok_or_else(|| NOT_ELIGIBLE.because("there is no such customer"))?)?;
    }
    check_condition(rules, None)
}

/// Whether an entrant of a batch draw is a customer who may win.
pub(crate) fn may_win(rules: &Campaign, entrant: &str) -> Result<bool, Stop> {
    let Ok(Some(who)) = customers::of(entrant).get() else {
        return Ok(false);
    };
    match check_person(rules, &who).and_then(|()| check_condition(rules, Some(entrant))) {
        Ok(()) => Ok(true),
        Err(Stop::Refused(_)) => Ok(false),
        Err(fault) => Err(fault),
    }
}

fn check_condition(rules: &Campaign, customer: Option<&str>) -> Result<(), Stop> {
    match &rules.eligibility.condition {
        Some(condition) if !condition.evaluate(customer, &json!({}))?.holds() => {
            Err(NOT_ELIGIBLE.because(format!("`{condition}` does not hold for the customer")).into())
        }
        _ => Ok(()),
    }
}

fn check_person(rules: &Campaign, who: &Customer) -> Result<(), Stop> {
    let wanted = &rules.eligibility;
    NOT_FRIEND.unless(wanted.require == Require::Anyone || is_friend(who))?;
    if let Some(tag) = wanted.exclude_tags.iter().find(|tag| who.has_tag(tag)) {
        return Err(NOT_ELIGIBLE.because(format!("customers with the tag `{tag}` may not take part")).into());
    }
    let orders = who.fact("order.paid").count;
    if wanted.new_customer_only && orders > 0 {
        return Err(NOT_ELIGIBLE
            .because(format!("only new customers may take part, {orders} orders are paid"))
            .into());
    }
    match wanted.min_age {
        Some(least) => check_age(who, least, wanted.min_age_unknown),
        None => Ok(()),
    }
}

/// A friend was added and not deleted since, by either side.
fn is_friend(who: &Customer) -> bool {
    let last = |types: &[&str]| types.iter().filter_map(|name| who.fact(name).last).max();
    let added = last(&["friend.added", "friend.re_added", "friend.half_added"]);
    added.is_some() && added >= last(&["friend.deleted_by_customer", "friend.deleted_by_staff"])
}

fn check_age(who: &Customer, least: u8, unknown: AgeUnknown) -> Result<(), Stop> {
    let birthday = who.attributes.get("birthday").and_then(|value| value.as_str()).and_then(read_date);
    let Some((year, month, day)) = birthday else {
        let why =
            NOT_ELIGIBLE.because("the customer's age is not known: the attribute `birthday` is no date");
        return if unknown == AgeUnknown::Allow { Ok(()) } else { Err(why.into()) };
    };
    let today = Instant::now().local(&Zone::of_playbook())?;
    let had_birthday = (today.month, today.day) >= (month, day);
    let age = today.year - year - i32::from(!had_birthday);
    if age < i32::from(least) {
        return Err(NOT_ELIGIBLE.because(format!("one must be {least} years old to take part")).into());
    }
    Ok(())
}

/// `1990-05-31`
fn read_date(text: &str) -> Option<(i32, u8, u8)> {
    let mut parts = text.get(..10)?.splitn(3, '-');
    let date = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    ((1..=12).contains(&date.1) && (1..=31).contains(&date.2)).then_some(date)
}
