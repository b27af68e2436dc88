//! The state that the connections of a simulator share: its faults, the known profiles, and the received requests.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{
    Engine,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use http::{HeaderMap, Method, Uri, Version};
use tokio::sync::watch;

use super::{
    AppUser, CallError, DOCUMENTED_PROFILE, DOCUMENTED_TOKEN,
    app::IssuedCode,
    fault::FaultPlan,
    post::{AllowedTargets, CallbackTarget},
};

/// A request to one of Truecaller's endpoints.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProfileRequest {
    /// The method, whether it was served or not.
    pub method: Method,
    /// The target, unchanged.
    pub target: Uri,
    /// The version of HTTP.
    pub version: Version,
    /// All headers, the token among them.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// The number of the connection that brought it: 1 is the first one that the simulator accepted.
    pub connection: usize,
}

#[derive(Debug)]
pub(super) struct SharedState {
    /// The URL of the profile endpoint.
    pub(super) endpoint: String,
    pub(super) targets: AllowedTargets,
    pub(super) random: TokenSource,
    /// How many connections were accepted.
    pub(super) connections: watch::Sender<usize>,
    /// The requests that came to Truecaller's endpoints.
    pub(super) seen: watch::Sender<Vec<ProfileRequest>>,
    /// Changes when every request that is held is to be answered.
    pub(super) releases: watch::Sender<()>,
    settings: Mutex<Settings>,
}

/// The state that tests can set.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) faults: FaultPlan,
    /// The profile of each token.
    pub(super) profiles: HashMap<String, Bytes>,
    /// The codes that were not redeemed yet.
    pub(super) codes: HashMap<String, IssuedCode>,
    /// The user of each access token for the userinfo endpoint.
    pub(super) app_users: HashMap<String, AppUser>,
    /// The user of each access token of a missed call.
    pub(super) missed_calls: HashMap<String, AppUser>,
    /// The URL for the phone's callbacks.
    pub(super) callback_url: Option<String>,
}

impl SharedState {
    pub(super) fn new(scheme: &str, address: SocketAddr, targets: AllowedTargets) -> Self {
        let profiles = HashMap::from([(DOCUMENTED_TOKEN.to_owned(), Bytes::from_static(DOCUMENTED_PROFILE))]);
        Self {
            endpoint: format!("{scheme}://{}{PATH}", reachable(address)),
            targets,
            random: TokenSource::default(),
            connections: watch::Sender::default(),
            seen: watch::Sender::default(),
            releases: watch::Sender::default(),
            settings: Mutex::new(Settings { profiles, ..Settings::default() }),
        }
    }

    pub(super) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a token for `profile`.
    pub(super) fn grant(&self, profile: Bytes) -> String {
        let token = self.random.token();
        self.settings().profiles.insert(token.clone(), profile);
        token
    }

    /// Makes a code for a user, which the verifier of this challenge redeems.
    pub(super) fn issue_code(&self, user: AppUser, challenge: String) -> String {
        let code = self.random.token();
        self.settings().codes.insert(code.clone(), IssuedCode { user, challenge });
        code
    }

    /// Makes the access token of a missed call.
    pub(super) fn issue_missed_call(&self, user: AppUser) -> String {
        let token = self.random.token();
        self.settings().missed_calls.insert(token.clone(), user);
        token
    }

    /// Posts the phone's callbacks to this URL, if it is allowed.
    pub(super) fn set_callback_url(&self, url: &str) -> Result<(), CallError> {
        CallbackTarget::parse(url, self.targets)?;
        self.settings().callback_url = Some(url.to_owned());
        Ok(())
    }
}

/// A source of tokens and request ids that look like Truecaller's. None of them guards anything.
#[derive(Debug, Default)]
pub(super) struct TokenSource {
    keys: RandomState,
    drawn: AtomicU64,
}

impl TokenSource {
    /// Returns 51 characters, as the documented access token has.
    pub(super) fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<38>())
    }

    /// Returns 28 characters with one `=`, as the documented request id has.
    pub(super) fn request_id(&self) -> String {
        URL_SAFE.encode(self.bytes::<20>())
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(size_of::<u64>()) {
            let word = self.keys.hash_one(self.drawn.fetch_add(1, Ordering::Relaxed)).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        bytes
    }
}

/// Returns the address by which this machine reaches a listener on all of its addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The path of the profile endpoint.
pub(super) const PATH: &str = "/v1/default";
