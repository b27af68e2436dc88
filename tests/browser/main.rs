//! What a user sees, in a real browser.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod demo;
mod detours;
mod devices;
mod hosts;
mod login;
mod looks;
mod otp;
mod pages;
mod phone;
mod return_path;
mod scene;
mod screens;
mod script;
mod session;
mod site;
#[path = "../support/mod.rs"]
mod support;
