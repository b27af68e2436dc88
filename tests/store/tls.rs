//! Redis behind TLS: whose certificate is believed.

use std::collections::HashSet;

use truegate::{
    cause::{Cause, TlsCause},
    store::{RedisStore, Store},
};

use crate::{
    failures::all_is_unavailable,
    site::{LONG, browser, owner, request_id},
    support::redis::{Redis, cluster::Cluster, sentinel::Watched},
};

#[tokio::test]
async fn a_certificate_of_a_trusted_authority_is_believed() {
    let (server, authority) = Redis::start_with_tls();
    let store = RedisStore::new(&server.tls_url("localhost"), 10).unwrap().trust(authority.as_bytes()).unwrap();
    assert_eq!(store.open(&request_id(1), &browser(), owner(&request_id(1)), LONG).await, Ok(()));
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_not_believed() {
    let (server, _) = Redis::start_with_tls();
    let store = RedisStore::new(&server.tls_url("localhost"), 10).unwrap();
    assert_eq!(all_is_unavailable(&store).await, HashSet::from([Cause::Tls(TlsCause::UnknownIssuer)]));
}

#[tokio::test]
async fn a_certificate_of_another_name_is_not_believed() {
    let (server, authority) = Redis::start_with_tls();
    let store = RedisStore::new(&server.tls_url("127.0.0.1"), 10).unwrap().trust(authority.as_bytes()).unwrap();
    assert_eq!(all_is_unavailable(&store).await, HashSet::from([Cause::Tls(TlsCause::WrongName)]));
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to_in_clear() {
    let server = Redis::start();
    let store = RedisStore::new(&server.url().replace("redis://", "rediss://"), 10).unwrap();
    all_is_unavailable(&store).await;
}

#[tokio::test]
async fn the_nodes_of_a_cluster_are_believed_by_the_same_rules() {
    let (cluster, authority) = Cluster::start_with_tls();
    let urls: Vec<_> = cluster.nodes.iter().map(|node| node.tls_url("127.0.0.1")).collect();
    let store = RedisStore::cluster(&urls, 100).unwrap().trust(authority.as_bytes()).unwrap();
    for number in 0..20 {
        store.open(&request_id(number), &browser(), owner(&request_id(number)), LONG).await.unwrap();
    }
    let store = RedisStore::cluster(&urls, 100).unwrap();
    assert_eq!(all_is_unavailable(&store).await, HashSet::from([Cause::Tls(TlsCause::UnknownIssuer)]));
}

#[tokio::test]
async fn sentinels_and_their_master_are_believed_by_the_same_rules() {
    let (watched, authority) = Watched::start_with_tls();
    let urls = [watched.sentinels[0].url().replace("redis://", "rediss://")];
    let store = RedisStore::sentinel(&urls, "rediss://mymaster", 10).unwrap();
    assert_eq!(all_is_unavailable(&store).await, HashSet::from([Cause::Tls(TlsCause::UnknownIssuer)]));
    let store = store.trust(authority.as_bytes()).unwrap();
    assert_eq!(store.open(&request_id(1), &browser(), owner(&request_id(1)), LONG).await, Ok(()));
}
