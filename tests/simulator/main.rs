//! What the fake Truecaller promises to the tests that lean on it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod app;
mod caller;
mod faults;
mod phone;
mod profile;
mod server;
mod steering;
mod support;
