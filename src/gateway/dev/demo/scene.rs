//! What plays in the demo: the simulator, and two gateways, each with an app.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;

use super::{
    DemoError,
    app::{App, Kind},
    stage::{SECRET, Stage},
};
use crate::{gateway::keys, simulator::Simulator};

/// All that runs.
pub(super) struct Scene {
    pub(super) simulator: Simulator,
    /// Lets verified callbacks through to an app that starts logins by itself.
    pub(super) callbacks: Stage,
    /// Logs users in for an app that does not.
    pub(super) logins: Stage,
    callback_path: String,
}

impl Scene {
    /// Starts everything, the gateways on the usual ports if no address is given and on free ones if they are taken.
    pub(super) async fn set(listen: Option<SocketAddr>) -> Result<Self, DemoError> {
        let simulator = Simulator::start().await.map_err(DemoError::Start)?;
        let callback_path = keys::path().trim_end().to_owned();
        let app = App::start(Kind::Text, &callback_path).await.map_err(DemoError::Start)?;
        let config = |listen, app| callbacks_config(listen, app, &callback_path, simulator.endpoint());
        let callbacks = Stage::set(app, listen, usual(8080), config).await?;
        let app = App::start(Kind::Pages, ACCOUNT_PATH).await.map_err(DemoError::Start)?;
        let config = |listen, app| logins_config(listen, app, &callback_path, &simulator);
        let logins = Stage::set(app, None, usual(8081), config).await?;
        simulator.set_callback_url(&format!("{}{callback_path}", logins.origin()))?;
        Ok(Self { simulator, callbacks, logins, callback_path })
    }

    /// Stops everything, the gateways first.
    pub(super) async fn clear(self) {
        self.callbacks.clear().await;
        self.logins.clear().await;
        self.simulator.stop().await;
    }

    pub(super) fn callback_url(&self) -> String {
        format!("{}{}", self.callbacks.origin(), self.callback_path)
    }

    /// The documented callback, with the simulator's endpoint in it.
    pub(super) fn callback(&self) -> Bytes {
        self.simulator.documented_callback(self.simulator.endpoint())
    }
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

fn logins_config(listen: SocketAddr, app: SocketAddr, callback_path: &str, simulator: &Simulator) -> String {
    let common = callbacks_config(listen, app, callback_path, simulator.endpoint());
    let link_base = simulator.link_base();
    format!(
        r#"{common}session:
  public_url: http://{listen}
  secret: ${{{SECRET}}}
  partner: {{ key: a-demo, name: A sample app }}
  link_base: {link_base}
  fallback_url: /login
routes:
  - {{ path: {ACCOUNT_PATH}, access: required }}
  - {{ path: /, access: optional }}
"#
    )
}

fn usual(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// The page that only those see who are logged in.
pub(super) const ACCOUNT_PATH: &str = "/account/";
