//! One person's life with the shop: the real orders, and around them what the model says. Gives events, writes nothing.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::behaviour::{Behaviour, Chance, Lead};
use crate::events::{Event, Source};
use crate::history::Order;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// What is the same for everybody.
pub(crate) struct World<'a> {
    /// The rates.
    pub(crate) behaviour: &'a Behaviour,
    /// The shop's zone.
    pub(crate) zone: TimeZone,
    /// When the history ends; nothing is made after it.
    pub(crate) ends: Timestamp,
}

/// Tells the life of one person.
pub(crate) struct Life<'a> {
    world: &'a World<'a>,
    chance: Chance,
    subject: String,
    number: String,
    /// Since when they are a friend.
    friend: Option<Timestamp>,
    /// When they deleted the shop.
    deleted: Option<Timestamp>,
    events: Vec<Event>,
}

impl<'a> World<'a> {
    /// A buyer of the history. `place` is the line of the file, from 1.
    pub(crate) fn buyer(&'a self, place: usize, orders: &[Order]) -> anyhow::Result<Vec<Event>> {
        let mut life = Life::new(self, "cdnow", place, 0);
        let lead = life.comes_by();
        for (at, order) in orders.iter().enumerate() {
            life.order(at, order, lead)?;
        }
        life.fridays()?;
        Ok(life.told())
    }

    /// Somebody who came by a lead channel and never bought: not in the history, which holds buyers only.
    pub(crate) fn looker(
        &'a self,
        place: usize,
        channel: &str,
        first_day: u32,
    ) -> anyhow::Result<Vec<Event>> {
        let mut life = Life::new(self, "lead", place, 1 << 40);
        let at = life.noon(first_day)? + life.span([0, 8], HOUR);
        life.becomes_friend(at, channel, json!({}));
        Ok(life.told())
    }

    /// How many people came by this channel for each buyer who did, buyers left out.
    pub(crate) fn lookers_a_buyer(lead: &Lead) -> f64 {
        (1.0 - lead.first_order_rate) / lead.first_order_rate
    }
}

impl<'a> Life<'a> {
    fn new(world: &'a World<'a>, namespace: &str, place: usize, stream: u64) -> Self {
        Self {
            chance: Chance::of(world.behaviour.seed, stream + place as u64),
            subject: format!("{namespace}:{place:05}"),
            number: format!("{namespace}-{place:05}"),
            friend: None,
            deleted: None,
            events: Vec::new(),
            world,
        }
    }

    /// The events, without those after the end of the history, some of them delivered twice.
    fn told(mut self) -> Vec<Event> {
        let ends = self.world.ends;
        self.events.retain(|event| event.at < ends);
        let again: Vec<Event> = std::mem::take(&mut self.events);
        for event in again {
            if self.chance.happens(self.world.behaviour.delivery_of_events.twice) {
                let later = event.at + self.span([1, 120], 1);
                self.events.push(Event { at: later.min(ends), ..event.clone() });
            }
            self.events.push(event);
        }
        self.events
    }

    /// The lead channel this buyer came by, if any.
    fn comes_by(&mut self) -> Option<&'a Lead> {
        self.world.behaviour.leads.iter().find(|lead| self.chance.happens(lead.share_of_buyers))
    }

    fn order(&mut self, at: usize, order: &Order, lead: Option<&Lead>) -> anyhow::Result<()> {
        let behaviour = self.world.behaviour;
        let hours = self.chance.seconds([behaviour.orders.hours[0], behaviour.orders.hours[1] - 1], HOUR);
        let midnight = self.midnight(order.day)?;
        let mut paid_at =
            midnight + SignedDuration::from_secs(hours + self.chance.seconds([0, 59], MINUTE) + at as i64);
        if at == 0
            && let Some(lead) = lead
        {
            let before = self.span(lead.days_before_first_order, DAY) + self.span([1, 9], HOUR);
            let channel = lead.channel.clone();
            self.becomes_friend(paid_at - before, &channel, json!({}));
        }
        let sku = self.chance.one_of(&behaviour.orders.products).cloned().unwrap_or_default();
        let mut data = json!({
            "order_no": format!("{}-{:03}", self.number, at + 1),
            "amount_fen": (f64::from(order.cents) * behaviour.orders.fen_per_cent).round() as i64,
            "items": [{ "sku": sku, "count": order.quantity }],
        });
        if self.is_friend(paid_at)
            && is_friday(&self.world.zone, midnight)
            && self.chance.happens(behaviour.flash.share_of_friday_orders)
        {
            paid_at = self.buys_in_the_sale(midnight, at, &mut data);
        }
        let order_no = data["order_no"].clone();
        self.events.push(Event {
            at: paid_at,
            id: format!("{}-{:03}", self.number, at + 1),
            kind: "order.paid",
            source: Source::Real,
            subject: self.subject.clone(),
            data,
        });
        self.parcel(paid_at, at, &order_no);
        Ok(())
    }

    /// What follows an order: the parcel, with a card for those who are no friends, and what they do with it.
    fn parcel(&mut self, paid_at: Timestamp, at: usize, order_no: &Value) {
        let behaviour = self.world.behaviour;
        let shipped = paid_at + self.span(behaviour.delivery.ships_after_hours, HOUR);
        let arrived = shipped + self.span(behaviour.delivery.arrives_after_hours, HOUR);
        let is_friend = self.is_friend(paid_at);
        let card = (!is_friend).then(|| format!("pk-{}-{:03}", self.number, at + 1));
        let mut data = json!({ "order_no": order_no, "cold_chain": true });
        if let Some(card) = &card {
            data["card"] = json!(card);
        }
        self.model(shipped, "shipment.shipped", data);
        self.model(arrived, "shipment.arrived", json!({ "order_no": order_no, "place": "丰巢柜 12 号" }));
        if let Some(card) = card {
            self.finds(&card, arrived, at == 0);
        } else {
            self.replies(paid_at, order_no);
        }
    }

    fn finds(&mut self, card: &str, arrived: Timestamp, is_first: bool) {
        let rates = &self.world.behaviour.card;
        if self.friend.is_some()
            || !self.chance.happens(if is_first { rates.scan_first } else { rates.scan_later })
        {
            return;
        }
        let scanned = arrived + self.span(rates.minutes_after_arrival, MINUTE);
        self.model(scanned, "card.scanned", json!({ "card": card }));
        if !self.chance.happens(rates.add) {
            return;
        }
        let added = scanned + self.span([10, 90], 1);
        self.becomes_friend(added, "package_card", json!({ "card": card }));
        if self.chance.happens(rates.scan_again) {
            let again = added + self.span([1, 600], MINUTE);
            self.model(again, "draw.requested", json!({ "card": card }));
        }
        if self.chance.happens(rates.two_people) {
            let other = added + self.span([1, 600], MINUTE);
            let subject = std::mem::replace(&mut self.subject, format!("household:{}", self.number));
            self.model(other, "draw.requested", json!({ "card": card }));
            self.subject = subject;
        }
    }

    fn replies(&mut self, paid_at: Timestamp, order_no: &Value) {
        let behaviour = self.world.behaviour;
        if self.chance.happens(behaviour.replies.address) {
            let at = paid_at + self.span(behaviour.replies.address_minutes, MINUTE);
            self.model(
                at,
                "message.replied",
                json!({ "topic": "address", "order_no": order_no, "text": "地址没错" }),
            );
        }
        if self.chance.happens(behaviour.refunds.rate) {
            let at = paid_at + self.span(behaviour.refunds.after_days, DAY);
            self.model(at, "order.refunded", json!({ "order_no": order_no, "full": true }));
        }
    }

    fn becomes_friend(&mut self, at: Timestamp, channel: &str, mut data: Value) {
        let behaviour = self.world.behaviour;
        self.friend = Some(at);
        data["channel"] = json!({ "kind": channel });
        data["staff"] = json!("xiaoniu-01");
        self.model(at, "friend.added", data);
        if self.chance.happens(behaviour.replies.group) {
            let replied = at + self.span(behaviour.replies.group_minutes, MINUTE);
            let choice =
                *self.chance.one_of(&["activity_notice", "cooking_guide", "none"]).unwrap_or(&"none");
            self.model(
                replied,
                "message.replied",
                json!({ "topic": "group", "choice": choice, "text": "好的" }),
            );
        }
        if self.chance.happens(behaviour.friends.delete) {
            let deleted = at + self.span(behaviour.friends.delete_after_days, DAY);
            self.deleted = Some(deleted);
            self.model(deleted, "friend.deleted_by_customer", json!({ "staff": "xiaoniu-01" }));
        }
    }

    /// A real order of a Friday that went through the sale. Gives when it was paid.
    fn buys_in_the_sale(&mut self, midnight: Timestamp, at: usize, data: &mut Value) -> Timestamp {
        let flash = &self.world.behaviour.flash;
        let clicked = self.sale_click(midnight, &data["order_no"]);
        let range =
            if self.chance.happens(flash.pay_late) { flash.pay_late_seconds } else { flash.pay_seconds };
        data["sale"] = json!({ "session": flash.session, "sku": flash.sku, "amount_fen": flash.price_fen });
        clicked + self.span(range, 1) + SignedDuration::from_secs(at as i64)
    }

    fn sale_click(&mut self, midnight: Timestamp, order_no: &Value) -> Timestamp {
        let flash = &self.world.behaviour.flash;
        let at = midnight + SignedDuration::from_hours(20) + self.span(flash.minutes_after_opening, MINUTE);
        self.model(
            at,
            "flash.requested",
            json!({ "session": flash.session, "sku": flash.sku, "order_no": order_no }),
        );
        at
    }

    /// Fridays on which a friend takes a piece and never pays.
    fn fridays(&mut self) -> anyhow::Result<()> {
        let Some(since) = self.friend else { return Ok(()) };
        let mut day = since.to_zoned(self.world.zone.clone()).start_of_day()?;
        while day.weekday() != Weekday::Friday {
            day = day.checked_add(1.day())?;
        }
        while day.timestamp() < self.world.ends {
            let midnight = day.timestamp();
            if self.is_friend(midnight) && self.chance.happens(self.world.behaviour.flash.look) {
                let order_no = json!(format!("{}-look-{}", self.number, day.date()));
                self.sale_click(midnight, &order_no);
            }
            day = day.checked_add(7.days())?;
        }
        Ok(())
    }

    fn is_friend(&self, at: Timestamp) -> bool {
        self.friend.is_some_and(|since| since <= at) && self.deleted.is_none_or(|until| at < until)
    }

    /// The midnight, in the shop's zone, of a day of the history.
    fn midnight(&self, day: u32) -> anyhow::Result<Timestamp> {
        let date = jiff::civil::date(1997, 1, 1)
            .checked_add(i64::from(day + self.world.behaviour.orders.days_later).days())?;
        Ok(date.to_zoned(self.world.zone.clone())?.timestamp())
    }

    fn noon(&self, day: u32) -> anyhow::Result<Timestamp> {
        Ok(self.midnight(day)? + SignedDuration::from_hours(12))
    }

    fn span(&mut self, range: [u32; 2], unit: i64) -> SignedDuration {
        SignedDuration::from_secs(self.chance.seconds(range, unit))
    }

    fn model(&mut self, at: Timestamp, kind: &'static str, data: Value) {
        let id = format!("{}-{}-{}", self.number, kind, self.events.len());
        let subject = self.subject.clone();
        self.events.push(Event { at, id, kind, source: Source::Model, subject, data });
    }
}

fn is_friday(zone: &TimeZone, midnight: Timestamp) -> bool {
    midnight.to_zoned(zone.clone()).weekday() == Weekday::Friday
}
