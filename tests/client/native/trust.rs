//! Which addresses are connected to, and what errors say.

use std::{io, net::TcpListener};

use truegate::{
    callback::ProfileEndpoint,
    cause::{Cause, TlsCause},
    native::NativeClient,
    profile::ProfileClient,
    simulator::{Fault, Simulator, code_challenge},
};

use super::{VERIFIER, chain, client_id, code, code_of, fetch, missed_call, missed_call_of, native, outcome, user};
use crate::{Secured, client, support::port::Port, trust::names_of_this_machine, unavailable};

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_not_connected_to() {
    let trap = TcpListener::bind("0.0.0.0:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let port = trap.local_addr().unwrap().port();
    for name in names_of_this_machine() {
        let client = native(client(1), &format!("https://{name}:{port}"));
        for credential in [code_of("c"), missed_call_of("t")] {
            assert_eq!(outcome(&client, &credential).await, unavailable(Cause::Dns), "{name}");
        }
    }
    assert_eq!(trap.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_nobody_vouches_for() {
    let Secured { simulator, .. } = Secured::start(&["127.0.0.1"]).await;
    let client = native(client(1), simulator.origin());
    for credential in [code(&simulator, user()), missed_call(&simulator, user())] {
        assert_eq!(outcome(&client, &credential).await, unavailable(Cause::Tls(TlsCause::UnknownIssuer)));
    }
    assert_eq!(simulator.fetches(), 0);
}

#[tokio::test]
async fn an_access_token_goes_to_the_userinfo_endpoint_alone() {
    let (simulator, trap) = (Simulator::start().await.unwrap(), Simulator::start().await.unwrap());
    let client = native(client(3), simulator.origin());
    for path in ["/v1/userinfo", "/v1/default"] {
        let location = format!("{}{path}", trap.origin());
        simulator.plan([Fault::None, Fault::Redirect(location.parse().unwrap())]);
        assert!(outcome(&client, &code(&simulator, user())).await.is_err());
        simulator.plan([Fault::Redirect(location.parse().unwrap())]);
        assert!(outcome(&client, &code(&simulator, user())).await.is_err());
        simulator.plan([Fault::Redirect(location.parse().unwrap())]);
        assert!(outcome(&client, &missed_call(&simulator, user())).await.is_err());
    }
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn no_error_says_a_credential_a_token_a_number_or_a_url() {
    let simulator = Simulator::start().await.unwrap();
    let closed = native(client(1), &format!("http://{}", Port::reserve().address()));
    let open = native(client(1), simulator.origin());
    let mut said = format!("{open:?} {:?}", NativeClient::builder(client(1), client_id()));
    let mut secrets = vec![VERIFIER.to_owned(), "9999900001".to_owned(), "/v1/".to_owned()];
    for fault in ["unauthorized", "status=404", "status=503", "malformed", "cut", "close", "huge", "no-phone"] {
        let given = simulator.authorize(user(), code_challenge(VERIFIER));
        let called = simulator.missed_call(user());
        for (client, credential) in [
            (&open, code_of(&given)),
            (&open, missed_call_of(&called)),
            (&closed, code_of(&given)),
            (&closed, missed_call_of(&called)),
        ] {
            simulator.set_fault(fault.parse().unwrap());
            said += &chain(&fetch(client, &credential).await.unwrap_err());
        }
        // Its token request passes, so this one knows an access token.
        simulator.plan([Fault::None]);
        let credential = code(&simulator, user());
        said += &chain(&fetch(&open, &credential).await.unwrap_err());
        secrets.extend([given, called]);
    }
    let bearers = simulator.seen().into_iter().filter_map(|seen| seen.headers.get("authorization").cloned());
    secrets.extend(bearers.map(|bearer| bearer.to_str().unwrap().replace("Bearer ", "")));
    for secret in secrets {
        assert!(!said.contains(&secret), "{secret}: {said}");
    }
}

#[tokio::test]
async fn an_endpoint_without_tls_is_this_machine() {
    for url in ["http://oauth-account-noneu.truecaller.com/v1/token", "https://a@b.example/", "https://b.example./v1"] {
        assert!(ProfileEndpoint::parse(url).is_err(), "{url}");
    }
    let simulator = Simulator::start().await.unwrap();
    let host = "oauth-account-noneu.truecaller.com";
    let profiles = ProfileClient::builder().resolve(host, simulator.address()).attempts(1).build().unwrap();
    let client = NativeClient::builder(profiles, client_id()).build();
    let outcome = outcome(&client, &code(&simulator, user())).await;
    assert_eq!(outcome, unavailable(Cause::Tls(TlsCause::NotTls)));
    assert_eq!(simulator.fetches(), 0);
}
