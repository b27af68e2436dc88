//! What the gate tells those who count and log: words from closed sets, and never a secret.

use std::time::Duration;

use super::Rejection;
use crate::{cause::Cause, headers::Spoofs, profile::FetchError};

/// Something that happened in the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A callback was dealt with.
    Callback {
        /// How it ended.
        outcome: Outcome,
        /// The time since its head arrived.
        elapsed: Duration,
    },
    /// A callback that was acknowledged was verified, or will not be.
    Verification {
        /// How that ended.
        outcome: VerificationOutcome,
        /// The time since the callback was acknowledged.
        elapsed: Duration,
    },
    /// A profile was asked for.
    Fetch {
        /// Whether it came.
        outcome: FetchOutcome,
        /// The time it took.
        elapsed: Duration,
    },
    /// A request on another path was refused.
    Refusal(Rejection),
    /// A login moved on, or a session ended.
    Login(LoginEvent),
    /// The store of logins and revocations could not be asked, or was too slow.
    StoreFailure(Cause),
    /// A browser came to the login over http although the site is https, so that it drops every cookie.
    InsecureLogin,
    /// Somebody but truegate claimed an identity, and the claim was taken away.
    Spoof(Channel),
}

/// How a callback ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The upstream gets it with a verified identity.
    Verified,
    /// The upstream gets it with its status alone.
    Declined,
    /// It was answered, and is verified afterwards.
    Acknowledged,
    /// It was answered here.
    Rejected(Rejection),
    /// The caller went away before the end.
    Abandoned,
}

impl Outcome {
    /// The stable word for metrics and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Declined => "declined",
            Self::Acknowledged => "acknowledged",
            Self::Rejected(rejection) => rejection.code(),
            Self::Abandoned => "abandoned",
        }
    }
}

/// How the verification of a grant ended that was acknowledged before, as it is where there are sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VerificationOutcome {
    /// The user is verified.
    Verified,
    /// The profile cannot be used: it has no valid phone number, or is not active.
    Failed,
    /// Truecaller does not accept the token, so that the login goes on.
    TokenRefused,
    /// Truecaller's answer is not a profile, so that the login goes on.
    ProfileUnusable,
    /// Truecaller could not answer before the login expired.
    Expired,
    /// Another callback ended the login first.
    Superseded,
    /// The verdict could not be stored before the login expired.
    StoreUnavailable,
    /// No such login runs: it has ended or expired, or never was.
    NoLogin,
    /// The same grant is being verified already, or the login has too many.
    Repeated,
    /// The server stopped before the end.
    Abandoned,
}

impl VerificationOutcome {
    /// Every outcome, for tables and metrics.
    pub const ALL: [Self; 10] = [
        Self::Verified,
        Self::Failed,
        Self::TokenRefused,
        Self::ProfileUnusable,
        Self::Expired,
        Self::Superseded,
        Self::StoreUnavailable,
        Self::NoLogin,
        Self::Repeated,
        Self::Abandoned,
    ];

    /// The stable word for metrics and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::TokenRefused => "token-refused",
            Self::ProfileUnusable => "profile-unusable",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::StoreUnavailable => "store-unavailable",
            Self::NoLogin => "no-login",
            Self::Repeated => "repeated",
            Self::Abandoned => "abandoned",
        }
    }
}

/// How asking for a profile ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchOutcome {
    /// The profile came.
    Fetched,
    /// Truecaller does not accept the token.
    Refused,
    /// Truecaller could not be reached or could not answer.
    Unavailable(Cause),
    /// The deadline came first.
    TimedOut,
    /// Truecaller's answer is not a profile.
    Unusable,
    /// Truecaller's answer is a profile without a valid phone number.
    NoPhoneNumber,
}

impl FetchOutcome {
    /// Every outcome with each of its causes, for tables and metrics.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = [Self::Fetched, Self::Refused, Self::TimedOut, Self::Unusable, Self::NoPhoneNumber];
        others.into_iter().chain(Cause::ALL.iter().map(|cause| Self::Unavailable(*cause)))
    }

    /// The stable word for metrics and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Fetched => "ok",
            Self::Refused => "refused",
            Self::Unavailable(_) => "unavailable",
            Self::TimedOut => "timeout",
            Self::Unusable => "unusable",
            Self::NoPhoneNumber => "no-phone-number",
        }
    }

    /// Why there is no profile.
    pub fn cause(self) -> Option<Cause> {
        match self {
            Self::Fetched => None,
            Self::Refused => Some(Cause::Auth),
            Self::Unavailable(cause) => Some(cause),
            Self::TimedOut => Some(Cause::Timeout),
            Self::Unusable => Some(Cause::Protocol),
            Self::NoPhoneNumber => Some(Cause::Data),
        }
    }

    pub(super) fn of<T>(fetched: &Result<T, FetchError>) -> Self {
        match fetched {
            Ok(_) => Self::Fetched,
            Err(FetchError::Refused) => Self::Refused,
            Err(FetchError::Unavailable(fault)) => Self::Unavailable(fault.cause()),
            Err(FetchError::TimedOut) => Self::TimedOut,
            Err(FetchError::Unusable) => Self::Unusable,
            Err(FetchError::NoPhoneNumber) => Self::NoPhoneNumber,
        }
    }
}

/// How a login moves on, from its nonce to the end of its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginEvent {
    /// A nonce was given out.
    Started,
    /// Truecaller's dialog is shown.
    Opened,
    /// The user agreed, and is verified.
    Verified,
    /// The user refused.
    Refused,
    /// The user wants to use another number.
    AnotherNumber,
    /// The user agreed, with a profile that cannot be used.
    Failed,
    /// The user logged out.
    LoggedOut,
}

impl LoginEvent {
    /// Every event, for tables and metrics.
    pub const ALL: [Self; 7] = [
        Self::Started,
        Self::Opened,
        Self::Verified,
        Self::Refused,
        Self::AnotherNumber,
        Self::Failed,
        Self::LoggedOut,
    ];

    /// The stable word for metrics and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Opened => "opened",
            Self::Verified => "verified",
            Self::Refused => "refused",
            Self::AnotherNumber => "another-number",
            Self::Failed => "failed",
            Self::LoggedOut => "logged-out",
        }
    }
}

/// Where an identity was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Channel {
    /// In a request header.
    Header,
    /// In a list of headers that the next hop is to drop.
    Connection,
    /// In a request's trailers.
    Trailer,
    /// In the upstream's response.
    Response,
}

impl Channel {
    /// Every channel, for tables and metrics.
    pub const ALL: [Self; 4] = [Self::Header, Self::Connection, Self::Trailer, Self::Response];

    /// The stable word for metrics and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Connection => "connection",
            Self::Trailer => "trailer",
            Self::Response => "response",
        }
    }

    pub(super) fn of_request(spoofs: Spoofs) -> impl Iterator<Item = Self> {
        let claimed =
            [(spoofs.header, Self::Header), (spoofs.connection, Self::Connection), (spoofs.trailer, Self::Trailer)];
        claimed.into_iter().filter(|(claimed, _)| *claimed).map(|(_, channel)| channel)
    }
}

/// Learns what happens in a gate, for metrics and logs.
///
/// An implementor returns at once: it is called on the way of the request.
pub trait Observer: Send + Sync + 'static {
    /// Takes note of an event.
    fn observe(&self, event: Event);
}

/// Takes note of nothing.
impl Observer for () {
    fn observe(&self, _: Event) {}
}
