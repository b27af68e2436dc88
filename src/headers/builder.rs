//! Building a set of identity headers.

use std::iter;

use super::{
    CasedName, EncodedField, Encoding, Field, HeaderNameError, HeaderNames, HeaderSet, HeaderSetBuilder, Injection,
    Preset,
    essential::{covers_essential, is_essential},
    header_name::{is_family, parse},
    name_set::{fold, reads_as},
    set::{ChosenHeader, Namespace},
    survey::first_bytes,
};

/// Builds [`HeaderNames`].
#[derive(Debug)]
pub struct HeaderNamesBuilder {
    pub(super) namespace: Namespace,
    folded_prefix: String,
    /// The headers of every set that has not replaced them.
    defaults: Vec<ChosenHeader>,
    /// The headers that were chosen for each set. The first is the builder's own.
    pub(super) sets: Vec<Vec<ChosenHeader>>,
    /// The place of the default set.
    default: usize,
    /// The names to strip besides the prefix and the injected names, in the form that `reads_as` takes.
    pub(super) stripped: Vec<String>,
    pub(super) valueless: Vec<CasedName>,
    /// The names that have the same value on every request, folded.
    pub(super) fixed: Vec<String>,
    assertion: CasedName,
    login: CasedName,
    token: CasedName,
    max_value_length: usize,
}

impl HeaderNamesBuilder {
    pub(super) fn new(prefix: &str) -> Result<Self, HeaderNameError> {
        if !is_family(prefix) || covers_essential(prefix) {
            return Err(HeaderNameError::Prefix);
        }
        let inject = |(suffix, field): (&str, Field)| {
            let name = parse(&format!("{prefix}{suffix}"))?;
            Ok(ChosenHeader { name: name.into(), field, encoding: field.default_encoding() })
        };
        let defaults = DEFAULTS.into_iter().map(inject).collect::<Result<_, _>>()?;
        Ok(Self {
            namespace: Namespace::default(),
            folded_prefix: fold(prefix),
            defaults,
            sets: vec![Vec::new()],
            default: OWN_SET,
            stripped: Vec::new(),
            valueless: Vec::new(),
            fixed: Vec::new(),
            assertion: parse(&format!("{prefix}Assertion"))?.into(),
            login: parse(&format!("{prefix}Login"))?.into(),
            token: parse(&format!("{prefix}Token"))?.into(),
            max_value_length: MAX_VALUE_LENGTH,
        })
    }

    /// Starts a further set of headers, for rules (`Rule::headers`) whose app reads other names than those of the default
    /// set. Its names are closed for all clients, as those of the default set are.
    pub fn new_set(&mut self) -> HeaderSetBuilder<'_> {
        self.sets.push(Vec::new());
        HeaderSetBuilder { number: self.sets.len() - 1, names: self }
    }

    /// The set of the builder itself, which is the default one unless another is made so.
    pub(crate) fn own_set(&mut self) -> HeaderSetBuilder<'_> {
        HeaderSetBuilder { names: self, number: OWN_SET }
    }

    /// Makes a set of this builder the default one: that of requests whose rule names none.
    pub(crate) fn make_default(&mut self, set: &HeaderSet) {
        debug_assert!(set.namespace == self.namespace, "a set belongs to one builder");
        self.default = set.number;
    }

    /// Adds a header to the default set, or replaces the default header of that name.
    ///
    /// # Errors
    ///
    /// When the name is not a valid header name, holds `_`, is essential, is that of the assertion, of the login ticket or of session
    /// tokens, or was added before in any spelling.
    pub fn inject(&mut self, name: &str, field: Field, encoding: Option<Encoding>) -> Result<(), HeaderNameError> {
        self.own_set().inject(name, field, encoding)
    }

    /// Adds the headers of a preset to the default set, all of them or none, and strips every header of its family. The name is
    /// sent as UTF-8 unless another encoding is given.
    ///
    /// # Errors
    ///
    /// When one of them was added before in any spelling, even by the same preset.
    pub fn preset(&mut self, preset: Preset, name_encoding: Option<Encoding>) -> Result<(), HeaderNameError> {
        self.own_set().preset(preset, name_encoding)
    }

    /// Strips one more header, such as `X-My-Role`, or every header of a family, such as `X-Corp-*`, in any spelling: from
    /// requests, responses and trailers, and from the lists of `Connection`, `Proxy-Connection` and `Trailer`.
    ///
    /// A stripped header can still be [injected](Self::inject).
    ///
    /// # Errors
    ///
    /// When it is neither a header name nor a family that ends in `-*`, holds `_`, or is or covers a header that HTTP,
    /// proxies or sessions depend on.
    pub fn strip(&mut self, name: &str) -> Result<(), HeaderNameError> {
        let start = name.strip_suffix('*');
        if start.unwrap_or(name).contains('*') || start.is_some_and(|start| !is_family(start)) {
            return Err(HeaderNameError::Family);
        }
        match (start, parse(start.unwrap_or(name))?) {
            (Some(start), _) if covers_essential(start) => Err(HeaderNameError::NeededFamily),
            (Some(start), _) => {
                self.stripped.push(fold(start) + "*");
                Ok(())
            }
            (None, name) if is_essential(name.as_str()) => Err(HeaderNameError::Needed),
            (None, name) => {
                self.stripped.push(fold(name.as_str()));
                self.valueless.push(name.into());
                Ok(())
            }
        }
    }

    /// Reserves a header that the gateway sets to the same value on every request to an app. Other apps may get the same header
    /// with another value; `siblings` are the headers of this app.
    ///
    /// # Errors
    ///
    /// When the name is not a valid header name, holds `_`, is essential, or is that of another header that is set.
    pub(crate) fn fix(&mut self, name: &str, siblings: &[CasedName]) -> Result<CasedName, HeaderNameError> {
        let name = self.admit(name, |name| is_essential(name) && !FIXABLE.contains(&name))?;
        let folded = fold(name.as_str());
        let is_same = |other: &CasedName| fold(other.as_str()) == folded;
        let is_default = self.defaults.iter().any(|other| is_same(&other.name));
        if is_default || siblings.iter().any(is_same) || (0..self.sets.len()).any(|set| self.is_in(&name, set)) {
            return Err(HeaderNameError::Twice);
        }
        if !self.fixed.contains(&folded) {
            self.fixed.push(folded);
        }
        Ok(name)
    }

    /// Sets the longest text in a header, in bytes before it is encoded. Defaults to 1024.
    ///
    /// A longer text is cut on a character boundary. A field is left out instead if a part of it would mean something else:
    /// the user id, the e-mail address, the avatar's URL, and JSON (`badges`, `profile`). Phone, status and request id are
    /// short by their own rules, truegate names the methods, and the operator names the groups, so these are always sent whole.
    pub fn max_value_length(&mut self, bytes: usize) {
        self.max_value_length = bytes;
    }

    /// Closes the namespace, which has the names of all sets.
    pub fn build(self) -> HeaderNames {
        let (values, sets) = self.injections();
        let injected: Vec<_> = sets.iter().flatten().map(|injection| &injection.name).collect();
        let prefix = format!("{}*", self.folded_prefix);
        let folded = injected.iter().map(|name| fold(name.as_str()));
        let mut closed: Vec<String> = Vec::new();
        for pattern in iter::once(prefix).chain(self.stripped).chain(self.fixed).chain(folded) {
            let covered =
                |known: &String| *known == pattern || (!pattern.ends_with('*') && reads_as(pattern.as_bytes(), known));
            if !closed.iter().any(covered) {
                closed.push(pattern);
            }
        }
        let mut declared: Vec<CasedName> = Vec::new();
        for name in self.valueless.iter().chain(injected) {
            if !declared.contains(name) {
                declared.push(name.clone());
            }
        }
        let closed = closed.into_iter().collect();
        let first_bytes = first_bytes(&closed);
        let Self { namespace, default, assertion, login, token, max_value_length, .. } = self;
        HeaderNames {
            namespace,
            closed,
            first_bytes,
            values,
            sets,
            default,
            declared,
            assertion,
            login,
            token,
            max_value_length,
        }
    }

    /// Returns what is to be encoded of an identity, each field in each encoding once, and the headers of each set.
    fn injections(&self) -> (Vec<EncodedField>, Vec<Box<[Injection]>>) {
        let mut values = Vec::new();
        let mut injection = |header: &ChosenHeader| {
            let value = (header.field, header.encoding);
            let known = values.iter().position(|known| *known == value);
            let place = known.unwrap_or_else(|| {
                values.push(value);
                values.len() - 1
            });
            Injection { name: header.name.clone(), value: place }
        };
        let mut set = |chosen: &Vec<ChosenHeader>| {
            let is_kept = |default: &&ChosenHeader| chosen.iter().all(|header| header.name != default.name);
            self.defaults.iter().filter(is_kept).chain(chosen).map(&mut injection).collect()
        };
        let sets = self.sets.iter().map(&mut set).collect();
        (values, sets)
    }

    /// Takes a name that some app may get, whatever set it is in.
    pub(super) fn admit(&self, name: &str, is_refused: fn(&str) -> bool) -> Result<CasedName, HeaderNameError> {
        let name = CasedName::from(parse(name)?);
        if is_refused(name.as_str()) {
            return Err(HeaderNameError::Essential);
        }
        if fold(name.as_str()) == fold(self.assertion.as_str()) {
            return Err(HeaderNameError::Assertion);
        }
        if fold(name.as_str()) == fold(self.login.as_str()) {
            return Err(HeaderNameError::Login);
        }
        if fold(name.as_str()) == fold(self.token.as_str()) {
            return Err(HeaderNameError::Token);
        }
        Ok(name)
    }

    /// Whether a set has the name in any spelling, but for a default header that it may replace.
    pub(super) fn is_in(&self, name: &CasedName, set: usize) -> bool {
        let folded = fold(name.as_str());
        let same = |other: &ChosenHeader| fold(other.name.as_str()) == folded;
        self.sets[set].iter().any(same) || self.defaults.iter().any(|other| same(other) && other.name != *name)
    }
}

/// The default headers, under `X-Truecaller-`.
impl Default for HeaderNamesBuilder {
    fn default() -> Self {
        Self::new("X-Truecaller-").expect("the default prefix is valid")
    }
}

const DEFAULTS: [(&str, Field); 10] = [
    ("Status", Field::Status),
    ("Request-Id", Field::RequestId),
    ("Phone", Field::Phone),
    ("Method", Field::Method),
    ("User-Id", Field::UserId),
    ("Name", Field::Name),
    ("Given-Name", Field::GivenName),
    ("Family-Name", Field::FamilyName),
    ("Country", Field::Country),
    ("Groups", Field::Groups),
];

/// Essential headers that describe the way of a request, and can be the same for every request.
const FIXABLE: [&str; 2] = ["x-forwarded-port", "x-forwarded-prefix"];

/// The place of the builder's own set.
const OWN_SET: usize = 0;

const MAX_VALUE_LENGTH: usize = 1024;
