//! `callback` and `truecaller`: the route that Truecaller posts to, and where profiles come from.

use std::{net::SocketAddr, num::NonZero, str::FromStr, time::Duration};

use url::{Host, Url};

use super::{
    reader::{Item, Section, ShownValue},
    tls, value,
};
use crate::{
    callback::{Endpoints, ProfileEndpoint},
    gate::{CallbackPath, GateBuilder},
    profile::{ProfileClient, ProfileClientBuilder},
};

/// How callbacks are taken.
#[derive(Debug, Clone)]
pub(crate) struct CallbackConfig {
    /// The path of the route.
    pub(crate) path: CallbackPath,
    /// The time from the first byte of a callback to its answer. Defaults to 2.5 s, because Truecaller hangs up after 3 s.
    pub(crate) deadline: Duration,
    /// The longest body, in bytes.
    pub(crate) body_limit: usize,
    /// Whether the app gets callbacks too: always without sessions; with sessions, after they were answered and verified.
    pub(crate) forward: bool,
}

/// How profiles are fetched.
pub(crate) struct TruecallerConfig {
    /// The URLs that a callback may name.
    pub(crate) endpoints: Endpoints,
    /// Fetches the profiles.
    pub(crate) client: ProfileClientBuilder,
    /// Whether the connections to the endpoints are opened before the first callback.
    pub(crate) connect_at_start: bool,
    /// Whether a profile that Truecaller calls inactive is refused.
    pub(crate) require_active: bool,
}

impl CallbackConfig {
    /// The largest `body_limit`.
    pub(crate) const MAX_BODY_LIMIT: usize = 64 << 10;

    /// Reads the section. Returns none if the path is missing or wrong.
    pub(super) fn read(section: &mut Section<'_>, has_sessions: bool) -> Option<Self> {
        let parser = value::path(CallbackPath::from_str, "make one with `truegate keys path`").secret();
        let parser = parser.check(|path| match has_sessions && path.is_guessable() {
            true => Err(GUESSABLE_PATH),
            false => Ok(()),
        });
        // With sessions, the path is the only secret between Truecaller and the site. Without them the app checks the request id,
        // and a path that can be guessed is only a warning.
        let item = if has_sessions { section.require("path", MISSING_PATH) } else { section.take("path") };
        let path = match item {
            None => CallbackPath::from_str(DEFAULT_PATH).ok().filter(|_| !has_sessions),
            Some(item) => item.parse(&parser),
        };
        if !has_sessions {
            section.note_default("path", DEFAULT_PATH);
        }
        let deadline = Duration::from_millis(100)..=Duration::from_mins(1);
        let is_possible = |forward: &bool| match forward | has_sessions {
            true => Ok(()),
            false => Err("must be true without `session`, or nobody would learn of a login (remove the key)"),
        };
        let forward = section.read("forward", &value::boolean().check(is_possible));
        section.note_default("forward", !has_sessions);
        // The `?` comes after every key has been read, so that no mistake is missed.
        Some(Self {
            deadline: section.read_or("deadline", GateBuilder::DEADLINE, &value::duration(deadline)),
            body_limit: section.read_or("body_limit", GateBuilder::BODY_LIMIT, &value::size(1..=Self::MAX_BODY_LIMIT)),
            forward: forward.unwrap_or(!has_sessions),
            path: path?,
        })
    }
}

impl TruecallerConfig {
    /// Reads the section. `native` has the endpoints of that section; it is none if any of them is wrong.
    pub(super) fn read(section: &mut Section<'_>, native: Option<&[ProfileEndpoint]>) -> Self {
        let endpoints = section.take("endpoints").map_or_else(|| Some(Endpoints::default()), endpoints);
        let urls = endpoints.iter().flat_map(Endpoints::iter).map(|endpoint| endpoint.url().as_str());
        section.note_default("endpoints", urls.collect::<ShownValue>());
        let known = endpoints.as_ref().zip(native);
        let known =
            known.map(|(listed, native)| listed.iter().chain(native).map(ProfileEndpoint::url).collect::<Vec<_>>());
        let resolve = section.members("resolve");
        let resolve =
            resolve.filter_map(|(host, item)| Some((host.to_owned(), resolved(host, item, known.as_deref())?)));
        let default = ProfileClient::builder();
        let connect_timeout = value::duration(Duration::from_millis(10)..=Duration::from_mins(1));
        let attempts = value::count(NonZero::<u32>::MIN..=NonZero::new(10).expect("ten is not zero"));
        let client = ProfileClientBuilder {
            connect_timeout: section.read_or("connect_timeout", default.connect_timeout, &connect_timeout),
            attempts: section.read_or("attempts", default.attempts, &attempts),
            profile_limit: section.read_or("profile_limit", default.profile_limit, &value::size(1..=MAX_PROFILE_LIMIT)),
            trusted: section.take("ca_file").and_then(tls::roots).unwrap_or_default(),
            resolve: resolve.collect(),
            ..default
        };
        let connect_at_start = section.read_or("connect_at_start", false, &value::boolean());
        let require_active = section.read_or("require_active", true, &value::boolean());
        Self { endpoints: endpoints.unwrap_or_default(), client, connect_at_start, require_active }
    }
}

/// Reads the allow-list. Returns none if any of it is wrong.
fn endpoints(item: Item<'_>) -> Option<Endpoints> {
    let parsed = item.parse_all(&value::endpoint())?;
    if parsed.is_empty() {
        item.complain("must not be empty (list a URL, or remove the key)");
        return None;
    }
    Some(parsed.into_iter().collect())
}

/// Reads the address of a host. One of the URLs must name the host, and must not have another port. They are none if some of them are
/// not known.
fn resolved(host: &str, item: Item<'_>, known: Option<&[&Url]>) -> Option<SocketAddr> {
    let urls = known.unwrap_or_default().iter().filter(|url| url.host_str() == Some(host));
    let urls: Vec<_> = urls.collect();
    match urls.first().map(|url| url.host()) {
        Some(Some(Host::Domain(_))) => {}
        Some(_) => item.complain_of_key("an IP address needs no resolving (remove the line)"),
        None if known.is_none() => {}
        None => item
            .complain_of_key("not the host of an endpoint (write a host from `truecaller.endpoints`, in lower case)"),
    }
    item.parse(&value::address().check(|address| {
        if known.is_some() && address.port() == 0 {
            return Err("port 0 cannot be connected to (write the port, such as 443)");
        }
        // The port that a URL names always wins.
        if urls.iter().filter_map(|url| url.port()).any(|port| port != address.port()) {
            return Err("the endpoint's URL has another port, which would be used (write the same port)");
        }
        Ok(())
    }))
}

const DEFAULT_PATH: &str = "/truecaller/callback";
const MISSING_PATH: &str =
    "with `session` it must be secret: write ${TRUEGATE_CALLBACK_PATH}, and make one with `truegate keys path`";
const GUESSABLE_PATH: &str =
    "can be guessed, but with `session` it must be secret (make one with `truegate keys path`)";
const MAX_PROFILE_LIMIT: usize = 1 << 20;
