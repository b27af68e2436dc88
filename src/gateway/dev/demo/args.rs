//! The arguments of `truegate demo`.

use std::net::SocketAddr;

/// The arguments of `truegate demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Where the gateway for callbacks listens on this machine; 127.0.0.1:8080, or a free port if that is taken. The one
    /// for logins takes 127.0.0.1:8081, or a free port.
    #[arg(long, value_name = "ADDRESS", value_parser = loopback)]
    pub(super) listen: Option<SocketAddr>,

    /// Exit after one callback and one login: 0 if both apps received the verified identity, 1 if not.
    #[arg(long)]
    pub(super) once: bool,

    /// Show the gateways' configurations.
    #[arg(long)]
    pub(super) show_config: bool,
}

/// Nobody else is to reach a gateway that believes a simulator.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "write an IP address and a port, such as 127.0.0.1:8080")?;
    if !address.ip().is_loopback() {
        return Err("the demo is for this machine alone: write 127.0.0.1 and a port".to_owned());
    }
    Ok(address)
}
