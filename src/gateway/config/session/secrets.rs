//! `session.secret`: what sessions are sealed with.

use crate::gateway::config::reader::Item;
use crate::session::{Sealer, Secret};

/// One secret or several, of which the first seals and all open.
#[derive(Debug, Clone)]
pub struct Secrets {
    first: Secret,
    others: Vec<Secret>,
}

impl Secrets {
    /// What seals and opens with them.
    pub fn sealer(&self) -> Sealer {
        Sealer::new(&self.first, &self.others)
    }

    pub(super) fn read(item: &Item<'_>) -> Option<Self> {
        if !item.is_list() {
            return Some(Self { first: secret(item)?, others: Vec::new() });
        }
        let items = item.list()?;
        if items.is_empty() {
            item.complain("is empty, so nothing could be sealed (list a secret)");
        }
        // All are looked at, though the first mistake decides.
        let parsed: Vec<_> = items.iter().map(secret).collect();
        let mut parsed = parsed.into_iter().collect::<Option<Vec<_>>>()?.into_iter();
        Some(Self { first: parsed.next()?, others: parsed.collect() })
    }
}

fn secret(item: &Item<'_>) -> Option<Secret> {
    item.parse(|text| Secret::parse(text).map_err(|error| format!("{error} (make it with `truegate keys secret`)")))
}
