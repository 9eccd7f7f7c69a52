//! Goals of playbooks, held against what was reached.
//!
//! A window such as the 7 days of `first_order_7d` counts only for those for whom it is over: whoever came yesterday
//! neither met nor missed it. A metric that no report computes is said to be so, never taken as met.

use std::sync::Arc;

use serde::Serialize;
use siyu_engine::ports::inspect::{First, Inspect};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::event::{Event, EventSeq};
use siyu_model::expr::{Expr, Scope};
use siyu_model::json::{self, Value};
use siyu_model::playbook::{Action, Goal, GoalSense, Playbook, Program, Trigger, Workflow};
use siyu_model::run::RunPhase;

use super::funnel::{Channel, FRIEND_ADDED};
use super::named;
use crate::orders::{Orders, days_between};
use crate::{Frame, InsightError, Rate};

const DAY_MS: u64 = 86_400_000;
/// Metrics that are measured, for the message about one that is not.
const KNOWN: &str = "take_rate, draw_rate, coupon_rate, first_order_rate, first_order_<days>d, repurchase_rate, \
                     repurchase_<days>d, or <outcome>_rate and <outcome>_<days>d with an `end` of the workflow";

/// A goal with what was reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GoalLine {
    /// Whose goal.
    pub playbook: String,
    /// Of which workflow.
    pub workflow: String,
    /// The metric, such as `take_rate`.
    pub metric: String,
    /// Which side of the threshold is good: `>=` or `<=`.
    pub sense: &'static str,
    /// The threshold.
    pub threshold: f64,
    /// What was reached; none for a metric that is not measured.
    pub reached: Option<Rate>,
    /// Whether that is enough.
    pub state: GoalState,
    /// Over whom it was measured, or why it was not.
    pub over: String,
}

/// Whether a goal is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GoalState {
    /// It is.
    Met,
    /// It is not.
    Missed,
    /// There is nobody yet for whom it could be told.
    TooEarly,
    /// No report computes this metric.
    NotMeasured,
}

impl GoalState {
    /// The name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::TooEarly => "too early",
            Self::NotMeasured => "not measured",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    Take,
    Draw,
    Coupon,
    /// First orders of friends, within so many days.
    FirstOrder(Option<u32>),
    /// Second days of buyers, within so many days.
    Repurchase(Option<u32>),
    /// Runs of the workflow that ended with an outcome, of those that came to an end by themselves.
    Outcome,
}

/// The outcome that a metric such as `won_back_30d` names. The workflow's own waits say how long a run has for it.
fn outcome_of(metric: &str) -> Option<&str> {
    let (outcome, tail) = metric.rsplit_once('_')?;
    let is_days = || tail.strip_suffix('d').is_some_and(|days| days.parse::<u32>().is_ok());
    (tail == "rate" || is_days()).then_some(outcome)
}

impl Metric {
    /// The metric of a goal; none for one that is not measured.
    fn of_goal(name: &str, program: &Program) -> Option<Self> {
        let ends_with = |outcome: &str| {
            let ends = program.nodes.iter();
            ends.into_iter()
                .any(|node| matches!(&node.action, Action::End { outcome: end } if end == outcome))
        };
        let is_outcome = || outcome_of(name).is_some_and(ends_with);
        Self::of(name).or_else(|| is_outcome().then_some(Self::Outcome))
    }

    fn of(name: &str) -> Option<Self> {
        let days = |prefix: &str| -> Option<u32> {
            name.strip_prefix(prefix)?
                .strip_suffix('d')?
                .parse()
                .ok()
                .filter(|days| (1..=3_660).contains(days))
        };
        Some(match name {
            "take_rate" => Self::Take,
            "draw_rate" => Self::Draw,
            "coupon_rate" => Self::Coupon,
            "first_order_rate" => Self::FirstOrder(None),
            "repurchase_rate" => Self::Repurchase(None),
            _ => match (days("first_order_"), days("repurchase_")) {
                (Some(days), _) => Self::FirstOrder(Some(days)),
                (_, Some(days)) => Self::Repurchase(Some(days)),
                _ => return None,
            },
        })
    }
}

/// All goals, measured while customers pass by.
pub(super) struct Measures {
    goals: Vec<Measure>,
    as_of: UtcMs,
    as_of_day: jiff::civil::Date,
    zone: siyu_model::clock::Zone,
}

struct Measure {
    playbook: Arc<Playbook>,
    workflow: Arc<Workflow>,
    goal: Goal,
    metric: Option<Metric>,
    /// Which friends a workflow is for, where its trigger tells that by the event alone.
    condition: Option<(Expr, Value)>,
    part: u64,
    whole: u64,
}

impl Measures {
    /// The goals of the frame's playbooks.
    pub(super) fn of(frame: &Frame) -> Self {
        let mut goals = Vec::new();
        for playbook in &frame.playbooks {
            for workflow in playbook.workflows.values() {
                let condition = condition(playbook, workflow);
                goals.extend(workflow.goals.iter().map(|goal| Measure {
                    playbook: playbook.clone(),
                    workflow: workflow.clone(),
                    goal: goal.clone(),
                    metric: Metric::of_goal(&goal.metric, &workflow.program),
                    condition: condition.clone(),
                    part: 0,
                    whole: 0,
                }));
            }
        }
        let as_of_day = frame.zone.local(frame.as_of).date();
        Self { goals, as_of: frame.as_of, as_of_day, zone: frame.zone.clone() }
    }

    /// A friend passes by, with their orders since they became one.
    pub(super) fn friend(&mut self, first: Option<&First>, added_at: UtcMs, since: &Orders) {
        let (as_of, zone) = (self.as_of, &self.zone);
        let mut event = None;
        for measure in &mut self.goals {
            let Some(Metric::FirstOrder(days)) = measure.metric else { continue };
            let length = days.map(|days| DurationMs::from_millis(u64::from(days) * DAY_MS));
            let is_over = length.is_none_or(|length| as_of >= added_at + length);
            let event = event.get_or_insert_with(|| first.map(as_event));
            if !is_over || !measure.takes(event.as_ref(), as_of, zone) {
                continue;
            }
            let ordered_at = since.first.map(|(at, _)| at);
            let in_time = |at: UtcMs| length.is_none_or(|length| at <= added_at + length);
            measure.whole += 1;
            measure.part += u64::from(ordered_at.is_some_and(in_time));
        }
    }

    /// A customer passes by, with all their orders.
    pub(super) fn buyer(&mut self, ever: &Orders) {
        let Some((_, first_day)) = ever.first else { return };
        for measure in &mut self.goals {
            let Some(Metric::Repurchase(days)) = measure.metric else { continue };
            let is_over = days.is_none_or(|days| days_between(first_day, self.as_of_day) > i64::from(days));
            if is_over {
                measure.whole += 1;
                let returned = days.map_or(ever.second_day.is_some(), |days| ever.returned_within(days));
                measure.part += u64::from(returned);
            }
        }
    }

    /// Runs of workflows whose goals name an outcome are counted.
    pub(super) async fn runs(&mut self, inspect: &dyn Inspect) -> Result<(), InsightError> {
        for measure in self.goals.iter_mut().filter(|measure| measure.metric == Some(Metric::Outcome)) {
            let outcome = outcome_of(&measure.goal.metric);
            let of = (&measure.playbook.name, measure.workflow.name.as_str());
            for tally in inspect.run_tallies(Some(of)).await? {
                let is_over = matches!(tally.phase, RunPhase::Completed | RunPhase::Failed);
                let is_it = tally.phase == RunPhase::Completed && tally.end.as_deref() == outcome;
                measure.whole += if is_over { tally.runs } else { 0 };
                measure.part += if is_it { tally.runs } else { 0 };
            }
        }
        Ok(())
    }

    /// What was reached.
    pub(super) fn finish(self, total: &Channel) -> Vec<GoalLine> {
        self.goals.into_iter().map(|measure| measure.line(total)).collect()
    }
}

impl Measure {
    /// Whether a friend is one of those that the workflow is for.
    fn takes(&self, event: Option<&Event>, as_of: UtcMs, zone: &siyu_model::clock::Zone) -> bool {
        let Some((condition, vars)) = &self.condition else { return true };
        let Some(event) = event else { return false };
        let empty = Value::Null;
        let mut scope = Scope::new(as_of, zone, &empty);
        scope.event = Some(event);
        scope.vars = vars;
        condition.holds(&scope).unwrap_or(false)
    }

    fn line(self, total: &Channel) -> GoalLine {
        let friends = || Rate::of(self.part, self.whole);
        let whose = match &self.condition {
            Some((condition, _)) => format!("friends for whom {}", condition.source()),
            None => "all friends".to_owned(),
        };
        let (reached, over) = match self.metric {
            None => (None, format!("`{}` is not measured: expected one of {KNOWN}", self.goal.metric)),
            Some(Metric::Take) => {
                (total.take_rate, "friends of channels with parcels, of parcels".to_owned())
            }
            Some(Metric::Draw) => (Some(Rate::of(total.drawn, total.added)), "all friends".to_owned()),
            Some(Metric::Coupon) => (Some(Rate::of(total.coupon, total.added)), "all friends".to_owned()),
            Some(Metric::FirstOrder(None)) => (Some(friends()), whose),
            Some(Metric::FirstOrder(Some(days))) => {
                (Some(friends()), format!("{whose}, {days} days ago or more"))
            }
            Some(Metric::Outcome) => {
                (Some(friends()), format!("runs of {} that came to an end", self.workflow.name))
            }
            Some(Metric::Repurchase(None)) => (Some(friends()), "all buyers".to_owned()),
            Some(Metric::Repurchase(Some(days))) => {
                (Some(friends()), format!("buyers whose first order is more than {days} days old"))
            }
        };
        let (sense, good): (_, fn(f64, f64) -> bool) = match self.goal.sense {
            GoalSense::AtLeast => (">=", |rate, threshold| rate >= threshold),
            GoalSense::AtMost => ("<=", |rate, threshold| rate <= threshold),
        };
        let state = match (self.metric, reached.and_then(|reached| reached.rate)) {
            (None, _) => GoalState::NotMeasured,
            (_, None) => GoalState::TooEarly,
            (_, Some(rate)) if good(rate, self.goal.threshold) => GoalState::Met,
            _ => GoalState::Missed,
        };
        GoalLine {
            playbook: self.playbook.name.to_string(),
            workflow: self.workflow.name.to_string(),
            metric: self.goal.metric,
            sense,
            threshold: self.goal.threshold,
            reached,
            state,
            over,
        }
    }
}

/// The condition of a workflow that friends start, when the event and constants decide it.
fn condition(playbook: &Playbook, workflow: &Workflow) -> Option<(Expr, Value)> {
    let Trigger::Event { types, condition: Some(condition) } = &workflow.trigger else { return None };
    let is_told_by_event = condition.paths().iter().all(|path| match path.root {
        "vars" => true,
        "event" => path.names.first().is_some_and(|(name, _)| !matches!(*name, "id" | "source")),
        _ => false,
    });
    if !is_told_by_event || !types.contains(&named(FRIEND_ADDED)) {
        return None;
    }
    let vars = match workflow.vars.as_map() {
        Some(own) => playbook.vars.patched(own),
        None => playbook.vars.clone(),
    };
    Some((condition.clone(), vars))
}

/// The event as a trigger saw it, but for its id and source.
fn as_event(first: &First) -> Event {
    Event {
        seq: EventSeq::default(),
        id: String::new(),
        event_type: named(FRIEND_ADDED),
        source: String::new(),
        customer: Some(first.customer),
        occurred_at: first.occurred_at,
        recorded_at: first.occurred_at,
        data: json::parse_within(&first.data, usize::MAX).unwrap_or(Value::Null),
        depth: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read_by_their_names() {
        for (name, metric) in [
            ("take_rate", Some(Metric::Take)),
            ("first_order_7d", Some(Metric::FirstOrder(Some(7)))),
            ("repurchase_30d", Some(Metric::Repurchase(Some(30)))),
            ("repurchase_rate", Some(Metric::Repurchase(None))),
            ("first_order_0d", None),
            ("first_order_99999d", None),
            ("first_order_d", None),
            ("happiness", None),
            ("won_back_30d", None),
        ] {
            assert_eq!(Metric::of(name), metric, "{name}");
        }
    }

    #[test]
    fn an_outcome_is_a_metric_with_a_rate_or_days() {
        for (metric, outcome) in [
            ("won_back_30d", Some("won_back")),
            ("won_back_rate", Some("won_back")),
            ("won_back", None),
            ("won_back_d", None),
            ("rate", None),
        ] {
            assert_eq!(outcome_of(metric), outcome, "{metric}");
        }
    }
}
