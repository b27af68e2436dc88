//! What the program promises: the real binary over real sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod acme;
mod admin;
mod ambient;
mod app;
mod arrived;
mod balance;
mod causes;
mod certificates;
mod client_certificates;
mod clients;
mod command_line;
mod connections;
mod delivery;
mod fixed_headers;
mod forwarded;
mod grpc;
mod health;
mod host_rules;
mod hosts_of_apps;
mod hsts;
mod keys;
mod limits;
mod logs;
mod owners;
mod peer_tls;
mod protocols;
mod proxy_protocol;
mod redirect;
mod renewal;
mod roots;
mod routing;
mod sessions;
mod setup;
mod signals;
mod slow_clients;
mod start;
mod stop;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod threads;
mod tls;
mod tls_client;
mod unix_sockets;
mod upstream;
