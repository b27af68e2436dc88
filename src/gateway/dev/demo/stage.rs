//! A gateway and the app behind it.

use std::{
    env,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
};

use super::{DemoError, app::App};
use crate::gateway::{Gateway, StartError, config::Config, keys, logging};

/// A gateway and the app behind it.
pub(super) struct Stage {
    pub(super) app: App,
    gateway: Gateway,
    /// The configuration of the gateway.
    pub(super) config: String,
}

impl Stage {
    /// Starts the gateway that a configuration describes, which is made for the address and the app: on the usual
    /// address if none is given, and on a free port if that is taken.
    pub(super) async fn set(
        app: App,
        listen: Option<SocketAddr>,
        usual: SocketAddr,
        config: impl Fn(SocketAddr, SocketAddr) -> String,
    ) -> Result<Self, DemoError> {
        let mut config_at = config(free_if_any(listen.unwrap_or(usual))?, app.address());
        let gateway = loop {
            match start(&config_at).await {
                Err(DemoError::Gateway(StartError::Listen(_))) if listen.is_none_or(|listen| listen.port() == 0) => {
                    config_at = config(free_if_any(FREE)?, app.address());
                }
                outcome => break outcome?,
            }
        };
        Ok(Self { app, gateway, config: config_at })
    }

    /// Where the gateway listens.
    pub(super) fn gateway(&self) -> SocketAddr {
        self.gateway.addresses()[0]
    }

    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.gateway())
    }

    pub(super) async fn clear(self) {
        self.gateway.stop().await;
    }
}

async fn start(config: &str) -> Result<Gateway, DemoError> {
    let secret = |name: &str| (name == SECRET).then(|| keys::secret().trim_end().to_owned());
    let config = Config::parse(config, Path::new("demo.yaml"), secret)?;
    if env::var_os("RUST_LOG").is_some() {
        // The second gateway logs as the first does.
        logging::start(config.log);
    }
    Ok(Gateway::start(&config).await?)
}

/// The same address, with a port that is free now where any may be taken: a site must know its own.
fn free_if_any(address: SocketAddr) -> Result<SocketAddr, DemoError> {
    if address.port() != 0 {
        return Ok(address);
    }
    TcpListener::bind(address).and_then(|listener| listener.local_addr()).map_err(DemoError::Start)
}

const FREE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// The variable that a configuration takes its secret from.
pub(super) const SECRET: &str = "TRUEGATE_SESSION_SECRET";
