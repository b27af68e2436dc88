//! Who may use an admin route.
//!
//! With `admin.token`, each request for a route of operators carries it. Without one, the listener is on loopback, so whoever has an
//! account on the machine may use these routes. But browsers run there too, so nothing that the page of a site could cause is taken:
//! browsers mark what a page posts with `Origin`, and ask before they send JSON elsewhere. The page of a host that is suddenly at a
//! loopback address (DNS rebinding) names this host.

use std::{net::IpAddr, sync::Arc};

use arc_swap::ArcSwap;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::AdminRefusal;
use crate::gateway::{
    active_config::ActiveConfig,
    config::AdminConfig,
    logs::{AuditEntry, AuditEvent},
};

/// Lets operators through, with `admin.token` if there is one, and counts all refusals behind it.
pub(super) async fn operators(
    State(active): State<Arc<ArcSwap<ActiveConfig>>>,
    request: Request,
    next: Next,
) -> Response {
    let admitted = admit_operator(&active.load().config.admin, &request);
    finish(&active, admitted, request, next).await
}

/// Lets those through who read metrics, with `admin.metrics_token` or `admin.token` if there is one.
pub(super) async fn scrapers(
    State(active): State<Arc<ArcSwap<ActiveConfig>>>,
    request: Request,
    next: Next,
) -> Response {
    let admitted = admit_scraper(&active.load().config.admin, &request);
    finish(&active, admitted, request, next).await
}

async fn finish(
    active: &ArcSwap<ActiveConfig>,
    admitted: Result<(), AdminRefusal>,
    request: Request,
    next: Next,
) -> Response {
    let response = match admitted {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    if let Some(refusal) = response.extensions().get::<AdminRefusal>() {
        let active = active.load();
        active.telemetry.admin_refusal(*refusal);
        active.audit(AuditEntry { cause: Some(refusal.code()), ..AuditEvent::AdminRefused.into() });
    }
    response
}

fn admit_scraper(config: &AdminConfig, request: &Request) -> Result<(), AdminRefusal> {
    if config.token.is_none() && config.metrics_token.is_none() {
        return refuse_pages(request);
    }
    let mut tokens = config.token.iter().chain(&config.metrics_token);
    let is_token = |presented| tokens.any(|token| token.is(presented));
    if bearer(request.headers()).is_some_and(is_token) { Ok(()) } else { Err(AdminRefusal::NotAuthorized) }
}

fn admit_operator(config: &AdminConfig, request: &Request) -> Result<(), AdminRefusal> {
    let headers = request.headers();
    match &config.token {
        Some(token) if !bearer(headers).is_some_and(|presented| token.is(presented)) => {
            return Err(AdminRefusal::NotAuthorized);
        }
        Some(_) => {}
        None => refuse_pages(request)?,
    }
    if request.method() == Method::POST && !has_json(headers) {
        return Err(AdminRefusal::UnsupportedMediaType);
    }
    Ok(())
}

/// Refuses what the page of a site could cause.
fn refuse_pages(request: &Request) -> Result<(), AdminRefusal> {
    let is_of_page = request.headers().contains_key(header::ORIGIN) || !is_for_this_machine(request);
    if is_of_page { Err(AdminRefusal::CrossSite) } else { Ok(()) }
}

/// The token of a request that has one line of `Authorization` (RFC 6750 §2.1).
pub(super) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let (scheme, token) = line.as_bytes().split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then_some(token)
}

/// Whether a request names an address or `localhost`, and so no host that a stranger can give a loopback address.
fn is_for_this_machine(request: &Request) -> bool {
    let mut lines = request.headers().get_all(header::HOST).iter();
    let authority = |line: &HeaderValue| Authority::try_from(line.as_bytes()).ok();
    let named = match (request.uri().authority(), lines.next(), lines.next()) {
        (Some(authority), None, None) => Some(authority.clone()),
        (None, Some(line), None) => authority(line),
        (Some(target), Some(line), None) => authority(line).filter(|named| named == target),
        _ => None,
    };
    named.is_some_and(|named| {
        let host = named.host();
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        address.parse::<IpAddr>().is_ok() || host.eq_ignore_ascii_case("localhost")
    })
}

fn has_json(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let essence = line.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

const SCHEME: &[u8] = b"Bearer ";

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(host: &str) -> Request {
        Request::post("/reload").header(header::HOST, host).body(Body::empty()).unwrap()
    }

    #[test]
    fn a_host_that_somebody_else_may_name_is_not_this_machine() {
        for host in ["localhost", "LocalHost:9090", "127.0.0.1", "127.0.0.1:9090", "[::1]:9090", "10.0.0.7:80"] {
            assert!(is_for_this_machine(&request(host)), "{host}");
        }
        for host in [
            "evil.example", "evil.example:9090", "127.0.0.1.evil.example", "localhost.evil.example", "", ":9090",
            "localhost@evil.example", "127.0.0.1, evil.example", "[::1", "2130706433", "127.1",
        ] {
            assert!(!is_for_this_machine(&request(host)), "{host}");
        }
        let mut twice = request("localhost");
        twice.headers_mut().append(header::HOST, HeaderValue::from_static("localhost"));
        assert!(!is_for_this_machine(&twice));
        let nameless = Request::post("/reload").body(Body::empty()).unwrap();
        assert!(!is_for_this_machine(&nameless));
        let target = |host: &str| {
            let request = Request::post("http://localhost/reload").header(header::HOST, host);
            request.body(Body::empty()).unwrap()
        };
        assert!(is_for_this_machine(&target("localhost")) && !is_for_this_machine(&target("evil.example")));
    }

    #[test]
    fn json_is_said_by_one_line() {
        for (line, is_json) in [
            ("application/json", true),
            ("Application/JSON ; charset=utf-8", true),
            ("text/plain", false),
            ("text/plain; application/json", false),
            ("application/jsonp", false),
            ("", false),
        ] {
            let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(line))].into_iter().collect();
            assert_eq!(has_json(&headers), is_json, "{line}");
        }
        assert!(!has_json(&HeaderMap::new()));
    }
}
