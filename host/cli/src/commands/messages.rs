//! `siyu messages list`, `siyu messages settle MESSAGE…` and `siyu messages redeliver MESSAGE…`: where messages stand, what people say of
//! those of which nobody knows what became, and which go once more.

use clap::{Args, Subcommand};
use serde_json::json;
use siyu_engine::host::HostError;
use siyu_engine::operate::Fate;
use siyu_engine::ports::inspect::MessageFilter;
use siyu_insight::{MessageLine, MessagesPage};
use siyu_model::event::Subject;
use siyu_model::id::MessageId;
use siyu_model::message::MessageStatus;
use siyu_model::name::ChannelName;

use super::reading::{self, Paged, Reading, Spanned, Zoned};
use super::runs_view::customer_of;
use crate::fault::Fault;
use crate::host::{Host, Opening};
use crate::output::{Paint, Screen, on_one_line};
use crate::serving::{Served, told};
use crate::session::{Exit, Session};

/// What can be done with messages.
#[derive(Subcommand)]
pub(crate) enum Messages {
    /// List messages, newest first
    List(List),
    /// Say what became of messages that are uncertain
    Settle(Settle),
    /// Have messages that failed or expired go once more
    Redeliver(Redeliver),
}

/// Options of `list`.
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    zoned: Zoned,
    /// Only those that are planned, task_created, staff_notified, staff_sent, sent, delivered, failed, expired, blocked or cancelled
    #[arg(long)]
    status: Option<MessageStatus>,
    /// Only those of which nobody knows what became: somebody has to look, and to settle them
    #[arg(long, conflicts_with = "status")]
    uncertain: bool,
    /// Only those over this channel
    #[arg(long, value_name = "NAME")]
    channel: Option<ChannelName>,
    /// Only those to this customer: cus_… or an outside name such as shop:00042
    #[arg(long, value_name = "WHO")]
    customer: Option<Subject>,
    #[command(flatten)]
    planned: Spanned,
    #[command(flatten)]
    paged: Paged,
}

/// Options of `settle`.
#[derive(Args)]
pub(crate) struct Settle {
    /// The messages, such as msg_01k9…
    #[arg(required = true, value_name = "MESSAGE")]
    messages: Vec<MessageId>,
    /// They were sent
    #[arg(long, required_unless_present = "not_sent", conflicts_with = "not_sent")]
    sent: bool,
    /// They were not: they go again, unless their time is over or a rule of contact forbids it now
    #[arg(long)]
    not_sent: bool,
}

/// Options of `redeliver`.
#[derive(Args)]
pub(crate) struct Redeliver {
    /// The messages, such as msg_01k9…; each goes under its id and with the time that its template gives, unless a rule of contact forbids it now
    #[arg(required = true, value_name = "MESSAGE")]
    messages: Vec<MessageId>,
}

pub(crate) fn run(command: &Messages, session: &Session) -> anyhow::Result<Exit> {
    match command {
        Messages::List(options) => list(options, session),
        Messages::Settle(options) => {
            let fate = if options.sent { Fate::Sent } else { Fate::NotSent };
            say(&options.messages, (fate, "settled"), session)
        }
        Messages::Redeliver(options) => say(&options.messages, (Fate::Again, "redelivered"), session),
    }
}

fn list(options: &List, session: &Session) -> anyhow::Result<Exit> {
    let page = session.wait_for(async {
        let Reading { inspect, frame } = reading::open(session, &options.zoned).await?;
        let filter = MessageFilter {
            status: options.status,
            channel: options.channel.clone(),
            customer: match &options.customer {
                Some(who) => Some(customer_of(&*inspect, who).await?),
                None => None,
            },
            planned: options.planned.span(&frame)?,
        };
        let wanted = (filter, options.uncertain);
        siyu_insight::messages(&*inspect, &frame, wanted, options.paged.turn()).await.map_err(reading::told)
    })?;
    session.screen.json(&page)?;
    show(&session.screen, &page)?;
    Ok(Exit::Done)
}

fn show(screen: &Screen, page: &MessagesPage) -> anyhow::Result<()> {
    if page.messages.is_empty() {
        return match &page.next {
            Some(next) => screen.say(format!("no messages on this page; there are more: --after {next}")),
            None => screen.say("no messages"),
        };
    }
    let mut table =
        screen.table(&["MESSAGE", "STATUS", "CHANNEL", "TEMPLATE", "PLANNED", "CUSTOMER", "REASON"]);
    for message in &page.messages {
        let status = if message.is_uncertain { "uncertain" } else { message.status.as_str() };
        table.add_row([
            message.id.to_string(),
            screen.paint(paint(message), status),
            message.channel.to_string(),
            message.template.to_string(),
            message.planned_at.minute(),
            message.customer.to_string(),
            on_one_line(message.reason.as_deref().unwrap_or_default()),
        ]);
    }
    screen.say_table(&table)?;
    match &page.next {
        Some(next) => screen.say(format!("\nthere are more: --after {next}")),
        None => Ok(()),
    }
}

fn paint(message: &MessageLine) -> Paint {
    match message.status {
        _ if message.is_uncertain => Paint::Red,
        MessageStatus::Failed => Paint::Red,
        MessageStatus::Expired | MessageStatus::Blocked | MessageStatus::Cancelled => Paint::Yellow,
        MessageStatus::Sent | MessageStatus::Delivered | MessageStatus::StaffSent => Paint::Green,
        MessageStatus::Planned | MessageStatus::TaskCreated | MessageStatus::StaffNotified => Paint::Bold,
    }
}

/// Says something of each message; what cannot be done to one does not keep the others from it.
fn say(messages: &[MessageId], (fate, word): (Fate, &str), session: &Session) -> anyhow::Result<Exit> {
    let home = session.home();
    if !session.wait_for(home.is_there())? {
        return Err(home.no_tenant().into());
    }
    let installed = session.plugins(&home)?;
    let outcomes: Vec<(MessageId, Result<MessageStatus, String>)> = session.wait_for(async {
        let mut outcomes = Vec::new();
        if let Some(served) = Served::find(&home, &installed).await? {
            for message in messages {
                let done = match served.host.settle_message(&home.tenant, *message, fate).await {
                    Err(HostError::Missing(why) | HostError::Refused(why)) => Err(why),
                    done => Ok(told(done)?),
                };
                outcomes.push((*message, done));
            }
            served.host.stop().await;
            return anyhow::Ok(outcomes);
        }
        let host = Host::open(home, installed, Opening::default()).await?;
        for message in messages {
            let done = host.tenant.settle_message(*message, fate).await?;
            outcomes.push((*message, done.map_err(|why| why.to_string())));
        }
        host.stop().await;
        Ok(outcomes)
    })?;
    let rows = outcomes.iter().map(|(message, outcome)| match outcome {
        Ok(status) => json!({ "message": message, word: true, "status": status }),
        Err(why) => json!({ "message": message, word: false, "error": why }),
    });
    session.screen.json(&json!({ "messages": rows.collect::<Vec<_>>() }))?;
    let mut failed = Vec::new();
    for (message, outcome) in &outcomes {
        match outcome {
            Ok(MessageStatus::Planned) => session.screen.say(format!("{message} goes again"))?,
            Ok(status) => session.screen.say(format!("{message} is {}", status.as_str()))?,
            Err(why) => failed.push(why.clone()),
        }
    }
    match (failed.is_empty(), session.screen.is_json) {
        (true, _) => Ok(Exit::Done),
        (false, true) => Ok(Exit::Found),
        (false, false) => Err(Fault::failed(failed.join("; ")).into()),
    }
}
