//! The connections of clients: what happens to one from the moment a listener accepts it until it is closed.
//!
//! [`AcceptedConnection`] goes to one of the [`Workers`], which reads what stands before the first request (a PROXY header, the
//! TLS handshake) and gives the rest to [`ClientConnections`]. All that is known of the connection from one request to the next
//! is in its [`memory`].

mod accepted;
mod buffered;
mod client_socket;
mod clients;
mod first_bytes;
mod idle;
pub(super) mod memory;
mod proxy_header;
mod settings;
mod workers;

#[cfg(any(test, fuzzing))]
pub use self::proxy_header::fuzz;
pub(super) use self::{
    accepted::AcceptedConnection,
    client_socket::ClientSocket,
    clients::ClientConnections,
    proxy_header::{ProxyHeaderError, ProxyHeaders},
    settings::{ConnectionSettings, redirecting, settings},
    workers::{WorkerStop, Workers},
};
