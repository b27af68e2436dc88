//! The rules of a site.

use super::{
    Access,
    path::{AmbiguousPath, CanonicalPath},
    pattern::PathPattern,
    phones_file::PhonesFile,
    reading::any_reading,
};

/// What a path needs, for the paths of a pattern.
#[derive(Debug, Clone)]
pub struct Rule {
    pattern: PathPattern,
    access: Access,
}

impl Rule {
    /// A rule for the paths of a pattern.
    pub fn new(pattern: PathPattern, access: Access) -> Self {
        Self { pattern, access }
    }
}

/// The rules of a site: the first whose pattern matches counts, and where none does an identity is optional.
///
/// By default there are none.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    /// Whether a path makes a difference at all.
    differ: bool,
}

impl Rules {
    /// What a path needs, as it came, without query.
    ///
    /// Nothing is allocated for a plain path. While all rules say the same, no path is ambiguous.
    ///
    /// # Errors
    ///
    /// When the path has no [canonical spelling](CanonicalPath::parse), or an app might read it as one that requires
    /// an identity which this reading does not: see [the module](super#which-path-an-app-sees).
    pub fn access(&self, raw: &str) -> Result<&Access, AmbiguousPath> {
        if !self.differ {
            return Ok(self.rules.first().map_or(&OPTIONAL, |rule| &rule.access));
        }
        let path = CanonicalPath::parse(raw)?;
        let access = self.first(|pattern| pattern.matches(&path));
        let is_stricter = |other: &Access| matches!(other, Access::Required(_)) && other != access;
        if any_reading(raw, |reading| is_stricter(self.first(|pattern| pattern.could_mean(reading)))) {
            return Err(AmbiguousPath);
        }
        Ok(access)
    }

    /// The files of phone numbers that any rule names, to refresh them.
    pub fn phones_files(&self) -> impl Iterator<Item = &PhonesFile> {
        self.rules.iter().flat_map(|rule| match &rule.access {
            Access::Required(list) => list.files(),
            Access::Public | Access::Optional => &[],
        })
    }

    fn first(&self, matches: impl Fn(&PathPattern) -> bool) -> &Access {
        self.rules.iter().find(|rule| matches(&rule.pattern)).map_or(&OPTIONAL, |rule| &rule.access)
    }
}

impl From<Vec<Rule>> for Rules {
    fn from(rules: Vec<Rule>) -> Self {
        let is_total = rules.iter().any(|rule| rule.pattern.is_root());
        let rest = (!is_total).then_some(&OPTIONAL);
        let mut accesses = rules.iter().map(|rule| &rule.access).chain(rest);
        let first = accesses.next();
        let differ = accesses.any(|access| Some(access) != first);
        Self { rules, differ }
    }
}

impl FromIterator<Rule> for Rules {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        Self::from(Vec::from_iter(rules))
    }
}

static OPTIONAL: Access = Access::Optional;

#[cfg(test)]
mod tests;
