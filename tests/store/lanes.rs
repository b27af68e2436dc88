//! Users who log in while servers fail.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use bytes::Bytes;
use tokio::task::JoinSet;
use truegate::{
    cause::Cause,
    store::{LoginState, RedisStore, Store},
};

use crate::site::{LONG, browser, owner, request_id};

/// Users who log in one after the other, in several lanes, for as long as the crowd goes on.
pub struct Crowd {
    lanes: JoinSet<Vec<usize>>,
    logins: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
}

impl Crowd {
    pub fn start(store: &Arc<RedisStore>) -> Self {
        Self::start_at(store, 0)
    }

    /// Starts one whose logins have numbers from this one on.
    pub fn start_at(store: &Arc<RedisStore>, first: usize) -> Self {
        let (logins, ended) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let mut lanes = JoinSet::new();
        for lane in 0..4 {
            let (store, logins, ended) = (Arc::clone(store), Arc::clone(&logins), Arc::clone(&ended));
            lanes.spawn(async move {
                let mut acknowledged = Vec::new();
                for number in (first + lane * 100_000..).take_while(|_| !ended.load(Ordering::SeqCst)) {
                    let request_id = request_id(number);
                    let opened = store.open(&request_id, &browser(), owner(&request_id), LONG).await;
                    let verified = LoginState::Verified(Bytes::from(number.to_string()));
                    if opened.is_ok() && store.advance(&request_id, verified).await == Ok(true) {
                        acknowledged.push(number);
                        logins.fetch_add(1, Ordering::SeqCst);
                    }
                    tokio::task::yield_now().await;
                }
                acknowledged
            });
        }
        Self { lanes, logins, ended }
    }

    /// How many logins were acknowledged from their start to their end.
    pub fn logins(&self) -> usize {
        self.logins.load(Ordering::SeqCst)
    }

    /// Ends it; gives the numbers of the logins that were acknowledged.
    pub async fn stop(self) -> Vec<usize> {
        self.ended.store(true, Ordering::SeqCst);
        self.lanes.join_all().await.into_iter().flatten().collect()
    }

    /// All that was acknowledged has ended, and is kept.
    pub async fn end(self, store: &RedisStore) {
        for number in self.stop().await {
            let request_id = request_id(number);
            assert_eq!(store.advance(&request_id, LoginState::Refused).await, Ok(false), "{number} ends once");
            let again = store.open(&request_id, &browser(), owner(&request_id), LONG).await;
            assert_eq!(again, Err(Cause::Data.into()), "{number} is kept");
        }
    }
}
