//! A user's groups reach the app as they are now, and nobody says so but the operator.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::yield_now;

use crate::{
    claims::assert_problem,
    support::{
        edge::{
            Kind, Settings, Signing,
            sessions::{GroupFile, Need, Sessions},
        },
        raw::{Message, get, within},
        scene::Scene,
        visitor::Visitor,
    },
};

/// The headers that carry groups, with every preset.
const HEADERS: [&str; 5] =
    ["x-truecaller-groups", "remote-groups", "x-forwarded-groups", "x-auth-request-groups", "x-webauth-groups"];
const PRESETS: [&str; 4] = ["remote-user", "x-forwarded-user", "x-auth-request", "grafana"];
const PHONE: &str = "+919999999999\n";
const STRANGER: &str = "+447911123456\n";

/// The files of the groups `staff`, `Back-Office_2.0` and `boss`, in this order.
struct Lists(TempDir);

impl Lists {
    const NAMES: [&str; 3] = ["staff", "Back-Office_2.0", "boss"];

    fn of(members: [&str; 3]) -> Self {
        let lists = Self(tempfile::tempdir().unwrap());
        for (name, members) in Self::NAMES.into_iter().zip(members) {
            fs::write(lists.path(name), members).unwrap();
        }
        lists
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn files(&self) -> Vec<(&'static str, GroupFile)> {
        Self::NAMES.into_iter().map(|name| (name, GroupFile::read(&self.path(name)))).collect()
    }
}

fn grouped(settings: &mut Settings, groups: &[(&'static str, GroupFile)]) {
    let rules = vec![("/staff/", Need::InGroup("staff")), ("/public/", Need::Public), ("/", Need::Optional)];
    settings.sessions = Some(Sessions { rules, groups: groups.to_vec(), ..Sessions::usual() });
    settings.presets = PRESETS.to_vec();
    settings.trusted = true;
}

/// What an app could read as groups, in lower case and in order.
fn groups(message: &Message) -> Vec<(String, String)> {
    let folded = |name: &str| name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let headers = message.headers.iter().filter(|(name, _)| folded(name).ends_with("-groups"));
    let mut groups: Vec<_> = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    groups.sort();
    groups
}

/// Each header with one value.
fn everywhere(value: &str) -> Vec<(String, String)> {
    let mut expected: Vec<_> = HEADERS.iter().map(|name| ((*name).to_owned(), value.to_owned())).collect();
    expected.sort();
    expected
}

/// Each header in spellings that some server reads as the header itself.
fn spoofs() -> String {
    let spellings = HEADERS.iter().flat_map(|name| {
        [
            (*name).to_owned(),
            name.to_uppercase(),
            name.replace('-', "_"),
            name.replace('-', "."),
            name.replace('-', "~"),
        ]
    });
    spellings.map(|name| format!("{name}: boss\r\n")).collect()
}

async fn ask(browser: &mut Visitor, path: &str) -> Message {
    browser.get_with("/.truegate/auth", &format!("X-Forwarded-Method: GET\r\nX-Forwarded-Uri: {path}\r\n")).await
}

#[tokio::test]
async fn the_app_hears_of_a_users_groups_in_their_order() {
    let lists = Lists::of([PHONE, "# everyone\n+919999999999\n", STRANGER]);
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| grouped(settings, &lists.files())).await;
        let mut browser = scene.signed_in().await;
        for path in ["/", "/staff/x"] {
            assert_eq!(browser.get_with(path, &spoofs()).await.status(), 200);
            assert_eq!(groups(&scene.reached_once().await), everywhere("staff,Back-Office_2.0"), "{path}");
        }
        let asked = ask(&mut browser, "/staff/x").await;
        assert_eq!((asked.status(), groups(&asked)), (200, everywhere("staff,Back-Office_2.0")));
        assert_eq!(browser.get_with("/public/", &spoofs()).await.status(), 200);
        assert_eq!(groups(&scene.reached_once().await), []);
    }
}

#[tokio::test]
async fn a_user_in_no_group_has_none_whatever_the_client_says() {
    let lists = Lists::of([STRANGER, "", ""]);
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| grouped(settings, &lists.files())).await;
        let mut browser = scene.signed_in().await;
        for answer in [browser.get_with("/", &spoofs()).await, scene.send(get("/", &spoofs())).await] {
            assert_eq!(answer.status(), 200);
        }
        let reached = scene.reached().await;
        assert_eq!(reached.len(), 2);
        reached.iter().for_each(|reached| assert_eq!(groups(reached), []));
        assert_problem(&browser.get_with("/staff/", &spoofs()).await, 403, "not-allowed");
        scene.unreached("only members come in").await;
        let asked = browser.get_with("/.truegate/auth", &format!("X-Forwarded-Uri: /\r\n{}", spoofs())).await;
        assert_eq!((asked.status(), groups(&asked)), (200, everywhere("")), "a proxy overwrites what the client sent");
        assert_eq!(ask(&mut browser, "/staff/").await.status(), 403);
    }
}

#[tokio::test]
async fn a_user_who_leaves_a_group_is_out_of_it_everywhere_at_once() {
    for kind in Kind::ALL {
        let lists = Lists::of([PHONE, "", PHONE]);
        let files = lists.files();
        let scene = Scene::with(kind, |settings| {
            grouped(settings, &files);
            settings.signing = Some(Signing { lifetime: Duration::from_hours(1), ..Signing::with_keys(1) });
        })
        .await;
        let mut browser = scene.signed_in().await;
        for _ in 0..2 {
            assert_eq!(browser.get("/staff/").await.status(), 200);
            let reached = scene.reached_once().await;
            assert_eq!((groups(&reached), claim(&reached)), (everywhere("staff,boss"), json!(["staff", "boss"])));
        }

        change(&scene, &mut browser, &lists.path("staff"), &files[0].1, "", 403).await;
        scene.reached().await;
        assert_problem(&browser.get("/staff/").await, 403, "not-allowed");
        assert_eq!(browser.get("/").await.status(), 200);
        let (reached, asked) = (scene.reached_once().await, ask(&mut browser, "/").await);
        for message in [&reached, &asked] {
            assert_eq!((groups(message), claim(message)), (everywhere("boss"), json!(["boss"])));
        }
        assert_eq!(ask(&mut browser, "/staff/").await.status(), 403);

        change(&scene, &mut browser, &lists.path("staff"), &files[0].1, PHONE, 200).await;
        scene.reached().await;
        assert_eq!(groups(&ask(&mut browser, "/staff/").await), everywhere("staff,boss"));
    }
}

/// Writes a file of members, and has the edge read it: from then on `/staff/` is answered so.
async fn change(scene: &Scene, browser: &mut Visitor, path: &Path, file: &GroupFile, members: &str, status: u16) {
    let new = path.with_extension("new");
    fs::write(&new, members).unwrap();
    fs::rename(new, path).unwrap();
    if scene.kind != Kind::Gateway {
        return file.refresh();
    }
    // The gateway reads its files by itself, within a second or two.
    within(async {
        while browser.get("/staff/").await.status() != status {
            yield_now().await;
        }
    })
    .await;
}

/// The groups in the assertion of a message.
fn claim(message: &Message) -> Value {
    let token = message.one("x-truecaller-assertion").expect("identities are signed");
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["groups"].clone()
}
