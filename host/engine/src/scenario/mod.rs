//! Scenarios: the tests of a playbook, on a virtual clock and a tenant of their own.

mod expect;
mod mocks;

use std::sync::Arc;

use siyu_model::clock::UtcMs;
use siyu_model::name::TenantName;
use siyu_model::playbook::Place;
use siyu_model::scenario::{Beat, BeatKind, Scenario};

use crate::dispatch::Channels;
use crate::operate::{ManualStart, Publication};
use crate::ports::channel::{Channel, Receipt, Verdict};
use crate::ports::clock::{Clock, VirtualClock};
use crate::ports::inspect::Inspect;
use crate::ports::plugins::Plugins;
use crate::ports::store::Stores;
use crate::tenant::{Admitted, Lanes, Ports, Settings, Tenant, Unavailable};
use siyu_model::message::{Message, MessageStatus};

/// How often something is done again after a commit that failed: a store that fails more often is broken.
const AGAIN_MAX: u32 = 3;

/// Where scenarios are played: an empty store each.
pub struct Stage {
    /// Makes the tenant's store. It must be empty, and its secret made from the scenario's seed.
    pub stores: Arc<dyn Stores>,
    /// Reads it.
    pub inspect: Arc<dyn Inspect>,
    /// The plugins of the playbook.
    pub plugins: Arc<dyn Plugins>,
    /// The tenant to make.
    pub tenant: TenantName,
}

/// How a scenario went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// Expectations that held.
    pub held: usize,
    /// Expectations that did not, and what else went wrong.
    pub failures: Vec<Failure>,
    /// How much virtual time passed, milliseconds.
    pub virtual_ms: u64,
}

/// What went wrong, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where.
    pub place: Place,
    /// What was expected and what was found.
    pub message: String,
}

/// Plays a scenario of a playbook. Where a commit fails, it is done again, as callers outside do: the result is the same.
pub async fn play(scenario: &Scenario, publication: Publication, stage: Stage) -> Played {
    play_with(scenario, publication, stage, Settings::default()).await
}

/// The same with other settings of the executor: whatever they are, the result is the same.
pub async fn play_with(
    scenario: &Scenario,
    publication: Publication,
    stage: Stage,
    settings: Settings,
) -> Played {
    let clock = Arc::new(VirtualClock::starting_at(scenario.at));
    let mut played = Played { held: 0, failures: Vec::new(), virtual_ms: 0 };
    let ports = Ports {
        stores: stage.stores.clone(),
        plugins: mocks::over(stage.plugins.clone(), &scenario.mocks),
        clock: clock.clone(),
        channels: Channels::all_over(Arc::new(Arrives)),
        lanes: Lanes::unpaced(1),
    };
    let fail = |played: &mut Played, place: &Place, message: String| {
        played.failures.push(Failure { place: place.clone(), message });
    };
    let tenant = match Tenant::open(stage.tenant.clone(), ports, settings).await {
        Ok(tenant) => tenant,
        Err(why) => {
            fail(&mut played, &scenario.place, why.to_string());
            return played;
        }
    };
    let published = insist(async || tenant.publish(publication.clone()).await).await;
    if let Err(why) = published.and_then(|done| done.map_err(|why| why.to_string())) {
        fail(&mut played, &scenario.place, format!("the playbook cannot be published: {why}"));
    } else {
        let player = Player { tenant: &tenant, clock: &clock, publication: &publication, stage: &stage };
        for (place, beat) in (1u64..).zip(&scenario.beats) {
            match player.beat(place, beat).await {
                Ok(true) => played.held += 1,
                Ok(false) => {}
                Err(message) => fail(&mut played, &beat.place, message),
            }
        }
    }
    played.virtual_ms = clock.now().since(scenario.at).as_millis();
    tenant.stop().await;
    played
}

struct Player<'a> {
    tenant: &'a Tenant,
    clock: &'a VirtualClock,
    publication: &'a Publication,
    stage: &'a Stage,
}

impl Player<'_> {
    /// Does or checks one thing; says whether it was an expectation that held.
    async fn beat(&self, place: u64, beat: &Beat) -> Result<bool, String> {
        match &beat.kind {
            BeatKind::Event(event) => {
                let mut event = event.clone();
                if let Some(at) = event.time {
                    self.go_on_to(at).await?;
                }
                event.time = Some(event.time.unwrap_or_else(|| self.clock.now()));
                if event.id.is_empty() {
                    event.id = format!("beat-{place}");
                }
                let admitted = insist(async || self.tenant.admit(event.clone()).await).await?;
                if let Admitted::Refused(why) = admitted {
                    return Err(format!("the event is refused: {why}"));
                }
                self.settle().await.map(|()| false)
            }
            BeatKind::Start { workflow, customer, data } => {
                let request = ManualStart {
                    playbook: self.publication.playbook.name.clone(),
                    workflow: workflow.clone(),
                    customer: customer.clone(),
                    data: data.clone(),
                    id: Some(format!("beat-{place}")),
                    by: "test".to_owned(),
                };
                let started = insist(async || self.tenant.start(request.clone()).await).await?;
                started.map_err(|why| why.to_string())?;
                self.settle().await.map(|()| false)
            }
            BeatKind::Advance(length) => self.go_on_to(self.clock.now() + *length).await.map(|()| false),
            BeatKind::Until(at) => self.go_on_to(*at).await.map(|()| false),
            BeatKind::Expect(expectation) => {
                expect::check(expectation, &*self.stage.inspect, self.clock.now(), &self.publication.playbook)
                    .await
                    .map(|()| true)
            }
        }
    }

    async fn settle(&self) -> Result<(), String> {
        insist(async || self.tenant.settle().await).await.map(drop)
    }

    /// Lets time pass; everything that falls due on the way happens at its own instant.
    async fn go_on_to(&self, at: UtcMs) -> Result<(), String> {
        if at < self.clock.now() {
            return Err(format!(
                "time does not go back: it is {} already, and {at} is before that",
                self.clock.now()
            ));
        }
        self.clock.advance_to(at);
        self.settle().await
    }
}

/// Does something until it is durable. Everything a scenario does can be done twice: an event and a start carry an id, and
/// a version is published once.
async fn insist<T>(what: impl AsyncFn() -> Result<T, Unavailable>) -> Result<T, String> {
    let mut tries = 0;
    loop {
        match what().await {
            Err(Unavailable::Failed(_)) if tries < AGAIN_MAX => tries += 1,
            outcome => return outcome.map_err(|why| why.to_string()),
        }
    }
}

/// A channel over which everything arrives at once.
struct Arrives;

#[async_trait::async_trait]
impl Channel for Arrives {
    async fn deliver(&self, messages: &[Message], _: UtcMs) -> Vec<Receipt> {
        let arrived = Verdict::Became(MessageStatus::Sent);
        messages.iter().map(|message| Receipt { message: message.id, verdict: arrived.clone() }).collect()
    }
}
