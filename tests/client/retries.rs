//! Each fault of Truecaller with its outcome, and how often it is asked.

use http::StatusCode;
use tokio::task::JoinSet;
use truegate::{
    cause::Cause,
    clock::{Clock, SystemClock},
    profile::{FetchError, ProfileSource},
    simulator::{Fault, Simulator},
};

use super::{client, fetch, grant, grant_of, outcome, support::raw::within, unavailable};

/// Whether it helps to ask again.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Asks {
    Once,
    AsOftenAsAllowed,
}
use Asks::{AsOftenAsAllowed, Once};

fn faults() -> [(&'static str, Result<(), FetchError>, Asks); 22] {
    [
        ("none", Ok(()), Once),
        ("slow=1ms", Ok(()), Once),
        ("inactive", Ok(()), Once),
        ("unauthorized", Err(FetchError::Refused), Once),
        ("status=403", Err(FetchError::Refused), Once),
        ("status=400", Err(FetchError::Unusable), Once),
        ("status=404", Err(FetchError::Unusable), Once),
        ("status=204", Err(FetchError::Unusable), Once),
        ("status=200", Err(FetchError::NoPhoneNumber), Once),
        ("malformed", Err(FetchError::Unusable), Once),
        ("gzip", Err(FetchError::Unusable), Once),
        ("no-phone", Err(FetchError::NoPhoneNumber), Once),
        ("huge", Err(FetchError::Unusable), Once),
        ("sized=65537", Err(FetchError::Unusable), Once),
        ("redirect=http://127.0.0.1:9/", Err(FetchError::Unusable), Once),
        ("status=408", unavailable(Cause::ServerError), AsOftenAsAllowed),
        ("status=429", unavailable(Cause::ServerError), AsOftenAsAllowed),
        ("status=429,retry-after=3600", unavailable(Cause::ServerError), AsOftenAsAllowed),
        ("status=500", unavailable(Cause::ServerError), AsOftenAsAllowed),
        ("status=503", unavailable(Cause::ServerError), AsOftenAsAllowed),
        ("cut", unavailable(Cause::Closed), AsOftenAsAllowed),
        ("close", unavailable(Cause::Closed), AsOftenAsAllowed),
    ]
}

#[tokio::test]
async fn every_fault_has_its_outcome_and_its_number_of_requests() {
    let mut fetches = JoinSet::new();
    for (text, expected, asks) in faults() {
        for attempts in 1..=3 {
            let expected = expected.clone();
            fetches.spawn(async move {
                let simulator = Simulator::start().await.unwrap();
                simulator.set_fault(text.parse().unwrap());

                let fetched = outcome(&client(attempts), simulator.endpoint()).await;

                let requests = if asks == Once { 1 } else { attempts as usize };
                assert_eq!((fetched, simulator.fetches()), (expected, requests), "{text}, {attempts} attempts");
            });
        }
    }
    fetches.join_all().await;
}

#[tokio::test]
async fn a_slow_trickle_is_read_to_its_end() {
    let simulator = Simulator::start().await.unwrap();
    simulator.set_fault("drip=1ms".parse().unwrap());
    let token = simulator.grant(r#"{"phoneNumbers":["919999999999"]}"#);

    let profile = fetch(&client(1), &grant_of(simulator.endpoint(), &token)).await.unwrap();

    assert_eq!(profile.phone.as_str(), "+919999999999");
}

#[tokio::test]
async fn what_went_wrong_once_is_made_good_by_the_next_try() {
    let simulator = Simulator::start().await.unwrap();
    for fault in [Fault::Status(StatusCode::BAD_GATEWAY), Fault::Cut, Fault::Close] {
        simulator.plan([fault.clone()]);
        let before = simulator.fetches();
        assert_eq!(outcome(&client(2), simulator.endpoint()).await, Ok(()), "{fault}");
        assert_eq!(simulator.fetches(), before + 2, "{fault}");
    }
}

#[tokio::test]
async fn a_refusal_ends_the_tries() {
    let simulator = Simulator::start().await.unwrap();
    simulator.plan([Fault::Status(StatusCode::BAD_GATEWAY), Fault::Unauthorized, Fault::None]);
    assert_eq!(outcome(&client(3), simulator.endpoint()).await, Err(FetchError::Refused));
    assert_eq!(simulator.fetches(), 2);
}

/// No pause is as short as no time at all, so every next try would begin after the deadline.
#[tokio::test]
async fn a_try_that_would_begin_after_the_deadline_is_not_begun() {
    let simulator = Simulator::start().await.unwrap();
    simulator.set_fault(Fault::Status(StatusCode::SERVICE_UNAVAILABLE));
    let (client, grant) = (client(3), grant(simulator.endpoint()));

    let fetched = within(client.fetch(&grant, SystemClock.now())).await;

    assert_eq!(fetched.map(drop), unavailable(Cause::ServerError));
    assert_eq!(simulator.fetches(), 1);
}
