//! What plays in the demo: the simulator, the gateway and the app.

use std::{
    env,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

use bytes::Bytes;

use super::{DemoError, app::App};
use crate::{
    gateway::{Gateway, StartError, config::Config, logging},
    simulator::Simulator,
};

/// All that runs.
pub(super) struct Scene {
    pub(super) simulator: Simulator,
    pub(super) app: App,
    gateway: Gateway,
    /// The configuration of the gateway.
    pub(super) config: String,
}

impl Scene {
    /// Starts everything, the gateway on the usual port if no address is given and on a free one if that is taken.
    pub(super) async fn set(listen: Option<SocketAddr>) -> Result<Self, DemoError> {
        let simulator = Simulator::start().await.map_err(DemoError::Start)?;
        let app = App::start().await.map_err(DemoError::Start)?;
        let config = |listen| config(listen, app.address(), simulator.endpoint());
        let start = async |config: String| Ok((start(&config).await?, config));
        let (gateway, config) = match start(config(listen.unwrap_or(USUAL))).await {
            Err(DemoError::Gateway(StartError::Listen(_))) if listen.is_none() => start(config(FREE)).await?,
            outcome => outcome?,
        };
        Ok(Self { simulator, app, gateway, config })
    }

    /// Stops everything, the gateway first.
    pub(super) async fn clear(self) {
        self.gateway.stop().await;
        self.simulator.stop().await;
    }

    /// Where the gateway listens.
    pub(super) fn gateway(&self) -> SocketAddr {
        self.gateway.addresses()[0]
    }

    pub(super) fn callback_url(&self) -> String {
        format!("http://{}{CALLBACK_PATH}", self.gateway())
    }

    /// The documented callback, with the simulator's endpoint in it.
    pub(super) fn callback(&self) -> Bytes {
        self.simulator.documented_callback(self.simulator.endpoint())
    }
}

async fn start(config: &str) -> Result<Gateway, DemoError> {
    let config = Config::parse(config, Path::new("demo.yaml"), |_| None)?;
    if env::var_os("RUST_LOG").is_some() {
        logging::start(config.log);
    }
    Ok(Gateway::start(&config).await?)
}

fn config(listen: SocketAddr, app: SocketAddr, endpoint: &str) -> String {
    format!(
        r#"listen: "{listen}"
upstream: http://{app}
callback:
  path: {CALLBACK_PATH}
truecaller:
  endpoints: [ {endpoint} ]
admin:
  listen: 127.0.0.1:0
"#
    )
}

pub(super) const CALLBACK_PATH: &str = "/truecaller/callback";

const USUAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const FREE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
