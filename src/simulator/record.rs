//! What came to the simulator, for tests to ask.

use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, Method, Uri, Version, request};
use tokio::sync::watch;

/// A request to the profile endpoint.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Seen {
    /// The method, whether it was served or not.
    pub method: Method,
    /// The target, as it came.
    pub target: Uri,
    /// The version of HTTP.
    pub version: Version,
    /// All headers, the token among them.
    pub headers: HeaderMap,
    /// The number of the connection that brought it: 1 is the first one that the simulator accepted.
    pub connection: usize,
}

#[derive(Debug, Default)]
pub(super) struct Record {
    seen: Mutex<Vec<Seen>>,
    fetches: watch::Sender<usize>,
    connections: watch::Sender<usize>,
}

impl Record {
    /// Counts a connection and gives its number.
    pub(super) fn connection(&self) -> usize {
        self.connections.send_modify(|count| *count += 1);
        self.connections()
    }

    pub(super) fn fetch(&self, head: &request::Parts, connection: usize) {
        let seen = Seen {
            method: head.method.clone(),
            target: head.uri.clone(),
            version: head.version,
            headers: head.headers.clone(),
            connection,
        };
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        self.fetches.send_modify(|count| *count += 1);
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn connections(&self) -> usize {
        *self.connections.borrow()
    }

    pub(super) fn fetches(&self) -> usize {
        *self.fetches.borrow()
    }

    pub(super) async fn wait_for_connections(&self, count: usize) {
        reach(&self.connections, count).await;
    }

    pub(super) async fn wait_for_fetches(&self, count: usize) {
        reach(&self.fetches, count).await;
    }
}

async fn reach(counter: &watch::Sender<usize>, count: usize) {
    let reached = counter.subscribe().wait_for(|counted| *counted >= count).await.is_ok();
    debug_assert!(reached, "the counter outlives whoever borrows it");
}
