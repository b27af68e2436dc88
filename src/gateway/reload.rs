//! Replaces the configuration while the gateway runs.

use std::{sync::Arc, time::Duration};

use tokio::{task::spawn_blocking, time::timeout};

use super::{
    Gateway, StartError,
    acme::Acme,
    active_config::ActiveConfig,
    admin::{self, BoundAdmin},
    config::{Config, ConfigErrors, ConfigSource, Finding},
    connections::settings,
    listeners,
    logs::{AuditEntry, AuditEvent},
};

/// The reason why the previous configuration stays in force. It repeats no value of the new one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    /// The configuration has mistakes, or cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The configuration is right, but cannot be in force here and now.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The configuration came from the standard input.
    #[error("the configuration came from the standard input, which cannot be read again (name a file with --config)")]
    Stdin,
    /// The configuration, or a file that it names, does not end.
    #[error("the configuration, or a file that it names, could not be read within {} seconds (is it a pipe?)", READING.as_secs())]
    Unread,
}

impl ReloadError {
    /// The stable word for the audit log.
    fn code(&self) -> &'static str {
        match self {
            Self::Config(_) => "config",
            Self::Start(_) | Self::Unread => "setup",
            Self::Stdin => "stdin",
        }
    }
}

impl Gateway {
    /// Opens the files of logs again, reads the configuration again, and puts it in force. Logs and counts how that ended. Returns its
    /// warnings.
    ///
    /// # Errors
    ///
    /// When it has mistakes or cannot be in force. Then nothing has changed.
    pub(crate) async fn reload_from(&mut self, source: &ConfigSource) -> Result<Vec<Finding>, ReloadError> {
        // The operator may have moved the files away, whatever the configuration says.
        self.process.logs.reopen();
        let reloaded = self.read_and_reload(source).await;
        match &reloaded {
            Ok(warnings) => {
                tracing::info!(listen = ?self.addresses(), admin = %self.admin_address(), "reloaded");
                self.active.load().audit(AuditEvent::Reload);
                warnings.iter().for_each(|warning| tracing::warn!("{}", warning.line(source.path())));
            }
            Err(error) => {
                self.process.telemetry.reload(false);
                let refused = AuditEntry { cause: Some(error.code()), ..AuditEvent::ReloadRefused.into() };
                self.active.load().audit(refused);
                error.to_string().lines().for_each(|line| tracing::error!("{line}"));
                tracing::error!("not reloaded; the previous configuration stays in force");
            }
        }
        reloaded
    }

    /// Replaces the configuration. New requests are served by the new one at once, and those under way by the one that they came
    /// under. Returns the likely mistakes in the new one, and the settings that only a restart changes.
    ///
    /// It may be dropped before it is ready, and then nothing has changed.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start). The previous configuration is then in force as before.
    pub(crate) async fn reload(&mut self, config: Config) -> Result<Vec<Finding>, StartError> {
        let previous = self.active.load_full();
        let places = listeners::bind(&config.listen, &self.listeners, &self.process)?;
        let is_moved = config.admin.listen != self.admin.configured;
        let admin = is_moved.then(|| BoundAdmin::bind(config.admin.listen, &self.process)).transpose()?;
        let made = ActiveConfig::make(config, &self.process, Some(Arc::clone(&previous)), &self.tasks).await?;
        let settings = settings(&made.config, &places, &self.listeners, &self.active, &self.process)?;
        let acme = made.config.acme.as_ref().filter(|config| !self.background.obtains(config));
        let acme = acme.map(|config| Acme::new(config, &self.process)).transpose()?;
        let reading = made.prepare(&previous).await;
        let places = listeners::listen(places)?;
        let routes = || admin::routes(self.health.clone(), Arc::clone(&self.active), self.reloads.clone());
        let admin = admin.map(|admin| admin.open(routes(), &self.ended, &self.tasks)).transpose()?;
        // From here on nothing fails, and nothing waits.
        let mut warnings = made.config.warnings();
        warnings.extend(self.process.fixed.warnings(&made.config));
        if let Some(admin) = admin {
            self.admin = admin;
        }
        self.put_in_force(&made, reading, places, settings, acme);
        Ok(warnings)
    }

    async fn read_and_reload(&mut self, source: &ConfigSource) -> Result<Vec<Finding>, ReloadError> {
        if *source == ConfigSource::Stdin {
            return Err(ReloadError::Stdin);
        }
        let source = source.clone();
        // Connections are accepted meanwhile.
        let read = timeout(READING, spawn_blocking(move || Config::load(&source))).await;
        let read = read.map_err(|_| ReloadError::Unread)?.map_err(|_| StartError::Panic)?;
        Ok(self.reload(read?).await?)
    }
}

/// Far longer than files take, even on a disk that is busy, and shorter than the minute after which `POST /reload` answers.
const READING: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
