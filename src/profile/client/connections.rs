//! The connections to one endpoint: an HTTP/2 connection that is kept open ahead of need, or idle HTTP/1.1 connections.

use std::{
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

use super::{
    answer,
    breaker::Breaker,
    connector::{Connection, Connector, Driver},
};
use crate::{
    backoff,
    callback::ProfileEndpoint,
    clock::{Clock, SystemClock},
    profile::FetchError,
};

/// The connections to one endpoint. An endpoint that is slow or away does not hold up callbacks for other endpoints.
pub(super) struct Connections {
    /// One for each fetch that may run at once.
    pub(super) permits: Semaphore,
    connector: Connector,
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
    idle: Vec<(http1::SendRequest<Empty<Bytes>>, Instant)>,
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
    pub(super) fn new(endpoint: &ProfileEndpoint, connector: Connector, concurrency: usize) -> Self {
        let url: Uri = endpoint.url().as_str().parse().expect("a canonical URL without a fragment is a URI");
        let host = url.authority().map_or("", |authority| authority.as_str());
        let state = State {
            breaker: Breaker::default(),
            shared: None,
            idle: Vec::new(),
            is_http1: endpoint.url().scheme() == "http",
            asked: SystemClock.now(),
            lost: 0,
        };
        Self {
            permits: Semaphore::new(concurrency),
            connector,
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
        self.state().asked = SystemClock.now();
        while let Some(mut connection) = self.reuse().await {
            match self.send(&mut connection, bearer).await {
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
        let mut connection = self.open(deadline).await?;
        let answered = self.send(&mut connection, bearer).await;
        answered.map(|response| (response, connection)).map_err(|error| answer::failed(error.into_error()))
    }

    /// Keeps a connection for the next request.
    pub(super) fn give_back(&self, connection: Connection) {
        if let Connection::Http1(requests) = connection {
            let mut state = self.state();
            state.idle.retain(|(requests, _)| !requests.is_closed());
            state.idle.push((requests, SystemClock.now()));
        }
    }

    async fn send(
        &self,
        connection: &mut Connection,
        bearer: &HeaderValue,
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
                requests.try_send_request(request).await
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
            if SystemClock.now() < since + LONGEST_IDLE && requests.ready().await.is_ok() {
                return Some(Connection::Http1(requests));
            }
        }
    }

    /// Opens a connection, or returns the one that another callback has opened meanwhile.
    async fn open(self: &Arc<Self>, deadline: Instant) -> Result<Connection, FetchError> {
        let failures = self.admit(deadline).await?;
        let alone = {
            let state = self.state();
            state.is_http1 && state.breaker.open().is_none()
        };
        let _turn = if alone { None } else { Some(self.turn.lock().await) };
        if let Some(connection) = self.reuse().await {
            return Ok(connection);
        }
        if let Some(failure) = self.state().breaker.open_after(failures) {
            return Err(failure.clone().into());
        }
        let opened = self.connector.open(&self.url).await;
        let now = SystemClock.now();
        let mut state = self.state();
        let (connection, driver) = match opened {
            Ok(opened) => opened,
            Err(failure) => {
                state.breaker.fail(failure.clone(), failures, now);
                return Err(failure.into());
            }
        };
        state.breaker.succeed();
        state.is_http1 = matches!(connection, Connection::Http1(_));
        match &connection {
            Connection::Http1(_) => TokioExecutor::new().execute(driver),
            Connection::Http2(requests) => {
                state.shared = Some(requests.clone());
                self.keep_open(driver, now);
            }
        }
        Ok(connection)
    }

    /// Waits for the end of a short back-off; fails during a long one. Returns how many attempts had failed before.
    async fn admit(&self, deadline: Instant) -> Result<u64, FetchError> {
        let now = SystemClock.now();
        let (failures, until) = {
            let state = self.state();
            let until = match state.breaker.open() {
                Some((failure, until)) if now + PATIENCE < until || deadline <= until => {
                    return Err(failure.clone().into());
                }
                open => open.map(|(_, until)| until),
            };
            (state.breaker.failures(), until)
        };
        if let Some(until) = until.filter(|until| now < *until) {
            SystemClock.sleep_until(until).await;
        }
        Ok(failures)
    }

    /// Opens a connection ahead of the first callback, in a task of its own.
    pub(super) fn connect(self: &Arc<Self>) {
        let connections = Arc::downgrade(self);
        TokioExecutor::new().execute(async move { Self::open_ahead(&connections, 0).await });
    }

    /// Drives an HTTP/2 connection, and opens the next one when it is lost.
    fn keep_open(self: &Arc<Self>, driver: Driver, opened: Instant) {
        let connections = Arc::downgrade(self);
        TokioExecutor::new().execute(async move {
            driver.await;
            let lost = connections.upgrade().map(|connections| connections.note_loss(opened));
            Self::open_ahead(&connections, lost.unwrap_or_default()).await;
        });
    }

    /// Opens a connection for the next callback, unless none has come for long. It sends no request.
    async fn open_ahead(connections: &Weak<Self>, lost: usize) {
        for pause in backoff::doubling(SHORTEST_PAUSE, LONGEST_PAUSE).skip(lost) {
            let now = SystemClock.now();
            SystemClock.sleep_until(now + backoff::jittered(pause)).await;
            let Some(connections) = connections.upgrade() else { return };
            let now = SystemClock.now();
            let is_wanted = now < connections.state().asked + KEPT_OPEN;
            if !is_wanted || connections.state().shared().is_some() {
                return;
            }
            if let Ok(connection) = connections.open(now + KEPT_OPEN).await {
                return connections.give_back(connection);
            }
        }
    }

    /// Counts a connection that was soon lost, and returns how many there were in a row.
    fn note_loss(&self, opened: Instant) -> usize {
        let mut state = self.state();
        state.lost = if SystemClock.now() < opened + LONGEST_PAUSE { state.lost + 1 } else { 0 };
        state.lost
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("truegate/", env!("CARGO_PKG_VERSION")));
/// Firewalls forget connections that are idle for longer, without a word. HTTP/2 connections have pings against that.
const LONGEST_IDLE: Duration = Duration::from_secs(90);
/// How long a callback waits for a back-off to end. Truecaller waits 3 s for its answer.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long a connection is kept open after the last callback.
const KEPT_OPEN: Duration = Duration::from_hours(24);
/// The pauses before a connection is opened ahead: no server is asked more than once a minute for long.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
