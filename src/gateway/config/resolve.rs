//! Makes settings of the tree, and reports everything that is wrong with it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use super::{
    Callback, Log, Settings, Truecaller, Upstream, assertion, context::Context, identity, listener, section::Section,
    tree::Node, trusted_proxies, value,
};
use crate::gate::KEY_SET_PATH;

/// Reads every section; what comes out counts only if the context holds no mistake afterwards.
pub(super) fn resolve(root: &Node, context: &Context<'_>) -> Option<Settings> {
    Section::root(root, context)?.read_whole(|file| {
        let listeners = listener::read(file.take("listen"));
        let upstream_item = file.require("upstream", "write upstream: http://127.0.0.1:3000, the app's address");
        let upstream = upstream_item.as_ref().and_then(|item| item.parse(|text| Upstream::parse(text)));
        let callback = file.section("callback", Callback::read);
        let truecaller = file.section("truecaller", Truecaller::read);
        let identity = file.section("identity", identity::read);
        let trusted_proxies = trusted_proxies::read(file.take("trusted_proxies"));
        let assertion_item = file.take("assertion");
        let assertion = assertion_item.as_ref().and_then(|item| item.section(assertion::read)?);
        let admin_item = file.section("admin", |admin| admin.take("listen"));
        let admin = admin_item.as_ref().map_or(Some(ADMIN), |item| item.parse(value::address));
        let grace = Duration::ZERO..=Duration::from_hours(1);
        let shutdown_grace = file.read("shutdown_grace", value::duration(grace)).unwrap_or(SHUTDOWN_GRACE);
        let log = file.section("log", Log::read);

        if let Some(admin) = admin {
            listener::refuse_clashes(&listeners, admin, admin_item.as_ref());
        }
        if let (Some(upstream), Some(item)) = (&upstream, &upstream_item) {
            listener::refuse_loop(&listeners, upstream, item);
        }
        if let Some(item) = assertion_item
            && callback.path.is_read_from(KEY_SET_PATH)
        {
            item.complain_of_name("publishes its keys on the path of `callback.path` (choose another callback path)");
        }
        let listen = listeners.into_iter().map(|placed| placed.listener).collect();
        let (upstream, admin) = (upstream?, admin?);
        Some(Settings {
            listen,
            upstream,
            callback,
            truecaller,
            identity,
            trusted_proxies,
            assertion,
            admin,
            shutdown_grace,
            log,
        })
    })
}

const ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9090);
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
