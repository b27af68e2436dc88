//! A revocation as the store keeps it: sealed.

use std::time::SystemTime;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    profile::PhoneNumber,
    random::Random,
    session::{
        SealPurpose, Sealer, SessionId,
        session_record::{self, milliseconds},
    },
};

/// The end of one session, or of all of a user's, as the store keeps it. Times are in milliseconds since the Unix epoch.
#[derive(Serialize, Deserialize)]
pub(crate) enum Revocation {
    #[serde(rename = "s")]
    Session { id: SessionId, until: u64 },
    #[serde(rename = "u")]
    User {
        phone: String,
        /// By the clocks of gateways: for sessions that do not know when their number was proven, and for earlier versions.
        #[serde(rename = "born_by")]
        issued_by: u64,
        /// By the clock of the store. Earlier versions wrote none.
        #[serde(default)]
        proven_by: Option<u64>,
        until: u64,
    },
}

/// Until when all of a user's sessions end that had begun.
pub(crate) struct UserEnd {
    /// By the clocks of gateways, for sessions that do not know when their number was proven.
    pub(crate) issued_by: SystemTime,
    /// By the clock of the store, for all others.
    pub(crate) proven_by: SystemTime,
    /// When none of them is left anyway.
    pub(crate) until: SystemTime,
}

impl Revocation {
    /// The end of one session, which would have ended at some time anyway.
    pub(crate) fn session(id: SessionId, until: SystemTime) -> Self {
        Self::Session { id, until: milliseconds(until) }
    }

    /// The end of all of a user's sessions that had begun by a time.
    pub(crate) fn user(phone: &PhoneNumber, UserEnd { issued_by, proven_by, until }: &UserEnd) -> Self {
        Self::User {
            phone: phone.as_str().to_owned(),
            issued_by: milliseconds(*issued_by),
            proven_by: Some(milliseconds(*proven_by)),
            until: milliseconds(*until),
        }
    }

    pub(crate) fn seal(&self, sealer: &Sealer, random: &Random) -> Bytes {
        let plain = serde_json::to_vec(self).expect("texts and numbers are always JSON");
        sealer.seal(SealPurpose::Revocation, &plain, random).into()
    }

    pub(super) fn open(sealer: &Sealer, sealed: &[u8]) -> Option<Self> {
        serde_json::from_slice(&sealer.open(SealPurpose::Revocation, sealed)?).ok()
    }
}

/// A date that the store kept; one that the system does not know is over.
pub(super) fn date(milliseconds: u64) -> SystemTime {
    session_record::date(milliseconds).unwrap_or(SystemTime::UNIX_EPOCH)
}
