use std::{collections::HashMap, fs};

use pingora_core::upstreams::peer::{ALPN, Peer as _};
use tempfile::TempDir;

use super::*;
use crate::{
    clock::ManualClock,
    gateway::{admin::Metrics, config::Config, telemetry::Telemetry},
};

/// The apps of a configuration, with their servers.
async fn upstreams(folder: &TempDir, apps: &str) -> Vec<Upstream> {
    let config =
        Config::parse(&format!("upstreams:\n{apps}upstream: a\n"), &folder.path().join("config.yaml"), |_| None);
    let (config, telemetry) = (config.unwrap(), Telemetry::new(Metrics::new()));
    let upstreams = config.upstreams.iter().map(|(_, upstream)| {
        Upstream::new(upstream.clone(), telemetry.upstream(&upstream.name), &UsualRoots::OnThreads)
    });
    let upstreams = upstreams.collect::<std::result::Result<Vec<_>, _>>().unwrap();
    for upstream in &upstreams {
        upstream.resolve().await;
    }
    upstreams
}

fn peer_of(upstream: &Upstream, attempts: &mut Attempts, protocol: Protocol) -> Box<HttpPeer> {
    upstream.next(attempts, protocol, ManualClock::default().now(), AffinityKey::new).unwrap()
}

/// The attack: a connection that was made without any verification serves an app that trusts one authority.
#[tokio::test]
async fn no_connection_that_was_made_for_one_app_serves_another() {
    let folder = TempDir::new().unwrap();
    let pair = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
    fs::write(folder.path().join("a.pem"), pair.cert.pem()).unwrap();
    fs::write(folder.path().join("a-key.pem"), pair.signing_key.serialize_pem()).unwrap();
    let keys = [
        "",
        "",
        "tls: { insecure_skip_verify: true }",
        "tls: { ca_file: a.pem }",
        "tls: { server_name: wiki.internal }",
        "tls: { certificate: a.pem, key: a-key.pem }",
        "protocol: http2",
        "protocol: http2, tls: { insecure_skip_verify: true }",
    ];
    let apps = keys.iter().zip('a'..).map(|(keys, name)| format!("  {name}: {{ url: https://127.0.0.1:1, {keys} }}\n"));
    let upstreams = upstreams(&folder, &apps.collect::<String>()).await;
    let mut hashes = HashMap::new();
    for (upstream, keys) in upstreams.iter().zip(keys) {
        let mut attempts = Attempts::default();
        let usual = peer_of(upstream, &mut attempts, upstream.config.protocol);
        assert_eq!(
            usual.reuse_hash(),
            peer_of(upstream, &mut Attempts::default(), upstream.config.protocol).reuse_hash()
        );
        assert!(upstream.plan_retry(&mut attempts, true));
        let fresh = peer_of(upstream, &mut attempts, upstream.config.protocol);
        for peer in [usual, fresh] {
            assert!(!peer.sni.is_empty(), "pingora verifies nothing without a name");
            assert_eq!(hashes.insert(peer.reuse_hash(), keys), None, "{keys}");
            assert_eq!(peer.verify_cert(), !keys.contains("insecure"), "{keys}");
        }
    }
}

#[tokio::test]
async fn a_request_for_a_websocket_is_sent_by_http_1() {
    let folder = TempDir::new().unwrap();
    let apps =
        "  a: { url: http://127.0.0.1:1, protocol: http2 }\n  b: { url: https://127.0.0.1:1, protocol: http2 }\n";
    for (upstream, alpn) in upstreams(&folder, apps).await.iter().zip([ALPN::H2, ALPN::H2H1]) {
        let peer = |protocol| peer_of(upstream, &mut Attempts::default(), protocol);
        assert_eq!(peer(Protocol::Http2).options.alpn, alpn);
        assert_eq!(peer(Protocol::Http1).options.alpn, ALPN::H1);
    }
}

#[tokio::test]
async fn a_server_that_rests_is_passed_over_until_all_rest() {
    let folder = TempDir::new().unwrap();
    for balance in ["round_robin", "consistent", "random"] {
        let apps = format!("  a: {{ servers: ['http://127.0.0.1:1', 'http://127.0.0.1:2'], balance: {balance} }}\n");
        let upstreams = upstreams(&folder, &apps).await;
        let (upstream, clock) = (&upstreams[0], ManualClock::default());
        let port = |attempts: &mut Attempts| {
            let peer = upstream.next(attempts, upstream.config.protocol, clock.now(), AffinityKey::new).unwrap();
            peer.address().as_inet().unwrap().port()
        };
        let mut attempts = Attempts::default();
        let first = port(&mut attempts);
        upstream.rest(&attempts, Cause::Connect, clock.now());
        for _ in 0..20 {
            assert_ne!(port(&mut Attempts::default()), first, "{balance}");
        }
        let second = port(&mut attempts);
        assert_ne!(second, first, "{balance}");
        upstream.rest(&attempts, Cause::Connect, clock.now());
        assert!(!upstream.has_left(&attempts));
        assert!([first, second].contains(&port(&mut Attempts::default())), "{balance}: both rest");
        clock.advance(Duration::from_secs(10));
        let used: Vec<_> = (0..40).map(|_| port(&mut Attempts::default())).collect();
        assert!(used.contains(&first) || balance == "consistent", "{balance}: {used:?}");
    }
}
