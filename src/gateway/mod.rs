//! The `truegate` program.

pub mod config;
mod simulate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Verified Truecaller phone identity for any app.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a fake Truecaller, for development and tests.
    Simulate(Box<simulate::SimulateArgs>),
}

/// Runs the program with the arguments of the process, and gives its exit code.
#[tokio::main]
pub async fn main() -> ExitCode {
    let Command::Simulate(args) = Cli::parse().command;
    match simulate::run(*args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("truegate simulate: {error}");
            ExitCode::FAILURE
        }
    }
}
