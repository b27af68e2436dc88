//! A login, and how it moves on.

use std::fmt;

use bytes::Bytes;

use crate::{
    callback::{RequestId, VERIFIED},
    session::BrowserId,
};

/// A login that a browser started.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// Its nonce.
    pub nonce: RequestId,
    /// Whose it is, as it was sealed when it was opened.
    pub owner: Bytes,
    /// Where it stands.
    pub state: State,
}

/// Where a login stands.
#[derive(Clone, PartialEq, Eq)]
pub enum State {
    /// Its nonce was given out.
    Pending,
    /// Truecaller's dialog is shown.
    Opened,
    /// The user agreed; with what the gate sealed for the browser.
    Verified(Bytes),
    /// The user refused.
    Refused,
    /// The user wants to use another number.
    AnotherNumber,
    /// The user agreed, but with a profile that cannot be used.
    Failed,
}

/// A login as a browser that waits for it has seen it last.
#[derive(Clone, PartialEq, Eq)]
pub struct WatchedLogin {
    /// The browser.
    pub browser: BrowserId,
    /// The login that the browser asks about, or its newest one.
    pub asked: Option<RequestId>,
    /// What [`Store::state`](super::Store::state) gave: the login's nonce and the [word](State::word) of its state.
    pub found: Option<(RequestId, &'static str)>,
}

impl WatchedLogin {
    /// Whether a login is as it was seen.
    pub(crate) fn is_still(&self, login: Option<&Login>) -> bool {
        match (&self.found, login) {
            (None, None) => true,
            (Some((nonce, word)), Some(login)) => *nonce == login.nonce && *word == login.state.word(),
            _ => false,
        }
    }
}

impl State {
    /// Its word, as browsers and stores have it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Opened => "opened",
            Self::Verified(_) => VERIFIED,
            Self::Refused => "refused",
            Self::AnotherNumber => "another_number",
            Self::Failed => "failed",
        }
    }

    /// Whether it is an end.
    pub(crate) fn is_end(&self) -> bool {
        !matches!(self, Self::Pending | Self::Opened)
    }

    /// Whether a login may move on from it to another.
    pub(crate) fn leads_to(&self, to: &Self) -> bool {
        match self {
            Self::Pending => *to != Self::Pending,
            Self::Opened => to.is_end(),
            _ => false,
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("nonce", &self.nonce).field("state", &self.state).finish_non_exhaustive()
    }
}

impl fmt::Debug for WatchedLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchedLogin(redacted)")
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "Pending",
            Self::Opened => "Opened",
            Self::Verified(_) => "Verified(redacted)",
            Self::Refused => "Refused",
            Self::AnotherNumber => "AnotherNumber",
            Self::Failed => "Failed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_that_is_sealed() {
        let (nonce, sealed) = (RequestId::parse("a-nonce-of-one").unwrap(), Bytes::from_static(b"sealed"));
        let shown = format!("{:?}", Login { nonce, owner: sealed.clone(), state: State::Verified(sealed) });
        assert!(shown.contains("Verified(redacted)") && !shown.contains("sealed"), "{shown}");
    }
}
