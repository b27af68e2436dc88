//! `upstreams` and `upstream`: the apps behind truegate.

mod health;
mod read;
mod server;
mod timeouts;
mod tls;

use http::HeaderValue;

pub(super) use self::read::{AppNames, ServerItems, header_value, read};
pub(crate) use self::{
    health::HealthConfig,
    server::UpstreamServer,
    timeouts::UpstreamTimeouts,
    tls::{Trust, UpstreamTls},
};
use crate::{
    gate::Scheme,
    headers::{CasedName, HeaderSet},
};

/// All apps; at least one.
pub(crate) struct Upstreams {
    all: Vec<UpstreamConfig>,
    default: UpstreamId,
}

/// One of the apps of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UpstreamId(usize);

/// An app: where requests go, and how.
#[derive(Clone)]
pub(crate) struct UpstreamConfig {
    /// The name in logs and metrics: the key in `upstreams`, or `default` for an app that `upstream` describes itself.
    pub(crate) name: String,
    /// The place in the configuration: `upstream`, or a key of `upstreams` such as `upstreams.shop`.
    pub(crate) place: String,
    /// The servers; at least one.
    pub(crate) servers: Vec<UpstreamServer>,
    /// How TLS is spoken to the servers; none if they are spoken to without TLS.
    pub(crate) tls: Option<UpstreamTls>,
    /// How a server is chosen for a request.
    pub(crate) balance: Balance,
    /// How the servers are asked whether they can serve; none if they are not asked.
    pub(crate) health: Option<HealthConfig>,
    /// The version of HTTP that the servers are spoken to by.
    pub(crate) protocol: Protocol,
    /// The host that a request names to the app.
    pub(crate) host: HostMode,
    /// How long the gateway waits for the app.
    pub(crate) timeouts: UpstreamTimeouts,
    /// The headers that every request to the app carries, each with its one value. The values may be secrets.
    pub(crate) headers: Vec<(CasedName, HeaderValue)>,
    /// The identity headers that the app reads.
    pub(crate) identity: HeaderSet,
}

/// How a server is chosen for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Balance {
    /// Each in turn.
    RoundRobin,
    /// The same one for all requests of a session, or of a client's address without a session.
    Consistent,
    /// Any.
    Random,
}

/// The version of HTTP that the servers of an app are spoken to by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2: over TLS if the server offers it, and without TLS in any case.
    Http2,
}

/// The host that a request names to the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostMode {
    /// The host that the client asked for.
    Preserve,
    /// The host and port of the server in the configuration.
    Server,
    /// Always the same.
    Fixed(HeaderValue),
}

impl Upstreams {
    /// The app with a name.
    pub(crate) fn named(&self, name: &str) -> Option<UpstreamId> {
        self.all.iter().position(|upstream| upstream.name == name).map(UpstreamId)
    }

    /// The app that gets the requests for which nothing else is said.
    pub(crate) fn default_id(&self) -> UpstreamId {
        self.default
    }

    /// The apps, in the order of their ids, which begin at 0.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (UpstreamId, &UpstreamConfig)> {
        self.all.iter().enumerate().map(|(index, upstream)| (UpstreamId(index), upstream))
    }
}

impl UpstreamId {
    /// The place of the app in the order of all.
    pub(crate) fn index(self) -> usize {
        self.0
    }
}

impl UpstreamConfig {
    /// Whether requests are sent to this app as to one of another configuration. The identity headers are no matter of that: rules
    /// choose them, and each configuration has its own.
    pub(crate) fn is_served_like(&self, other: &Self) -> bool {
        let Self { name, place: _, servers, tls, balance, health, protocol, host, timeouts, headers, identity: _ } =
            self;
        *name == other.name
            && *servers == other.servers
            && *tls == other.tls
            && *balance == other.balance
            && *health == other.health
            && *protocol == other.protocol
            && *host == other.host
            && *timeouts == other.timeouts
            && *headers == other.headers
    }

    /// Whether the servers are spoken to with TLS.
    pub(crate) fn scheme(&self) -> Scheme {
        if self.tls.is_some() { Scheme::Https } else { Scheme::Http }
    }
}
