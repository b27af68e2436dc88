//! Real proxies in front, run with the very files that `docs/edges` shows: they let the app know who asks, and nobody
//! comes past them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod attacks;
mod cookies;
mod direct;
mod hosts;
mod identity;
mod logins;
mod paths;
mod presets;
mod proxy;
mod radicale;
mod scene;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
mod venv;
