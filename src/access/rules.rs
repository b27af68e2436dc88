//! The rules of a site.

use http::{HeaderMap, Method};

use super::{Access, AllowList, PathPattern, PhonesFile, Rule, RuleInput, pattern::Case};
use crate::path::{AmbiguousPath, CanonicalPath, any_reading, decode_fully};

/// The rules of a site. The first rule that matches decides. A request that no rule matches requires an identity.
///
/// By default there are no rules, so every path requires an identity. For a site that is open except for some paths, let the
/// last rule be `/` with [`Access::Optional`].
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    /// Whether the answer depends on the request at all.
    differ: bool,
}

impl Rules {
    /// Returns the access of a GET request for a path.
    pub(crate) fn access(&self, path: &str) -> Result<&Access, AmbiguousPath> {
        self.access_for(&RuleInput::new(path, Some(&Method::GET), &HeaderMap::new()))
    }

    /// Returns the access of a request.
    ///
    /// A plain path costs no allocation. If all rules have the same access, no path is ambiguous.
    ///
    /// # Errors
    ///
    /// When an app might read the path as one with another access: see [the module](super#which-path-an-app-sees).
    pub(crate) fn access_for(&self, input: &RuleInput<'_>) -> Result<&Access, AmbiguousPath> {
        if !self.differ {
            return Ok(self.rules.first().map_or(&UNMATCHED, |rule| &rule.access));
        }
        let Ok(path) = CanonicalPath::parse(input.path) else { return self.unanimous(input) };
        let access = self.first(input, |pattern| pattern.matches(&path));
        let is_ambiguous = any_reading(input.path, |reading| {
            let other = self.first(input, |pattern| pattern.covers_reading(reading, Case::Ignored));
            matches!(other, Access::Required(_)) && other != access
        });
        if is_ambiguous { Err(AmbiguousPath) } else { Ok(access) }
    }

    /// Returns the access of a path without a canonical spelling, if it is the same in every reading.
    fn unanimous(&self, input: &RuleInput<'_>) -> Result<&Access, AmbiguousPath> {
        let mut agreed = None;
        let is_ambiguous = any_reading(input.path, |reading| {
            [Case::Counts, Case::Ignored].into_iter().any(|case| {
                let access = self.first(input, |pattern| pattern.covers_reading(reading, case));
                *agreed.get_or_insert(access) != access
            })
        });
        match agreed {
            Some(Access::Public) if ends_early(input.path) => Err(AmbiguousPath),
            Some(access) if !is_ambiguous => Ok(access),
            _ => Err(AmbiguousPath),
        }
    }

    /// The files of phone numbers that any rule names, to refresh them.
    pub(crate) fn phones_files(&self) -> impl Iterator<Item = &PhonesFile> {
        self.rules.iter().flat_map(|rule| match &rule.access {
            Access::Required(list) => list.files(),
            Access::Public | Access::Optional => &[],
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

    fn first(&self, input: &RuleInput<'_>, matches: impl Fn(&PathPattern) -> bool) -> &Access {
        let first = self.rules.iter().find(|rule| rule.names(input) && matches(&rule.pattern));
        first.map_or(&UNMATCHED, |rule| rule.access_of(input))
    }
}

impl FromIterator<Rule> for Rules {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        let rules = Vec::from_iter(rules);
        let is_total = rules.iter().any(Rule::is_total);
        let mut accesses = rules.iter().map(|rule| &rule.access).chain((!is_total).then_some(&UNMATCHED));
        let first = accesses.next();
        let differ = accesses.any(|access| Some(access) != first) || rules.iter().any(|rule| rule.passes_preflights);
        Self { rules, differ }
    }
}

/// Whether a path has an escape or a control character at which an unknown number of servers stop to read.
fn ends_early(raw: &str) -> bool {
    decode_fully(raw.as_bytes()).iter().any(|byte| byte.is_ascii_control() || matches!(byte, b'?' | b'#' | b'%'))
}

/// The access of a request that no rule matches.
static UNMATCHED: Access = Access::Required(AllowList::EVERYONE);

#[cfg(test)]
mod tests;
