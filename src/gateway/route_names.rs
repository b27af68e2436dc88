//! What logs, metrics and traces call the route of a request: words of the configuration and of truegate, and nothing of a client.

use http::request::Parts;

use super::config::Config;
use crate::{
    access::{HostPattern, Rules},
    gate::CallbackPath,
    native::NativePath,
    session::SessionPath,
};

/// The names of all routes of a configuration.
pub(super) struct RouteNames {
    callback: CallbackPath,
    native: Option<NativePath>,
    /// Where truegate's own routes are; none without sessions.
    own: Option<SessionPath>,
    rules: Rules,
    /// By the numbers of the routes. Rules with the same host and path share a name, and those with the secret part of the callback path
    /// share `callback`.
    names: Vec<Box<str>>,
}

/// The route of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RouteId(usize);

impl RouteId {
    /// No rule, or not a request at all.
    pub(super) const NONE: Self = Self(0);
    pub(super) const CALLBACK: Self = Self(1);
    const NATIVE: Self = Self(2);

    /// Its place in the list of all routes.
    pub(super) fn index(self) -> usize {
        self.0
    }
}

impl RouteNames {
    pub(super) fn new(config: &Config) -> Self {
        let own = config.session.as_ref().map(|session| session.path.clone());
        let prefix = own.as_ref().map_or("", |own| own.as_str());
        let fixed = ["none", "callback", "native"].map(Box::from);
        let below = OWN.iter().map(|name| format!("{prefix}/{name}").into());
        let callback = &config.callback.path;
        let rules = config.routes.iter().map(|rule| {
            let (host, path) = (rule.host.as_ref().map(HostPattern::to_string), rule.pattern.as_str());
            // The secret would reach logs, metrics and the collector of traces.
            if callback.is_told_by(path.as_bytes()) {
                return "callback".into();
            }
            format!("{}{path}", host.unwrap_or_default()).into()
        });
        Self {
            names: fixed.into_iter().chain(below).chain(rules).collect(),
            callback: config.callback.path.clone(),
            native: config.native.as_ref().map(|native| native.path.clone()),
            rules: config.routes.clone(),
            own,
        }
    }

    /// The route of a request that the gate has yet to see, or has answered itself.
    ///
    /// # Security
    ///
    /// The callback path is a secret, so neither it nor what could be read as it is told, and no path that has its random part.
    /// Below truegate's own prefix, only the names of routes are told.
    pub(super) fn of(&self, head: &Parts) -> RouteId {
        self.special(head).unwrap_or_else(|| self.rule(self.rules.place(head)))
    }

    /// The route of a request, if it is not one of a rule.
    pub(super) fn special(&self, head: &Parts) -> Option<RouteId> {
        let path = head.uri.path();
        if self.callback.covers(path) {
            return Some(RouteId::CALLBACK);
        }
        if self.native.as_ref().is_some_and(|native| native.covers(path)) {
            return Some(RouteId::NATIVE);
        }
        let below = self.own.as_ref()?.strip(path)?;
        let first = below.split('/').next();
        let own = OWN.iter().position(|route| first == Some(*route));
        Some(RouteId(FIRST_OWN + own.unwrap_or(OWN.len() - 1)))
    }

    /// The route of a request that the gate let pass, and for which it asked this rule.
    pub(super) fn passed(&self, head: &Parts, rule: Option<usize>) -> RouteId {
        if self.rules.tell_matches() { self.rule(rule) } else { self.of(head) }
    }

    /// The name of a route.
    pub(super) fn name(&self, route: RouteId) -> &str {
        &self.names[route.0]
    }

    /// The name of a route, if there is one.
    pub(super) fn told(&self, route: RouteId) -> Option<&str> {
        (route != RouteId::NONE).then(|| self.name(route))
    }

    /// The names of all routes.
    pub(super) fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// The route of a rule, by its place in the list of rules.
    pub(super) fn rule(&self, rule: Option<usize>) -> RouteId {
        rule.map_or(RouteId::NONE, |rule| RouteId(FIRST_RULE + rule))
    }
}

/// The routes below truegate's own prefix, and all else there. What follows `auth` is the path of another request.
const OWN: [&str; 8] = ["login", "status", "me", "logout", "auth", "jwks.json", "truegate.js", "*"];
const FIRST_OWN: usize = 3;
const FIRST_RULE: usize = FIRST_OWN + OWN.len();

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_rule_with_the_callback_path_tells_it_to_nobody() {
        let secret = "/hooks/x7Kq2vNf9TzR4mWb6pLd";
        let text = format!(
            "upstream: http://127.0.0.1:3000\ncallback: {{ path: {secret} }}\n\
             routes: [{{ path: '{secret}/more' }}, {{ host: shop.example, exact: {secret} }}, {{ path: /hooks }}]\n"
        );
        let config = Config::parse(&text, Path::new("config.yaml"), |_| None).unwrap();
        let names = RouteNames::new(&config);
        assert_eq!(names.names()[FIRST_RULE..].join(" "), "callback callback /hooks");
        assert!(!config.in_force().to_string().contains("x7Kq2v"), "{}", config.in_force());
        let shown = serde_json::to_value(&config.shown).unwrap();
        assert_eq!(shown["routes"][0]["path"], "(masked)");
        assert_eq!((&shown["routes"][1]["exact"], &shown["routes"][2]["path"]), (&"(masked)".into(), &"/hooks".into()));
    }
}
