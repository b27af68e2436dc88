//! The fake Truecaller: it serves profiles, posts callbacks and fails on demand.
//!
//! Use it for development and in tests of your own app. It verifies nothing, and anyone who can reach it can control it. It shares
//! no parser and no type with the rest of the crate, so that a mistake there does not hide behind the same mistake here.
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
//! // A client that fetches the profile from `simulator.endpoint()` now has to try again.
//! assert_eq!(simulator.fetches(), 0, "this app did not ask");
//! # server.abort();
//! # Ok(())
//! # }
//! ```
//!
//! Programs in other languages control it over HTTP, on the same address:
//!
//! | request | does |
//! |---|---|
//! | `GET /v1/default` | Truecaller's profile endpoint |
//! | `POST /v1/token`, `GET /v1/userinfo` | Truecaller's endpoints for users of an Android app |
//! | `GET /v1/otp/client/installation/phoneNumberDetail/{token}` | Truecaller's endpoint for users who were verified by a missed call |
//! | `PUT /simulator/fault` | sets the [`Fault`]; the body is its text |
//! | `GET /simulator/fault` | returns the fault of the next request |
//! | `PUT /simulator/plan` | plans the faults of the next requests, one a line |
//! | `POST /simulator/release` | answers the held requests |
//! | `POST /simulator/grants` | makes a token for the profile in the body: `{"token"}` |
//! | `POST /simulator/app` | `{"phone", "code_challenge"}` and, if wanted, `client_id`, `scope`, `answer`: makes an authorization code, as the SDK does in the app: `{"code"}` |
//! | `POST /simulator/missed-call` | `{"phone"}` and, if wanted, `client_id`, `answer`: makes the access token of a missed call: `{"access_token"}` |
//! | `POST /simulator/callbacks` | `{"to", "kind"}` and, if wanted, `delay_ms`, `request_id`, `endpoint`, `profile`: posts the callback and returns `{"posted": [{"body", "status", "headers", "answer"}]}` |
//! | `PUT /simulator/callback-url` | sets the URL for the phone's callbacks; the body is the URL |
//! | `GET /simulator/requests` | the requests that Truecaller's endpoints received: `{"count", "requests": [{"method", "target", "version", "connection", "headers", "body"}]}` |
//!
//! A code works once, with the verifier of its S256 challenge (RFC 7636), and only for its `client_id` if it has one. `scope` is a list
//! with spaces between, of `openid`, `profile`, `phone`, `email` and `address`; by default the app asks for all of them. `answer` is
//! what the endpoint then says of the user, byte for byte.
//!
//! It also plays the user's phone, for a browser: with `origin()/truesdk/web_verify` in place of Truecaller's link,
//!
//! | request | does |
//! |---|---|
//! | `GET /truesdk/web_verify?type=btmsheet&requestNonce=…&partnerKey=…` | posts `flow_invoked` and shows the dialog |
//! | `POST /simulator/phone` | the action of the buttons `agree`, `refuse` and `another`: posts the callback as Truecaller does, and shows the site's answer |

mod app;
mod builder;
mod call;
mod exchange;
mod fault;
mod missed_call;
mod oauth;
mod phone;
mod post;
mod profile_endpoint;
mod routes;
mod server;
mod shared;

use std::{io, net::SocketAddr, sync::Arc};

use bytes::Bytes;

pub use self::{
    app::{AppUser, code_challenge},
    builder::SimulatorBuilder,
    call::{Call, UnknownCall},
    fault::{Fault, UnknownFault},
    post::{CallAnswer, CallError, PostedCallback},
    shared::ProfileRequest,
};
use self::{post::CallbackTarget, server::SimulatorServer, shared::SharedState};

/// A fake Truecaller that runs until it is dropped.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    shared: Arc<SharedState>,
    server: SimulatorServer,
}

impl Simulator {
    /// Starts a simulator on a free port of `127.0.0.1`, without TLS.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Makes a builder.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
    }

    /// Returns the address that the simulator listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the start of deep links that open the [phone](Self::set_callback_url) in a browser.
    pub fn link_base(&self) -> String {
        format!("{}{}", self.origin(), phone::PATH)
    }

    /// Posts what the user does on the phone's page to this `http://` URL.
    ///
    /// # Errors
    ///
    /// When the URL may not be called.
    pub fn set_callback_url(&self, url: &str) -> Result<(), CallError> {
        self.shared.set_callback_url(url)
    }

    /// Returns the origin of its URLs, `http://127.0.0.1:PORT` or the same with `https`.
    pub fn origin(&self) -> &str {
        self.endpoint().trim_end_matches(shared::PATH)
    }

    /// Returns the URL of its profile endpoint, `http://127.0.0.1:PORT/v1/default` or the same with `https`.
    pub fn endpoint(&self) -> &str {
        &self.shared.endpoint
    }

    /// Creates a token for a profile, and serves the bytes of the profile unchanged.
    pub fn grant(&self, profile: impl Into<Bytes>) -> String {
        self.shared.grant(profile.into())
    }

    /// Accepts a token that was made elsewhere, and serves this profile for it.
    pub fn recognise(&self, token: impl Into<String>, profile: impl Into<Bytes>) {
        self.shared.settings().profiles.insert(token.into(), profile.into());
    }

    /// Returns the URL of its token endpoint.
    pub fn token_endpoint(&self) -> String {
        [self.origin(), oauth::TOKEN_PATH].concat()
    }

    /// Returns the URL of its userinfo endpoint.
    pub fn userinfo_endpoint(&self) -> String {
        [self.origin(), oauth::USERINFO_PATH].concat()
    }

    /// Returns the URL of its missed-call endpoint, without the token.
    pub fn missed_call_endpoint(&self) -> String {
        [self.origin(), missed_call::PATH].concat()
    }

    /// Makes an authorization code for a user who agreed, as the SDK does in the app. The verifier of the
    /// [challenge](code_challenge) redeems it, once.
    pub fn authorize(&self, user: AppUser, code_challenge: impl Into<String>) -> String {
        self.shared.issue_code(user, code_challenge.into())
    }

    /// Makes the access token of a user who was verified by a missed call.
    pub fn missed_call(&self, user: AppUser) -> String {
        self.shared.issue_missed_call(user)
    }

    /// Answers every following request with this fault, and drops the plan.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.settings().faults.set(fault);
    }

    /// Answers the next requests with these faults, one for each request. Later requests get the fault that was set.
    pub fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.settings().faults.plan(faults);
    }

    /// Answers every request that is being held, see [`Fault::Held`]. Later requests wait for the next release.
    pub fn release(&self) {
        self.shared.releases.send_replace(());
    }

    /// Returns how many connections were accepted.
    pub fn connections(&self) -> usize {
        *self.shared.connections.borrow()
    }

    /// Returns how many requests came to Truecaller's endpoints, of any method.
    pub fn fetches(&self) -> usize {
        self.shared.seen.borrow().len()
    }

    /// Returns the requests that came to Truecaller's endpoints, in order.
    pub fn seen(&self) -> Vec<ProfileRequest> {
        self.shared.seen.borrow().clone()
    }

    /// Waits until this many connections were accepted, counted from the start.
    pub async fn wait_for_connections(&self, count: usize) {
        let mut connections = self.shared.connections.subscribe();
        connections.wait_for(|counted| *counted >= count).await.expect(SENDER_IS_HERE);
    }

    /// Waits until this many requests came to Truecaller's endpoints, counted from the start.
    pub async fn wait_for_fetches(&self, count: usize) {
        let mut seen = self.shared.seen.subscribe();
        seen.wait_for(|seen| seen.len() >= count).await.expect(SENDER_IS_HERE);
    }

    /// Returns the documented callback with this `endpoint`. Every simulator accepts its token.
    pub fn documented_callback(&self, endpoint: &str) -> Bytes {
        call::documented(endpoint)
    }

    /// Posts a callback to an `http://` URL of this machine, and returns what was posted, in order, with the answers.
    ///
    /// # Errors
    ///
    /// When the URL may not be called, or an answer was not whole.
    pub async fn call(&self, to: &str, call: Call) -> Result<Vec<PostedCallback>, CallError> {
        call.post(&self.shared, to).await
    }

    /// Posts any body as a callback.
    ///
    /// # Errors
    ///
    /// When the URL may not be called, or the answer was not whole.
    pub async fn post(&self, to: &str, body: impl Into<Bytes>) -> Result<CallAnswer, CallError> {
        CallbackTarget::parse(to, self.shared.targets)?.post(body.into()).await
    }

    /// Stops the simulator, and returns when the listener and all connections are closed.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// The documented profile, byte for byte. It is not valid JSON: the last member of one object is followed by a comma.
pub const DOCUMENTED_PROFILE: &[u8] = include_bytes!("profile.json");

/// The token of the documented callback. It gives the documented profile.
pub const DOCUMENTED_TOKEN: &str = "a1asX--8_yw-OF--E6Gj_DPyKelJIGUUeYB9U9MJhyeu4hOCbrl";

const SENDER_IS_HERE: &str = "the simulator holds the sender";
