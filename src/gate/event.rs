//! The events of a gate, for metrics and logs: words from closed sets, and never a secret.

use std::time::Duration;

use super::Rejection;
use crate::{cause::Cause, closed_list::closed_list, identity::VerificationMethod, profile::FetchError};

/// Something that happened in the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A callback has ended.
    Callback {
        /// How it ended.
        outcome: CallbackOutcome,
        /// The time since its head arrived.
        elapsed: Duration,
    },
    /// The verification of an acknowledged callback has ended.
    Verification {
        /// How it ended.
        outcome: VerificationOutcome,
        /// The time since the callback was acknowledged.
        elapsed: Duration,
    },
    /// A profile was fetched, or could not be.
    Fetch {
        /// How it ended.
        outcome: FetchOutcome,
        /// The time it took.
        elapsed: Duration,
    },
    /// A login of the site's own app has ended.
    AppLogin {
        /// How the number is verified: by [`App`](VerificationMethod::App) or by [`MissedCall`](VerificationMethod::MissedCall). None
        /// if the body was not read to its end or is not a credential.
        method: Option<VerificationMethod>,
        /// How it ended.
        outcome: AppLoginOutcome,
        /// The time since its head arrived.
        elapsed: Duration,
    },
    /// A request on another path was refused.
    Refusal(Rejection),
    /// A login changed its state, or a session ended.
    Login(LoginEvent),
    /// Sessions were ended before their time, and not by a logout from the session itself.
    Revocation(RevocationScope),
    /// The store of logins and revocations could not be asked, or was too slow.
    StoreFailure(Cause),
    /// A browser opened the login over http although the site is https, so it drops every cookie.
    InsecureLogin,
    /// A client or the app claimed an identity, and the claim was stripped.
    Spoof(SpoofChannel),
}

closed_list! {
    /// How a callback ended.
    pub enum CallbackOutcome with pub(crate) ALL {
        /// The upstream gets it with a verified identity.
        Verified,
        /// The upstream gets it with its status only.
        Declined,
        /// It was answered, and is verified afterwards.
        Acknowledged,
        /// It was answered here.
        Rejected(Rejection),
        /// The caller went away before the end.
        Abandoned,
    }
}

impl CallbackOutcome {
    /// Every outcome with each rejection, for tables and metrics.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = Self::ALL.iter().copied().filter(|outcome| !matches!(outcome, Self::Rejected(_)));
        others.chain(Rejection::ALL.iter().copied().map(Self::Rejected))
    }

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

closed_list! {
    /// How a login of the site's own app ended.
    pub enum AppLoginOutcome with pub(crate) ALL {
        /// The user is verified: the upstream gets the request, or with sessions the app gets a session.
        Verified,
        /// It was refused.
        Rejected(Rejection),
        /// The app went away before the end.
        Abandoned,
    }
}

impl AppLoginOutcome {
    /// Every outcome with each rejection, for tables and metrics.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = Self::ALL.iter().copied().filter(|outcome| !matches!(outcome, Self::Rejected(_)));
        others.chain(Rejection::ALL.iter().copied().map(Self::Rejected))
    }

    /// The stable word for metrics and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Rejected(rejection) => rejection.code(),
            Self::Abandoned => "abandoned",
        }
    }
}

closed_list! {
    /// How the verification of an acknowledged callback ended. With sessions, callbacks are acknowledged first.
    pub enum VerificationOutcome {
        /// The user is verified.
        Verified = "verified",
        /// The profile has no valid phone number.
        NoPhoneNumber = "no-phone-number",
        /// Truecaller does not say that the phone number is verified.
        NumberNotVerified = "number-not-verified",
        /// Truecaller says that the profile is not active.
        ProfileInactive = "profile-inactive",
        /// Truecaller does not accept the token, so the login stays in progress.
        TokenRefused = "token-refused",
        /// Truecaller's answer is not a profile, so the login stays in progress.
        ProfileUnusable = "profile-unusable",
        /// Truecaller could not answer before the login expired.
        Expired = "expired",
        /// Another callback ended the login first.
        Superseded = "superseded",
        /// The verdict could not be stored before the login expired.
        StoreUnavailable = "store-unavailable",
        /// No such login is in progress: it has ended or expired, or never began.
        NoLogin = "no-login",
        /// The same token is being verified already, or too many tokens were posted for this login.
        Repeated = "repeated",
        /// The server stopped before the end.
        Abandoned = "abandoned",
    }
}

closed_list! {
    /// How the fetch of a profile ended.
    pub enum FetchOutcome with pub(crate) ALL {
        /// The profile arrived.
        Fetched = "ok",
        /// Truecaller does not accept the token.
        Refused = "refused",
        /// Truecaller could not be reached or could not answer.
        Unavailable(Cause) = "unavailable",
        /// The deadline came first.
        TimedOut = "timeout",
        /// Truecaller's answer is not a profile.
        Unusable = "unusable",
        /// Truecaller's answer is a profile without a valid phone number.
        NoPhoneNumber = "no-phone-number",
        /// Truecaller does not say that the phone number is verified.
        NumberNotVerified = "number-not-verified",
        /// Truecaller does not know the app, or the app asks for too little.
        Misconfigured = "misconfigured",
    }
}

impl FetchOutcome {
    /// Every outcome with each of its causes, for tables and metrics.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = Self::ALL.iter().copied().filter(|outcome| !matches!(outcome, Self::Unavailable(_)));
        others.chain(Cause::ALL.iter().copied().map(Self::Unavailable))
    }

    /// Returns the cause of a failed fetch.
    pub fn cause(self) -> Option<Cause> {
        match self {
            Self::Fetched => None,
            Self::Refused | Self::Misconfigured => Some(Cause::Auth),
            Self::Unavailable(cause) => Some(cause),
            Self::TimedOut => Some(Cause::Timeout),
            Self::Unusable => Some(Cause::Protocol),
            Self::NoPhoneNumber | Self::NumberNotVerified => Some(Cause::Data),
        }
    }

    pub(super) fn of<T>(fetched: &Result<T, FetchError>) -> Self {
        match fetched {
            Ok(_) => Self::Fetched,
            Err(FetchError::Refused) => Self::Refused,
            Err(FetchError::Unavailable(failure)) => Self::Unavailable(failure.cause()),
            Err(FetchError::TimedOut) => Self::TimedOut,
            Err(FetchError::Unusable) => Self::Unusable,
            Err(FetchError::NoPhoneNumber) => Self::NoPhoneNumber,
            Err(FetchError::NumberNotVerified) => Self::NumberNotVerified,
            Err(FetchError::Misconfigured) => Self::Misconfigured,
        }
    }
}

closed_list! {
    /// The changes of a login, from its request id to the end of its session.
    pub enum LoginEvent {
        /// A login was started, and has its request id.
        Started = "started",
        /// Truecaller's dialog is shown.
        Opened = "opened",
        /// The user agreed, and is verified.
        Verified = "verified",
        /// The user refused.
        Refused = "refused",
        /// The user wants to use another number.
        AnotherNumber = "another-number",
        /// The user agreed, but the profile cannot be used.
        Failed = "failed",
        /// The user logged out.
        LoggedOut = "logged-out",
        /// All sessions of a user were ended for them.
        Revoked = "revoked",
    }
}

closed_list! {
    /// The sessions that a revocation ends.
    pub enum RevocationScope {
        /// One session, because its browser has got another one.
        Session = "session",
        /// All sessions of a user.
        User = "user",
    }
}

closed_list! {
    /// The part of the message that claimed an identity.
    pub enum SpoofChannel {
        /// In a request header.
        Header = "header",
        /// In the list of headers that the next hop drops (`Connection`).
        Connection = "connection",
        /// In a request's trailers.
        Trailer = "trailer",
        /// In the upstream's response.
        Response = "response",
    }
}
