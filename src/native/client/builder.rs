//! Building a native client.

use http::HeaderValue;

use super::NativeClient;
use crate::{callback::ProfileEndpoint, native::ClientId, profile::ProfileClient};

/// Builds a [`NativeClient`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it builds"]
pub struct NativeClientBuilder(NativeClient);

impl NativeClientBuilder {
    pub(super) fn new(client: ProfileClient, client_id: ClientId) -> Self {
        let documented = |url| ProfileEndpoint::parse(url).expect("the documented endpoints are canonical https URLs");
        Self(NativeClient {
            client,
            client_id_header: HeaderValue::from_str(client_id.as_str()).expect("a client id is visible ASCII"),
            client_id,
            token_endpoint: documented(NativeClient::TOKEN_ENDPOINT),
            userinfo_endpoint: documented(NativeClient::USERINFO_ENDPOINT),
            missed_call_endpoint: documented(NativeClient::MISSED_CALL_ENDPOINT),
        })
    }

    /// Sets the endpoint where codes are exchanged for access tokens. Defaults to [`NativeClient::TOKEN_ENDPOINT`].
    pub fn token_endpoint(mut self, endpoint: ProfileEndpoint) -> Self {
        self.0.token_endpoint = endpoint;
        self
    }

    /// Sets the endpoint of the profiles of the app's users. Defaults to [`NativeClient::USERINFO_ENDPOINT`].
    ///
    /// An access token goes from one to the other, so both must be Truecaller's.
    pub fn userinfo_endpoint(mut self, endpoint: ProfileEndpoint) -> Self {
        self.0.userinfo_endpoint = endpoint;
        self
    }

    /// Sets the endpoint of the numbers that were verified by a missed call. The token is one more segment of its path. Defaults to
    /// [`NativeClient::MISSED_CALL_ENDPOINT`].
    pub fn missed_call_endpoint(mut self, endpoint: ProfileEndpoint) -> Self {
        self.0.missed_call_endpoint = endpoint;
        self
    }

    /// Builds the client.
    pub fn build(self) -> NativeClient {
        self.0
    }
}

impl NativeClient {
    /// The documented token endpoint.
    pub const TOKEN_ENDPOINT: &str = "https://oauth-account-noneu.truecaller.com/v1/token";
    /// The documented userinfo endpoint.
    pub const USERINFO_ENDPOINT: &str = "https://oauth-account-noneu.truecaller.com/v1/userinfo";
    /// The documented missed-call endpoint, without the token.
    pub const MISSED_CALL_ENDPOINT: &str =
        "https://sdk-otp-verification-noneu.truecaller.com/v1/otp/client/installation/phoneNumberDetail";
}
