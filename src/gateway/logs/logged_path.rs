//! What the access log tells of a request's path.

use http::request::Parts;

use crate::{
    access::{HostPattern, Rules},
    gate::CallbackPath,
    gateway::config::{Config, PathMode},
    native::NativePath,
    session::SessionPath,
};

/// Decides what a line tells of a path.
pub(super) struct PathNames {
    mode: PathMode,
    callback: CallbackPath,
    native: Option<NativePath>,
    /// Where truegate's own routes are; none without sessions.
    own: Option<SessionPath>,
    rules: Rules,
    /// The host and the path of each rule.
    names: Vec<Box<str>>,
}

/// What a line tells of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LoggedPath {
    /// Nothing.
    Hidden,
    /// That the path is a route that has a single path.
    Route(&'static str),
    /// That the path is this route below truegate's own prefix.
    Own(&'static str),
    /// The rule that matched.
    Rule(usize),
    /// The path as it came.
    Full(Box<[u8]>),
}

impl PathNames {
    pub(super) fn new(config: &Config) -> Self {
        let mode = config.log.access.as_ref().map_or(PathMode::None, |access| access.path);
        let names = config.routes.iter().map(|rule| {
            let host = rule.host.as_ref().map(HostPattern::to_string).unwrap_or_default();
            format!("{host}{}", rule.pattern.as_str()).into()
        });
        Self {
            mode,
            callback: config.callback.path.clone(),
            native: config.native.as_ref().map(|native| native.path.clone()),
            own: config.session.as_ref().map(|session| session.path.clone()),
            names: names.collect(),
            rules: config.routes.clone(),
        }
    }

    /// Chooses what to tell. The raw path has no query.
    ///
    /// # Security
    ///
    /// The callback path is a secret, so neither it nor what could be read as it is told, and no path that has its random part.
    /// Below truegate's own prefix, only the names of routes are told.
    pub(super) fn choose(&self, head: &Parts, raw: &[u8]) -> LoggedPath {
        let path = head.uri.path();
        if self.mode == PathMode::None {
            return LoggedPath::Hidden;
        }
        if self.callback.covers(path) {
            return LoggedPath::Route("callback");
        }
        if self.native.as_ref().is_some_and(|native| native.covers(path)) {
            return LoggedPath::Route("native");
        }
        if let Some(below) = self.own.as_ref().and_then(|own| own.strip(path)) {
            let first = below.split('/').next();
            return LoggedPath::Own(OWN.into_iter().find(|route| first == Some(*route)).unwrap_or("*"));
        }
        match self.mode {
            PathMode::Full if self.callback.is_told_by(raw) => LoggedPath::Route("callback"),
            PathMode::Full => LoggedPath::Full(raw.into()),
            PathMode::None | PathMode::Rule => self.rules.place(head).map_or(LoggedPath::Hidden, LoggedPath::Rule),
        }
    }

    /// The prefix of truegate's own routes.
    pub(super) fn prefix(&self) -> &str {
        self.own.as_ref().map_or("", |own| own.as_str())
    }

    /// The host and the path of a rule.
    pub(super) fn name(&self, rule: usize) -> &str {
        self.names.get(rule).map_or("", |name| name)
    }
}

/// The routes below truegate's own prefix. What follows `auth` is the path of another request.
const OWN: [&str; 7] = ["login", "status", "me", "logout", "auth", "jwks.json", "truegate.js"];
