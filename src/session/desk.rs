//! The desk: what answers one request on a route of truegate's own.

use std::{future::Future, sync::Arc, time::Duration};

use http::{Method, request::Parts};

use super::{Mode, Sessions, host::comes_from_its_own_host, reply, route::Route, visitor::is_ours};
use crate::{
    cause::Cause,
    gate::{Connection, Event, Gate, Lookup, Rejection, Reply, Step, Verdict},
    store::StoreError,
};

/// The gate and its sessions, as every answer needs them.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) gate: Gate,
    pub(super) mode: Arc<Mode>,
}

impl Desk {
    pub(super) fn new(gate: &Gate, sessions: &Sessions) -> Self {
        Self { gate: gate.clone(), mode: Arc::clone(&sessions.0) }
    }

    /// Answers a request on a route.
    pub(super) fn serve(self, route: Route<'_>, head: &Parts) -> Step {
        if let Some(allow) = route.refuses(&head.method) {
            return Step::Reply(self.gate.reject_for(Rejection::MethodNotAllowed { allow }, head));
        }
        if matches!(route, Route::Login | Route::Logout)
            && let Some(led) = self.lead_to_public_host(head)
        {
            return Step::Reply(led);
        }
        if matches!(route, Route::Login) && head.method != Method::POST && self.mode.is_insecure(head) {
            self.gate.observe(Event::InsecureLogin);
        }
        match route {
            Route::Login if head.method == Method::POST => self.change(head, Self::start_login),
            Route::Login => self.look_up(head, Self::login_page),
            Route::Status => self.look_up(head, Self::status),
            Route::Me => self.look_up(head, Self::me),
            Route::Logout if head.method == Method::POST => self.change(head, Self::logout),
            Route::Logout => self.look_up(head, Self::logout_by_link),
            Route::Auth(asked) => {
                let asked = asked.to_owned();
                self.look_up(head, |desk, head| desk.authorize(head, asked))
            }
            Route::Script => Step::Reply(reply::script(head)),
            // A key set would have been published before.
            Route::KeySet | Route::Nothing => Step::Reply(self.reject(Rejection::NotFound, head)),
        }
    }

    /// A rejection of a request whose body was not read.
    pub(super) fn reject(&self, rejection: Rejection, head: &Parts) -> Reply {
        Reply { connection: Connection::after(head), ..self.gate.reject_for(rejection, head) }
    }

    /// What the store answers, if it does so in time.
    pub(super) async fn ask<T>(
        &self,
        within: Duration,
        asked: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let deadline = self.gate.clock().now() + within;
        let answer = self.gate.by(deadline, asked).await.unwrap_or_else(|| Err(Cause::Timeout.into()));
        answer.inspect_err(|error| {
            if let StoreError::Unavailable(fault) = error {
                self.gate.observe(Event::StoreFailure(fault.cause()));
            }
        })
    }

    fn look_up<F>(self, head: &Parts, answer: impl FnOnce(Self, Parts) -> F) -> Step
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let connection = Connection::after(head);
        let answer = answer(self, head.clone());
        Step::Lookup(Lookup::new(async move { Verdict::Reply(Reply { connection, ..answer.await }) }))
    }

    /// Reads a form that only a page of ours may send.
    fn change<F>(
        self,
        head: &Parts,
        answer: impl FnOnce(Self, Parts, bytes::Bytes) -> F + Send + Sync + 'static,
    ) -> Step
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        if !is_ours(&head.headers, self.mode.public_url.origin()) && !comes_from_its_own_host(head) {
            return Step::Reply(self.reject(Rejection::CrossSite, head));
        }
        let (gate, head) = (self.gate.clone(), head.clone());
        gate.read_form(Box::new(move |body| Box::pin(answer(self, head, body))))
    }
}

/// How long a store may take.
pub(super) const STORE_DEADLINE: Duration = Duration::from_secs(2);
