//! The commands for development, which need the fake Truecaller: `truegate simulate` and `truegate demo`. And `truegate manual`,
//! whose libraries the gateway itself does without.

mod demo;
mod manual;
mod simulate;

use std::{error::Error, io::Write};

use clap::Subcommand;

use self::{demo::DemoArgs, manual::ManualArgs, simulate::SimulateArgs};
use super::{cli::CommandError, signals::Signals};
use crate::simulator::CallError;

/// A command for development.
#[derive(Subcommand)]
pub(super) enum DevCommand {
    /// Run a fake Truecaller, for development and tests.
    Simulate(Box<SimulateArgs>),
    /// Show on this machine what the gateway does: a simulated Truecaller, sample apps, and a login in your browser.
    Demo(DemoArgs),
    /// Write the man pages of the program, and its completions for shells.
    Manual(ManualArgs),
}

impl DevCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Simulate(args) => simulate::run(*args).await.map_err(|error| CommandError::of("simulate", error)),
            Self::Demo(args) => demo::run(args).await.map_err(|error| CommandError::of("demo", error)),
            Self::Manual(args) => manual::run(&args).map_err(|error| CommandError::of("manual", error)),
        }
    }
}

/// The reason why a command ended with exit code 1. Its text is one line, which names the cause.
type DevError = Box<dyn Error>;

/// Prints a text to the standard output, with its colours where they are wanted: on a terminal without `NO_COLOR`.
fn say(text: &str) -> Result<(), DevError> {
    let mut out = anstream::stdout().lock();
    let said = writeln!(out, "{text}").and_then(|()| out.flush());
    said.map_err(|error| format!("cannot write to the standard output: {error}").into())
}

/// Takes over the signals until the process ends.
fn signals() -> Result<Signals, DevError> {
    Signals::listen().map_err(|error| format!("cannot listen for signals: {error}").into())
}

fn not_posted(error: &CallError) -> DevError {
    let remedy = if matches!(error, CallError::NotLoopback) { " (--insecure-any-target allows any)" } else { "" };
    format!("the callback was not posted: {}{remedy}", error.with_causes()).into()
}
