//! The site on the tower layer, where nobody has long for a login.

use std::time::Duration;

use tokio::{net::TcpListener, task::JoinSet};
use truegate::{
    Gate, TruegateLayer,
    access::{Access, Rule, Rules},
    callback::{Endpoints, ProfileEndpoint},
    profile::ProfileClient,
    session::{LinkBase, Partner, PublicUrl, Sealer, Secret, Sessions},
    simulator::Simulator,
    store::MemoryStore,
};

use super::{CALLBACK, PARTNER, shop};

/// The layer and the app in this process; they stop when this is dropped.
pub(super) struct Brief {
    _server: JoinSet<()>,
}

impl Brief {
    /// Starts, and gives the origin.
    pub(super) async fn start(truecaller: &Simulator) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let app = shop::routes().layer(TruegateLayer::new(gate(truecaller, &origin)));
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, app).await.unwrap() });
        (Self { _server: server }, origin)
    }
}

fn gate(truecaller: &Simulator, origin: &str) -> Gate {
    let sealer = Sealer::new(&Secret::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap(), &[]);
    let partner = Partner::new("a-key", PARTNER).unwrap();
    let sessions = Sessions::builder(PublicUrl::parse(origin).unwrap(), sealer, partner, MemoryStore::new(100))
        .link_base(LinkBase::parse(&truecaller.link_base()).unwrap())
        .login_timeout(LOGIN_TIMEOUT)
        .rules(Rules::from_iter([Rule::new("/".parse().unwrap(), Access::Optional)]))
        .build();
    let endpoints = Endpoints::from_iter([ProfileEndpoint::parse(truecaller.endpoint()).unwrap()]);
    let gate = Gate::builder(CALLBACK.parse().unwrap(), ProfileClient::builder().build().unwrap());
    gate.endpoints(endpoints).deadline(Duration::from_secs(20)).sessions(sessions).unwrap().build()
}

const LOGIN_TIMEOUT: Duration = Duration::from_secs(6);
