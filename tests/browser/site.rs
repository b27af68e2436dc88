//! The site: the gateway in front of an app that knows nothing of Truecaller.

mod brief;
mod shop;

use std::net::SocketAddr;

use tempfile::TempDir;
use truegate::simulator::Simulator;

use self::{brief::Brief, shop::Shop};
use crate::support::{otp::Otp, port::Port, program::Program, site_login::TOKEN};

pub(crate) struct Site {
    origin: String,
    address: SocketAddr,
    edge: Edge,
}

/// What a scene wants of the site.
#[derive(Default)]
pub(crate) struct Wish {
    /// What the login's link begins with; Truecaller's app if none.
    pub(crate) link_base: Option<String>,
    /// What keeps logins; the gateway's memory if none.
    pub(crate) store: Option<String>,
    /// The login page of a folder; the built-in one if none.
    pub(crate) page: Option<&'static str>,
    /// The app's other way to log in.
    pub(crate) fallback: Option<&'static str>,
    /// Whether the page at `/login` is the example that sends codes, and finishes logins.
    pub(crate) sends_codes: bool,
    /// The names of the hosts below `localhost`; the loopback address itself if none.
    pub(crate) hosts: &'static [&'static str],
    /// The domain whose hosts share their sessions.
    pub(crate) cookie_domain: Option<&'static str>,
    /// Which requests of other sites' pages carry the session; the default if none.
    pub(crate) same_site: Option<&'static str>,
    /// The logo, as an SVG, and the colour.
    pub(crate) brand: Option<(&'static str, &'static str)>,
}

/// What runs, until it is dropped.
enum Edge {
    Gateway { _program: Box<Program>, _port: Port, shop: Shop, otp: Option<Box<(Otp, Port)>> },
    Brief { _server: Brief },
}

impl Site {
    pub(crate) async fn start(truecaller: &Simulator, wish: Wish) -> Self {
        let shop = Shop::start().await;
        let port = Port::reserve();
        let address = port.address();
        let origins = origins(wish.hosts, address);
        let folder = tempfile::tempdir().unwrap();
        let otp = wish.sends_codes.then(Port::reserve);
        let mut config = config(address, &origins, &shop, truecaller, &wish, &folder);
        if let Some(otp) = &otp {
            config = with_codes(&config, otp);
        }
        let program = Program::serve_from(folder, &config);
        let otp = otp.map(|port| Box::new((Otp::start(port.address(), program.admin()), port)));
        let edge = Edge::Gateway { _program: Box::new(program), _port: port, shop, otp };
        Self { origin: origins[0].clone(), address, edge }
    }

    /// The same on the tower layer, where logins live for 6 seconds: the program's configuration allows no less than
    /// 10.
    pub(crate) async fn start_brief(truecaller: &Simulator) -> Self {
        let (brief, origin) = Brief::start(truecaller).await;
        let address = origin.trim_start_matches("http://").parse().unwrap();
        Self { origin, address, edge: Edge::Brief { _server: brief } }
    }

    /// Lets the app behind the gateway answer no more.
    pub(crate) fn stop_app(&mut self) {
        if let Edge::Gateway { shop, .. } = &mut self.edge {
            shop.stop();
        }
    }

    /// The page that sends codes.
    pub(crate) fn otp(&self) -> &Otp {
        match &self.edge {
            Edge::Gateway { otp: Some(otp), .. } => &otp.0,
            _ => panic!("the scene has no such page"),
        }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The origin of another of its hosts.
    pub(crate) fn origin_of(&self, host: &str) -> String {
        format!("http://{host}:{}", self.address.port())
    }

    /// By the address, because only browsers know the names below `localhost`.
    pub(crate) fn callback_url(&self) -> String {
        format!("http://{}{CALLBACK}", self.address)
    }
}

fn origins(hosts: &[&str], address: SocketAddr) -> Vec<String> {
    let named: Vec<_> = hosts.iter().map(|host| format!("http://{host}:{}", address.port())).collect();
    if named.is_empty() { vec![format!("http://{address}")] } else { named }
}

fn config(
    address: SocketAddr,
    origins: &[String],
    shop: &Shop,
    truecaller: &Simulator,
    wish: &Wish,
    folder: &TempDir,
) -> String {
    let mut session = String::new();
    if let Some(domain) = wish.cookie_domain {
        session += &format!("  cookie_domain: {domain}\n");
    }
    if let Some(same_site) = wish.same_site {
        session += &format!("  same_site: {same_site}\n");
    }
    if let Some(base) = &wish.link_base {
        session += &format!("  link_base: {base}\n");
    }
    if let Some(url) = &wish.store {
        session += &format!("  store: {url}\n");
    }
    if let Some(path) = wish.fallback {
        session += &format!("  fallback_url: {path}\n");
    }
    if let Some((logo, color)) = wish.brand {
        std::fs::write(folder.path().join("logo.svg"), logo).unwrap();
        session += &format!("  logo: logo.svg\n  color: \"{color}\"\n");
    }
    if let Some(page) = wish.page {
        std::fs::write(folder.path().join("login.html"), page).unwrap();
        session += "  templates: .\n";
    }
    format!(
        "\
listen: {listen}
upstream: http://{shop}
admin: {{ listen: 127.0.0.1:0 }}
shutdown_grace: 0s
callback: {{ path: {CALLBACK}, deadline: 20s }}
truecaller: {{ endpoints: [{endpoint}] }}
session:
  public_url: [{origins}]
  secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
  partner: {{ key: a-key, name: \"{PARTNER}\" }}
  upstream_cookies: [PHPSESSID]
{session}routes:
{own}  - {{ path: /account/, access: required }}
  - {{ path: /vip/, access: required, allow: {{ phones: ['+447911123456'] }} }}
  - {{ path: /public/, access: public }}
  - {{ path: /, access: optional }}
",
        listen = address,
        origins = origins.join(", "),
        // Truecaller calls by the address.
        own = if wish.hosts.is_empty() { "" } else { "  - { host: 127.0.0.1, path: /, access: public }\n" },
        shop = shop.address(),
        endpoint = truecaller.endpoint(),
    )
}

/// The same configuration with the example's page at `/login`, which finishes logins.
fn with_codes(config: &str, otp: &Port) -> String {
    let rule = "routes:\n  - { path: /login, access: optional, upstream: otp }\n";
    let apps = format!("upstreams: {{ otp: http://{} }}\n", otp.address());
    apps + &config.replace("admin: {", &format!("admin: {{ token: '{TOKEN}',")).replace("routes:\n", rule)
}

const CALLBACK: &str = "/truecaller/callback-x7Kq2vNf9TzR4mWb6pLd";
const PARTNER: &str = "A&B #1 दुकान";
