//! Connections are kept, and one is enough.

use std::{
    io::ErrorKind,
    num::NonZero,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::Version;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    runtime::Builder,
    task::{JoinSet, spawn_blocking},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        HandshakeKind, ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, pem::PemObject},
    },
};
use truegate::{
    callback::ProfileEndpoint,
    cause::Cause,
    clock::{Clock, ManualClock},
    profile::{ProfileClient, ProfileSource},
    simulator::{Fault, Simulator},
};

use super::{Secured, client, far, fetch, grant, outcome, support::raw::within, unavailable};

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

#[tokio::test]
async fn a_runtime_that_is_stuck_holds_up_no_fetch_of_another() {
    let Secured { simulator, certificate } = Secured::start(&["127.0.0.1"]).await;
    let client = ProfileClient::builder().trust(certificate).build().unwrap();
    let (other, grant) = (client.clone(), grant(simulator.endpoint()));
    let stuck = spawn_blocking(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        assert!(runtime.block_on(fetch(&other, &grant)).is_ok());
        runtime
    });
    let stuck = within(stuck).await.unwrap();

    assert_eq!(outcome(&client, simulator.endpoint()).await, Ok(()));

    assert_eq!((simulator.fetches(), simulator.connections()), (2, 2));
    stuck.shutdown_background();
}

/// A client with one connection, on which a fetch was not answered until its deadline; meanwhile another one was, or not.
async fn after_a_silent_fetch(others_are_answered: bool) -> (ProfileClient, Simulator) {
    let Secured { simulator, certificate } = Secured::start(&["127.0.0.1"]).await;
    let clock = ManualClock::default();
    let client = ProfileClient::builder().trust(certificate).clock(clock.clone()).build().unwrap();
    assert_eq!(outcome(&client, simulator.endpoint()).await, Ok(()));
    simulator.plan([Fault::Hang]);
    let (grant, patience) = (grant(simulator.endpoint()), Duration::from_millis(2500));
    tokio::select! {
        _ = client.fetch(&grant, clock.now() + patience) => panic!("it was answered"),
        () = async {
            within(simulator.wait_for_fetches(2)).await;
            clock.advance(patience);
            if others_are_answered {
                assert_eq!(outcome(&client, simulator.endpoint()).await, Ok(()));
            }
        } => {}
    }
    (client, simulator)
}

#[tokio::test]
async fn a_connection_that_is_silent_until_a_deadline_is_used_no_more() {
    let (client, simulator) = after_a_silent_fetch(false).await;

    assert_eq!(outcome(&client, simulator.endpoint()).await, Ok(()));

    assert_eq!((simulator.fetches(), simulator.connections()), (3, 2));
}

#[tokio::test]
async fn a_slow_answer_gives_up_no_connection_that_answers_others() {
    let (client, simulator) = after_a_silent_fetch(true).await;

    assert_eq!(outcome(&client, simulator.endpoint()).await, Ok(()));

    assert_eq!((simulator.fetches(), simulator.connections()), (4, 1));
}

#[tokio::test]
async fn an_idle_connection_is_closed_without_another_callback() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/v1/default", listener.local_addr().unwrap());
    let clock = ManualClock::default();
    let client = ProfileClient::builder().clock(clock.clone()).build().unwrap();
    let serve = async {
        let mut stream = BufReader::new(within(listener.accept()).await.unwrap().0);
        let mut line = String::new();
        while within(stream.read_line(&mut line)).await.unwrap() > 2 {
            line.clear();
        }
        stream.write_all(ANSWER).await.unwrap();
        stream
    };
    let (outcome, mut stream) = tokio::join!(outcome(&client, &endpoint), serve);
    assert_eq!(outcome, Ok(()));

    clock.advance(Duration::from_secs(90));

    assert_eq!(within(stream.read_u8()).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_lost_connection_is_opened_again_before_a_callback_needs_it() {
    let Secured { simulator, certificate } = Secured::start(&["127.0.0.1"]).await;
    let client = ProfileClient::builder().trust(certificate).attempts(1).build().unwrap();
    simulator.plan([Fault::Close]);
    assert_eq!(outcome(&client, simulator.endpoint()).await, unavailable(Cause::Closed));

    within(simulator.wait_for_connections(2)).await;

    assert_eq!(simulator.fetches(), 1, "no request is sent for it");
    assert_eq!(outcome(&client, simulator.endpoint()).await, Ok(()));
    assert_eq!((simulator.fetches(), simulator.connections()), (2, 2));
}

#[tokio::test]
async fn a_connection_can_be_opened_before_the_first_callback() {
    let Secured { simulator, certificate } = Secured::start(&["127.0.0.1"]).await;
    let client = ProfileClient::builder().trust(certificate).build().unwrap();

    client.connect(&[ProfileEndpoint::parse(simulator.endpoint()).unwrap()].into_iter().collect());
    within(simulator.wait_for_connections(1)).await;

    assert_eq!(simulator.fetches(), 0, "no request is sent for it");
    assert_eq!(outcome(&client, simulator.endpoint()).await, Ok(()));
    assert_eq!(simulator.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_nobody_can_use_any_more_is_closed() {
    let Secured { simulator, certificate } = Secured::start(&["127.0.0.1"]).await;
    let client = ProfileClient::builder().trust(certificate).build().unwrap();
    assert_eq!(outcome(&client, simulator.endpoint()).await, Ok(()));

    drop(client);

    within(simulator.stop()).await;
}

#[tokio::test]
async fn a_second_connection_resumes_the_tls_session_of_the_first() {
    let server = ClosingServer::start().await;
    let client = ProfileClient::builder().trust(server.certificate.clone()).attempts(1).build().unwrap();

    for _ in 0..3 {
        assert_eq!(outcome(&client, &server.endpoint).await, Ok(()));
    }

    assert_eq!(server.handshakes(), [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed]);
}

/// Serves one profile on each connection, over TLS, and remembers how each handshake went.
struct ClosingServer {
    endpoint: String,
    certificate: String,
    handshakes: Arc<Mutex<Vec<HandshakeKind>>>,
    _server: JoinSet<()>,
}

impl ClosingServer {
    async fn start() -> Self {
        let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::from_pem_slice(pair.signing_key.serialize_pem().as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let tls = TlsAcceptor::from(Arc::new(config.with_single_cert(vec![pair.cert.der().clone()], key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("https://{}/v1/default", listener.local_addr().unwrap());
        let handshakes = Arc::<Mutex<Vec<_>>>::default();
        let (mut server, seen) = (JoinSet::new(), Arc::clone(&handshakes));
        server.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let mut stream = BufReader::new(tls.accept(stream).await.unwrap());
                seen.lock().unwrap().push(stream.get_ref().get_ref().1.handshake_kind().unwrap());
                let mut line = String::new();
                while stream.read_line(&mut line).await.unwrap() > 2 {
                    line.clear();
                }
                stream.write_all(LAST_ANSWER).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        Self { endpoint, certificate: pair.cert.pem(), handshakes, _server: server }
    }

    fn handshakes(&self) -> Vec<HandshakeKind> {
        self.handshakes.lock().unwrap().clone()
    }
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n{\"phoneNumbers\":[\"919999999999\"]}";
const LAST_ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 33\r\n\r\n\
                             {\"phoneNumbers\":[\"919999999999\"]}";
