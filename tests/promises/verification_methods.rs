//! The app hears how the user's number was verified, and a rule can ask for it.

use std::fs;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::TempDir;
use truegate::VerificationMethod::{self, App, MissedCall, Site, Web};

use crate::{
    claims::assert_problem,
    support::{
        edge::{
            Kind, Settings, Signing,
            sessions::{GroupFile, Need, Sessions},
        },
        raw::Message,
        scene::Scene,
        seal,
        visitor::{Visitor, json},
    },
};

const SESSION: &str = "__Host-truegate";
/// The paths that ask for methods, and those who get in.
const RULES: [(&str, &[VerificationMethod]); 4] =
    [("/wallet/", &[Web, App]), ("/call/", &[MissedCall]), ("/staff/", &[Site, App]), ("/", VerificationMethod::ALL)];
/// What a client says of itself, in spellings that some server reads as ours.
const SPOOFS: &str = "X-Truecaller-Method: web\r\nX-TRUECALLER-METHOD: app\r\nX_Truecaller_Method: missed-call\r\n\
                      X.Truecaller.Method: site\r\n";

struct Staff(TempDir);

impl Staff {
    fn of(members: &str) -> Self {
        let staff = Self(tempfile::tempdir().unwrap());
        fs::write(staff.0.path().join("staff"), members).unwrap();
        staff
    }

    fn rule(&self, settings: &mut Settings) {
        let rules = vec![
            ("/wallet/", Need::VerifiedBy(&[Web, App])),
            ("/call/", Need::VerifiedBy(&[MissedCall])),
            ("/staff/", Need::InGroupVerifiedBy("staff", &[Site, App])),
            ("/", Need::Optional),
        ];
        let groups = vec![("staff", GroupFile::read(&self.0.path().join("staff")))];
        settings.sessions = Some(Sessions { rules, groups, ..Sessions::usual() });
        settings.signing = Some(Signing::with_keys(1));
        settings.trusted = true;
    }
}

/// A browser whose session began by this method.
async fn verified(scene: &Scene, method: &str) -> Visitor {
    let mut browser = scene.signed_in().await;
    let secret = Sessions::usual().secrets.remove(0);
    let session = seal::with(&secret, browser.cookie(SESSION).unwrap(), "m", method);
    browser.set_cookie(SESSION, &session);
    browser
}

async fn ask(browser: &mut Visitor, path: &str) -> Message {
    let lines = format!("X-Forwarded-Method: GET\r\nX-Forwarded-Uri: {path}\r\n{SPOOFS}");
    browser.get_with("/.truegate/auth", &lines).await
}

/// What an app could read as the method.
fn methods(message: &Message) -> Vec<&str> {
    let folded = |name: &str| name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let headers = message.headers.iter().filter(|(name, _)| folded(name) == "x-truecaller-method");
    headers.map(|(_, value)| value.as_str()).collect()
}

/// The methods in the assertion.
fn claim(message: &Message) -> Value {
    let token = message.one("x-truecaller-assertion").expect("identities are signed");
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["amr"].clone()
}

#[tokio::test]
async fn a_path_for_some_methods_lets_in_those_who_were_verified_so() {
    let staff = Staff::of("+919999999999\n");
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| staff.rule(settings)).await;
        for method in VerificationMethod::ALL {
            let mut browser = verified(&scene, method.code()).await;
            assert_eq!(json(&browser.get("/.truegate/me").await)["method"], method.code());
            for (path, allowed) in RULES {
                println!("{method:?} {path}");
                let (answer, asked) = (browser.get_with(path, SPOOFS).await, ask(&mut browser, path).await);
                if allowed.contains(method) {
                    assert_eq!((answer.status(), asked.status()), (200, 200));
                    for message in [&scene.reached_once().await, &asked] {
                        assert_eq!((methods(message), claim(message)), (vec![method.code()], json!([method.code()])));
                    }
                } else {
                    assert_problem(&answer, 403, "not-allowed");
                    assert_eq!(asked.status(), 403);
                    scene.unreached("the method is not listed").await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_method_lets_in_nobody_whom_the_list_does_not_name() {
    let staff = Staff::of("+447911123456\n");
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| staff.rule(settings)).await;
        let mut browser = verified(&scene, "app").await;
        assert_problem(&browser.get("/staff/").await, 403, "not-allowed");
        assert_eq!(ask(&mut browser, "/staff/").await.status(), 403);
        assert_eq!(browser.get("/wallet/").await.status(), 200);
        assert_eq!(scene.reached_once().await.one("x-truecaller-method"), Some("app"));
    }
}

#[tokio::test]
async fn a_session_that_was_sealed_before_began_on_the_web() {
    let staff = Staff::of("");
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| staff.rule(settings)).await;
        let mut browser = scene.signed_in().await;
        assert_eq!(browser.get_with("/wallet/", SPOOFS).await.status(), 200);
        assert_eq!(methods(&scene.reached_once().await), ["web"]);
        assert_problem(&browser.get_with("/call/", SPOOFS).await, 403, "not-allowed");
    }
}

#[tokio::test]
async fn a_method_that_is_not_known_opens_nothing() {
    let staff = Staff::of("");
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| staff.rule(settings)).await;
        let mut browser = verified(&scene, "fax").await;
        assert_eq!(ask(&mut browser.clone(), "/wallet/").await.status(), 401);
        assert_problem(&browser.clone().get("/wallet/").await, 401, "not-signed-in");
        scene.unreached("its session cannot be read").await;
        assert_eq!(browser.get_with("/", SPOOFS).await.status(), 200);
        assert_eq!(methods(&scene.reached_once().await), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn who_is_not_known_was_verified_by_no_method() {
    let staff = Staff::of("");
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| staff.rule(settings)).await;
        let mut browser = scene.visitor();
        assert_eq!(browser.get_with("/", SPOOFS).await.status(), 200);
        assert_eq!(methods(&scene.reached_once().await), Vec::<&str>::new());
        assert_problem(&browser.get_with("/wallet/", SPOOFS).await, 401, "not-signed-in");
        let asked = ask(&mut browser, "/").await;
        assert_eq!((asked.status(), methods(&asked)), (200, vec![""]), "a proxy overwrites what the client sent");
    }
}
