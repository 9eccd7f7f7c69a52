//! The funnel as tables.

use siyu_insight::report::{Channel, Funnel, GoalLine, GoalState};
use siyu_insight::{Rate, TakeBand};

use crate::commands::reading::{counted, numbers, of, title};
use crate::output::{Paint, Screen, grouped, on_one_line};

pub(super) fn show(screen: &Screen, funnel: &Funnel) -> anyhow::Result<()> {
    screen.say(screen.paint(Paint::Bold, title(&format!("Funnel · {}", funnel.zone), &funnel.as_of)))?;
    let mut table = screen.table(&[
        "CHANNEL",
        "PARCELS",
        "SCANNED",
        "FRIENDS",
        "TAKE RATE",
        "DRAWN",
        "COUPON",
        "FIRST ORDER",
        "REPURCHASE",
        "DELETED",
    ]);
    numbers(&mut table, 1..10);
    for channel in funnel.channels.iter().chain([&funnel.total]) {
        table.add_row(row(screen, channel));
    }
    screen.say_table(&table)?;
    let strangers = counted(funnel.strangers_who_bought, "customer", "customers");
    screen.say(format!("\n{strangers} ordered without ever becoming a friend."))?;
    screen.say("Orders count from the day a customer became a friend; a repurchase is on a later day.")?;
    goals(screen, &funnel.goals)
}

fn row(screen: &Screen, channel: &Channel) -> [String; 10] {
    let band = channel.take_band.map(|band| {
        let paint = match band {
            TakeBand::Alarm => Paint::Red,
            TakeBand::Normal => Paint::Bold,
            TakeBand::Excellent => Paint::Green,
        };
        screen.paint(paint, band.as_str())
    });
    let take_rate = channel.take_rate.as_ref().map(Rate::percent).unwrap_or_default();
    [
        on_one_line(&channel.channel),
        grouped(channel.parcels),
        grouped(channel.scanned),
        grouped(channel.added),
        format!("{take_rate} {}", band.unwrap_or_default()).trim().to_owned(),
        grouped(channel.drawn),
        grouped(channel.coupon),
        of(&channel.first_order_rate),
        of(&channel.repurchase_rate),
        grouped(channel.deleted),
    ]
}

fn goals(screen: &Screen, goals: &[GoalLine]) -> anyhow::Result<()> {
    if goals.is_empty() {
        return Ok(());
    }
    screen.say(format!("\n{}", screen.paint(Paint::Bold, "Goals")))?;
    let mut table = screen.table(&["WORKFLOW", "METRIC", "GOAL", "REACHED", "", "OVER"]);
    numbers(&mut table, [2, 3]);
    for goal in goals {
        let paint = match goal.state {
            GoalState::Met => Paint::Green,
            GoalState::Missed => Paint::Red,
            GoalState::TooEarly | GoalState::NotMeasured => Paint::Dim,
        };
        table.add_row([
            format!("{}/{}", goal.playbook, goal.workflow),
            on_one_line(&goal.metric),
            format!("{} {:.1} %", goal.sense, goal.threshold * 100.0),
            goal.reached.as_ref().map(Rate::percent).unwrap_or_default(),
            screen.paint(paint, goal.state.as_str()),
            on_one_line(&goal.over),
        ]);
    }
    screen.say_table(&table)
}
