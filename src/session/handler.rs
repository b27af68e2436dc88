//! The handler of one request: it borrows what an answer needs.

use std::{
    future::{Future, poll_fn},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Method, request::Parts};
use tokio::sync::oneshot;

use super::{
    SharedSessions, fetch_metadata::is_ours, own_host::comes_from_its_own_host, reply, route::Route,
    state::SessionState, token::SentToken,
};
use crate::{
    cause::Cause,
    gate::{ConnectionReuse, Event, Gate, Rejection, Reply, Step, Verdict},
    session::{
        PublicUrl,
        public_urls::{OriginIndex, Realm},
    },
    store::StoreError,
};

/// Borrows what an answer needs, for as long as it takes.
#[derive(Clone, Copy)]
pub(super) struct Handler<'a> {
    pub(super) gate: &'a Gate,
    pub(super) sessions: &'a Arc<SharedSessions>,
    /// The origin of the site that the request is for.
    pub(super) origin: OriginIndex,
}

/// A handler that may outlive its request.
pub(super) struct OwnedHandler {
    gate: Gate,
    sessions: Arc<SharedSessions>,
    origin: OriginIndex,
}

impl OwnedHandler {
    pub(super) fn borrow(&self) -> Handler<'_> {
        Handler { gate: &self.gate, sessions: &self.sessions, origin: self.origin }
    }
}

impl Handler<'_> {
    pub(super) fn owned(&self) -> OwnedHandler {
        OwnedHandler { gate: self.gate.clone(), sessions: Arc::clone(self.sessions), origin: self.origin }
    }

    /// The origin of the site that the request is for.
    pub(super) fn public_url(&self) -> &PublicUrl {
        self.sessions.public_urls.get(self.origin)
    }

    /// The hosts on which the session of the request is valid; none if the host of the request has no sessions.
    pub(super) fn realm(&self) -> Option<Realm<'_>> {
        self.sessions.public_urls.realm(self.origin)
    }

    /// Decides what becomes of a request on a route.
    pub(super) fn serve(&self, route: Route<'_>, head: &Parts) -> Step {
        if let Some(allow) = route.refuses(&head.method) {
            return Step::Reply(self.gate.reject_for(Rejection::MethodNotAllowed { allow }, head));
        }
        match route {
            Route::Script => return Step::Reply(reply::script(head)),
            // A key set would have been published before.
            Route::KeySet | Route::Nothing => return Step::Reply(self.reject(Rejection::NotFound, head)),
            Route::Login | Route::Logout => {
                if let Some(led) = self.lead_to_public_host(head) {
                    return Step::Reply(led);
                }
            }
            Route::Status | Route::Me | Route::Auth(_) => {}
        }
        let is_form = head.method == Method::POST && matches!(route, Route::Login | Route::Logout);
        let is_of_a_page = is_ours(&head.headers, self.public_url().origin()) || comes_from_its_own_host(head);
        let needs_token = is_form && !is_of_a_page;
        if needs_token && matches!(self.sent_token(&head.headers, &[]), SentToken::Absent) {
            return Step::Reply(self.reject(Rejection::CrossSite, head));
        }
        if matches!(route, Route::Login) && !is_form && self.sessions.is_insecure(head) {
            self.gate.observe(Event::InsecureLogin);
        }
        let connection = ConnectionReuse::after(head);
        let (handler, head) = (self.owned(), head.clone());
        let answer = async move |body: Bytes| {
            let handler = handler.borrow();
            let refused = if needs_token { handler.require_token(&head).await.err() } else { None };
            match refused {
                Some(refused) => refused,
                None => handler.answer(&head, &body).await,
            }
        };
        if is_form {
            return self.gate.read_form(Box::new(move |body| Box::pin(async move { answer(body).await })));
        }
        Step::Wait(Box::pin(async move { Verdict::Reply(Reply { connection, ..answer(Bytes::new()).await }) }))
    }

    /// Refuses a request with a token, unless it is the token of a session. Browsers send no token by themselves, so a page of
    /// another site cannot be behind the request.
    async fn require_token(&self, head: &Parts) -> Result<(), Reply> {
        match self.state(&head.headers).await {
            SessionState::Valid(_) | SessionState::Unknown => Ok(()),
            SessionState::Conflicting => Err(self.gate.reject(Rejection::ConflictingSessions)),
            SessionState::Absent | SessionState::Invalid | SessionState::InvalidToken => Err(self.refuse_token()),
        }
    }

    async fn answer(&self, head: &Parts, body: &[u8]) -> Reply {
        let posted = head.method == Method::POST;
        match Route::of(&self.sessions.path, head.uri.path()) {
            Some(Route::Login) if posted => self.start_login(head, body).await,
            Some(Route::Login) => self.login_page(head).await,
            Some(Route::Status) => self.status(head).await,
            Some(Route::Me) => self.me(head).await,
            Some(Route::Logout) if posted => self.logout(head, body).await,
            Some(Route::Logout) => self.logout_by_link(head).await,
            Some(Route::Auth(asked)) => self.authorize(head, asked).await,
            Some(Route::Script | Route::KeySet | Route::Nothing) | None => {
                self.gate.reject_for(Rejection::NotFound, head)
            }
        }
    }

    /// A rejection of a request whose body was not read.
    pub(super) fn reject(&self, rejection: Rejection, head: &Parts) -> Reply {
        Reply { connection: ConnectionReuse::after(head), ..self.gate.reject_for(rejection, head) }
    }

    /// Returns the store's answer, or a failure after [`STORE_DEADLINE`]. Failures are observed.
    pub(super) async fn ask<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let deadline = self.gate.clock().now() + STORE_DEADLINE;
        let answer = self.gate.by(deadline, asked).await.unwrap_or_else(|| Err(Cause::Timeout.into()));
        answer.inspect_err(|error| {
            if let StoreError::Unavailable(fault) = error {
                self.gate.observe(Event::StoreFailure(fault.cause()));
            }
        })
    }

    /// Runs a task that outlives the request which began it, and returns its output, or where to wait for it. A task that is
    /// ready at once is not spawned.
    pub(super) async fn begin<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, oneshot::Receiver<T>> {
        let mut task: BoxFuture<'static, T> = Box::pin(task);
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(task.as_mut().poll(cx))).await {
            return Ok(output);
        }
        let (tell, told) = oneshot::channel();
        self.sessions.tasks.spawn(Box::pin(async move {
            // The request that waits for it may be gone.
            let _ = tell.send(task.await);
        }));
        Err(told)
    }
}

/// How long a store may take.
pub(super) const STORE_DEADLINE: Duration = Duration::from_secs(2);
