//! What the store keeps of a session that ended before its time.

use std::time::SystemTime;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    profile::PhoneNumber,
    session::{Purpose, Sealer, SessionId, epoch::milliseconds},
};

/// The end of one session, or of all of a user's.
#[derive(Serialize, Deserialize)]
pub(super) enum Revocation {
    #[serde(rename = "s")]
    Session { id: SessionId, until: u64 },
    #[serde(rename = "u")]
    User {
        phone: String,
        #[serde(rename = "born_by")]
        issued_by: u64,
        until: u64,
    },
}

impl Revocation {
    /// The end of one session, which would have ended at some time anyway.
    pub(super) fn session(id: SessionId, until: SystemTime) -> Self {
        Self::Session { id, until: milliseconds(until) }
    }

    /// The end of all of a user's sessions that have begun by now.
    pub(super) fn user(phone: &PhoneNumber, now: SystemTime, until: SystemTime) -> Self {
        Self::User { phone: phone.as_str().to_owned(), issued_by: milliseconds(now), until: milliseconds(until) }
    }

    /// As the store keeps it.
    pub(super) fn seal(&self, sealer: &Sealer) -> Bytes {
        let plain = serde_json::to_vec(self).expect("texts and numbers are always JSON");
        sealer.seal(Purpose::Revocation, &plain).into()
    }

    pub(super) fn open(sealer: &Sealer, sealed: &[u8]) -> Option<Self> {
        serde_json::from_slice(&sealer.open(Purpose::Revocation, sealed)?).ok()
    }
}
