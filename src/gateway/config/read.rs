//! Reads all sections of the file, and checks what concerns more than one of them.

use std::{num::NonZero, ops::RangeInclusive, sync::Arc, time::Duration};

use super::{
    AcmeConfig, AdminConfig, CallbackConfig, Config, KeyPlaces, LogConfig, NativeConfig, ServerConfig, SessionConfig,
    ShownConfig, TelemetryConfig, TruecallerConfig, acme, groups, hsts,
    identity::{self, InjectedHeaders},
    listener,
    reader::{Item, Section, Shape, ShownValue, ValueParser},
    routes::{self, RuleContext},
    trusted_proxies::{TrustedPeer, TrustedProxies},
    upstream::{self, AppNames},
    value,
};
use crate::{assertion::KEY_SET_PATH, gate::Limits, session::SessionPath};

/// How long the gateway waits. `None` stands for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timeouts {
    /// For a connection to the app, with its TLS handshake.
    pub(crate) connect: Option<Duration>,
    /// For the next bytes, from the app or in the body of a request.
    pub(crate) read: Option<Duration>,
    /// For room to send the next bytes.
    pub(crate) write: Option<Duration>,
    /// For the next request on a connection of a client.
    pub(crate) idle: Option<Duration>,
}

impl Config {
    /// Reads every section. Use what it returns only if no mistake was reported.
    pub(super) fn read(file: &mut Section<'_>) -> Option<Self> {
        let listen_item = file.take("listen");
        let upstreams_item = file.take("upstreams");
        let upstream = file.require("upstream", if upstreams_item.is_some() { NO_DEFAULT } else { NO_APP });
        let named: Vec<_> = upstreams_item.into_iter().flat_map(Item::members).collect();
        let timeouts = file.section("timeouts", Timeouts::read);
        let session_item = file.take("session");
        let groups_item = file.take("groups");
        let groups = groups::read(groups_item);
        let mut injected = file.section("identity", InjectedHeaders::read);
        let names = named.iter().map(|(name, _)| *name).collect();
        let names = AppNames { all: names, are_known: upstreams_item.is_none_or(Item::is_mapping) };
        let (upstreams, servers) = upstream::read(upstream, &names, named.into_iter(), timeouts, &mut injected);
        let known =
            RuleContext { groups: &groups, names, upstreams: upstreams.as_ref(), has_sessions: session_item.is_some() };
        let routes = routes::read(file.take("routes"), &known);
        let session = session_item.and_then(|item| item.section(|section| SessionConfig::read(section, &routes)));
        let acme_item = file.take("acme");
        let site = match (session_item, &session) {
            (Some(_), None) => None,
            (_, session) => Some(secure_hosts(session.as_ref())),
        };
        let acme = acme_item.map(|item| item.section(|section| AcmeConfig::read(section, site)));
        let obtained = acme.as_ref().map(|acme| acme.iter().flat_map(AcmeConfig::all_files).collect::<Vec<_>>());
        let listeners = listener::read(listen_item, obtained.as_deref());
        file.note_default("listen", "127.0.0.1:8080");
        for name in ["trusted_proxies", "routes"] {
            file.note_default(name, ShownValue::List(Vec::new()));
        }
        let has_sessions = session_item.is_some_and(Item::is_mapping);
        let callback = file.section("callback", |section| CallbackConfig::read(section, has_sessions));
        let native_item = file.take("native");
        let native = native_item.map(|item| item.section(NativeConfig::read));
        let endpoints = match &native {
            None => Some(Vec::new()),
            Some(native) => native.as_ref().map(NativeConfig::endpoints),
        };
        let truecaller = file.section("truecaller", |section| TruecallerConfig::read(section, endpoints.as_deref()));
        let assertion_item = file.take("assertion");
        let assertion = assertion_item.and_then(|item| item.section(identity::assertions));
        let trusted_item = file.take("trusted_proxies");
        let proxy = ValueParser::new(Shape::Text, |text| TrustedPeer::parse(text)).open();
        let trusted_proxies: TrustedProxies =
            trusted_item.and_then(Item::list).into_iter().flatten().filter_map(|item| item.parse(&proxy)).collect();
        let (admin_item, admin) = file.section("admin", AdminConfig::read);

        if let Some(admin) = &admin {
            listener::refuse_clashes(&listeners, admin.listen, admin_item);
        }
        let has_https_url = session.as_ref().is_some_and(|session| session.public_urls.is_secure());
        listener::refuse_idle_redirects(&listeners, has_https_url);
        let hsts_item = file.take("hsts");
        let hsts = hsts_item.map(|item| item.section(hsts::read));
        let has_https = listeners.iter().any(|(listener, _)| listener.tls.is_some())
            || trusted_proxies != TrustedProxies::default();
        if let (Some(item), false) = (hsts_item, has_https) {
            item.complain_of_key(
                "only sent over https (name a certificate, or the proxy that speaks https in trusted_proxies)",
            );
        }
        if let Some(item) = acme_item {
            acme::refuse_unused(item, &listeners);
        }
        let server = file.section("server", ServerConfig::read);
        if server.reuse_port {
            listener::refuse_long_paths(&listeners);
        }
        listener::refuse_unused_trust(&listeners, &trusted_proxies, trusted_item);
        listener::refuse_loops(&listeners, &servers);
        if let (Some(item), Some(session), Some(callback)) = (session_item, &session, &callback)
            && session.path.covers(callback.path.expose())
        {
            item.complain_of_key(
                "must not cover `callback.path`, because truegate answers every path below `session.path` itself (choose \
                 another callback path)",
            );
        }
        if let (None, Some(item), Some(callback)) = (session_item, assertion_item, &callback)
            && callback.path.covers(KEY_SET_PATH)
        {
            item.complain_of_key(
                "its keys are published at the path that `callback.path` has (choose another callback path)",
            );
        }
        if let (Some(item), Some(Some(native))) = (native_item, &native) {
            let own = match (session_item, &session) {
                (None, _) => Some(SessionPath::default()),
                (Some(_), session) => session.as_ref().map(|session| session.path.clone()),
            };
            native.refuse_clashes(item, callback.as_ref(), own.as_ref());
        }
        if let (None, Some(item)) = (session_item, groups_item) {
            item.complain_of_key(
                "only used with `session`, because a callback carries no groups (add `session`, or remove `groups`)",
            );
        }
        let log = file.section("log", LogConfig::read);
        let is_logged = log.access.is_some() || log.audit.is_some();
        let request_id = file.read("request_id", &value::boolean()).unwrap_or(is_logged);
        file.note_default("request_id", is_logged);
        // A `?` comes after every key has been read, so that no mistake is missed.
        Some(Self {
            listen: listeners.into_iter().map(|(listener, _)| listener).collect(),
            server,
            timeouts,
            truecaller,
            identity: Arc::new(injected.names.build()),
            trusted_proxies,
            limits: file.section("limits", read_limits),
            session,
            groups,
            routes,
            assertion,
            shutdown_grace: file.read_or("shutdown_grace", SHUTDOWN_GRACE, &value::duration(SHUTDOWN_GRACES)),
            log,
            telemetry: file.section("telemetry", TelemetryConfig::read),
            request_id,
            shown: ShownConfig::default(),
            places: KeyPlaces::default(),
            yaml_warnings: Vec::new(),
            native: native.map_or(Some(None), |native| native.map(Some))?,
            hsts: hsts.map_or(Some(None), |hsts| hsts.map(Some))?,
            acme: acme.map_or(Some(None), |acme| acme.map(Some))?,
            upstreams: upstreams?,
            callback: callback?,
            admin: admin?,
        })
    }
}

/// The hosts of a site that browsers open by https.
fn secure_hosts(session: Option<&SessionConfig>) -> Vec<String> {
    let urls = session.into_iter().flat_map(|session| session.public_urls.iter());
    urls.filter(|url| url.is_secure()).map(|url| url.host_name().to_owned()).collect()
}

impl Timeouts {
    /// What a wait may be limited to.
    pub(super) const RANGE: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_hours(24);

    fn read(section: &mut Section<'_>) -> Self {
        let mut read = |name, range, default| section.read_or(name, Some(default), &value::time_limit(range));
        Self {
            connect: read("connect", Self::RANGE, CONNECT),
            read: read("read", Self::RANGE, SILENCE),
            write: read("write", Self::RANGE, SILENCE),
            idle: read("idle", IDLES, IDLE),
        }
    }
}

fn read_limits(section: &mut Section<'_>) -> Limits {
    let default = Limits::default();
    Limits {
        logins_per_minute: section.read_or("logins_per_minute", default.logins_per_minute, &limit()),
        callbacks_per_second: section.read_or("callbacks_per_second", default.callbacks_per_second, &limit()),
    }
}

fn limit() -> ValueParser<'static, Option<NonZero<u32>>> {
    let number = value::count(NonZero::<u32>::MIN..=MAX_LIMIT);
    let numbers = Shape::Number { least: 1, most: MAX_LIMIT.get().into() };
    let parser = ValueParser::new(numbers, move |text| match text.plain() {
        // Zero could mean "no limit" or "nothing at all".
        Some("off") => Ok(None),
        _ => number
            .parse(text)
            .map(Some)
            .map_err(|_| "must be a number from 1 to 1000000, or off for no limit (write 300, without quotes)"),
    });
    parser.or(Shape::Word(vec!["off"])).shown(|limit| limit.map(|limit| limit.to_string()))
}

const NO_APP: &str = "write upstream: http://127.0.0.1:3000, the app's address";
const NO_DEFAULT: &str = "write upstream: NAME, the app for requests that no rule gives to another app";
const CONNECT: Duration = Duration::from_secs(5);
/// Long enough for a slow report or a quiet WebSocket, short enough to end a connection that hangs.
const SILENCE: Duration = Duration::from_mins(5);
/// Longer than load balancers keep a connection by default, because they must be the first to close it.
const IDLE: Duration = Duration::from_secs(75);
/// A shorter time would close connections that are in use.
const IDLES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
const SHUTDOWN_GRACES: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(1);
const MAX_LIMIT: NonZero<u32> = NonZero::new(1_000_000).expect("a million is not zero");
