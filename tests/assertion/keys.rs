//! The key set: one path of every edge, for anyone to read.

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use truegate::simulator::DOCUMENTED_PROFILE;

use crate::{
    support::{
        client::Client,
        edge::{Kind, Signing},
        raw::{get, within},
        scene::Scene,
    },
    verifier::verify,
};

const PATH: &str = "/.truegate/jwks.json";

async fn scene(kind: Kind, signing: &Signing) -> Scene {
    Scene::with(kind, |settings| settings.signing = Some(signing.clone())).await
}

#[tokio::test]
async fn every_key_is_published_and_nothing_secret() {
    for kind in Kind::ALL {
        let signing = Signing::with_keys(2);
        let scene = scene(kind, &signing).await;

        let answer = scene.send(get(PATH, "")).await;

        assert_eq!(answer.status(), 200);
        assert_eq!(answer.one("content-type"), Some("application/json"));
        assert_eq!(answer.one("cache-control"), Some("public, max-age=300"));
        let set: Value = serde_json::from_slice(&answer.body).unwrap();
        let keys = set["keys"].as_array().unwrap();
        assert_eq!(keys.iter().map(|key| key["kid"].as_str().unwrap()).collect::<Vec<_>>(), signing.ids());
        for key in keys {
            let members: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        }
        scene.unreached("the keys are not the app's business").await;
    }
}

#[tokio::test]
async fn the_keys_rotate_without_a_token_that_fails() {
    for kind in Kind::ALL {
        let both = Signing::with_keys(2);
        let [old, new] = [both.keys[0].clone(), both.keys[1].clone()];
        let ids = both.ids();
        let mut tokens = Vec::new();
        for (keys, signs) in
            [(vec![old.clone()], &ids[0]), (vec![old.clone(), new.clone()], &ids[0]), (vec![new.clone(), old], &ids[1])]
        {
            let scene = scene(kind, &Signing { keys, ..both.clone() }).await;
            scene.callback(scene.grant(DOCUMENTED_PROFILE)).await;
            tokens.push(scene.reached_once().await.one("x-truecaller-assertion").unwrap().to_owned());
            for token in &tokens {
                assert!(verify(&scene, token).await.is_ok());
            }
            assert_eq!(verify(&scene, tokens.last().unwrap()).await.unwrap()["header"]["kid"], **signs);
        }
        let scene = scene(kind, &Signing { keys: vec![new], ..both.clone() }).await;
        assert_eq!(verify(&scene, &tokens[0]).await, Err("PyJWKClientError".to_owned()));
    }
}

#[tokio::test]
async fn a_head_is_answered_without_the_keys() {
    for kind in Kind::ALL {
        let scene = scene(kind, &Signing::with_keys(1)).await;
        let mut stream = TcpStream::connect(scene.edge.address()).await.unwrap();
        let request = format!("HEAD {PATH}?a=b HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within(stream.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("\r\ncache-control: public, max-age=300\r\n"), "{answer}");
        assert!(!answer.contains("kid"), "{answer}");
        scene.unreached("the keys are not the app's business").await;
    }
}

#[tokio::test]
async fn other_methods_are_refused() {
    for kind in Kind::ALL {
        let scene = scene(kind, &Signing::with_keys(1)).await;
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get"] {
            let request = format!("{method} {PATH} HTTP/1.1\r\nHost: app.example\r\nContent-Length: 0\r\n\r\n");
            let answer = scene.send(request).await;
            assert_eq!((answer.status(), answer.code().as_str()), (405, "method-not-allowed"), "{method}");
            assert_eq!(answer.one("allow"), Some("GET, HEAD"));
            scene.unreached(method).await;
        }
    }
}

#[tokio::test]
async fn every_other_path_is_the_apps() {
    for kind in Kind::ALL {
        let signs = scene(kind, &Signing::with_keys(1)).await;
        for target in [
            "/.truegate", "/.truegate/", "/.truegate/jwks.json/", "/.truegate//jwks.json", "/.truegate/JWKS.json",
            "/.truegate/%6Awks.json", "/x/../.truegate/jwks.json", "/?/.truegate/jwks.json",
        ] {
            assert_eq!(signs.send(get(target, "")).await.text(), "ok");
            assert_eq!(signs.reached_once().await.start, format!("GET {target} HTTP/1.1"));
        }
        let plain = Scene::of(kind).await;
        assert_eq!(plain.send(get(PATH, "")).await.text(), "ok");
        assert_eq!(plain.reached_once().await.start, format!("GET {PATH} HTTP/1.1"));
    }
}

#[tokio::test]
async fn the_unread_body_of_a_request_for_the_keys_is_no_request() {
    for kind in Kind::ALL {
        let scene = scene(kind, &Signing::with_keys(1)).await;
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: app.example\r\nX-Truecaller-Assertion: e.y.\r\n\r\n";
        for method in ["GET", "POST"] {
            let mut client = Client::connect(scene.edge.address()).await;
            let head =
                format!("{method} {PATH} HTTP/1.1\r\nHost: app.example\r\nContent-Length: {}\r\n", smuggled.len());
            client.send(format!("{head}\r\n{smuggled}")).await;
            assert!(client.read().await.is_some());
            client.finish().await;
            client.read_all().await;
            scene.unreached(method).await;
        }
    }
}

#[tokio::test]
async fn a_connection_outlives_a_request_for_the_keys() {
    for kind in Kind::ALL {
        let scene = scene(kind, &Signing::with_keys(1)).await;
        let mut client = Client::connect(scene.edge.address()).await;
        for _ in 0..2 {
            client.send(get(PATH, "")).await;
            assert_eq!(client.read().await.unwrap().status(), 200);
        }
        client.send(get("/next", "X-Truecaller-Assertion: e.y.\r\n")).await;
        assert_eq!(client.read().await.unwrap().text(), "ok");
        assert_eq!(scene.reached_once().await.one("x-truecaller-assertion"), None);
    }
}
