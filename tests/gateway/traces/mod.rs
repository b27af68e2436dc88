//! Traces: what the app hears of them, and the spans that a collector gets.

mod collector;
mod exported;
mod logins;

use http::StatusCode;

use self::collector::{Collector, Exported};
use super::{
    admin::metrics,
    setup,
    support::{
        program::Program,
        raw::{exchange, get},
        recorder::Recorder,
    },
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What the app hears of a request's trace.
async fn heard(program: &Program, app: &Recorder, lines: &str) -> Vec<(String, String)> {
    exchange(program.address(), get("/", lines)).await.unwrap();
    let request = app.take().pop().unwrap();
    let is_of_trace = |(name, _): &(String, String)| name.to_ascii_lowercase().starts_with("trace");
    request.headers.into_iter().filter(is_of_trace).collect()
}

fn line(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The parts of a `traceparent`: the version, the trace, the span and the flags.
fn parts((_, value): &(String, String)) -> Vec<&str> {
    value.split('-').collect()
}

#[tokio::test]
async fn by_default_a_request_passes_with_what_it_brings() {
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));
    assert_eq!(heard(&program, &app, "").await, []);
    let wrong = heard(&program, &app, "traceparent: wrong\r\nTRACESTATE: a=1\r\n").await;
    assert_eq!(wrong, [line("traceparent", "wrong"), line("TRACESTATE", "a=1")]);
}

#[tokio::test]
async fn traces_can_begin_without_a_collector() {
    let app = Recorder::start().await;
    let config = setup::config(app.address());
    for (ratio, flags) in [("1", "01"), ("0", "00")] {
        let program = Program::serve(&format!("{config}telemetry: {{ start_traces: true, sample_ratio: {ratio} }}\n"));
        let brought = format!("traceparent: {PARENT}\r\ntracestate: a=1\r\n");
        let expected = [line("traceparent", PARENT), line("tracestate", "a=1")];
        assert_eq!(heard(&program, &app, &brought).await, expected, "it goes on as it is");

        let begun =
            [heard(&program, &app, "").await, heard(&program, &app, "traceparent: 00-x\r\ntracestate: a=1\r\n").await];
        for lines in &begun {
            assert_eq!(lines.len(), 1, "the state is of no trace: {lines:?}");
            assert_eq!(parts(&lines[0])[3], flags);
        }
        assert_ne!(parts(&begun[0][0])[1], parts(&begun[1][0])[1]);
    }
}

#[tokio::test]
async fn a_request_is_one_trace_from_the_client_to_the_app() {
    let (app, collector) = (Recorder::start().await, Collector::start().await);
    let rules = "routes: [{ path: /orders/ }]\n";
    let program = Program::serve(&(setup::config(app.address()) + rules + &collector.yaml("service_name: shop")));
    let lines = format!("traceparent: {PARENT}\r\ntracestate: a=1,b=2\r\n");
    exchange(program.address(), get("/orders/7?token=hunter2", &lines)).await.unwrap();

    let spans = collector.spans(3).await;

    let (request, admission, upstream) = (spans.request(), spans.named("admission"), spans.attempt());
    assert_eq!([&request.span.name, &upstream.span.name], ["GET /orders", "GET"]);
    assert!(spans.all.iter().all(|span| span.trace() == TRACE && span.span.trace_state == "a=1,b=2"));
    assert_eq!(request.parent(), "00f067aa0ba902b7");
    assert_eq!((admission.parent(), upstream.parent()), (request.id(), request.id()));
    let heard = app.take().pop().unwrap();
    assert_eq!(heard.one("traceparent"), Some(&*format!("00-{TRACE}-{}-01", upstream.id())));
    assert_eq!(heard.one("tracestate"), Some("a=1,b=2"));
    assert_eq!(
        [request.kind(), admission.kind(), upstream.kind()],
        ["SERVER", "INTERNAL", "CLIENT"].map(|kind| format!("SPAN_KIND_{kind}"))
    );
    let (address, port) = (app.address().ip().to_string(), app.address().port().to_string());
    for (span, attributes) in [
        (
            request,
            vec![
                ("http.request.method", "GET"),
                ("network.protocol.version", "1.1"),
                ("url.scheme", "http"),
                ("server.address", "app.example"),
                ("http.route", "/orders"),
                ("http.response.status_code", "200"),
            ],
        ),
        (admission, vec![("truegate.verdict", "passed")]),
        (
            upstream,
            vec![
                ("http.request.method", "GET"),
                ("truegate.upstream", "default"),
                ("server.address", &address),
                ("server.port", &port),
                ("http.response.status_code", "200"),
            ],
        ),
    ] {
        assert_eq!(
            span.attributes(),
            attributes.into_iter().map(|(name, value)| line(name, value)).collect::<Vec<_>>()
        );
        assert!(request.contains(span), "{:?} in {:?}", span.span, request.span);
        assert_eq!(span.error(), None);
    }
    assert_eq!(spans.resource, [line("service.name", "shop"), line("service.version", env!("CARGO_PKG_VERSION"))]);
    assert!(!collector.seen_text().contains("hunter2"), "no query is told");
}

#[tokio::test]
async fn a_request_without_a_trace_begins_one() {
    let (app, collector) = (Recorder::start().await, Collector::start().await);
    let program = Program::serve(&(setup::config(app.address()) + &collector.yaml("")));
    let begun = heard(&program, &app, "traceparent: 00-x\r\ntracestate: a=1\r\n").await;
    let spans = collector.spans(3).await;
    let request = spans.request();
    assert_eq!((request.parent(), begun.len()), (String::new(), 1));
    let upstream = spans.attempt();
    assert_eq!(parts(&begun[0]), ["00", &*request.trace(), &*upstream.id(), "01"]);
}

#[tokio::test]
async fn only_a_proxy_decides_that_a_trace_is_exported() {
    let (app, collector) = (Recorder::start().await, Collector::start().await);
    let config = setup::config(app.address()) + &collector.yaml("sample_ratio: 0");
    let (trusting, other) =
        (Program::serve(&(config.clone() + "trusted_proxies: [127.0.0.1]\n")), Program::serve(&config));
    let brought = format!("traceparent: {PARENT}\r\n");
    let heard_of_client = heard(&other, &app, &brought).await;
    assert_eq!((parts(&heard_of_client[0])[1], parts(&heard_of_client[0])[3]), (TRACE, "00"));
    let heard_of_proxy = heard(&trusting, &app, &brought).await;
    assert_eq!(parts(&heard_of_proxy[0])[3], "01");
    let unsampled = PARENT.replace("-01", "-00");
    assert_eq!(
        heard(&trusting, &app, &format!("traceparent: {unsampled}\r\n")).await,
        [line("traceparent", &unsampled)]
    );

    for program in [other, trusting] {
        program.signal("TERM");
        setup::ended(program).await;
    }
    assert_eq!(collector.spans(3).await.all.len(), 3, "those of one request alone");
}

#[tokio::test]
async fn a_failure_is_told_by_a_word() {
    let (mut app, collector) = (Recorder::start().await, Collector::start().await);
    app.stop().await;
    let program = Program::serve(&(setup::config(app.address()) + &collector.yaml("")));
    let answer = exchange(program.address(), get("/", "")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);

    let spans = collector.spans(3).await;

    assert_eq!(spans.attempt().error().as_deref(), Some("connect"));
    let request = spans.request();
    assert_eq!(request.error().as_deref(), Some("502"));
    assert!(request.attributes().contains(&line("truegate.refusal", "upstream-unavailable")), "{:?}", request.span);
}

#[tokio::test]
async fn a_reload_begins_to_export_and_stops_it() {
    let (app, collector, next) = (Recorder::start().await, Collector::start().await, Collector::start().await);
    let config = setup::config(app.address());
    let program = Program::serve(&config);
    program.reloaded(&(config.clone() + &collector.yaml(""))).await;
    exchange(program.address(), get("/", "")).await.unwrap();
    collector.spans(3).await;
    program.reloaded(&(config.clone() + &next.yaml("service_name: next"))).await;
    exchange(program.address(), get("/", "")).await.unwrap();
    assert_eq!(next.spans(3).await.resource[0], line("service.name", "next"));
    program.reloaded(&config).await;
    assert_eq!(heard(&program, &app, "").await, []);
    assert_eq!(Exported::of(&collector.seen()).all.len(), 3, "nothing came after the reload");
    assert_eq!(metrics(program.admin()).await[r#"truegate_lost_spans_total{cause="failed"}"#], 0.0);
}
