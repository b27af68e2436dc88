//! A login's state as the server keeps it: a word, and what is sealed.

use bytes::Bytes;

use crate::{
    callback::RequestId,
    store::{Login, State},
};

pub(super) fn sealed(state: &State) -> &[u8] {
    match state {
        State::Verified(sealed) => sealed,
        _ => &[],
    }
}

/// The login that a nonce and a word stand for; none if either is none.
pub(super) fn login(nonce: &str, owner: Bytes, word: &str, sealed: Bytes) -> Option<Login> {
    Some(Login { nonce: RequestId::parse(nonce)?, owner, state: state(word, sealed)? })
}

fn state(word: &str, sealed: Bytes) -> Option<State> {
    Some(match word {
        "pending" => State::Pending,
        "opened" => State::Opened,
        "verified" => State::Verified(sealed),
        "refused" => State::Refused,
        "another_number" => State::AnotherNumber,
        "failed" => State::Failed,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_comes_back_from_its_word() {
        let verified = State::Verified(Bytes::from_static(b"sealed"));
        for before in [State::Pending, State::Opened, verified, State::Refused, State::AnotherNumber, State::Failed] {
            let kept = Bytes::copy_from_slice(sealed(&before));
            assert_eq!(state(before.word(), kept), Some(before));
        }
        assert_eq!(state("Pending", Bytes::new()), None);
    }
}
