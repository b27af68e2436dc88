//! `truegate check`: lists every mistake in a configuration, or what is in force.

use clap::Args;

use super::{CommandError, ConfigArgs};
use crate::gateway::config::{Config, ConfigSource};

/// The arguments of `truegate check`.
#[derive(Args)]
pub(super) struct CheckArgs {
    /// The configuration file, as with --config.
    #[arg(value_name = "FILE", conflicts_with = "config")]
    file: Option<ConfigSource>,
    #[command(flatten)]
    config: ConfigArgs,
}

impl CheckArgs {
    fn source(&self) -> &ConfigSource {
        self.file.as_ref().unwrap_or_else(|| self.config.source())
    }
}

pub(super) fn run(args: &CheckArgs) -> Result<(), CommandError> {
    let source = args.source();
    let config = Config::load(source)?;
    print!("{source}: valid\n\n{}\n{}", config.listeners_and_apps(), config.in_force());
    for warning in config.warnings() {
        eprintln!("warning: {warning}");
    }
    Ok(())
}
