//! The rules of a site.

use super::{
    Access,
    allow::AllowList,
    path::{AmbiguousPath, CanonicalPath},
    pattern::{Case, PathPattern},
    phones_file::PhonesFile,
};
use crate::{percent::decode_fully, reading::any_reading};

/// What the paths of a pattern need.
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

/// The rules of a site: the first whose pattern matches counts. A path that no rule matches requires an identity.
///
/// By default there are no rules, so every path requires an identity. For a site that is open but for some paths, let
/// the last rule be `/` with [`Access::Optional`].
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
    /// When an app might read the path as one that needs something else: see [the module](super#which-path-an-app-sees).
    pub fn access(&self, raw: &str) -> Result<&Access, AmbiguousPath> {
        if !self.differ {
            return Ok(self.rules.first().map_or(&UNMATCHED, |rule| &rule.access));
        }
        let Ok(path) = CanonicalPath::parse(raw) else { return self.unanimous(raw) };
        let access = self.first(|pattern| pattern.matches(&path));
        let is_stricter = |other: &Access| matches!(other, Access::Required(_)) && other != access;
        if any_reading(raw, |reading| is_stricter(self.first(|pattern| pattern.covers_reading(reading, Case::Ignored))))
        {
            return Err(AmbiguousPath);
        }
        Ok(access)
    }

    /// What a path needs in every reading, if that is the same: no reading of it is better than another.
    fn unanimous(&self, raw: &str) -> Result<&Access, AmbiguousPath> {
        let mut agreed = None;
        let is_ambiguous = any_reading(raw, |reading| {
            [Case::Counts, Case::Ignored].into_iter().any(|case| {
                let access = self.first(|pattern| pattern.covers_reading(reading, case));
                *agreed.get_or_insert(access) != access
            })
        });
        match agreed {
            Some(Access::Public) if ends_early(raw) => Err(AmbiguousPath),
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

    fn first(&self, matches: impl Fn(&PathPattern) -> bool) -> &Access {
        self.rules.iter().find(|rule| matches(&rule.pattern)).map_or(&UNMATCHED, |rule| &rule.access)
    }
}

impl From<Vec<Rule>> for Rules {
    fn from(rules: Vec<Rule>) -> Self {
        let is_total = rules.iter().any(|rule| rule.pattern.is_root());
        let rest = (!is_total).then_some(&UNMATCHED);
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

/// Whether a path has an escape or a control character at which nobody knows how many servers stop to read.
fn ends_early(raw: &str) -> bool {
    decode_fully(raw).iter().any(|byte| byte.is_ascii_control() || matches!(byte, b'?' | b'#' | b'%'))
}

/// What a path needs that no rule matches.
static UNMATCHED: Access = Access::Required(AllowList::EVERYONE);

#[cfg(test)]
mod tests;
