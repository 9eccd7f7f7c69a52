//! A customer in memory, with all that belongs to them and a step may read.

use std::collections::BTreeMap;
use std::sync::Arc;

use siyu_model::customer::Customer;
use siyu_model::id::{CustomerId, WaitId};
use siyu_model::name::{EventType, Key, PlaybookName, PluginName, SegmentName};

use crate::ports::rows::{EntryRow, Hash16, SegmentRow, WaitRow};
use crate::ports::store::CustomerImage;

/// A customer with their documents, waits, entries and segments. Complete: what is not here is not there.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Shared with evaluations and the undo log; changed by [`Arc::make_mut`].
    pub(crate) customer: Arc<Customer>,
    pub(crate) records: BTreeMap<(PluginName, Key), Arc<str>>,
    pub(crate) waits: Vec<WaitRow>,
    pub(crate) entries: BTreeMap<Hash16, EntryRow>,
    pub(crate) segments: BTreeMap<(PlaybookName, SegmentName), SegmentRow>,
}

impl Person {
    pub(crate) fn new(customer: Customer) -> Self {
        Self {
            customer: Arc::new(customer),
            records: BTreeMap::new(),
            waits: Vec::new(),
            entries: BTreeMap::new(),
            segments: BTreeMap::new(),
        }
    }

    pub(crate) fn from_image(image: CustomerImage) -> Self {
        let records = image.records.into_iter();
        let segments = image.segments.into_iter();
        Self {
            customer: Arc::new(image.customer),
            records: records.map(|(plugin, key, body)| ((plugin, key), Arc::from(body))).collect(),
            waits: image.waits,
            entries: image.entries.into_iter().map(|entry| (entry.hash, entry)).collect(),
            segments: segments.map(|row| ((row.playbook.clone(), row.segment.clone()), row)).collect(),
        }
    }

    pub(crate) fn id(&self) -> CustomerId {
        self.customer.id
    }

    /// Waits for events of this type.
    pub(crate) fn waits_for(&self, event_type: &EventType) -> Vec<WaitRow> {
        self.waits.iter().filter(|wait| wait.event_types.contains(event_type)).cloned().collect()
    }

    pub(crate) fn remove_wait(&mut self, id: WaitId) {
        self.waits.retain(|wait| wait.id != id);
    }
}
