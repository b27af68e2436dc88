//! Pebble, an ACME server for tests, which asks for challenges at a port of the gateway.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use tempfile::TempDir;
use tokio::{net::UdpSocket, task::JoinSet};

use super::{
    support::{port::Port, server::Server},
    tls::Pair,
};

/// Pebble, with a name server for which the hosts of its certificates are this machine.
pub(crate) struct Pebble {
    server: Server,
    _names: Names,
}

impl Pebble {
    /// The certificate of Pebble itself. It is in the folder as `pebble.pem`, for clients.
    pub(crate) fn authority(folder: &Path) -> Pair {
        let authority = Pair::named(&["127.0.0.1"]);
        authority.write(&folder.join("pebble.pem"), &folder.join("pebble.key"));
        authority
    }

    /// Starts it. It refuses certificates for `blocked.example`.
    pub(crate) async fn start(port: Port, gateway: SocketAddr, authority: &Pair) -> Self {
        let (folder, management, names) = (TempDir::new().unwrap(), Port::reserve(), Names::start().await);
        authority.write(&folder.path().join("a.pem"), &folder.path().join("a.key"));
        let config = serde_json::json!({ "pebble": {
            "listenAddress": port.address().to_string(),
            "managementListenAddress": management.address().to_string(),
            "certificate": "a.pem",
            "privateKey": "a.key",
            "httpPort": gateway.port(),
            "tlsPort": gateway.port(),
            "domainBlocklist": ["blocked.example"],
        }});
        fs::write(folder.path().join("pebble.json"), config.to_string()).unwrap();
        let mut command = Command::new("pebble");
        command.args(["-config", "pebble.json", "-strict", "-dnsserver", &names.address.to_string()]);
        // By chance, it would refuse a nonce so often that a client gives up.
        command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0");
        Self { server: Server::start(command, port, folder).await, _names: names }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }
}

/// A name server for which every name is this machine, but for `nowhere.example`.
struct Names {
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl Names {
    async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut query = [0; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut query).await {
                let _ = socket.send_to(&answer(&query[..length]), peer).await;
            }
        });
        Self { address, _task: task }
    }
}

/// The answer to a query (RFC 1035 §4.1): one address for a question for IPv4, and none for any other.
fn answer(query: &[u8]) -> Vec<u8> {
    // The name ends in an empty label; the type and the class follow.
    let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let is_ipv4 = query[end - 4..end - 2] == [0, 1] && !query[12..].starts_with(b"\x07nowhere");
    let head = [query[0], query[1], 0x81, 0x80, 0, 1, 0, u8::from(is_ipv4), 0, 0, 0, 0];
    let address: &[u8] = if is_ipv4 { &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1] } else { &[] };
    [&head, &query[12..end], address].concat()
}
