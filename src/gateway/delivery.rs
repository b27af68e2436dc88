//! Callbacks that are sent to the app after they were answered and verified.

use std::{future::ready, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header, request::Parts};
use reqwest::{
    Client, RequestBuilder,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect, retry,
};

use super::{
    BoxError, forwarded::Forwarded, telemetry::Telemetry, upstream::ResolvedUpstream, upstream_roots::UpstreamRoots,
};
use crate::{
    cause::{Cause, NoAddress, find},
    session::Delivery,
    tls,
};

/// Sends callbacks to the upstream as the proxy would, once.
pub(super) struct UpstreamDelivery {
    http: Client,
    upstream: Arc<ResolvedUpstream>,
    telemetry: Telemetry,
}

impl UpstreamDelivery {
    /// Uses the current addresses of the upstream, and trusts the roots that the proxy trusts.
    pub(super) fn new(upstream: &Arc<ResolvedUpstream>, telemetry: &Telemetry) -> Result<Self, BoxError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls::config(UpstreamRoots::of(&upstream.config).pem().as_bytes())?)
            .http1_only()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .timeout(DEADLINE)
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::clone(upstream));
        Ok(Self { http: client.build()?, upstream: Arc::clone(upstream), telemetry: telemetry.clone() })
    }

    /// Points a request at the upstream. Its `X-Forwarded-*` say what was found out when it arrived.
    fn prepare(&self, request: Request<Bytes>) -> RequestBuilder {
        let (mut head, body) = request.into_parts();
        name_host(&mut head);
        remove_hop(&mut head.headers);
        if let Some(forwarded) = head.extensions.get::<Forwarded>() {
            forwarded.tell(&mut head.headers);
        }
        self.upstream.fix_headers(&mut head.headers);
        let scheme = if self.upstream.config.tls { "https" } else { "http" };
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let url = format!("{scheme}://{}{target}", self.upstream.config.authority());
        self.http.request(head.method, url).headers(head.headers).body(body)
    }
}

impl Delivery for UpstreamDelivery {
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'static, ()> {
        let request = self.prepare(request);
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

/// Resolves the name of the upstream to the addresses that the gateway has found.
impl Resolve for ResolvedUpstream {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses = self.addresses().to_vec();
        let found = if addresses.is_empty() {
            Err(NoAddress::default().into())
        } else {
            Ok(Box::new(addresses.into_iter()) as Addrs)
        };
        Box::pin(ready(found))
    }
}

/// Adds the `Host` that an HTTP/2 request has in its target only.
fn name_host(head: &mut Parts) {
    let authority = head.uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let (Some(host), false) = (authority, head.headers.contains_key(header::HOST)) {
        head.headers.insert(header::HOST, host);
    }
}

/// Removes what a sender says to the next hop only (RFC 9110 §7.6.1), and how the body was framed.
fn remove_hop(headers: &mut HeaderMap) {
    let lines = headers.get_all(header::CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let named = lines.flat_map(|line| line.split(',')).filter_map(|name| name.trim().parse::<HeaderName>().ok());
    let named: Vec<_> = named.filter(|name| *name != header::HOST).collect();
    HOP.iter().chain(&named).for_each(|name| drop(headers.remove(name)));
}

/// How long a slow app may take.
const DEADLINE: Duration = Duration::from_secs(30);
const HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_two_hops_stays_there() {
        let lines = [
            ("connection", "close, X-Hop,host"),
            ("connection", "te"),
            ("x-hop", "a"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("content-length", "1"),
            ("expect", "100-continue"),
            ("host", "app.example"),
            ("x-end", "b"),
            ("x-end", "c"),
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_static(value));
        }
        remove_hop(&mut headers);
        let mut left: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        left.sort_unstable();
        assert_eq!(left, [("host", "app.example"), ("x-end", "b"), ("x-end", "c")]);
    }

    #[test]
    fn a_host_in_the_target_is_named_in_a_line() {
        for (host, expected) in [(None, "app.example:8443"), (Some("named.example"), "named.example")] {
            let request = Request::post("https://app.example:8443/cb");
            let request = host.into_iter().fold(request, |request, host| request.header(header::HOST, host));
            let (mut head, ()) = request.body(()).unwrap().into_parts();
            name_host(&mut head);
            assert_eq!(head.headers[header::HOST], expected);
        }
    }
}
