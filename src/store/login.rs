//! A login and its states.

use std::fmt;

use bytes::Bytes;

use crate::{
    callback::{RequestId, VERIFIED},
    session::BrowserId,
};

/// A login that a browser started.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The request id of the login, which Truecaller gets too.
    pub request_id: RequestId,
    /// The browser that started it, as it was sealed when the login was opened.
    pub owner: Bytes,
    /// The state of the login.
    pub state: LoginState,
}

/// The state of a login.
#[derive(Clone, PartialEq, Eq)]
pub enum LoginState {
    /// The browser has the request id, and no callback has come.
    Pending,
    /// Truecaller shows its dialog.
    Opened,
    /// The user agreed. The bytes are the session, sealed for the browser.
    Verified(Bytes),
    /// The user refused.
    Refused,
    /// The user wants to use another number.
    AnotherNumber,
    /// The user agreed, but the profile cannot be used.
    Failed,
}

/// A login that a browser waits for, as it was last seen.
#[derive(Clone, PartialEq, Eq)]
pub struct WatchedLogin {
    /// The browser that waits.
    pub browser: BrowserId,
    /// The login that the browser asks about; `None` for its newest login.
    pub asked: Option<RequestId>,
    /// The last answer of [`Store::state`](super::Store::state): the login's request id and the [word](LoginState::word) of its state.
    pub found: Option<(RequestId, &'static str)>,
}

impl WatchedLogin {
    /// Whether a login, as a store now returns it, is still as it was last seen.
    pub fn is_still(&self, login: Option<&Login>) -> bool {
        match (&self.found, login) {
            (None, None) => true,
            (Some((request_id, word)), Some(login)) => *request_id == login.request_id && *word == login.state.word(),
            _ => false,
        }
    }
}

impl LoginState {
    /// Returns the name of the state, as browsers and stores use it.
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

    /// Makes a state of its word and what was [sealed](Self::sealed) in it; none if it is not the word of a state.
    pub fn from_word(word: &str, sealed: impl Into<Bytes>) -> Option<Self> {
        let verified = Self::Verified(sealed.into());
        let states = [Self::Pending, Self::Opened, verified, Self::Refused, Self::AnotherNumber, Self::Failed];
        states.into_iter().find(|state| state.word() == word)
    }

    /// Returns what is sealed in it, for a store to keep beside its word; empty for a state that seals nothing.
    pub fn sealed(&self) -> &[u8] {
        match self {
            Self::Verified(sealed) => sealed,
            _ => &[],
        }
    }

    /// Whether a login in this state does not move any more.
    pub fn is_end(&self) -> bool {
        !matches!(self, Self::Pending | Self::Opened)
    }

    /// Whether a login may move from this state to another.
    pub fn leads_to(&self, to: &Self) -> bool {
        match self {
            Self::Pending => *to != Self::Pending,
            Self::Opened => to.is_end(),
            _ => false,
        }
    }
}

/// Shows nothing that is sealed.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("request_id", &self.request_id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LoginState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

redacted!(WatchedLogin);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_that_is_sealed() {
        let (request_id, sealed) = (RequestId::parse("a-nonce-of-one").unwrap(), Bytes::from_static(b"sealed"));
        let shown = format!("{:?}", Login { request_id, owner: sealed.clone(), state: LoginState::Verified(sealed) });
        assert!(shown.contains("verified") && !shown.contains("sealed"), "{shown}");
    }

    #[test]
    fn each_state_comes_back_from_its_word() {
        use LoginState::{AnotherNumber, Failed, Opened, Pending, Refused, Verified};
        for before in [Pending, Opened, Verified(Bytes::from_static(b"sealed")), Refused, AnotherNumber, Failed] {
            let kept = Bytes::copy_from_slice(before.sealed());
            assert_eq!(LoginState::from_word(before.word(), kept), Some(before));
        }
        assert_eq!(LoginState::from_word("Pending", ""), None);
    }
}
