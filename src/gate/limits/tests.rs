use super::*;
use crate::clock::ManualClock;

/// With so many in a minute.
fn limiter(limit: u32) -> (Limiter, ManualClock) {
    let clock = ManualClock::default();
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    (Limiter::new(Quota::per_minute, NonZero::new(limit).unwrap(), &shared), clock)
}

fn passes(limiter: &Limiter, address: &str) -> bool {
    limiter.count(address.parse().unwrap()).is_ok()
}

fn head(address: Option<&str>) -> Parts {
    let (mut head, ()) = http::Request::new(()).into_parts();
    head.extensions.insert(ClientInfo { address: address.map(|text| text.parse().unwrap()), scheme: None });
    head
}

#[test]
fn a_limit_may_be_used_up_at_once_and_comes_back_bit_by_bit() {
    let (limiter, clock) = limiter(6);
    let address = "192.0.2.1".parse().unwrap();
    for _ in 0..6 {
        assert_eq!(limiter.count(address), Ok(()));
    }
    assert_eq!(limiter.count(address), Err(Duration::from_secs(10)));
    clock.advance(Duration::from_millis(9_999));
    assert_eq!(limiter.count(address), Err(Duration::from_millis(1)));
    clock.advance(Duration::from_millis(1));
    assert_eq!(limiter.count(address), Ok(()));
    assert_eq!(limiter.count(address), Err(Duration::from_secs(10)), "one came back");
    clock.advance(Duration::from_hours(1));
    assert_eq!((0..100).filter(|_| limiter.count(address).is_ok()).count(), 6, "never more than the limit at once");
}

#[test]
fn of_a_network_four_times_as_many_may_come() {
    for (addresses, stranger) in [
        ([1, 2, 3, 4, 5].map(|host| format!("192.0.2.{host}")), "192.0.3.1"),
        ([1, 2, 3, 4, 5].map(|host| format!("2001:db8:0:1::{host}")), "2001:db8:0:2::1"),
    ] {
        let (limiter, clock) = limiter(1);
        let came: Vec<_> = addresses.iter().map(|address| passes(&limiter, address)).collect();
        assert_eq!(came, [true, true, true, true, false], "{stranger}");
        assert!(passes(&limiter, stranger));
        clock.advance(Duration::from_secs(15));
        assert!(!passes(&limiter, &addresses[0]), "an address has a limit of its own");
        assert!(passes(&limiter, "192.0.2.6") && passes(&limiter, "2001:db8:0:1::6"));
    }
}

#[test]
fn of_a_customer_with_many_networks_sixteen_times_as_many_may_come() {
    let (limiter, _) = limiter(1);
    let came = (0..100).filter(|network| passes(&limiter, &format!("2001:db8:7:{network:x}::1"))).count();
    assert_eq!(came, 16);
    assert!(passes(&limiter, "2001:db8:8::1"));
    assert_eq!((0..100).filter(|network| passes(&limiter, &format!("198.51.{network}.1"))).count(), 100);
}

#[test]
fn a_client_that_floods_takes_nothing_from_its_neighbours() {
    let (limiter, _) = limiter(10);
    let flood = (0..10_000).filter(|_| passes(&limiter, "192.0.2.1")).count();
    assert_eq!(flood, 10);
    assert_eq!((0..10).filter(|_| passes(&limiter, "192.0.2.2")).count(), 10);
}

#[test]
fn an_address_of_ipv4_is_the_same_in_both_spellings() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    let limiters = Limiters::new(
        Limits { callbacks_per_second: NonZero::new(1), ..Limits::default() },
        &clock,
        Limiters::default(),
    );
    let callbacks = limiters.callbacks.as_deref();
    assert_eq!(count(callbacks, &head(Some("::ffff:192.0.2.1"))), Ok(()));
    let refused = Err(Rejection::TooManyRequests { retry_after: 1 });
    assert_eq!(count(callbacks, &head(Some("192.0.2.1"))), refused);
    assert_eq!(count(callbacks, &head(Some("::ffff:198.51.100.1"))), Ok(()), "not all of them are one network");
}

#[test]
fn a_request_without_an_address_and_one_without_a_limit_are_not_limited() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    let limits = Limits { logins_per_minute: NonZero::new(1), callbacks_per_second: None };
    let limiters = Limiters::new(limits, &clock, Limiters::default());
    for _ in 0..100 {
        assert_eq!(count(limiters.logins.as_deref(), &head(None)), Ok(()));
        assert_eq!(count(limiters.logins.as_deref(), &http::Request::new(()).into_parts().0), Ok(()));
        assert_eq!(count(limiters.callbacks.as_deref(), &head(Some("192.0.2.1"))), Ok(()));
    }
}

#[test]
fn a_client_is_told_whole_seconds_in_which_its_turn_has_come() {
    let clock = ManualClock::default();
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let limit = NonZero::new(7).unwrap();
    let limiter = Limiter::new(Quota::per_minute, limit, &shared);
    let head = head(Some("192.0.2.1"));
    let refusal = (0..8).map(|_| count(Some(&limiter), &head)).find_map(Result::err);
    let Some(Rejection::TooManyRequests { retry_after }) = refusal else { panic!("{refusal:?}") };
    assert_eq!(retry_after, 9, "one in 8.57 seconds");
    clock.advance(Duration::from_secs(retry_after.into()));
    assert_eq!(count(Some(&limiter), &head), Ok(()));
}

#[test]
fn however_many_clients_come_the_memory_is_bounded() {
    let (limiter, _) = limiter(1);
    for client in 0..KEPT as u32 * 2 {
        assert!(limiter.count(Ipv4Addr::from_bits(client << 8).into()).is_ok());
    }
    for quotas in limiter.quotas {
        assert!(quotas.into_state_store().0.into_inner().unwrap().len() <= KEPT);
    }
}

#[test]
fn the_counts_of_earlier_limiters_go_on_where_the_limit_is_the_same() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    let one = NonZero::new(1);
    let limits = Limits { logins_per_minute: one, callbacks_per_second: one };
    let earlier = Limiters::new(limits, &clock, Limiters::default());
    for limiter in [&earlier.logins, &earlier.callbacks] {
        assert!(passes(limiter.as_ref().unwrap(), "192.0.2.1"));
    }

    let limits = Limits { callbacks_per_second: NonZero::new(2), ..limits };
    let later = Limiters::new(limits, &clock, earlier);

    assert!(!passes(&later.logins.unwrap(), "192.0.2.1"), "it has had its one login");
    assert!(passes(&later.callbacks.unwrap(), "192.0.2.1"), "a new limit begins anew");
}
