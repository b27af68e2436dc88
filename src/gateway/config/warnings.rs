//! The likely mistakes in a valid configuration.

use std::net::IpAddr;

use super::{Config, Finding, ListenerConfig, Trust, UpstreamId, admin::is_loopback};
use crate::{
    access::{Access, HostPattern, Rule},
    headers::Field,
    identity::VerificationMethod,
    session::{CookieDomain, PublicUrl, PublicUrls, SameSite},
};

impl Config {
    /// Returns the likely mistakes in a valid configuration, and what lowers its safety; none if all is well. `truegate check` prints
    /// them, and `truegate serve` logs them when it starts.
    pub(crate) fn warnings(&self) -> Vec<Finding> {
        let warning = |key: &str, text| Finding::warning(&self.places, key, text);
        let mut warnings: Vec<_> = self.yaml_warnings.iter().map(Finding::yaml_warning).collect();
        let unverified = self
            .upstreams
            .iter()
            .filter(|(_, upstream)| upstream.tls.as_ref().is_some_and(|tls| matches!(tls.trust, Trust::InsecureAnyone)))
            .map(|(_, upstream)| warning(&format!("{}.tls.insecure_skip_verify", upstream.place), UNVERIFIED));
        warnings.extend(unverified);
        let unused = self.upstreams.iter().filter(|(id, _)| self.is_unused(*id));
        warnings.extend(unused.map(|(_, upstream)| warning(&upstream.place, UNUSED)));
        warnings.extend(self.nameless_urls().iter().map(|key| warning(key, NO_CERTIFICATE)));
        if !is_loopback(self.admin.listen) {
            warnings.push(warning("admin.listen", PLAIN_ADMIN_TOKEN));
        }
        let Some(session) = &self.session else {
            if self.callback.path.is_guessable() {
                warnings.push(warning("callback.path", GUESSABLE_CALLBACK_PATH));
            }
            return warnings;
        };
        let is_own = |rule: &Rule| {
            let path = rule.pattern.as_str();
            let is_native = || self.native.as_ref().is_some_and(|native| native.path.covers(path));
            session.path.covers(path) || self.callback.path.covers(path) || is_native()
        };
        let own = self.routes.iter().enumerate().filter(|(_, rule)| is_own(rule));
        warnings.extend(own.map(|(index, _)| warning(&format!("routes[{index}]"), OWN_ROUTE)));
        let closed = self.routes.iter().enumerate().filter(|(_, rule)| nobody_logs_in(rule, &session.public_urls));
        warnings.extend(closed.map(|(index, _)| warning(&format!("routes[{index}].host"), NO_LOGIN)));
        let in_vain = self.routes.iter().enumerate().filter(|(_, rule)| self.verifies_nobody_for(rule));
        warnings.extend(in_vain.map(|(index, _)| warning(&format!("routes[{index}].allow.methods"), NO_METHOD)));
        if self.identity.carries(Field::Profile) {
            warnings.push(warning("identity.headers", PROFILE_IN_SESSIONS));
        }
        if session.same_site == SameSite::None {
            warnings.push(warning("session.same_site", SAME_SITE_NONE));
        }
        let is_root = session.fallback_url.as_ref().is_some_and(|fallback| fallback.path() == "/");
        if self.admin.token.is_some() && is_root {
            warnings.push(warning("session.fallback_url", LOGIN_PER_VISIT));
        }
        if self.routes.require() && session.upstream_cookies.is_none() {
            warnings.push(warning("session.upstream_cookies", NO_UPSTREAM_COOKIES));
        }
        warnings
    }

    /// The key of each origin for whose host no certificate is, unless other programs speak TLS with the browsers.
    fn nameless_urls(&self) -> Vec<String> {
        let Some(session) = &self.session else { return Vec::new() };
        let is_direct = |listener: &&ListenerConfig| listener.proxy_protocol || !self.trusted_proxies.have_networks();
        let shown = self.listen.iter().filter(is_direct).filter_map(|listener| listener.tls.as_ref());
        let shown: Vec<_> = shown.collect();
        if shown.is_empty() {
            return Vec::new();
        }
        let obtained = self.acme.iter().flat_map(|acme| &acme.hosts);
        let names: Vec<_> = shown.into_iter().flat_map(|tls| &tls.hosts).chain(obtained).collect();
        // No client names an address in its handshake.
        let is_named = |url: &PublicUrl| url.is_secure() && !is_address(url.host_name());
        let has_name = |url: &PublicUrl| names.iter().any(|name| is_for(name, url.host_name()));
        let urls = session.public_urls.iter().enumerate().filter(|(_, url)| is_named(url) && !has_name(url));
        let is_sole = session.public_urls.iter().count() == 1;
        let place = |index| if is_sole { String::new() } else { format!("[{index}]") };
        urls.map(|(index, _)| format!("session.public_url{}", place(index))).collect()
    }

    /// Whether a rule asks only for verification methods by which this gateway lets nobody log in.
    fn verifies_nobody_for(&self, rule: &Rule) -> bool {
        let Access::Required(list) = &rule.access else { return false };
        let is_configured = |method| match method {
            VerificationMethod::Web => true,
            VerificationMethod::App | VerificationMethod::MissedCall => self.native.is_some(),
            VerificationMethod::Site => self.finishes_site_logins(),
        };
        !list.verification_methods().any(is_configured)
    }

    /// Whether no request is sent to an app.
    fn is_unused(&self, app: UpstreamId) -> bool {
        let is_named = || self.routes.iter().any(|rule| rule.upstream_number() == Some(app.index()));
        app != self.upstreams.default_id() && !is_named()
    }
}

/// Whether a rule requires a login on hosts where browsers get no session: the login leads to hosts of the public URLs only.
fn nobody_logs_in(rule: &Rule, urls: &PublicUrls) -> bool {
    let Some(host) = rule.host.as_ref().filter(|_| rule.requires()) else { return false };
    let has_login = |name: &str| name.parse().is_ok_and(|login| host.covers(&login));
    let shares = |domain: &CookieDomain| {
        let shared = [domain.as_str().to_owned(), format!("*.{}", domain.as_str())];
        shared.iter().any(|shared| shared.parse().is_ok_and(|shared: HostPattern| shared.covers(host)))
    };
    !urls.iter().any(|url| has_login(url.host_name())) && !urls.domain().is_some_and(shares)
}

/// Whether a name of a certificate stands for a host.
fn is_for(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest == parent),
        None => name == host,
    }
}

fn is_address(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

const NO_CERTIFICATE: &str = "no certificate of `listen` is for this host, so browsers refuse to connect (add a certificate for \
    it, or name the proxy that speaks https in `trusted_proxies`)";
const GUESSABLE_CALLBACK_PATH: &str = "can be guessed, and it is the only secret between Truecaller and you \
    (make one with `truegate keys path`, and register it with Truecaller)";
const UNUSED: &str = "never used, because neither a route nor `upstream` names it (write `upstream:` with its name in a route, or \
    remove it)";
const UNVERIFIED: &str = "any certificate is accepted, so anyone between truegate and the app can read \
    and change everything, identities too (name the app's authority in `ca_file`)";
const OWN_ROUTE: &str = "never applies, because truegate itself answers this path (move the app's page, `session.path`, \
    `callback.path` or `native.path`)";
const NO_LOGIN: &str = "no origin in `session.public_url` has this host, so nobody can log in there (add the origin, or let the \
    rule be public or optional)";
const NO_METHOD: &str = "nobody can log in by these methods here (add `native` for app and missed-call, `session.fallback_url` \
    and `admin.token` for site, or another method)";
const NO_UPSTREAM_COOKIES: &str = "missing, although some paths require a login: if the app keeps \
    a session of its own, the next person in the same browser is still logged in as the last one (list the app's cookies, \
    or write [] if it has none)";
const SAME_SITE_NONE: &str = "with `none`, pages of every site can send requests with a user's session (make \
    sure that the app refuses those that it does not want, or write lax)";
const LOGIN_PER_VISIT: &str = "with `admin.token`, each visit of a person without a session to this page \
    starts a login, and the root is where most visits begin (give the page a path of its own, such as /login)";
const PLAIN_ADMIN_TOKEN: &str = "not a loopback address, so `admin.token` and what is sent with it cross the network in \
    clear text (listen on 127.0.0.1, or make sure that nobody else can read this network)";
const PROFILE_IN_SESSIONS: &str = "the field `profile` is never sent in a session, because a session does \
    not keep it (name the fields that you need)";
