//! The argument that names the configuration.

use clap::Args;

use crate::gateway::config::{Config, ConfigErrors, ConfigSource};

/// The argument of every command that reads a configuration.
#[derive(Args)]
pub(in crate::gateway) struct ConfigArgs {
    /// The configuration file, or - for the standard input.
    #[arg(short, long, value_name = "FILE", default_value = "config.yaml")]
    config: ConfigSource,
}

impl ConfigArgs {
    /// Where the configuration comes from.
    pub(in crate::gateway) fn source(&self) -> &ConfigSource {
        &self.config
    }

    /// Reads the configuration.
    ///
    /// # Errors
    ///
    /// Returns every mistake in it.
    pub(in crate::gateway) fn load(&self) -> Result<Config, ConfigErrors> {
        Config::load(&self.config)
    }
}
