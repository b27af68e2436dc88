//! Signed assertions: a token with the identity, which anyone with the public keys can verify.
//!
//! Use assertions if a service other than the app reads the identity, or if clients could reach the app past truegate. There,
//! identity headers are not a proof. An assertion is a JSON Web Token (RFC 7519), signed with ES256, for one audience and a few
//! minutes. A gate that has [`Assertions`] sends one with every identity, as `X-Truecaller-Assertion`, and answers
//! [`/.truegate/jwks.json`](KEY_SET_PATH) with the public keys. An assertion cannot be revoked.
//!
//! | claim | value |
//! |---|---|
//! | `iss`, `aud` | the issuer and the audience, as configured |
//! | `sub` | the user id; the phone number if there is none, or one of more than 255 bytes |
//! | `iat`, `exp` | the time of the signature, and the time when the token expires |
//! | `jti` | 128 random bits |
//! | `phone_number` | `+919999999999` (E.164), the only verified claim about the user |
//! | `name`, `given_name`, `family_name` | as the user typed them, cut at 1024 bytes; absent if the profile has none |
//! | `groups` | an array of the names of the groups that the user is in; absent if there is none |
//!
#![cfg_attr(feature = "client", doc = "```")]
#![cfg_attr(not(feature = "client"), doc = "```ignore")]
//! use truegate::{
//!     Gate,
//!     assertion::{Assertions, SigningKey, SigningKeys},
//!     profile::ProfileClient,
//! };
//!
//! # let pem = SigningKey::generate().to_pem();
//! // let pem = std::fs::read_to_string("assertion.pem")?; // made by: truegate keys assertion --output assertion.pem
//! let keys = SigningKeys::new(SigningKey::from_pem(&pem)?);
//! let assertions = Assertions::new(keys, "https://shop.example".parse()?, "shop-backend".parse()?);
//!
//! let client = ProfileClient::builder().build()?;
//! let gate = Gate::builder("/truecaller/x7Kq2vNf9TzR4mWb6pLd".parse()?, client).assertions(assertions).build();
//! # drop(gate);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod claims;
mod keys;
mod plugin;

use std::time::{Duration, SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::HeaderValue;
use jsonwebtoken::{Algorithm, Header};
use serde::Serialize;

use self::claims::Claims;
pub use self::{
    claims::{Principal, PrincipalError},
    keys::{KeyError, SigningKey, SigningKeys},
};
use crate::{identity::Identity, random::Random};

/// The path at which a gate publishes the keys that verify its assertions. With sessions, it is below their prefix.
///
/// Only this exact path has the keys. The query does not matter.
pub const KEY_SET_PATH: &str = "/.truegate/jwks.json";

/// Signs identities, in the name of one issuer and for one audience.
pub struct Assertions {
    keys: SigningKeys,
    random: Random,
    issuer: Principal,
    audience: Principal,
    lifetime: Duration,
    /// The one protected header of all tokens, encoded.
    header: String,
    key_set: Bytes,
}

impl Assertions {
    /// The default of [`lifetime`](Self::lifetime).
    pub const LIFETIME: Duration = Duration::from_mins(5);

    /// Starts with the settings that have no default.
    pub fn new(keys: SigningKeys, issuer: Principal, audience: Principal) -> Self {
        let header = Header { kid: Some(keys.signer().id().to_owned()), ..Header::new(Algorithm::ES256) };
        let key_set = keys.key_set();
        Self {
            keys,
            random: Random::system(),
            issuer,
            audience,
            lifetime: Self::LIFETIME,
            header: encode(&header),
            key_set,
        }
    }

    /// Sets how long an assertion is valid, in whole seconds. Defaults to 5 minutes.
    ///
    /// An assertion cannot be revoked, so choose a short time.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Makes a fresh assertion of an identity: a token in compact form (RFC 7515 §3.1), as a sensitive header value.
    ///
    /// Signing takes some 0.2 ms of computing. A clock that stands before 1970 makes a token that has expired.
    pub(crate) fn sign(&self, identity: &Identity, now: SystemTime) -> HeaderValue {
        let id = self.random.text();
        let claims = Claims::new(self, identity, now, &id);
        let message = format!("{}.{}", self.header, encode(&claims));
        let signature = URL_SAFE_NO_PAD.encode(self.keys.signer().sign(message.as_bytes()).to_bytes());
        let token = format!("{message}.{signature}");
        let mut value = HeaderValue::try_from(token).expect("base64url and dots make a header value");
        value.set_sensitive(true);
        value
    }

    /// The public keys as a JSON Web Key Set (RFC 7517 §5).
    pub(crate) fn key_set(&self) -> &Bytes {
        &self.key_set
    }
}

/// A part of a token: JSON in base64url.
fn encode(part: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).expect("texts and numbers are always JSON"))
}

#[cfg(test)]
mod tests;
