//! Prizes drawn against the published odds, from the log of draws.

use serde_json::json;
use siyu_insight::draws::{CampaignAudit, Odds};
use siyu_insight::yuan;

use crate::commands::reading::{self, Reading, Zoned, counted, numbers, title};
use crate::output::{Paint, Screen, grouped, on_one_line};
use crate::session::{Exit, Session};

/// Below this probability somebody should look: fair draws are that far off once in a thousand campaigns.
const UNLIKELY: f64 = 0.001;

pub(super) fn run(session: &Session, zoned: &Zoned) -> anyhow::Result<Exit> {
    let (as_of, audits) = session.wait_for(async {
        let Reading { inspect, frame } = reading::open(session, zoned).await?;
        let audits = siyu_insight::draws::verify(&*inspect, None).await.map_err(reading::told)?;
        Ok((frame.local(frame.as_of), audits))
    })?;
    let screen = &session.screen;
    let campaigns = audits.iter().map(
        |audit| json!({ "campaign": audit.campaign, "is_whole": audit.broken.is_none(), "odds": audit.odds }),
    );
    screen.json(&json!({ "as_of": as_of, "campaigns": campaigns.collect::<Vec<_>>() }))?;
    screen.say(screen.paint(Paint::Bold, title("Prizes", &as_of)))?;
    if audits.is_empty() {
        screen.say("no lottery has a log here")?;
    }
    for audit in &audits {
        show(screen, audit)?;
    }
    Ok(Exit::Done)
}

fn show(screen: &Screen, audit: &CampaignAudit) -> anyhow::Result<()> {
    let odds = &audit.odds;
    let (name, about) = (on_one_line(&audit.campaign), on_one_line(&odds.title));
    let draws = counted(odds.draws, "draw", "draws");
    screen.say(format!("\n{name} {about}: {draws} by the published odds"))?;
    let mut table =
        screen.table(&["PRIZE", "NAME", "ODDS", "EXPECTED", "DRAWN", "OFF BY", "GIVEN", "OF", "WORTH"]);
    numbers(&mut table, 2..9);
    for prize in &odds.prizes {
        let off = match prize.expected {
            expected if expected > 0.0 => format!("{:+.1} %", (prize.drawn as f64 / expected - 1.0) * 100.0),
            _ => String::new(),
        };
        table.add_row([
            on_one_line(&prize.prize),
            on_one_line(&prize.name),
            format!("{:.2} %", prize.odds * 100.0),
            format!("{:.1}", prize.expected),
            grouped(prize.drawn),
            off,
            grouped(prize.awarded),
            prize.stock.map_or_else(|| "∞".to_owned(), grouped),
            yuan(i64::try_from(prize.awarded_fen).unwrap_or(i64::MAX)),
        ]);
    }
    screen.say_table(&table)?;
    test(screen, odds)?;
    match &audit.broken {
        None => Ok(()),
        Some(broken) => screen.say(format!(
            "{} line {} of the log is broken; counted is what stands before it: siyu draws verify",
            screen.paint(Paint::Red, "✗"),
            broken.line
        )),
    }
}

fn test(screen: &Screen, odds: &Odds) -> anyhow::Result<()> {
    let (Some(square), Some(freedom), Some(p)) = (odds.chi_square, odds.degrees_of_freedom, odds.p_value)
    else {
        return screen.say("Too few draws to hold against the odds.");
    };
    let mark = match p < UNLIKELY {
        true => screen.paint(Paint::Red, "✗ look into it:"),
        false => screen.paint(Paint::Green, "✓"),
    };
    let freedom = counted(freedom.into(), "degree", "degrees");
    screen.say(format!(
        "{mark} χ² {square:.2} with {freedom} of freedom: {:.1} % of fair lotteries are as far off",
        p * 100.0
    ))
}
