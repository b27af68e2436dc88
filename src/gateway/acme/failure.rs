//! The reasons why a certificate could not be obtained.

use std::{io, time::Duration};

use super::server::Busy;
use crate::cause::{self, Cause};

/// The reason why a certificate was not obtained. What the ACME server says is not part of the text, because it may quote requests.
#[derive(Debug, thiserror::Error)]
pub(super) enum OrderError {
    /// The ACME server could not be reached, or refused.
    #[error("the ACME server did not issue a certificate")]
    Acme(#[from] instant_acme::Error),
    /// The order took too long.
    #[error("the ACME server took too long")]
    Timeout,
    /// The folder cannot be read or written.
    #[error("the folder cannot be read or written")]
    Folder(#[from] io::Error),
    /// The issued certificate cannot be used now: it is for another host or another time.
    #[error("the certificate cannot be used now")]
    Unusable,
}

impl OrderError {
    /// The cause, for logs.
    pub(super) fn cause(&self) -> Cause {
        use instant_acme::Error as E;
        match self {
            Self::Timeout | Self::Acme(E::Timeout(_)) => Cause::Timeout,
            Self::Folder(_) => Cause::Resources,
            Self::Unusable | Self::Acme(E::KeyRejected) => Cause::Data,
            Self::Acme(E::Api(_)) => match self.problem() {
                Some("rateLimited" | "serverInternal") => Cause::ServerError,
                Some(_) => Cause::Auth,
                None => Cause::Protocol,
            },
            Self::Acme(E::Json(_) | E::Unsupported(_) | E::Str(_)) => Cause::Protocol,
            Self::Acme(E::Other(_)) if self.busy().is_some() => Cause::ServerError,
            // Its source skips the error that it holds.
            Self::Acme(E::Other(error)) => cause::find(&**error).unwrap_or(Cause::Other),
            Self::Acme(_) => Cause::Other,
        }
    }

    /// What the ACME server says that is the matter, if it is one of the problems that the RFC lists.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let Self::Acme(instant_acme::Error::Api(problem)) = self else { return None };
        let name = problem.r#type.as_deref()?.strip_prefix("urn:ietf:params:acme:error:")?;
        PROBLEMS.into_iter().find(|known| *known == name)
    }

    /// How long the ACME server asks to wait, up to a day.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.busy()?.pause.map(|pause| pause.min(LONGEST_PAUSE))
    }

    fn busy(&self) -> Option<&Busy> {
        let Self::Acme(instant_acme::Error::Other(error)) = self else { return None };
        error.downcast_ref()
    }
}

/// The names of problems (RFC 8555 §6.7). No other text of the server is logged.
const PROBLEMS: [&str; 22] = [
    "accountDoesNotExist", "badCSR", "badNonce", "badPublicKey", "badSignatureAlgorithm", "caa", "compound",
    "connection", "dns", "externalAccountRequired", "incorrectResponse", "invalidContact", "malformed",
    "orderNotReady", "rateLimited", "rejectedIdentifier", "serverInternal", "tls", "unauthorized",
    "unsupportedContact", "unsupportedIdentifier", "userActionRequired",
];
const LONGEST_PAUSE: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use instant_acme::{Error, Problem};

    use super::*;

    fn refused(name: &str) -> OrderError {
        let kind = Some(format!("urn:ietf:params:acme:error:{name}"));
        Error::Api(Problem { r#type: kind, detail: None, status: None, subproblems: Vec::new() }).into()
    }

    fn busy(seconds: Option<u64>) -> OrderError {
        Error::Other(Busy { pause: seconds.map(Duration::from_secs) }.into()).into()
    }

    #[test]
    fn a_failure_has_a_cause_and_only_problems_that_the_rfc_lists() {
        let connect = Error::Other(io::Error::from(io::ErrorKind::ConnectionRefused).into());
        for (error, cause, problem) in [
            (refused("rateLimited"), Cause::ServerError, Some("rateLimited")),
            (refused("caa"), Cause::Auth, Some("caa")),
            (refused("a secret"), Cause::Protocol, None),
            (busy(None), Cause::ServerError, None),
            (connect.into(), Cause::Connect, None),
            (Error::Timeout(None).into(), Cause::Timeout, None),
            (Error::KeyRejected.into(), Cause::Data, None),
            (io::Error::from(io::ErrorKind::PermissionDenied).into(), Cause::Resources, None),
        ] {
            assert_eq!((error.cause(), error.problem()), (cause, problem), "{error:?}");
        }
    }

    #[test]
    fn a_server_may_ask_for_a_pause_of_up_to_a_day() {
        for (asked, expected) in [(None, None), (Some(90), Some(90)), (Some(u64::MAX), Some(86_400))] {
            assert_eq!(busy(asked).pause(), expected.map(Duration::from_secs));
        }
        assert_eq!(refused("rateLimited").pause(), None);
    }
}
