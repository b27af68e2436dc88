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
        let has_sessions = self.session.is_some();
        let found = [
            (!has_sessions && self.callback.path.is_guessable(), Warning::GuessableCallbackPath),
            (has_sessions && self.identity.injects(Field::Profile), Warning::ProfileInSessions),
        ];
        found.into_iter().filter_map(|(is_found, warning)| is_found.then_some(warning)).collect()
    }
}
