//! The rules of a site.

use http::Method;

use super::{
    Access,
    allow::AllowList,
    pattern::{Case, PathPattern},
    phones_file::PhonesFile,
    rule_input::{RuleInput, is_registered},
};
use crate::path::{AmbiguousPath, CanonicalPath, any_reading, decode_fully};

/// What the paths of a pattern need.
#[derive(Debug, Clone)]
pub struct Rule {
    pattern: PathPattern,
    /// None if it is for every method.
    methods: Option<Vec<Method>>,
    preflights: Preflights,
    access: Access,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preflights {
    Judge,
    Pass,
}

impl Rule {
    /// A rule for the paths of a pattern, whatever the method.
    pub fn new(pattern: PathPattern, access: Access) -> Self {
        Self { pattern, methods: None, preflights: Preflights::Judge, access }
    }

    /// Matches requests of these methods alone. Nobody knows what an app makes of a method that is not registered at IANA in
    /// that spelling, such as `post`: a rule that requires an identity matches it as well, and no other rule does that does
    /// not name it.
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = Some(methods.into_iter().collect());
        self
    }

    /// Lets CORS preflights pass without an identity: browsers send no cookies with them. It also matches preflights that ask
    /// about a method that it names.
    ///
    /// A preflight is an `OPTIONS` request without a body, with exactly one `Origin` and one `Access-Control-Request-Method`.
    pub fn pass_preflights(mut self) -> Self {
        self.preflights = Preflights::Pass;
        self
    }

    /// The paths that it covers.
    pub fn pattern(&self) -> &PathPattern {
        &self.pattern
    }

    /// The methods that it names; none if it is for every method.
    pub fn named_methods(&self) -> Option<&[Method]> {
        self.methods.as_deref()
    }

    /// Whether it lets preflights pass.
    pub fn passes_preflights(&self) -> bool {
        self.preflights == Preflights::Pass
    }

    /// What it needs.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Whether it requires an identity.
    pub fn requires(&self) -> bool {
        matches!(self.access, Access::Required(_))
    }

    /// Whether it matches everything that another rule matches, so that the other never counts behind it.
    pub fn covers(&self, other: &Self) -> bool {
        let names_all = match (&self.methods, &other.methods) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => {
                theirs.iter().all(|method| mine.contains(method))
                    && (self.passes_preflights() || !other.passes_preflights())
            }
        };
        names_all && self.pattern.covers(&other.pattern)
    }

    /// Whether it matches every request.
    fn is_total(&self) -> bool {
        self.pattern.is_root() && self.methods.is_none()
    }

    fn names(&self, input: &RuleInput<'_>) -> bool {
        let Some(methods) = &self.methods else { return true };
        let asks_for = |method: &Method| methods.contains(method) || (self.requires() && !is_registered(method));
        let is_preflight = input.preflight.as_ref().is_some_and(|method| methods.contains(method));
        input.method.map_or_else(|| self.requires(), asks_for) || (self.passes_preflights() && is_preflight)
    }

    fn access_of(&self, input: &RuleInput<'_>) -> &Access {
        if self.passes_preflights() && input.preflight.is_some() { &PUBLIC } else { &self.access }
    }
}

/// The rules of a site: the first that matches counts. What no rule matches requires an identity.
///
/// By default there are no rules, so every path requires an identity. For a site that is open but for some paths, let
/// the last rule be `/` with [`Access::Optional`].
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    /// Whether a request makes a difference at all.
    differ: bool,
}

impl Rules {
    /// What a GET of a path needs: the path as it came, without query.
    ///
    /// # Errors
    ///
    /// As [`access_for`](Self::access_for).
    pub fn access(&self, path: &str) -> Result<&Access, AmbiguousPath> {
        self.access_for(&RuleInput::get(path))
    }

    /// What a request needs.
    ///
    /// Nothing is allocated for a plain path. While all rules say the same, no path is ambiguous.
    ///
    /// # Errors
    ///
    /// When an app might read the path as one that needs something else: see [the module](super#which-path-an-app-sees).
    pub fn access_for(&self, input: &RuleInput<'_>) -> Result<&Access, AmbiguousPath> {
        if !self.differ {
            return Ok(self.rules.first().map_or(&UNMATCHED, |rule| &rule.access));
        }
        let Ok(path) = CanonicalPath::parse(input.path) else { return self.unanimous(input) };
        let access = self.first(input, |pattern| pattern.matches(&path));
        let is_stricter = |other: &Access| matches!(other, Access::Required(_)) && other != access;
        if any_reading(input.path, |reading| {
            is_stricter(self.first(input, |pattern| pattern.covers_reading(reading, Case::Ignored)))
        }) {
            return Err(AmbiguousPath);
        }
        Ok(access)
    }

    /// What a path needs in every reading, if that is the same: no reading of it is better than another.
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
    pub fn phones_files(&self) -> impl Iterator<Item = &PhonesFile> {
        self.rules.iter().flat_map(|rule| match &rule.access {
            Access::Required(list) => list.files(),
            Access::Public | Access::Optional => &[],
        })
    }

    /// The rules in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// Whether any request needs an identity.
    pub fn require(&self) -> bool {
        self.rules.iter().any(Rule::requires) || !self.rules.iter().any(Rule::is_total)
    }

    fn first(&self, input: &RuleInput<'_>, matches: impl Fn(&PathPattern) -> bool) -> &Access {
        let first = self.rules.iter().find(|rule| rule.names(input) && matches(&rule.pattern));
        first.map_or(&UNMATCHED, |rule| rule.access_of(input))
    }
}

impl From<Vec<Rule>> for Rules {
    fn from(rules: Vec<Rule>) -> Self {
        let is_total = rules.iter().any(Rule::is_total);
        let rest = (!is_total).then_some(&UNMATCHED);
        let mut accesses = rules.iter().map(|rule| &rule.access).chain(rest);
        let first = accesses.next();
        let differ = accesses.any(|access| Some(access) != first) || rules.iter().any(Rule::passes_preflights);
        Self { rules, differ }
    }
}

impl FromIterator<Rule> for Rules {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        Self::from(Vec::from_iter(rules))
    }
}

/// Whether a path has an escape or a control character at which nobody knows how many servers stop to read.
fn ends_early(raw: &str) -> bool {
    decode_fully(raw.as_bytes()).iter().any(|byte| byte.is_ascii_control() || matches!(byte, b'?' | b'#' | b'%'))
}

/// What a preflight needs that a rule lets pass.
static PUBLIC: Access = Access::Public;

/// What a request needs that no rule matches.
static UNMATCHED: Access = Access::Required(AllowList::EVERYONE);

#[cfg(test)]
mod tests;
