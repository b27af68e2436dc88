//! An axum app whose users log in with Truecaller: the app itself knows nothing of it.
//!
//! ```sh
//! export TRUEGATE_CALLBACK_PATH=$(cargo run --features dev -- keys path)   # the same in each terminal
//! # A fake Truecaller, whose phone is a page in the browser:
//! cargo run --features dev -- simulate --callback-url "http://127.0.0.1:3000$TRUEGATE_CALLBACK_PATH"
//! # In another terminal:
//! TRUEGATE_SIMULATOR=http://127.0.0.1:8490 cargo run --features session --example session
//! # Open http://127.0.0.1:3000/ in a browser, or ask without one:
//! curl -i http://127.0.0.1:3000/account/
//! ```
//!
//! Without `TRUEGATE_SIMULATOR` it speaks to Truecaller, with your `TRUECALLER_PARTNER_KEY`. `LISTEN` names another address.

use std::{env, error::Error, net::SocketAddr};

use axum::{
    Extension, Router,
    extract::{ConnectInfo, Request},
    middleware::map_request,
    response::Html,
    routing::get,
};
use tokio::net::TcpListener;
use truegate::{
    Gate, Identity, TruegateLayer,
    access::{Access, AllowList, Rule, Rules},
    callback::{Endpoints, ProfileEndpoint},
    gate::ClientInfo,
    profile::ProfileClient,
    session::{LinkBase, Partner, PublicUrl, Sealer, Secret, Sessions, TaskTracker},
    store::MemoryStore,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(env::var("LISTEN").as_deref().unwrap_or("127.0.0.1:3000")).await?;
    let public_url = format!("http://{}", listener.local_addr()?);
    let tasks = TaskTracker::new();
    let gate = gate(&public_url, tasks.clone())?;
    let layer = TruegateLayer::new(gate.clone());
    let app = Router::new().route("/", get(greet)).route("/account/", get(greet)).layer(layer);
    // Outside of truegate's layer, which reads what it inserts.
    let app = app.layer(map_request(client_info)).into_make_service_with_connect_info::<SocketAddr>();

    println!("listening on {public_url}");
    let stopped = async move {
        let _ = tokio::signal::ctrl_c().await;
        gate.stop_waiting();
    };
    axum::serve(listener, app).with_graceful_shutdown(stopped).await?;
    // A callback that was acknowledged is verified to its end.
    tasks.wait().await;
    Ok(())
}

fn gate(public_url: &str, tasks: TaskTracker) -> Result<Gate, Box<dyn Error>> {
    let (endpoints, link_base) = match env::var("TRUEGATE_SIMULATOR") {
        Ok(origin) => (
            Endpoints::from_iter([ProfileEndpoint::parse(&format!("{origin}/v1/default"))?]),
            LinkBase::parse(&format!("{origin}/truesdk/web_verify"))?,
        ),
        Err(_) => (Endpoints::default(), LinkBase::default()),
    };
    // Load the secret from where you keep secrets: a new one logs everyone out.
    let sealer = Sealer::new(&Secret::generate(), &[]);
    let partner = Partner::new(env::var("TRUECALLER_PARTNER_KEY").as_deref().unwrap_or("a-key"), "A Shop")?;
    let sessions = Sessions::builder(PublicUrl::parse(public_url)?, sealer, partner, MemoryStore::new(100_000))
        .link_base(link_base)
        .rules(Rules::from_iter([
            Rule::new("/account".parse()?, Access::Required(AllowList::default())),
            Rule::new("/".parse()?, Access::Optional),
        ]))
        .tasks(tasks)
        .build();
    // It must have a part that nobody guesses: `truegate keys path` makes one.
    let path = env::var("TRUEGATE_CALLBACK_PATH")?.parse()?;
    let gate = Gate::builder(path, ProfileClient::builder().build()?);
    Ok(gate.endpoints(endpoints).sessions(sessions)?.require_host().build())
}

/// Tells truegate who asks, so that it limits how many logins one client starts.
async fn client_info(ConnectInfo(peer): ConnectInfo<SocketAddr>, mut request: Request) -> Request {
    request.extensions_mut().insert(ClientInfo { address: Some(peer.ip()), scheme: None });
    request
}

async fn greet(identity: Option<Extension<Identity>>) -> Html<String> {
    Html(match identity {
        Some(Extension(identity)) => format!("<p>Hello, {}!", identity.profile().phone.as_str()) + LOGOUT,
        None => r#"<p>Hello, stranger! <a href="/.truegate/login?next=/account/">Log in</a>"#.to_owned(),
    })
}

const LOGOUT: &str = r#"<form method="post" action="/.truegate/logout"><button name="next" value="/">Log out</button>"#;
