//! What the gateway makes of one request, told by the gateway itself.
//!
//! The request goes through the very parts that serve requests: pingora, the [proxy](super::proxy) with its gate and its sessions, and
//! the settings of a listener. Only what is around them is in memory: the client, the app, the store, and Truecaller. Nothing is opened, sent
//! or logged.

mod app;
mod client;
mod explanation;
mod head;
mod observing_proxy;
mod offline_gateway;
mod source;
mod text;

use std::{
    mem,
    net::{IpAddr, SocketAddr},
    os::unix::net::UnixStream,
    sync::PoisonError,
};

use pingora_core::protocols::l4::socket::SocketAddr as Peer;

pub(crate) use self::{explanation::Explanation, text::write_text};
use self::{
    explanation::{
        Answerer, Assumption, ClientSource, ExplainedAnswer, ExplainedClient, ExplainedRequest, ExplainedRule,
        ForwardedRequest, access_word, name_of, servers,
    },
    head::SentHead,
    observing_proxy::{Observations, SeenPath},
    offline_gateway::OfflineGateway,
};
use super::{
    StartError,
    admin::ConnectionFailure,
    config::{Config, ListenAddress, ListenerConfig, MASK},
    connections::{ProxyHeaderError, ProxyHeaders},
};
use crate::{gate::Scheme, session::SentSession};

/// A request, and where it comes from.
pub(crate) struct AskedRequest<'a> {
    /// All that the client sends, with the PROXY header if the listener wants one.
    pub(crate) bytes: Vec<u8>,
    /// The peer of the connection; a Unix socket has none.
    pub(crate) from: SocketAddr,
    /// The listener that it comes to.
    pub(crate) listener: &'a ListenerConfig,
    /// Whether it comes by TLS.
    pub(crate) is_tls: bool,
}

/// Tells what the gateway makes of a request under a configuration.
///
/// # Errors
///
/// When no gateway could be set up with the configuration.
pub(crate) async fn explain(config: Config, mut asked: AskedRequest<'_>) -> Result<Explanation, StartError> {
    let gateway = OfflineGateway::new(config, mem::take(&mut asked.bytes)).await?;
    let trusted = gateway.active.config.trusted_proxies.clone();
    let (peer, peer_address) = match &asked.listener.address {
        ListenAddress::Tcp(_) => (Some(client::peer(asked.from)), Some(asked.from.ip().to_canonical())),
        ListenAddress::Unix { .. } => (unnamed(), None),
    };
    let mut client = peer;
    let mut refused = None;
    if asked.listener.proxy_protocol {
        let proxies = ProxyHeaders { trusted: trusted.clone(), limit: None };
        let mut connection = gateway.client.connect(None, false);
        match proxies.client_behind(peer_address, &mut connection).await {
            Ok(named) => client = named.map(Peer::Inet),
            Err(error) => refused = Some(error),
        }
    }
    let sent = gateway.client.unread();
    if refused.is_none() {
        gateway.serve(asked.listener, client.clone(), asked.is_tls).await?;
    }
    let named = client.as_ref().and_then(|client| client.as_inet()).map(|client| client.ip().to_canonical());
    Ok(tell(&gateway, &asked, &sent, (peer_address, named), refused))
}

/// Tells what was observed.
fn tell(
    gateway: &OfflineGateway,
    asked: &AskedRequest<'_>,
    sent: &[u8],
    (peer, named): (Option<IpAddr>, Option<IpAddr>),
    refused: Option<ProxyHeaderError>,
) -> Explanation {
    let observations = gateway.observations.lock().unwrap_or_else(PoisonError::into_inner);
    let (config, seen) = (&gateway.active.config, observations.request.as_ref());
    let head = SentHead::parse(sent);
    let forwarded = observations.upstream.zip(gateway.app.head()).map(|(app, got)| {
        let name = &gateway.active.upstream(app).config.name;
        let got = SentHead::parse(&got);
        ForwardedRequest::compare(&head.fields, &got.fields, name.clone(), servers(&config.upstreams, name))
    });
    let rule = seen.and_then(|seen| seen.rule).and_then(|number| {
        let rule = config.routes.iter().nth(number)?;
        let key = format!("routes[{number}]");
        let place = config.places.place(&key);
        Some(ExplainedRule {
            key,
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            access: config.session.as_ref().map(|_| access_word(&rule.access)),
        })
    });
    let by_proxy = seen.is_some_and(|seen| seen.by_proxy);
    let origin = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"];
    let ignored = origin.into_iter().filter(|name| !by_proxy && head.values(name).next().is_some());
    let address = seen.map_or(named, |seen| seen.client);
    let source = if by_proxy && address != named {
        ClientSource::ForwardedFor
    } else if asked.listener.proxy_protocol && named != peer {
        ClientSource::ProxyProtocol
    } else {
        ClientSource::Peer
    };
    let scheme = if asked.is_tls { Scheme::Https } else { Scheme::Http };
    let client = ExplainedClient {
        address,
        scheme: seen.map_or(Some(scheme), |seen| seen.scheme).map(Scheme::as_str),
        source,
        peer,
        is_trusted: by_proxy,
        ignored: ignored.map(str::to_owned).collect(),
    };
    let request = seen.map(|seen| {
        let (route, path, raw_path) = match &seen.path {
            SeenPath::Route(name) => (*name, None, None),
            SeenPath::Own(path) => ("truegate", Some(path.clone()), None),
            SeenPath::App { raw, canonical } => ("app", canonical.clone(), Some(raw.clone())),
        };
        let (method, host) = (seen.method.clone(), seen.host.clone());
        ExplainedRequest { method, host, route, path, raw_path }
    });
    let asks_store = seen.is_some_and(|seen| {
        let is_own = matches!(seen.path, SeenPath::Own(_) | SeenPath::Route("callback"));
        seen.session.is_some_and(|state| is_own || state != SentSession::Absent)
    });
    let assumptions =
        [(asks_store, Assumption::StoreNotAsked), (gateway.profiles.were_asked_for(), Assumption::ProfileConfirmed)];
    Explanation {
        listener: asked.listener.address.to_string(),
        request,
        client,
        rule,
        session: seen.and_then(|seen| seen.session),
        answer: answer(gateway, &observations, forwarded.is_some(), refused),
        forwarded,
        assumptions: assumptions.into_iter().filter(|(is_made, _)| *is_made).map(|(_, word)| word).collect(),
    }
}

fn answer(
    gateway: &OfflineGateway,
    observations: &Observations,
    is_forwarded: bool,
    refused: Option<ProxyHeaderError>,
) -> ExplainedAnswer {
    let got = gateway.client.got();
    let head = SentHead::parse(&got);
    let by = match head.status {
        _ if is_forwarded => Answerer::App,
        Some(_) => Answerer::Truegate,
        None => Answerer::Nobody,
    };
    let cookies = head.values("set-cookie").map(|line| name_of(line.as_bytes())).collect();
    let own = |name: &str| !is_forwarded && !["connection", "date", "content-length"].contains(&name);
    let headers = head.fields.iter().map(|(name, _)| name.to_ascii_lowercase()).filter(|name| own(name));
    let mut headers: Vec<_> = headers.collect();
    headers.dedup();
    let problem = || serde_json::from_slice::<Problem>(&got[head.length..]).ok().map(|problem| problem.code);
    let refusal = refused.and_then(ConnectionFailure::of).map(ConnectionFailure::code).or(observations.refusal);
    ExplainedAnswer {
        by,
        status: head.status.filter(|_| by == Answerer::Truegate),
        code: refusal.map(str::to_owned).or_else(problem).filter(|_| by != Answerer::App),
        location: head.values("location").next().filter(|_| by == Answerer::Truegate).map(|url| shown(gateway, url)),
        headers,
        cookies,
    }
}

/// A URL without its query, and without the callback path.
fn shown(gateway: &OfflineGateway, url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let callback = &gateway.active.config.callback.path;
    if callback.is_told_by(url.as_bytes()) { MASK.to_owned() } else { url.to_owned() }
}

/// The answer to a refused request, as far as it is read (RFC 9457).
#[derive(serde::Deserialize)]
struct Problem {
    code: String,
}

/// The address of a client on a Unix socket, which has no name.
fn unnamed() -> Option<Peer> {
    let (end, _) = UnixStream::pair().ok()?;
    Some(Peer::Unix(end.peer_addr().ok()?))
}
