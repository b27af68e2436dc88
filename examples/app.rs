//! An app that knows nothing of Truecaller, to put behind a proxy: it shows the headers that it received.
//!
//! ```sh
//! cargo run --example app
//! curl http://127.0.0.1:3000/
//! ```
//!
//! `LISTEN` names another address.

use std::{env, error::Error};

use axum::{
    Router,
    http::{HeaderMap, Method, Uri},
};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(env::var("LISTEN").as_deref().unwrap_or("127.0.0.1:3000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(show)).await?;
    Ok(())
}

async fn show(method: Method, target: Uri, headers: HeaderMap) -> String {
    let lines = headers.iter().map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    format!("{method} {target}\n{}", lines.collect::<String>())
}
