//! `siyu runs cancel|retry|replay|pause|resume RUN…`: what people do to runs. What they see of them is in `runs_view`.

use clap::{Args, Subcommand};
use serde_json::json;
use siyu_engine::host::HostError;
use siyu_engine::operate::RunAction;
use siyu_model::id::RunId;
use siyu_model::name::StepId;

use super::runs_view;
use crate::fault::Fault;
use crate::host::{Host, Opening};
use crate::serving::{Served, told};
use crate::session::{Exit, Session};

/// What can be done to runs.
#[derive(Subcommand)]
pub(crate) enum Runs {
    /// List runs, newest first
    List(runs_view::List),
    /// Show a run: where it stands and why, its steps and its journal
    Show(runs_view::Show),
    /// End runs, and undo what has a `compensate`
    Cancel(Cancel),
    /// Begin failed runs again at the step where they failed
    Retry(Named),
    /// Begin runs that are over again at a step, with what the steps before it gave
    Replay(Replay),
    /// Halt runs: their waits and timers stand still
    Pause(Named),
    /// Let halted runs go on
    Resume(Named),
}

/// Some runs.
#[derive(Args)]
pub(crate) struct Named {
    /// The runs, such as run_01k9…
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<RunId>,
}

/// Options of `cancel`.
#[derive(Args)]
pub(crate) struct Cancel {
    #[command(flatten)]
    named: Named,
    /// Why, for the runs' journals
    #[arg(long, value_name = "TEXT", default_value = "by an operator")]
    reason: String,
}

/// Options of `replay`.
#[derive(Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    named: Named,
    /// The step: one of the run itself, outside of branches and items
    #[arg(long, value_name = "STEP")]
    from: StepId,
}

pub(crate) fn run(command: &Runs, session: &Session) -> anyhow::Result<Exit> {
    match command {
        Runs::List(options) => runs_view::list(options, session),
        Runs::Show(options) => runs_view::show(options, session),
        Runs::Cancel(options) => {
            let reason = options.reason.clone();
            act(&options.named, &RunAction::Cancel { reason }, "cancelled", session)
        }
        Runs::Retry(named) => act(named, &RunAction::Retry, "retried", session),
        Runs::Replay(options) => {
            let action = RunAction::Replay { from: options.from.clone(), new: None };
            act(&options.named, &action, "replayed", session)
        }
        Runs::Pause(named) => act(named, &RunAction::Pause, "paused", session),
        Runs::Resume(named) => act(named, &RunAction::Resume, "resumed", session),
    }
}

/// Does it to each run; what cannot be done to one does not keep the others from it.
fn act(named: &Named, action: &RunAction, done: &str, session: &Session) -> anyhow::Result<Exit> {
    let home = session.home();
    if !session.wait_for(home.is_there())? {
        return Err(home.no_tenant().into());
    }
    let installed = session.plugins(&home)?;
    let outcomes: Vec<(RunId, Result<RunId, String>)> = session.wait_for(async {
        let mut outcomes = Vec::new();
        if let Some(served) = Served::find(&home, &installed).await? {
            for run in &named.runs {
                let done = match served.host.act(&home.tenant, *run, action.clone()).await {
                    Err(HostError::Missing(why) | HostError::Refused(why)) => Err(why),
                    done => Ok(told(done)?),
                };
                outcomes.push((*run, done));
            }
            served.host.stop().await;
            return Ok(outcomes);
        }
        let host = Host::open(home, installed, Opening::default()).await?;
        for run in &named.runs {
            let done = host.tenant.act(*run, action.clone()).await?;
            outcomes.push((*run, done.map_err(|why| why.to_string())));
        }
        host.stop().await;
        Ok(outcomes)
    })?;
    let rows = outcomes.iter().map(|(run, outcome)| match outcome {
        Ok(goes_on) => json!({ "run": run, "done": true, "goes_on_as": goes_on }),
        Err(why) => json!({ "run": run, "done": false, "error": why }),
    });
    session.screen.json(&json!({ "runs": rows.collect::<Vec<_>>() }))?;
    let mut failed = Vec::new();
    for (run, outcome) in &outcomes {
        match outcome {
            Ok(goes_on) if goes_on != run => {
                session.screen.say(format!("{run} is {done}: {goes_on} goes on"))?
            }
            Ok(_) => session.screen.say(format!("{run} is {done}"))?,
            Err(why) => failed.push(why.clone()),
        }
    }
    match (failed.is_empty(), session.screen.is_json) {
        (true, _) => Ok(Exit::Done),
        (false, true) => Ok(Exit::Found),
        (false, false) => Err(Fault::failed(failed.join("; ")).into()),
    }
}
