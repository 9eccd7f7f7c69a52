//! A host that opens the tenant anew must find what was committed, row by row.

use std::fmt::Debug;

use siyu_engine::ports::store::{Store, StoreError, Stores, Wants};
use siyu_model::name::TenantName;
use tokio::runtime::Builder;

use crate::durable::Durable;
use crate::world::{World, tenant_name};

/// Compares the store, opened anew, with what is known to be durable. No host has the tenant any more after that.
pub(crate) fn check(world: &mut World) -> Result<(), String> {
    for host in 0..world.hosts.len() {
        world.kill(host);
    }
    let stores = world.backing.stores().map_err(|why| format!("{why:#}"))?;
    compare_with(&*stores, &tenant_name(), &world.durable.lock())
}

/// Compares a tenant of which no host has the store any more.
pub(crate) fn compare_with(
    stores: &dyn Stores,
    tenant: &TenantName,
    durable: &Durable,
) -> Result<(), String> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|why| why.to_string())?;
    runtime.block_on(async {
        let store = stores.open(tenant).await.map_err(|why| why.to_string())?;
        let compared = compare(&*store, durable).await;
        store.close().await.map_err(|why| why.to_string())?;
        compared
    })
}

fn same<T: Debug, U: Debug>(what: &str, found: &[T], expected: &[U]) -> Result<(), String> {
    let lines = |text: Vec<String>| {
        let mut lines = text;
        lines.sort();
        lines
    };
    let found = lines(found.iter().map(|row| format!("{row:?}")).collect());
    let expected = lines(expected.iter().map(|row| format!("{row:?}")).collect());
    if found == expected {
        return Ok(());
    }
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|line| !those.contains(line)).take(3).cloned().collect()
    };
    Err(format!(
        "{what}: the store alone has {:#?}, and was given {:#?}",
        only(&found, &expected),
        only(&expected, &found)
    ))
}

async fn compare(store: &dyn Store, durable: &Durable) -> Result<(), String> {
    let failed = |why: StoreError| why.to_string();
    let image = store.load_tenant().await.map_err(failed)?;
    let last = durable.events.last_key_value().map(|(seq, _)| *seq).unwrap_or_default();
    same("the last event and the latest instant", &[(image.last_seq, image.at)], &[(last, durable.at)])?;
    let wants = Wants {
        customers: durable.customers.iter().copied().collect(),
        runs: durable.runs.keys().copied().collect(),
        pools: durable.pools.keys().cloned().collect(),
        reservations: durable.reservations.keys().copied().collect(),
        counters: durable.counters.keys().cloned().collect(),
        messages: durable.messages.keys().copied().collect(),
        planned: durable.planned.keys().cloned().collect(),
        scans: durable.scans.keys().copied().collect(),
        ..Wants::default()
    };
    let loaded = store.load(wants).await.map_err(failed)?;
    let runs: Vec<_> = loaded.runs.into_iter().map(|loaded| loaded.run).collect();
    same("runs", &runs, &durable.runs.values().collect::<Vec<_>>())?;
    same(
        "pools",
        &loaded.pools,
        &durable.pools.iter().map(|(key, pool)| (key.clone(), *pool)).collect::<Vec<_>>(),
    )?;
    let counters: Vec<_> = durable.counters.iter().map(|(key, counter)| (key.clone(), *counter)).collect();
    same("counters", &loaded.counters, &counters)?;
    same("reservations", &loaded.reservations, &durable.reservations.values().collect::<Vec<_>>())?;
    same("messages", &loaded.messages, &durable.messages.values().collect::<Vec<_>>())?;
    same("scans", &loaded.scans, &durable.scans.values().collect::<Vec<_>>())?;
    let waits: Vec<_> = loaded.customers.iter().flat_map(|image| image.waits.clone()).collect();
    let own: Vec<_> = durable.waits.values().filter(|row| row.customer.is_some()).collect();
    same("waits", &waits, &own)?;
    let timers = store.timers(None, usize::MAX >> 8).await.map_err(failed)?;
    let timers: Vec<_> = timers.into_iter().map(|row| ((row.due_at, row.id), row.kind)).collect();
    same(
        "timers",
        &timers,
        &durable.timers.iter().map(|(place, kind)| (*place, kind.clone())).collect::<Vec<_>>(),
    )?;
    for (seq, event) in &durable.events {
        let found = store.event(*seq).await.map_err(failed)?;
        same("an event", &[found], &[Some(event)])?;
    }
    Ok(())
}
