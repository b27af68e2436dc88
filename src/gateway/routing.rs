//! The apps to which rules send requests, and the rules of a gateway without sessions.

use std::sync::Arc;

use http::{HeaderValue, request::Parts};

use super::config::{Config, UpstreamId};
use crate::{
    access::Rules,
    gate::{
        Gate, Rejection, Step,
        plugin::{CallbackRule, Plugin, check_host},
    },
    headers::{EditKind, Edits},
};

/// Chooses the app of a request by the rule that matched it.
#[derive(Clone)]
pub(super) struct Routing {
    /// In the order of the rules.
    by_rule: Arc<[UpstreamId]>,
    default: UpstreamId,
}

impl Routing {
    pub(super) fn new(config: &Config) -> Self {
        let default = config.upstreams.default_id();
        let app = |number: usize| config.upstreams.iter().map(|(id, _)| id).find(|id| id.index() == number);
        let by_rule = config.routes.iter().map(|rule| rule.upstream_number().and_then(app).unwrap_or(default));
        Self { by_rule: by_rule.collect(), default }
    }

    /// The app that gets a request that no rule matches, or on which no rule was asked.
    pub(super) fn default_app(&self) -> UpstreamId {
        self.default
    }

    /// The app that gets a request that the rule of this number matches.
    pub(super) fn app(&self, rule: Option<usize>) -> UpstreamId {
        rule.and_then(|rule| self.by_rule.get(rule)).copied().unwrap_or(self.default)
    }
}

/// The rules of a gateway without sessions, which only choose an app for each request. With sessions, these ask the rules.
pub(super) struct RulesAlone(pub(super) Rules);

impl Plugin for RulesAlone {
    fn check_host(&self, head: &Parts) -> Result<(), Rejection> {
        if self.0.name_hosts() { check_host(head, |host| self.0.know_host(host)) } else { Ok(()) }
    }

    fn inspect(&self, gate: &Gate, head: &Parts, _: &[HeaderValue]) -> Option<Step> {
        Some(match self.0.decide_for(head) {
            Ok(decision) => Step::Forward(Edits { rule: decision.rule, ..Edits::new(EditKind::Ordinary) }),
            Err(_) => Step::Reply(gate.reject_for(Rejection::AmbiguousPath, head)),
        })
    }

    fn rule_of_callback(&self, head: &Parts) -> Option<CallbackRule> {
        // The callback path is spelled in its one canonical way, which is never ambiguous here: no rule is stricter than another.
        let rule = self.0.decide_for(head).ok()?.rule;
        rule.map(|rule| CallbackRule { rule, headers: self.0.headers(Some(rule)).cloned() })
    }
}
