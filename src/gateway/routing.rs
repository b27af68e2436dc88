//! The apps to which rules send requests.

use std::sync::Arc;

use super::config::{Config, UpstreamId};

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
