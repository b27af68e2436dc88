//! Why the gate refuses a request: each reason has one status, one code and one sentence.

use http::StatusCode;

use crate::{callback::CallbackError, closed_list::closed_list, profile::FetchError};

closed_list! {
    /// Why the gate answers a request itself.
    pub enum Rejection {
        /// The path is not the callback path, but could be read as it.
        AmbiguousPath = "ambiguous-path",
        /// The framing, the host or the method of the head could be read in two ways.
        MalformedRequest = "malformed-request",
        /// The method is not allowed on this path.
        MethodNotAllowed {
            /// The value of the `Allow` header.
            allow: &'static str = "POST",
        } = "method-not-allowed",
        /// The body is not a callback.
        MalformedCallback = "malformed-callback",
        /// The callback names a profile endpoint that is not listed.
        EndpointNotAllowed = "endpoint-not-allowed",
        /// The body of a callback or a form is larger than the limit.
        BodyTooLarge = "body-too-large",
        /// The callback is compressed.
        UnsupportedEncoding = "unsupported-encoding",
        /// The body did not arrive in time.
        BodyTimeout = "body-timeout",
        /// Truecaller does not accept the token.
        TokenRefused = "token-refused",
        /// Truecaller could not be reached or could not answer.
        ProfileUnavailable = "profile-unavailable",
        /// Truecaller's answer did not arrive within the deadline.
        ProfileTimeout = "profile-timeout",
        /// Truecaller's answer holds no usable profile.
        ProfileUnusable = "profile-unusable",
        /// Truecaller says that the profile is not active.
        ProfileInactive = "profile-inactive",
        /// truegate has no such route.
        NotFound = "not-found",
        /// The route requires a login, and the request has no session.
        NotSignedIn = "not-signed-in",
        /// The route is not for this user.
        NotAllowed = "not-allowed",
        /// The request comes from another site's page.
        CrossSite = "cross-site",
        /// There are as many pending logins as `max_pending` allows.
        TooManyLogins = "too-many-logins",
        /// The address of the client, or its network, has sent more logins or callbacks than the limits allow.
        TooManyRequests {
            /// After how many seconds the client may try again.
            retry_after: u32 = 1,
        } = "too-many-requests",
        /// The store of logins and revocations cannot be reached.
        StoreUnavailable = "store-unavailable",
    }
}

impl Rejection {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        self.answer().0
    }

    /// The sentence for people.
    pub fn title(self) -> &'static str {
        self.answer().1
    }

    fn answer(self) -> (StatusCode, &'static str) {
        match self {
            Self::AmbiguousPath => (StatusCode::BAD_REQUEST, "The path could be read as another one."),
            Self::MalformedRequest => {
                (StatusCode::BAD_REQUEST, "The request head is malformed or could be read in two ways.")
            }
            Self::MethodNotAllowed { .. } => (StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed here."),
            Self::MalformedCallback => (StatusCode::BAD_REQUEST, "The body is not a callback."),
            Self::EndpointNotAllowed => (StatusCode::FORBIDDEN, "The callback names an endpoint that is not allowed."),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large."),
            Self::UnsupportedEncoding => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must not be encoded."),
            Self::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time."),
            Self::TokenRefused => (StatusCode::FORBIDDEN, "The access token was refused."),
            Self::ProfileUnavailable => (StatusCode::BAD_GATEWAY, "The profile could not be fetched."),
            Self::ProfileTimeout => (StatusCode::GATEWAY_TIMEOUT, "The profile did not arrive in time."),
            Self::ProfileUnusable => (StatusCode::BAD_GATEWAY, "The profile could not be used."),
            Self::ProfileInactive => (StatusCode::FORBIDDEN, "The profile is not active."),
            Self::NotFound => (StatusCode::NOT_FOUND, "There is nothing here."),
            Self::NotSignedIn => (StatusCode::UNAUTHORIZED, "Nobody is signed in."),
            Self::NotAllowed => (StatusCode::FORBIDDEN, "This is for others."),
            Self::CrossSite => (StatusCode::FORBIDDEN, "The request comes from another site."),
            Self::TooManyLogins => (StatusCode::SERVICE_UNAVAILABLE, "Too many logins run at once."),
            Self::TooManyRequests { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "Too many requests come from this address or its network.")
            }
            Self::StoreUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "Logins cannot be looked up for now."),
        }
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
        }
    }
}
