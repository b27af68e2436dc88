//! How long requests, apps and the store take, and what is open: the metrics tell it.

use truegate::simulator::{Call, Simulator};

use super::{
    admin::{Metrics, metrics},
    sessions::Site,
    setup::{self, CALLBACK, Talk},
    streams::{Both, open_socket},
    support::{
        edge::sessions::Sessions,
        program::Program,
        raw::{exchange, get, within},
        recorder::Recorder,
    },
};

/// The count of requests by rule and class; those that have none are not listed.
fn by_rule(metrics: &Metrics) -> Vec<(String, f64)> {
    let label = |name: &str| name.strip_prefix("truegate_request_seconds_count").map(str::to_owned);
    metrics.iter().filter_map(|(name, value)| Some((label(name)?, *value))).collect()
}

/// The metrics, once so many requests are counted by these labels. A request is counted a moment after its answer.
async fn counted(program: &Program, expected: &[(&str, f64)]) -> Metrics {
    let mut expected: Vec<_> = expected.iter().map(|(labels, count)| ((*labels).to_owned(), *count)).collect();
    expected.sort_by(|(one, _), (other, _)| one.cmp(other));
    within(async {
        loop {
            let metrics = metrics(program.admin()).await;
            if by_rule(&metrics) == expected {
                return metrics;
            }
        }
    })
    .await
}

async fn ask(program: &Program, path: &str) {
    exchange(program.address(), get(path, "")).await.unwrap();
}

#[tokio::test]
async fn the_durations_of_requests_are_told_by_rule_and_class_and_never_by_path() {
    let (app, truecaller) = (Recorder::start().await, Simulator::start().await.unwrap());
    let apps = format!("upstream: main\nupstreams: {{ main: 'http://{0}', wiki: 'http://{0}' }}\n", app.address());
    let rules = "routes: [{ path: /wiki/old, upstream: main }, { path: /wiki/, upstream: wiki }]\n";
    let config = setup::config(app.address()).replace(&format!("upstream: http://{}\n", app.address()), &apps)
        + &setup::truecaller(&truecaller)
        + rules;
    let program = Program::serve(&config);
    for path in ["/wiki/secret-page?token=hunter2", "/wiki/other", "/elsewhere", &format!("{CALLBACK}/x"), CALLBACK] {
        exchange(program.address(), get(path, "")).await.unwrap();
    }
    let url = format!("http://{}{CALLBACK}", program.address());
    truecaller.call(&url, Call::grant()).await.unwrap();

    let expected = [
        (r#"{rule="/wiki",class="2xx"}"#, 2.0),
        (r#"{rule="callback",class="2xx"}"#, 1.0),
        (r#"{rule="callback",class="4xx"}"#, 1.0),
        (r#"{rule="none",class="2xx"}"#, 2.0),
    ];
    let first = counted(&program, &expected).await;

    let told = format!("{first:?}");
    assert!(!["secret-page", "hunter2", "elsewhere", "unguessable"].iter().any(|word| told.contains(word)), "{told}");
    assert_eq!(first[r#"truegate_upstream_answer_seconds_count{upstream="wiki"}"#], 2.0);
    assert_eq!(first[r#"truegate_upstream_answer_seconds_count{upstream="main"}"#], 3.0);

    // A rule and an app that are gone take their series along.
    program.reloaded(&setup::config(app.address())).await;
    ask(&program, "/").await;
    let expected = [&expected[1..3], &[(r#"{rule="none",class="2xx"}"#, 3.0)]].concat();
    let then = counted(&program, &expected).await;
    assert!(!then.keys().any(|name| name.contains(r#"upstream="wiki""#)), "{then:#?}");
}

#[tokio::test]
async fn rules_that_all_do_the_same_are_told_apart() {
    let app = Recorder::start().await;
    let rules = "routes: [{ path: /a }, { path: /b }]\n";
    let program = Program::serve(&(setup::config(app.address()) + rules));
    for path in ["/a/1", "/b/1", "/b/2", "/c"] {
        ask(&program, path).await;
    }
    let expected = [
        (r#"{rule="/a",class="2xx"}"#, 1.0),
        (r#"{rule="/b",class="2xx"}"#, 2.0),
        (r#"{rule="none",class="2xx"}"#, 1.0),
    ];
    counted(&program, &expected).await;
}

#[tokio::test]
async fn a_login_is_measured_with_the_calls_of_the_store() {
    let site = Site::open(&Sessions::usual(), "", "").await;
    site.signed_in().await;

    let metrics = metrics(site.program.admin()).await;

    let calls = |operation: &str| metrics[&format!(r#"truegate_store_call_seconds_count{{operation="{operation}"}}"#)];
    for (operation, least) in
        [("open", 1.0), ("time-left", 1.0), ("advance", 1.0), ("state", 1.0), ("revocations", 1.0)]
    {
        assert!(calls(operation) >= least, "{operation}: {metrics:#?}");
    }
    assert_eq!(calls("revoke"), 0.0);
    let own = r#"truegate_request_seconds_count{rule="/.truegate/login",class="2xx"}"#;
    assert!(metrics[own] >= 1.0, "{metrics:#?}");
    assert_eq!(metrics["truegate_profile_fetch_seconds_count"], 1.0);
}

#[tokio::test]
async fn what_is_open_is_counted_for_as_long_as_it_is() {
    let Both { app, client, program, .. } = open_socket("").await;
    let idle = Talk::connect(program.address()).await;
    let open = async || {
        let metrics = metrics(program.admin()).await;
        (metrics["truegate_open_connections"], metrics["truegate_open_websockets"])
    };
    within(async { while open().await != (2.0, 1.0) {} }).await;

    drop((app, client));
    within(async { while open().await != (1.0, 0.0) {} }).await;

    drop(idle);
    within(async { while open().await != (0.0, 0.0) {} }).await;
}
