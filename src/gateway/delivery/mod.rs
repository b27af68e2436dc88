//! Callbacks on their way to the app, after they were answered and verified.

mod request;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::Request;
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect, retry,
};

use super::{config::Upstream, roots, telemetry::Telemetry, upstream::Upstreams};
use crate::{
    cause::{Cause, NoAddress, find},
    profile::ClientError,
    session::Delivery,
    tls,
};

/// Sends callbacks to the upstream as the proxy would, once.
pub(super) struct UpstreamDelivery {
    http: Client,
    upstream: Upstream,
    telemetry: Telemetry,
}

impl UpstreamDelivery {
    /// With the addresses of the upstream as they are at each time, and the roots that the proxy trusts.
    pub(super) fn new(
        upstream: &Upstream,
        upstreams: Arc<Upstreams>,
        telemetry: Telemetry,
    ) -> Result<Self, ClientError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls::config(roots::pem(upstream).as_bytes()).map_err(|_| ClientError::Setup)?)
            .http1_only()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .timeout(DEADLINE)
            .pool_max_idle_per_host(0)
            .dns_resolver(Addresses(upstreams));
        let http = client.build().map_err(|_| ClientError::Setup)?;
        Ok(Self { http, upstream: upstream.clone(), telemetry })
    }
}

impl Delivery for UpstreamDelivery {
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'static, ()> {
        let request = request::prepare(&self.http, &self.upstream, request);
        let telemetry = self.telemetry.clone();
        Box::pin(async move {
            let answer = request.send().await;
            let answer = answer.map(|answer| answer.status().as_u16());
            telemetry.delivery(answer.map_err(|error| cause(&error)));
        })
    }
}

fn cause(error: &reqwest::Error) -> Cause {
    if error.is_timeout() { Cause::Timeout } else { find(error).unwrap_or(Cause::Protocol) }
}

/// The upstream's name, as the gateway has resolved it.
struct Addresses(Arc<Upstreams>);

impl Resolve for Addresses {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses = self.0.addresses();
        Box::pin(async move {
            if addresses.len() == 0 {
                return Err(NoAddress::default().into());
            }
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// As long as a slow app may take to take note of a login.
const DEADLINE: Duration = Duration::from_secs(30);
