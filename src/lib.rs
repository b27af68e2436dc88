//! Verified Truecaller phone identity for any app.

pub mod callback;
pub mod clock;
mod json;
