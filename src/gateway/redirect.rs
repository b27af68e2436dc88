//! A listener that sends every client from http to https, and answers the challenges of an ACME client.
//!
//! It is [an app of its own](super::redirect_app) for pingora, so that neither the site nor the callback can be reached through it.

use std::{
    fs::OpenOptions,
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use pingora_core::protocols::http::ServerSession;
use pingora_http::{RequestHeader, ResponseHeader};
use rustix::fs::OFlags;
use tokio::{task::spawn_blocking, time::timeout};

use super::{
    acme::Challenges, config::RedirectConfig, listeners::certificate::Certificates, rejection::check_size,
    request_id::HttpRequestId, telemetry::Telemetry,
};
use crate::{
    gate::{ConnectionReuse, Event, Leftover, Observer as _, Rejection, Reply},
    host::Host,
    pingora::{CasedHead, to_origin_form},
    session::PublicUrl,
};

/// Redirects every request to the same path by https.
pub(super) struct Redirect {
    pub(super) hosts: RedirectHosts,
    pub(super) config: RedirectConfig,
    pub(super) challenges: Challenges,
    pub(super) telemetry: Telemetry,
}

/// The hosts of the site. A client is sent to no other one: its `Host` may be an attacker's.
#[derive(Clone)]
pub(super) struct RedirectHosts {
    certificates: Vec<Certificates>,
    /// The hosts of public URLs, without their ports.
    public: Vec<String>,
}

impl RedirectHosts {
    /// The hosts of these certificates, as they are renewed, and of these public URLs.
    pub(super) fn of<'a>(certificates: Vec<Certificates>, urls: impl IntoIterator<Item = &'a PublicUrl>) -> Self {
        let secure = urls.into_iter().filter(|url| url.is_secure());
        Self { certificates, public: secure.map(|url| url.host_name().to_owned()).collect() }
    }

    fn know(&self, host: &Host<'_>) -> bool {
        let host = host.as_str();
        self.public.iter().any(|known| known == host)
            || self.certificates.iter().any(|certificates| certificates.are_for(host))
    }
}

impl Redirect {
    /// Answers a request, then reads what the client still sends of it, so that the client gets to the answer.
    pub(super) async fn respond(&self, session: &mut ServerSession, id: Option<&HttpRequestId>) -> Option<Sent> {
        // An absolute target names the host once more.
        to_origin_form(session.req_header_mut()).ok()?;
        let request = session.req_header();
        let is_withheld = request.headers.contains_key(header::EXPECT);
        let Reply { response, refusal, .. } = match self.challenge(request) {
            Some(Challenge::Own(answer)) => challenge_answer(answer.into()),
            Some(Challenge::File(file)) => challenge_file(file).await,
            None => self.answer(request),
        };
        let status = response.status();
        let (mut head, body): (ResponseHeader, Bytes) = {
            let (head, body) = response.into_parts();
            (head.into(), body)
        };
        head.insert_header(header::CONTENT_LENGTH, body.len()).ok()?;
        if let Some(id) = id {
            id.tell(&mut CasedHead(&mut head));
        }
        let wants_body = request.method != Method::HEAD && !body.is_empty();
        session.write_response_header(Box::new(head)).await.ok()?;
        if wants_body {
            session.write_response_body(body, true).await.ok()?;
        }
        session.finish_body().await.ok()?;
        if !is_withheld {
            // What comes later than that is not waited for.
            let _ = timeout(Leftover::TIME, read_rest(session)).await;
        }
        Some(Sent { status, refusal })
    }

    /// The answer to an http-01 challenge (RFC 8555 §8.3), if a request is one. The host is not looked at, because a new one has no
    /// certificate yet.
    fn challenge(&self, request: &RequestHeader) -> Option<Challenge> {
        let token = str::from_utf8(request.raw_path()).ok()?.strip_prefix(CHALLENGES)?;
        let is_token =
            !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let is_asked = matches!(request.method, Method::GET | Method::HEAD);
        if !is_token || !is_asked {
            return None;
        }
        let own = self.challenges.answer(token).map(Challenge::Own);
        own.or_else(|| {
            let folder = self.config.acme_webroot.as_ref()?;
            Some(Challenge::File(folder.join(CHALLENGES.trim_start_matches('/')).join(token)))
        })
    }

    fn answer(&self, request: &RequestHeader) -> Reply {
        if let Err(rejection) = check_size(request, |_| false) {
            self.telemetry.refusal(rejection);
            let (status, code, title) = (rejection.status(), rejection.code(), rejection.title());
            return Reply::problem(status, code, title, ConnectionReuse::Close);
        }
        match self.location(request) {
            Ok(location) => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = match request.method {
                    Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
                    // A browser would make a GET of any other request (RFC 9110 §15.4.2).
                    _ => StatusCode::PERMANENT_REDIRECT,
                };
                response.headers_mut().insert(header::LOCATION, location);
                Reply { response, connection: ConnectionReuse::Close, refusal: None, user: None, rule: None }
            }
            Err(rejection) => {
                self.telemetry.observe(Event::Refusal(rejection));
                Reply::reject(rejection, ConnectionReuse::Close)
            }
        }
    }

    /// Where to go: the same host and target by https.
    fn location(&self, request: &RequestHeader) -> Result<HeaderValue, Rejection> {
        let mut hosts = request.headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(Rejection::MalformedRequest) };
        let host = Host::parse(host.as_bytes()).ok_or(Rejection::MalformedRequest)?;
        if !self.hosts.know(&host) {
            return Err(Rejection::MisdirectedRequest);
        }
        let target = request.raw_path();
        if !target.starts_with(b"/") {
            return Err(Rejection::MalformedRequest);
        }
        let port = if self.config.port == HTTPS { String::new() } else { format!(":{}", self.config.port) };
        let location = [b"https://", host.as_str().as_bytes(), port.as_bytes(), target].concat();
        HeaderValue::from_bytes(&location).map_err(|_| Rejection::MalformedRequest)
    }
}

/// What was sent to the client.
#[derive(Clone, Copy)]
pub(super) struct Sent {
    pub(super) status: StatusCode,
    /// The code of the problem, if it is a refusal.
    pub(super) refusal: Option<&'static str>,
}

/// Where the answer to a challenge is.
enum Challenge {
    /// The gateway's own order waits for it.
    Own(String),
    /// Another ACME client may have written it.
    File(PathBuf),
}

fn challenge_answer(content: Vec<u8>) -> Reply {
    Reply::new(StatusCode::OK).with_body("application/octet-stream", content)
}

async fn challenge_file(path: PathBuf) -> Reply {
    match spawn_blocking(move || read_challenge(&path)).await {
        Ok(Ok(content)) if (1..=LONGEST_CHALLENGE).contains(&(content.len() as u64)) => challenge_answer(content),
        _ => Reply::reject(Rejection::NotFound, ConnectionReuse::Close),
    }
}

/// Reads a regular file. Whoever may write to the folder could otherwise have any file sent by a link to it, or hold up a thread by a
/// pipe.
fn read_challenge(path: &Path) -> io::Result<Vec<u8>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    // One byte more than allowed, so that a longer file is told from a whole one.
    let mut content = Vec::new();
    if file.metadata()?.is_file() {
        file.take(LONGEST_CHALLENGE + 1).read_to_end(&mut content)?;
    }
    Ok(content)
}

async fn read_rest(session: &mut ServerSession) {
    let mut left = Leftover::LIMIT;
    while let Ok(Some(data)) = session.read_request_body().await
        && data.len() <= left
    {
        left -= data.len();
    }
}

/// Where ACME servers ask for challenges.
const CHALLENGES: &str = "/.well-known/acme-challenge/";
/// A challenge is answered by its token and a hash, which take about a hundred bytes.
const LONGEST_CHALLENGE: u64 = 1024;
/// The port that a URL with https need not name.
const HTTPS: u16 = 443;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::admin::Metrics;

    fn answer(port: u16, method: &str, target: &str, hosts: &[&str]) -> (u16, String) {
        let urls = ["https://shop.example", "https://[2001:db8::1]:8443", "http://localhost:3000"];
        let urls = urls.map(|url| PublicUrl::parse(url).unwrap());
        let telemetry = Telemetry::new(Metrics::new());
        let config = RedirectConfig { port, acme_webroot: None };
        let (known, challenges) = (RedirectHosts::of(Vec::new(), &urls), Challenges::default());
        let redirect = Redirect { hosts: known, config, challenges, telemetry };
        let mut request = RequestHeader::build(method, target.as_bytes(), None).unwrap();
        for host in hosts {
            request.append_header("host", *host).unwrap();
        }
        to_origin_form(&mut request).unwrap();
        let response = redirect.answer(&request).response;
        let location = response.headers().get(header::LOCATION).map(|location| location.to_str().unwrap().to_owned());
        (response.status().as_u16(), location.unwrap_or_default())
    }

    #[test]
    fn a_request_goes_to_the_same_host_and_target() {
        for (port, method, target, host, status, location) in [
            (443, "GET", "/", "shop.example", 301, "https://shop.example/"),
            (443, "HEAD", "/a%2Fb?q=/x", "SHOP.example:80", 301, "https://shop.example/a%2Fb?q=/x"),
            (443, "POST", "/a", "shop.example.", 308, "https://shop.example/a"),
            (443, "OPTIONS", "/a", "shop.example", 308, "https://shop.example/a"),
            (8443, "GET", "/a", "shop.example:8080", 301, "https://shop.example:8443/a"),
            (443, "GET", "//evil.example/", "shop.example", 301, "https://shop.example//evil.example/"),
            (443, "GET", "/\\evil.example", "shop.example", 301, "https://shop.example/\\evil.example"),
            (443, "GET", "/@evil.example", "shop.example", 301, "https://shop.example/@evil.example"),
            (443, "GET", "http://shop.example/a?b", "shop.example", 301, "https://shop.example/a?b"),
            (443, "GET", "/", "[2001:DB8::1]", 301, "https://[2001:db8::1]/"),
        ] {
            assert_eq!(
                answer(port, method, target, &[host]),
                (status, location.to_owned()),
                "{method} {target} {host}"
            );
        }
    }

    #[test]
    fn nobody_is_sent_to_a_host_that_the_site_does_not_have() {
        for host in ["evil.example", "shop.example.evil.example", "a.shop.example", "localhost", "127.0.0.1", "[::1]"] {
            assert_eq!(answer(443, "GET", "/", &[host]), (421, String::new()), "{host}");
        }
        for hosts in [
            &[][..],
            &["shop.example", "evil.example"],
            &["shop.example", "shop.example"],
            &["shop.example@evil.example"],
            &[""],
        ] {
            assert_eq!(answer(443, "GET", "/", hosts), (400, String::new()), "{hosts:?}");
        }
        for target in ["*", "shop.example:443"] {
            assert_eq!(answer(443, "OPTIONS", target, &["shop.example"]), (400, String::new()), "{target}");
        }
        let long = format!("/{}", "a".repeat(8192));
        assert_eq!(answer(443, "GET", &long, &["shop.example"]), (414, String::new()));
    }
}
