//! What every store promises, asked of each driver; and what the one on Redis does when Redis fails.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod bounds;
mod browsers;
mod cluster;
mod contract;
mod crowds;
mod failures;
mod flushes;
mod foreign;
mod junk;
mod lanes;
mod logins;
mod lost_writes;
mod refusals;
mod revocations;
mod sentinel;
mod site;
#[path = "../support/mod.rs"]
mod support;
mod tls;
mod together;
mod waiting;
