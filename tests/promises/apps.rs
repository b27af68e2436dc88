//! Apps behind one edge read different headers: each gets its own, and no client can send those of any.

use crate::{
    claims::assert_problem,
    support::{
        edge::{
            Kind, Settings,
            sessions::{Need, Sessions},
        },
        raw::{Message, get},
        recorder::Recorder,
        scene::Scene,
        visitor::Visitor,
    },
};

/// What one of the apps reads of a user's phone, beside the default headers.
const HEADERS: [(&str, &str); 3] =
    [("/", "x-auth-request-user"), ("/wiki/", "remote-user"), ("/charts/", "x-webauth-user")];
const PHONE: &str = "+919999999999";

fn three_apps(settings: &mut Settings) {
    settings.presets = vec!["x-auth-request"];
    settings.apps = vec![("wiki", vec!["remote-user"]), ("charts", vec!["grafana"])];
    settings.sessions = Some(Sessions {
        rules: vec![("/wiki/", Need::Required), ("/charts/", Need::Optional), ("/", Need::Optional)],
        apps: vec![("/wiki/", "wiki"), ("/charts/", "charts")],
        ..Sessions::usual()
    });
    settings.trusted = true;
}

/// The headers of all three apps, and of their families, in spellings that some server reads as the header itself.
fn spoofs() -> String {
    let names = HEADERS.map(|(_, name)| name).into_iter();
    let names = names.chain(["remote-groups", "remote-anything", "x-webauth-role", "x-auth-request-email"]);
    let spellings = names.flat_map(|name| {
        [name.to_owned(), name.to_uppercase(), name.replace('-', "_"), name.replace('-', "."), name.replace('-', "~")]
    });
    spellings.map(|name| format!("{name}: admin\r\n")).collect()
}

/// The phone's headers of a message, and what is spoofed in it.
fn said(message: &Message) -> Vec<(&str, &str)> {
    let fold = |name: &str| name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let starts = ["remote-", "x-webauth-", "x-auth-request-"];
    let headers = message.headers.iter().filter(|(name, value)| {
        let name = fold(name);
        starts.iter().any(|start| name.starts_with(start)) && (name.ends_with("-user") || value == "admin")
    });
    headers.map(|(name, value)| (&**name, &**value)).collect()
}

#[tokio::test]
async fn each_app_gets_its_own_headers_and_those_of_no_other() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, three_apps).await;
        let mut browser = scene.signed_in().await;
        // What is known of a session serves all of its apps, whichever comes first.
        for (path, name) in HEADERS.iter().chain(HEADERS.iter().rev()) {
            for lines in ["".to_owned(), spoofs()] {
                assert_eq!(browser.get_with(&format!("{path}x"), &lines).await.status(), 200);
                let reached = scene.reached_once().await;
                let sent: Vec<_> =
                    said(&reached).into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
                assert_eq!(sent, [((*name).to_owned(), PHONE)], "{path}");
                assert_eq!(reached.one("x-truecaller-phone"), Some(PHONE), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn a_stranger_is_nobody_for_any_app() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, three_apps).await;
        for path in ["/x", "/charts/x"] {
            assert_eq!(scene.send(get(path, &spoofs())).await.status(), 200);
            assert_eq!(said(&scene.reached_once().await), [], "{path}");
        }
        assert_problem(&scene.send(get("/wiki/x", &spoofs())).await, 401, "not-signed-in");
        scene.unreached("it needs a login").await;
    }
}

#[tokio::test]
async fn a_proxy_overwrites_the_headers_of_all_apps() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, three_apps).await;
        let mut browser = scene.signed_in().await;
        for (path, name) in HEADERS {
            let answer = ask(&mut browser, path).await;
            assert_eq!(answer.status(), 200);
            for (_, other) in HEADERS {
                assert_eq!(answer.all(other), [if other == name { PHONE } else { "" }], "{path} {other}");
            }
            for known in ["remote-email", "x-webauth-role", "x-auth-request-email", "remote-groups"] {
                assert_eq!(answer.all(known), [""], "{path}");
            }
            assert_eq!(answer.one("x-truecaller-phone"), Some(PHONE));
        }
        let stranger = ask(&mut scene.visitor(), "/charts/").await;
        assert_eq!(stranger.status(), 200);
        assert!(HEADERS.iter().all(|(_, name)| stranger.all(name) == [""]), "{stranger:#?}");
    }
}

#[tokio::test]
async fn no_app_names_a_user_of_another_app_to_the_client() {
    let answer = "HTTP/1.1 200 OK\r\nRemote-User: admin\r\nx_webauth_user: admin\r\nX-Auth-Request-User: admin\r\n\
                  Content-Length: 2\r\n\r\nok";
    for kind in Kind::ALL {
        let app = Recorder::answering(answer).await;
        let scene = Scene::before(kind, app, three_apps).await;
        for path in ["/x", "/charts/x"] {
            assert_eq!(said(&scene.send(get(path, "")).await), [], "{path}");
        }
    }
}

async fn ask(browser: &mut Visitor, path: &str) -> Message {
    browser.get_with("/.truegate/auth", &format!("X-Forwarded-Method: GET\r\nX-Forwarded-Uri: {path}\r\n")).await
}
