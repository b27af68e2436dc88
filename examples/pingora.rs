//! truegate in a pingora proxy of one's own.
//!
//! ```sh
//! export TRUEGATE_CALLBACK_PATH=$(cargo run --features dev -- keys path)   # the same in each terminal
//! cargo run --example app                                                    # each in a terminal of its own
//! TRUEGATE_ENDPOINT=http://127.0.0.1:8490/v1/default cargo run --features pingora --example pingora
//! cargo run --features dev -- simulate --callback "http://127.0.0.1:8080$TRUEGATE_CALLBACK_PATH"
//! curl -H 'X-Truecaller-Phone: +10000000000' http://127.0.0.1:8080/
//! ```
//!
//! Without `TRUEGATE_ENDPOINT`, profiles come from Truecaller. `LISTEN` and `UPSTREAM` name other addresses.

use std::{env, error::Error};

use async_trait::async_trait;
use pingora_core::{Result, modules::http::HttpModules, server::Server, upstreams::peer::HttpPeer};
use pingora_http::RequestHeader;
use pingora_proxy::{ProxyHttp, Session};
use truegate::{
    Gate,
    callback::{EndpointError, Endpoints, ProfileEndpoint},
    pingora::{TruegateModule, inject, intercept, proxy_service},
    profile::ProfileClient,
};

struct Proxy {
    gate: Gate,
    upstream: String,
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = ();

    fn new_ctx(&self) {}

    fn init_downstream_modules(&self, modules: &mut HttpModules) {
        modules.add_module(TruegateModule::builder(self.gate.clone()));
    }

    async fn request_filter(&self, session: &mut Session, _: &mut ()) -> Result<bool> {
        intercept(session).await
    }

    async fn upstream_peer(&self, _: &mut Session, _: &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(&self.upstream, false, String::new())))
    }

    async fn upstream_request_filter(&self, session: &mut Session, to: &mut RequestHeader, _: &mut ()) -> Result<()> {
        inject(session, to)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let client = ProfileClient::builder().build()?;
    let path = env::var("TRUEGATE_CALLBACK_PATH")?;
    let gate = Gate::builder(path.parse()?, client).endpoints(endpoints()?).require_host().build();
    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let upstream = env::var("UPSTREAM").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());

    let mut server = Server::new(None)?;
    server.bootstrap();
    let mut service = proxy_service(&server.configuration, Proxy { gate, upstream });
    service.add_tcp(&listen);
    server.add_service(service);
    println!("listening on http://{listen}");
    server.run_forever()
}

fn endpoints() -> Result<Endpoints, EndpointError> {
    match env::var("TRUEGATE_ENDPOINT") {
        Ok(url) => Ok(Endpoints::from_iter([ProfileEndpoint::parse(&url)?])),
        Err(_) => Ok(Endpoints::default()),
    }
}
