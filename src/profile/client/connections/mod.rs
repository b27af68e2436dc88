//! The connections of one runtime to one endpoint: an HTTP/2 connection that is kept open ahead of need, or idle HTTP/1.1
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
use http_body_util::Empty;
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
    rt::Executor,
};
use hyper_util::rt::TokioExecutor;
use tokio::sync::{Mutex as TurnMutex, Semaphore};

use self::silence::Silence;
use super::{
    answer,
    breaker::Breaker,
    connector::{Connection, Connector},
};
use crate::{callback::ProfileEndpoint, clock::Clock, profile::FetchError};

/// The connections of one runtime to one endpoint. An endpoint that is slow or away does not hold up callbacks for other endpoints.
pub(super) struct Connections {
    /// One for each fetch that may run at once, on any runtime.
    pub(super) permits: Arc<Semaphore>,
    connector: Connector,
    clock: Arc<dyn Clock>,
    url: Uri,
    /// The URL as HTTP/1.1 writes it: the path, and the host in a line of its own.
    path: Uri,
    host: HeaderValue,
    state: Mutex<State>,
    /// The turn to open a connection, so that the others can use that one.
    turn: TurnMutex<()>,
}

struct State {
    breaker: Breaker,
    shared: Option<http2::SendRequest<Empty<Bytes>>>,
    /// How often the endpoint has let an HTTP/2 connection be opened, or has answered on one.
    signs_of_life: u64,
    /// HTTP/1.1 connections and the times at which they became idle, in this order.
    idle: Vec<(http1::SendRequest<Empty<Bytes>>, Instant)>,
    /// Whether a task closes the connections that are idle for too long.
    is_swept: bool,
    /// Whether the server speaks HTTP/1.1 only, so that each request at once needs a connection of its own.
    is_http1: bool,
    /// When the endpoint was last asked.
    asked: Instant,
    /// How many HTTP/2 connections in a row were soon lost.
    lost: usize,
}

impl State {
    fn shared(&self) -> Option<&http2::SendRequest<Empty<Bytes>>> {
        self.shared.as_ref().filter(|requests| !requests.is_closed())
    }
}

impl Connections {
    pub(super) fn new(
        endpoint: &ProfileEndpoint,
        connector: Connector,
        clock: Arc<dyn Clock>,
        permits: Arc<Semaphore>,
    ) -> Self {
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
            permits,
            connector,
            clock,
            path: url.path().parse().expect("the path of a URI is a URI"),
            host: HeaderValue::from_str(host).expect("an authority is visible ASCII"),
            url,
            state: Mutex::new(state),
            turn: TurnMutex::default(),
        }
    }

    /// Asks the endpoint. Returns the answer, and the connection to [give back](Self::give_back) once the answer was read.
    pub(super) async fn ask(
        self: &Arc<Self>,
        bearer: &HeaderValue,
        deadline: Instant,
    ) -> Result<(Response<Incoming>, Connection), FetchError> {
        self.state().asked = self.clock.now();
        while let Some(mut connection) = self.reuse().await {
            match self.send(&mut connection, bearer, deadline).await {
                Ok(response) => return Ok((response, connection)),
                Err(mut error) => {
                    let is_unsent = error.take_message().is_some();
                    if !is_unsent {
                        return Err(answer::failed(error.into_error()));
                    }
                    // The server has closed the idle connection.
                }
            }
        }
        // The rare path is boxed, because a future is as large as its largest path.
        let mut connection = Box::pin(self.open(deadline)).await?;
        let answered = self.send(&mut connection, bearer, deadline).await;
        answered.map(|response| (response, connection)).map_err(|error| answer::failed(error.into_error()))
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
        bearer: &HeaderValue,
        deadline: Instant,
    ) -> Result<Response<Incoming>, TrySendError<Request<Empty<Bytes>>>> {
        let mut request = Request::new(Empty::new());
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(header::USER_AGENT, USER_AGENT);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::AUTHORIZATION, bearer.clone());
        match connection {
            Connection::Http1(requests) => {
                headers.insert(header::HOST, self.host.clone());
                *request.uri_mut() = self.path.clone();
                requests.try_send_request(request).await
            }
            Connection::Http2(requests) => {
                *request.uri_mut() = self.url.clone();
                let silence = Silence::begin(self, deadline);
                let answered = requests.try_send_request(request).await;
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

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("truegate/", env!("CARGO_PKG_VERSION")));
/// Firewalls forget connections that are idle for longer, without a word. HTTP/2 connections have pings against that.
const LONGEST_IDLE: Duration = Duration::from_secs(90);
