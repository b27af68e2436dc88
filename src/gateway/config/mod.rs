//! The configuration: read from YAML, checked as a whole, and then what it says cannot be wrong.
//!
//! ```
//! use std::path::Path;
//! use truegate::gateway::config::Config;
//!
//! let path = Path::new("config.yaml");
//! let config = Config::parse("upstream: http://127.0.0.1:3000", path, |_| None)?;
//! assert_eq!(config.upstream.authority(), "127.0.0.1:3000");
//!
//! let errors = Config::parse("upstream: localhost\nlog: { levle: info }", path, |_| None).unwrap_err();
//! assert_eq!(errors.to_string(), "\
//! config.yaml:1:11: upstream: must start with http:// or https:// (write http://127.0.0.1:3000)
//! config.yaml:2:8: log.levle: unknown key (did you mean `level`?)");
//! # Ok::<_, truegate::gateway::config::ConfigErrors>(())
//! ```

mod assertion;
mod callback;
mod error;
mod identity;
mod in_force;
mod limits;
mod listener;
mod log;
mod pem;
mod reader;
mod references;
mod resolve;
mod routes;
mod session;
mod timeouts;
mod truecaller;
mod trusted_proxies;
mod upstream;
mod value;
mod warning;
mod yaml;

use std::{fmt, net::SocketAddr, ops::Deref, path::Path, sync::Arc, time::Duration};

use self::reader::{Context, SIZE_LIMIT};
pub use self::{
    callback::Callback,
    error::{ConfigErrors, Mistake, Place},
    listener::{Listener, TlsFiles},
    log::{Log, LogFormat},
    session::{RedisServer, Secrets, Session, Store},
    timeouts::Timeouts,
    truecaller::Truecaller,
    upstream::Upstream,
    warning::Warning,
};
pub use super::forwarded::TrustedProxies;
use crate::{access::Rules, assertion::Assertions, gate::Limits, headers::HeaderNames};

/// A configuration in which nothing is wrong.
///
/// Only [`Config::load`] and [`Config::parse`] make one, and nobody changes one: it is read as its [`Settings`].
///
/// # Security
///
/// Any value may have come from the environment or from a file of secrets, so `Debug` shows none.
#[derive(Clone)]
pub struct Config(Settings);

/// What a configuration says.
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Where requests come in; at least one.
    pub listen: Vec<Listener>,
    /// Where requests go.
    pub upstream: Upstream,
    /// How long the gateway waits, for the app and for clients.
    pub timeouts: Timeouts,
    /// How callbacks are taken.
    pub callback: Callback,
    /// How profiles are fetched.
    pub truecaller: Truecaller,
    /// The headers that tell the app who calls.
    pub identity: Arc<HeaderNames>,
    /// Who may say where a request came from.
    pub trusted_proxies: TrustedProxies,
    /// How many logins and callbacks may come from one client.
    pub limits: Limits,
    /// How browsers log in, if they can.
    pub session: Option<Session>,
    /// Which paths need an identity, and whose; none without sessions.
    pub routes: Rules,
    /// How identities are signed, if they are.
    pub assertion: Option<Arc<Assertions>>,
    /// Where health and metrics are served.
    pub admin: SocketAddr,
    /// How long requests in flight, and verifications of answered callbacks, may take to end when the program stops.
    pub shutdown_grace: Duration,
    /// How the program logs.
    pub log: Log,
}

impl Deref for Config {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.0
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Config(redacted)")
    }
}

impl Config {
    /// Reads a file and the files and variables that it refers to.
    ///
    /// # Errors
    ///
    /// Every mistake of the file, or that it cannot be read.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let whole = |message: &dyn fmt::Display| ConfigErrors::new(path, vec![Mistake::new(None, "", message)]);
        let bytes = reader::read(path).map_err(|error| whole(&format!("{error} ({CHECK_PATH})")))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| whole(&"is not UTF-8 (save it as UTF-8)"))?;
        Self::parse(text, path, |name| std::env::var(name).ok())
    }

    /// Reads a text as if it stood in the file `path`, beside which the files that it names are looked for.
    ///
    /// # Errors
    ///
    /// Every mistake of the text.
    pub fn parse(text: &str, path: &Path, environment: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        if text.len() > SIZE_LIMIT {
            return Err(ConfigErrors::new(path, vec![Mistake::new(None, "", TOO_LARGE)]));
        }
        let context = Context::new(path, &environment);
        let settings = yaml::read(text, &context).and_then(|root| resolve::resolve(&root, &context));
        match (settings, context.into_mistakes()) {
            (Some(settings), mistakes) if mistakes.is_empty() => Ok(Self(settings)),
            (_, mistakes) => Err(ConfigErrors::new(path, mistakes)),
        }
    }
}

const CHECK_PATH: &str = "name the configuration with --config";
const TOO_LARGE: &str = "is larger than 1 MiB (a configuration is short)";
