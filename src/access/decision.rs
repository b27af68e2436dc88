//! What the rules say of a request.

use super::{Access, AllowList};
use crate::headers::HeaderSet;

/// What the rules say of a request: the rule that matched, and what that rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decision<'r> {
    /// The place of the rule in the list, from 0; none if no rule matched. Where all rules do the same, it may be any of them.
    pub(crate) rule: Option<usize>,
    /// The access that the request has.
    pub(crate) access: &'r Access,
    /// The number that the rule gave its upstream; none for the default one.
    pub(super) upstream: Option<usize>,
    /// The identity headers of the request; none for the default ones.
    pub(super) headers: Option<&'r HeaderSet>,
}

impl Decision<'_> {
    /// The decision about a request that no rule matches.
    pub(super) const UNMATCHED: Decision<'static> =
        Decision { rule: None, access: &Access::Required(AllowList::EVERYONE), upstream: None, headers: None };

    /// Whether a request would fare alike by either.
    pub(super) fn has_effects_of(&self, other: &Self) -> bool {
        (self.access, self.upstream, self.headers) == (other.access, other.upstream, other.headers)
    }

    /// Whether it needs an identity that the other one does not need.
    pub(super) fn is_stricter(&self, other: &Self) -> bool {
        matches!(self.access, Access::Required(_)) && self.access != other.access
    }

    pub(super) fn is_public(&self) -> bool {
        matches!(self.access, Access::Public)
    }
}
