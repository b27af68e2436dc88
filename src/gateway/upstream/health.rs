//! Asks the servers of an app whether they can serve.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use http::{HeaderValue, Method, header};
use pingora_core::{Error, ErrorType, Result, connectors::TransportConnector, upstreams::peer::HttpPeer};
use pingora_http::RequestHeader;
use pingora_load_balancing::{
    Backend,
    health_check::{HealthCheck, HttpHealthCheck},
};
use tokio::time::timeout;

use super::{discovery, peer::with_authority, roots, server::Servers};
use crate::gateway::{
    BoxError,
    config::{HealthConfig, HostMode, Protocol, UpstreamConfig},
};

/// The health checks of all servers of an app. They carry no identity.
pub(super) struct HealthChecks {
    /// One for each server of the configuration.
    checks: Vec<Check>,
    /// How long a whole check may take.
    timeout: Duration,
    healthy_after: usize,
    unhealthy_after: usize,
    servers: Arc<Servers>,
}

/// The check of one server.
enum Check {
    /// The answer to a request is a success or a redirect.
    Request(Box<HttpHealthCheck>),
    /// A connection can be made.
    Connection(Box<(TransportConnector, HttpPeer)>),
}

impl HealthChecks {
    pub(super) fn new(
        upstream: &UpstreamConfig,
        health: &HealthConfig,
        peer: impl Fn(usize, Protocol) -> Box<HttpPeer>,
        servers: &Arc<Servers>,
    ) -> std::result::Result<Self, BoxError> {
        let check = |config_index| Check::new(upstream, health, config_index, |protocol| *peer(config_index, protocol));
        Ok(Self {
            checks: (0..upstream.servers.len()).map(check).collect::<std::result::Result<_, _>>()?,
            timeout: health.timeout,
            healthy_after: usize::try_from(health.healthy_after.get())?,
            unhealthy_after: usize::try_from(health.unhealthy_after.get())?,
            servers: Arc::clone(servers),
        })
    }
}

impl Check {
    fn new(
        upstream: &UpstreamConfig,
        health: &HealthConfig,
        config_index: usize,
        peer: impl FnOnce(Protocol) -> HttpPeer,
    ) -> std::result::Result<Self, BoxError> {
        let Some(path) = &health.path else {
            let connector = roots::with_roots(upstream, |options| TransportConnector::new(Some(options)))?;
            return Ok(Self::Connection(Box::new((connector, peer(Protocol::Http1)))));
        };
        let host = match &upstream.host {
            HostMode::Fixed(host) => host.clone(),
            HostMode::Preserve | HostMode::Server => {
                HeaderValue::from_str(&upstream.servers[config_index].authority())?
            }
        };
        let connector = roots::connector(upstream)?;
        let mut check = HttpHealthCheck::new_custom("", false, connector);
        check.req = RequestHeader::build(Method::GET, path.as_str().as_bytes(), None)?;
        check.req.insert_header(header::HOST, host)?;
        check.req.insert_header(header::USER_AGENT, AGENT)?;
        with_authority(&mut check.req, upstream.scheme())?;
        check.peer_template = peer(upstream.protocol);
        check.validator = Some(Box::new(|answer| match answer.status.as_u16() {
            200..400 => Ok(()),
            status => Error::e_explain(ErrorType::HTTPStatus(status), "the server is unhealthy"),
        }));
        Ok(Self::Request(Box::new(check)))
    }
}

#[async_trait]
impl HealthCheck for HealthChecks {
    async fn check(&self, target: &Backend) -> Result<()> {
        let check = async {
            match &self.checks[discovery::server(target).config_index] {
                Check::Request(check) => check.check(target).await,
                Check::Connection(check) => {
                    let (connector, peer) = &**check;
                    let mut peer = peer.clone();
                    peer._address = target.addr.clone();
                    connector.new_stream(&peer).await.map(drop)
                }
            }
        };
        match timeout(self.timeout, check).await {
            Ok(checked) => checked,
            Err(_) => Error::e_explain(ErrorType::ReadTimedout, "the server did not answer in time"),
        }
    }

    async fn health_status_change(&self, target: &Backend, is_healthy: bool) {
        discovery::server(target).set_healthy(is_healthy);
        self.servers.telemetry.server_health(&target.addr, is_healthy);
    }

    /// pingora's own lines are not logged.
    fn backend_summary(&self, _: &Backend) -> String {
        String::new()
    }

    fn health_threshold(&self, is_healthy: bool) -> usize {
        if is_healthy { self.healthy_after } else { self.unhealthy_after }
    }
}

const AGENT: HeaderValue = HeaderValue::from_static("truegate-health-check");
