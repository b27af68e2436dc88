//! Access: which paths need an identity, and whose.
//!
//! ```
//! use truegate::access::{Access, AllowList, AllowEntry, Rule, Rules};
//! use truegate::profile::PhoneNumber;
//!
//! let indian = AllowList::only([AllowEntry::Prefix("+91".parse()?)]);
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
//! A request goes on byte for byte, and the app behind may read its path otherwise than the rules do. So rules are held
//! against every reading that is known of servers, each combined with the others:
//!
//! - without regard to letter case and to a slash at the end, as Express and Windows do;
//! - escapes decoded once, or until none is left, as chains of servers do; those of slashes left alone; broken escapes left
//!   alone; `%u002F` and overlong UTF-8 decoded, as some did;
//! - cut off at `?`, `#`, NUL or a line break, or without control characters;
//! - `\` as a slash or as a character;
//! - `;parameters` dropped, as servlets do;
//! - dot segments left alone, or resolved before slashes are folded, as routers and URL parsers do;
//! - `//host/path` as `/path`, as an app does that resolves its target as a URL.
//!
//! If they all need the same, the path passes: one rule somewhere does not close the rest of the site to `/@scope%2fpkg` or
//! `/wiki/C%23`. Otherwise it depends on whether the path has a [plain spelling](CanonicalPath), which is what the rules then
//! enforce. If it has, it is refused only if a reading requires an identity that this spelling does not, or another list: with
//! `/admin` required and the rest optional, `/ADMIN` is ambiguous, while `/admin/../x` is read as `/admin/..` by some. The other
//! way round nothing is refused, for what is enforced is the strictest of all readings: with `/public` open and the rest
//! required, `/PUBLIC` is required. If it has none, no reading is better than another, and it is refused.
//!
//! A path that would be [`Access::Public`] in all its readings is refused as well if it holds an escaped `?`, `#` or control
//! character, or a broken escape, for at what is public nobody asks who comes, and there may be readings that nobody knows.
//!
//! Names that only a file system takes for the same (`admin.`, `ADMIN~1`) are the app's to refuse.

mod allow;

mod pattern;
mod phones_file;
mod prefix;
mod rule_input;
mod rules;

pub use self::{
    allow::{AllowEntry, AllowList},
    pattern::{PathPattern, PathPatternError},
    phones_file::{PhonesFile, PhonesFileError, Refresh},
    prefix::{PhonePrefix, PhonePrefixError},
    rule_input::RuleInput,
    rules::{Rule, Rules},
};
pub use crate::path::{AmbiguousPath, CanonicalPath};

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
