//! The commands for development, which need the fake Truecaller: `truegate simulate` and `truegate demo`.

mod demo;
mod simulate;

use std::io::{self, Write};

use clap::Subcommand;

use self::{demo::DemoArgs, simulate::SimulateArgs};
use super::cli::CommandError;

/// A command for development.
#[derive(Subcommand)]
pub(super) enum DevCommand {
    /// Run a fake Truecaller, for development and tests.
    Simulate(Box<SimulateArgs>),
    /// Show on this machine what the gateway does: a simulated Truecaller, sample apps, and a login in your browser.
    Demo(DemoArgs),
}

impl DevCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Simulate(args) => simulate::run(*args).await.map_err(|error| CommandError::of("simulate", error)),
            Self::Demo(args) => demo::run(args).await.map_err(|error| CommandError::of("demo", error)),
        }
    }
}

/// Prints a text to the standard output, with its colours where they are wanted: on a terminal without `NO_COLOR`.
fn say(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush())
}
