//! The funnel (漏斗): parcels with a card → scanned → friend added → drawn → coupon → first order → repurchase, by the
//! channel by which a customer first became a friend.
//!
//! Orders count from the instant at which the customer became a friend: what they bought before is why they had a parcel.
//! A repurchase is an order on a later calendar day of the playbook's zone.

use std::collections::BTreeMap;

use serde::Serialize;
use siyu_engine::ports::inspect::{First, Group, GroupQuery, Inspect, Span, Turn};
use siyu_engine::ports::rows::FactRow;
use siyu_model::clock::UtcMs;

use super::goals::{GoalLine, Measures};
use super::{channel, named};
use crate::orders::{ORDER_PAID, Orders};
use crate::walk::Walk;
use crate::{Frame, InsightError, Local, Rate, TakeBand};

/// What makes a customer a friend.
pub(super) const FRIEND_ADDED: &str = "friend.added";
const DRAWN: &str = "draw.completed";
const COUPON_ISSUED: &str = "coupon.issued";
const DELETED: &str = "friend.deleted_by_customer";
/// Channels whose own line is shown; further ones are added up in the last.
const CHANNELS_MAX: usize = 500;
const FURTHER: &str = "further channels";

/// The funnel of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Funnel {
    /// Whose days count.
    pub zone: String,
    /// Now.
    pub as_of: Local,
    /// The channels, the one with the most friends first.
    pub channels: Vec<Channel>,
    /// All of them together.
    pub total: Channel,
    /// Customers who bought and never became a friend.
    pub strangers_who_bought: u64,
    /// Goals of the playbooks, with what was reached.
    pub goals: Vec<GoalLine>,
}

/// One channel of the funnel. Each number but `parcels` counts customers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Channel {
    /// Its kind, with its id where there is one.
    pub channel: String,
    /// Parcels with a card of this channel.
    pub parcels: u64,
    /// Who scanned a code or a card of this channel.
    pub scanned: u64,
    /// Who became a friend.
    pub added: u64,
    /// Who drew.
    pub drawn: u64,
    /// Who got a coupon.
    pub coupon: u64,
    /// Who ordered since they became a friend.
    pub first_order: u64,
    /// Who ordered again on a later day.
    pub repurchase: u64,
    /// Who deleted the shop (被客户删除).
    pub deleted: u64,
    /// Friends added of parcels with a card (引流率); none without parcels.
    pub take_rate: Option<Rate>,
    /// How that compares with what is usual.
    pub take_band: Option<TakeBand>,
    /// First orders of friends added.
    pub first_order_rate: Rate,
    /// Repurchases of first orders.
    pub repurchase_rate: Rate,
}

impl Channel {
    fn new(channel: &str) -> Self {
        Self {
            channel: channel.to_owned(),
            parcels: 0,
            scanned: 0,
            added: 0,
            drawn: 0,
            coupon: 0,
            first_order: 0,
            repurchase: 0,
            deleted: 0,
            take_rate: None,
            take_band: None,
            first_order_rate: Rate::of(0, 0),
            repurchase_rate: Rate::of(0, 0),
        }
    }

    fn absorb(&mut self, other: &Self) {
        self.parcels += other.parcels;
        self.scanned += other.scanned;
        self.added += other.added;
        self.drawn += other.drawn;
        self.coupon += other.coupon;
        self.first_order += other.first_order;
        self.repurchase += other.repurchase;
        self.deleted += other.deleted;
    }

    fn with_rates(mut self, added_of_parcels: u64) -> Self {
        let take_rate = Rate::of(added_of_parcels, self.parcels);
        self.take_band = TakeBand::of(&take_rate);
        self.take_rate = (self.parcels > 0).then_some(take_rate);
        self.first_order_rate = Rate::of(self.first_order, self.added);
        self.repurchase_rate = Rate::of(self.repurchase, self.first_order);
        self
    }
}

/// The funnel of customers who became friends in a span; parcels and scans of the same span.
pub async fn funnel(inspect: &dyn Inspect, frame: &Frame, added: Span) -> Result<Funnel, InsightError> {
    let mut count = Count::new(frame, added);
    count.parcels_and_scans(inspect).await?;
    count.friends(inspect).await?;
    count.measures.runs(inspect).await?;
    Ok(count.finish())
}

struct Count<'a> {
    frame: &'a Frame,
    added: Span,
    channels: BTreeMap<String, Channel>,
    strangers_who_bought: u64,
    measures: Measures,
}

impl<'a> Count<'a> {
    fn new(frame: &'a Frame, added: Span) -> Self {
        let measures = Measures::of(frame);
        Self { frame, added, channels: BTreeMap::new(), strangers_who_bought: 0, measures }
    }

    fn channel(&mut self, name: &str) -> &mut Channel {
        let name = match self.channels.contains_key(name) || self.channels.len() < CHANNELS_MAX {
            true => name,
            false => FURTHER,
        };
        self.channels.entry(name.to_owned()).or_insert_with(|| Channel::new(name))
    }

    /// Events that are no customer's stage of their own: parcels, and scans, which may be by somebody not yet known.
    async fn parcels_and_scans(&mut self, inspect: &dyn Inspect) -> Result<(), InsightError> {
        let shipments = self.groups(inspect, "shipment.shipped", Some(&["card"])).await?;
        let cards = self.groups(inspect, "card.shipped", None).await?;
        let mut parcels: BTreeMap<String, [u64; 2]> = BTreeMap::new();
        for (place, groups) in [shipments, cards].iter().enumerate() {
            for group in groups {
                let name = channel::of_keys(&group.keys, channel::PACKAGE_CARD);
                parcels.entry(name).or_default()[place] += group.events;
            }
        }
        for (name, [shipments, cards]) in parcels {
            // A playbook that records cards makes a card of a shipment: the same parcel is told of twice.
            self.channel(&name).parcels += shipments.max(cards);
        }
        for (event_type, otherwise) in
            [("card.scanned", channel::PACKAGE_CARD), ("qr.scanned", channel::UNKNOWN)]
        {
            for group in self.groups(inspect, event_type, None).await? {
                let line = self.channel(&channel::of_keys(&group.keys, otherwise));
                // A scan by nobody known still is one.
                line.scanned += if group.customers == 0 { group.events } else { group.customers };
            }
        }
        Ok(())
    }

    async fn groups(
        &self,
        inspect: &dyn Inspect,
        event_type: &'static str,
        having: Option<&'static [&'static str]>,
    ) -> Result<Vec<Group>, InsightError> {
        let query = GroupQuery {
            event_type: named(event_type),
            by: channel::PATHS.to_vec(),
            having,
            customers: event_type.ends_with(".scanned"),
            sum: None,
            occurred: self.added,
        };
        Ok(inspect.groups(query).await?.rows)
    }

    /// Merges friends, facts and orders, which all come in the order of customers.
    async fn friends(&mut self, inspect: &dyn Inspect) -> Result<(), InsightError> {
        let (added, paid) = (named(FRIEND_ADDED), named(ORDER_PAID));
        let stages = [named(COUPON_ISSUED), named(DRAWN), named(DELETED), added.clone()];
        let mut firsts = Walk::new(Turn::stream(), |turn| inspect.firsts(&added, turn));
        let mut facts = Walk::new(Turn::stream(), |turn| inspect.facts(&stages, turn));
        let mut times = Walk::new(Turn::stream(), |turn| inspect.times(&paid, turn));
        loop {
            let next = [firsts.customer().await?, facts.customer().await?, times.customer().await?];
            let Some(customer) = next.into_iter().flatten().min() else { return Ok(()) };
            let mut person = Person::new(self.frame);
            firsts.rows_of(customer, |first| person.first = Some(first)).await?;
            facts.rows_of(customer, |fact| person.facts.push(fact)).await?;
            times.rows_of(customer, |(_, at)| person.bought(at)).await?;
            self.person(&person);
        }
    }

    fn person(&mut self, person: &Person<'_>) {
        self.measures.buyer(&person.ever);
        let Some(added_at) = person.added_at() else {
            self.strangers_who_bought += u64::from(person.ever.records > 0);
            return;
        };
        let is_inside = self.added.from.is_none_or(|from| added_at >= from)
            && self.added.until.is_none_or(|until| added_at < until);
        if !is_inside {
            return;
        }
        self.measures.friend(person.first.as_ref(), added_at, &person.since);
        let data = person.first.as_ref().map_or("", |first| &first.data);
        let name = channel::of_data(data);
        let line = self.channel(&name);
        line.added += 1;
        line.drawn += u64::from(person.did(DRAWN));
        line.coupon += u64::from(person.did(COUPON_ISSUED));
        line.deleted += u64::from(person.did(DELETED));
        line.first_order += u64::from(person.since.records > 0);
        line.repurchase += u64::from(person.since.second_day.is_some());
    }

    fn finish(self) -> Funnel {
        let mut total = Channel::new("total");
        let mut added_of_parcels = 0;
        for line in self.channels.values() {
            total.absorb(line);
            added_of_parcels += if line.parcels > 0 { line.added } else { 0 };
        }
        let mut channels: Vec<Channel> = self
            .channels
            .into_values()
            .map(|line| {
                let added = line.added;
                line.with_rates(added)
            })
            .collect();
        channels
            .sort_by(|one, other| other.added.cmp(&one.added).then_with(|| one.channel.cmp(&other.channel)));
        let total = total.with_rates(added_of_parcels);
        Funnel {
            zone: self.frame.zone.name().to_owned(),
            as_of: self.frame.local(self.frame.as_of),
            goals: self.measures.finish(&total),
            channels,
            total,
            strangers_who_bought: self.strangers_who_bought,
        }
    }
}

/// What the merge knows of one customer.
struct Person<'a> {
    frame: &'a Frame,
    first: Option<First>,
    facts: Vec<FactRow>,
    /// All their orders.
    ever: Orders,
    /// Their orders since they became a friend.
    since: Orders,
}

impl<'a> Person<'a> {
    fn new(frame: &'a Frame) -> Self {
        Self { frame, first: None, facts: Vec::new(), ever: Orders::default(), since: Orders::default() }
    }

    fn fact(&self, event_type: &str) -> Option<&FactRow> {
        self.facts.iter().find(|row| row.event_type.as_str() == event_type)
    }

    fn did(&self, event_type: &str) -> bool {
        self.fact(event_type).is_some()
    }

    /// When they first became a friend. The fact knows it even when retention took the event away.
    fn added_at(&self) -> Option<UtcMs> {
        self.fact(FRIEND_ADDED).map(|row| row.fact.first_at)
    }

    fn bought(&mut self, at: UtcMs) {
        self.ever.add(&self.frame.zone, at);
        if self.added_at().is_some_and(|added_at| at >= added_at) {
            self.since.add(&self.frame.zone, at);
        }
    }
}
