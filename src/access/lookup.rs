//! The lookup of one request among the rules, in every reading of its path.

use super::{Decision, PathPattern, Rule, RuleInput, index::HostRules, pattern::Case, rules::Rules};
use crate::path::{AmbiguousPath, CanonicalPath, PathBytes, any_reading, decode_fully, single_reading};

/// A request, and the rules for its host.
pub(super) struct Lookup<'r, 'i> {
    rules: &'r Rules,
    input: &'i RuleInput<'i>,
    host: HostRules<'r>,
}

impl<'r, 'i> Lookup<'r, 'i> {
    pub(super) fn new(rules: &'r Rules, input: &'i RuleInput<'i>) -> Self {
        Self { rules, input, host: rules.at(input.host()) }
    }

    /// Returns what the rules say of the request. A plain path costs no allocation.
    pub(super) fn decide(&self) -> Result<Decision<'r>, AmbiguousPath> {
        let Ok(path) = CanonicalPath::parse(self.input.path) else { return self.unanimous() };
        if let Some(reading) = single_reading(self.input.path, &mut PathBytes::new()) {
            return self.alike(&path, reading);
        }
        let decision = self.decision(self.first(&path.decoded(), |pattern| pattern.matches(&path)));
        let is_stricter = |reading: &[u8]| self.decision(self.loosely(reading)).is_stricter(&decision);
        let is_ambiguous = any_reading(self.input.path, is_stricter);
        if is_ambiguous { Err(AmbiguousPath) } else { Ok(decision) }
    }

    /// Returns the decision about a path that all servers read alike, but for letter case.
    fn alike(&self, path: &CanonicalPath<'_>, reading: &[u8]) -> Result<Decision<'r>, AmbiguousPath> {
        let loosely = self.loosely(reading);
        // A rule that covers a path as it is spelled also covers it in any letter case. So if the first rule of the second kind is
        // of the first kind too, it is the first of both.
        if loosely.is_none_or(|number| self.rules.rule(number).pattern.matches(path)) {
            return Ok(self.decision(loosely));
        }
        let decision = self.decision(self.first(reading, |pattern| pattern.matches(path)));
        if self.decision(loosely).is_stricter(&decision) { Err(AmbiguousPath) } else { Ok(decision) }
    }

    /// Returns the decision about a path without a canonical spelling, if it has the same effects in every reading.
    fn unanimous(&self) -> Result<Decision<'r>, AmbiguousPath> {
        let mut agreed = None;
        let is_ambiguous = any_reading(self.input.path, |reading| {
            [Case::Counts, Case::Ignored].into_iter().any(|case| {
                let decision = self.decision(self.first(reading, |pattern| pattern.covers_reading(reading, case)));
                !agreed.get_or_insert(decision).has_effects_of(&decision)
            })
        });
        match agreed {
            Some(decision) if decision.is_public() && ends_early(self.input.path) => Err(AmbiguousPath),
            Some(decision) if !is_ambiguous => Ok(decision),
            _ => Err(AmbiguousPath),
        }
    }

    /// Returns the number of the first rule that matches a reading in any letter case.
    fn loosely(&self, reading: &[u8]) -> Option<usize> {
        self.first(reading, |pattern| pattern.covers_reading(reading, Case::Ignored))
    }

    /// Returns the number of the first rule that matches, of those on the way of a decoded path.
    fn first(&self, path: &[u8], matches: impl Fn(&PathPattern) -> bool) -> Option<usize> {
        let is_meant = |rule: &Rule| rule.names(self.input) && matches(&rule.pattern);
        self.host.first(path, |number| is_meant(self.rules.rule(number)))
    }

    /// Returns the decision of a rule, or that of none.
    fn decision(&self, number: Option<usize>) -> Decision<'r> {
        number.map_or(Decision::UNMATCHED, |number| self.rules.rule(number).decide(number, self.input))
    }
}

/// Whether a path has an escape or a control character at which an unknown number of servers stop to read.
pub(super) fn ends_early(raw: &str) -> bool {
    decode_fully(raw.as_bytes()).iter().any(|byte| byte.is_ascii_control() || matches!(byte, b'?' | b'#' | b'%'))
}
