//! The tower layer in hyper, in front of a small reverse proxy.

use std::net::SocketAddr;

use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::{body::Incoming, upgrade};
use hyper_util::{
    client::legacy::{self, Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::task::TaskTracker;
use tower::{ServiceBuilder, service_fn};
use truegate::{
    Gate, Lease, TruegateLayer,
    gate::{ClientInfo, Scheme, TrustedProxy},
    layer::GuardedBody,
};

type Body = GuardedBody<Incoming>;

/// A server that runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl Server {
    /// With every request from a proxy of the operator's own, if it is to be so.
    pub async fn start(gate: Gate, app: SocketAddr, trusted: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let mut task = JoinSet::new();
        task.spawn(accept(listener, gate, app, trusted));
        Self { address, _task: task }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener, gate: Gate, app: SocketAddr, trusted: bool) {
    let tasks = TaskTracker::new();
    let proxy = Proxy { client: Client::builder(TokioExecutor::new()).build_http(), app, tasks: tasks.clone() };
    let layers = ServiceBuilder::new().layer(TruegateLayer::new(gate));
    let service = layers.service(service_fn(move |request| {
        let proxy = proxy.clone();
        async move { proxy.forward(request).await }
    }));
    while let Ok((stream, peer)) = listener.accept().await {
        let client = ClientInfo { address: Some(peer.ip()), scheme: Some(Scheme::Http) };
        let mark = move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(client);
            if trusted {
                request.extensions_mut().insert(TrustedProxy);
            }
            request
        };
        let service = ServiceBuilder::new().map_request(mark).service(service.clone());
        let service = TowerToHyperService::new(service);
        tasks.spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            // How a connection ends is seen by its client.
            let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
        });
    }
}

#[derive(Clone)]
struct Proxy {
    client: Client<HttpConnector, Body>,
    app: SocketAddr,
    tasks: TaskTracker,
}

impl Proxy {
    async fn forward(&self, mut request: Request<Body>) -> Result<Response<Incoming>, legacy::Error> {
        let client = request.headers().contains_key(header::UPGRADE).then(|| upgrade::on(&mut request));
        let lease = request.extensions().get::<Lease>().cloned();
        self.direct(&mut request);
        let mut response = self.client.request(request).await?;
        if let Some(client) = client.filter(|_| response.status() == StatusCode::SWITCHING_PROTOCOLS) {
            let app = upgrade::on(&mut response);
            self.tasks.spawn(async move {
                if let (Ok(client), Ok(app)) = tokio::join!(client, app) {
                    let (mut client, mut app) = (TokioIo::new(client), TokioIo::new(app));
                    let talk = tokio::io::copy_bidirectional(&mut client, &mut app);
                    match lease {
                        // What was upgraded is beyond the layer.
                        Some(lease) => tokio::select! { _ = talk => {}, () = lease.over() => {} },
                        None => _ = talk.await,
                    }
                }
            });
        }
        Ok(response)
    }

    /// Points a request of any version at the app, over HTTP/1.1.
    fn direct(&self, request: &mut Request<Body>) {
        if let Some(authority) = request.uri().authority()
            && !request.headers().contains_key(header::HOST)
        {
            let host = HeaderValue::from_str(authority.as_str()).expect("an authority is visible ASCII");
            request.headers_mut().insert(header::HOST, host);
        }
        let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        *request.uri_mut() = format!("http://{}{target}", self.app).parse().expect("a target stays one");
        *request.version_mut() = Version::HTTP_11;
    }
}
