//! The dashboard and the alerts that are shipped: each metric and label that they name is there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

const RULES: &str = include_str!("../../contrib/prometheus/truegate.rules.yml");
const DASHBOARD: &str = include_str!("../../contrib/grafana/truegate.json");
const SERIES: &str = include_str!("series.txt");
/// Series that only some configurations have, as `acme` makes them.
const OF_HOSTS: [&str; 2] = [
    r#"truegate_certificate_expiry_timestamp_seconds{host="shop.example"}"#,
    r#"truegate_certificate_failures_total{host="shop.example"}"#,
];
/// The labels that Prometheus itself adds.
const ADDED: [&str; 2] = ["instance", "job"];
/// The labels whose values the configuration has.
const CHOSEN: [&str; 3] = ["rule", "upstream", "host"];
/// The functions, keywords and durations of expressions, which no metric is called like.
const WORDS: [&str; 17] = [
    "absent", "and", "by", "histogram_quantile", "ignoring", "increase", "instance", "label_values", "max", "min",
    "on", "rate", "sum", "time", "__rate_interval", "__range", "without",
];

/// By the name of a metric, the values of each of its labels.
type Known = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn known() -> Known {
    let mut known = Known::new();
    for series in SERIES.lines().chain(OF_HOSTS) {
        let (name, labels) = series.trim_end_matches('}').split_once('{').unwrap_or((series, ""));
        let metric = known.entry(name.to_owned()).or_default();
        for (label, value) in matchers(labels) {
            metric.entry(label).or_default().insert(value);
        }
    }
    known
}

/// The labels and the values in braces, whatever stands between them.
fn matchers(braces: &str) -> Vec<(String, String)> {
    let quoted: Vec<_> = braces.split('"').collect();
    let (pairs, _) = quoted.as_chunks::<2>();
    let pairs = pairs.iter().map(|[label, value]| {
        (label.trim_matches([',', ' ']).trim_end_matches(['=', '~', '!']).to_owned(), (*value).to_owned())
    });
    pairs.collect()
}

/// What is wrong with an expression of PromQL.
fn faults(expression: &str, known: &Known) -> Vec<String> {
    let mut faults = Vec::new();
    let mut labels = BTreeSet::new();
    let is_word = |character: char| character.is_ascii_alphanumeric() || "_:".contains(character);
    let (mut rest, mut grouping) = (expression, Vec::new());
    while let Some(start) = rest.find(|character: char| character.is_ascii_alphabetic() || character == '_') {
        let is_number = rest[..start].ends_with(|before: char| before.is_ascii_digit());
        let from = &rest[start..];
        let end = from.find(|character| !is_word(character)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        rest = after;
        if is_number {
            continue;
        }
        if ["by", "on", "ignoring", "without"].contains(&word) {
            let (names, after) = after.trim_start()[1..].split_once(')').expect("a list of labels");
            grouping.extend(names.split(',').map(|name| name.trim().to_owned()));
            rest = after;
        } else if let Some(metric) = known.get(word) {
            labels.extend(metric.keys().cloned());
            let Some((braces, after)) = after.strip_prefix('{').and_then(|braces| braces.split_once('}')) else {
                continue;
            };
            rest = after;
            for (label, value) in matchers(braces) {
                if ADDED.contains(&&*label) {
                    continue;
                }
                let Some(values) = metric.get(&label) else {
                    faults.push(format!("{word} has no label {label}"));
                    continue;
                };
                let unknown = value.split('|').filter(|value| !CHOSEN.contains(&&*label) && !values.contains(*value));
                faults.extend(unknown.map(|value| format!("{word} never has {label}={value}")));
            }
        } else if !WORDS.contains(&word) {
            faults.push(format!("{word} is not there"));
        }
    }
    let strange = grouping.iter().filter(|label| !labels.contains(*label) && !ADDED.contains(&&***label));
    faults.extend(strange.map(|label| format!("no metric has the label {label}")));
    faults
}

/// The values of a key anywhere in a document.
fn find<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| match value {
            Value::String(text) if name == key => found.push(text),
            value => find(value, key, found),
        }),
        Value::Array(list) => list.iter().for_each(|value| find(value, key, found)),
        _ => {}
    }
}

/// The expressions of the alerts, each on one line or in an indented block.
fn rules() -> Vec<String> {
    let mut rules: Vec<String> = Vec::new();
    let mut in_block = false;
    for line in RULES.lines() {
        if let Some(expression) = line.trim_start().strip_prefix("expr: ") {
            in_block = expression == "|";
            rules.push(if in_block { String::new() } else { expression.to_owned() });
        } else if in_block && line.starts_with("          ") {
            rules.last_mut().expect("a block has begun").push_str(line);
        } else {
            in_block = false;
        }
    }
    rules
}

#[test]
fn every_metric_and_label_of_the_alerts_is_there() {
    let (known, rules) = (known(), rules());
    assert_eq!(rules.len(), RULES.matches("- alert: ").count());
    let faults: Vec<_> = rules.iter().flat_map(|rule| faults(rule, &known)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_metric_and_label_of_the_dashboard_is_there() {
    let (dashboard, known) = (serde_json::from_str(DASHBOARD).unwrap(), known());
    let mut expressions = Vec::new();
    ["expr", "definition"].into_iter().for_each(|key| find(&dashboard, key, &mut expressions));
    assert!(expressions.len() > 30, "the panels are not where they were");
    let faults: Vec<_> = expressions.iter().flat_map(|expression| faults(expression, &known)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_panel_has_its_own_place_and_id_and_asks_the_chosen_source() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let distinct = |key: &str| panels.iter().map(|panel| panel[key].to_string()).collect::<BTreeSet<_>>().len();
    assert_eq!((distinct("id"), distinct("gridPos")), (panels.len(), panels.len()));
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
    }
}

#[test]
fn the_dashboard_shows_every_metric() {
    let known = known();
    let names: BTreeSet<_> = known
        .keys()
        .map(|name| ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name))
        .collect();
    let missing: Vec<_> =
        names.iter().filter(|name| !DASHBOARD.contains(**name) && !LEFT_OUT.contains(*name)).collect();
    assert!(missing.is_empty(), "show them, or say here that they are left out: {missing:?}");
}

/// Few sites have them, or look at them all the time.
const LEFT_OUT: [&str; 5] = [
    "truegate_admin_refusals_total",
    "truegate_certificate_failures_total",
    "truegate_config_last_reload_success_timestamp_seconds",
    "truegate_forwarded_callbacks_total",
    "truegate_unusable_phones_files",
];

#[test]
fn the_test_sees_what_it_is_for() {
    let known = known();
    for (expression, expected) in [
        (r#"sum by (class) (rate(truegate_responses_total{class="5xx"}[5m])) > 0.05"#, ""),
        (r#"rate(truegate_responses{class="5xx"}[5m])"#, "truegate_responses is not there; class is not there"),
        (r#"truegate_responses_total{code="5xx"}"#, "truegate_responses_total has no label code"),
        (r#"truegate_responses_total{class=~"5xx|6xx"}"#, "truegate_responses_total never has class=6xx"),
        ("sum by (class, rule) (truegate_responses_total)", "no metric has the label rule"),
    ] {
        assert_eq!(faults(expression, &known).join("; "), expected, "{expression}");
    }
}
