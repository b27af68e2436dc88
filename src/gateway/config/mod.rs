//! The configuration: a YAML file that is checked as a whole before anything starts.
//!
//! [`Config::load`] returns a configuration without mistakes, or every mistake at once, each with its line and column and
//! with a way to correct it. No message repeats a value, because a value may be a secret. An unknown key is a mistake. The
//! configuration opens no sockets and resolves no names.
//!
//! ```text
//! config.yaml:1:11: upstream: must start with http:// or https:// (write http://127.0.0.1:3000)
//! config.yaml:2:8: log.levle: unknown key (did you mean `level`?)
//! ```

mod acme;
mod admin;
mod admin_client;
mod callback;
mod certificate_folder;
mod error;
mod finding;
mod findings_report;
mod groups;
mod hsts;
mod identity;
mod key_places;
mod listen_address;
mod listener;
mod log;
mod native;
mod needs_restart;
mod read;
mod reader;
mod redirect;
mod report;
mod routes;
mod schema;
mod server;
mod session;
mod shown_config;
mod source;
mod source_lines;
mod telemetry;
#[cfg(test)]
mod tests;
mod tls;
mod trusted_proxies;
mod upstream;
mod value;
mod warnings;

use std::{fmt, path::Path, sync::Arc, time::Duration};

use http::HeaderValue;

use self::reader::{Context, SIZE_LIMIT};
#[cfg(any(test, fuzzing))]
pub(super) use self::trusted_proxies::TrustedPeer;
pub(crate) use self::{
    acme::AcmeConfig,
    admin::{AdminConfig, AdminToken},
    admin_client::{AdminClientConfig, read_admin_address},
    callback::CallbackConfig,
    certificate_folder::FolderMistake,
    error::{ConfigErrors, ConfigPlace},
    finding::{Finding, Severity},
    findings_report::FindingsReport,
    key_places::KeyPlaces,
    listen_address::ListenAddress,
    listener::ListenerConfig,
    log::{AccessLogConfig, LineFormat, LogConfig, LogDestination, LogFormat, PathMode},
    native::NativeConfig,
    needs_restart::NeedsRestart,
    read::Timeouts,
    redirect::RedirectConfig,
    schema::{DEFAULT as DEFAULT_CONFIG, schema},
    server::ServerConfig,
    session::{SessionConfig, StoreConfig},
    shown_config::{MASK, ShownConfig},
    source::ConfigSource,
    source_lines::SourceLines,
    telemetry::{CollectorConfig, SampleRatio, TelemetryConfig},
    tls::{CertificateSource, TlsConfig, TlsFiles, TlsVersion, host_names},
    trusted_proxies::TrustedProxies,
    upstream::{
        Balance, HealthConfig, HostMode, Protocol, Trust, UpstreamConfig, UpstreamId, UpstreamServer, Upstreams,
    },
};
use self::{callback::TruecallerConfig, error::ConfigError};
use crate::{
    access::{Groups, PhonesFile, Rules},
    assertion::Assertions,
    gate::Limits,
    headers::HeaderNames,
};

/// A configuration without mistakes: [`Config::load`] and [`Config::parse`] are the only ways to make one.
///
/// # Security
///
/// Any value may have come from the environment or from a file of secrets, so `Debug` shows none.
pub(crate) struct Config {
    /// The addresses to listen on; at least one.
    pub(crate) listen: Vec<ListenerConfig>,
    /// How the gateway obtains certificates itself, if it does.
    pub(crate) acme: Option<AcmeConfig>,
    /// The apps behind truegate.
    pub(crate) upstreams: Upstreams,
    /// The resources that the gateway takes.
    pub(crate) server: ServerConfig,
    /// How long the gateway waits, for the app and for clients.
    pub(crate) timeouts: Timeouts,
    /// How callbacks are taken.
    pub(crate) callback: CallbackConfig,
    /// How profiles are fetched.
    pub(crate) truecaller: TruecallerConfig,
    /// How users of the site's own Android app log in; none without such a route.
    pub(crate) native: Option<NativeConfig>,
    /// The headers that tell the app who calls.
    pub(crate) identity: Arc<HeaderNames>,
    /// The value of `Strict-Transport-Security`; none if it is left to the app.
    pub(crate) hsts: Option<Arc<HeaderValue>>,
    /// The proxies that may say where a request came from.
    pub(crate) trusted_proxies: TrustedProxies,
    /// How many logins and callbacks may come from one client.
    pub(crate) limits: Limits,
    /// How browsers log in; none without sessions.
    pub(crate) session: Option<SessionConfig>,
    /// The groups that apps hear of; none without sessions.
    pub(crate) groups: Groups,
    /// Which paths need an identity, and whose; empty without sessions.
    pub(crate) routes: Rules,
    /// How identities are signed; none without assertions.
    pub(crate) assertion: Option<Arc<Assertions>>,
    /// The listener for health, metrics and the actions of operators, where the site's server finishes logins.
    pub(crate) admin: AdminConfig,
    /// How long requests that came before, and verifications of answered callbacks, may take to end when the program stops.
    pub(crate) shutdown_grace: Duration,
    /// How the program logs.
    pub(crate) log: LogConfig,
    /// Which traces requests belong to, and where their spans go.
    pub(crate) telemetry: TelemetryConfig,
    /// Whether requests have ids, which the app, the client and the logs hear of.
    pub(crate) request_id: bool,
    /// What operators may see of it.
    pub(crate) shown: ShownConfig,
    /// Where its keys are in the file.
    pub(crate) places: KeyPlaces,
    /// What of the file as YAML is most likely not meant.
    yaml_warnings: Vec<ConfigError>,
}

impl Config {
    /// Reads a configuration, with the files and environment variables that it refers to.
    ///
    /// # Errors
    ///
    /// Returns every mistake in it, or that it cannot be read.
    pub(crate) fn load(source: &ConfigSource) -> Result<Self, ConfigErrors> {
        Self::parse(&source.text()?, source.path(), |name| std::env::var(name).ok())
    }

    /// Reads a text as if it were the content of the file `path`: the paths in it are relative to the folder of that file.
    ///
    /// # Errors
    ///
    /// Returns every mistake in the text.
    pub(crate) fn parse(
        text: &str,
        path: &Path,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigErrors> {
        if text.len() > SIZE_LIMIT {
            return Err(ConfigErrors::new(path, vec![ConfigError::new(None, "", TOO_LARGE)]));
        }
        let context = Context::new(path, &environment).describing(schema::description);
        let read = reader::read_file(text, &context, Self::read);
        match (read, context.mistakes.into_inner()) {
            (Some((config, shown, places)), mistakes) if mistakes.is_empty() => {
                let shown = ShownConfig::new(shown, &config.callback.path);
                Ok(Self { shown, places, yaml_warnings: context.warnings.into_inner(), ..config })
            }
            (_, mistakes) => Err(ConfigErrors::new(path, mistakes)),
        }
    }
}

impl Config {
    /// The files of phone numbers that rules and groups name, each of them once, with their keys, such as
    /// `groups.staff.phones_file`.
    pub(crate) fn phones_files(&self) -> impl Iterator<Item = (String, &PhonesFile)> {
        let of_rules = self.routes.phones_files();
        let of_rules = of_rules.map(|(index, file)| (format!("routes[{index}].allow.phones_file"), file));
        let of_groups = self.groups.iter().flat_map(|group| {
            let key = || format!("groups.{}.phones_file", group.name());
            group.members().files().iter().map(move |file| (key(), file))
        });
        of_rules.chain(of_groups)
    }

    /// Whether the site's server can finish logins: requests for its page carry login tickets then.
    pub(crate) fn finishes_site_logins(&self) -> bool {
        let has_page = self.session.as_ref().is_some_and(|session| session.fallback_url.is_some());
        has_page && self.admin.token.is_some()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Config(redacted)")
    }
}

const TOO_LARGE: &str = "is larger than 1 MiB (a configuration is short)";
