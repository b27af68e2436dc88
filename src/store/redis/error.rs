//! The errors of a Redis server: of its URL, its connections and its answers.

use std::{error::Error, io};

use redis::{ErrorKind, RedisError};

use crate::{
    cause::{Cause, Failure, find},
    tls::NoCertificate,
};

/// The reason why no store can be made on a Redis server. It never shows the URL, nor an error of a parser that may repeat it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisStoreError {
    /// The URL is malformed, or lacks a host, or its database is not a number.
    #[error("the URL is not that of a Redis server")]
    Url,
    /// The URL has another scheme.
    #[error("the URL must begin with redis://, rediss:// or unix:")]
    Scheme,
    /// The URL has a fragment, such as `#insecure`.
    #[error("the URL must have no fragment: a certificate is always verified")]
    Fragment,
    /// No server of a cluster, or no Sentinel, was named.
    #[error("at least one server must be named")]
    NoServer,
    /// A Sentinel or a server of a cluster has a database, which only other servers have.
    #[error("a Sentinel and a cluster have no databases")]
    Database,
    /// The URLs of a cluster differ in their user, their password or their TLS.
    #[error("the servers of a cluster must have the same user, password and scheme")]
    Logins,
    /// A server of a cluster is a Unix socket, but servers of a cluster name each other by address.
    #[error("a cluster cannot be reached through a Unix socket")]
    Socket,
    /// The name of the master has other characters than letters, digits, `.`, `-` and `_`.
    #[error("the master must have a name of letters, digits, `.`, `-` and `_`")]
    Master,
    /// The file to trust is not a PEM file, or holds no certificate.
    #[error("no certificate could be read from the trusted PEM file")]
    Certificate(#[source] Box<dyn Error + Send + Sync>),
}

impl From<NoCertificate> for RedisStoreError {
    fn from(error: NoCertificate) -> Self {
        Self::Certificate(error.into())
    }
}

/// Returns why a connection did not come up.
pub(super) fn failure_of_io(error: io::Error) -> Failure {
    Failure::new(find(&error).unwrap_or(Cause::Connect), error)
}

/// Returns why a command failed. What the server says about it is not kept, as it may repeat what it was asked.
pub(super) fn failure_of(error: RedisError) -> Failure {
    match error.kind() {
        ErrorKind::Io => Failure::new(find(&error).unwrap_or(Cause::Closed), error),
        ErrorKind::AuthenticationFailed => Cause::Auth.into(),
        ErrorKind::Server(_) | ErrorKind::Extension => {
            refusal(error.code().unwrap_or_default(), error.detail().unwrap_or_default()).into()
        }
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType | ErrorKind::RESP3NotSupported => Cause::Protocol.into(),
        _ => Cause::Other.into(),
    }
}

/// Returns what a server means by a refusal. Its first word says it; when a script is refused, servers before version 7 have that
/// word within the text.
fn refusal(code: &str, detail: &str) -> Cause {
    let meant = |word: &str| REFUSALS.iter().find(|(_, known)| known.contains(&word)).map(|(cause, _)| *cause);
    let hidden = || detail.split_ascii_whitespace().find_map(|word| meant(word.trim_start_matches('-')));
    match meant(code).or_else(hidden) {
        Some(cause) => cause,
        None if detail.contains("max number of clients") => Cause::Full,
        None if detail.contains("unauthenticated") => Cause::Auth,
        None if detail.contains(JUNK) => Cause::Data,
        None => Cause::Protocol,
    }
}

/// The answer of our own scripts for revocations that they did not write.
const JUNK: &str = "holds something that is not a revocation";

const REFUSALS: [(Cause, &[&str]); 6] = [
    (Cause::Auth, &["NOAUTH", "WRONGPASS", "NOPERM", "DENIED"]),
    (Cause::Full, &["OOM"]),
    (
        Cause::ServerError,
        &["MISCONF", "NOREPLICAS", "LOADING", "BUSY", "UNKILLABLE", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"],
    ),
    (Cause::ReadOnly, &["READONLY"]),
    (Cause::Data, &["WRONGTYPE"]),
    (Cause::Protocol, &["NOSCRIPT", "MOVED", "ASK", "CROSSSLOT"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_any_version_has_its_cause() {
        for (code, detail, cause) in [
            ("WRONGPASS", "invalid username-password pair or user is disabled.", Cause::Auth),
            ("OOM", "command not allowed when used memory > 'maxmemory'. script: f, on @user_script:1.", Cause::Full),
            ("ERR", "Error running script (call to f_1): @user_script:9: -OOM command not allowed", Cause::Full),
            ("ERR", "Error running script: @user_script: 4: -READONLY You can't write", Cause::ReadOnly),
            ("ERR", "Error running script: @user_script:8: WRONGTYPE Operation against a key", Cause::Data),
            ("ERR", "Protocol error: unauthenticated multibulk length", Cause::Auth),
            ("ERR", "max number of clients reached", Cause::Full),
            ("ERR", "unknown command 'EVALSHA', with args beginning with: 's3cr3t'", Cause::Protocol),
            ("LOADING", "Redis is loading the dataset in memory", Cause::ServerError),
            ("MOVED", "3999 127.0.0.1:6381", Cause::Protocol),
            ("NEVERHEARD", "of it", Cause::Protocol),
        ] {
            assert_eq!(refusal(code, detail), cause, "{code} {detail}");
        }
    }
}
