//! A profile source by hand, for tests that need no network.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use futures_core::future::BoxFuture;
use tokio::sync::Semaphore;
use truegate::{
    callback::Grant,
    gate::Gate,
    profile::{FetchError, Profile, ProfileSource},
};

pub const PATH: &str = "/truecaller/callback-7f3ax2kq9vnt4rzw8mbd";
pub const PHONE: &str = "+919999999999";
pub const GRANT: &str =
    r#"{"requestId":"12345678","accessToken":"t","endpoint":"https://profile4.truecaller.com/v1/default"}"#;
pub const REFUSAL: &str = r#"{"requestId":"12345678","status":"user_rejected"}"#;

/// Answers every grant with one profile, as soon as it is let.
#[derive(Clone)]
pub struct Source {
    asked: Arc<AtomicUsize>,
    held: Arc<Semaphore>,
}

impl Source {
    /// A source that answers at once.
    pub fn prompt() -> Self {
        Self { asked: Arc::default(), held: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)) }
    }

    /// A source that answers only once it is [released](Self::release).
    pub fn held() -> Self {
        Self { asked: Arc::default(), held: Arc::new(Semaphore::new(0)) }
    }

    pub fn release(&self) {
        self.held.add_permits(1);
    }

    /// How many profiles were asked for.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub fn gate(&self) -> Gate {
        Gate::builder(PATH.parse().expect("the path is canonical"), self.clone()).build()
    }
}

impl ProfileSource for Source {
    fn fetch<'a>(&'a self, _: &'a Grant, _: Instant) -> BoxFuture<'a, Result<Profile, FetchError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            self.held.acquire().await.expect("the semaphore stays open").forget();
            Profile::parse(br#"{"phoneNumbers":["919999999999"],"name":{"first":"Rajat"}}"#)
        })
    }
}
