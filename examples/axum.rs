//! An axum app that greets its users by the number that Truecaller vouches for.
//!
//! ```sh
//! export TRUEGATE_CALLBACK_PATH=$(cargo run --features dev -- keys path)   # the same in each terminal
//! TRUEGATE_ENDPOINT=http://127.0.0.1:8490/v1/default cargo run --example axum
//! # In another terminal, a fake Truecaller that posts a callback and shows what was answered:
//! cargo run --features dev -- simulate --callback "http://127.0.0.1:3000$TRUEGATE_CALLBACK_PATH"
//! # What a client claims does not reach the app:
//! curl -H 'X-Truecaller-Phone: +10000000000' http://127.0.0.1:3000/headers
//! ```
//!
//! Without `TRUEGATE_ENDPOINT`, profiles come from Truecaller. `LISTEN` names another address.

use std::{env, error::Error};

use axum::{
    Extension, Router,
    http::HeaderMap,
    routing::{get, post},
};
use tokio::net::TcpListener;
use truegate::{
    Gate, Identity, TruegateLayer,
    callback::{EndpointError, Endpoints, ProfileEndpoint},
    profile::ProfileClient,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = ProfileClient::builder().build()?;
    let path = env::var("TRUEGATE_CALLBACK_PATH")?;
    let gate = Gate::builder(path.parse()?, client).endpoints(endpoints()?).require_host().build();
    let app = Router::new().route(&path, post(greet)).route("/headers", get(headers)).layer(TruegateLayer::new(gate));

    let listener = TcpListener::bind(env::var("LISTEN").as_deref().unwrap_or("127.0.0.1:3000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

/// Only a callback that truegate verified has an identity; one by which the user said no has none.
async fn greet(identity: Option<Extension<Identity>>) -> String {
    match identity {
        Some(Extension(identity)) => format!("Hello, {}!\n", identity.profile().phone.as_str()),
        None => "Goodbye!\n".to_owned(),
    }
}

async fn headers(headers: HeaderMap) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()))).collect()
}

fn endpoints() -> Result<Endpoints, EndpointError> {
    match env::var("TRUEGATE_ENDPOINT") {
        Ok(url) => Ok(Endpoints::from_iter([ProfileEndpoint::parse(&url)?])),
        Err(_) => Ok(Endpoints::default()),
    }
}
