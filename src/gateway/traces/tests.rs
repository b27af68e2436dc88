use futures_util::FutureExt as _;
use http::HeaderValue;

use super::*;
use crate::gateway::{admin::Metrics, config::CollectorConfig};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A tracer, and the spans that it would export.
fn tracer(starts: bool, ratio: &str, exports: bool) -> (Tracer, mpsc::Receiver<Span>) {
    let (spans, waiting) = mpsc::channel(10);
    let collector = CollectorConfig {
        url: "http://127.0.0.1:4318/v1/traces".to_owned(),
        headers: Vec::new(),
        trusted: Vec::new(),
        service_name: "truegate".to_owned(),
    };
    let ratio = SampleRatio::parse(ratio).unwrap();
    let config = TelemetryConfig { collector: exports.then_some(collector), starts, ratio };
    let telemetry = Telemetry::new(Metrics::new());
    let spans = exports.then(|| SpanQueue { spans, filled: Arc::default(), telemetry });
    (Tracer { config, random: Random::seeded(1), spans, _retire: None }, waiting)
}

/// The headers of a request after the tracer has seen it, and whether its spans are exported.
fn traced(tracer: &Tracer, lines: &[(&'static str, &str)], by_proxy: bool) -> (HeaderMap, bool) {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    let trace = tracer.begin(&headers, by_proxy, SystemClock.now());
    if let Some(trace) = &trace {
        trace.tell(&mut headers);
    }
    let is_recorded = trace.is_some_and(|trace| trace.id().is_some());
    (headers, is_recorded)
}

fn flags(headers: &HeaderMap) -> &str {
    headers["traceparent"].to_str().unwrap().rsplit('-').next().unwrap()
}

#[test]
fn without_a_collector_a_request_passes_with_what_it_brings_or_gets_a_trace() {
    let (tracer, _) = tracer(true, "1", false);
    let (headers, is_recorded) = traced(&tracer, &[("traceparent", PARENT), ("tracestate", "a=1")], false);
    assert_eq!(
        (headers["traceparent"].to_str().unwrap(), &headers["tracestate"], is_recorded),
        (PARENT, &HeaderValue::from_static("a=1"), false)
    );

    for wrong in ["", "00-xyz", &PARENT.replace("00-4", "ff-4")] {
        let (headers, is_recorded) = traced(&tracer, &[("traceparent", wrong), ("tracestate", "a=1")], true);
        assert!(
            TraceContext::of(&headers).is_some() && flags(&headers) == "01" && !is_recorded,
            "{wrong}: {headers:?}"
        );
        assert!(!headers.contains_key("tracestate"), "it is of a trace that is not known");
    }
}

#[test]
fn a_request_that_goes_on_with_a_trace_is_a_span_of_it() {
    let (tracer, _) = tracer(true, "1", true);
    let (headers, is_recorded) = traced(&tracer, &[("traceparent", PARENT), ("tracestate", "a=1")], false);
    let (parent, own) = (PARENT.split('-').collect::<Vec<_>>(), headers["traceparent"].to_str().unwrap());
    let own: Vec<_> = own.split('-').collect();
    assert!(own[1] == parent[1] && own[2] != parent[2] && own[3] == "01" && is_recorded, "{own:?}");
    assert_eq!(headers["tracestate"], "a=1");
}

#[test]
fn only_a_proxy_decides_that_a_trace_is_sampled() {
    let (never, _) = tracer(true, "0", true);
    for (by_proxy, expected) in [(true, "01"), (false, "00")] {
        let (headers, is_recorded) = traced(&never, &[("traceparent", PARENT)], by_proxy);
        assert_eq!((flags(&headers), is_recorded), (expected, by_proxy));
        assert_ne!(headers["traceparent"], PARENT, "flags that change need another span");
    }
    assert!(!traced(&never, &[], true).1, "a proxy that says nothing leaves it to the ratio");

    let (always, _) = tracer(true, "1", true);
    let unsampled = PARENT.replace("-01", "-00");
    for by_proxy in [true, false] {
        let (headers, is_recorded) = traced(&always, &[("traceparent", &unsampled)], by_proxy);
        assert_eq!((headers["traceparent"].to_str().unwrap(), is_recorded), (&*unsampled, false));
    }
}

#[test]
fn a_ratio_takes_its_part_of_new_traces_and_of_those_of_clients() {
    let (tracer, _) = tracer(true, "0.25", true);
    for lines in [&[][..], &[("traceparent", PARENT)]] {
        let sampled = (0..4000).filter(|_| traced(&tracer, lines, false).1).count();
        assert!((850..1150).contains(&sampled), "{sampled} of 4000");
    }
}

#[test]
fn without_starts_only_traces_that_come_are_followed() {
    let (tracer, _) = tracer(false, "1", true);
    assert!(!traced(&tracer, &[], false).0.contains_key("traceparent"));
    assert!(traced(&tracer, &[("traceparent", PARENT)], false).1);
}

#[test]
fn no_two_spans_of_a_trace_have_one_id() {
    let ids: std::collections::HashSet<_> = (0..10_000u64).map(|n| span_id(n.wrapping_mul(STEP)).0).collect();
    assert_eq!(ids.len(), 10_000);
    assert_eq!(span_id(0).0, 1u64.to_be_bytes(), "no id is zero");
}

#[test]
fn spans_that_find_no_room_are_dropped() {
    let (tracer, mut waiting) = tracer(true, "1", true);
    let queue = tracer.spans.as_ref().unwrap();
    for _ in 0..12 {
        queue.push(Span::default());
    }
    assert_eq!(std::iter::from_fn(|| waiting.try_recv().ok()).count(), 10);
}

#[test]
fn a_full_batch_is_told_and_no_smaller_one() {
    let (spans, _waiting) = mpsc::channel(2 * BATCH);
    let queue = SpanQueue { spans, filled: Arc::default(), telemetry: Telemetry::new(Metrics::new()) };
    (1..BATCH).for_each(|_| queue.push(Span::default()));
    assert!(queue.filled.notified().now_or_never().is_none());
    queue.push(Span::default());
    assert!(queue.filled.notified().now_or_never().is_some());
}
