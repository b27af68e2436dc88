//! Clients that need a certificate: nobody else gets past the handshake.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tokio_rustls::rustls::{
    SupportedProtocolVersion,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
    version::{TLS12, TLS13},
};

use super::{
    setup,
    support::{program::Program, recorder::Recorder},
    tls::Pair,
    tls_client::TlsClient,
};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A client with a certificate from an authority, which ended in a year if one is given.
fn client(version: &'static SupportedProtocolVersion, authority: &Authority, ended: Option<i32>) -> TlsClient {
    let mut params = CertificateParams::new(vec!["client.example".to_owned()]).unwrap();
    if let Some(year) = ended {
        params.not_before = date_time_ymd(year - 1, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let private = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    TlsClient::with_certificate(version, vec![certificate.der().clone()], private)
}

/// The program with a listener for each authority.
fn serve(app: &Recorder, authorities: &[&Authority]) -> Program {
    let folder = TempDir::new().unwrap();
    Pair::new().write(&folder.path().join("a.pem"), &folder.path().join("a.key"));
    let mut listen = "listen:\n".to_owned();
    for (number, authority) in authorities.iter().enumerate() {
        fs::write(folder.path().join(format!("ca{number}.pem")), authority.pem()).unwrap();
        listen +=
            &format!("- {{ address: '127.0.0.1:0', certificate: a.pem, key: a.key, client_ca: ca{number}.pem }}\n");
    }
    Program::serve_from(folder, &(listen + &setup::config_without_listener(app.address())))
}

#[tokio::test]
async fn only_a_client_with_a_certificate_from_the_authority_is_served() {
    let (app, ours, theirs) = (Recorder::start().await, authority(), authority());
    let program = serve(&app, &[&ours]);
    for version in [&TLS12, &TLS13] {
        let served = client(version, &ours, None);
        assert_eq!(served.status_line(program.address()).await.as_deref(), Some("HTTP/1.1 200 OK"), "{version:?}");
        assert_eq!(app.take().len(), 1);
        for (attack, client) in [
            ("no certificate", TlsClient::of_version(version)),
            ("from another authority", client(version, &theirs, None)),
            ("ended", client(version, &ours, Some(2020))),
        ] {
            assert_eq!(client.status_line(program.address()).await, None, "{version:?} {attack}");
        }
    }
    assert_eq!(app.seen(), []);
    for reason in ["bad-certificate", "unknown-issuer", "expired"] {
        program.told(&["a TLS handshake failed", r#""cause":"tls""#, &format!(r#""tls":"{reason}""#)], 1).await;
    }
}

/// A session of one listener is no certificate for another, nor for itself.
#[tokio::test]
async fn no_session_is_resumed_in_place_of_a_certificate() {
    let (app, ours, theirs) = (Recorder::start().await, authority(), authority());
    let program = serve(&app, &[&ours, &theirs]);
    let [first, second] = program.addresses()[..] else { panic!("two listeners") };
    for version in [&TLS12, &TLS13] {
        // The client offers the sessions that it remembers.
        let client = client(version, &ours, None);
        for _ in 0..2 {
            let mut stream = client.shake_hands(first).await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            tokio::io::AsyncReadExt::read_u8(&mut stream).await.unwrap();
            let kind = stream.get_ref().1.handshake_kind().unwrap();
            assert_ne!(kind, tokio_rustls::rustls::HandshakeKind::Resumed, "{version:?}");
        }
        assert_eq!(client.status_line(second).await, None, "{version:?}");
    }
}
