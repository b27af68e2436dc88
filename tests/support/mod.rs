//! What several test programs share.
#![allow(dead_code, reason = "no test program uses all of it")]
#![allow(clippy::disallowed_methods, reason = "a test ends with its runtime, and that with its tasks")]

#[cfg(feature = "gateway")]
pub mod browser;
pub mod client;
#[cfg(feature = "gateway")]
pub mod edge;
#[cfg(feature = "gateway")]
pub mod native;
pub mod otp;
pub mod port;
#[cfg(feature = "gateway")]
pub mod program;
pub mod raw;
pub mod recorder;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "gateway")]
pub mod scene;
#[cfg(feature = "session")]
pub mod seal;
pub mod secrets;
pub mod server;
pub mod site_login;
pub mod source;
pub mod tls;
#[cfg(feature = "gateway")]
pub mod verifier;
pub mod visitor;
