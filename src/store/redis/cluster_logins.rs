//! Logins in a cluster, where each login and each list of a browser's logins is in a slot of its own.
//!
//! Each step is one command or script in one slot. A login is created last, so that a call which is cut off leaves no login
//! behind, but at most a place that counts until the login would have expired.

use std::sync::Arc;

use redis::cmd;
use tokio::task::JoinSet;

use super::{
    NewLogin,
    reconnect::Reconnect,
    script::{ENDS, Layout, Scripts, milliseconds},
};
use crate::{
    cause::Cause,
    session::BrowserId,
    store::{LOGINS_PER_BROWSER, LoginState, StoreError, WatchedLogin},
};

/// The logins of a cluster.
#[derive(Clone)]
pub(super) struct ClusterLogins {
    pub(super) reconnect: Arc<Reconnect>,
    pub(super) scripts: Arc<Scripts>,
}

impl ClusterLogins {
    pub(super) async fn open(&self, login: &NewLogin<'_>) -> Result<(), StoreError> {
        let NewLogin { browser, owner, max_pending, .. } = *login;
        let (request_id, lifetime) = (login.request_id.expose(), milliseconds(login.lifetime));
        let before = self.request_ids(browser).await?;
        let admit = self.scripts.admit.call().key(ENDS).arg(request_id).arg(lifetime).arg(max_pending);
        let admit = admit.arg(LOGINS_PER_BROWSER).arg(before);
        let gone: Option<Vec<String>> = self.reconnect.run(&admit).await?;
        let gone = gone.ok_or(StoreError::Full)?;
        if let Some(surplus) = gone.first().filter(|surplus| !surplus.is_empty()) {
            self.reconnect.run::<()>(&cmd("DEL").arg(Layout::Spread.login_key(surplus)).to_owned()).await?;
        }
        let enlist = self.scripts.enlist.call().key(Layout::Spread.browser_key(browser)).arg(request_id);
        self.reconnect.run::<()>(&enlist.arg(lifetime).arg(LOGINS_PER_BROWSER).arg(gone)).await?;
        let create = self.scripts.create.call().key(Layout::Spread.login_key(request_id));
        match self.reconnect.run(&create.arg(browser.expose()).arg(owner).arg(lifetime)).await? {
            true => Ok(()),
            false => Err(Cause::Data.into()),
        }
    }

    /// The request ids of a browser's logins, the newest last. Some may have expired.
    pub(super) async fn request_ids(&self, browser: &BrowserId) -> Result<Vec<String>, StoreError> {
        let most = i64::try_from(LOGINS_PER_BROWSER).expect("it is a small number");
        let list = cmd("LRANGE").arg(Layout::Spread.browser_key(browser)).arg(-most).arg(-1).to_owned();
        or_none(self.reconnect.run(&list).await)
    }

    /// The places of the logins that are not as they were seen. A script cannot ask about many slots, so each login is asked
    /// about by itself, some of them side by side.
    pub(super) async fn moved(&self, watched: &[WatchedLogin]) -> Result<Vec<usize>, StoreError> {
        let mut lanes = JoinSet::new();
        let length = watched.len().div_ceil(LANES).max(1);
        for (lane, part) in watched.chunks(length).enumerate() {
            let (logins, part) = (self.clone(), part.to_vec());
            lanes.spawn(async move {
                let mut moved = Vec::new();
                for (number, login) in part.iter().enumerate() {
                    if !logins.is_still(login).await? {
                        moved.push(lane * length + number);
                    }
                }
                Ok::<_, StoreError>(moved)
            });
        }
        let mut moved = Vec::new();
        while let Some(lane) = lanes.join_next().await {
            moved.extend(lane.map_err(|_| Cause::Other)??);
        }
        moved.sort_unstable();
        Ok(moved)
    }

    async fn is_still(&self, watched: &WatchedLogin) -> Result<bool, StoreError> {
        let candidates = match &watched.asked {
            Some(request_id) => vec![request_id.expose().to_owned()],
            None => self.request_ids(&watched.browser).await?,
        };
        let seen = watched.found.as_ref().map(|(request_id, word)| (request_id.expose(), *word));
        for request_id in candidates.iter().rev() {
            if let Some(word) = self.word(request_id, &watched.browser).await? {
                return Ok(seen == Some((request_id, word)));
            }
        }
        Ok(seen.is_none())
    }

    /// The word of the state of a browser's login.
    async fn word(&self, request_id: &str, browser: &BrowserId) -> Result<Option<&'static str>, StoreError> {
        let fields = ["browser", "state", "owner", "sealed"];
        let question = cmd("HMGET").arg(Layout::Spread.login_key(request_id)).arg(&fields).to_owned();
        let kept: Vec<Option<Vec<u8>>> = or_none(self.reconnect.run(&question).await)?;
        let [Some(owned), Some(state), Some(_), Some(_)] = kept.as_slice() else { return Ok(None) };
        let state = str::from_utf8(state).ok().and_then(|word| LoginState::from_word(word, ""));
        Ok(state.filter(|_| owned == browser.expose().as_bytes()).map(|state| state.word()))
    }
}

/// What is junk is as if it were not there.
fn or_none<T: Default>(answer: Result<T, StoreError>) -> Result<T, StoreError> {
    match answer {
        Err(StoreError::Unavailable(failure)) if failure.cause() == Cause::Data => Ok(T::default()),
        answer => answer,
    }
}

/// How many logins are asked about at once.
const LANES: usize = 64;
