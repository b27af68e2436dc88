//! What is not wrong with a configuration, and yet most likely not meant.

use super::Settings;
use crate::headers::Field;

/// Something that a configuration most likely does not mean, or that lowers its safety: `truegate check` prints it, and
/// `truegate serve` logs it when it starts.
///
/// # Security
///
/// It displays as the key and what to do, and repeats no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// Without sessions, a callback path that can be guessed.
    #[error(
        "callback.path: can be guessed, and it is the only secret between Truecaller and you (make one with `truegate \
         keys path`, and register it with Truecaller)"
    )]
    GuessableCallbackPath,
    /// The rule of this number, counted from 0, is for paths that truegate answers itself.
    #[error(
        "routes[{0}]: never counts, for truegate itself answers this path (move the app's page, `session.path` or \
         `callback.path`)"
    )]
    OwnRoute(usize),
    /// Some requests need a login, and no cookie of the app's own ends with it.
    #[error(
        "session.upstream_cookies: is missing, though some paths require a login: if the app keeps a session of its own, \
         the next person on the same browser is still the last one (list the app's cookies, or write [] if it has none)"
    )]
    NoUpstreamCookies,
    /// With sessions, a header with the field `profile`.
    #[error(
        "identity.headers: the field `profile` is never sent in a session, for a session does not keep it (name the \
         fields that you need)"
    )]
    ProfileInSessions,
}

impl Settings {
    /// What is most likely not meant; nothing if all is well.
    pub fn warnings(&self) -> Vec<Warning> {
        let Some(session) = &self.session else {
            return self.callback.path.is_guessable().then_some(Warning::GuessableCallbackPath).into_iter().collect();
        };
        let is_own = |path: &str| session.path.covers(path) || self.callback.path.covers(path);
        let rules = self.routes.iter().enumerate();
        let own = rules.filter(|(_, rule)| is_own(rule.pattern().as_str())).map(|(at, _)| Warning::OwnRoute(at));
        let unlisted = self.routes.require() && session.upstream_cookies.is_none();
        own.chain(self.identity.injects(Field::Profile).then_some(Warning::ProfileInSessions))
            .chain(unlisted.then_some(Warning::NoUpstreamCookies))
            .collect()
    }
}
