//! What every fleet must do: who has which tenant, and letters.

use std::sync::Arc;

use async_trait::async_trait;
use siyu_engine::ports::fleet::{Fleet, Letter, LetterId, Posted, Posting};
use siyu_engine::ports::store::StoreError;
use siyu_model::id::HostId;
use siyu_model::limits::fleet::LETTERS_MAX;
use siyu_model::name::TenantName;

use super::{Checked, Failure, Running, same, samples};

/// Where a check of fleets runs: a database without hosts.
#[async_trait]
pub trait FleetPlace: Send + Sync {
    /// Another host.
    async fn join(&self) -> Result<Arc<dyn Fleet>, StoreError>;

    /// A host was not heard for longer than its lease.
    async fn silence(&self, host: HostId) -> Result<(), StoreError>;
}

/// One fact about every fleet.
pub struct FleetCheck {
    /// The fact.
    pub name: &'static str,
    run: for<'p> fn(&'p dyn FleetPlace) -> Running<'p>,
}

impl FleetCheck {
    /// Runs the check in a place that nothing else uses.
    pub async fn run(&self, place: &dyn FleetPlace) -> Checked {
        (self.run)(place).await
    }
}

macro_rules! checks {
    ($($name:ident,)*) => {
        /// All checks of fleets.
        pub const FLEET_CHECKS: &[FleetCheck] = &[$(FleetCheck {
            name: stringify!($name),
            run: |place| Box::pin($name(place)),
        }),*];
    };
}

checks! {
    a_tenant_whose_holder_lives_is_not_taken,
    a_tenant_of_a_host_that_is_silent_is_free_and_one_gets_it,
    a_silent_host_that_speaks_again_has_what_nobody_took,
    what_is_given_up_is_free_at_once_and_only_its_holder_gives_it_up,
    everything_of_a_host_that_goes_is_free,
    a_tenant_is_made_once,
    letters_are_read_in_their_order_by_the_host_that_has_the_tenant,
    an_answer_comes_once_and_to_whoever_asked,
    a_letter_that_nobody_waits_for_goes_when_it_is_answered,
    the_first_answer_of_a_letter_counts,
    a_letter_for_no_tenant_is_refused_beside_those_that_are_taken,
    a_tenant_has_no_more_letters_than_may_wait,
}

async fn pair(place: &dyn FleetPlace) -> Result<(Arc<dyn Fleet>, Arc<dyn Fleet>), Failure> {
    Ok((place.join().await?, place.join().await?))
}

fn letter(tenant: &TenantName, body: &str, is_awaited: bool) -> Posting {
    Posting { tenant: tenant.clone(), body: body.to_owned(), is_awaited }
}

fn taken(posted: &[Posted]) -> Result<Vec<LetterId>, Failure> {
    let id = |posted: &Posted| match posted {
        Posted::Taken(id) => Ok(*id),
        other => same("a letter", other, &"taken").map(|()| 0),
    };
    posted.iter().map(id).collect()
}

fn bodies(letters: &[Letter]) -> Vec<&str> {
    letters.iter().map(|letter| letter.body.as_str()).collect()
}

async fn a_tenant_whose_holder_lives_is_not_taken(place: &dyn FleetPlace) -> Checked {
    let ((one, two), t) = (pair(place).await?, samples::name("t")?);
    same("who makes it", &one.found(&t).await?, &true)?;
    same("a claim of another", &two.claim(std::slice::from_ref(&t)).await?, &Vec::<TenantName>::new())?;
    same("its own claim", &one.claim(std::slice::from_ref(&t)).await?, &vec![t.clone()])?;
    let roster = two.beat().await?;
    let mut hosts = vec![one.me(), two.me()];
    hosts.sort_unstable();
    same("hosts", &roster.hosts, &hosts)?;
    same("tenants", &roster.tenants, &vec![(t, Some(one.me()))])
}

async fn a_tenant_of_a_host_that_is_silent_is_free_and_one_gets_it(place: &dyn FleetPlace) -> Checked {
    let ((one, two), t) = (pair(place).await?, samples::name("t")?);
    let three = place.join().await?;
    one.found(&t).await?;
    place.silence(one.me()).await?;
    same("who has it", &two.beat().await?.tenants, &vec![(t.clone(), None::<HostId>)])?;
    let claims = (two.claim(std::slice::from_ref(&t)).await?, three.claim(std::slice::from_ref(&t)).await?);
    same("two claims", &claims, &(vec![t], Vec::<TenantName>::new()))
}

async fn a_silent_host_that_speaks_again_has_what_nobody_took(place: &dyn FleetPlace) -> Checked {
    let ((one, two), t) = (pair(place).await?, samples::name("t")?);
    let other = samples::name("u")?;
    one.found(&t).await?;
    one.found(&other).await?;
    place.silence(one.me()).await?;
    two.claim(std::slice::from_ref(&other)).await?;
    let roster = one.beat().await?;
    same("tenants", &roster.tenants, &vec![(t, Some(one.me())), (other, Some(two.me()))])
}

async fn what_is_given_up_is_free_at_once_and_only_its_holder_gives_it_up(place: &dyn FleetPlace) -> Checked {
    let ((one, two), t) = (pair(place).await?, samples::name("t")?);
    one.found(&t).await?;
    two.release(std::slice::from_ref(&t)).await?;
    same("given up by another", &two.beat().await?.tenants, &vec![(t.clone(), Some(one.me()))])?;
    one.release(std::slice::from_ref(&t)).await?;
    same("given up", &two.claim(std::slice::from_ref(&t)).await?, &vec![t])
}

async fn everything_of_a_host_that_goes_is_free(place: &dyn FleetPlace) -> Checked {
    let ((one, two), t) = (pair(place).await?, samples::name("t")?);
    one.found(&t).await?;
    one.leave().await?;
    let roster = two.beat().await?;
    same("who is left", &roster.hosts, &vec![two.me()])?;
    same("who has it", &roster.tenants, &vec![(t, None::<HostId>)])
}

async fn a_tenant_is_made_once(place: &dyn FleetPlace) -> Checked {
    let ((one, two), t) = (pair(place).await?, samples::name("t")?);
    let found = (one.found(&t).await?, two.found(&t).await?, one.found(&t).await?);
    same("who has it then", &found, &(true, false, true))?;
    let nobodys = samples::name("u")?;
    same("a claim of nothing", &one.claim(&[nobodys]).await?, &Vec::<TenantName>::new())
}

async fn letters_are_read_in_their_order_by_the_host_that_has_the_tenant(place: &dyn FleetPlace) -> Checked {
    let ((one, two), t) = (pair(place).await?, samples::name("t")?);
    let other = samples::name("u")?;
    one.found(&t).await?;
    one.found(&other).await?;
    let names = [t.clone(), other.clone()];
    let posted =
        two.post(vec![letter(&t, "1", true), letter(&other, "2", true), letter(&t, "3", false)]).await?;
    let ids = taken(&posted)?;
    same("places that grow", &ids.is_sorted_by(|one, other| one < other), &true)?;
    taken(&one.post(vec![letter(&t, "4", true)]).await?)?;
    same("all", &bodies(&one.letters(&names, 10).await?), &vec!["1", "2", "3", "4"])?;
    same("two of each", &bodies(&one.letters(&names, 2).await?), &vec!["1", "2", "3"])?;
    same("of one", &bodies(&one.letters(&[other], 10).await?), &vec!["2"])?;
    same("read by another", &bodies(&two.letters(&names, 10).await?), &Vec::<&str>::new())
}

async fn an_answer_comes_once_and_to_whoever_asked(place: &dyn FleetPlace) -> Checked {
    let ((one, two), t) = (pair(place).await?, samples::name("t")?);
    one.found(&t).await?;
    let ids = taken(&two.post(vec![letter(&t, "a", true), letter(&t, "b", true)]).await?)?;
    same("before it is answered", &two.answers().await?, &Vec::<(LetterId, String)>::new())?;
    let answers: Vec<(LetterId, String)> = ids.iter().map(|id| (*id, format!("done {id}"))).collect();
    one.answer(answers.clone()).await?;
    same("answered letters", &one.letters(&[t], 10).await?, &Vec::<Letter>::new())?;
    same("answers of another", &one.answers().await?, &Vec::<(LetterId, String)>::new())?;
    let mut heard = two.answers().await?;
    heard.sort();
    same("answers", &heard, &answers)?;
    same("answers again", &two.answers().await?, &Vec::<(LetterId, String)>::new())
}

async fn a_letter_that_nobody_waits_for_goes_when_it_is_answered(place: &dyn FleetPlace) -> Checked {
    let ((one, two), t) = (pair(place).await?, samples::name("t")?);
    one.found(&t).await?;
    let ids = taken(&two.post(vec![letter(&t, "a", false)]).await?)?;
    one.answer(ids.into_iter().map(|id| (id, "done".to_owned())).collect()).await?;
    same("letters", &one.letters(&[t], 10).await?, &Vec::<Letter>::new())?;
    same("answers", &two.answers().await?, &Vec::<(LetterId, String)>::new())
}

async fn the_first_answer_of_a_letter_counts(place: &dyn FleetPlace) -> Checked {
    let ((one, two), t) = (pair(place).await?, samples::name("t")?);
    one.found(&t).await?;
    let ids = taken(&two.post(vec![letter(&t, "a", true)]).await?)?;
    one.answer(ids.iter().map(|id| (*id, "first".to_owned())).collect()).await?;
    one.answer(ids.iter().map(|id| (*id, "second".to_owned())).collect()).await?;
    same("answers", &two.answers().await?, &vec![(ids[0], "first".to_owned())])
}

async fn a_letter_for_no_tenant_is_refused_beside_those_that_are_taken(place: &dyn FleetPlace) -> Checked {
    let ((one, two), t) = (pair(place).await?, samples::name("t")?);
    one.found(&t).await?;
    let posted = two.post(vec![letter(&samples::name("nobody")?, "a", true), letter(&t, "b", true)]).await?;
    same("the first", &posted[0], &Posted::NoTenant)?;
    taken(&posted[1..])?;
    same("letters", &bodies(&one.letters(&[t], 10).await?), &vec!["b"])
}

async fn a_tenant_has_no_more_letters_than_may_wait(place: &dyn FleetPlace) -> Checked {
    let ((one, two), t) = (pair(place).await?, samples::name("t")?);
    one.found(&t).await?;
    taken(&two.post((0..LETTERS_MAX).map(|_| letter(&t, "a", false)).collect()).await?)?;
    same("one more", &two.post(vec![letter(&t, "b", true)]).await?, &vec![Posted::Full])?;
    let first = one.letters(std::slice::from_ref(&t), 1).await?;
    one.answer(first.into_iter().map(|letter| (letter.id, "done".to_owned())).collect()).await?;
    taken(&two.post(vec![letter(&t, "b", true)]).await?).map(drop)
}
