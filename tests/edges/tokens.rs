//! Session tokens of the site's own app for phones: where they come from.

use std::time::Duration;

use truegate::simulator::Simulator;

use crate::{
    proxy::Kind,
    scene::{PHONE, SECRET, Scene},
    support::{
        native::{self, NATIVE},
        recorder::Recorder,
        seal::aged_token,
        visitor::json,
    },
};

/// The header that gives a client a session token.
const TOKEN: &str = "x-truecaller-token";

#[tokio::test]
async fn the_sites_own_app_logs_in_and_only_truegate_gives_it_tokens() {
    for kind in Kind::ALL {
        let truecaller = Simulator::start().await.unwrap();
        let scene = Scene::edited(kind, &native::yaml(&truecaller), |text| text).await;
        let mut phone = scene.visitor();
        let login = phone.send(&format!("POST {NATIVE}"), "", &native::code(&truecaller, native::user())).await;
        assert_eq!(login.status(), 200, "{login:#?}");
        scene.unreached("a login is truegate's").await;

        let login = json(&login);
        let token = login["token"].as_str().and_then(|token| token.strip_prefix("truegate.")).expect("a session token");
        let stale =
            format!("Authorization: Bearer truegate.{}\r\n", aged_token(SECRET, token, Duration::from_mins(20)));
        for path in ["/account/", "/cart", "/public/x"] {
            let answer = phone.get_with(path, &stale).await;
            assert_eq!((answer.status(), answer.one(TOKEN)), (200, None), "{path}: the app's token is not passed on");
            let request = scene.reached_once().await;
            let known = if path == "/public/x" { ["", ""] } else { [PHONE, "app"] };
            let said = ["x-truecaller-phone", "x-truecaller-method"].map(|name| request.one(name).unwrap_or_default());
            assert_eq!((said, request.one(TOKEN).unwrap_or_default()), (known, ""), "{path}");
        }
        let me = phone.get_with("/.truegate/me", &stale).await;
        assert!(me.one(TOKEN).is_some_and(|renewed| renewed.starts_with("truegate.")), "{me:#?}");
    }
}

/// No proxy makes a header of a trailer. Caddy and Traefik have no way to take one out, and their pages say so.
#[tokio::test]
async fn a_token_in_a_trailer_of_the_app_never_becomes_a_header() {
    let unannounced = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\
                       X-Truecaller-Token: truegate.x\r\n\r\n";
    let announced = "HTTP/1.1 200 OK\r\nTrailer: X-Truecaller-Token\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\
                     X-Truecaller-Token: truegate.x\r\n\r\n";
    for kind in Kind::ALL {
        for answer in [unannounced, announced] {
            let scene = Scene::before(kind, Recorder::answering(answer).await, |text| text, |text| text).await;
            let answer = scene.visitor().get_with("/public/x", "TE: trailers\r\n").await;
            assert_eq!((answer.status(), answer.text().as_str(), answer.one(TOKEN)), (200, "ok", None), "{answer:#?}");
            let passes = !answer.trailers.is_empty();
            assert_eq!(passes, [Kind::Caddy, Kind::Traefik].contains(&kind), "{answer:#?}");
        }
    }
}

#[tokio::test]
async fn an_envoy_that_passes_trailers_keeps_the_token_of_the_app() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\
                  X-Checksum: abc\r\nX-Truecaller-Token: truegate.x\r\n\r\n";
    let passing = |text: String| {
        let listens = "                stat_prefix: shop\n";
        let cluster = "    - name: app\n";
        assert!(text.contains(listens) && text.contains(cluster), "envoy.yaml has its listener and the app's cluster");
        text.replace(listens, &format!("{listens}                http_protocol_options: {{ enable_trailers: true }}\n"))
            .replace(cluster, &format!("{cluster}{TRAILERS}"))
    };
    let scene = Scene::before(Kind::Envoy, Recorder::answering(answer).await, |text| text, passing).await;

    let answer = scene.visitor().get_with("/public/x", "TE: trailers\r\n").await;

    assert_eq!((answer.status(), answer.text().as_str(), answer.one(TOKEN)), (200, "ok", None), "{answer:#?}");
    assert_eq!(answer.trailers, [("x-checksum".to_owned(), "abc".to_owned())]);
}

/// Has Envoy read the trailers of the app.
const TRAILERS: &str = "      typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config: { http_protocol_options: { enable_trailers: true } }
";
