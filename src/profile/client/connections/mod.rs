//! The connections of one runtime to one origin: an HTTP/2 connection that is kept open ahead of need, or idle HTTP/1.1
//! connections.

mod opening;
mod silence;

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
    rt::Executor,
};
use hyper_util::rt::TokioExecutor;
use tokio::sync::Mutex as TurnMutex;

use self::silence::Silence;
use super::{
    EndpointRequest, Target, answer,
    breaker::Breaker,
    connector::{Connection, Connector},
};
use crate::{callback::ProfileEndpoint, clock::Clock, profile::FetchError};

/// The connections of one runtime to one origin. An origin that is slow or away does not hold up requests to other origins.
pub(super) struct Connections {
    connector: Connector,
    clock: Arc<dyn Clock>,
    /// A URL of the origin.
    url: Uri,
    host: HeaderValue,
    state: Mutex<State>,
    /// The turn to open a connection, so that the others can use that one.
    turn: TurnMutex<()>,
}

struct State {
    breaker: Breaker,
    shared: Option<http2::SendRequest<Full<Bytes>>>,
    /// How often the server has let an HTTP/2 connection be opened, or has answered on one.
    signs_of_life: u64,
    /// HTTP/1.1 connections and the times at which they became idle, in this order.
    idle: Vec<(http1::SendRequest<Full<Bytes>>, Instant)>,
    /// Whether a task closes the connections that are idle for too long.
    is_swept: bool,
    /// Whether the server speaks HTTP/1.1 only, so that each request at once needs a connection of its own.
    is_http1: bool,
    /// When the server was last asked.
    asked: Instant,
    /// How many HTTP/2 connections in a row were soon lost.
    lost: usize,
}

impl State {
    fn shared(&self) -> Option<&http2::SendRequest<Full<Bytes>>> {
        self.shared.as_ref().filter(|requests| !requests.is_closed())
    }
}

/// The reason why a request has no answer.
pub(super) struct Unanswered {
    pub(super) error: FetchError,
    /// Whether the server may have got the request.
    pub(super) is_sent: bool,
}

impl From<FetchError> for Unanswered {
    fn from(error: FetchError) -> Self {
        Self { error, is_sent: true }
    }
}

impl From<TrySendError<Request<Full<Bytes>>>> for Unanswered {
    fn from(mut error: TrySendError<Request<Full<Bytes>>>) -> Self {
        // hyper gives a message back if it has written nothing of it.
        let is_sent = error.take_message().is_none();
        Self { error: answer::failed(error.into_error()), is_sent }
    }
}

impl Connections {
    /// Connections to the origin of an endpoint.
    pub(super) fn new(endpoint: &ProfileEndpoint, connector: Connector, clock: Arc<dyn Clock>) -> Self {
        let url: Uri = endpoint.url().as_str().parse().expect("a canonical URL without a fragment is a URI");
        let host = url.authority().map_or("", |authority| authority.as_str());
        let state = State {
            breaker: Breaker::default(),
            shared: None,
            signs_of_life: 0,
            idle: Vec::new(),
            is_swept: false,
            is_http1: endpoint.url().scheme() == "http",
            asked: clock.now(),
            lost: 0,
        };
        Self {
            connector,
            clock,
            host: HeaderValue::from_str(host).expect("an authority is visible ASCII"),
            url,
            state: Mutex::new(state),
            turn: TurnMutex::default(),
        }
    }

    /// Sends a request. Returns the answer, and the connection to [give back](Self::give_back) once the answer was read.
    pub(super) async fn ask(
        self: &Arc<Self>,
        request: &EndpointRequest<'_>,
        target: &Target,
        deadline: Instant,
    ) -> Result<(Response<Incoming>, Connection), Unanswered> {
        self.state().asked = self.clock.now();
        while let Some(mut connection) = self.reuse().await {
            match self.send(&mut connection, request, target, deadline).await {
                Ok(response) => return Ok((response, connection)),
                Err(error) if error.message().is_none() => return Err(error.into()),
                // The server has closed the idle connection.
                Err(_) => {}
            }
        }
        // The rare path is boxed, because a future is as large as its largest path.
        let opened = Box::pin(self.open(deadline)).await;
        let mut connection = opened.map_err(|error| Unanswered { error, is_sent: false })?;
        let response = self.send(&mut connection, request, target, deadline).await?;
        Ok((response, connection))
    }

    /// Keeps a connection for the next request.
    pub(super) fn give_back(self: &Arc<Self>, connection: Connection) {
        if let Connection::Http1(requests) = connection {
            let now = self.clock.now();
            let mut state = self.state();
            state.idle.retain(|(requests, _)| !requests.is_closed());
            state.idle.push((requests, now));
            if !mem::replace(&mut state.is_swept, true) {
                let sweep = Self::sweep(Arc::downgrade(self), Arc::clone(&self.clock), now + LONGEST_IDLE);
                TokioExecutor::new().execute(sweep);
            }
        }
    }

    async fn send(
        &self,
        connection: &mut Connection,
        request: &EndpointRequest<'_>,
        target: &Target,
        deadline: Instant,
    ) -> Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>> {
        let mut message = request.message();
        match connection {
            Connection::Http1(requests) => {
                message.headers_mut().insert(header::HOST, self.host.clone());
                *message.uri_mut() = target.path.clone();
                requests.try_send_request(message).await
            }
            Connection::Http2(requests) => {
                *message.uri_mut() = target.url.clone();
                let silence = Silence::begin(self, deadline);
                let answered = requests.try_send_request(message).await;
                silence.end();
                answered
            }
        }
    }

    /// Returns an open connection, if there is one.
    async fn reuse(&self) -> Option<Connection> {
        loop {
            let (mut requests, since) = {
                let mut state = self.state();
                if let Some(requests) = state.shared() {
                    return Some(Connection::Http2(requests.clone()));
                }
                state.idle.pop()?
            };
            if self.clock.now() < since + LONGEST_IDLE && requests.ready().await.is_ok() {
                return Some(Connection::Http1(requests));
            }
        }
    }

    /// Closes connections that are idle for too long, until none is idle.
    async fn sweep(connections: Weak<Self>, clock: Arc<dyn Clock>, mut due: Instant) {
        loop {
            clock.sleep_until(due).await;
            let Some(connections) = connections.upgrade() else { return };
            let (now, mut state) = (clock.now(), connections.state());
            state.idle.retain(|(requests, since)| !requests.is_closed() && now < *since + LONGEST_IDLE);
            let Some((_, since)) = state.idle.first() else {
                state.is_swept = false;
                return;
            };
            due = *since + LONGEST_IDLE;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Firewalls forget connections that are idle for longer, without a word. HTTP/2 connections have pings against that.
const LONGEST_IDLE: Duration = Duration::from_secs(90);
