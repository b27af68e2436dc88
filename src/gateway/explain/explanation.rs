//! What is told of one request. docs/gateway.md has the names of the JSON document, which stay the same.

use std::net::IpAddr;

use serde::Serialize;

use crate::{
    access::Access,
    gateway::config::{MASK, Upstreams},
    session::SentSession,
};

/// What the gateway makes of a request.
#[derive(Serialize)]
pub(crate) struct Explanation {
    /// The listener that it came to, as the configuration names it.
    pub(super) listener: String,
    /// None if the head is no request.
    pub(super) request: Option<ExplainedRequest>,
    pub(super) client: ExplainedClient,
    /// None if no rule matches, or none is asked.
    pub(super) rule: Option<ExplainedRule>,
    /// What the request carries of a session; none without sessions in the configuration.
    pub(super) session: Option<SentSession>,
    /// None if no app gets the request.
    pub(super) forwarded: Option<ForwardedRequest>,
    pub(super) answer: ExplainedAnswer,
    /// What this explanation takes for granted.
    pub(super) assumptions: Vec<Assumption>,
}

/// A request as the gateway reads it.
#[derive(Serialize)]
pub(super) struct ExplainedRequest {
    pub(super) method: String,
    pub(super) host: Option<String>,
    /// Who has the path: `app`, `truegate`, `callback` or `native`.
    pub(super) route: &'static str,
    /// The path that rules are held against, or that of a route of truegate's own. None if the path is a secret, or if servers read
    /// it in several ways.
    pub(super) path: Option<String>,
    /// The path as it came; none if it is a secret.
    pub(super) raw_path: Option<String>,
}

/// Where a request comes from.
#[derive(Serialize)]
pub(super) struct ExplainedClient {
    pub(super) address: Option<IpAddr>,
    /// `http` or `https`.
    pub(super) scheme: Option<&'static str>,
    pub(super) source: ClientSource,
    /// The peer of the connection; none on a Unix socket.
    pub(super) peer: Option<IpAddr>,
    /// Whether the peer, or the client that its PROXY header names, is in `trusted_proxies`.
    #[serde(rename = "trusted")]
    pub(super) is_trusted: bool,
    /// The headers that say where the request comes from, and are not believed.
    pub(super) ignored: Vec<String>,
}

/// Why the client has its address.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ClientSource {
    /// It is the peer of the connection.
    Peer,
    /// The PROXY header of a trusted proxy names it.
    ProxyProtocol,
    /// `X-Forwarded-For` of a trusted proxy names it.
    ForwardedFor,
}

/// The rule that matches.
#[derive(Serialize)]
pub(super) struct ExplainedRule {
    /// Such as `routes[3]`.
    pub(super) key: String,
    /// The line of the configuration, counted from 1.
    pub(super) line: Option<usize>,
    pub(super) column: Option<usize>,
    /// `public`, `optional` or `required`; none without sessions.
    pub(super) access: Option<&'static str>,
}

/// A request that an app gets.
#[derive(Serialize)]
pub(super) struct ForwardedRequest {
    /// The name of the app.
    pub(super) upstream: String,
    pub(super) servers: Vec<String>,
    pub(super) stripped: Stripped,
    pub(super) injected: Vec<InjectedHeader>,
}

/// What the app does not get.
#[derive(Serialize, Default)]
pub(super) struct Stripped {
    /// Headers of which at least one value is gone, as the client has spelled them.
    pub(super) headers: Vec<String>,
    pub(super) cookies: Vec<String>,
}

/// A header that the app gets with a value that the client has not sent.
#[derive(Serialize)]
pub(super) struct InjectedHeader {
    pub(super) name: String,
    /// Always the same: values are the user's, or secrets.
    value: &'static str,
}

/// What the client gets.
#[derive(Serialize)]
pub(super) struct ExplainedAnswer {
    pub(super) by: Answerer,
    /// None if the app answers, or nobody does.
    pub(super) status: Option<u16>,
    /// The stable code of a refusal.
    pub(super) code: Option<String>,
    /// Where the client is sent, without the query.
    pub(super) location: Option<String>,
    /// The headers of truegate's own answer.
    pub(super) headers: Vec<String>,
    /// The cookies that truegate sets or deletes.
    pub(super) cookies: Vec<String>,
}

/// Who answers.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answerer {
    App,
    Truegate,
    /// The connection is closed without an answer.
    Nobody,
}

/// What an explanation takes for granted, because nobody is asked.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Assumption {
    /// The store has no login, and no session was revoked.
    StoreNotAsked,
    /// Truecaller confirms what was posted, and the profile has every field.
    ProfileConfirmed,
}

impl InjectedHeader {
    pub(super) fn new(name: String) -> Self {
        Self { name, value: MASK }
    }
}

impl ForwardedRequest {
    /// Compares the head that the app gets with the one that the client has sent.
    pub(super) fn compare(
        sent: &[(String, Vec<u8>)],
        got: &[(String, Vec<u8>)],
        upstream: String,
        servers: Vec<String>,
    ) -> Self {
        let is_in = |field: &&(String, Vec<u8>), others: &[(String, Vec<u8>)]| {
            others.iter().any(|other| other.0.eq_ignore_ascii_case(&field.0) && other.1 == field.1)
        };
        let is_cookie = |field: &&(String, Vec<u8>)| field.0.eq_ignore_ascii_case("cookie");
        let names = |fields: &[(String, Vec<u8>)], others: &[(String, Vec<u8>)]| {
            let differ = fields.iter().filter(|field| !is_cookie(field) && !is_in(field, others));
            let mut names: Vec<_> = differ.map(|(name, _)| name.clone()).collect();
            names.sort();
            names.dedup();
            names
        };
        let pairs = |fields: &[(String, Vec<u8>)]| {
            let lines = fields.iter().filter(is_cookie);
            let pairs =
                lines.flat_map(|(_, line)| line.split(|byte| *byte == b';').map(|pair| pair.trim_ascii().to_vec()));
            pairs.filter(|pair| !pair.is_empty()).collect::<Vec<_>>()
        };
        let kept = pairs(got);
        let gone = pairs(sent).into_iter().filter(|pair| !kept.contains(pair));
        let cookies = gone.map(|pair| name_of(&pair)).collect();
        Self {
            upstream,
            servers,
            stripped: Stripped { headers: names(sent, got), cookies },
            injected: names(got, sent).into_iter().map(InjectedHeader::new).collect(),
        }
    }
}

/// The name of a cookie.
pub(super) fn name_of(pair: &[u8]) -> String {
    let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
    // A pair without a name is a value alone.
    if pair.contains(&b'=') { String::from_utf8_lossy(name).into_owned() } else { MASK.to_owned() }
}

/// The word of the configuration for an access.
pub(super) fn access_word(access: &Access) -> &'static str {
    match access {
        Access::Public => "public",
        Access::Optional => "optional",
        Access::Required(_) => "required",
    }
}

/// The servers of an app, as the configuration may name them.
pub(super) fn servers(upstreams: &Upstreams, name: &str) -> Vec<String> {
    let app = upstreams.iter().find(|(_, app)| app.name == name);
    app.into_iter().flat_map(|(_, app)| app.servers.iter().map(|server| server.url(app.scheme()))).collect()
}
