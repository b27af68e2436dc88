//! The reasons for which the gate refuses a request: each has one status, one code and one sentence.

use crate::{callback::CallbackError, closed_list::closed_list, profile::FetchError};

closed_list! {
    /// The reason why the gate answers a request itself.
    pub enum Rejection {
        /// The path is not the callback path, but could be read as it.
        AmbiguousPath = "ambiguous-path" => BAD_REQUEST "The path could be read as another one.",
        /// The framing, the host or the method of the head could be read in two ways.
        MalformedRequest = "malformed-request"
            => BAD_REQUEST "The request head is malformed or could be read in two ways.",
        /// The site has no such host.
        MisdirectedRequest = "misdirected-request" => MISDIRECTED_REQUEST "This host is not served here.",
        /// The method is not allowed on this path.
        MethodNotAllowed {
            /// The value of the `Allow` header.
            allow: &'static str = "POST",
        } = "method-not-allowed" => METHOD_NOT_ALLOWED "The method is not allowed here.",
        /// The body is not a callback.
        MalformedCallback = "malformed-callback" => BAD_REQUEST "The body is not a callback.",
        /// The body is neither a code with its verifier nor an access token of the app's SDK.
        MalformedCredential = "malformed-credential" => BAD_REQUEST "The body is not a credential of the app.",
        /// The callback names a profile endpoint that is not listed.
        EndpointNotAllowed = "endpoint-not-allowed" => FORBIDDEN "The callback names an endpoint that is not allowed.",
        /// The body of a callback, of a login of the app or of a form is larger than the limit.
        BodyTooLarge = "body-too-large" => PAYLOAD_TOO_LARGE "The body is too large.",
        /// The body of a callback or of a login of the app is compressed.
        UnsupportedEncoding = "unsupported-encoding" => UNSUPPORTED_MEDIA_TYPE "The body must not be encoded.",
        /// The body did not arrive in time.
        BodyTimeout = "body-timeout" => REQUEST_TIMEOUT "The body did not arrive in time.",
        /// Truecaller does not accept the token or the code.
        TokenRefused = "token-refused" => FORBIDDEN "The access token or the code was refused.",
        /// Truecaller could not be reached or could not answer.
        ProfileUnavailable = "profile-unavailable" => BAD_GATEWAY "The profile could not be fetched.",
        /// Truecaller's answer did not arrive within the deadline.
        ProfileTimeout = "profile-timeout" => GATEWAY_TIMEOUT "The profile did not arrive in time.",
        /// Truecaller's answer holds no usable profile.
        ProfileUnusable = "profile-unusable" => BAD_GATEWAY "The profile could not be used.",
        /// Truecaller says that the profile is not active.
        ProfileInactive = "profile-inactive" => FORBIDDEN "The profile is not active.",
        /// Truecaller does not say that the phone number is verified.
        NumberNotVerified = "number-not-verified" => FORBIDDEN "The phone number is not verified.",
        /// Truecaller does not know the app, or the app asks for too little.
        Misconfigured = "misconfigured" => BAD_GATEWAY "The app or the gateway is not set up as Truecaller requires.",
        /// truegate has no such route.
        NotFound = "not-found" => NOT_FOUND "There is nothing here.",
        /// The route requires a login, and the request has no session.
        NotSignedIn = "not-signed-in" => UNAUTHORIZED "Nobody is signed in.",
        /// The request has the session token of one user and the session cookie of another.
        ConflictingSessions = "conflicting-sessions"
            => BAD_REQUEST "The token and the cookie are of different users.",
        /// The rule of the route does not let this user in.
        NotAllowed = "not-allowed" => FORBIDDEN "This is for others.",
        /// The request comes from another site's page.
        CrossSite = "cross-site" => FORBIDDEN "The request comes from another site.",
        /// `max_pending` logins are already in progress.
        TooManyLogins = "too-many-logins" => SERVICE_UNAVAILABLE "Too many logins run at once.",
        /// The address of the client, or its network, has sent more logins or callbacks than the limits allow.
        TooManyRequests {
            /// After how many seconds the client may try again.
            retry_after: u32 = 1,
        } = "too-many-requests" => TOO_MANY_REQUESTS "Too many requests come from this address or its network.",
        /// The store of logins and revocations cannot be reached.
        StoreUnavailable = "store-unavailable" => SERVICE_UNAVAILABLE "Logins cannot be looked up for now.",
    }
}

impl From<CallbackError> for Rejection {
    fn from(error: CallbackError) -> Self {
        match error {
            CallbackError::Malformed => Self::MalformedCallback,
            CallbackError::EndpointNotAllowed => Self::EndpointNotAllowed,
        }
    }
}

impl From<FetchError> for Rejection {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Refused => Self::TokenRefused,
            FetchError::Unavailable(_) => Self::ProfileUnavailable,
            FetchError::TimedOut => Self::ProfileTimeout,
            FetchError::Unusable | FetchError::NoPhoneNumber => Self::ProfileUnusable,
            FetchError::NumberNotVerified => Self::NumberNotVerified,
            FetchError::Misconfigured => Self::Misconfigured,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, path::Path};

    use super::*;

    #[test]
    fn every_rejection_is_told_apart_and_documented() {
        let document = |name| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
        let text = ["docs/callbacks.md", "docs/sessions.md", "docs/native.md"].map(document).concat();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (mut codes, mut titles) = (HashSet::new(), HashSet::new());
        for rejection in Rejection::ALL {
            let (status, code) = (rejection.status(), rejection.code());
            assert!(status.is_client_error() || status.is_server_error(), "{rejection:?}");
            assert!(codes.insert(code) && titles.insert(rejection.title()), "{rejection:?} is the same as another one");
            assert!(text.contains(&format!("{} `{code}`", status.as_str())), "{rejection:?} is not documented");
        }
    }
}
