//! Names are resolved to public addresses only, so that DNS cannot point a fetch at an internal host.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
    vec,
};

use futures_core::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::Name;
use tokio::time::timeout;
use tower_service::Service;

use crate::{cause::NoAddress, clock::Clock};

/// The system's resolver, less the addresses that no public name should have. Clones share the answers that are kept.
///
/// The system tells no lifetime of an answer, so it is kept for a short fixed time.
#[derive(Clone)]
pub(super) struct PublicResolver {
    /// The addresses to connect to in place of those that a name has.
    resolve: Arc<HashMap<String, SocketAddr>>,
    answers: Arc<Mutex<Answers>>,
    clock: Arc<dyn Clock>,
}

/// The last answer for each name. Only the hosts of listed endpoints are looked up.
#[derive(Default)]
struct Answers(HashMap<String, Answer>);

struct Answer {
    addresses: Vec<SocketAddr>,
    learnt: Instant,
    /// Whether an address of it may still accept connections.
    is_trusted: bool,
}

impl PublicResolver {
    pub(super) fn new(resolve: HashMap<String, SocketAddr>, clock: Arc<dyn Clock>) -> Self {
        Self { resolve: Arc::new(resolve), answers: Arc::default(), clock }
    }

    /// Looks a name up again when it is next needed, because no address of the last answer could be connected to.
    pub(super) fn distrust(&self, name: &str) {
        if let Some(answer) = self.answers().0.get_mut(name) {
            answer.is_trusted = false;
        }
    }

    async fn lookup(self, name: Name) -> Result<vec::IntoIter<SocketAddr>, NoAddress> {
        let name = name.as_str();
        if let Some(address) = self.resolve.get(name) {
            return Ok(vec![*address].into_iter());
        }
        let now = self.clock.now();
        let (fresh, patience) = {
            let answers = self.answers();
            (answers.fresh(name, now), answers.patience(name, now))
        };
        if let Some(addresses) = fresh {
            return Ok(addresses.into_iter());
        }
        let found = timeout(patience, tokio::net::lookup_host((name, 0))).await;
        let found = found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map(Iterator::collect);
        self.answers().learn(name, found, now).map(Vec::into_iter)
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service<Name> for PublicResolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = NoAddress;
    type Future = BoxFuture<'static, Result<Self::Response, NoAddress>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NoAddress>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(self.clone().lookup(name))
    }
}

impl Answers {
    /// Returns the addresses of an answer that need not be asked for again.
    fn fresh(&self, name: &str, now: Instant) -> Option<Vec<SocketAddr>> {
        let answer = self.0.get(name)?;
        (answer.is_trusted && now < answer.learnt + FRESH).then(|| admitted(name, &answer.addresses)).flatten()
    }

    /// Returns the addresses of an answer that is better than none.
    fn stale(&self, name: &str, now: Instant) -> Option<Vec<SocketAddr>> {
        let answer = self.0.get(name)?;
        (now < answer.learnt + STALE).then(|| admitted(name, &answer.addresses)).flatten()
    }

    /// Returns how long a new answer is waited for. Addresses that cannot be connected to are no reason to hurry.
    fn patience(&self, name: &str, now: Instant) -> Duration {
        let serves = self.0.get(name).is_some_and(|answer| answer.is_trusted) && self.stale(name, now).is_some();
        if serves { STALE_WAIT } else { Duration::MAX }
    }

    /// Keeps a new answer, or falls back on the last one when there is none. A new answer that admits no address is not
    /// forgiven: that is how a name would be pointed at an internal host.
    fn learn(
        &mut self,
        name: &str,
        found: io::Result<Vec<SocketAddr>>,
        now: Instant,
    ) -> Result<Vec<SocketAddr>, NoAddress> {
        let addresses = match found {
            Ok(addresses) => addresses,
            Err(error) => return self.stale(name, now).ok_or(NoAddress(Some(error))),
        };
        self.0.remove(name);
        let admitted = admitted(name, &addresses).ok_or(NoAddress(None))?;
        self.0.insert(name.to_owned(), Answer { addresses, learnt: now, is_trusted: true });
        Ok(admitted)
    }
}

/// Returns the addresses that may be connected to, if there are any.
fn admitted(name: &str, addresses: &[SocketAddr]) -> Option<Vec<SocketAddr>> {
    let admits = if name == "localhost" { is_loopback } else { is_public };
    let admitted: Vec<_> = addresses.iter().copied().filter(admits).collect();
    (!admitted.is_empty()).then_some(admitted)
}

fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().is_loopback()
}

fn is_public(address: &SocketAddr) -> bool {
    match address.ip().to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Outside the special-purpose blocks of RFC 6890 and its successors.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation();
    let [a, b, c, _] = address.octets();
    let reserved = matches!((a, b, c), (0 | 240..=255, ..) | (100, 64..=127, _) | (192, 0, 0) | (198, 18 | 19, _));
    !special && !reserved
}

/// Global unicast (`2000::/3`), without documentation, and without the ways to carry an IPv4 address inside, but for NAT64
/// (RFC 6052), by which networks without IPv4 reach public IPv4 addresses. Its prefix for local use (RFC 8215) is not public.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        [0x2001, 0x0db8 | 0..=0x01ff, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// How long an answer is kept. Names of services live for about as long.
const FRESH: Duration = Duration::from_secs(30);
/// How long an answer serves while there is no new one (RFC 8767 §5).
const STALE: Duration = Duration::from_hours(24);
/// How long a new answer is waited for where a stale one serves.
const STALE_WAIT: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    const NAME: &str = "profiles.example";

    fn learn(answers: &mut Answers, address: &str, now: Instant) -> Option<Vec<SocketAddr>> {
        answers.learn(NAME, Ok(vec![address.parse().unwrap()]), now).ok()
    }

    fn fail(answers: &mut Answers, now: Instant) -> Option<Vec<SocketAddr>> {
        answers.learn(NAME, Err(io::ErrorKind::TimedOut.into()), now).ok()
    }

    #[test]
    fn an_answer_is_kept_for_a_short_time_and_serves_for_longer_while_there_is_no_other() {
        let (clock, mut answers) = (ManualClock::default(), Answers::default());
        let public: SocketAddr = "8.8.8.8:0".parse().unwrap();
        assert_eq!(fail(&mut answers, clock.now()), None);
        assert_eq!(learn(&mut answers, "8.8.8.8:0", clock.now()), Some(vec![public]));
        clock.advance(FRESH - Duration::from_millis(1));
        assert_eq!(answers.fresh(NAME, clock.now()), Some(vec![public]));
        clock.advance(Duration::from_millis(1));
        assert_eq!(answers.fresh(NAME, clock.now()), None);
        assert_eq!(fail(&mut answers, clock.now()), Some(vec![public]));
        assert_eq!(answers.fresh(NAME, clock.now()), None, "the next callback asks again");
        clock.advance(STALE);
        assert_eq!(fail(&mut answers, clock.now()), None);
    }

    #[test]
    fn an_answer_whose_addresses_cannot_be_connected_to_is_not_fresh() {
        let clock = ManualClock::default();
        let resolver = PublicResolver::new(HashMap::new(), Arc::new(clock.clone()));
        learn(&mut resolver.answers(), "8.8.8.8:0", clock.now());
        assert_eq!(resolver.answers().patience(NAME, clock.now()), STALE_WAIT);
        resolver.distrust(NAME);
        assert_eq!(resolver.answers().fresh(NAME, clock.now()), None);
        assert!(resolver.answers().stale(NAME, clock.now()).is_some());
        assert_eq!(
            resolver.answers().patience(NAME, clock.now()),
            Duration::MAX,
            "a slow answer is better than this one"
        );
    }

    #[test]
    fn a_name_that_comes_to_lead_inside_has_no_address_and_its_last_answer_is_forgotten() {
        let (clock, mut answers) = (ManualClock::default(), Answers::default());
        learn(&mut answers, "8.8.8.8:0", clock.now());
        assert_eq!(learn(&mut answers, "10.0.0.5:0", clock.now()), None);
        assert_eq!(answers.stale(NAME, clock.now()), None);
    }

    #[test]
    fn a_kept_answer_is_checked_each_time_it_is_used() {
        let (clock, mut answers) = (ManualClock::default(), Answers::default());
        let addresses = vec!["127.0.0.1:0".parse().unwrap(), "8.8.8.8:0".parse().unwrap()];
        answers.0.insert(NAME.to_owned(), Answer { addresses, learnt: clock.now(), is_trusted: true });
        assert_eq!(answers.fresh(NAME, clock.now()).unwrap().len(), 1);
        assert_eq!(fail(&mut answers, clock.now()).unwrap().len(), 1);
    }

    #[test]
    fn only_public_addresses_are_connected_to() {
        for (address, public) in [
            ("8.8.8.8", true),
            ("100.63.0.1", true),
            ("2a00:1450:4001::1", true),
            ("10.0.0.5", false),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("198.18.0.1", false),
            ("255.255.255.255", false),
            ("224.0.0.1", false),
            ("::1", false),
            ("::", false),
            ("::ffff:127.0.0.1", false),
            ("64:ff9b::808:808", true),
            ("64:ff9b::103.5.10.20", true),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::10.0.0.5", false),
            ("64:ff9b::169.254.169.254", false),
            ("64:ff9b::192.168.1.1", false),
            ("64:ff9b::0.0.0.0", false),
            ("64:ff9b::1:808:808", false),
            ("64:ff9b:1::808:808", false),
            ("64:ff9b:1:fffe::8.8.8.8", false),
            ("2002:7f00:1::", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(&SocketAddr::new(address.parse().unwrap(), 443)), public, "{address}");
        }
    }
}
