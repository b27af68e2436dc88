//! Reads the apps, and checks what concerns more than one of their keys.

use http::{HeaderValue, uri::Authority};

use super::{
    Balance, HealthConfig, HostMode, Protocol, UpstreamConfig, UpstreamId, UpstreamServer, UpstreamTimeouts,
    UpstreamTls, Upstreams, server::is_name,
};
use crate::{
    gate::Scheme,
    gateway::config::{
        Timeouts,
        identity::InjectedHeaders,
        reader::{Item, Scalar, Section, Shape, ValueParser, nearest},
        value,
    },
    headers::CasedName,
};

/// The servers with their items, to refuse those that are truegate itself.
pub(in crate::gateway::config) type ServerItems<'a> = Vec<(UpstreamServer, Item<'a>)>;

/// The keys of `upstreams`, also of apps that have mistakes.
pub(in crate::gateway::config) struct AppNames<'a> {
    pub(in crate::gateway::config) all: Vec<&'a str>,
    /// Whether these are all. If `upstreams` is not a mapping, nobody knows which names are meant.
    pub(in crate::gateway::config) are_known: bool,
}

impl AppNames<'_> {
    /// Whether a text is one of the names, or may be.
    pub(in crate::gateway::config) fn may_have(&self, text: &str) -> bool {
        !self.are_known || self.all.contains(&text)
    }
}

/// Reads the apps. Clients can no longer send the headers that requests to any of them carry.
pub(in crate::gateway::config) fn read<'a>(
    default: Option<Item<'a>>,
    names: &AppNames<'_>,
    named: impl Iterator<Item = (&'a str, Item<'a>)>,
    timeouts: Timeouts,
    injected: &mut InjectedHeaders,
) -> (Option<Upstreams>, ServerItems<'a>) {
    let mut reader = Reader { timeouts, injected, servers: Vec::new() };
    let mut all = Vec::new();
    for (name, item) in named {
        if !is_upstream_name(name) {
            item.complain_of_key("not a valid name (use up to 64 letters, digits, hyphens and underscores)");
        }
        all.extend(reader.upstream(name, item));
    }
    let mut upstreams = Upstreams { all, default: UpstreamId(0) };
    let default = default.and_then(|item| {
        if let Some(text) = item.text_if(NAME, |text| !UpstreamServer::is_meant(text)) {
            // An app with a mistake of its own is known all the same.
            if !names.may_have(text) {
                item.complain(if names.all.is_empty() { NO_NAMES } else { UNKNOWN });
            }
            return upstreams.named(text);
        }
        if names.all.contains(&OWN_NAME) {
            item.complain_of_key(
                "describes an app called `default`, and `upstreams` has another of this name (choose another name there)",
            );
        }
        upstreams.all.push(reader.upstream(OWN_NAME, item)?);
        Some(UpstreamId(upstreams.all.len() - 1))
    });
    let upstreams = default.map(|default| Upstreams { default, ..upstreams });
    if let Some(Upstreams { all, default }) = &upstreams {
        reader.injected.names.make_default(&all[default.0].identity);
    }
    (upstreams, reader.servers)
}

/// What the apps have in common while they are read.
struct Reader<'a, 'n> {
    timeouts: Timeouts,
    injected: &'n mut InjectedHeaders,
    servers: ServerItems<'a>,
}

impl<'a> Reader<'a, '_> {
    /// Reads a server, or a mapping of servers and more.
    fn upstream(&mut self, name: &str, item: Item<'a>) -> Option<UpstreamConfig> {
        if !item.is_mapping() {
            let (server, scheme) = self.server(item)?;
            return Some(UpstreamConfig {
                name: name.to_owned(),
                place: item.place().to_owned(),
                servers: vec![server],
                tls: (scheme == Scheme::Https).then(UpstreamTls::default),
                balance: Balance::RoundRobin,
                health: None,
                protocol: Protocol::Http1,
                host: HostMode::Preserve,
                timeouts: UpstreamTimeouts::of(self.timeouts),
                headers: Vec::new(),
                identity: self.injected.names.own_set().build(),
            });
        }
        item.section(|section| self.keys(name, item.place(), section))
    }

    fn keys(&mut self, name: &str, place: &str, section: &mut Section<'a>) -> Option<UpstreamConfig> {
        let servers = self.servers(section);
        let scheme = servers.first().map(|(_, scheme)| *scheme);
        let tls_item = section.take("tls");
        let tls = tls_item.map(|item| item.section(UpstreamTls::read));
        if let (Some(item), Some(Scheme::Http)) = (tls_item, scheme) {
            item.complain_of_key("only used with https:// servers (remove it, or write https)");
        }
        let balance = section.take("balance");
        section.note_default("balance", "round_robin");
        let words =
            [("round_robin", Balance::RoundRobin), ("consistent", Balance::Consistent), ("random", Balance::Random)];
        let chosen = balance.and_then(|item| item.parse(&value::choice(words))).unwrap_or(Balance::RoundRobin);
        let has_sockets = servers.iter().any(|(server, _)| matches!(server, UpstreamServer::Unix(_)));
        if let (Some(item), Balance::Consistent, true) = (balance, chosen, has_sockets) {
            item.complain("`consistent` chooses among addresses, and a Unix socket has none (write round_robin)");
        }
        let protocols = [("http1", Protocol::Http1), ("http2", Protocol::Http2)];
        let upstream = UpstreamConfig {
            name: name.to_owned(),
            place: place.to_owned(),
            balance: chosen,
            health: section.take("health").and_then(|item| item.section(HealthConfig::read)),
            protocol: section.read_or("protocol", Protocol::Http1, &value::choice(protocols)),
            host: section.read_or("host", HostMode::Preserve, &host_mode()),
            timeouts: section.section("timeouts", |section| UpstreamTimeouts::read(section, self.timeouts)),
            identity: match section.take("identity") {
                Some(item) => self.injected.read_set(item),
                None => self.injected.names.own_set().build(),
            },
            headers: self.headers(section),
            tls: match tls {
                Some(tls) => Some(tls?),
                None => (scheme == Some(Scheme::Https)).then(UpstreamTls::default),
            },
            servers: servers.into_iter().map(|(server, _)| server).collect(),
        };
        (!upstream.servers.is_empty()).then_some(upstream)
    }

    fn servers(&mut self, section: &mut Section<'a>) -> Vec<(UpstreamServer, Scheme)> {
        let items = match section.take_alternatives(["url", "servers"]) {
            [Some(url), None] => vec![url],
            [None, Some(servers)] => servers.one_or_more("write [http://127.0.0.1:3000]", Some),
            [Some(_), Some(servers)] => {
                servers.complain_of_key("cannot be combined with `url` (write all servers here, and remove `url`)");
                return Vec::new();
            }
            [None, None] => {
                section.miss("servers", "write servers: [http://127.0.0.1:3000], the app's addresses");
                return Vec::new();
            }
        };
        if let Some(item) = items.get(MOST_SERVERS) {
            item.complain("too many servers: an app has at most 100 (give them one name in DNS)");
        }
        let mut servers: Vec<(UpstreamServer, Scheme)> = Vec::new();
        for item in items {
            let Some((server, scheme)) = self.server(item) else { continue };
            if servers.iter().any(|(other, _)| *other == server) {
                item.complain("the same server twice (keep one)");
            }
            if servers.first().is_some_and(|(_, first)| *first != scheme) {
                item.complain(match scheme {
                    Scheme::Http => {
                        "must use TLS as the first server does (write https:// for all, or http:// for all)"
                    }
                    Scheme::Https => {
                        "must not use TLS, as the first server does not (write https:// for all, or http:// for all)"
                    }
                });
            }
            servers.push((server, scheme));
        }
        servers
    }

    fn server(&mut self, item: Item<'a>) -> Option<(UpstreamServer, Scheme)> {
        let (server, scheme) = item.parse(&server())?;
        self.servers.push((server.clone(), item));
        Some((server, scheme))
    }

    fn headers(&mut self, section: &mut Section<'a>) -> Vec<(CasedName, HeaderValue)> {
        let (mut headers, mut siblings) = (Vec::new(), Vec::new());
        for (name, item) in section.members("headers") {
            let value = item.parse(&ValueParser::new(Shape::Text, header_value).secret());
            if let Some(name) = self.injected.fix(name, item, &siblings) {
                siblings.push(name.clone());
                headers.extend(value.map(|value| (name, value)));
            }
        }
        headers
    }
}

/// Takes a text that reaches the app unchanged. The error does not repeat it.
pub(in crate::gateway::config) fn header_value(text: &Scalar) -> Result<HeaderValue, &'static str> {
    if text.trim() != &**text {
        return Err("must not begin or end with white space, because HTTP drops it (remove it)");
    }
    if text.is_empty() {
        return Err("must not be empty (write a value, or remove the header)");
    }
    let mut value = HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| "has a character that a header cannot carry, such as a line break (remove it)")?;
    value.set_sensitive(true);
    Ok(value)
}

fn server() -> ValueParser<'static, (UpstreamServer, Scheme)> {
    let shape =
        Shape::Pattern { pattern: "^https?://[^/?#]+/?$|^unix:/", words: "http://, https:// or unix: and a server" };
    ValueParser::new(shape, |text| UpstreamServer::parse(text)).open()
}

fn host_mode() -> ValueParser<'static, HostMode> {
    let modes = Shape::Word(vec!["preserve", "server"]);
    let parser =
        ValueParser::new(modes, parse_host_mode).or(Shape::Pattern { pattern: "[.:]|^[^.:]+$", words: "a host" });
    parser.shown(|mode| (*mode == HostMode::Preserve).then(|| "preserve".to_owned())).open()
}

fn parse_host_mode(text: &Scalar) -> Result<HostMode, String> {
    let meant = || nearest(&text.to_ascii_lowercase(), &["preserve", "server"]);
    match &**text {
        "preserve" => Ok(HostMode::Preserve),
        "server" => Ok(HostMode::Server),
        word if let (false, Some(mode)) = (word.contains(['.', ':']), meant()) => Err(format!(
            "names neither a mode nor surely a host (did you mean `{mode}`? If it is a host, write it with its port)"
        )),
        host => {
            let authority = host.parse::<Authority>().ok().filter(|authority| {
                let name = authority.host();
                authority.port().is_none_or(|port| port.as_u16() != 0)
                    && !authority.as_str().contains('@')
                    && (is_name(name) || name.starts_with('['))
                    && !authority.as_str().ends_with(':')
            });
            let value = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
            value.map(HostMode::Fixed).ok_or_else(|| {
                "must be preserve, server, or a host such as wiki.internal or wiki.internal:8080 (write preserve)"
                    .to_owned()
            })
        }
    }
}

fn is_upstream_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(is_plain)
}

/// What the name of an app looks like.
const NAME: Shape = Shape::Pattern { pattern: "^[A-Za-z0-9_-]{1,64}$", words: "a name in `upstreams`" };
/// The name of an app that `upstream` describes itself.
const OWN_NAME: &str = "default";
const UNKNOWN: &str =
    "names no app of `upstreams` (write one of the names there, or a URL such as http://127.0.0.1:3000)";
const NO_NAMES: &str = "must start with http:// or https://, or with unix: and the path of a socket, or be a name in `upstreams` \
    (write http://127.0.0.1:3000)";
const MOST_SERVERS: usize = 100;
