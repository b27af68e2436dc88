//! The random names of browsers and sessions.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::{callback::RequestId, random::Random};

/// The name of a browser that started a login: 128 random bits. Only this browser can ask for the state of the login.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BrowserId(Box<str>);

/// Names a session: 128 random bits.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct SessionId(Box<str>);

impl Drop for SessionId {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl BrowserId {
    /// Names a browser that was never seen before.
    pub(crate) fn generate(random: &Random) -> Self {
        Self(random.text())
    }

    /// Reads a name as [`expose`](Self::expose) returns it: 22 characters of base64url. Returns none for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let base64url = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        (text.len() == 22 && base64url).then(|| Self(text.into()))
    }

    /// The name in base64url, for a store to keep things under.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl SessionId {
    /// Names a new session.
    pub(crate) fn generate(random: &Random) -> Self {
        Self(random.text())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Makes the request id of a new login: 128 random bits.
pub(crate) fn request_id(random: &Random) -> RequestId {
    RequestId::parse(&random.text()).expect("22 characters of base64url make a request id")
}

redacted!(BrowserId, SessionId);
