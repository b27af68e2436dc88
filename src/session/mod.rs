//! Sessions: a login that truegate starts itself, and the browser that is known from then on.

pub mod cookie;
mod id;
mod seal;
mod secret;
mod ticket;

pub use self::{
    id::{BrowserId, SessionId},
    seal::{Purpose, Sealer},
    secret::{Secret, SecretError},
    ticket::Session,
};
