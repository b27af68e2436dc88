//! `truegate config`: prints what a configuration may be.

use std::io::{self, ErrorKind, Write as _};

use clap::{Args, Subcommand};

use super::CommandError;
use crate::gateway::config::{DEFAULT_CONFIG, schema};

/// The arguments of `truegate config`.
#[derive(Args)]
pub(super) struct PrintArgs {
    #[command(subcommand)]
    what: Print,
}

#[derive(Subcommand)]
enum Print {
    /// Print the JSON Schema of the configuration, for editors and other validators.
    ///
    /// Save it beside the configuration, and let the configuration begin with the line
    /// `# yaml-language-server: $schema=config.schema.json`. Editors that speak to yaml-language-server then complete and explain
    /// the keys.
    Schema,
    /// Print the default configuration, with every key and what it is for.
    Default,
}

pub(super) fn run(args: &PrintArgs) -> Result<(), CommandError> {
    let printed = match args.what {
        Print::Schema => io::stdout().write_all(schema().as_bytes()),
        Print::Default => io::stdout().write_all(DEFAULT_CONFIG.as_bytes()),
    };
    match printed {
        // Whoever read it has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed.map_err(|error| CommandError::of("config", error)),
    }
}
