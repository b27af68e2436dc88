//! Asks the gateway that runs with a configuration, at its admin listener.

use std::{convert::Infallible, future::pending, io, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{net::TcpStream, time::timeout};

use crate::gateway::config::AdminClientConfig;

/// A client of the admin listener.
pub(super) struct AdminClient {
    address: SocketAddr,
    authorization: Option<HeaderValue>,
}

/// What the gateway has answered.
pub(super) struct AdminAnswer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

/// The reason why the gateway has not answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// Nobody listens there.
    #[error("no gateway answers at {0}: {1} (start it, or name its configuration with `-c FILE`)")]
    Connect(SocketAddr, io::Error),
    /// What answers is no gateway, or it ended.
    #[error("the answer from {0} broke off, or is not HTTP (is this the gateway?)")]
    BrokenOff(SocketAddr),
    /// It takes too long.
    #[error("the gateway at {0} did not answer in time")]
    TimedOut(SocketAddr),
}

impl AdminClient {
    /// A client without a token, which is enough for health.
    pub(super) fn at(address: SocketAddr) -> Self {
        Self { address, authorization: None }
    }

    /// Posts JSON.
    pub(super) async fn post(&self, path: &str, body: String, within: Duration) -> Result<AdminAnswer, AskError> {
        self.ask(Method::POST, path, body, within).await
    }

    /// Gets a route.
    pub(super) async fn get(&self, path: &str, within: Duration) -> Result<AdminAnswer, AskError> {
        self.ask(Method::GET, path, String::new(), within).await
    }

    async fn ask(&self, method: Method, path: &str, body: String, within: Duration) -> Result<AdminAnswer, AskError> {
        timeout(within, self.exchange(method, path, body)).await.unwrap_or(Err(AskError::TimedOut(self.address)))
    }

    async fn exchange(&self, method: Method, path: &str, body: String) -> Result<AdminAnswer, AskError> {
        let address = self.address;
        let stream = TcpStream::connect(address).await.map_err(|error| AskError::Connect(address, error))?;
        let (mut sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|_| AskError::BrokenOff(address))?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, address.to_string())
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(Bytes::from(body))).expect("all parts of the request are valid");
        let answered = async {
            let response = sender.send_request(request).await.ok()?;
            let status = response.status();
            let body = Limited::new(response.into_body(), BODY_LIMIT).collect().await.ok()?.to_bytes();
            Some(AdminAnswer { status, body })
        };
        // The connection moves only while it is polled. When it has ended, the answer may still be underway in here.
        let ended = async {
            let _ = connection.await;
            pending::<Infallible>().await
        };
        tokio::select! {
            answer = answered => answer.ok_or(AskError::BrokenOff(address)),
            never = ended => match never {},
        }
    }
}

impl From<AdminClientConfig> for AdminClient {
    fn from(AdminClientConfig { address, authorization }: AdminClientConfig) -> Self {
        Self { address, authorization }
    }
}

impl AdminAnswer {
    /// Why the gateway has refused, in words for people.
    pub(super) fn refusal(&self) -> String {
        #[derive(Deserialize)]
        struct Problem {
            title: String,
        }
        if self.status == StatusCode::UNAUTHORIZED {
            return OTHER_TOKEN.to_owned();
        }
        match serde_json::from_slice::<Problem>(&self.body) {
            Ok(Problem { title }) => title.trim_end_matches('.').to_owned(),
            Err(_) => format!("the answer is {} (is this the gateway, and of this version?)", self.status),
        }
    }
}

const OTHER_TOKEN: &str = "the gateway has another `admin.token` than this configuration (if you have changed it in the file, reload by SIGHUP)";
/// More than the mistakes of the largest configuration take.
const BODY_LIMIT: usize = 16 << 20;
