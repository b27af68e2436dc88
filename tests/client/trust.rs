//! Whose certificates are believed, and which addresses are connected to.

use std::{
    error::Error,
    fs, io,
    net::{TcpListener as StdListener, ToSocketAddrs},
    time::Duration,
};

use truegate::{
    cause::{Cause, TlsCause},
    profile::ProfileClient,
    simulator::{Fault, Simulator},
};

use super::{
    Secured, client, outcome,
    support::{port::Port, raw::within},
    unavailable,
};

const HOST: &str = "profile4-noneu.truecaller.com";
const DOCUMENTED: &str = "https://profile4-noneu.truecaller.com/v1/default";

#[tokio::test]
async fn the_documented_endpoint_can_be_the_simulator() {
    let Secured { simulator, certificate } = Secured::start(&[HOST]).await;
    let client = ProfileClient::builder().resolve(HOST, simulator.address()).trust(certificate).build().unwrap();

    assert_eq!(outcome(&client, DOCUMENTED).await, Ok(()));

    assert_eq!(simulator.seen()[0].target.to_string(), DOCUMENTED);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_ends_the_fetch() {
    let Secured { simulator, certificate } = Secured::start(&["other.example"]).await;
    let other = Secured::start(&[HOST]).await.certificate;
    for (trusted, cause) in
        [(String::new(), TlsCause::UnknownIssuer), (other, TlsCause::UnknownIssuer), (certificate, TlsCause::WrongName)]
    {
        let client = ProfileClient::builder().resolve(HOST, simulator.address()).trust(trusted).build().unwrap();
        assert_eq!(outcome(&client, DOCUMENTED).await, unavailable(Cause::Tls(cause)), "{cause:?}");
    }
    assert_eq!(simulator.fetches(), 0);
}

#[tokio::test]
async fn an_https_endpoint_is_never_asked_without_tls() {
    let simulator = Simulator::start().await.unwrap();
    let client = ProfileClient::builder().resolve(HOST, simulator.address()).build().unwrap();
    assert_eq!(outcome(&client, DOCUMENTED).await, unavailable(Cause::Tls(TlsCause::NotTls)));
    assert_eq!(simulator.fetches(), 0);
}

#[tokio::test]
async fn a_handshake_that_stalls_is_given_up_after_the_connect_timeout() {
    let Secured { simulator, certificate } = Secured::start(&["127.0.0.1"]).await;
    simulator.set_fault(Fault::Stall);
    let builder = ProfileClient::builder().connect_timeout(Duration::from_millis(50)).attempts(2);
    let client = builder.trust(certificate).build().unwrap();

    assert_eq!(outcome(&client, simulator.endpoint()).await, unavailable(Cause::Timeout));

    within(simulator.wait_for_connections(2)).await;
    assert_eq!((simulator.connections(), simulator.fetches()), (2, 0));
}

#[tokio::test]
async fn an_endpoint_that_nobody_serves_is_unavailable() {
    let closed = Port::reserve();
    let client = ProfileClient::builder().resolve(HOST, closed.address()).build().unwrap();
    assert_eq!(outcome(&client, DOCUMENTED).await, unavailable(Cause::Connect));
}

/// No DNS server is asked for a label of more than 63 letters.
#[tokio::test]
async fn a_name_that_nobody_knows_is_said_to_be_the_cause() {
    let endpoint = format!("https://{}.invalid/v1/default", "a".repeat(64));
    assert_eq!(outcome(&client(1), &endpoint).await, unavailable(Cause::Dns));
}

#[tokio::test]
async fn an_error_keeps_its_source_without_the_url() {
    let closed = Port::reserve();
    let client = ProfileClient::builder().resolve(HOST, closed.address()).build().unwrap();
    let failed = outcome(&client, DOCUMENTED).await.unwrap_err();
    let mut next: Option<&(dyn Error + 'static)> = Some(&failed);
    let (mut chain, mut refused) = (String::new(), false);
    while let Some(error) = next {
        chain += &format!("{error} {error:?}\n");
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        refused |= kind == Some(io::ErrorKind::ConnectionRefused);
        next = error.source();
    }
    assert!(refused && !chain.contains("v1/default"), "{chain}");
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_not_connected_to() {
    let trap = StdListener::bind("0.0.0.0:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let port = trap.local_addr().unwrap().port();
    let client = ProfileClient::builder().attempts(1).build().unwrap();

    for name in names_of_this_machine() {
        let endpoint = format!("https://{name}:{port}/v1/default");
        assert_eq!(outcome(&client, &endpoint).await, unavailable(Cause::Dns), "{name}");
    }

    assert_eq!(trap.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

/// Those of `/etc/hosts` that lead to a loopback address, but for the one that is meant to.
pub(crate) fn names_of_this_machine() -> Vec<String> {
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let lines = hosts.lines().filter_map(|line| line.split('#').next());
    let names = lines.flat_map(|line| line.split_whitespace().skip(1)).map(str::to_ascii_lowercase);
    names.filter(|name| name != "localhost" && leads_to_loopback(name)).collect()
}

fn leads_to_loopback(name: &str) -> bool {
    (name, 443).to_socket_addrs().is_ok_and(|mut found| found.any(|address| address.ip().is_loopback()))
}
