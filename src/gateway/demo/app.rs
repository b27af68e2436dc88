//! The sample app behind the gateway: it tells what it received, and knows nothing of Truecaller.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
};

use axum::{Router, extract::State};
use clap::builder::styling::Style;
use tokio::{net::TcpListener, task::JoinSet};

use super::{Receipt, scene::CALLBACK_PATH};

/// The app; it stops when it is dropped.
pub(super) struct App {
    address: SocketAddr,
    callback: Arc<OnceLock<Receipt>>,
    _server: JoinSet<io::Result<()>>,
}

impl App {
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (address, callback) = (listener.local_addr()?, Arc::default());
        let routes = Router::new().fallback(tell).with_state(Arc::clone(&callback));
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, routes).await });
        Ok(Self { address, callback, _server: server })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first callback that came.
    pub(super) fn callback(&self) -> Option<&Receipt> {
        self.callback.get()
    }
}

async fn tell(State(callback): State<Arc<OnceLock<Receipt>>>, receipt: Receipt) -> String {
    let text = format!("The sample app received:\n\n{}", receipt.text(Style::new()));
    if receipt.path() == CALLBACK_PATH {
        // Later ones are the user's own.
        let _ = callback.set(receipt);
    }
    text
}
