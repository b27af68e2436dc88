//! The fake Truecaller: it serves profiles, posts callbacks and fails on demand.
//!
//! It shares no parser and no type with the rest of the crate, or it would share its mistakes. It is for
//! development and tests: whoever reaches it can steer it.
//!
//! ```
//! use axum::{Router, http::StatusCode, routing::post};
//! use truegate::simulator::{Call, Fault, Simulator};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let callback_url = format!("http://{}/callback", listener.local_addr()?);
//! let app = Router::new().route("/callback", post(|| async { StatusCode::NO_CONTENT }));
//! let server = tokio::spawn(async { axum::serve(listener, app).await });
//!
//! let simulator = Simulator::start().await?;
//! let posted = simulator.call(&callback_url, Call::grant()).await?;
//! assert_eq!(posted[0].answer.status, StatusCode::NO_CONTENT);
//!
//! simulator.plan([Fault::Status(StatusCode::SERVICE_UNAVAILABLE), Fault::None]);
//! // Whoever fetches the profile from `simulator.endpoint()` now has to try again.
//! assert_eq!(simulator.fetches(), 0, "this app did not ask");
//! # server.abort();
//! # Ok(())
//! # }
//! ```
//!
//! Programs in other languages steer it over HTTP, on its own address:
//!
//! | request | does |
//! |---|---|
//! | `GET /v1/default` | Truecaller's endpoint |
//! | `PUT /simulator/fault` | sets the [`Fault`]; the body is its text |
//! | `GET /simulator/fault` | gives the fault of the next request |
//! | `PUT /simulator/plan` | plans the faults of the next requests, one a line |
//! | `POST /simulator/release` | answers the requests that are held |
//! | `POST /simulator/grants` | makes a token for the profile in the body: `{"token"}` |
//! | `POST /simulator/callbacks` | `{"to", "kind"}` and, if wanted, `delay_ms`, `request_id`, `endpoint`, `profile`: posts the callback and gives `{"posted": [{"body", "status", "headers", "answer"}]}` |
//! | `PUT /simulator/callback-url` | sets where the phone's callbacks go; the body is the URL |
//! | `GET /simulator/requests` | what the endpoint saw: `{"count", "requests": [{"method", "target", "version", "connection", "headers"}]}` |
//!
//! It also plays the user's phone, for a browser: with `origin()/truesdk/web_verify` in place of Truecaller's link,
//!
//! | request | does |
//! |---|---|
//! | `GET /truesdk/web_verify?type=btmsheet&requestNonce=…&partnerKey=…` | posts `flow_invoked` and shows the dialog |
//! | `POST /simulator/phone` | what its buttons `agree`, `refuse` and `another` do: posts the callback that Truecaller would, and shows the site's answer |

mod body;
mod builder;
mod call;
mod caller;
mod fault;
mod phone;
mod profile_endpoint;
mod random;
mod record;
mod routes;
mod server;
mod shared;
mod target;
mod tls;
mod wire;

use std::{io, net::SocketAddr, sync::Arc};

use bytes::Bytes;

pub use self::{
    builder::SimulatorBuilder,
    call::{Call, UnknownCall},
    caller::{Answer, CallError, Posted},
    fault::{Fault, UnknownFault},
    record::Seen,
};
use self::{server::Server, shared::Shared, target::Target};

/// A fake Truecaller that runs until it is dropped.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: Server,
}

impl Simulator {
    /// Starts one on a free port of `127.0.0.1`, without TLS.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Sets one up.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What deep links begin with, so that they open the [phone](Self::set_callback_url) in a browser.
    pub fn link_base(&self) -> String {
        format!("{}{}", self.origin(), phone::PATH)
    }

    /// Has what the user does on the phone's page posted to this `http://` URL.
    ///
    /// # Errors
    ///
    /// When the URL may not be called.
    pub fn set_callback_url(&self, url: &str) -> Result<(), CallError> {
        self.shared.set_callback_url(url)
    }

    /// What its URLs begin with, `http://127.0.0.1:PORT` or the same with `https`.
    pub fn origin(&self) -> &str {
        self.endpoint().trim_end_matches(shared::PATH)
    }

    /// The URL of its profile endpoint, `http://127.0.0.1:PORT/v1/default` or the same with `https`.
    pub fn endpoint(&self) -> &str {
        &self.shared.endpoint
    }

    /// Makes a fresh token for a profile, which is served verbatim, whatever the bytes are.
    pub fn grant(&self, profile: impl Into<Bytes>) -> String {
        self.shared.grant(profile.into())
    }

    /// Knows a token that somebody else made, and serves this profile for it.
    pub fn recognise(&self, token: impl Into<String>, profile: impl Into<Bytes>) {
        self.shared.recognise(token.into(), profile.into());
    }

    /// Answers every following request with this fault, and forgets the plan.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.faults.set(fault);
    }

    /// Answers the next requests with these faults, one each; those after them get the fault that was set.
    pub fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.faults.plan(faults);
    }

    /// Answers every request that is being held, see [`Fault::Held`]. Later ones wait for the next release.
    pub fn release(&self) {
        self.shared.release();
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.shared.record.connections()
    }

    /// How many requests came to the profile endpoint, of any method.
    pub fn fetches(&self) -> usize {
        self.shared.record.fetches()
    }

    /// The requests that came to the profile endpoint, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.record.seen()
    }

    /// Waits until this many connections were accepted, counted from the start.
    pub async fn wait_for_connections(&self, count: usize) {
        self.shared.record.wait_for_connections(count).await;
    }

    /// Waits until this many requests came to the profile endpoint, counted from the start.
    pub async fn wait_for_fetches(&self, count: usize) {
        self.shared.record.wait_for_fetches(count).await;
    }

    /// The documented callback with `endpoint` in it. Its token is known to every simulator.
    pub fn documented_callback(&self, endpoint: &str) -> Bytes {
        call::documented(endpoint)
    }

    /// Posts a callback to an `http://` URL of this machine and gives what was posted, in order, with the answers.
    ///
    /// # Errors
    ///
    /// When the URL may not be called, or a post got no whole answer.
    pub async fn call(&self, to: &str, call: Call) -> Result<Vec<Posted>, CallError> {
        place(&self.shared, to, call).await
    }

    /// Posts any body as a callback.
    ///
    /// # Errors
    ///
    /// When the URL may not be called, or there was no whole answer.
    pub async fn post(&self, to: &str, body: impl Into<Bytes>) -> Result<Answer, CallError> {
        caller::post(&Target::parse(to, self.shared.reach)?, body.into()).await
    }

    /// Stops, and ends when the listener and all connections are closed.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// The documented profile, byte for byte. It is no valid JSON: one member is followed by a comma too many.
pub const DOCUMENTED_PROFILE: &[u8] = include_bytes!("profile.json");

/// The token of the documented callback. It gives the documented profile.
pub const DOCUMENTED_TOKEN: &str = "a1asX--8_yw-OF--E6Gj_DPyKelJIGUUeYB9U9MJhyeu4hOCbrl";

async fn place(shared: &Shared, to: &str, call: Call) -> Result<Vec<Posted>, CallError> {
    let target = Target::parse(to, shared.reach)?;
    tokio::time::sleep(call.delay()).await;
    let mut posted = Vec::new();
    for body in call.bodies(shared) {
        let answer = caller::post(&target, body.clone()).await?;
        posted.push(Posted { body, answer });
    }
    Ok(posted)
}
