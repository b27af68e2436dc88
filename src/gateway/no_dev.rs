//! The commands for development in a program that was built without them: each names the feature that it needs.

use std::ffi::OsString;

use clap::{Args, Subcommand, error::ErrorKind};

use super::cli::CommandError;

/// A command for development, which is not listed in the help.
#[derive(Subcommand)]
pub(super) enum DevCommand {
    #[command(hide = true, disable_help_flag = true)]
    Simulate(AnyArgs),
    #[command(hide = true, disable_help_flag = true)]
    Demo(AnyArgs),
    #[command(hide = true, disable_help_flag = true)]
    Manual(AnyArgs),
}

#[derive(Args)]
pub(super) struct AnyArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    _args: Vec<OsString>,
}

impl DevCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let command = match self {
            Self::Simulate(_) => "simulate",
            Self::Demo(_) => "demo",
            Self::Manual(_) => "manual",
        };
        let reason = format!(
            "`truegate {command}` needs the feature `dev`, which this program was built without: \
             build it with `cargo install --features dev`, or run `cargo run --features dev -- {command}`\n"
        );
        clap::Error::raw(ErrorKind::InvalidSubcommand, reason).exit()
    }
}
