//! `siyu explain CODE`: the page of a diagnostic's code; without a code, all of them.

use clap::Args;
use serde_json::json;
use siyu_model::nearest::nearest;
use siyu_workflow::{RULES, Rule};

use crate::fault::Fault;
use crate::session::{Exit, Session};

/// Options of `explain`.
#[derive(Args)]
pub(crate) struct Options {
    /// The code, such as E0203; all codes are listed without one
    code: Option<String>,
}

pub(crate) fn run(options: &Options, session: &Session) -> anyhow::Result<Exit> {
    let Some(code) = &options.code else {
        return list(session);
    };
    let found = code.trim().to_ascii_uppercase();
    let Some(rule) = RULES.iter().find(|rule| rule.code.as_str() == found) else {
        let near = nearest(&found, RULES.iter().map(|rule| rule.code.as_str()));
        let help = match near {
            Some(near) => format!("did you mean {near}? `siyu explain` lists all codes"),
            None => "`siyu explain` lists all codes".to_owned(),
        };
        return Err(Fault::wrong(format!("`{code}` is no code of a diagnostic")).help(help).into());
    };
    session.screen.json(&document(rule))?;
    session.screen.say(rule.page.trim_end())?;
    Ok(Exit::Done)
}

fn document(rule: &Rule) -> serde_json::Value {
    json!({
        "code": rule.code,
        "severity": rule.code.severity(),
        "title": rule.title(),
        "page": rule.page,
    })
}

fn list(session: &Session) -> anyhow::Result<Exit> {
    let screen = &session.screen;
    let rules: Vec<serde_json::Value> = RULES.iter().map(document).collect();
    screen.json(&json!({ "rules": rules }))?;
    let mut table = screen.table(&["CODE", "MEANING"]);
    for rule in RULES {
        table.add_row([rule.code.as_str(), rule.title()]);
    }
    screen.say_table(&table)?;
    Ok(Exit::Done)
}
