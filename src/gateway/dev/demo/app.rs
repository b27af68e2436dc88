//! A sample app behind a gateway: it tells what it received, and knows nothing of Truecaller.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    extract::State,
    response::{Html, IntoResponse, Response},
};
use clap::builder::styling::Style;
use tokio::{net::TcpListener, task::JoinSet};

use super::{Receipt, page};

/// An app; it stops when it is dropped.
pub(super) struct App {
    address: SocketAddr,
    memory: Arc<Memory>,
    _server: JoinSet<io::Result<()>>,
}

/// What an app answers with.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Text, for those who post to it.
    Text,
    /// Pages, for browsers.
    Pages,
}

struct Memory {
    kind: Kind,
    /// The path whose first request is kept; later ones are the user's own.
    path: String,
    first: OnceLock<Receipt>,
}

impl App {
    /// Starts an app that keeps the first request for a path.
    pub(super) async fn start(kind: Kind, path: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let memory = Arc::new(Memory { kind, path: path.to_owned(), first: OnceLock::new() });
        let routes = Router::new().fallback(tell).with_state(Arc::clone(&memory));
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, routes).await });
        Ok(Self { address, memory, _server: server })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first request for the path.
    pub(super) fn first(&self) -> Option<&Receipt> {
        self.memory.first.get()
    }
}

async fn tell(State(memory): State<Arc<Memory>>, receipt: Receipt) -> Response {
    let answer = match memory.kind {
        Kind::Text => format!("The sample app received:\n\n{}", receipt.text(Style::new())).into_response(),
        Kind::Pages => Html(page::of(&receipt)).into_response(),
    };
    if receipt.path() == memory.path {
        let _ = memory.first.set(receipt);
    }
    answer
}
