//! The native client: asks Truecaller whose a credential of the app is, over the connections of a profile client.
//!
//! ```
//! use truegate::{native::NativeClient, profile::ProfileClient};
//!
//! let client = ProfileClient::builder().build()?;
//! let client_id = "k3yq2rxvqvmbn1nlu2fnvvgpyr9ozmwk7s1dkpgv".parse()?;
//! let native = NativeClient::builder(client, client_id).build();
//! # drop(native);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod builder;

use std::{fmt, time::Instant};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use url::form_urlencoded;

pub use self::builder::NativeClientBuilder;
use super::{
    AuthorizationCode, ClientId, CodeVerifier, Credential, MissedCallToken, NativeSource, token_answer::access_token,
};
use crate::{
    callback::{AccessToken, ProfileEndpoint},
    json,
    profile::{
        FetchError, Profile, ProfileClient, ProfileFuture,
        client::{EndpointRequest, Target, bearer, judge},
    },
};

/// Fetches the profiles of the app's users from Truecaller's documented endpoints.
///
/// It asks in the ways of a [`ProfileClient`], and shares its connections, limits and attempts. An authorization code is sent again
/// only if nothing of the request was sent before, because Truecaller accepts a code once. The other requests change nothing, so
/// they are repeated as those for a profile are.
#[derive(Clone)]
pub struct NativeClient {
    client: ProfileClient,
    client_id: ClientId,
    client_id_header: HeaderValue,
    token_endpoint: ProfileEndpoint,
    userinfo_endpoint: ProfileEndpoint,
    missed_call_endpoint: ProfileEndpoint,
}

impl NativeClient {
    /// Starts with the documented endpoints.
    ///
    /// The client id says for which app Truecaller accepts a credential, so a code that a user gave to another app is refused.
    pub fn builder(client: ProfileClient, client_id: ClientId) -> NativeClientBuilder {
        NativeClientBuilder::new(client, client_id)
    }

    /// Opens the connections to the endpoints ahead of the first users, as [`ProfileClient::connect`] does.
    ///
    /// # Panics
    ///
    /// When it is called outside of a tokio runtime.
    pub fn connect(&self) {
        [&self.token_endpoint, &self.userinfo_endpoint, &self.missed_call_endpoint]
            .into_iter()
            .for_each(|endpoint| self.client.open_ahead(endpoint));
    }

    async fn profile_of_code(
        &self,
        code: &AuthorizationCode,
        verifier: &CodeVerifier,
        deadline: Instant,
    ) -> Result<Profile, FetchError> {
        let token = self.redeem(code, verifier, deadline).await?;
        if self.client.clock().now() >= deadline {
            return Err(FetchError::TimedOut);
        }
        self.userinfo(&token, deadline).await
    }

    /// Exchanges a code for an access token.
    async fn redeem(
        &self,
        code: &AuthorizationCode,
        verifier: &CodeVerifier,
        deadline: Instant,
    ) -> Result<AccessToken, FetchError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("client_id", self.client_id.as_str())
            .append_pair("code", code.expose())
            .append_pair("code_verifier", verifier.expose())
            .finish();
        let request = EndpointRequest {
            endpoint: &self.token_endpoint,
            target: None,
            header: (&header::CONTENT_TYPE, &FORM),
            post: Some(Bytes::from(form)),
            judge: |status| match status {
                StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => Err(FetchError::Refused),
                StatusCode::UNAUTHORIZED => Err(FetchError::Misconfigured),
                status => judge(status),
            },
        };
        let answer = self.client.ask(&request, deadline).await?;
        access_token(&answer.body).ok_or(FetchError::Unusable)
    }

    async fn userinfo(&self, token: &AccessToken, deadline: Instant) -> Result<Profile, FetchError> {
        let request = EndpointRequest {
            endpoint: &self.userinfo_endpoint,
            target: None,
            header: (&header::AUTHORIZATION, &bearer(token)),
            post: None,
            judge: |status| match status {
                StatusCode::UNAUTHORIZED => Err(FetchError::Refused),
                StatusCode::NOT_FOUND => Err(FetchError::NoPhoneNumber),
                StatusCode::UNPROCESSABLE_ENTITY => Err(FetchError::Misconfigured),
                status => judge(status),
            },
        };
        let answer = self.client.ask(&request, deadline).await?;
        Profile::parse_userinfo(&answer.body)
    }

    async fn profile_of_missed_call(&self, token: &MissedCallToken, deadline: Instant) -> Result<Profile, FetchError> {
        let url = self.missed_call_endpoint.url().as_str();
        let url = [url.strip_suffix('/').unwrap_or(url), "/", token.expose()].concat();
        let target = Target::parse(&url).expect("unreserved characters behind the path of a URL leave it a URL");
        let request = EndpointRequest {
            endpoint: &self.missed_call_endpoint,
            target: Some(&target),
            header: (&CLIENT_ID, &self.client_id_header),
            post: None,
            judge: |status| match status {
                // The body says whether it is the token or the client id.
                StatusCode::NOT_FOUND => Ok(()),
                status => judge(status),
            },
        };
        let answer = self.client.ask(&request, deadline).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Err(not_found(&answer.body)),
            _ => Profile::parse_missed_call(&answer.body),
        }
    }
}

/// What a 404 of the missed-call endpoint means.
fn not_found(body: &[u8]) -> FetchError {
    #[derive(Deserialize)]
    struct NotFound {
        code: u16,
    }
    let found = json::object(body).and_then(|text| serde_json::from_str(text).ok());
    match found {
        Some(NotFound { code: 404 }) => FetchError::Misconfigured,
        Some(NotFound { code: 1404 }) => FetchError::Refused,
        _ => FetchError::Unusable,
    }
}

impl fmt::Debug for NativeClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeClient").finish_non_exhaustive()
    }
}

impl NativeSource for NativeClient {
    fn fetch<'a>(&'a self, credential: &'a Credential, deadline: Instant) -> ProfileFuture<'a> {
        match credential {
            Credential::Code { code, verifier } => Box::pin(self.profile_of_code(code, verifier, deadline)),
            Credential::MissedCall(token) => Box::pin(self.profile_of_missed_call(token, deadline)),
        }
    }
}

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
/// Documented as `clientId`; names of headers have no letter case.
const CLIENT_ID: HeaderName = HeaderName::from_static("clientid");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_call_that_is_not_found_is_the_app_or_the_user() {
        for (body, meaning) in [
            (r#"{"code":404,"message":"Invalid credentials"}"#, FetchError::Misconfigured),
            (r#"{"code":1404,"message":"Invalid token"}"#, FetchError::Refused),
            (r#"{"code":1405}"#, FetchError::Unusable),
            (r#"{"code":"1404"}"#, FetchError::Unusable),
            (r#"{"code":404,"code":1404}"#, FetchError::Unusable),
            ("[1404]", FetchError::Unusable),
            ("<html>not found</html>", FetchError::Unusable),
            ("", FetchError::Unusable),
        ] {
            assert_eq!(not_found(body.as_bytes()), meaning, "{body}");
        }
    }
}
