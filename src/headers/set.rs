//! Sets of identity headers: apps behind one gate may read different names.

use std::sync::Arc;

use http::HeaderName;

use super::{
    CasedName, Encoding, Field, HeaderNameError, HeaderNames, HeaderNamesBuilder, Preset, essential::is_essential,
    name_set::fold, preset::PresetHeaders,
};

/// The identity headers that some requests carry in place of the default ones, because their app reads other names.
///
/// Only the builder of a gate's [`HeaderNames`] makes a set, with [`HeaderNamesBuilder::new_set`], and closes its names for all clients
/// on every path. Give it to a rule with `Rule::headers`: a request then carries the headers of its rule's set, and none of
/// another.
///
#[cfg_attr(feature = "session", doc = "```")]
#[cfg_attr(not(feature = "session"), doc = "```ignore")]
/// use truegate::{
///     access::{Access, Rule},
///     headers::{HeaderNames, Preset},
/// };
///
/// let mut builder = HeaderNames::builder("X-Truecaller-")?;
/// let mut wiki = builder.new_set();
/// wiki.preset(Preset::RemoteUser, None)?;
/// let wiki = wiki.build();
/// let names = builder.build();
///
/// assert!(names.is_reserved("remote_user"), "for the clients of every app");
/// let rule = Rule::new("/wiki".parse()?, Access::Optional).headers(wiki);
/// # drop(rule);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Security
///
/// A set belongs to the names of its builder. A gate with other names sends no identity headers for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderSet {
    pub(super) namespace: Namespace,
    /// Its place among the sets of the names.
    pub(super) number: usize,
}

/// Builds a [`HeaderSet`], which starts with the default headers of the namespace, such as `X-Truecaller-Phone`.
#[derive(Debug)]
pub struct HeaderSetBuilder<'a> {
    pub(super) names: &'a mut HeaderNamesBuilder,
    pub(super) number: usize,
}

/// One header of a set that is being built.
#[derive(Debug)]
pub(super) struct ChosenHeader {
    pub(super) name: CasedName,
    pub(super) field: Field,
    pub(super) encoding: Encoding,
}

/// Tells the names of one builder from those of all others.
#[derive(Debug, Clone, Default)]
pub(super) struct Namespace(Arc<()>);

impl PartialEq for Namespace {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Namespace {}

impl HeaderSetBuilder<'_> {
    /// Adds a header to the set, or replaces the default header of that name.
    ///
    /// # Errors
    ///
    /// As [`HeaderNamesBuilder::inject`]. Other sets may have the same header.
    pub fn inject(&mut self, name: &str, field: Field, encoding: Option<Encoding>) -> Result<(), HeaderNameError> {
        let header = self.choose(name, field, encoding.unwrap_or(field.default_encoding()))?;
        self.names.sets[self.number].push(header);
        Ok(())
    }

    /// Adds the headers of a preset to the set, all of them or none, and closes the preset's family for all clients.
    ///
    /// # Errors
    ///
    /// As [`HeaderNamesBuilder::preset`]. Other sets may have the same preset.
    pub fn preset(&mut self, preset: Preset, name_encoding: Option<Encoding>) -> Result<(), HeaderNameError> {
        let PresetHeaders { user, name, groups, family, valueless } = preset.headers();
        let headers = [
            self.choose(user, Field::Phone, Field::Phone.default_encoding())?,
            self.choose(name, Field::Name, name_encoding.unwrap_or(Preset::NAME_ENCODING))?,
            self.choose(groups, Field::Groups, Field::Groups.default_encoding())?,
        ];
        self.names.sets[self.number].extend(headers);
        self.names.stripped.extend(family.iter().copied().map(str::to_owned));
        self.names.valueless.extend(valueless.iter().copied().map(HeaderName::from_static).map(CasedName::from));
        Ok(())
    }

    /// Returns the set, for a rule.
    pub fn build(self) -> HeaderSet {
        HeaderSet { namespace: self.names.namespace.clone(), number: self.number }
    }

    fn choose(&self, name: &str, field: Field, encoding: Encoding) -> Result<ChosenHeader, HeaderNameError> {
        let name = self.names.admit(name, is_essential)?;
        let is_taken = self.names.is_in(&name, self.number) || self.names.fixed.contains(&fold(name.as_str()));
        if is_taken { Err(HeaderNameError::Twice) } else { Ok(ChosenHeader { name, field, encoding }) }
    }
}

impl HeaderNames {
    /// Returns the place of a set; of the default one if none is given. A set of other names has no place here.
    pub(super) fn place(&self, set: Option<&HeaderSet>) -> Option<usize> {
        match set {
            None => Some(self.default),
            Some(set) => Some(set.number).filter(|_| set.namespace == self.namespace),
        }
    }
}
