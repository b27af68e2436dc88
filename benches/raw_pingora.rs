//! The least that a pingora proxy does in truegate's place: it strips identity headers and forwards. `scripts/bench peers`
//! compares truegate with it: `raw_pingora LISTEN UPSTREAM`, each an address. One thread.

use std::{env, error::Error};

use async_trait::async_trait;
use pingora_core::{
    Result,
    server::{Server, configuration::ServerConf},
    upstreams::peer::HttpPeer,
};
use pingora_http::RequestHeader;
use pingora_proxy::{ProxyHttp, Session, http_proxy_service};

const STRIPPED: [&str; 8] = [
    "x-truecaller-status", "x-truecaller-request-id", "x-truecaller-phone", "x-truecaller-user-id",
    "x-truecaller-name", "x-truecaller-given-name", "x-truecaller-family-name", "x-truecaller-country",
];

struct Proxy {
    upstream: String,
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, _: &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(&self.upstream, false, String::new())))
    }

    async fn upstream_request_filter(&self, _: &mut Session, to: &mut RequestHeader, _: &mut ()) -> Result<()> {
        for name in STRIPPED {
            to.remove_header(name);
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(listen), Some(upstream)) = (arguments.next(), arguments.next()) else {
        return Err("usage: raw_pingora LISTEN UPSTREAM".into());
    };
    // As large as truegate's pool: at 1,000 connections the default of 128 would open connections all the time.
    let conf = ServerConf { threads: 1, upstream_keepalive_pool_size: 2048, ..ServerConf::default() };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let mut service = http_proxy_service(&server.configuration, Proxy { upstream });
    service.add_tcp(&listen);
    server.add_service(service);
    server.run_forever()
}
