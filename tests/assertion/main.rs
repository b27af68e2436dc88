//! What assertions promise: every edge sends them, and whoever has the published keys can check them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod keys;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
mod verifier;
