//! What every keeper of tokens and notes must do.

use std::sync::Arc;

use async_trait::async_trait;
use siyu_engine::ports::access::{Access, Note, NoteRow, Outcome, TokenRow};
use siyu_engine::ports::store::StoreError;
use siyu_model::access::{Grant, Reach, Role, Scope, Token};
use siyu_model::id::TokenId;

use super::{Checked, Failure, Running, same, samples};

/// Where a check of access runs: a host, or several hosts of one database, without tokens.
#[async_trait]
pub trait AccessPlace: Send + Sync {
    /// Opens it, as a host and a command do that run at once.
    async fn open(&self) -> Result<Arc<dyn Access>, StoreError>;
}

/// One fact about every keeper of tokens.
pub struct AccessCheck {
    /// The fact.
    pub name: &'static str,
    run: for<'p> fn(&'p dyn AccessPlace) -> Running<'p>,
}

impl AccessCheck {
    /// Runs the check in a place that nothing else uses.
    pub async fn run(&self, place: &dyn AccessPlace) -> Checked {
        (self.run)(place).await
    }
}

macro_rules! checks {
    ($($name:ident,)*) => {
        /// All checks of access.
        pub const ACCESS_CHECKS: &[AccessCheck] = &[$(AccessCheck {
            name: stringify!($name),
            run: |place| Box::pin($name(place)),
        }),*];
    };
}

checks! {
    the_key_is_drawn_once_for_all_who_open,
    a_token_is_kept_as_it_was_made,
    only_making_and_revoking_a_token_move_the_revision,
    a_token_is_revoked_once_and_by_whoever_opened,
    an_earlier_use_changes_nothing,
    notes_are_read_newest_first_from_any_place,
    notes_of_many_writers_are_one_chain,
    a_note_that_is_too_long_is_cut,
}

fn token(number: u8, grant: Grant) -> TokenRow {
    let at = samples::at(u64::from(number));
    TokenRow {
        id: TokenId::derive(at, &[&[number]]),
        hash: Token::of([number; 32]).hash(&[1; 32]),
        name: samples::AWKWARD.to_owned(),
        grant,
        made_at: at,
        made_by: samples::AWKWARD.to_owned(),
        expires_at: samples::at(1_000_000),
        revoked_at: None,
        used_at: None,
    }
}

fn note(seconds: u64, subject: &str) -> Note {
    Note {
        at: samples::at(seconds),
        actor: "tok_1 of a test".to_owned(),
        tenant: None,
        action: "tokens.create".to_owned(),
        subject: subject.to_owned(),
        outcome: Outcome::Done,
        detail: samples::AWKWARD.to_owned(),
    }
}

async fn the_key_is_drawn_once_for_all_who_open(place: &dyn AccessPlace) -> Checked {
    let (one, two) = (place.open().await?, place.open().await?);
    same("the key of another", &two.key().await?, &one.key().await?)?;
    same("a key of nothing", &(one.key().await? == [0; 32]), &false)
}

async fn a_token_is_kept_as_it_was_made(place: &dyn AccessPlace) -> Checked {
    let (one, two) = (place.open().await?, place.open().await?);
    let reach: Reach = "client-a,client-b".parse().map_err(|_| Failure::Sample("reach".to_owned()))?;
    let only = Some(vec![Scope::RunsRead, Scope::EventsWrite]);
    let made = [
        token(1, Grant::everything()),
        token(2, Grant { role: Role::Integrator, only, reach: reach.clone() }),
        token(3, Grant { role: Role::Viewer, only: None, reach }),
    ];
    for row in &made {
        same("made", &one.add(row.clone(), note(1, "it")).await?, &true)?;
    }
    let found = two.tokens().await?;
    same("tokens", found.as_slice(), made.as_slice())?;
    // Hashes print nothing.
    same("their hashes", &found.iter().zip(&made).all(|(one, other)| one.hash == other.hash), &true)
}

async fn only_making_and_revoking_a_token_move_the_revision(place: &dyn AccessPlace) -> Checked {
    let (one, two) = (place.open().await?, place.open().await?);
    let row = token(1, Grant::everything());
    let id = row.id;
    let before = two.revision().await?;
    one.add(row, note(1, "it")).await?;
    let made = two.revision().await?;
    one.used(vec![(id, samples::at(2))]).await?;
    one.note(note(2, "else")).await?;
    same("after a use and a note", &two.revision().await?, &made)?;
    one.revoke(id, note(3, "it")).await?;
    let revoked = two.revision().await?;
    same("grew", &(before < made && made < revoked), &true)
}

async fn a_token_is_revoked_once_and_by_whoever_opened(place: &dyn AccessPlace) -> Checked {
    let (one, two) = (place.open().await?, place.open().await?);
    let row = token(1, Grant::everything());
    one.add(row.clone(), note(1, "it")).await?;
    same("revoked", &two.revoke(row.id, note(9, "it")).await?, &true)?;
    same("again", &one.revoke(row.id, note(10, "it")).await?, &false)?;
    let other = token(2, Grant::everything()).id;
    same("one that is not there", &one.revoke(other, note(11, "it")).await?, &false)?;
    let found = one.tokens().await?;
    same("since", &found.first().and_then(|row| row.revoked_at), &Some(samples::at(9)))?;
    same("what was not done is not noted", &one.notes(None, 10).await?.len(), &2)
}

async fn an_earlier_use_changes_nothing(place: &dyn AccessPlace) -> Checked {
    let one = place.open().await?;
    let row = token(1, Grant::everything());
    let id = row.id;
    one.add(row, note(1, "it")).await?;
    for (seconds, known) in [(20, 20), (10, 20), (30, 30)] {
        one.used(vec![(id, samples::at(seconds))]).await?;
        let found = one.tokens().await?;
        same("used", &found.first().and_then(|row| row.used_at), &Some(samples::at(known)))?;
    }
    Ok(())
}

async fn notes_are_read_newest_first_from_any_place(place: &dyn AccessPlace) -> Checked {
    let one = place.open().await?;
    for number in 1..=5 {
        let tenant = Some(samples::name("t")?).filter(|_| number % 2 == 0);
        one.note(Note { tenant, ..note(number, &number.to_string()) }).await?;
    }
    let places = |rows: &[NoteRow]| rows.iter().map(|row| row.place).collect::<Vec<_>>();
    same("the last ones", &places(&one.notes(None, 2).await?), &vec![5, 4])?;
    let earlier = one.notes(Some(4), 10).await?;
    same("those before", &places(&earlier), &vec![3, 2, 1])?;
    let second = earlier.get(1).map(|row| row.note.clone());
    same("one", &second, &Some(Note { tenant: Some(samples::name("t")?), ..note(2, "2") }))
}

async fn notes_of_many_writers_are_one_chain(place: &dyn AccessPlace) -> Checked {
    let mut writers = Vec::new();
    for writer in 0..3u64 {
        let access = place.open().await?;
        writers.push(tokio::spawn(async move {
            for number in 0..5 {
                access.note(note(writer, &number.to_string())).await?;
            }
            Ok::<_, StoreError>(())
        }));
    }
    for writer in writers {
        writer.await.map_err(|why| Failure::Sample(why.to_string()))??;
    }
    let mut rows = place.open().await?.notes(None, 100).await?;
    rows.reverse();
    same("notes", &rows.len(), &15)?;
    let mut before = [0; 32];
    for (row, expected) in rows.iter().zip(1..) {
        same("its place", &row.place, &expected)?;
        same("its link", &row.link, &row.note.link(row.place, &before))?;
        before = row.link;
    }
    Ok(())
}

async fn a_note_that_is_too_long_is_cut(place: &dyn AccessPlace) -> Checked {
    let one = place.open().await?;
    one.note(Note { detail: "é".repeat(2_000), ..note(1, "it") }).await?;
    let found = one.notes(None, 1).await?;
    same("bytes", &found.first().map(|row| row.note.detail.len()), &Some(1_024))
}
