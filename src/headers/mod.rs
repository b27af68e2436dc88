//! The identity headers: their names, the values that truegate sets, and the removal of headers that clients sent.
//!
//! ```
//! use truegate::headers::{Field, HeaderNames};
//!
//! let mut builder = HeaderNames::builder("X-Truecaller-")?;
//! builder.inject("Remote-User", Field::Phone, None)?;
//! let names = builder.build();
//! assert!(names.is_reserved("x_truecaller_phone") && names.is_reserved("Remote.User"));
//! # Ok::<_, truegate::headers::HeaderNameError>(())
//! ```
//!
//! Apps behind one gate may read different headers: see [`HeaderSet`].

mod builder;
pub(crate) mod cased;
mod cookies;
mod edits;
mod essential;
mod field;
mod header_name;
mod identity_headers;
mod name_set;
mod namespace;
mod preset;
mod set;
mod survey;

#[cfg(feature = "session")]
pub(crate) use self::cookies::CookieOwner;
use self::set::Namespace;
pub use self::{
    builder::HeaderNamesBuilder,
    field::{Encoding, Field},
    header_name::HeaderNameError,
    preset::Preset,
    set::{HeaderSet, HeaderSetBuilder},
};
pub(crate) use self::{
    cased::CasedName,
    cookies::{KeptCookies, UpstreamCookieEdits, join_cookies},
    edits::{EditKind, Edits, HeaderTarget, ResponseEdits, Sender, remove_where},
    identity_headers::{IdentityHeaders, IdentityValues},
    name_set::{NameSet, fold, reads_as},
    namespace::{Spoofs, only, tokens},
    survey::{HeaderSurvey, Lines, Suspects},
};

/// The headers that truegate sets, in one or several [sets](HeaderSet), and the one namespace that is reserved for them.
///
/// By default these are `X-Truecaller-Status`, `-Request-Id`, `-Phone`, `-Method`, `-User-Id`, `-Name`,
/// `-Given-Name`, `-Family-Name`, `-Country` and `-Groups`. A header whose field the user does not have is not sent, such as that of the groups if
/// the user is in none.
#[derive(Debug)]
pub struct HeaderNames {
    namespace: Namespace,
    /// The names of the namespace.
    closed: NameSet,
    /// The bytes with which the names start that a survey looks at.
    first_bytes: [bool; 256],
    /// What is encoded of an identity. Headers with the same field in the same encoding share it, in all sets.
    values: Vec<EncodedField>,
    /// The headers of each set.
    sets: Vec<Box<[Injection]>>,
    /// The place of the default set.
    default: usize,
    /// The names that some app reads: those of all sets, and those of the namespace that truegate never sets.
    declared: Vec<CasedName>,
    /// The name of the header with the signed assertion, if there is one.
    assertion: CasedName,
    /// The name of the header with the login ticket, if there is one.
    login: CasedName,
    /// The name of the response's header with a renewed session token.
    token: CasedName,
    max_value_length: usize,
}

/// A field in one encoding.
type EncodedField = (Field, Encoding);

/// One header that truegate sets.
#[derive(Debug)]
struct Injection {
    name: CasedName,
    /// The place of its value.
    value: usize,
}

impl HeaderNames {
    /// Starts with the default headers under a prefix such as `X-Truecaller-`.
    ///
    /// # Errors
    ///
    /// When the prefix is not a valid header name that ends in `-`, holds `_`, or covers an essential header.
    pub fn builder(prefix: &str) -> Result<HeaderNamesBuilder, HeaderNameError> {
        HeaderNamesBuilder::new(prefix)
    }
}

impl Default for HeaderNames {
    fn default() -> Self {
        HeaderNamesBuilder::default().build()
    }
}

#[cfg(test)]
mod tests;
