//! A callback picks from the list of endpoints, and nothing that it says leads anywhere else.

use truegate::simulator::{DOCUMENTED_PROFILE, Fault};

use crate::{
    claims::assert_problem,
    support::{
        edge::Kind,
        scene::{Scene, Trap},
        tls,
    },
};

#[tokio::test]
async fn a_forged_endpoint_opens_no_connection() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let trap = Trap::set();
        for endpoint in forged(scene.truecaller.address().port(), trap.port()) {
            println!("endpoint: {endpoint}");
            let answer = scene.callback(scene.grant_at(DOCUMENTED_PROFILE, &endpoint)).await;
            assert_problem(&answer, 403, "endpoint-not-allowed");
            scene.unreached(endpoint).await;
        }
        assert_eq!(scene.truecaller.connections(), 0);
        assert!(!trap.has_caught());
    }
}

#[tokio::test]
async fn no_spelling_of_a_listed_host_but_its_own_opens_a_connection() {
    let certificate = tls::documented_hosts();
    for kind in Kind::ALL {
        let scene = Scene::over_tls(kind, &certificate, |_| {}).await;
        for endpoint in misspelled("profile4-noneu.truecaller.com", "/v1/default") {
            println!("endpoint: {endpoint}");
            let answer = scene.callback(scene.grant_at(DOCUMENTED_PROFILE, &endpoint)).await;
            assert_problem(&answer, 403, "endpoint-not-allowed");
            scene.unreached(endpoint).await;
        }
        assert_eq!(scene.truecaller.connections(), 0);
        for endpoint in tls::ENDPOINTS {
            assert_eq!(scene.callback(scene.grant_at(DOCUMENTED_PROFILE, endpoint)).await.status(), 200, "{endpoint}");
        }
        assert_eq!((scene.truecaller.fetches(), scene.reached().await.len()), (3, 3));
    }
}

#[tokio::test]
async fn a_redirect_leads_nowhere() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let trap = Trap::set();
        for to in [format!("http://127.0.0.1:{}/v1/default", trap.port()), scene.truecaller.endpoint().to_owned()] {
            let before = scene.truecaller.fetches();
            scene.truecaller.plan([Fault::Redirect(to.parse().unwrap())]);
            assert_problem(&scene.callback(scene.grant(DOCUMENTED_PROFILE)).await, 502, "profile-unusable");
            assert_eq!(scene.truecaller.fetches() - before, 1);
            scene.unreached(to).await;
        }
        assert!(!trap.has_caught());
    }
}

/// URLs that lead to this machine, by ways that are not on the list.
fn forged(listed: u16, trap: u16) -> Vec<String> {
    let mut urls = Vec::new();
    let hosts = [
        "localhost", "127.1", "127.0.1", "0x7f000001", "0x7f.0.0.1", "2130706433", "0177.0.0.1", "127.0.0.1.",
        "①②⑦.0.0.1", "127。0。0。1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "0", "127.0.0.2",
        "127.0.0.1%00", "127.0.0.1\t", "%31%32%37.0.0.1", "user@127.0.0.1", "user:password@127.0.0.1",
    ];
    for host in hosts {
        urls.extend([listed, trap].map(|port| format!("http://{host}:{port}/v1/default")));
    }
    urls.extend(misspelled(&format!("127.0.0.1:{listed}"), "/v1/default").map(|url| url.replace("https:", "http:")));
    urls.extend([
        format!("http://127.0.0.1:{trap}/v1/default"),
        format!("http://127.0.0.1:{listed}@127.0.0.1:{trap}/v1/default"),
        format!("http://127.0.0.1:{trap}\\@127.0.0.1:{listed}/v1/default"),
        format!("http://127.0.0.1:{trap}#@127.0.0.1:{listed}/v1/default"),
        format!("http://127.0.0.1:{trap}?http://127.0.0.1:{listed}/v1/default"),
        format!("http://127.0.0.1:{trap}/http://127.0.0.1:{listed}/v1/default"),
        format!("https://127.0.0.1:{listed}/v1/default"),
        format!("ftp://127.0.0.1:{listed}/v1/default"),
        format!("ws://127.0.0.1:{listed}/v1/default"),
        "http://127.0.0.1/v1/default".to_owned(),
        "http://169.254.169.254/latest/".to_owned(),
        "http://[::ffff:169.254.169.254]/latest/".to_owned(),
        "http://10.0.0.5/v1/default".to_owned(),
        "file:///etc/passwd".to_owned(),
        "gopher://127.0.0.1:9/".to_owned(),
        "data:application/json,{}".to_owned(),
        "javascript:1".to_owned(),
    ]);
    urls
}

/// Spellings of `https://HOST/PATH` that some parser would take for it, or that hold it.
fn misspelled(host: &str, path: &str) -> impl Iterator<Item = String> {
    let upper = host.to_uppercase();
    let long = "a".repeat(4096);
    let urls = [
        format!("http://{host}.evil.invalid{path}"),
        format!("https://{host}.evil.invalid{path}"),
        format!("https://{host}@evil.invalid{path}"),
        format!("https://{host}%40evil.invalid{path}"),
        format!("https://{host}\\.evil.invalid{path}"),
        format!("https://{host}\\@evil.invalid{path}"),
        format!("https://evil.invalid\\@{host}{path}"),
        format!("https://evil.invalid/@{host}{path}"),
        format!("https://evil.invalid?{host}{path}"),
        format!("https://evil.invalid#{host}{path}"),
        format!("https://evil-{host}{path}"),
        format!("https://sub.{host}{path}"),
        format!("https://@{host}{path}"),
        format!("https://user@{host}{path}"),
        format!("https://user:password@{host}{path}"),
        format!("https://{host}.{path}"),
        format!("https://{host}:{path}"),
        format!("https://{host}:80{path}"),
        format!("https://{host}:443{path}"),
        format!("https://{host}:8443{path}"),
        format!("https://{host}%2e{path}"),
        format!("https://{host}\t{path}"),
        format!("https://{host}\u{ad}{path}"),
        format!("https://{host}{path}/"),
        format!("https://{host}{path}?"),
        format!("https://{host}{path}?a=b"),
        format!("https://{host}{path}#"),
        format!("https://{host}{path}#a"),
        format!("https://{host}{path}/../default"),
        format!("https://{host}/./{path}"),
        format!("https://{host}/{path}"),
        format!("https://{host}/%76%31/default"),
        format!("https://{host}{path}%00"),
        format!("https://{host}{path}x"),
        format!("https://{host}/V1/default"),
        format!("https://{host}/"),
        format!("https://{host}"),
        format!("https://{host}/{long}"),
        format!("HTTPS://{host}{path}"),
        format!("https://{upper}{}", path.to_uppercase()),
        format!("https:{host}{path}"),
        format!("https:/{host}{path}"),
        format!("https:///{host}{path}"),
        format!("https:\\\\{host}{path}"),
        format!("//{host}{path}"),
        format!("{host}{path}"),
        format!(" https://{host}{path}"),
        format!("https://{host}{path} "),
        format!("https://{host}{path}\n"),
        format!("\u{0}https://{host}{path}"),
        format!("https://{host}{path},https://{host}{path}"),
        path.to_owned(),
        String::new(),
    ];
    urls.into_iter()
}
