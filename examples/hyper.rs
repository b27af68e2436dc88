//! A small reverse proxy: hyper takes the requests, truegate looks at them, hyper's client sends them on.
//!
//! ```sh
//! export TRUEGATE_CALLBACK_PATH=$(cargo run --features dev -- keys path)   # the same in each terminal
//! cargo run --example app                                                    # each in a terminal of its own
//! TRUEGATE_ENDPOINT=http://127.0.0.1:8490/v1/default cargo run --example hyper
//! cargo run --features dev -- simulate --callback "http://127.0.0.1:8080$TRUEGATE_CALLBACK_PATH"
//! curl -H 'X-Truecaller-Phone: +10000000000' http://127.0.0.1:8080/
//! ```
//!
//! Without `TRUEGATE_ENDPOINT`, profiles come from Truecaller. `LISTEN` and `UPSTREAM` name other addresses.

use std::{convert::Infallible, env, error::Error};

use bytes::Bytes;
use http::{Request, Response, Uri, header, uri::Authority};
use http_body_util::{Either, Empty};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, task::JoinSet};
use tower::{Layer, service_fn};
use truegate::{
    Gate, TruegateLayer,
    callback::{EndpointError, Endpoints, ProfileEndpoint},
    layer::GuardedBody,
    profile::ProfileClient,
};

type Upstream = Client<HttpConnector, GuardedBody<Incoming>>;
type Answer = Response<Either<Incoming, Empty<Bytes>>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = ProfileClient::builder().build()?;
    let path = env::var("TRUEGATE_CALLBACK_PATH")?;
    let gate = Gate::builder(path.parse()?, client).endpoints(endpoints()?).require_host().build();
    let authority: Authority = env::var("UPSTREAM").as_deref().unwrap_or("127.0.0.1:3000").parse()?;
    let upstream: Upstream = Client::builder(TokioExecutor::new()).build_http();
    let proxy = service_fn(move |request| forward(upstream.clone(), authority.clone(), request));
    let service = TowerToHyperService::new(TruegateLayer::new(gate).layer(proxy));

    let listener = TcpListener::bind(env::var("LISTEN").as_deref().unwrap_or("127.0.0.1:8080")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        let mut server = http1::Builder::new();
        connections.spawn(server.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn forward(
    upstream: Upstream,
    authority: Authority,
    mut request: Request<GuardedBody<Incoming>>,
) -> Result<Answer, Infallible> {
    let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let target = Uri::builder().scheme("http").authority(authority).path_and_query(path);
    *request.uri_mut() = target.build().expect("parts of URIs make a URI");
    // Both are between the client and this proxy, which upgrades nothing.
    for name in [header::CONNECTION, header::UPGRADE] {
        request.headers_mut().remove(name);
    }
    Ok(match upstream.request(request).await {
        Ok(answer) => answer.map(Either::Left),
        Err(_) => Response::builder().status(502).body(Either::Right(Empty::new())).expect("a valid status"),
    })
}

fn endpoints() -> Result<Endpoints, EndpointError> {
    match env::var("TRUEGATE_ENDPOINT") {
        Ok(url) => Ok(Endpoints::from_iter([ProfileEndpoint::parse(&url)?])),
        Err(_) => Ok(Endpoints::default()),
    }
}
