//! Why `truegate simulate` ended.

use std::{io, net::SocketAddr, path::PathBuf};

use http::StatusCode;

use crate::simulator::CallError;

/// Why `truegate simulate` ended with exit code 1. The text names the cause.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SimulateError {
    #[error("cannot listen on {listen}: {cause} (give --listen another address; port 0 takes a free one)")]
    Listen { listen: SocketAddr, cause: io::Error },
    #[error("the certificate or its key cannot be used: {0}")]
    Tls(io::Error),
    #[error("cannot read {}: {cause}", path.display())]
    Read { path: PathBuf, cause: io::Error },
    #[error("the callback was not posted: {}{}", .0.with_causes(), remedy(.0))]
    Call(#[from] CallError),
    #[error("the callback was answered {0}")]
    NotAccepted(StatusCode),
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    #[error("cannot write to the standard output: {0}")]
    Output(io::Error),
}

impl SimulateError {
    pub(super) fn start(listen: SocketAddr, cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::InvalidInput => Self::Tls(cause),
            _ => Self::Listen { listen, cause },
        }
    }
}

fn remedy(error: &CallError) -> &'static str {
    match error {
        CallError::NotLoopback => " (--insecure-any-target allows any)",
        _ => "",
    }
}
