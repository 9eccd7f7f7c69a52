//! `siyu completions SHELL`: a script for the shell, on standard output.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::session::{Exit, Session};

/// Options of `completions`.
#[derive(Args)]
pub(crate) struct Options {
    /// The shell
    shell: Shell,
}

pub(crate) fn run<A: CommandFactory>(options: &Options, session: &Session) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut A::command(), "siyu", &mut script);
    session.screen.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
