//! Each answer of the three endpoints with its meaning, and how often it is asked for.

use std::time::Duration;

use truegate::{
    cause::Cause,
    clock::{Clock, ManualClock},
    profile::{FetchError, ProfileClient},
    simulator::{Fault, Simulator},
};

use super::{code, code_of, fetch, fetch_by, missed_call, missed_call_of, native, outcome, user};
use crate::{client, support::raw::within, unavailable};

/// Whether it helps, or is allowed, to ask again.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Asks {
    Once,
    AsOftenAsAllowed,
}
use Asks::{AsOftenAsAllowed, Once};

/// The faults whose meaning is the same at each endpoint.
fn faults() -> Vec<(&'static str, Result<(), FetchError>, Asks)> {
    let mut faults = vec![
        ("none", Ok(()), Once),
        ("slow=1ms", Ok(()), Once),
        ("inactive", Ok(()), Once),
        ("status=204", Err(FetchError::Unusable), Once),
        ("status=302", Err(FetchError::Unusable), Once),
        ("status=405", Err(FetchError::Unusable), Once),
        ("status=410", Err(FetchError::Unusable), Once),
        ("malformed", Err(FetchError::Unusable), Once),
        ("gzip", Err(FetchError::Unusable), Once),
        ("huge", Err(FetchError::Unusable), Once),
        ("sized=65536", Ok(()), Once),
        ("sized=65537", Err(FetchError::Unusable), Once),
        ("redirect=/v1/default", Err(FetchError::Unusable), Once),
        ("redirect=http://127.0.0.1:9/", Err(FetchError::Unusable), Once),
    ];
    for text in ["status=408", "status=429", "status=429,retry-after=3600", "status=500", "status=503", "status=599"] {
        faults.push((text, unavailable(Cause::ServerError), AsOftenAsAllowed));
    }
    for text in ["cut", "close"] {
        faults.push((text, unavailable(Cause::Closed), AsOftenAsAllowed));
    }
    faults
}

#[tokio::test]
async fn every_answer_to_a_code_has_its_meaning_and_a_code_is_sent_once() {
    let own = [
        ("status=200", Err(FetchError::Unusable), Once),
        ("status=400", Err(FetchError::Refused), Once),
        ("status=403", Err(FetchError::Refused), Once),
        ("unauthorized", Err(FetchError::Misconfigured), Once),
        ("status=404", Err(FetchError::Unusable), Once),
        ("status=422", Err(FetchError::Unusable), Once),
        ("no-phone", Ok(()), Once),
        ("unverified", Ok(()), Once),
    ];
    for (text, expected, _) in faults().into_iter().chain(own) {
        let simulator = Simulator::start().await.unwrap();
        let client = native(client(3), simulator.origin());
        simulator.plan([text.parse().unwrap()]);

        let fetched = outcome(&client, &code(&simulator, user())).await;

        let requests = if expected.is_ok() { 2 } else { 1 };
        assert_eq!((fetched, simulator.fetches()), (expected, requests), "{text}");
    }
}

#[tokio::test]
async fn every_answer_of_the_userinfo_endpoint_has_its_meaning_and_its_number_of_requests() {
    let own = [
        ("status=200", Err(FetchError::NoPhoneNumber), Once),
        ("unauthorized", Err(FetchError::Refused), Once),
        ("status=400", Err(FetchError::Unusable), Once),
        ("status=403", Err(FetchError::Unusable), Once),
        ("status=404", Err(FetchError::NoPhoneNumber), Once),
        ("status=422", Err(FetchError::Misconfigured), Once),
        ("no-phone", Err(FetchError::NoPhoneNumber), Once),
        ("unverified", Err(FetchError::NumberNotVerified), Once),
    ];
    for (text, expected, asks) in faults().into_iter().chain(own) {
        for attempts in [1, 3] {
            let simulator = Simulator::start().await.unwrap();
            let client = native(client(attempts), simulator.origin());
            simulator.set_fault(text.parse().unwrap());
            simulator.plan([Fault::None]);

            let fetched = outcome(&client, &code(&simulator, user())).await;

            let requests = if asks == Once { 1 } else { attempts as usize };
            assert_eq!((fetched, simulator.fetches()), (expected.clone(), 1 + requests), "{text}, {attempts} attempts");
        }
    }
}

#[tokio::test]
async fn every_answer_of_the_missed_call_endpoint_has_its_meaning_and_its_number_of_requests() {
    let own = [
        ("status=200", Err(FetchError::NoPhoneNumber), Once),
        ("status=400", Err(FetchError::Unusable), Once),
        ("unauthorized", Err(FetchError::Unusable), Once),
        ("status=403", Err(FetchError::Unusable), Once),
        ("status=404", Err(FetchError::Misconfigured), Once),
        ("status=422", Err(FetchError::Unusable), Once),
        ("no-phone", Err(FetchError::NoPhoneNumber), Once),
        ("unverified", Ok(()), Once),
    ];
    for (text, expected, asks) in faults().into_iter().chain(own) {
        for attempts in [1, 3] {
            let simulator = Simulator::start().await.unwrap();
            let client = native(client(attempts), simulator.origin());
            simulator.set_fault(text.parse().unwrap());

            let fetched = outcome(&client, &missed_call(&simulator, user())).await;

            let requests = if asks == Once { 1 } else { attempts as usize };
            assert_eq!((fetched, simulator.fetches()), (expected.clone(), requests), "{text}, {attempts} attempts");
        }
    }
}

#[tokio::test]
async fn a_credential_that_truecaller_does_not_know_is_refused() {
    let simulator = Simulator::start().await.unwrap();
    let client = native(client(3), simulator.origin());
    let (used, theirs) = (code(&simulator, user()), || user().client_id("the-app-of-another-site"));
    assert_eq!(outcome(&client, &used).await, Ok(()));
    for (credential, expected) in [
        (used, FetchError::Refused),
        (code_of("never-given"), FetchError::Refused),
        (code(&simulator, theirs()), FetchError::Refused),
        (code_of(&simulator.authorize(user(), "a challenge of another verifier")), FetchError::Refused),
        (missed_call_of("never-given"), FetchError::Refused),
        (missed_call(&simulator, theirs()), FetchError::Misconfigured),
        (code(&simulator, user().scope("profile phone")), FetchError::Misconfigured),
        (code(&simulator, user().scope("openid profile")), FetchError::NoPhoneNumber),
    ] {
        assert_eq!(outcome(&client, &credential).await, Err(expected));
    }
}

#[tokio::test]
async fn a_number_counts_only_if_truecaller_calls_it_verified() {
    let simulator = Simulator::start().await.unwrap();
    let client = native(client(1), simulator.origin());
    for answer in [
        r#"{"sub":"1","phone_number":"919999900001"}"#,
        r#"{"sub":"1","phone_number":"919999900001","phone_number_verified":false}"#,
        r#"{"sub":"1","phone_number":"919999900001","phone_number_verified":"true"}"#,
    ] {
        let credential = code(&simulator, user().answer(answer));
        assert_eq!(outcome(&client, &credential).await, Err(FetchError::NumberNotVerified), "{answer}");
    }
}

#[tokio::test]
async fn what_went_wrong_once_is_made_good_by_the_next_try() {
    let simulator = Simulator::start().await.unwrap();
    let client = native(client(2), simulator.origin());

    simulator.plan([Fault::None, Fault::Close]);
    assert_eq!(outcome(&client, &code(&simulator, user())).await, Ok(()));
    simulator.plan([Fault::Cut]);
    assert_eq!(outcome(&client, &missed_call(&simulator, user())).await, Ok(()));

    assert_eq!(simulator.fetches(), 3 + 2);
}

/// The deadline is one for both requests.
#[tokio::test]
async fn the_profile_is_not_asked_for_if_the_token_came_after_the_deadline() {
    let simulator = Simulator::start().await.unwrap();
    let clock = ManualClock::default();
    let client = native(ProfileClient::builder().clock(clock.clone()).build().unwrap(), simulator.origin());
    let credential = code(&simulator, user());
    let patience = Duration::from_millis(2500);
    let deadline = clock.now() + patience;
    simulator.set_fault(Fault::Held);

    let (fetched, ()) = tokio::join!(fetch_by(&client, &credential, deadline), async {
        within(simulator.wait_for_fetches(1)).await;
        clock.advance(patience);
        simulator.release();
    });

    assert_eq!(fetched.map(drop), Err(FetchError::TimedOut));
    assert_eq!(simulator.fetches(), 1);
}

#[tokio::test]
async fn the_limit_of_a_client_is_that_of_each_answer() {
    let simulator = Simulator::start().await.unwrap();
    let small = ProfileClient::builder().profile_limit(1024).attempts(1).build().unwrap();
    let client = native(small, simulator.origin());
    for plan in [vec![Fault::Sized(1025)], vec![Fault::None, Fault::Sized(1025)]] {
        simulator.plan(plan);
        assert_eq!(fetch(&client, &code(&simulator, user())).await, Err(FetchError::Unusable));
    }
    simulator.plan([Fault::Sized(1025)]);
    assert_eq!(fetch(&client, &missed_call(&simulator, user())).await, Err(FetchError::Unusable));
    simulator.set_fault(Fault::Sized(1024));
    assert_eq!(outcome(&client, &code(&simulator, user())).await, Ok(()));
}
