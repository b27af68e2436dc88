//! Access: which paths need an identity, and whose.
//!
//! ```
//! use truegate::access::{Access, AllowList, Guest, Rule, Rules};
//! use truegate::profile::PhoneNumber;
//!
//! let indian = AllowList::only([Guest::Prefix("+91".parse()?)]);
//! let rules = Rules::from(vec![
//!     Rule::new("/account".parse()?, Access::Required(indian)),
//!     Rule::new("/".parse()?, Access::Optional),
//! ]);
//!
//! assert_eq!(rules.access("/x/../shop"), Ok(&Access::Optional));
//! assert!(rules.access("/shop/..%2faccount").is_err());
//!
//! let Access::Required(list) = rules.access("/account/x")? else { unreachable!("it is below /account") };
//! assert!(list.allows(&PhoneNumber::parse("+919999999999").unwrap()));
//! assert!(!list.allows(&PhoneNumber::parse("+447911123456").unwrap()));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which path an app sees
//!
//! A request goes on with the path that came, and the app behind may read it otherwise than the rules do. So rules
//! see the [`CanonicalPath`], and what has none is refused: an escaped slash is a slash to some and a character to
//! others, and no choice would be right for both. Of what is left, every reading that is known of servers is tried:
//!
//! - without regard to letter case and to a slash at the end, as Express and Windows do;
//! - `;parameters` dropped, as servlets do;
//! - escapes decoded until none is left, as chains of servers do, and what follows `?`, `#` or NUL then cut off;
//! - dot segments left alone, or resolved before slashes are folded, as routers and URL parsers do;
//! - `//host/path` as `/path`, as an app does that resolves its target as a URL.
//!
//! If one of them requires an identity that the canonical path does not, or another list, the path is refused too:
//! with `/admin` required and the rest optional, `/ADMIN` is ambiguous, while `/admin/../x` is read as `/admin/..` by
//! some. The other way round nothing is refused: with `/public` open and the rest required, `/PUBLIC` is required.
//!
//! Double escapes stay as they are: rules never decode twice. Names that only a file system takes for the same
//! (`admin.`, `ADMIN~1`) are the app's to refuse.

mod allow;
mod path;
mod pattern;
mod phones_file;
mod prefix;
mod reading;
mod rules;

pub use self::{
    allow::{AllowList, Guest},
    path::{AmbiguousPath, CanonicalPath},
    pattern::{PathPattern, PathPatternError},
    phones_file::{PhonesFile, PhonesFileError, Refresh},
    prefix::{PhonePrefix, PhonePrefixError},
    rules::{Rule, Rules},
};

/// What a path needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// No identity: none reaches the app, even if there is one.
    Public,
    /// The identity, if there is one.
    Optional,
    /// An identity that the list lets in.
    Required(AllowList),
}
