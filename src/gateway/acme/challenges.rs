//! The answers to challenges that are open.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// The answers to the http-01 challenges that an ACME server may ask for now (RFC 8555 §8.3), by their tokens. Clones share them.
#[derive(Clone, Default)]
pub(in crate::gateway) struct Challenges(Arc<RwLock<HashMap<String, String>>>);

impl Challenges {
    /// The answer to the challenge with this token, if it is open.
    pub(in crate::gateway) fn answer(&self, token: &str) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    /// Answers a challenge for as long as the returned value lives.
    pub(super) fn open(&self, token: &str, answer: &str) -> OpenChallenge {
        let mut open = self.0.write().unwrap_or_else(PoisonError::into_inner);
        open.insert(token.to_owned(), answer.to_owned());
        OpenChallenge { token: token.to_owned(), challenges: self.clone() }
    }
}

/// A challenge that is answered until this value is dropped.
pub(super) struct OpenChallenge {
    token: String,
    challenges: Challenges,
}

impl Drop for OpenChallenge {
    fn drop(&mut self) {
        self.challenges.0.write().unwrap_or_else(PoisonError::into_inner).remove(&self.token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_answered_only_while_it_is_open() {
        let challenges = Challenges::default();
        let open = challenges.open("token", "token.hash");
        assert_eq!(challenges.answer("token").as_deref(), Some("token.hash"));
        assert_eq!(challenges.answer("toke"), None);
        drop(open);
        assert_eq!(challenges.answer("token"), None);
    }
}
