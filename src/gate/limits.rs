//! Limits of the logins and callbacks of one client, and of one network.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZero,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use governor::{
    Quota, RateLimiter,
    clock::{self, Clock as _},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::StateStore,
};
use http::request::Parts;
use lru::LruCache;

use super::{ClientInfo, Rejection};
use crate::clock::Clock;

/// How many logins and callbacks may come from one client address; [`GateBuilder::limits`](super::GateBuilder::limits)
/// takes them.
///
/// A client may use up a whole limit at once, and then gets it back over time. The network of a client, a /24 of IPv4 or a /64
/// of IPv6, has four times the limit, and a /48 of IPv6 sixteen times: a single customer often has all of a /64, and many have a
/// /48. A refused request does not count for its network, so a client that floods takes nothing from its neighbours.
///
/// A request beyond a limit is answered 429 with `Retry-After`, before the body of a callback is read and before the store is
/// asked about a login. The address comes from [`ClientInfo`] in the request's extensions. Without it, requests are not limited.
///
/// ```
/// use std::num::NonZero;
/// use truegate::gate::Limits;
///
/// let limits = Limits { logins_per_minute: NonZero::new(60), ..Limits::default() };
/// let unlimited = Limits { logins_per_minute: None, callbacks_per_second: None };
/// # drop((limits, unlimited));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The logins that one client may start in a minute. `None` means no limit.
    ///
    /// The default is 300. Carriers in India put hundreds of phones behind one IPv4 address, so a small limit would lock
    /// out people who share an address with many others; one machine that starts 300 logins a minute still holds no more
    /// than about 1,000 of the 100,000 places that a store has by default.
    pub logins_per_minute: Option<NonZero<u32>>,
    /// The callbacks that one address may send in a second. `None` means no limit.
    ///
    /// The default is 1000. All callbacks of a site come from the few addresses of Truecaller's servers, three for each
    /// login, so the default is enough for more than 300 logins a second.
    pub callbacks_per_second: Option<NonZero<u32>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { logins_per_minute: NonZero::new(300), callbacks_per_second: NonZero::new(1000) }
    }
}

/// The limiters of a gate, where it has limits.
#[derive(Clone, Default)]
pub(super) struct Limiters {
    pub(super) logins: Option<Arc<Limiter>>,
    pub(super) callbacks: Option<Arc<Limiter>>,
}

impl Limiters {
    /// The limiters of these limits. Those of the earlier ones that have the same limit go on with their counts.
    pub(super) fn new(limits: Limits, clock: &Arc<dyn Clock>, earlier: Self) -> Self {
        let limiter = |limit: Option<NonZero<u32>>, quota: fn(NonZero<u32>) -> Quota, earlier: Option<Arc<Limiter>>| {
            let limit = limit?;
            let same = earlier.filter(|earlier| earlier.limit == limit);
            Some(same.unwrap_or_else(|| Arc::new(Limiter::new(quota, limit, clock))))
        };
        Self {
            logins: limiter(limits.logins_per_minute, Quota::per_minute, earlier.logins),
            callbacks: limiter(limits.callbacks_per_second, Quota::per_second, earlier.callbacks),
        }
    }
}

/// Counts a request, or refuses it because its client or network has sent too many.
pub(super) fn count(limiter: Option<&Limiter>, head: &Parts) -> Result<(), Rejection> {
    let address = head.extensions.get::<ClientInfo>().and_then(|client| client.address);
    let Some((limiter, address)) = limiter.zip(address) else { return Ok(()) };
    limiter.count(address.to_canonical()).map_err(|wait| {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        Rejection::TooManyRequests { retry_after: u32::try_from(seconds).unwrap_or(u32::MAX) }
    })
}

/// One limit, for addresses and for the networks around them.
pub(crate) struct Limiter {
    /// The limit of an address.
    limit: NonZero<u32>,
    quotas: [Quotas; NETWORKS.len()],
}

type Quotas = RateLimiter<IpAddr, BoundedStore, ClockSinceStart, NoOpMiddleware<Duration>>;

impl Limiter {
    pub(crate) fn new(quota: fn(NonZero<u32>) -> Quota, limit: NonZero<u32>, clock: &Arc<dyn Clock>) -> Self {
        let clock = ClockSinceStart::new(clock);
        let quotas = NETWORKS.map(|network| {
            let limit = limit.saturating_mul(network.limits);
            RateLimiter::new(quota(limit), BoundedStore::default(), clock.clone())
        });
        Self { limit, quotas }
    }

    /// Counts a request for its address and then for each larger network, or returns how long the client has to wait.
    pub(crate) fn count(&self, address: IpAddr) -> Result<(), Duration> {
        self.quotas.iter().zip(NETWORKS).try_for_each(|(limiter, network)| match network.around(address) {
            Some(network) => limiter.check_key(&network).map_err(|until| until.wait_time_from(limiter.clock().now())),
            None => Ok(()),
        })
    }
}

/// A size of networks, by the lengths of their prefixes.
#[derive(Clone, Copy)]
struct Network {
    /// `None` if only IPv6 has networks of this size.
    v4: Option<u32>,
    v6: u32,
    /// How many times the limit of an address may come from it.
    limits: NonZero<u32>,
}

impl Network {
    /// The first address of the network around an address.
    fn around(self, address: IpAddr) -> Option<IpAddr> {
        Some(match address {
            IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << (32 - self.v4?))).into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - self.v6))).into(),
        })
    }
}

/// The clock of a limiter, which tells the time since the limiter was made.
#[derive(Clone)]
pub(crate) struct ClockSinceStart {
    clock: Arc<dyn Clock>,
    start: Instant,
}

impl ClockSinceStart {
    pub(crate) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self { clock: Arc::clone(clock), start: clock.now() }
    }
}

impl clock::Clock for ClockSinceStart {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.clock.now().saturating_duration_since(self.start)
    }
}

/// The state of the most recent networks: governor's own stores have no bound.
struct BoundedStore(Mutex<LruCache<IpAddr, Nanos>>);

impl Default for BoundedStore {
    fn default() -> Self {
        // It grows with what it holds; a cache with a capacity would take all of its memory at once.
        Self(Mutex::new(LruCache::unbounded()))
    }
}

impl StateStore for BoundedStore {
    type Key = IpAddr;

    fn measure_and_replace<T, F, E>(&self, key: &IpAddr, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, next) = measure(known.get(key).copied())?;
        known.put(*key, next);
        if known.len() > KEPT {
            known.pop_lru();
        }
        Ok(outcome)
    }
}

const NETWORKS: [Network; 3] = [
    Network { v4: Some(32), v6: 128, limits: NonZero::<u32>::MIN },
    Network { v4: Some(24), v6: 64, limits: NonZero::new(4).expect("four is not zero") },
    Network { v4: None, v6: 48, limits: NonZero::new(16).expect("sixteen is not zero") },
];

/// The number of addresses that are remembered, and of networks of each size: about 6 MiB for each of the three.
const KEPT: usize = 1 << 16;

#[cfg(test)]
mod tests;
