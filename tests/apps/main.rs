//! Real apps behind the real gateway, with the very files that their pages in `docs/apps` show: whoever logs in is known to
//! the app, nobody else is, and the next person on the same browser is the next person. The pages of `docs/fallback.md` too, which
//! log people in.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod browser;
mod calibre_web;
mod django;
mod express;
mod fallback;
mod flask_appbuilder;
mod installed;
mod jupyterhub;
mod page;
mod pages;
mod people;
mod roundup;
mod sinatra;
mod site;
#[path = "../support/mod.rs"]
mod support;
