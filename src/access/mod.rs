//! Access: which paths need an identity, and which users they let in.
//!
//! [`Rules`] return the [`Access`] of each request before it reaches the app. Give them to the sessions with
//! [`SessionsBuilder::rules`](crate::session::SessionsBuilder::rules).
//!
//! ```
//! use truegate::access::{Access, AllowList, AllowEntry, Rule, Rules};
//!
//! let indian = AllowList::only([AllowEntry::Prefix("+91".parse()?)]);
//! let rules = Rules::from_iter([
//!     Rule::new("/account".parse()?, Access::Required(indian)),
//!     Rule::new("/".parse()?, Access::Optional),
//! ]);
//!
//! # drop(rules);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! With these rules, `/x/../shop` passes with or without an identity, `/account/x` is only for Indian numbers, and
//! `/shop/..%2faccount` is refused, because an app may read it as either path.
//!
//! # Which path an app sees
//!
//! truegate forwards the path of a request byte for byte, and the app may read the path in another way than the rules do. So the
//! rules are applied to every reading that servers are known to make, each combined with the others:
//!
//! - letter case and a slash at the end are ignored, as by Express and Windows;
//! - escapes are decoded once, or until none is left, as by several servers in a row; escaped slashes stay escaped; broken
//!   escapes stay unchanged; `%u002F` and overlong UTF-8 are decoded, as by some old servers;
//! - the path ends at `?`, `#`, NUL or a line break, or control characters are left out;
//! - `\` is a slash or a character;
//! - `;parameters` are dropped, as by servlets;
//! - dot segments are left alone, or resolved before slashes are folded, as by routers and URL parsers;
//! - `//host/path` is `/path`, as for an app that resolves its target as a URL.
//!
//! If all readings have the same access, the path has it: a rule elsewhere does not affect `/@scope%2fpkg` or `/wiki/C%23`.
//! Otherwise the answer depends on whether the path has a [canonical spelling](PathPattern#canonical-spelling):
//!
//! - If the path has a canonical spelling, it has the access of that spelling. It is refused only if another reading requires an
//!   identity that the canonical spelling does not require, or requires an identity of another list. With `/admin` required and
//!   the rest optional, `/ADMIN` is ambiguous, and so is `/admin/../x`, which some servers read as `/admin/..`. With `/public`
//!   open and the rest required, `/PUBLIC` is not refused: it is required, which is the strictest of all its readings.
//! - If the path has no canonical spelling, no reading is better than another, and the path is refused. So it is if its readings have
//!   the same access, but other identity headers, or another app behind the gateway.
//!
//! A path that would be [`Access::Public`] in all its readings is also refused if it holds an escaped `?`, `#` or control
//! character, or a broken escape: a public path needs no identity, and some server may have a reading that is not listed here.
//!
//! Names that are the same only for a file system (`admin.`, `ADMIN~1`) have to be refused by the app.

mod allow;
mod decision;
mod groups;
mod host_pattern;
mod index;
mod lookup;
mod path_index;
mod pattern;
mod phone_prefix;
mod phones_file;
mod rule;
mod rules;

pub use self::{
    allow::{AllowEntry, AllowList},
    groups::{Group, GroupName, GroupNameError, Groups},
    host_pattern::{HostPattern, HostPatternError},
    pattern::{PathPattern, PathPatternError},
    phone_prefix::{PhonePrefix, PhonePrefixError},
    phones_file::{PhonesFile, PhonesFileError},
    rule::Rule,
    rules::Rules,
};
pub(crate) use self::{decision::Decision, rule::RuleInput};

/// The access that a rule gives to its paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// No identity: none reaches the app, even if there is one.
    Public,
    /// The identity, if there is one.
    Optional,
    /// An identity that the list lets in.
    Required(AllowList),
}

#[cfg(test)]
mod tests;
