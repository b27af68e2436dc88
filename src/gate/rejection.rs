//! Why a request is not passed on: each reason with one status, one code and one sentence.

use http::StatusCode;

use crate::{callback::CallbackError, profile::FetchError};

/// A request that is answered here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// The path is not the callback's, but could be read as it.
    AmbiguousPath,
    /// The head could be read in two ways: its framing, its host, or its method.
    MalformedRequest,
    /// The header block is larger than 64 KiB.
    HeadersTooLarge,
    /// The request target is longer than 8 KiB.
    TargetTooLong,
    /// The method has no business here; those that have are named.
    MethodNotAllowed {
        /// The value of the `Allow` header.
        allow: &'static str,
    },
    /// The body is no callback.
    MalformedCallback,
    /// The callback names a profile endpoint that is not listed.
    EndpointNotAllowed,
    /// The body of a callback or a form is larger than the limit.
    BodyTooLarge,
    /// The callback is compressed.
    UnsupportedEncoding,
    /// The body did not arrive in time.
    BodyTimeout,
    /// Truecaller does not accept the token.
    TokenRefused,
    /// Truecaller could not be reached or could not answer.
    ProfileUnavailable,
    /// Truecaller's answer did not arrive within the deadline.
    ProfileTimeout,
    /// Truecaller's answer holds no usable profile.
    ProfileUnusable,
    /// Truecaller says that the profile is not active.
    ProfileInactive,
    /// The app behind the gateway could not be reached or broke off.
    UpstreamUnavailable,
    /// There is no such route of truegate's own.
    NotFound,
    /// The route needs an identity, and there is none.
    NotSignedIn,
    /// The route is for others.
    NotAllowed,
    /// The request comes from another site's page.
    CrossSite,
    /// As many logins run as may.
    TooManyLogins,
    /// More logins or callbacks come from the client's address, or from the network around it, than may.
    TooManyRequests {
        /// After how many seconds the client may try again.
        retry_after: u32,
    },
    /// The store of logins and revocations cannot be reached.
    StoreUnavailable,
}

impl Rejection {
    /// Every reason, for tables and metrics.
    pub const ALL: [Self; 23] = [
        Self::AmbiguousPath,
        Self::MalformedRequest,
        Self::HeadersTooLarge,
        Self::TargetTooLong,
        Self::MethodNotAllowed { allow: "POST" },
        Self::MalformedCallback,
        Self::EndpointNotAllowed,
        Self::BodyTooLarge,
        Self::UnsupportedEncoding,
        Self::BodyTimeout,
        Self::TokenRefused,
        Self::ProfileUnavailable,
        Self::ProfileTimeout,
        Self::ProfileUnusable,
        Self::ProfileInactive,
        Self::UpstreamUnavailable,
        Self::NotFound,
        Self::NotSignedIn,
        Self::NotAllowed,
        Self::CrossSite,
        Self::TooManyLogins,
        Self::TooManyRequests { retry_after: 1 },
        Self::StoreUnavailable,
    ];

    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::AmbiguousPath | Self::MalformedRequest | Self::MalformedCallback => StatusCode::BAD_REQUEST,
            Self::NotSignedIn => StatusCode::UNAUTHORIZED,
            Self::EndpointNotAllowed
            | Self::TokenRefused
            | Self::ProfileInactive
            | Self::NotAllowed
            | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::UnsupportedEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::ProfileUnavailable | Self::ProfileUnusable | Self::UpstreamUnavailable => StatusCode::BAD_GATEWAY,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::TooManyLogins | Self::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::ProfileTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The stable word for programs, metrics and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::AmbiguousPath => "ambiguous-path",
            Self::MalformedRequest => "malformed-request",
            Self::HeadersTooLarge => "headers-too-large",
            Self::TargetTooLong => "target-too-long",
            Self::MethodNotAllowed { .. } => "method-not-allowed",
            Self::MalformedCallback => "malformed-callback",
            Self::EndpointNotAllowed => "endpoint-not-allowed",
            Self::BodyTooLarge => "body-too-large",
            Self::UnsupportedEncoding => "unsupported-encoding",
            Self::BodyTimeout => "body-timeout",
            Self::TokenRefused => "token-refused",
            Self::ProfileUnavailable => "profile-unavailable",
            Self::ProfileTimeout => "profile-timeout",
            Self::ProfileUnusable => "profile-unusable",
            Self::ProfileInactive => "profile-inactive",
            Self::UpstreamUnavailable => "upstream-unavailable",
            Self::NotFound => "not-found",
            Self::NotSignedIn => "not-signed-in",
            Self::NotAllowed => "not-allowed",
            Self::CrossSite => "cross-site",
            Self::TooManyLogins => "too-many-logins",
            Self::TooManyRequests { .. } => "too-many-requests",
            Self::StoreUnavailable => "store-unavailable",
        }
    }

    /// The sentence for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::AmbiguousPath => "The path could be read as another one.",
            Self::MalformedRequest => "The request head is malformed or could be read in two ways.",
            Self::HeadersTooLarge => "The request headers are too large.",
            Self::TargetTooLong => "The request target is too long.",
            Self::MethodNotAllowed { .. } => "The method is not allowed here.",
            Self::MalformedCallback => "The body is not a callback.",
            Self::EndpointNotAllowed => "The callback names an endpoint that is not allowed.",
            Self::BodyTooLarge => "The body is too large.",
            Self::UnsupportedEncoding => "The body must not be encoded.",
            Self::BodyTimeout => "The body did not arrive in time.",
            Self::TokenRefused => "The access token was refused.",
            Self::ProfileUnavailable => "The profile could not be fetched.",
            Self::ProfileTimeout => "The profile did not arrive in time.",
            Self::ProfileUnusable => "The profile could not be used.",
            Self::ProfileInactive => "The profile is not active.",
            Self::UpstreamUnavailable => "The app could not be reached.",
            Self::NotFound => "There is nothing here.",
            Self::NotSignedIn => "Nobody is signed in.",
            Self::NotAllowed => "This is for others.",
            Self::CrossSite => "The request comes from another site.",
            Self::TooManyLogins => "Too many logins run at once.",
            Self::TooManyRequests { .. } => "Too many requests come from this address or its network.",
            Self::StoreUnavailable => "Logins cannot be looked up for now.",
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
