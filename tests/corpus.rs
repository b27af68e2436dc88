//! What the corpus of callbacks and profiles says of each file, it gets through every edge.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod support;

use std::{collections::BTreeSet, fs, path::PathBuf};

use support::{
    edge::Kind,
    scene::Scene,
    tls::{self, ENDPOINTS},
};
use truegate::{profile::Profile, simulator::DOCUMENTED_PROFILE};

/// The token that a callback brings, as far as it is one.
#[derive(Default, serde::Deserialize)]
struct Named {
    #[serde(rename = "accessToken")]
    token: Option<String>,
}

/// A line of the index.
struct Row {
    file: String,
    is_accepted: bool,
    why: String,
}

impl Row {
    fn bytes(&self) -> Vec<u8> {
        fs::read(folder().join(&self.file)).unwrap()
    }
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "corpus"].iter().collect()
}

fn index() -> Vec<Row> {
    let text = fs::read_to_string(folder().join("INDEX.tsv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("file\tkind\texpected\twhy"));
    let row = |line: &str| {
        let [file, _, expected, why] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("no row: {line}") };
        let is_accepted = match expected {
            "accept" => true,
            "reject" => false,
            other => panic!("{file} is expected to {other}"),
        };
        Row { file: file.to_owned(), is_accepted, why: why.to_owned() }
    };
    lines.map(row).collect()
}

fn rows_in(part: &str) -> Vec<Row> {
    let rows: Vec<_> = index().into_iter().filter(|row| row.file.starts_with(part)).collect();
    assert!(!rows.is_empty(), "no rows in {part}");
    rows
}

#[test]
fn every_file_has_one_row_and_every_row_its_file() {
    let files = ["callbacks", "profiles"].into_iter().flat_map(|part| {
        let entries = fs::read_dir(folder().join(part)).unwrap();
        entries.map(move |entry| format!("{part}/{}", entry.unwrap().file_name().into_string().unwrap()))
    });
    let rows: Vec<_> = index().into_iter().map(|row| row.file).collect();
    assert_eq!(rows.iter().cloned().collect::<BTreeSet<_>>(), files.collect());
    assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), rows.len(), "a file has two rows");
}

#[tokio::test]
async fn every_edge_passes_on_the_callbacks_that_are_accepted_and_no_others() {
    let certificate = tls::documented_hosts();
    for kind in Kind::ALL {
        let scene = Scene::over_tls(kind, &certificate, |_| {}).await;
        for row in rows_in("callbacks") {
            println!("{}: {}", row.file, row.why);
            let body = row.bytes();
            let Named { token } = serde_json::from_slice(&body).unwrap_or_default();
            let granted = token.inspect(|token| scene.truecaller.recognise(token, DOCUMENTED_PROFILE)).is_some();
            let before = scene.truecaller.fetches();

            let answer = scene.callback(&body).await;

            let fetches = scene.truecaller.fetches() - before;
            if row.is_accepted {
                assert_eq!(answer.status(), 200);
                assert_eq!(fetches, usize::from(granted));
                let request = scene.reached_once().await;
                assert_eq!(request.body, body);
                assert_eq!(request.one("x-truecaller-phone"), granted.then_some("+919999999999"));
            } else {
                assert!((400..600).contains(&answer.status()), "{answer:?}");
                assert_eq!(fetches, 0);
                scene.unreached(&row.file).await;
            }
        }
    }
}

#[tokio::test]
async fn every_edge_passes_on_the_profiles_that_are_accepted_and_no_others() {
    let certificate = tls::documented_hosts();
    for kind in Kind::ALL {
        let scene = Scene::over_tls(kind, &certificate, |_| {}).await;
        for (count, row) in rows_in("profiles").into_iter().enumerate() {
            println!("{}: {}", row.file, row.why);
            let body = scene.grant_at(row.bytes(), ENDPOINTS[count % ENDPOINTS.len()]);

            let answer = scene.callback(&body).await;

            assert_eq!(scene.truecaller.fetches(), count + 1);
            if row.is_accepted {
                assert_eq!(answer.status(), 200);
                let request = scene.reached_once().await;
                assert_eq!(request.text(), body);
                assert_eq!(request.one("x-truecaller-status"), Some("verified"));
                let digits = request.one("x-truecaller-phone").and_then(|phone| phone.strip_prefix('+')).unwrap();
                assert!((7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()));
            } else {
                assert!((400..600).contains(&answer.status()), "{answer:?}");
                scene.unreached(&row.file).await;
            }
        }
    }
}

/// What one endpoint says of a user is not what another one says.
#[test]
fn an_answer_of_one_endpoint_is_none_of_another() {
    for row in rows_in("profiles") {
        let (is_userinfo, is_missed_call) = (row.file.contains("oauth_userinfo"), row.file.contains("number_singular"));
        assert_eq!(Profile::parse_userinfo(&row.bytes()).is_ok(), is_userinfo, "{}", row.file);
        assert_eq!(Profile::parse_missed_call(&row.bytes()).is_ok(), is_missed_call, "{}", row.file);
    }
}
