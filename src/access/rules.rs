//! The rules of a site.

use http::{HeaderMap, Method};

use super::{Access, AllowList, PathPattern, PhonesFile, Rule, RuleInput, index::RuleIndex, pattern::Case};
use crate::path::{AmbiguousPath, CanonicalPath, PathBytes, any_reading, decode_fully, single_reading};

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
        if let Some(reading) = single_reading(input.path, &mut PathBytes::new()) {
            return self.alike(input, &path, reading);
        }
        let access = self.first(input, &path.decoded(), |pattern| pattern.matches(&path)).1;
        let is_ambiguous = any_reading(input.path, |reading| is_stricter(self.loosely(input, reading).1, access));
        if is_ambiguous { Err(AmbiguousPath) } else { Ok(access) }
    }

    /// Returns the access of a path that all servers read alike, but for letter case.
    fn alike(&self, input: &RuleInput<'_>, path: &CanonicalPath<'_>, reading: &[u8]) -> Result<&Access, AmbiguousPath> {
        let (rule, loosely) = self.loosely(input, reading);
        // A rule that covers a path as it is spelled also covers it in any letter case. So if the first rule of the second kind is
        // of the first kind too, it is the first of both.
        if rule.is_none_or(|rule| rule.pattern.matches(path)) {
            return Ok(loosely);
        }
        let access = self.first(input, reading, |pattern| pattern.matches(path)).1;
        if is_stricter(loosely, access) { Err(AmbiguousPath) } else { Ok(access) }
    }

    /// Returns the access of a path without a canonical spelling, if it is the same in every reading.
    fn unanimous(&self, input: &RuleInput<'_>) -> Result<&Access, AmbiguousPath> {
        let mut agreed = None;
        let is_ambiguous = any_reading(input.path, |reading| {
            [Case::Counts, Case::Ignored].into_iter().any(|case| {
                let access = self.first(input, reading, |pattern| pattern.covers_reading(reading, case)).1;
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

    /// Returns the first rule for a reading in any letter case, and the access that it gives.
    fn loosely(&self, input: &RuleInput<'_>, reading: &[u8]) -> (Option<&Rule>, &Access) {
        self.first(input, reading, |pattern| pattern.covers_reading(reading, Case::Ignored))
    }

    /// Returns the first rule that matches, of those on the way of a decoded path, and the access that it gives.
    fn first(
        &self,
        input: &RuleInput<'_>,
        path: &[u8],
        matches: impl Fn(&PathPattern) -> bool,
    ) -> (Option<&Rule>, &Access) {
        let is_meant = |rule: &Rule| rule.names(input) && matches(&rule.pattern);
        let first = self.index.first(path, |number| is_meant(&self.rules[number])).map(|number| &self.rules[number]);
        (first, first.map_or(&UNMATCHED, |rule| rule.access_of(input)))
    }
}

impl FromIterator<Rule> for Rules {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        let rules = Vec::from_iter(rules);
        let is_total = rules.iter().any(Rule::is_total);
        let mut accesses = rules.iter().map(|rule| &rule.access).chain((!is_total).then_some(&UNMATCHED));
        let first = accesses.next();
        let differ = accesses.any(|access| Some(access) != first) || rules.iter().any(|rule| rule.passes_preflights);
        let mut index = RuleIndex::default();
        rules.iter().enumerate().for_each(|(number, rule)| index.insert(&rule.pattern, number));
        Self { rules, index, differ }
    }
}

/// Whether another reading of a path needs an identity that its own reading does not need.
fn is_stricter(other: &Access, own: &Access) -> bool {
    matches!(other, Access::Required(_)) && other != own
}

/// Whether a path has an escape or a control character at which an unknown number of servers stop to read.
fn ends_early(raw: &str) -> bool {
    decode_fully(raw.as_bytes()).iter().any(|byte| byte.is_ascii_control() || matches!(byte, b'?' | b'#' | b'%'))
}

/// The access of a request that no rule matches.
static UNMATCHED: Access = Access::Required(AllowList::EVERYONE);

#[cfg(test)]
mod tests;
