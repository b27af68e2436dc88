//! What every edge promises: the tower layer, the pingora module and the gateway, over real sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod admission;
mod answers;
mod apps;
mod bodies;
mod browsers;
mod callback_bodies;
mod claims;
mod early;
mod endpoints;
mod ends;
mod forward_auth;
mod framing;
mod groups;
mod host_rules;
mod hosts;
mod keeping;
mod limits;
mod native;
mod native_attacks;
mod native_bodies;
mod native_sessions;
mod pages;
mod pipelining;
mod presets;
mod routes;
mod sessions;
mod site_logins;
mod spoofing;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod text;
mod tokens;
mod upstream_cookies;
mod verification_methods;
