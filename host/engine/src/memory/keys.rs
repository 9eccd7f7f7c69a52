//! Knowing what is not there without asking the store.
//!
//! Most rows that a busy tenant looks for are not there yet: the event that nobody handed in before, the customer who
//! comes for the first time, the counter of what they bought. Once that has happened often enough, the keys of what is there
//! are gathered, page by page beside the work, and from then on only what may be there is looked for.

use std::sync::Arc;

use siyu_model::limits::executor::KEYS_READ;
use tokio::sync::mpsc;

use super::Memory;
use crate::ports::store::{KeyTable, Loaded, Store, StoreError, StoredKey, Wants};

/// Pages that wait to be taken in: the store is read no faster than batches end.
const PAGES_MAX: usize = 1;

/// Keys of a table that are there; none when that were all.
type Page = (KeyTable, Vec<StoredKey>);

/// Where the gathering of keys stands.
#[derive(Default)]
pub(super) struct Gathering {
    /// Rows that were looked for in vain.
    absent: u64,
    /// What is being read; none before it began.
    pages: Option<mpsc::Receiver<Page>>,
}

impl Memory {
    /// Takes in keys that were read beside the work, and begins to read them when it is worth it. Must be called inside a tokio
    /// runtime.
    pub(crate) fn gather_keys(&mut self) {
        if self.gathering.pages.is_none() && self.gathering.absent >= self.settings.keys_after_absent {
            let mut seed = [0; 16];
            self.derive_bytes("keys", b"", 0, &mut seed);
            let seed = u128::from_be_bytes(seed);
            // What is written from now on is gathered at once, so nothing is missed however long the reading takes.
            self.dedupes.gather(seed);
            self.identities.gather(seed);
            self.counters.gather(seed);
            let (sender, pages) = mpsc::channel(PAGES_MAX);
            drop(tokio::spawn(read(self.reader.store(), sender)));
            self.gathering.pages = Some(pages);
        }
        let Some(pages) = &mut self.gathering.pages else { return };
        while let Ok((table, keys)) = pages.try_recv() {
            if keys.is_empty() {
                match table {
                    KeyTable::Events => self.dedupes.are_whole(),
                    KeyTable::Identities => self.identities.are_whole(),
                    KeyTable::Counters => self.counters.are_whole(),
                }
            }
            for key in keys {
                match key {
                    StoredKey::Event(hash) => self.dedupes.gathered(&hash),
                    StoredKey::Identity(name) => self.identities.gathered(&name),
                    StoredKey::Counter(key) => self.counters.gathered(&key),
                }
            }
        }
    }

    /// Counts what was looked for in vain in the tables whose keys can be gathered.
    pub(super) fn count_absent(&mut self, wants: &Wants, loaded: &Loaded) {
        if self.gathering.pages.is_none() {
            let wanted = wants.dedupes.len() + wants.identities.len() + wants.counters.len();
            let found = loaded.dedupes.len() + loaded.identities.len() + loaded.counters.len();
            self.gathering.absent += wanted.saturating_sub(found) as u64;
        }
    }
}

/// Reads the keys of all tables for as long as somebody takes them.
async fn read(store: Arc<dyn Store>, pages: mpsc::Sender<Page>) {
    for table in KeyTable::ALL {
        if let Err(fault) = read_table(&*store, table, &pages).await {
            // Without them every row is looked for, as before.
            tracing::debug!(%fault, ?table, "keys cannot be read");
        }
    }
}

async fn read_table(
    store: &dyn Store,
    table: KeyTable,
    pages: &mpsc::Sender<Page>,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        // Whoever wanted them may be gone.
        let Ok(place) = pages.reserve().await else { return Ok(()) };
        let keys = store.keys(table, after.take(), KEYS_READ).await?;
        after = keys.last().cloned();
        place.send((table, keys));
        if after.is_none() {
            return Ok(());
        }
    }
}
