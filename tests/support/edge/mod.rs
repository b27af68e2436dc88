//! The edges that make the same promises, each in front of an app, on a socket of its own.
//!
//! Where they differ by design:
//!
//! | | tower (hyper) | pingora, gateway |
//! |---|---|---|
//! | `Content-Length` beside `Transfer-Encoding: chunked` | hyper drops the length | 400 |
//! | equal `Content-Length` lines | hyper keeps one | 400 |
//! | request trailers | passed on, but for the namespace | all dropped |
//! | a header block over 64 KiB, more than 100 lines, a target over 8 KiB | hyper's own limits | gateway: 431, 414 |
//! | an app that cannot be reached | the service's own error | gateway: 502 |
//! | an absolute target whose host is that of `Host` in another spelling | a path | gateway: a path; module: 400 |
//! | a space in a target | 400 | written as `%20` |
//! | HTTP/2 without TLS | yes | no |

mod gateway;
pub mod pingora;
pub mod sessions;
pub mod tower;

use std::{net::SocketAddr, time::Duration};
use tokio::sync::watch;
use truegate::{
    assertion::{Assertions, SigningKey, SigningKeys},
    callback::ProfileEndpoint,
    gate::{AppLoginOutcome, CallbackOutcome, Event, Gate, GateBuilder, Limits, Observer},
    headers::{Encoding, Field, HeaderNames, HeaderSet, Preset},
    native::{Native, NativeClient},
    profile::ProfileClient,
};
use url::Url;

pub use self::sessions::Sessions;
use super::native::CLIENT_ID;

/// The callback route of every edge.
pub const PATH: &str = "/truecaller/Callback-7f3ax2kq9vnt4rzw8mbd";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// hyper and `TruegateLayer` in front of a reverse proxy.
    Tower,
    /// Somebody's own `ProxyHttp` with the module and its two calls.
    Pingora,
    /// The program.
    Gateway,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Tower, Self::Pingora, Self::Gateway];

    /// Starts this edge in front of an app.
    pub async fn start(self, app: SocketAddr, settings: &Settings) -> Edge {
        match self {
            Self::Tower => {
                Edge::Tower(tower::Server::start(settings.gate_builder().build(), app, settings.trusted).await)
            }
            Self::Pingora => {
                Edge::Pingora(pingora::Server::start(settings.gate_builder().build(), app, settings.trusted))
            }
            Self::Gateway => Edge::Gateway(gateway::start(settings, app)),
        }
    }
}

/// What a test wants other than usual.
pub struct Settings {
    pub endpoints: Vec<String>,
    /// Where the hosts of the endpoints are.
    pub resolve: Option<SocketAddr>,
    /// More roots to trust, as PEM.
    pub ca: Option<String>,
    /// Long, for machines that are busy.
    pub deadline: Duration,
    pub connect_timeout: Duration,
    pub body_limit: usize,
    pub max_value_length: usize,
    /// More headers.
    pub headers: Vec<(&'static str, &'static str)>,
    pub presets: Vec<&'static str>,
    /// Further apps by their names, each with the presets that it reads instead. Sessions name their paths.
    pub apps: Vec<(&'static str, Vec<&'static str>)>,
    /// More presets, each with the encoding of its name.
    pub encoded_presets: Vec<(&'static str, &'static str)>,
    /// More names, and families, that no client may send.
    pub strip: Vec<&'static str>,
    pub accept_inactive: bool,
    /// How identities are signed, if they are.
    pub signing: Option<Signing>,
    /// How many logins and callbacks may come from one client.
    pub limits: Limits,
    /// How browsers log in, if they can.
    pub sessions: Option<Sessions>,
    /// The path of the route for the site's own app, if there is one. Its endpoints are beside the first of the endpoints.
    pub native: Option<&'static str>,
    /// Whether whoever asks is a proxy of the operator's own.
    pub trusted: bool,
    /// Counts the callbacks, and the logins of the app, that an edge in this process gave up.
    pub abandoned: watch::Sender<usize>,
}

impl Settings {
    /// The usual ones, with the endpoints that a callback may name.
    pub fn listing<T: Into<String>>(endpoints: impl IntoIterator<Item = T>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            resolve: None,
            ca: None,
            deadline: Duration::from_secs(45),
            connect_timeout: Duration::from_secs(20),
            body_limit: 16 * 1024,
            max_value_length: 1024,
            headers: Vec::new(),
            presets: Vec::new(),
            apps: Vec::new(),
            encoded_presets: Vec::new(),
            strip: Vec::new(),
            accept_inactive: false,
            signing: None,
            limits: Limits::default(),
            sessions: None,
            native: None,
            trusted: false,
            abandoned: watch::Sender::default(),
        }
    }

    /// The hosts that the endpoints name, each with where it is to be found.
    fn hosts(&self) -> impl Iterator<Item = (String, SocketAddr)> {
        let host = |url: &String| Some(Url::parse(url).ok()?.host_str()?.to_owned());
        self.endpoints.iter().filter_map(host).filter_map(|host| Some((host, self.resolve?)))
    }

    /// What these settings say, for a gate in this process.
    pub fn gate_builder(&self) -> GateBuilder {
        let (names, sets) = self.names();
        let endpoints = self.endpoints.iter().map(|url| ProfileEndpoint::parse(url).expect("a URL that can be listed"));
        let builder = Gate::builder(PATH.parse().expect("the path is canonical"), self.client())
            .endpoints(endpoints.collect())
            .headers(names)
            .body_limit(self.body_limit)
            .deadline(self.deadline)
            .limits(self.limits)
            .observer(Abandonments(self.abandoned.clone()))
            .require_host();
        let builder = match &self.signing {
            Some(signing) => builder.assertions(signing.assertions()),
            None => builder,
        };
        let builder = match &self.sessions {
            Some(sessions) => builder.sessions(sessions.engine(&sets)).expect("nobody guesses the path"),
            None => builder,
        };
        let builder = match self.native {
            Some(path) => builder.native(self.app(path)).expect("nothing else is at the path"),
            None => builder,
        };
        if self.accept_inactive { builder.accept_inactive() } else { builder }
    }

    /// The route for the site's own app.
    fn app(&self, path: &str) -> Native {
        let client = NativeClient::builder(self.client(), CLIENT_ID.parse().expect("a client id"));
        let [token, userinfo, missed_call] =
            self.native_endpoints().map(|url| ProfileEndpoint::parse(&url).expect("a URL that can be listed"));
        let client = client.token_endpoint(token).userinfo_endpoint(userinfo).missed_call_endpoint(missed_call).build();
        Native::new(path.parse().expect("the path is canonical"), client)
    }

    /// The endpoints for the code, for the profile and for a missed call.
    fn native_endpoints(&self) -> [String; 3] {
        let origin = Url::parse(&self.endpoints[0]).expect("a URL that can be listed").origin().ascii_serialization();
        ["/v1/token", "/v1/userinfo", "/v1/otp/client/installation/phoneNumberDetail"]
            .map(|path| format!("{origin}{path}"))
    }

    fn client(&self) -> ProfileClient {
        let builder = ProfileClient::builder()
            .connect_timeout(self.connect_timeout)
            .attempts(2)
            .trust(self.ca.clone().unwrap_or_default());
        let builder = self.hosts().fold(builder, |builder, (host, address)| builder.resolve(host, address));
        builder.build().expect("the certificates are PEM")
    }

    /// The headers, and the sets of the further apps by their names.
    fn names(&self) -> (HeaderNames, Vec<(&'static str, HeaderSet)>) {
        let mut names = HeaderNames::builder("X-Truecaller-").expect("the default prefix is valid");
        names.max_value_length(self.max_value_length);
        for preset in &self.presets {
            names.preset(coded(Preset::ALL, Preset::code, preset), None).expect("a preset's headers may be injected");
        }
        for (preset, encoding) in &self.encoded_presets {
            let (preset, encoding) =
                (coded(Preset::ALL, Preset::code, preset), coded(Encoding::ALL, Encoding::code, encoding));
            let added = names.preset(preset, Some(encoding));
            added.expect("a preset's headers may be injected");
        }
        for name in &self.strip {
            names.strip(name).expect("a header that may be stripped");
        }
        for (name, field) in &self.headers {
            let field = coded(Field::ALL, Field::code, field);
            names.inject(name, field, None).expect("a header that may be injected");
        }
        let mut set = |(name, presets): &(&'static str, Vec<&str>)| {
            let mut set = names.new_set();
            for preset in presets {
                let preset = coded(Preset::ALL, Preset::code, preset);
                set.preset(preset, None).expect("a preset's headers may be injected");
            }
            (*name, set.build())
        };
        let sets = self.apps.iter().map(&mut set).collect();
        (names.build(), sets)
    }
}

/// The one of a closed list that has this code.
fn coded<T: Copy>(all: &[T], code: fn(T) -> &'static str, known: &str) -> T {
    *all.iter().find(|value| code(**value) == known).expect("a known word")
}

/// How identities are signed.
#[derive(Clone)]
pub struct Signing {
    /// The keys as PEM; the first signs.
    pub keys: Vec<String>,
    pub lifetime: Duration,
}

impl Signing {
    pub const ISSUER: &str = "https://shop.example";
    pub const AUDIENCE: &str = "shop-backend";

    /// With this many fresh keys.
    pub fn with_keys(count: usize) -> Self {
        let key = |_| SigningKey::generate().to_pem().to_string();
        Self { keys: (0..count).map(key).collect(), lifetime: Duration::from_mins(5) }
    }

    /// The ids of the keys.
    pub fn ids(&self) -> Vec<String> {
        self.parsed().map(|key| key.id().to_owned()).collect()
    }

    /// What a gate in this process signs with.
    pub fn assertions(&self) -> Assertions {
        let mut parsed = self.parsed();
        let mut keys = SigningKeys::new(parsed.next().expect("one key signs"));
        parsed.for_each(|key| keys.publish(key).expect("fresh keys are not the same"));
        let [issuer, audience] = [Self::ISSUER, Self::AUDIENCE].map(|name| name.parse().expect("a name"));
        Assertions::new(keys, issuer, audience).lifetime(self.lifetime)
    }

    fn parsed(&self) -> impl Iterator<Item = SigningKey> {
        self.keys.iter().map(|pem| SigningKey::from_pem(pem).expect("a key as it was written"))
    }
}

/// Counts the callbacks, and the logins of the app, that were given up.
struct Abandonments(watch::Sender<usize>);

impl Observer for Abandonments {
    fn observe(&self, event: Event) {
        let abandoned = [
            matches!(event, Event::Callback { outcome: CallbackOutcome::Abandoned, .. }),
            matches!(event, Event::AppLogin { outcome: AppLoginOutcome::Abandoned, .. }),
        ];
        if abandoned.contains(&true) {
            self.0.send_modify(|count| *count += 1);
        }
    }
}

/// An edge that runs until it is dropped.
pub enum Edge {
    Tower(tower::Server),
    Pingora(pingora::Server),
    Gateway(super::program::Program),
}

impl Edge {
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Tower(server) => server.address(),
            Self::Pingora(server) => server.address(),
            Self::Gateway(program) => program.address(),
        }
    }
}
