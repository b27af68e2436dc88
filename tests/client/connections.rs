//! Connections are kept, and one is enough.

use std::num::NonZero;

use http::Version;
use tokio::task::JoinSet;
use truegate::{
    profile::{ProfileClient, ProfileSource},
    simulator::{Fault, Simulator},
};

use super::{Secured, client, far, fetch, grant, outcome, support::raw::within};

#[tokio::test]
async fn a_connection_is_kept_between_callbacks() {
    let simulator = Simulator::start().await.unwrap();
    let client = client(1);

    for _ in 0..4 {
        assert_eq!(outcome(&client, simulator.endpoint()).await, Ok(()));
    }

    assert_eq!((simulator.fetches(), simulator.connections()), (4, 1));
}

#[tokio::test]
async fn one_http_2_connection_carries_fetches_side_by_side() {
    let Secured { simulator, certificate } = Secured::start(&["127.0.0.1"]).await;
    let client = ProfileClient::builder().trust(certificate).build().unwrap();
    assert_eq!(outcome(&client, simulator.endpoint()).await, Ok(()));
    simulator.set_fault(Fault::Held);

    let mut fetches = JoinSet::new();
    for _ in 0..8 {
        let (client, grant) = (client.clone(), grant(simulator.endpoint()));
        fetches.spawn(async move { fetch(&client, &grant).await });
    }
    within(simulator.wait_for_fetches(9)).await;
    simulator.release();

    assert!(within(fetches.join_all()).await.iter().all(Result::is_ok));
    assert_eq!(simulator.connections(), 1);
    assert!(simulator.seen().iter().all(|seen| seen.version == Version::HTTP_2));
}

#[tokio::test]
async fn so_many_fetches_run_at_once_and_the_others_wait_for_their_turn() {
    let simulator = Simulator::start().await.unwrap();
    let client = ProfileClient::builder().concurrency(NonZero::new(2).unwrap()).build().unwrap();
    simulator.set_fault(Fault::Held);
    let mut fetches = JoinSet::new();
    for _ in 0..5 {
        let (client, grant) = (client.clone(), grant(simulator.endpoint()));
        fetches.spawn(async move { fetch(&client, &grant).await });
    }
    within(simulator.wait_for_fetches(2)).await;
    simulator.set_fault(Fault::None);
    simulator.release();
    assert!(within(fetches.join_all()).await.iter().all(Result::is_ok));
    assert_eq!((simulator.fetches(), simulator.connections()), (5, 2), "each at once needs a connection of its own");
}

#[tokio::test]
async fn a_fetch_that_is_given_up_takes_no_connection_with_it() {
    let Secured { simulator, certificate } = Secured::start(&["127.0.0.1"]).await;
    let client = ProfileClient::builder().trust(certificate).build().unwrap();
    simulator.plan([Fault::Hang]);
    let grant = grant(simulator.endpoint());
    tokio::select! {
        _ = client.fetch(&grant, far()) => panic!("it was answered"),
        () = within(simulator.wait_for_fetches(1)) => {}
    }

    let next = fetch(&client, &grant).await;

    assert!(next.is_ok());
    assert_eq!((simulator.fetches(), simulator.connections()), (2, 1));
}
