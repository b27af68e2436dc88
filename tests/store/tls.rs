//! Redis behind TLS: whose certificate is believed.

use std::collections::HashSet;

use truegate::{
    cause::{Cause, TlsCause},
    store::{RedisStore, Store},
};

use crate::{
    failures::all_is_unavailable,
    site::{LONG, browser, owner, request_id},
    support::redis::Redis,
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
