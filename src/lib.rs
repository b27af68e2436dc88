//! Verified Truecaller phone identity for any app.

pub mod callback;
pub mod clock;
pub mod gate;
#[cfg(feature = "gateway")]
pub mod gateway;
pub mod headers;
pub mod identity;
mod json;
pub mod layer;
#[cfg(feature = "pingora")]
pub mod pingora;
pub mod profile;
#[cfg(feature = "simulator")]
pub mod simulator;

pub use self::{gate::Gate, identity::Identity, layer::TruegateLayer};
