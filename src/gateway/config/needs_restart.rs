//! The settings that a process keeps from its start to its end.

use super::{Config, Finding, LogFormat, ServerConfig};

/// The settings that only a restart changes.
#[derive(Clone, Copy)]
pub(crate) struct NeedsRestart {
    server: ServerConfig,
    log_format: LogFormat,
}

impl NeedsRestart {
    /// The settings of the configuration that a process starts with.
    pub(crate) fn of(config: &Config) -> Self {
        Self { server: config.server, log_format: config.log.format }
    }

    /// Whether a second process may take over the addresses.
    pub(crate) fn reuse_port(self) -> bool {
        self.server.reuse_port
    }

    /// Names each setting that differs in another configuration, and says that it is not in force.
    pub(crate) fn warnings(self, config: &Config) -> Vec<Finding> {
        self.changed(config).map(|key| Finding::warning(&config.places, key, NOT_IN_FORCE)).collect()
    }

    /// The keys of the settings that differ in another configuration.
    pub(crate) fn changed(self, config: &Config) -> impl Iterator<Item = &'static str> {
        let Self { server: ServerConfig { threads, reuse_port }, log_format } = self;
        let keys = [
            ("server.threads", threads != config.server.threads),
            ("server.reuse_port", reuse_port != config.server.reuse_port),
            ("log.format", log_format != config.log.format),
        ];
        keys.into_iter().filter(|(_, has_changed)| *has_changed).map(|(key, _)| key)
    }
}

const NOT_IN_FORCE: &str = "changed, but only a restart puts it in force (restart the gateway)";
