//! The index of rules by host and path: it finds the few rules that could cover a request among any number of rules.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::{Rule, host_pattern::HostScope, path_index::PathIndex};
use crate::host::Host;

/// The rules by the hosts that they name, and those of each host by their paths.
///
/// Any number of names costs a request as much as one name does: the host is looked up once, and each of the names above it that
/// could be a wildcard's.
#[derive(Debug, Clone, Default)]
pub(super) struct RuleIndex {
    /// The rules that name no host.
    anywhere: PathIndex,
    /// Those that name one host.
    hosts: HashMap<Box<str>, PathIndex>,
    /// Those for the sub-domains of a name, by the name.
    domains: HashMap<Box<str>, PathIndex>,
    /// The number of labels that the longest of these names has.
    depth: usize,
}

impl RuleIndex {
    /// Adds the rule of this number, which is higher than all before.
    pub(super) fn insert(&mut self, rule: &Rule, number: usize) {
        let paths = match rule.host.as_ref().map(|host| (host.name(), host.scope())) {
            None => &mut self.anywhere,
            Some((name, HostScope::Exact)) => self.hosts.entry(name.into()).or_default(),
            Some((name, HostScope::SubDomains)) => {
                self.depth = self.depth.max(name.split('.').count());
                self.domains.entry(name.into()).or_default()
            }
        };
        paths.insert(&rule.pattern, number);
    }

    /// Whether any rule names a host.
    pub(super) fn names_hosts(&self) -> bool {
        !self.hosts.is_empty() || !self.domains.is_empty()
    }

    /// Whether any rule names this host, or a wildcard above it.
    pub(super) fn knows(&self, host: &Host<'_>) -> bool {
        self.of_host(host).next().is_some()
    }

    /// The rules for a host, or for a request that names none.
    pub(super) fn at(&self, host: Option<&Host<'_>>) -> HostRules<'_> {
        let of_host = host.map_or_else(SmallVec::new, |host| self.of_host(host).collect());
        HostRules { anywhere: &self.anywhere, of_host }
    }

    fn of_host<'a>(&'a self, host: &Host<'_>) -> impl Iterator<Item = &'a PathIndex> {
        let host = host.as_str();
        let above = host.rmatch_indices('.').take(self.depth).map(|(at, _)| &host[at + 1..]);
        self.hosts.get(host).into_iter().chain(above.filter_map(|name| self.domains.get(name)))
    }
}

/// The rules for one host by their paths.
pub(super) struct HostRules<'a> {
    /// Those of every host.
    anywhere: &'a PathIndex,
    /// Those of this host, and of each wildcard above it.
    of_host: SmallVec<[&'a PathIndex; 3]>,
}

impl HostRules<'_> {
    /// Returns the lowest number of a rule that is on the way of a decoded path and is meant.
    pub(super) fn first(&self, path: &[u8], is_meant: impl Fn(usize) -> bool) -> Option<usize> {
        let first = self.anywhere.first(path, None, &is_meant);
        self.of_host.iter().fold(first, |first, paths| paths.first(path, first, &is_meant))
    }
}
