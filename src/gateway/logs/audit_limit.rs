//! The limits of the audit log: clients can cause lines, and must not fill the disk with them.

use std::{
    net::IpAddr,
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};

use super::AuditEvent;
use crate::{
    clock::Clock,
    gate::{ClockSinceStart, Limiter},
};

/// Limits the lines that clients can cause: those of one client and its network, and those of each event.
///
/// A client that floods uses up its own limit first, so it leaves room for the lines of others.
pub(super) struct AuditLimit {
    clients: Limiter,
    events: Vec<(AuditEvent, EventLimit)>,
}

/// The limit of one event.
struct EventLimit {
    rate: RateLimiter<NotKeyed, InMemoryState, ClockSinceStart, NoOpMiddleware<Duration>>,
    /// How many lines were left out since the last one.
    left_out: AtomicU64,
}

/// The line is left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl AuditLimit {
    pub(super) fn new(clock: &Arc<dyn Clock>) -> Self {
        let limit = || EventLimit {
            rate: RateLimiter::direct_with_clock(
                Quota::per_second(PER_SECOND).allow_burst(BURST),
                ClockSinceStart::new(clock),
            ),
            left_out: AtomicU64::new(0),
        };
        let limited = AuditEvent::ALL.iter().copied().filter(|event| event.is_limited());
        Self {
            clients: Limiter::new(Quota::per_minute, PER_CLIENT, clock),
            events: limited.map(|event| (event, limit())).collect(),
        }
    }

    /// Lets a line through, and returns how many of its event were left out before it.
    pub(super) fn admit(&self, event: AuditEvent, client: Option<IpAddr>) -> Result<u64, TooMany> {
        let Some((_, limit)) = self.events.iter().find(|(limited, _)| *limited == event) else { return Ok(0) };
        let has_room = client.is_none_or(|client| self.clients.count(client.to_canonical()).is_ok());
        if has_room && limit.rate.check().is_ok() {
            return Ok(limit.left_out.swap(0, Ordering::Relaxed));
        }
        limit.left_out.fetch_add(1, Ordering::Relaxed);
        Err(TooMany)
    }

    /// Returns how many lines of each event were left out, and counts anew.
    pub(super) fn take_left_out(&self) -> impl Iterator<Item = (AuditEvent, u64)> {
        let counts = self.events.iter().map(|(event, limit)| (*event, limit.left_out.swap(0, Ordering::Relaxed)));
        counts.filter(|(_, left_out)| *left_out > 0)
    }
}

/// The lines that one client address may cause in a minute. Its network may cause more, as [`Limits`](crate::gate::Limits) says.
const PER_CLIENT: NonZero<u32> = NonZero::new(60).expect("sixty is not zero");
/// The lines of one event in a second, and at once.
const PER_SECOND: NonZero<u32> = NonZero::new(100).expect("a hundred is not zero");
const BURST: NonZero<u32> = NonZero::new(1000).expect("a thousand is not zero");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn address(network: u16) -> Option<IpAddr> {
        let [high, low] = network.to_be_bytes();
        Some([192, high, low, 7].into())
    }

    #[test]
    fn a_client_that_floods_leaves_room_for_others_and_the_next_line_counts_what_is_left_out() {
        let clock = ManualClock::default();
        let limit = AuditLimit::new(&(Arc::new(clock.clone()) as Arc<dyn Clock>));
        let admit = |client| limit.admit(AuditEvent::Spoof, client);
        for _ in 0..60 {
            assert_eq!(admit(address(1)), Ok(0));
        }
        for _ in 0..1000 {
            assert_eq!(admit(address(1)), Err(TooMany));
        }
        assert_eq!(limit.admit(AuditEvent::LoginFailed, address(1)), Err(TooMany), "all events of a client count");
        assert_eq!(limit.admit(AuditEvent::LoginVerified, address(1)), Ok(0), "a login of a user is never left out");
        assert_eq!(admit(address(2)), Ok(1000));
        assert_eq!(admit(address(2)), Ok(0));
        clock.advance(Duration::from_secs(1));
        assert_eq!(admit(address(1)), Ok(0), "a second later there is room for one more");
        assert_eq!(limit.take_left_out().collect::<Vec<_>>(), [(AuditEvent::LoginFailed, 1)]);
        assert_eq!(limit.take_left_out().count(), 0);
    }

    #[test]
    fn many_clients_together_have_a_limit_too() {
        let clock = ManualClock::default();
        let limit = AuditLimit::new(&(Arc::new(clock.clone()) as Arc<dyn Clock>));
        let admitted = || (0..2000).filter(|network| limit.admit(AuditEvent::Spoof, address(*network)).is_ok()).count();
        assert_eq!(admitted(), 1000);
        clock.advance(Duration::from_secs(1));
        assert_eq!(admitted(), 100);
        assert_eq!(limit.admit(AuditEvent::NotAllowed, None), Ok(0), "another event has a limit of its own");
    }
}
