//! The callback: the body that Truecaller, or anyone else, posts to the callback route.
//!
//! ```
//! use truegate::callback::{Endpoints, ProfileEndpoint};
//!
//! let endpoints = Endpoints::from_iter([ProfileEndpoint::parse("https://profiles.example/v1")?]);
//! assert!(ProfileEndpoint::parse("https://profiles.example@evil.example/v1").is_err());
//! # drop(endpoints);
//! # Ok::<_, truegate::callback::EndpointError>(())
//! ```

mod endpoint;
mod members;

use std::borrow::Cow;

use serde::Deserialize;

pub(crate) use self::members::{CallbackStatus, VERIFIED};
pub use self::{
    endpoint::{EndpointError, Endpoints, ProfileEndpoint},
    members::{AccessToken, RequestId},
};
use crate::json;

/// A well-formed callback. It is not proof of anything: anyone can post one.
#[derive(Debug, Clone)]
pub(crate) enum Callback {
    /// The user agreed, and the profile can be fetched.
    Grant(Grant),
    /// The callback has no token: the user refused, or has not decided yet.
    Decline(Decline),
}

/// A callback that brings a token for one of the listed endpoints. A [`ProfileSource`](crate::profile::ProfileSource) gets it.
#[derive(Debug, Clone)]
pub struct Grant {
    request_id: RequestId,
    token: AccessToken,
    endpoint: ProfileEndpoint,
}

/// A callback that brings a status and no token.
#[derive(Debug, Clone)]
pub(crate) struct Decline {
    pub(crate) request_id: RequestId,
    pub(crate) status: CallbackStatus,
}

impl Callback {
    /// Reads the JSON body of a callback.
    ///
    /// A `null` member equals an absent one, and unknown members are ignored. A token beside a refusal is
    /// malformed; beside any other status it is a grant.
    ///
    /// # Errors
    ///
    /// [`CallbackError::Malformed`] when the body is not a JSON object, or one of its four members is wrong or duplicate.
    /// [`CallbackError::EndpointNotAllowed`] when it names an endpoint that is not listed.
    pub(crate) fn parse(body: &[u8], endpoints: &Endpoints) -> Result<Self, CallbackError> {
        let text = json::object(body).ok_or(CallbackError::Malformed)?;
        // A message of serde quotes the body, which must reach no log.
        let wire: CallbackWire<'_> = serde_json::from_str(text).map_err(|_| CallbackError::Malformed)?;
        let request_id = wire.request_id.as_deref().and_then(RequestId::parse).ok_or(CallbackError::Malformed)?;
        let status = wire.status.as_deref().map(CallbackStatus::parse);
        match (wire.access_token, status) {
            (Some(_), Some(status)) if status.is_refusal() => Err(CallbackError::Malformed),
            (Some(token), _) => {
                let token = AccessToken::parse(&token).ok_or(CallbackError::Malformed)?;
                let endpoint = wire.endpoint.ok_or(CallbackError::Malformed)?;
                let endpoint = endpoints.admit(&endpoint).ok_or(CallbackError::EndpointNotAllowed)?;
                Ok(Self::Grant(Grant { request_id, token, endpoint }))
            }
            (None, Some(status)) => Ok(Self::Decline(Decline { request_id, status })),
            (None, None) => Err(CallbackError::Malformed),
        }
    }
}

/// A callback as it is written. serde refuses a second one of these members; a `null` one equals an absent one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallbackWire<'a> {
    #[serde(borrow)]
    request_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    access_token: Option<Cow<'a, str>>,
    #[serde(borrow)]
    endpoint: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
}

impl Grant {
    /// Makes the grant that a callback would bring, for tests of a profile source.
    pub fn new(request_id: RequestId, token: AccessToken, endpoint: ProfileEndpoint) -> Self {
        Self { request_id, token, endpoint }
    }

    /// Returns the request id of the login.
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// Returns the credential that the profile is fetched with.
    pub fn token(&self) -> &AccessToken {
        &self.token
    }

    /// Returns the endpoint that the profile is fetched from.
    pub fn endpoint(&self) -> &ProfileEndpoint {
        &self.endpoint
    }
}

/// The reason why a body is not a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallbackError {
    /// The body is not what Truecaller documents.
    #[error("the callback is malformed")]
    Malformed,
    /// The body names a profile endpoint that is not listed.
    #[error("the callback names an endpoint that is not on the allow-list")]
    EndpointNotAllowed,
}

#[cfg(test)]
mod tests;
