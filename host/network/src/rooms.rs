//! How many requests are under way at once: of the host, and of each tenant. Who waits is served in turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use siyu_model::limits::network::{AT_ONCE, AT_ONCE_OF_TENANT};
use siyu_model::name::TenantName;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room for requests.
pub(crate) struct Rooms {
    all: Arc<Semaphore>,
    of_tenants: Mutex<HashMap<TenantName, Weak<Semaphore>>>,
}

/// The place of one request; free again when it is dropped.
pub(crate) struct Seat {
    _all: OwnedSemaphorePermit,
    _of_tenant: OwnedSemaphorePermit,
    /// Kept until the last request of the tenant is over.
    _room: Arc<Semaphore>,
}

impl Rooms {
    pub(crate) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_ONCE)), of_tenants: Mutex::default() }
    }

    /// Waits for a place. Its tenant's comes first: one that has too much under way takes nobody's place while it waits.
    pub(crate) async fn sit(&self, tenant: &TenantName) -> Option<Seat> {
        let room = self.of(tenant);
        let of_tenant = room.clone().acquire_owned().await.ok()?;
        let all = self.all.clone().acquire_owned().await.ok()?;
        Some(Seat { _all: all, _of_tenant: of_tenant, _room: room })
    }

    fn of(&self, tenant: &TenantName) -> Arc<Semaphore> {
        let mut rooms = self.of_tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(room) = rooms.get(tenant).and_then(Weak::upgrade) {
            return room;
        }
        rooms.retain(|_, room| room.strong_count() > 0);
        let room = Arc::new(Semaphore::new(AT_ONCE_OF_TENANT));
        rooms.insert(tenant.clone(), Arc::downgrade(&room));
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tenant_with_too_much_under_way_takes_nobody_elses_place() {
        let rooms = Rooms::new();
        let (busy, other): (TenantName, TenantName) = ("busy".parse().unwrap(), "other".parse().unwrap());
        let mut seats = Vec::new();
        for _ in 0..AT_ONCE_OF_TENANT {
            seats.push(rooms.sit(&busy).await.unwrap());
        }
        let waiting = rooms.sit(&busy);
        tokio::pin!(waiting);
        assert!(futures_poll(waiting.as_mut()).await.is_none(), "no room for one more");
        assert!(rooms.sit(&other).await.is_some());
        seats.pop();
        assert!(waiting.await.is_some());
        drop(seats);
        rooms.sit(&other).await.unwrap();
        assert!(rooms.of_tenants.lock().unwrap().len() <= 2);
    }

    /// What a future gives now, if it is done now.
    async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match future.as_mut().poll(context) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
