//! What an explanation says, and what it never says.

use serde_json::json;

use super::{CALLBACK, CLIENT, PROXY, explained, get, grant, run, site};
use crate::{command_line::truegate, setup};

#[tokio::test]
async fn it_says_which_rule_which_client_and_which_session() {
    let (site, cookie) = site().await;
    let folder = site.program.folder();
    let tell = async |from: &str, request: Vec<u8>| explained(folder, from, &request, &[]).await;
    let config = std::fs::read_to_string(folder.join("config.yaml")).unwrap();
    let line = 1 + config.lines().position(|line| line.starts_with("routes:")).unwrap();

    let told = tell(CLIENT.0, get("/%61ccount?a=b", &cookie)).await;
    assert_eq!(
        told["request"],
        json!({ "method": "GET", "host": "shop.example", "route": "app", "path": "/account", "raw_path": "/%61ccount" })
    );
    assert_eq!(
        (&told["rule"]["key"], &told["rule"]["line"], &told["rule"]["access"]),
        (&json!("routes[2]"), &json!(line), &json!("required"))
    );
    assert_eq!((&told["session"], &told["assumptions"]), (&json!("valid"), &json!(["store-not-asked"])));
    assert_eq!(told["forwarded"]["stripped"]["cookies"], json!(["__Host-truegate"]));
    assert_eq!(told["forwarded"]["upstream"], "default");
    assert_eq!(told["forwarded"]["servers"], json!([format!("http://{}", site.app.address())]));

    let told = tell(CLIENT.0, get("/vip", &cookie)).await;
    assert_eq!((&told["rule"]["key"], &told["answer"]["code"]), (&json!("routes[1]"), &json!("not-allowed")));
    let told = tell(CLIENT.0, get("/public/..%2faccount", "")).await;
    assert_eq!(
        (&told["rule"], &told["request"]["path"], &told["answer"]["code"]),
        (&json!(null), &json!(null), &json!("ambiguous-path"))
    );
    let told = tell(CLIENT.0, get("/account", "Cookie: __Host-truegate=AAAA\r\n")).await;
    assert_eq!((&told["session"], &told["answer"]["code"]), (&json!("unreadable"), &json!("not-signed-in")));

    let forwarded = "X-Forwarded-For: 192.0.2.7\r\n";
    let told = tell(CLIENT.0, get("/", forwarded)).await;
    assert_eq!(
        told["client"],
        json!({ "address": CLIENT.0, "scheme": "http", "source": "peer", "peer": CLIENT.0, "trusted": false, "ignored": ["X-Forwarded-For"] })
    );
    let told = tell(PROXY.0, get("/", forwarded)).await;
    assert_eq!(
        told["client"],
        json!({ "address": "192.0.2.7", "scheme": "http", "source": "forwarded-for", "peer": PROXY.0, "trusted": true, "ignored": [] })
    );
}

#[tokio::test]
async fn people_read_the_same_in_lines() {
    let (site, cookie) = site().await;
    let request = get("/account", &format!("X-Forwarded-For: 192.0.2.7\r\nX-Truecaller-Phone: +1\r\n{cookie}"));
    let (code, out, error) = run(site.program.folder(), "127.0.0.5:4711", &request, &[]).await;
    assert_eq!((code, &*error), (Some(0), ""));
    for line in [
        "request   GET for shop.example, at 127.0.0.1:0",
        "path      /account",
        "client    127.0.0.5 by http: the peer of the connection; X-Forwarded-For ignored, because the peer 127.0.0.5 is not in trusted_proxies",
        "session   valid: a secret of this configuration opens it, and its time has not passed",
        "stripped  headers X-Forwarded-For, X-Truecaller-Phone; cookies __Host-truegate",
        "answer    that of the app",
        "assumed   the store was not asked: no login is pending, and nobody has logged out",
    ] {
        assert!(out.lines().any(|known| known == line), "{line} is not in\n{out}");
    }
    assert!(out.contains("X-Truecaller-Phone, X-Truecaller-"), "{out}");
    let hostile = b"GET /\x1b[31m HTTP/1.1\r\nHost: \x1b]0;a\r\n\r\n";
    let (_, out, _) = run(site.program.folder(), "127.0.0.5", hostile, &[]).await;
    assert!(!out.contains('\u{1b}'), "{out:?}");
}

#[tokio::test]
async fn no_secret_is_told_and_nothing_is_asked_or_logged() {
    let (site, cookie) = site().await;
    let fetches = site.truecaller.fetches();
    let sealed = cookie.split("__Host-truegate=").nth(1).unwrap().split(';').next().unwrap();
    let callback = String::from_utf8(grant(&site.truecaller)).unwrap();
    let (_, body) = callback.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let posted = ["requestId", "accessToken"].map(|name| body[name].as_str().unwrap());
    site.app.take();
    for request in [get("/account?token=hunter2", &cookie), grant(&site.truecaller), get(&format!("{CALLBACK}/"), "")] {
        for format in ["text", "json"] {
            let (code, out, error) = run(site.program.folder(), CLIENT.0, &request, &["--format", format]).await;
            assert_eq!((code, &*error), (Some(0), ""));
            for secret in [sealed, posted[0], posted[1], "hunter2", "unguessable", "+91", "dark"] {
                assert!(!out.contains(secret), "{secret} is in {out}");
            }
        }
    }
    assert!(site.app.take().is_empty() && site.app.take_bytes().is_empty());
    assert_eq!(site.truecaller.fetches(), fetches);
}

#[tokio::test]
async fn what_cannot_be_explained_is_said() {
    let folder = tempfile::tempdir().unwrap();
    setup::command(&folder, "listen: 127.0.0.1:0\nupstream: http://127.0.0.1:1\n");
    for (from, more, code, message) in [
        ("somewhere", &[][..], 2, "not an IP address"),
        ("127.0.0.1", &["--tls"], 2, "truegate explain: no listener speaks TLS (the configuration has 127.0.0.1:0)\n"),
        (
            "127.0.0.1",
            &["--listener", "127.0.0.1:1"],
            2,
            "truegate explain: no listener has this address (the configuration has 127.0.0.1:0)\n",
        ),
        ("127.0.0.1", &["/no/such/file"], 1, "truegate explain: No such file or directory"),
    ] {
        let (ended, out, error) = run(folder.path(), from, b"", more).await;
        assert_eq!((ended, &*out), (Some(code), ""));
        assert!(error.contains(message), "{error}");
    }
    setup::command(&folder, "listen: 127.0.0.1:0\nupstraem: http://127.0.0.1:1\n");
    let (ended, _, error) = run(folder.path(), "127.0.0.1", b"", &[]).await;
    assert_eq!(ended, Some(2));
    assert!(error.contains("unknown key"), "{error}");
    let both = truegate(&["explain", "-c", "-"]).await;
    assert_eq!(both.status.code(), Some(2));
    assert!(String::from_utf8(both.stderr).unwrap().contains("cannot both be the standard input"));
}
