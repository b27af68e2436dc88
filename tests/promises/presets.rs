//! The headers of presets: nobody else's, and on a verified callback the identity in the app's own words.

use serde_json::json;
use truegate::headers::Preset;

use crate::{
    support::{
        edge::{Kind, PATH},
        raw::{Message, get},
        recorder::Recorder,
        scene::Scene,
    },
    text::decode,
};

/// The headers of each preset: the phone's, then the name's.
const HEADERS: [(&str, &str); 4] = [
    ("remote-user", "remote-name"),
    ("x-forwarded-user", "x-forwarded-preferred-username"),
    ("x-auth-request-user", "x-auth-request-preferred-username"),
    ("x-webauth-user", "x-webauth-name"),
];

/// A name that every encoding has to do something about.
const NAME: &str = "Zoë = 100% \u{1f600}\r\nRemote-User: +1 =41";

fn every_preset() -> Vec<&'static str> {
    Preset::ALL.iter().map(|preset| preset.code()).collect()
}

/// Each header in spellings that some server reads as the header itself.
fn spoofs() -> String {
    let names = HEADERS.iter().flat_map(|(user, name)| [*user, *name]);
    let spellings = names.flat_map(|name| {
        [
            name.to_owned(),
            name.to_uppercase(),
            name.replace('-', "_"),
            name.replace('-', "."),
            name.replacen('-', "~", 1),
        ]
    });
    spellings.map(|name| format!("{name}: +10000000000\r\n")).collect()
}

/// What an app could read as a preset's header, in lower case and in order.
fn claims(message: &Message) -> Vec<(String, String)> {
    let folded = |name: &str| name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let ours = |name: &str| HEADERS.iter().any(|(user, full)| [*user, *full].contains(&folded(name).as_str()));
    let headers = message.headers.iter().filter(|(name, _)| ours(name));
    let mut claims: Vec<_> = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    claims.sort();
    claims
}

#[tokio::test]
async fn a_spoofed_user_never_reaches_the_app() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| settings.presets = every_preset()).await;
        for request in [get("/", &spoofs()), get("/remote_user", "remote_user: admin\r\nRemote-User: admin\r\n")] {
            assert_eq!(scene.send(request).await.status(), 200);
            assert_eq!(claims(&scene.reached_once().await), []);
        }
        let refusal = r#"{"requestId":"a-nonce-","status":"user_rejected"}"#;
        assert_eq!(scene.send(callback(refusal)).await.status(), 200);
        assert_eq!(claims(&scene.reached_once().await), [], "nobody was verified");
    }
}

#[tokio::test]
async fn no_client_can_have_a_preset_dropped_on_the_way() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| settings.presets = vec!["remote-user"]).await;
        scene.send(get("/", "Connection: close, Remote-User\r\nTrailer: remote_name\r\n")).await;
        let request = scene.reached_once().await;
        let lists = [request.all("connection"), request.all("trailer")].concat().join(",").to_ascii_lowercase();
        assert!(!lists.contains("remote"), "{lists}");
    }
}

#[tokio::test]
async fn a_verified_callback_carries_the_identity_once_by_each_name() {
    let profile = json!({
        "phoneNumbers": ["919999999999"],
        "name": { "first": NAME, "last": "L" },
        "onlineIdentities": { "email": "ceo@corp.example" },
    });
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| settings.presets = every_preset()).await;
        assert_eq!(scene.send(callback(&scene.grant(profile.to_string()))).await.status(), 200);
        let request = scene.reached_once().await;
        assert_eq!(claims(&request).len(), 2 * HEADERS.len(), "{request:#?}");
        for (user, name) in HEADERS {
            assert_eq!(request.one(user), Some("+919999999999"));
            // A line break cannot be sent.
            let expected = NAME.replace(['\r', '\n'], "\u{fffd}") + " L";
            assert_eq!(request.one(name), Some(&*expected), "{name}");
        }
        assert!(!format!("{:?}", request.headers).contains("corp.example"), "{request:#?}");
    }
}

#[tokio::test]
async fn the_encoding_of_a_presets_name_can_be_chosen() {
    let profile = json!({ "phoneNumbers": ["919999999999"], "name": { "first": NAME, "last": "L" } });
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| {
            settings.presets = vec!["x-auth-request"];
            settings.encoded_presets = vec![("grafana", "quoted-printable"), ("remote-user", "percent")];
        });
        let scene = scene.await;
        assert_eq!(scene.send(callback(&scene.grant(profile.to_string()))).await.status(), 200);
        let request = scene.reached_once().await;
        for (user, name, mark) in [("remote-user", "remote-name", b'%'), ("x-webauth-user", "x-webauth-name", b'=')] {
            assert_eq!(request.one(user), Some("+919999999999"));
            assert_eq!(decode(request.one(name).unwrap(), mark), format!("{NAME} L"), "{name}");
        }
        assert!(request.one("x-auth-request-preferred-username").unwrap().starts_with("Zoë = 100% \u{1f600}"));
    }
}

#[tokio::test]
async fn an_app_names_no_user_to_the_client() {
    let answer = "HTTP/1.1 200 OK\r\nRemote-User: +1\r\nx_webauth_name: Eve\r\nX-Auth-Request-User: +2\r\n\
                  Content-Length: 2\r\n\r\nok";
    for kind in Kind::ALL {
        let app = Recorder::answering(answer).await;
        let scene = Scene::before(kind, app, |settings| settings.presets = every_preset()).await;
        assert_eq!(claims(&scene.send(get("/", "")).await), []);
    }
}

/// Headers of the presets' families.
const FAMILIES: [&str; 16] = [
    "Remote-Groups", "Remote-Email", "Remote-Anything-Else", "X-Auth-Request-Email", "X-Auth-Request-Groups",
    "X-Auth-Request-Access-Token", "X-Auth-Request-Anything-Else", "X-WEBAUTH-ROLE", "X-WEBAUTH-EMAIL",
    "X-WEBAUTH-GROUPS", "X-WEBAUTH-ANYTHING-ELSE", "X-Forwarded-Email", "X-Forwarded-Groups",
    "X-Forwarded-Access-Token", "X-Forwarded-User", "X-Forwarded-Preferred-Username",
];

#[tokio::test]
async fn the_whole_family_of_a_preset_is_closed_to_clients() {
    let app = "HTTP/1.1 200 OK\r\nRemote-Groups: admins\r\nX_WEBAUTH_ROLE: Admin\r\nContent-Length: 2\r\n\r\nok";
    for kind in Kind::ALL {
        let app = Recorder::answering(app).await;
        let scene = Scene::before(kind, app, |settings| settings.presets = every_preset()).await;
        for name in FAMILIES {
            let spellings = [name.to_owned(), name.to_uppercase(), name.replace('-', "_"), name.replace('-', ".")];
            let lines: String = spellings.iter().map(|name| format!("{name}: admins\r\n")).collect();
            let callback = callback_with(&lines, &scene.grant(r#"{"phoneNumbers":["919999999999"]}"#));
            for request in [get("/", &lines), get("/", &format!("Connection: {name}\r\n")), callback.into_bytes()] {
                let answer = scene.send(request).await;
                let reached = scene.reached_once().await;
                assert!(!format!("{:?}", reached.headers).contains("admins"), "{name}: {reached:#?}");
                let lists = reached.all("connection").join(",").to_ascii_lowercase();
                assert!(!lists.contains(&name.to_ascii_lowercase()), "{name}: {reached:#?}");
                assert!(answer.headers.iter().all(|(_, value)| value != "admins" && value != "Admin"), "{answer:#?}");
            }
        }
    }
}

#[tokio::test]
async fn more_names_and_families_are_stripped_where_they_are_named() {
    let lines = "X-My-Role: admin\r\nx_my_role: admin\r\nX-Corp-User: admin\r\nX.CORP.Groups: admin\r\n\
                 X-My-Role-Name: kept\r\nX-Corporate: kept\r\nRemote-Groups: kept\r\n";
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| settings.strip = vec!["X-My-Role", "X-Corp-*"]).await;
        for request in [
            get("/", lines).to_vec(),
            callback_with(lines, &scene.grant("{\"phoneNumbers\":[\"919999999999\"]}")).into(),
        ] {
            assert_eq!(scene.send(request).await.status(), 200);
            let reached = scene.reached_once().await;
            assert!(!format!("{:?}", reached.headers).contains("admin"), "{reached:#?}");
            for kept in ["x-my-role-name", "x-corporate", "remote-groups"] {
                assert_eq!(reached.one(kept), Some("kept"), "{kept}");
            }
        }
    }
}

#[tokio::test]
async fn without_a_preset_its_headers_are_anybodys() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        scene.send(get("/", "Remote-User: somebody\r\n")).await;
        assert_eq!(scene.reached_once().await.one("remote-user"), Some("somebody"));
    }
}

/// A callback that claims to be everybody.
fn callback(body: &str) -> String {
    callback_with(&spoofs(), body)
}

/// A callback with header lines.
fn callback_with(lines: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {PATH} HTTP/1.1\r\nHost: app.example\r\n{lines}Content-Length: {length}\r\n\r\n{body}")
}
