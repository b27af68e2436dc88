//! Which path is judged is which path is served.

use crate::{proxy::Kind, scene::Scene};

#[tokio::test]
async fn no_spelling_of_a_path_comes_past_its_rule() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for path in [
            "/account/", "/account/?x=/public/", "//account/", "/./account/", "/%61ccount/", "/public/../account/",
            "/public/%2e%2e/account/", "/public/%2E%2E/account/x", "/public//..//account/", "/public/..%2faccount/",
            "/public/..%2Faccount/", "/public/%252e%252e%252faccount/", "/public/..%5caccount/",
            "/public/..\\account/", "/public/..;/account/", "/public/;/../account/", "/public/%00/../account/",
            "/public/x%00/../../account/", "/public/#/../../account/", "/account/#/public/",
            "/public/%23/../../account/", "/public/?/../account/", "http://shop.example/account/",
            "http://shop.example/public/../account/", "http://evil.example/account/", "account/", "*",
        ] {
            let answer = scene.visitor().get(path).await;
            let reached = scene.reached().await;
            let opened = reached.iter().any(|request| !is_plainly_public(&request.start));
            assert!(!opened, "{path}: {} {reached:#?}", answer.status());
            assert!(answer.status() < 500, "{path}: {answer:#?}");
        }
    }
}

/// Whether every app reads this line as one of something public: some proxies resolve a path before they ask about it.
fn is_plainly_public(start: &str) -> bool {
    let path = start.split([' ', '?']).nth(1).unwrap_or_default();
    path.starts_with("/public/") && !path.contains("..") && !path.contains(['%', ';', '\\', '#'])
}

#[tokio::test]
async fn a_path_passes_byte_for_byte_where_all_its_readings_need_the_same() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for path in ["/@scope%2Fpkg", "/api/v4/projects/group%2Fproject", "/wiki/C%23"] {
            assert_eq!(scene.visitor().get(path).await.status(), 200, "{path}");
            assert_eq!(scene.reached_once().await.start, format!("GET {path} HTTP/1.1"));
        }
    }
}

#[tokio::test]
async fn no_method_comes_past_a_rule() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for method in ["OPTIONS", "POST", "PUT", "DELETE", "PROPFIND", "get", "TRACE", "CONNECT"] {
            let lines = "Origin: https://shop.example\r\nAccess-Control-Request-Method: PUT\r\nConnection: close\r\n";
            let answer = scene.visitor().send(&format!("{method} /account/"), lines, "").await;
            assert!((400..600).contains(&answer.status()), "{method}: {answer:#?}");
            scene.unreached(method).await;
        }
    }
}

#[tokio::test]
async fn a_client_does_not_choose_the_rule() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for lines in [
            "X-Forwarded-Uri: /public/\r\n",
            "X-Forwarded-Uri: /public/\r\nX-Forwarded-Uri: /public/\r\n",
            "X_Forwarded_Uri: /public/\r\n",
            "X-Original-URI: /public/\r\n",
            "X-Forwarded-Uri: /public/\r\nX-Original-URI: /public/\r\n",
            "X-Original-URL: /public/\r\nX-Rewrite-URL: /public/\r\n",
            "X-Forwarded-Method: OPTIONS\r\nX-HTTP-Method-Override: OPTIONS\r\n",
            "X-Forwarded-Host: evil.example\r\nX-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n",
            "Connection: close, X-Forwarded-Uri, X-Original-URI, X-Forwarded-Method\r\n",
        ] {
            let answer = scene.visitor().get_with("/account/", lines).await;
            assert_eq!((answer.status(), answer.code().as_str()), (401, "not-signed-in"), "{lines}");
            scene.unreached(lines).await;
            let navigation = format!("{lines}Sec-Fetch-Mode: navigate\r\n");
            let page = scene.visitor().get_with("/account/", &navigation).await;
            assert_eq!(page.one("location"), Some("/.truegate/login?next=%2Faccount%2F"), "{lines}");
            let open = scene.visitor().get_with("/cart", &lines.replace("/public/", "/account/")).await;
            assert_eq!(open.status(), 200, "{lines}");
            assert_eq!(scene.reached().await.len(), 1, "{lines}");
        }
    }
}

#[tokio::test]
async fn only_the_proxy_asks() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let mut browser = scene.signed_in().await;
        for path in ["/.truegate/auth", "/.truegate/auth?redirect=true", "/.truegate/auth/", "/.truegate/auth/public/"]
        {
            let answer = browser.get_with(path, "X-Forwarded-Uri: /public/\r\nX-Original-URI: /public/\r\n").await;
            assert_eq!((answer.status(), answer.one("x-truecaller-phone")), (404, None), "{path}");
        }
        assert_eq!(browser.get("/.truegate/nothing").await.status(), 404);
        scene.unreached("it is truegate's").await;
    }
}
