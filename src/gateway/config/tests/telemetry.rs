//! Which traces requests belong to, and where their spans go.

use super::{UPSTREAM, mistakes, parse};
use crate::gateway::config::{CollectorConfig, TelemetryConfig};

fn telemetry(section: &str) -> TelemetryConfig {
    parse(&format!("{UPSTREAM}telemetry: {section}\n")).unwrap().telemetry
}

fn collector(section: &str) -> CollectorConfig {
    telemetry(section).collector.unwrap()
}

#[test]
fn by_default_requests_pass_with_what_they_bring_and_a_collector_changes_that() {
    let plain = parse(UPSTREAM).unwrap().telemetry;
    assert!(plain.collector.is_none() && !plain.starts && plain.ratio.of_64_bits() == 1 << 64);

    let exporting = telemetry("{ otlp_endpoint: http://127.0.0.1:4318 }");
    let collector = exporting.collector.unwrap();
    assert!(exporting.starts && collector.headers.is_empty() && collector.trusted.is_empty());
    assert_eq!((&*collector.url, &*collector.service_name), ("http://127.0.0.1:4318/v1/traces", "truegate"));

    assert!(telemetry("{ start_traces: true }").starts);
    assert!(!telemetry("{ otlp_endpoint: http://127.0.0.1:4318, start_traces: false }").starts);
}

#[test]
fn spans_go_below_the_url() {
    for (endpoint, url) in [
        ("https://otlp.example", "https://otlp.example/v1/traces"),
        ("https://otlp.example/", "https://otlp.example/v1/traces"),
        ("https://otlp.example:8443/tenant/7/", "https://otlp.example:8443/tenant/7/v1/traces"),
    ] {
        assert_eq!(collector(&format!("{{ otlp_endpoint: '{endpoint}' }}")).url, url);
    }
    for (endpoint, expected) in [
        ("otlp.example:4318", "must be a URL of http or https"),
        ("grpc://otlp.example", "must be a URL of http or https"),
        ("http://otlp.example:4317", "the port 4317 is for gRPC"),
        ("https://otlp.example/v1/traces", "must be the base of the URL"),
        ("https://hunter2:hunter2@otlp.example", "must hold no credentials"),
        ("https://otlp.example/?key=hunter2", "must have no query"),
    ] {
        let found = mistakes(&format!("{UPSTREAM}telemetry: {{ otlp_endpoint: '{endpoint}' }}\n"));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with(&format!("2:29: telemetry.otlp_endpoint: {expected}")), "{}", found[0]);
        assert!(!found[0].contains("hunter2"), "{}", found[0]);
    }
}

#[test]
fn headers_are_secrets_and_cannot_break_the_message() {
    let sent = collector("{ otlp_endpoint: https://a.example, otlp_headers: { X-Key: '${SECRET}' } }");
    assert!(sent.headers[0].0 == "x-key" && sent.headers[0].1.is_sensitive());
    for (name, value) in [("content-type", "a"), ("'a b'", "a"), ("host", "a"), ("x-key", "\"a\\nb\""), ("x-key", "''")]
    {
        let section = format!("{{ otlp_endpoint: https://a.example, otlp_headers: {{ {name}: {value} }} }}");
        let found = mistakes(&format!("{UPSTREAM}telemetry: {section}\n"));
        assert_eq!(found.len(), 1, "{section}: {found:#?}");
    }
}

#[test]
fn a_ratio_is_a_number_from_0_to_1() {
    for (ratio, of_1024) in [("0", 0), ("0.0", 0), ("0.25", 256), (".5", 512), ("'1.0'", 1024), ("1", 1024)] {
        let taken = telemetry(&format!("{{ start_traces: true, sample_ratio: {ratio} }}")).ratio;
        assert_eq!(taken.of_64_bits() >> 54, of_1024, "{ratio}");
    }
    for ratio in ["1.1", "-1", "10%", "1e-1", "inf", "nan", "''", "half"] {
        let found = mistakes(&format!("{UPSTREAM}telemetry: {{ start_traces: true, sample_ratio: {ratio} }}\n"));
        assert_eq!(found.len(), 1, "{ratio}: {found:#?}");
        assert!(found[0].contains("telemetry.sample_ratio: must be a number from 0 to 1"), "{}", found[0]);
    }
}

#[test]
fn what_has_no_effect_is_refused() {
    for key in ["otlp_headers: { a: b }", "otlp_ca_file: a.pem", "service_name: a", "sample_ratio: 1"] {
        let found = mistakes(&format!("{UPSTREAM}telemetry: {{ {key} }}\n"));
        let key = key.split(':').next().unwrap();
        let told = found
            .iter()
            .filter(|line| line.contains(&format!("telemetry.{key}")) && line.contains("only used"))
            .count();
        assert_eq!(told, 1, "{found:#?}");
    }
}
