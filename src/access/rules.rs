//! The rules of a site.

use http::{HeaderMap, Method, request::Parts};

use super::{
    Access, Decision, PhonesFile, Rule, RuleInput,
    index::{HostRules, RuleIndex},
    lookup::Lookup,
};
use crate::{headers::HeaderSet, host::Host, path::AmbiguousPath};

/// The rules of a site. The first rule that matches decides. A request that no rule matches requires an identity.
///
/// By default there are no rules, so every path requires an identity. For a site that is open except for some paths, let the
/// last rule be `/` with [`Access::Optional`].
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    index: RuleIndex,
    /// Whether the answer depends on the request at all.
    differ: bool,
}

impl Rules {
    /// Returns the access of a GET request for a path that names no host.
    #[cfg(test)]
    pub(crate) fn access(&self, path: &str) -> Result<&Access, AmbiguousPath> {
        self.access_at("", path)
    }

    /// Returns the access of a GET request for a path of a host.
    pub(crate) fn access_at(&self, host: &str, path: &str) -> Result<&Access, AmbiguousPath> {
        let input = RuleInput::new(path, Some(&Method::GET), &HeaderMap::new()).at(Host::parse(host.as_bytes()));
        self.decide(&input).map(|decision| decision.access)
    }

    /// Returns what the rules say of a request. Its host is looked for only if a rule names one.
    ///
    /// # Errors
    ///
    /// When an app might read the path as one about which another rule decides: see [the module](super#which-path-an-app-sees).
    pub(crate) fn decide_for(&self, head: &Parts) -> Result<Decision<'_>, AmbiguousPath> {
        let host = self.name_hosts().then(|| Host::of(head)).flatten();
        self.decide(&RuleInput::of(head).at(host))
    }

    /// Returns what the rules say of a request. If all rules do the same, no path is ambiguous.
    ///
    /// # Errors
    ///
    /// As [`decide_for`](Self::decide_for).
    pub(crate) fn decide(&self, input: &RuleInput<'_>) -> Result<Decision<'_>, AmbiguousPath> {
        if self.differ {
            Lookup::new(self, input).decide()
        } else {
            Ok(self.rules.first().map_or(Decision::UNMATCHED, |rule| rule.effects(0)))
        }
    }

    /// Returns the place of the rule that matches a request, even if all rules do the same; none if none matches, or if the path is
    /// ambiguous.
    #[cfg(feature = "gateway")]
    pub(crate) fn place(&self, head: &Parts) -> Option<usize> {
        if self.is_empty() {
            return None;
        }
        let host = self.name_hosts().then(|| Host::of(head)).flatten();
        Lookup::new(self, &RuleInput::of(head).at(host)).decide().ok()?.rule
    }

    /// Whether a [`Decision`] always tells the rule that matched: it may tell any of them where all do the same.
    #[cfg(feature = "gateway")]
    pub(crate) fn tell_matches(&self) -> bool {
        self.differ || self.rules.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether any rule names a host, so that requests for unknown hosts are refused.
    pub(crate) fn name_hosts(&self) -> bool {
        self.index.names_hosts()
    }

    /// Whether any rule names a host, or a wildcard above it.
    pub(crate) fn know_host(&self, host: &Host<'_>) -> bool {
        self.index.knows(host)
    }

    /// Returns the identity headers that the rule of this number names; none for the default ones.
    pub(crate) fn headers(&self, rule: Option<usize>) -> Option<&HeaderSet> {
        self.rules.get(rule?)?.header_set()
    }

    /// The files of phone numbers that any rule names itself, to refresh them, with the number of the rule. Groups have files of
    /// their own.
    pub(crate) fn phones_files(&self) -> impl Iterator<Item = (usize, &PhonesFile)> {
        self.rules.iter().enumerate().flat_map(|(number, rule)| {
            let files = match &rule.access {
                Access::Required(list) => list.files(),
                Access::Public | Access::Optional => &[],
            };
            files.iter().map(move |file| (number, file))
        })
    }

    /// The rules in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// Whether any request needs an identity.
    pub(crate) fn require(&self) -> bool {
        self.rules.iter().any(Rule::requires) || !self.rules.iter().any(Rule::is_total)
    }

    pub(super) fn rule(&self, number: usize) -> &Rule {
        &self.rules[number]
    }

    pub(super) fn at(&self, host: Option<&Host<'_>>) -> HostRules<'_> {
        self.index.at(host)
    }
}

impl FromIterator<Rule> for Rules {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        let rules = Vec::from_iter(rules);
        let is_total = rules.iter().any(Rule::is_total);
        let mut effects = rules.iter().map(|rule| rule.effects(0)).chain((!is_total).then_some(Decision::UNMATCHED));
        let first = effects.next();
        let differ = effects.any(|other| first.is_none_or(|first| !first.has_effects_of(&other)))
            || rules.iter().any(|rule| rule.passes_preflights);
        let mut index = RuleIndex::default();
        rules.iter().enumerate().for_each(|(number, rule)| index.insert(rule, number));
        Self { rules, index, differ }
    }
}

#[cfg(test)]
mod tests;
