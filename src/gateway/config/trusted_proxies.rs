//! `trusted_proxies`: who may say where a request came from.

use super::reader::Item;
use crate::gateway::forwarded::{TrustedNetwork, TrustedProxies};

/// Reads a list of addresses and networks.
pub(super) fn read(item: Option<Item<'_>>) -> TrustedProxies {
    let items = item.and_then(|item| item.list()).unwrap_or_default();
    items.iter().filter_map(|item| item.parse(|text| TrustedNetwork::parse(text))).collect()
}
