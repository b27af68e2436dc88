//! The rules of a gateway without sessions.

use http::request::Parts;

use crate::{
    access::Rules,
    gate::{
        Gate, Rejection, Step,
        plugin::{CallbackRule, Plugin, Withheld, check_host},
    },
    headers::{EditKind, Edits},
};

/// The rules of a gateway without sessions, which only choose an app for each request. With sessions, these ask the rules.
pub(super) struct SessionlessRules(pub(super) Rules);

impl Plugin for SessionlessRules {
    fn check_host(&self, head: &Parts) -> Result<(), Rejection> {
        if self.0.name_hosts() { check_host(head, |host| self.0.know_host(host)) } else { Ok(()) }
    }

    fn inspect(&self, gate: &Gate, head: &Parts, _: &Withheld) -> Option<Step> {
        Some(match self.0.decide_for(head) {
            Ok(decision) => Step::Forward(Edits::by_rule(EditKind::Ordinary, decision.rule)),
            Err(_) => Step::Reply(gate.reject_for(Rejection::AmbiguousPath, head)),
        })
    }

    fn rule_of_callback(&self, head: &Parts) -> Option<CallbackRule> {
        // The callback path is spelled in its one canonical way, which is never ambiguous here: no rule is stricter than another.
        let rule = self.0.decide_for(head).ok()?.rule;
        rule.map(|rule| CallbackRule { rule, headers: self.0.headers(Some(rule)).cloned() })
    }
}
