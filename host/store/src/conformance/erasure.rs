//! What erasing a customer promises: nothing that they said or were called is left, what they did is counted on, and nobody
//! else loses anything.

use siyu_engine::ports::rows::WriteSet;
use siyu_engine::ports::store::{EventWindow, Loaded, Unfinished, Wants};
use siyu_model::event::EventSeq;
use siyu_model::id::CustomerId;
use siyu_model::message::MessageStatus;
use siyu_model::stock::reservation::ReservationStatus;

use super::samples::{SECRET, at, customer, everything, name, of_customer, run_id};
use super::{Checked, Failure, Place, open, same, tenant};

/// Under which id the erased customer is counted.
fn pseudonym() -> CustomerId {
    customer(900)
}

/// The rows of two customers, each by key.
fn wants(writes: &WriteSet) -> Wants {
    Wants {
        dedupes: writes.events.iter().map(|event| event.dedupe).collect(),
        identities: writes.identities.iter().map(|(identity, _)| identity.clone()).collect(),
        customers: vec![customer(1), customer(2), pseudonym()],
        runs: writes.runs.iter().map(|run| run.id).collect(),
        reservations: writes.reservations.iter().map(|row| row.id).collect(),
        messages: writes.messages.iter().map(|message| message.id).collect(),
        accounts: writes.accounts.iter().map(|(key, _)| key.clone()).collect(),
        counters: writes.counters.iter().map(|(key, _)| key.clone()).collect(),
        records: writes
            .records
            .iter()
            .map(|(key, _)| key.clone())
            .filter(|key| key.customer.is_none())
            .collect(),
        ..Wants::default()
    }
}

/// What is loaded of the second customer and of nobody.
fn of_others(loaded: &Loaded) -> String {
    let is_other = |who: Option<CustomerId>| who != Some(customer(1)) && who != Some(pseudonym());
    let people: Vec<_> = loaded.customers.iter().filter(|image| is_other(Some(image.customer.id))).collect();
    let runs: Vec<_> = loaded.runs.iter().filter(|loaded| is_other(loaded.run.customer)).collect();
    let messages: Vec<_> =
        loaded.messages.iter().filter(|message| is_other(Some(message.customer))).collect();
    let names: Vec<_> = loaded.identities.iter().filter(|(_, who)| is_other(Some(*who))).collect();
    format!("{people:?}\n{runs:?}\n{messages:?}\n{names:?}")
}

pub(super) async fn an_erased_customer_is_nowhere_and_what_they_did_is_counted(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let first = of_customer(1)?;
    let second = of_customer(2)?;
    let (mut all, mut both) = (wants(&first), wants(&second));
    all.runs.append(&mut both.runs);
    all.messages.append(&mut both.messages);
    all.identities.append(&mut both.identities);
    store.commit(first).await?;
    store.commit(second).await?;
    let before = store.load(all.clone()).await?;
    let told = format!("{before:?}");
    same("the samples say who they are", &(told.contains(SECRET), told.contains("cus_")), &(true, true))?;
    same("what is under way", &store.unfinished(customer(1), 10).await?, &Unfinished::default())?;

    store.erase(customer(1), pseudonym()).await?;
    for store in [store, open(place).await?] {
        let after = store.load(all.clone()).await?;
        let text = format!("{after:?}");
        let is_left = text.match_indices(SECRET).count();
        // The second customer's rows hold it as well.
        let others = of_others(&before).match_indices(SECRET).count();
        same("what is left of them", &is_left, &others)?;
        same("their id", &text.contains(&customer(1).to_string()), &false)?;
        same("everybody else", &of_others(&after), &of_others(&before))?;
        let window = |who| -> Result<EventWindow, Failure> {
            Ok(EventWindow {
                customer: who,
                event_type: name("order.paid")?,
                since: at(0),
                seq_max: EventSeq(99),
            })
        };
        same("their events", &store.count_events(window(customer(1))?).await?.count, &0)?;
        same("counted", &store.count_events(window(pseudonym())?).await?.count, &1)?;
        let event =
            store.event(EventSeq(1)).await?.map(|event| (event.id, event.data.to_string(), event.matches));
        same("their event", &event, &Some(("", r#"{"amount_fen":1290}"#, Vec::<()>::new())))?;
        let journal = place.journal(&tenant()?, run_id(1)).await?;
        let told: Vec<_> = journal.iter().map(|line| line.entry.detail.clone()).collect();
        same("their journal", &told, &[None::<String>, None])?;
        let run = after.runs.iter().find(|loaded| loaded.run.id == run_id(1));
        let ended = run.map(|loaded| (loaded.run.customer, loaded.run.status.phase().as_str()));
        same("their run", &ended, &Some((Some(pseudonym()), "failed")))?;
        let image = store.load_tenant().await?;
        same("customers", &image.customers, &1)?;
    }
    Ok(())
}

pub(super) async fn erasing_twice_or_whom_nobody_knows_changes_nothing(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let writes = of_customer(1)?;
    let wants = wants(&writes);
    store.commit(writes).await?;
    store.erase(customer(5), customer(901)).await?;
    same("somebody else is there", &store.load(wants.clone()).await?.customers.len(), &1)?;
    store.erase(customer(1), pseudonym()).await?;
    let once = format!("{:?}", store.load(wants.clone()).await?);
    store.erase(customer(1), customer(902)).await?;
    same("the second time", &format!("{:?}", store.load(wants).await?), &once)
}

pub(super) async fn a_stale_lease_cannot_erase(place: &dyn Place) -> Checked {
    let stale = open(place).await?;
    let writes = of_customer(1)?;
    let wants = wants(&writes);
    stale.commit(writes).await?;
    let current = open(place).await?;
    same("refused", &stale.erase(customer(1), pseudonym()).await.is_err(), &true)?;
    same("still there", &current.load(wants).await?.customers.len(), &1)
}

pub(super) async fn what_is_under_way_for_a_customer_is_told(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let mut writes = everything()?;
    for (number, status) in MessageStatus::ALL.into_iter().enumerate() {
        let mut message = super::samples::message(30 + 10 * number as u64 + 1)?;
        message.status = status;
        writes.messages.push(message);
    }
    let mut settled = super::samples::reservation(11)?;
    settled.status = ReservationStatus::Committed;
    writes.reservations.push(settled);
    let run = writes.runs[0].id;
    let held = writes.reservations[0].id;
    let on_their_way: Vec<_> = writes.messages[2..5].iter().map(|message| message.id).collect();
    let plan = (writes.planned[0].plugin.clone(), writes.planned[0].key.clone());
    store.commit(writes).await?;
    let expected =
        Unfinished { runs: vec![run], messages: on_their_way, planned: vec![plan], reservations: vec![held] };
    same("what is under way", &store.unfinished(customer(1), 10).await?, &expected)?;
    let one = store.unfinished(customer(1), 1).await?;
    same("at most one of each", &(one.runs.len(), one.messages.len(), one.planned.len()), &(1, 1, 1))?;
    same("for somebody else", &store.unfinished(customer(7), 10).await?.is_empty(), &true)
}
