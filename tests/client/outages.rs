//! An endpoint that cannot be connected to costs few handshakes, and takes nothing from the others.

use std::{num::NonZero, time::Duration};

use tokio::task::JoinSet;
use truegate::{
    cause::{Cause, TlsCause},
    profile::{ProfileClient, ProfileSource},
    simulator::{Fault, Simulator},
};

use super::{
    Secured, client, fetch, grant, outcome,
    support::{port::Port, raw::within},
    unavailable,
};

/// Without a breaker there would be a handshake for each callback.
#[tokio::test]
async fn callbacks_that_come_together_share_a_failing_handshake() {
    let Secured { simulator, .. } = Secured::start(&["127.0.0.1"]).await;
    let client = client(1);
    for _ in 0..2 {
        let mut fetches = JoinSet::new();
        for _ in 0..32 {
            let (client, grant) = (client.clone(), grant(simulator.endpoint()));
            fetches.spawn(async move { fetch(&client, &grant).await.map(drop) });
        }
        for outcome in within(fetches.join_all()).await {
            assert_eq!(outcome, unavailable(Cause::Tls(TlsCause::UnknownIssuer)));
        }
    }
    assert!((2..=6).contains(&simulator.connections()), "{} handshakes", simulator.connections());
}

#[tokio::test]
async fn callbacks_during_a_long_outage_fail_at_once_with_the_same_cause() {
    let Secured { simulator, .. } = Secured::start(&["127.0.0.1"]).await;
    let client = client(1);
    for _ in 0..64 {
        let outcome = outcome(&client, simulator.endpoint()).await;
        assert_eq!(outcome, unavailable(Cause::Tls(TlsCause::UnknownIssuer)));
    }
    assert!(simulator.connections() <= 8, "{} handshakes", simulator.connections());
}

#[tokio::test]
async fn an_endpoint_that_is_back_is_asked_by_the_next_callback() {
    let port = Port::reserve();
    let endpoint = format!("http://{}/v1/default", port.address());
    let client = client(1);
    assert_eq!(outcome(&client, &endpoint).await, unavailable(Cause::Connect));

    let simulator = Simulator::builder().listen(port.address()).start().await.unwrap();

    assert_eq!(outcome(&client, &endpoint).await, Ok(()));
    assert_eq!(simulator.connections(), 1);
}

#[tokio::test]
async fn the_next_attempt_of_a_callback_is_made_after_a_back_off() {
    let Secured { simulator, .. } = Secured::start(&["127.0.0.1"]).await;
    assert_eq!(outcome(&client(2), simulator.endpoint()).await, unavailable(Cause::Tls(TlsCause::UnknownIssuer)));
    assert_eq!(simulator.connections(), 2);
}

#[tokio::test]
async fn an_endpoint_that_fails_takes_nothing_from_another_one() {
    let Secured { simulator: stalled, certificate } = Secured::start(&["127.0.0.1"]).await;
    stalled.set_fault(Fault::Stall);
    let Secured { simulator: untrusted, .. } = Secured::start(&["127.0.0.1"]).await;
    let good = Simulator::start().await.unwrap();
    let client = ProfileClient::builder().trust(certificate).attempts(1).connect_timeout(Duration::from_secs(50));
    let client = client.concurrency(NonZero::new(1).unwrap()).build().unwrap();
    let waiting = grant(stalled.endpoint());

    tokio::select! {
        _ = client.fetch(&waiting, super::far()) => panic!("it was answered"),
        () = async {
            within(stalled.wait_for_connections(1)).await;
            assert!(outcome(&client, untrusted.endpoint()).await.is_err());
            assert_eq!(outcome(&client, good.endpoint()).await, Ok(()));
        } => {}
    }
}
