//! Events that the store may not have yet: a batch looks at them often, for one customer at a time.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use siyu_model::event::{Event, EventSeq};
use siyu_model::id::CustomerId;

/// Events of batches that are not committed, oldest first.
#[derive(Default)]
pub(crate) struct Recent {
    events: VecDeque<Arc<Event>>,
    of_customers: HashMap<CustomerId, Vec<Arc<Event>>>,
}

impl Recent {
    pub(super) fn push(&mut self, event: Arc<Event>) {
        if let Some(customer) = event.customer {
            self.of_customers.entry(customer).or_default().push(event.clone());
        }
        self.events.push_back(event);
    }

    /// The store has the log up to this place.
    pub(super) fn forget(&mut self, last_seq: EventSeq) {
        while let Some(event) = self.events.pop_front_if(|event| event.seq <= last_seq) {
            let Some(customer) = event.customer else { continue };
            if let Some(events) = self.of_customers.get_mut(&customer) {
                events.retain(|event| event.seq > last_seq);
                if events.is_empty() {
                    self.of_customers.remove(&customer);
                }
            }
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.events.iter()
    }

    pub(crate) fn of(&self, customer: CustomerId) -> &[Arc<Event>] {
        self.of_customers.get(&customer).map_or(&[], Vec::as_slice)
    }

    /// Places follow each other without a gap.
    pub(crate) fn at(&self, seq: EventSeq) -> Option<&Arc<Event>> {
        let first = self.events.front()?.seq;
        self.events.get(usize::try_from(seq.0.checked_sub(first.0)?).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use siyu_model::clock::UtcMs;
    use siyu_model::json::Value;

    use super::*;

    fn event(seq: u64, customer: Option<CustomerId>) -> Arc<Event> {
        Arc::new(Event {
            seq: EventSeq(seq),
            id: seq.to_string(),
            event_type: "order.paid".parse().unwrap(),
            source: "shop".to_owned(),
            customer,
            occurred_at: UtcMs::EPOCH,
            recorded_at: UtcMs::EPOCH,
            data: Value::map::<&str>([]),
            depth: 0,
        })
    }

    fn places<'a>(events: impl IntoIterator<Item = &'a Arc<Event>>) -> Vec<u64> {
        events.into_iter().map(|event| event.seq.0).collect()
    }

    #[test]
    fn each_customer_finds_theirs_until_the_store_has_them() {
        let who = |name: &str| CustomerId::derive(UtcMs::EPOCH, &[name.as_bytes()]);
        let mut recent = Recent::default();
        for (seq, customer) in [(7, Some("a")), (8, None), (9, Some("b")), (10, Some("a"))] {
            recent.push(event(seq, customer.map(who)));
        }
        assert_eq!(places(recent.of(who("a"))), [7, 10]);
        assert_eq!(recent.at(EventSeq(9)).map(|event| event.seq.0), Some(9));
        assert!(recent.at(EventSeq(6)).is_none() && recent.at(EventSeq(11)).is_none());
        recent.forget(EventSeq(9));
        assert_eq!(places(recent.all()), [10]);
        assert_eq!((places(recent.of(who("a"))), places(recent.of(who("b")))), (vec![10], vec![]));
        recent.forget(EventSeq(10));
        assert!(recent.of_customers.is_empty() && recent.at(EventSeq(10)).is_none());
    }
}
