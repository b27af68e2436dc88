//! Why `truegate demo` failed.

use std::io;

use http::StatusCode;

use crate::{
    gateway::{StartError, config::ConfigErrors},
    simulator::CallError,
};

/// Why `truegate demo` ended with exit code 1. The text names the cause.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error("the simulator and the sample apps cannot be started: {0}")]
    Start(io::Error),
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error(transparent)]
    Gateway(#[from] StartError),
    #[error("the callback was not posted: {}", .0.with_causes())]
    Call(#[from] CallError),
    #[error("the app did not receive the verified identity; the callback was answered {0}")]
    NotVerified(StatusCode),
    #[error("the login did not come to its end: {0}")]
    NotLoggedIn(String),
    #[error("the app did not receive the identity of the user who logged in")]
    NotGreeted,
    #[error("the gateway or the simulator did not answer: {0}")]
    Http(#[from] reqwest::Error),
    #[error("interrupted before the end of the callback and the login")]
    Interrupted,
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    #[error("cannot write to the standard output: {0}")]
    Output(io::Error),
}
