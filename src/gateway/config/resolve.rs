//! Makes settings of the tree, and reports everything that is wrong with it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use super::{
    Callback, Log, Session, Settings, Timeouts, Truecaller, assertion, identity, limits, listener,
    reader::{Context, Item, Node, Section},
    routes, trusted_proxies, upstream, value,
};
use crate::assertion::KEY_SET_PATH;

/// Reads every section; what comes out counts only if the context holds no mistake afterwards.
pub(super) fn resolve(root: &Node, context: &Context<'_>) -> Option<Settings> {
    Section::root(root, context)?.read_whole(|file| {
        let listeners = listener::read(file.take("listen"));
        let upstream_item = file.require("upstream", "write upstream: http://127.0.0.1:3000, the app's address");
        let mut app = upstream_item.map(upstream::read);
        let timeouts = file.section("timeouts", Timeouts::read);
        let session_item = file.take("session");
        let routes_item = file.take("routes");
        let routes = routes::read(routes_item.as_ref());
        let session = session_item.as_ref().and_then(|item| item.section(|section| Session::read(section, &routes))?);
        let has_sessions = session_item.as_ref().is_some_and(Item::is_mapping);
        let callback = file.section("callback", |section| Callback::read(section, has_sessions));
        let truecaller = file.section("truecaller", Truecaller::read);
        let mut identity = file.section("identity", identity::read);
        if let Some(app) = &mut app {
            app.fix_headers(&mut identity);
        }
        let identity = Arc::new(identity.build());
        let trusted_proxies = trusted_proxies::read(file.take("trusted_proxies"));
        let limits = file.section("limits", limits::read);
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
        if let Some(upstream::Placed { upstream: Some(upstream), url: Some(url), .. }) = &app {
            listener::refuse_loop(&listeners, upstream, url);
        }
        match (&session_item, &assertion_item) {
            (Some(item), _) => refuse_own_callback(session.as_ref(), callback.as_ref(), item),
            (None, Some(item)) => refuse_published_callback(callback.as_ref(), item),
            (None, None) => {}
        }
        if let (None, Some(item)) = (&session_item, &routes_item) {
            item.complain_of_name("stands without `session`, so nobody would be known (add it, or remove the routes)");
        }
        let listen = listeners.into_iter().map(|placed| placed.listener).collect();
        let (upstream, callback, admin) = (app?.upstream?, callback?, admin?);
        Some(Settings {
            listen,
            upstream,
            timeouts,
            callback,
            truecaller,
            identity,
            trusted_proxies,
            limits,
            session,
            routes,
            assertion,
            admin,
            shutdown_grace,
            log,
        })
    })
}

/// With sessions, every path below theirs is truegate's own, and no callback would come in there.
fn refuse_own_callback(session: Option<&Session>, callback: Option<&Callback>, item: &Item<'_>) {
    let (Some(session), Some(callback)) = (session, callback) else { return };
    if session.path.covers(callback.path.expose()) {
        item.complain_of_name("takes `callback.path` for a route of its own (choose another callback path)");
    }
}

/// Without sessions, one path is truegate's own.
fn refuse_published_callback(callback: Option<&Callback>, item: &Item<'_>) {
    if callback.is_some_and(|callback| callback.path.covers(KEY_SET_PATH)) {
        item.complain_of_name("publishes its keys on the path of `callback.path` (choose another callback path)");
    }
}

const ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9090);
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
