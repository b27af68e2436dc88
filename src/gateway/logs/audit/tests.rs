//! The page of the audit log has every event, cause and field, as they are in the code.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::gateway::admin::LoginRefusal;

const PAGE: &str = include_str!("../../../../docs/logs.md");

/// The rows of the table with this head, each with its cells.
fn table(head: &str) -> Vec<Vec<&'static str>> {
    let rows = PAGE.split(head).nth(1).expect(head).lines().skip(2);
    let rows = rows.take_while(|row| row.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// The words between backticks.
fn words(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn the_page_has_every_event_with_a_line_of_it_and_every_field() {
    let (events, fields) = (table("| `event` | when |"), table("| audit field | meaning |"));
    let documented: Vec<_> = events.iter().flat_map(|row| words(row[0])).collect();
    assert_eq!(documented, AuditEvent::ALL.iter().map(|event| event.code()).collect::<Vec<_>>());
    let lines = PAGE.split("A line of each event, in the same order:\n\n```json\n").nth(1).expect("the lines").lines();
    let lines: Vec<_> = lines.take_while(|line| line.starts_with('{')).collect();
    assert_eq!(lines.len(), documented.len());

    let fields: Vec<_> = fields.iter().flat_map(|row| words(row[0])).collect();
    let mut shown = BTreeSet::new();
    for (event, line) in documented.into_iter().zip(lines) {
        let object: Value = serde_json::from_str(line).expect(line);
        assert_eq!(object["event"], event);
        let names: Vec<_> = line.trim_matches(['{', '}']).split(",\"").map(name).collect();
        let in_order: Vec<_> = fields.iter().copied().filter(|field| names.contains(field)).collect();
        assert_eq!(names, in_order, "{line}");
        shown.extend(names);
    }
    assert_eq!(shown, fields.into_iter().collect(), "each field is shown, and no other");
}

fn name(field: &str) -> &str {
    field.trim_start_matches('"').split('"').next().unwrap_or_default()
}

#[test]
fn the_page_has_every_cause_of_a_failed_login() {
    let documented = table("| `cause` of `login-failed` | meaning |");
    let documented: BTreeSet<_> = documented.iter().flat_map(|row| words(row[0])).collect();
    let callbacks = CallbackOutcome::all().map(CallbackOutcome::code);
    let apps = AppLoginOutcome::all().map(AppLoginOutcome::code);
    let verifications = VerificationOutcome::ALL.iter().map(|outcome| outcome.code());
    let sites = LoginRefusal::ALL.iter().map(|refusal| refusal.code());
    let causes: BTreeSet<_> = callbacks.chain(apps).chain(verifications).chain(sites).collect();
    let missing: Vec<_> = causes.difference(&documented).copied().collect();
    assert_eq!(missing, NO_CAUSES);
    assert_eq!(documented.difference(&causes).count(), 0, "{documented:?}");
}

/// The outcomes that are no failures, and the refusals of requests that are no logins.
const NO_CAUSES: [&str; 9] = [
    "acknowledged", "ambiguous-path", "conflicting-sessions", "declined", "not-allowed", "not-found", "not-signed-in",
    "too-many-logins", "verified",
];
