//! The parts of a demo: the simulator, and two sites. A site is a gateway and the app behind it.

use std::{
    env,
    fmt::Display,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
};

use bytes::Bytes;

use super::{
    DevError,
    app::{AnswerKind, App},
    codes::{self, CodePage},
    not_posted,
};
use crate::{
    gateway::{Gateway, StartError, admin::ReloadQueue, config::Config, keys, listeners::InheritedSockets, logging},
    random::Random,
    simulator::Simulator,
};

/// Everything that runs.
pub(super) struct Demo {
    pub(super) simulator: Simulator,
    /// Lets verified callbacks through to an app that starts logins by itself.
    pub(super) callbacks: Site,
    /// Logs users in for two apps that do not, a shop and a wiki, each under a name of its own.
    pub(super) logins: Site,
    pub(super) wiki: App,
    callback_path: String,
}

impl Demo {
    /// Starts everything. The gateways take the usual ports if no address is given, and free ones if they are taken.
    pub(super) async fn start(listen: Option<SocketAddr>) -> Result<Self, DevError> {
        let simulator = Simulator::start().await.map_err(not_started)?;
        let callback_path = keys::path(&Random::system()).trim_end().to_owned();
        let app = App::start(AnswerKind::Text, &callback_path).await.map_err(not_started)?;
        let config = |listen, app| callbacks_config(listen, app, &callback_path, simulator.endpoint());
        let secrets = Secrets::new();
        let callbacks = Site::start(app, listen, loopback(8080), &secrets, config).await?;
        let codes = CodePage::new(SHOP_TITLE, &secrets.admin)?;
        let shop = App::with_routes(codes.routes(), AnswerKind::Pages(SHOP_TITLE), ACCOUNT_PATH);
        let shop = shop.await.map_err(not_started)?;
        let wiki = App::start(AnswerKind::Pages("A sample wiki"), "/").await.map_err(not_started)?;
        let config = |listen, shop| logins_config(listen, shop, wiki.address(), &callback_path, &simulator);
        let logins = Site::start(shop, None, loopback(8081), &secrets, config).await?;
        codes.set_admin(logins.gateway.admin_address());
        let demo = Self { simulator, callbacks, logins, wiki, callback_path };
        let callback_url = format!("{}{}", demo.shop_origin(), demo.callback_path);
        demo.simulator.set_callback_url(&callback_url).map_err(|error| not_posted(&error))?;
        Ok(demo)
    }

    /// Stops everything, the gateways first.
    pub(super) async fn stop(self) {
        self.callbacks.gateway.stop().await;
        self.logins.gateway.stop().await;
        self.simulator.stop().await;
    }

    pub(super) fn callback_url(&self) -> String {
        format!("{}{}", self.callbacks.origin(), self.callback_path)
    }

    /// The shop, as browsers see it.
    pub(super) fn shop_origin(&self) -> String {
        origin(SHOP, self.logins.address())
    }

    /// The page of the shop that verifies numbers, as browsers see it.
    pub(super) fn code_page(&self) -> String {
        self.shop_origin() + codes::PATH
    }

    /// The wiki, as browsers see it.
    pub(super) fn wiki_origin(&self) -> String {
        origin(WIKI, self.logins.address())
    }

    /// Returns the documented callback, with the simulator's endpoint in it.
    pub(super) fn callback(&self) -> Bytes {
        self.simulator.documented_callback(self.simulator.endpoint())
    }
}

/// A gateway and the app behind it.
pub(super) struct Site {
    pub(super) app: App,
    gateway: Gateway,
    /// The configuration of the gateway.
    pub(super) config: String,
}

impl Site {
    /// Starts the gateway that `config` describes for its own address and that of the app.
    ///
    /// A given port is taken or nothing. Any other may be in use, even after it was found to be free.
    async fn start(
        app: App,
        listen: Option<SocketAddr>,
        usual: SocketAddr,
        secrets: &Secrets,
        config: impl Fn(SocketAddr, SocketAddr) -> String,
    ) -> Result<Self, DevError> {
        let fixed = listen.filter(|listen| listen.port() != 0);
        loop {
            // A site must know its own port.
            let free = || TcpListener::bind(listen.unwrap_or(usual)).or_else(|_| TcpListener::bind(loopback(0)));
            let address = match fixed {
                Some(address) => address,
                None => free().and_then(|listener| listener.local_addr()).map_err(not_started)?,
            };
            let config = config(address, app.address());
            match Gateway::start(read(&config, secrets)?, InheritedSockets::default(), ReloadQueue::new().0).await {
                Err(StartError::Listen(_)) if fixed.is_none() => {}
                started => return Ok(Self { app, gateway: started?, config }),
            }
        }
    }

    /// The address of the gateway.
    pub(super) fn address(&self) -> SocketAddr {
        self.gateway.addresses()[0].tcp().expect("the demo listens on a port")
    }

    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.address())
    }
}

/// What the configurations take from variables, new for each demo.
struct Secrets {
    session: String,
    admin: String,
}

impl Secrets {
    fn new() -> Self {
        let new = || keys::secret(&Random::system()).trim_end().to_owned();
        Self { session: new(), admin: new() }
    }

    fn get(&self, variable: &str) -> Option<String> {
        match variable {
            SESSION_SECRET => Some(self.session.clone()),
            ADMIN_TOKEN => Some(self.admin.clone()),
            _ => None,
        }
    }
}

fn read(config: &str, secrets: &Secrets) -> Result<Config, DevError> {
    let config = Config::parse(config, Path::new("demo.yaml"), |variable| secrets.get(variable))?;
    if env::var_os("RUST_LOG").is_some() {
        // The second gateway logs as the first does.
        logging::start(&config.log);
    }
    Ok(config)
}

fn not_started(error: impl Display) -> DevError {
    format!("the simulator and the sample apps cannot be started: {error}").into()
}

fn callbacks_config(listen: SocketAddr, app: SocketAddr, callback_path: &str, endpoint: &str) -> String {
    format!(
        r#"listen: "{listen}"
upstream: http://{app}
callback:
  path: {callback_path}
truecaller:
  endpoints: [ {endpoint} ]
admin:
  listen: 127.0.0.1:0
"#
    )
}

fn logins_config(
    listen: SocketAddr,
    shop: SocketAddr,
    wiki: SocketAddr,
    callback_path: &str,
    simulator: &Simulator,
) -> String {
    let common = callbacks_config(listen, shop, callback_path, simulator.endpoint());
    let code_page = codes::PATH;
    let (link_base, shop, wiki_origin) = (simulator.link_base(), origin(SHOP, listen), origin(WIKI, listen));
    format!(
        r#"{common}  token: ${{{ADMIN_TOKEN}}}
upstreams:
  wiki: http://{wiki}
session:
  public_url: [ "{shop}", "{wiki_origin}" ]
  cookie_domain: {DOMAIN}
  secret: ${{{SESSION_SECRET}}}
  partner: {{ key: a-demo, name: A sample app }}
  link_base: {link_base}
  fallback_url: "{shop}{code_page}"
routes:
  - {{ host: {WIKI}, path: /, access: required, upstream: wiki }}
  - {{ path: {ACCOUNT_PATH}, access: required }}
  - {{ path: /, access: optional }}
"#
    )
}

fn origin(host: &str, gateway: SocketAddr) -> String {
    format!("http://{host}:{}", gateway.port())
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// The page that only a user who is logged in sees.
pub(super) const ACCOUNT_PATH: &str = "/account/";
/// The names of the apps behind the gateway for logins. Browsers take every name below `localhost` for this machine.
pub(super) const HOSTS: [&str; 2] = [SHOP, WIKI];
const SHOP: &str = "shop.demo.localhost";
const WIKI: &str = "wiki.demo.localhost";
/// The domain of both names.
const DOMAIN: &str = "demo.localhost";
const SHOP_TITLE: &str = "A sample shop";
/// The variables that the configurations take their secrets from.
const SESSION_SECRET: &str = "TRUEGATE_SESSION_SECRET";
const ADMIN_TOKEN: &str = "TRUEGATE_ADMIN_TOKEN";
