//! `siyu run PLAYBOOK --events FILE`: replays a file of events durably, and goes on where it was stopped.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;
use siyu_engine::ports::inspect::Inspect;
use siyu_engine::replay::{Progress, Replay, ReplayError, ReplayTime, Replayed};
use siyu_model::clock::UtcMs;
use siyu_model::event::IncomingEvent;

use crate::acks::Acks;
use crate::checking;
use crate::commands::publish;
use crate::facts::ClockKind;
use crate::fault::Fault;
use crate::feed::{Feed, LineError};
use crate::home::Home;
use crate::host::{Host, HostClock, Opening};
use crate::output::{Screen, grouped};
use crate::session::{Exit, Session};
use crate::signals::interrupted;

/// Options of `run`.
#[derive(Args)]
pub(crate) struct Options {
    /// The playbook's folder; published first when it is not in force as it is
    playbook: PathBuf,
    /// A client's overlay: the folder of what it changes in the playbook
    #[arg(long, value_name = "FOLDER")]
    overlay: Option<PathBuf>,
    /// The events: one JSON object a line, in the order of their `time`
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Time is made by the events, months in seconds (the default)
    #[arg(long = "virtual", conflicts_with = "real")]
    is_virtual: bool,
    /// Time is the machine's: events are handed in at once
    #[arg(long)]
    real: bool,
    /// Virtual time goes so many times faster than the machine's, instead of as fast as possible
    #[arg(long, value_name = "TIMES", value_parser = speed, conflicts_with = "real")]
    speed: Option<f64>,
    /// Take in events up to this instant, then let time pass until it
    #[arg(long, value_name = "INSTANT")]
    until: Option<UtcMs>,
    /// Make a new tenant whose ids, draws and codes come out the same from the same seed
    #[arg(long, value_name = "TEXT")]
    seed: Option<String>,
    /// Append the id of each event that is durable to this file, synced
    #[arg(long, value_name = "FILE")]
    acks: Option<PathBuf>,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('x').parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed > 0.0 => Ok(speed),
        _ => Err("expected a number above 0, such as 60 or 0.5".to_owned()),
    }
}

pub(crate) fn run(options: &Options, session: &Session) -> anyhow::Result<Exit> {
    let home = session.home();
    let installed = session.plugins(&home)?;
    let checked = checking::check(&options.playbook, options.overlay.as_deref(), &installed)?;
    let Some(publication) = checked.publication() else {
        return publish::refused(&checked, &session.screen);
    };
    let feed = Feed::open(&options.events)?;
    let begin = if options.real { UtcMs::EPOCH } else { begin_of(&feed)? };
    let acks = options.acks.as_deref().map(Acks::open).transpose()?;
    let name = publication.playbook.name.clone();
    session.wait_for(async {
        let opening = Opening {
            clock: Some(if options.real { ClockKind::Real } else { ClockKind::Virtual }),
            from: begin,
            seed: options.seed.as_deref(),
        };
        let host = Host::open(home.clone(), installed, opening).await?;
        if let Err(fault) = is_ahead(&host, &feed, begin, options.real) {
            host.stop().await;
            return Err(fault);
        }
        let (published, changes) = match host.publish(publication).await? {
            Ok(published) => published,
            Err(error) => {
                host.stop().await;
                let mut checked = checked;
                checked.refuse(&error)?;
                return publish::refused(&checked, &session.screen);
            }
        };
        let digest = published.digest;
        if !published.is_unchanged {
            publish::Answer { name: name.clone(), published, changes }.show(&session.screen)?;
        }
        let replaying = Replaying { options, home: &home, host: &host, screen: &session.screen };
        let done = replaying.replay(feed, acks).await;
        host.stop().await;
        let mut summary = done?;
        summary.playbook = format!("{name} {}", digest.short());
        summary.show(&session.screen)
    })
}

fn begin_of(feed: &Feed) -> anyhow::Result<UtcMs> {
    feed.first.time.ok_or_else(|| {
        Fault::wrong(format!("event 1 of {} has no `time`: on a virtual clock events carry one", feed.name))
            .help("add \"time\": \"2026-11-21T09:00:00+08:00\" to each event, or replay with --real")
            .into()
    })
}

/// A virtual clock never goes back: a tenant that stands after a feed's beginning can only go on with that feed.
fn is_ahead(host: &Host, feed: &Feed, begin: UtcMs, is_real: bool) -> anyhow::Result<()> {
    if is_real || begin >= host.at || host.read_before(&feed.name) > 0 {
        return Ok(());
    }
    let (tenant, at) = (host.tenant.name(), host.at);
    Err(Fault::wrong(format!(
        "tenant `{tenant}` stands at {at}, and the first event happened before, at {begin}: time does not go back"
    ))
    .help("take another tenant with --tenant, or another folder with --data")
    .into())
}

/// A replay under way.
struct Replaying<'a> {
    options: &'a Options,
    home: &'a Home,
    host: &'a Host,
    screen: &'a Screen,
}

impl Replaying<'_> {
    async fn replay(&self, feed: Feed, acks: Option<Acks>) -> anyhow::Result<Summary> {
        let inspect = self.home.inspect().await?;
        let before = Totals::of(&*inspect).await?;
        let bar = self.bar(&feed)?;
        let replay = Replay {
            tenant: &self.host.tenant,
            time: match (&self.host.clock, self.options.speed) {
                (HostClock::Virtual(clock), None) => ReplayTime::Fast(clock),
                (HostClock::Virtual(clock), Some(speed)) => ReplayTime::Speed(clock, speed),
                (HostClock::Real(clock), _) => ReplayTime::Passing(clock),
            },
            feed: feed.name.clone(),
        };
        let name = feed.name.clone();
        let acknowledging = acks.map(Acknowledging::of);
        let began = Instant::now();
        let mut last_at = None;
        let seen = |progress: Progress| {
            last_at = Some(progress.at);
            tell(&bar, progress);
            if let Some(acknowledging) = &acknowledging {
                acknowledging.durable(progress.events);
            }
        };
        let events = wanted(feed, self.options.until, acknowledging.as_ref());
        let done = tokio::select! {
            done = replay.run(events, self.options.until, seen) => Some(done),
            () = interrupted() => None,
        };
        let elapsed = began.elapsed();
        bar.finish_and_clear();
        let done = match done {
            // The store failed and may not come back: nothing more is waited for.
            Some(Err(fault @ ReplayError::Tenant(_))) => {
                acknowledging.map_or(Ok(()), |acknowledging| acknowledging.acks.close())?;
                return Err(explained(fault, &self.options.events));
            }
            done => done,
        };
        let is_interrupted = done.is_none();
        // What was handed in before an interruption is done like everything else.
        self.host.tenant.settle().await.map_err(Fault::unavailable)?;
        let read = self.host.tenant.fed(&name).await.map_err(Fault::unavailable)?;
        if let Some(acknowledging) = acknowledging {
            acknowledging.durable(read);
            acknowledging.acks.close()?;
        }
        let replayed = match done {
            Some(done) => done.map_err(|fault| explained(fault, &self.options.events))?,
            None => {
                let skipped = self.host.read_before(&name);
                Replayed { events: read.saturating_sub(skipped), skipped, ..Replayed::default() }
            }
        };
        let after = Totals::of(&*inspect).await?;
        Ok(Summary {
            playbook: String::new(),
            is_interrupted,
            replayed,
            last_at,
            totals: after.since(&before),
            steps: self.host.counts.steps(),
            calls: self.host.counts.calls(),
            commits: self.host.counts.commits(),
            elapsed,
        })
    }

    fn bar(&self, feed: &Feed) -> anyhow::Result<ProgressBar> {
        let bar = self.screen.progress(0, "events");
        if !bar.is_hidden() {
            bar.set_length(feed.lines_in_all().with_context(|| self.options.events.display().to_string())?);
        }
        Ok(bar)
    }
}

/// The events up to an instant; who acknowledges them hears of each.
fn wanted<'a>(
    feed: Feed,
    until: Option<UtcMs>,
    acknowledging: Option<&'a Acknowledging>,
) -> impl Iterator<Item = Result<IncomingEvent, LineError>> + 'a {
    let is_wanted = move |event: &Result<IncomingEvent, LineError>| match (event, until) {
        (Ok(IncomingEvent { time: Some(time), .. }), Some(until)) => *time <= until,
        _ => true,
    };
    (1u64..).zip(feed.take_while(is_wanted)).map(move |(place, event)| {
        if let (Ok(event), Some(acknowledging)) = (&event, acknowledging) {
            acknowledging.read(place, &event.id);
        }
        event
    })
}

/// Ids that are not acknowledged yet, and where acknowledgements go.
struct Acknowledging {
    acks: Acks,
    /// By their places in the feed.
    ids: RefCell<VecDeque<(u64, String)>>,
}

impl Acknowledging {
    fn of(acks: Acks) -> Self {
        Self { acks, ids: RefCell::default() }
    }

    /// An event was read. One whose id is in the file already needs no other.
    fn read(&self, place: u64, id: &str) {
        if place > self.acks.before {
            self.ids.borrow_mut().push_back((place, id.to_owned()));
        }
    }

    /// All events up to this place are durable, whichever process handed them in.
    fn durable(&self, place: u64) {
        let mut ids = self.ids.borrow_mut();
        while ids.front().is_some_and(|(first, _)| *first <= place) {
            if let Some((_, id)) = ids.pop_front() {
                self.acks.add(id);
            }
        }
    }
}

fn tell(bar: &ProgressBar, progress: Progress) {
    // Formatting an instant costs more than an event.
    const TELL_EVERY: u64 = 256;
    bar.set_position(progress.events);
    if !bar.is_hidden() && progress.events.is_multiple_of(TELL_EVERY) {
        bar.set_message(progress.at.to_string());
    }
}

/// Where in the file, and what was done before it is kept.
fn explained(fault: ReplayError<LineError>, path: &Path) -> anyhow::Error {
    let file = path.display();
    let message = match fault {
        ReplayError::Read { place, source } => format!("{file}:{place}: {source}"),
        ReplayError::Order { place, what } => {
            format!(
                "{file}:{place}: the event {what}: events of a replay carry their `time`, and come in its order"
            )
        }
        ReplayError::Refused { place, why } => format!("{file}:{place}: the event is refused: {why}"),
        ReplayError::Tenant(why) => return Fault::unavailable(why).into(),
    };
    Fault::failed(message)
        .help("the events before it are durable: mend the line and run again, it goes on there")
        .into()
}

/// How much a tenant holds.
#[derive(Default)]
struct Totals {
    events: u64,
    runs: u64,
    messages: u64,
}

impl Totals {
    async fn of(inspect: &dyn Inspect) -> anyhow::Result<Self> {
        let tallies = inspect.tallies().await?;
        Ok(Self {
            events: tallies.events.iter().map(|(_, count)| count).sum(),
            runs: tallies.runs.iter().map(|(_, count)| count).sum(),
            messages: tallies.messages.iter().map(|(_, _, count)| count).sum(),
        })
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            events: self.events.saturating_sub(before.events),
            runs: self.runs.saturating_sub(before.runs),
            messages: self.messages.saturating_sub(before.messages),
        }
    }
}

/// What a replay did, and how fast.
struct Summary {
    playbook: String,
    is_interrupted: bool,
    replayed: Replayed,
    last_at: Option<UtcMs>,
    totals: Totals,
    steps: u64,
    calls: u64,
    commits: u64,
    elapsed: Duration,
}

impl Summary {
    fn show(&self, screen: &Screen) -> anyhow::Result<Exit> {
        let Replayed { events, skipped, duplicates, .. } = self.replayed;
        let seconds = self.elapsed.as_secs_f64();
        let rate = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        screen.json(&json!({
            "playbook": self.playbook,
            "interrupted": self.is_interrupted,
            "events": events,
            "events_durable_before": skipped,
            "events_duplicate": duplicates,
            "events_recorded": self.totals.events,
            "last_event_at": self.last_at.map(|at| at.to_string()),
            "runs": self.totals.runs,
            "steps": self.steps,
            "plugin_calls": self.calls,
            "messages": self.totals.messages,
            "commits": self.commits,
            "seconds": seconds,
            "steps_per_second": rate(self.steps),
            "commits_per_second": rate(self.commits),
        }))?;
        let before =
            if skipped > 0 { format!(", {} durable before", grouped(skipped)) } else { String::new() };
        let known =
            if duplicates > 0 { format!(", {} known already", grouped(duplicates)) } else { String::new() };
        let lines = [
            ("events", format!("{}{before}{known}", grouped(events))),
            ("runs", grouped(self.totals.runs)),
            ("steps", format!("{}  {}/s", grouped(self.steps), grouped(rate(self.steps) as u64))),
            ("plugin calls", grouped(self.calls)),
            ("messages", grouped(self.totals.messages)),
            ("commits", format!("{}  {}/s", grouped(self.commits), grouped(rate(self.commits) as u64))),
            ("time", format!("{seconds:.2} s")),
        ];
        for (what, text) in lines {
            screen.say(format!("{what:<14}{text}"))?;
        }
        if self.is_interrupted {
            screen.say("interrupted: what was taken in is durable; the same command goes on from there")?;
            return Ok(Exit::Interrupted);
        }
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_number_above_zero() {
        assert_eq!(speed("60"), Ok(60.0));
        assert_eq!(speed("0.5x"), Ok(0.5));
        for text in ["0", "-1", "fast", "inf", "NaN", ""] {
            assert!(speed(text).is_err(), "{text}");
        }
    }
}
