//! What several test programs share.
#![allow(dead_code, reason = "no test program uses all of it")]

#[cfg(feature = "gateway")]
pub mod program;
pub mod raw;
pub mod recorder;
pub mod source;
