//! What all connections of a simulator share.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use tokio::sync::watch;

use super::{
    CallError, DOCUMENTED_PROFILE, DOCUMENTED_TOKEN,
    fault::FaultPlan,
    random::Random,
    record::Record,
    target::{Reach, Target},
};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) faults: FaultPlan,
    pub(super) record: Record,
    pub(super) random: Random,
    pub(super) reach: Reach,
    /// The URL of the profile endpoint.
    pub(super) endpoint: String,
    profiles: Mutex<HashMap<String, Bytes>>,
    callback_url: Mutex<Option<String>>,
    releases: watch::Sender<()>,
}

impl Shared {
    pub(super) fn new(scheme: &str, address: SocketAddr, reach: Reach) -> Self {
        let documented = (DOCUMENTED_TOKEN.to_owned(), Bytes::from_static(DOCUMENTED_PROFILE));
        Self {
            faults: FaultPlan::default(),
            record: Record::default(),
            random: Random::default(),
            reach,
            endpoint: format!("{scheme}://{}{PATH}", reachable(address)),
            profiles: Mutex::new(HashMap::from([documented])),
            callback_url: Mutex::default(),
            releases: watch::Sender::default(),
        }
    }

    /// Makes a token for `profile`.
    pub(super) fn grant(&self, profile: Bytes) -> String {
        let token = self.random.token();
        self.recognise(token.clone(), profile);
        token
    }

    /// Gives `profile` for a token of somebody else's.
    pub(super) fn recognise(&self, token: String, profile: Bytes) {
        self.profiles.lock().unwrap_or_else(PoisonError::into_inner).insert(token, profile);
    }

    /// The profile that `token` was made for.
    pub(super) fn profile(&self, token: &str) -> Option<Bytes> {
        self.profiles.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    /// Has the phone's callbacks posted to this URL, if it is within reach.
    pub(super) fn set_callback_url(&self, url: &str) -> Result<(), CallError> {
        Target::parse(url, self.reach)?;
        *self.callback_url.lock().unwrap_or_else(PoisonError::into_inner) = Some(url.to_owned());
        Ok(())
    }

    /// Where the phone's callbacks go.
    pub(super) fn callback_url(&self) -> Option<String> {
        self.callback_url.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets go of every request that took a [`hold`](Self::hold) before.
    pub(super) fn release(&self) {
        self.releases.send_replace(());
    }

    /// Its `changed` is ready after the next release.
    pub(super) fn hold(&self) -> watch::Receiver<()> {
        self.releases.subscribe()
    }
}

/// The path of the profile endpoint.
pub(super) const PATH: &str = "/v1/default";

/// The address by which this machine reaches a listener on all of its addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
