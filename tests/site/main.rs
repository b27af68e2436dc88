//! What a whole site promises: several gateways, each a real program, on one real Redis.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod assertions;
mod away;
mod crowds;
mod ends;
mod junk;
mod killed;
mod limits;
mod native;
mod outages;
mod revoke;
mod secrets;
mod site;
mod site_logins;
mod stop;
#[path = "../support/mod.rs"]
mod support;
mod together;
mod waiting;
