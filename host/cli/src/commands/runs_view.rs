//! `siyu runs list` and `siyu runs show RUN`: where runs stand, and why.

use clap::Args;
use siyu_engine::ports::inspect::{Inspect, RunFilter};
use siyu_insight::{RunStory, RunsPage, StepState};
use siyu_model::event::Subject;
use siyu_model::id::{CustomerId, RunId};
use siyu_model::run::RunPhase;

use super::reading::{self, Paged, Reading, Spanned, Zoned};
use crate::fault::Fault;
use crate::output::{Paint, Screen, on_one_line};
use crate::session::{Exit, Session};

/// Options of `list`.
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    zoned: Zoned,
    /// Only those that are queued, live, paused, undoing, completed, failed or cancelled
    #[arg(long)]
    phase: Option<RunPhase>,
    /// Only those of this workflow; reactions of plugins are @plugin/step
    #[arg(long, value_name = "NAME")]
    workflow: Option<String>,
    /// Only those for this customer: cus_… or an outside name such as shop:00042
    #[arg(long, value_name = "WHO")]
    customer: Option<Subject>,
    #[command(flatten)]
    started: Spanned,
    #[command(flatten)]
    paged: Paged,
}

/// Options of `show`.
#[derive(Args)]
pub(crate) struct Show {
    /// The run, such as run_01k9…
    run: RunId,
    #[command(flatten)]
    zoned: Zoned,
}

pub(crate) fn list(options: &List, session: &Session) -> anyhow::Result<Exit> {
    let page = session.wait_for(async {
        let Reading { inspect, frame } = reading::open(session, &options.zoned).await?;
        let filter = RunFilter {
            phase: options.phase,
            playbook: options.zoned.playbook.clone(),
            workflow: options.workflow.clone(),
            customer: match &options.customer {
                Some(who) => Some(customer_of(&*inspect, who).await?),
                None => None,
            },
            started: options.started.span(&frame)?,
        };
        siyu_insight::runs(&*inspect, &frame, filter, options.paged.turn()).await.map_err(reading::told)
    })?;
    session.screen.json(&page)?;
    show_list(&session.screen, &page)?;
    Ok(Exit::Done)
}

/// The id of a customer who must be there.
pub(crate) async fn customer_of(inspect: &dyn Inspect, who: &Subject) -> anyhow::Result<CustomerId> {
    match inspect.customer(who.clone()).await? {
        Some(image) => Ok(image.customer.id),
        None => Err(unknown_customer(who).into()),
    }
}

/// The error of a customer who is not there.
pub(crate) fn unknown_customer(who: &Subject) -> Fault {
    Fault::failed(format!("there is no customer `{who}`"))
        .help("give cus_… or the name under which an event came, such as shop:00042")
}

fn show_list(screen: &Screen, page: &RunsPage) -> anyhow::Result<()> {
    if page.runs.is_empty() {
        return screen.say("no runs");
    }
    let mut table = screen.table(&["RUN", "WORKFLOW", "PHASE", "STARTED", "CUSTOMER", "END"]);
    for run in &page.runs {
        table.add_row([
            run.id.to_string(),
            format!("{}/{}", run.playbook, run.workflow),
            screen.paint(paint(run.phase), run.phase.as_str()),
            run.started_at.minute(),
            run.customer.map(|id| id.to_string()).unwrap_or_default(),
            on_one_line(run.end.as_deref().unwrap_or_default()),
        ]);
    }
    screen.say_table(&table)?;
    match &page.next {
        Some(next) => screen.say(format!("\nthere are more: --after {next}")),
        None => Ok(()),
    }
}

fn paint(phase: RunPhase) -> Paint {
    match phase {
        RunPhase::Failed => Paint::Red,
        RunPhase::Paused | RunPhase::Undoing | RunPhase::Cancelled => Paint::Yellow,
        RunPhase::Completed => Paint::Green,
        RunPhase::Queued | RunPhase::Live => Paint::Bold,
    }
}

pub(crate) fn show(options: &Show, session: &Session) -> anyhow::Result<Exit> {
    let story = session.wait_for(async {
        let Reading { inspect, frame } = reading::open(session, &options.zoned).await?;
        siyu_insight::run(&*inspect, &frame, options.run).await.map_err(reading::told)
    })?;
    let Some(story) = story else {
        return Err(Fault::failed(format!("there is no run {}", options.run)).into());
    };
    session.screen.json(&story)?;
    show_run(&session.screen, &story)?;
    Ok(Exit::Done)
}

fn show_run(screen: &Screen, story: &RunStory) -> anyhow::Result<()> {
    screen.say(screen.paint(Paint::Bold, story.id))?;
    screen.say(on_one_line(&story.sentence))?;
    let short = story.version.get(..12).unwrap_or(&story.version);
    let mut about = vec![
        ("workflow", format!("{}/{} {short}", story.playbook, story.workflow)),
        ("phase", screen.paint(paint(story.phase), story.phase.as_str())),
        ("started", story.started_at.second()),
    ];
    about.extend(story.ended_at.as_ref().map(|at| ("ended", at.second())));
    about.extend(story.customer.map(|id| ("customer", id.to_string())));
    about.extend(story.key.as_ref().map(|key| ("key", on_one_line(key))));
    about.extend(story.parent.map(|id| ("called by", id.to_string())));
    if let Some(event) = &story.event {
        let told = format!("{} from {}, event {}", event.event_type, on_one_line(&event.source), event.seq);
        about.push(("event", told));
    }
    screen.say("")?;
    for (name, value) in about {
        screen.say(format!("{name:<10}{value}"))?;
    }
    for waiting in &story.waiting {
        screen.say(format!("{:<10}{}", "waits", on_one_line(&waiting.to_string())))?;
    }
    steps(screen, story)?;
    journal(screen, story)?;
    for note in &story.notes {
        screen.say(format!("\n{} {}", screen.paint(Paint::Yellow, "note:"), on_one_line(note)))?;
    }
    if story.can.is_empty() {
        return Ok(());
    }
    let verbs: Vec<&str> = story.can.iter().map(|verb| verb.as_str()).collect();
    screen.say(format!("\nsiyu runs {} {}", verbs.join("|"), story.id))
}

fn steps(screen: &Screen, story: &RunStory) -> anyhow::Result<()> {
    if story.steps.is_empty() {
        return Ok(());
    }
    screen.say(format!("\n{}", screen.paint(Paint::Bold, "steps")))?;
    let mut table = screen.table(&["STEP", "STATE", "WHAT", "WHERE", "OUTPUT"]);
    for step in &story.steps {
        let paint = match step.state {
            StepState::Failed => Paint::Red,
            StepState::Refused | StepState::Retrying | StepState::TimedOut => Paint::Yellow,
            StepState::Done => Paint::Green,
            _ => Paint::Dim,
        };
        let times = if step.times > 1 { format!(" ×{}", step.times) } else { String::new() };
        table.add_row([
            format!("{}{times}", step.id),
            screen.paint(paint, step.state.as_str()),
            on_one_line(&step.what),
            step.place.clone(),
            on_one_line(&step.told),
        ]);
    }
    screen.say_table(&table)
}

fn journal(screen: &Screen, story: &RunStory) -> anyhow::Result<()> {
    if story.journal.is_empty() {
        return Ok(());
    }
    screen.say(format!("\n{}", screen.paint(Paint::Bold, "journal")))?;
    let mut table = screen.table(&["WHEN", "STEP", "WHAT", "DETAIL"]);
    for line in &story.journal {
        let fiber = if line.fiber > 0 { format!(" #{}", line.fiber) } else { String::new() };
        table.add_row([
            line.at.second(),
            format!("{}{fiber}", line.step.as_deref().unwrap_or_default()),
            line.kind.to_owned(),
            on_one_line(&line.told),
        ]);
    }
    screen.say_table(&table)
}
