//! A code is not sent again once Truecaller may have spent it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, pem::PemObject},
    },
};
use truegate::{
    native::NativeSource,
    profile::ProfileClient,
    simulator::{Fault, Simulator},
};

use super::{code, code_of, missed_call, native, outcome, user};
use crate::{
    Secured, client, far,
    support::{
        port::Port,
        raw::{Message, within},
    },
};

/// The end of a connection after a whole request was read.
#[derive(Debug, Clone, Copy)]
enum End {
    Reset,
    Close,
    Silence,
    Answer(&'static str),
    /// Over HTTP/2: frames, then a close.
    Frames(&'static [u8]),
}

const ENDS: [End; 10] = [
    End::Reset,
    End::Close,
    End::Answer("HTTP/1.1 200 OK\r\nContent-Len"),
    End::Answer("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"access_token\":"),
    End::Answer("HTTP/1.1 100 Continue\r\n\r\n"),
    End::Answer("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
    End::Answer("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"),
    End::Answer("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"),
    End::Answer("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"),
    End::Answer("no HTTP at all\r\n\r\n"),
];

#[tokio::test]
async fn a_code_is_not_sent_again_after_it_was_read() {
    for end in ENDS {
        let server = Server::start(end).await;
        let outcome = outcome(&native(client(3), &server.origin), &code_of("c")).await;
        assert_eq!((outcome.is_err(), server.requests()), (true, 1), "{end:?}");
    }
}

/// These frames say that the server has not looked at the request. They come too late all the same, if something between has.
#[tokio::test]
async fn a_code_is_not_sent_again_over_http_2_either() {
    for end in [
        // RST_STREAM of stream 1 with REFUSED_STREAM, and with CANCEL.
        End::Frames(&[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 7]),
        End::Frames(&[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8]),
        // GOAWAY without an error: the last stream was 0.
        End::Frames(&[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        End::Close,
    ] {
        let server = Server::start_tls(end).await;
        let client = ProfileClient::builder().attempts(3).trust(server.certificate.clone()).build().unwrap();
        let outcome = outcome(&native(client, &server.origin), &code_of("c")).await;
        assert_eq!((outcome.is_err(), server.requests()), (true, 1), "{end:?}");
    }
}

#[tokio::test]
async fn a_code_that_is_not_answered_waits_for_the_deadline() {
    let server = Server::start(End::Silence).await;
    let (client, credential) = (native(client(3), &server.origin), code_of("c"));
    tokio::select! {
        _ = client.fetch(&credential, far()) => panic!("it was answered"),
        () = within(server.asked()) => {}
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_code_is_sent_once_there_is_a_connection() {
    let Secured { simulator, certificate } = Secured::start(&["127.0.0.1"]).await;
    let builder = ProfileClient::builder().connect_timeout(Duration::from_millis(50)).attempts(2);
    let client = native(builder.trust(certificate).build().unwrap(), simulator.origin());
    simulator.plan([Fault::Stall]);

    assert_eq!(outcome(&client, &code(&simulator, user())).await, Ok(()));

    assert_eq!((simulator.fetches(), simulator.connections()), (2, 2));
}

#[tokio::test]
async fn an_endpoint_that_nobody_serves_is_tried_as_often_as_allowed() {
    let port = Port::reserve();
    let client = native(client(2), &format!("http://{}", port.address()));
    assert!(outcome(&client, &code_of("c")).await.is_err());

    let simulator = Simulator::builder().listen(port.address()).start().await.unwrap();

    assert_eq!(outcome(&client, &code(&simulator, user())).await, Ok(()));
    assert_eq!(outcome(&client, &missed_call(&simulator, user())).await, Ok(()));
}

/// Reads one request on each connection, counts it, and ends the connection in one way.
struct Server {
    origin: String,
    certificate: String,
    requests: Arc<AtomicUsize>,
    heard: Arc<tokio::sync::Notify>,
    _server: JoinSet<()>,
}

impl Server {
    async fn start(end: End) -> Self {
        Self::of(end, None, String::new()).await
    }

    async fn start_tls(end: End) -> Self {
        let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::from_pem_slice(pair.signing_key.serialize_pem().as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut config = config.with_single_cert(vec![pair.cert.der().clone()], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Self::of(end, Some(TlsAcceptor::from(Arc::new(config))), pair.cert.pem()).await
    }

    async fn of(end: End, tls: Option<TlsAcceptor>, certificate: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let origin = format!("{scheme}://{}", listener.local_addr().unwrap());
        let (requests, heard) = (Arc::<AtomicUsize>::default(), Arc::<tokio::sync::Notify>::default());
        let (count, hear) = (Arc::clone(&requests), Arc::clone(&heard));
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (count, hear, tls) = (Arc::clone(&count), Arc::clone(&hear), tls.clone());
                connections.spawn(async move {
                    let heard = || {
                        count.fetch_add(1, Ordering::SeqCst);
                        hear.notify_one();
                    };
                    match tls {
                        Some(tls) => serve_http_2(tls.accept(stream).await.unwrap(), end, heard).await,
                        None => serve(stream, end, heard).await,
                    }
                });
            }
        });
        Self { origin, certificate, requests, heard, _server: server }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    async fn asked(&self) {
        self.heard.notified().await;
    }
}

async fn serve(stream: TcpStream, end: End, heard: impl Fn()) {
    let mut stream = BufReader::new(stream);
    while let Ok(Some(request)) = Message::read_buffered(&mut stream).await {
        assert!(request.start.starts_with("POST /v1/token ") && request.text().contains("code=c"), "{request:?}");
        heard();
        match end {
            End::Reset => return stream.get_ref().set_zero_linger().unwrap(),
            End::Silence => std::future::pending().await,
            End::Answer(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            End::Close | End::Frames(_) => return,
        }
        // Only a whole answer is followed by another request.
        let End::Answer(answer) = end else { return };
        if !answer.ends_with("Content-Length: 0\r\n\r\n") {
            return;
        }
    }
}

async fn serve_http_2(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin, end: End, heard: impl Fn()) {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let (data, headers, end_stream) = (0, 1, 1);
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.unwrap();
    stream.write_all(&SETTINGS).await.unwrap();
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.unwrap();
        if [data, headers].contains(&head[3]) && head[4] & end_stream != 0 {
            heard();
            if let End::Frames(frames) = end {
                stream.write_all(frames).await.unwrap();
                stream.flush().await.unwrap();
            }
            let _ = stream.shutdown().await;
            return;
        }
    }
}
