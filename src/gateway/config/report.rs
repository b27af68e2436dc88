//! The output of `truegate check` for a valid configuration: the rules in force, and warnings.

use std::fmt;

use super::{Config, Trust, UpstreamId};
use crate::{
    access::{Access, Groups, HostPattern, Rule},
    headers::Field,
    session::{CookieDomain, PublicUrls, SameSite},
};

impl Config {
    /// Returns the likely mistakes in a valid configuration, and what lowers its safety; none if all is well. Each one is the
    /// key and what to do, and repeats no value. `truegate check` prints them, and `truegate serve` logs them when it starts.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<_> = self
            .upstreams
            .iter()
            .filter(|(_, upstream)| upstream.tls.as_ref().is_some_and(|tls| matches!(tls.trust, Trust::InsecureAnyone)))
            .map(|(_, upstream)| format!("{}.{UNVERIFIED}", upstream.place))
            .collect();
        let unused = self.upstreams.iter().filter(|(id, _)| self.is_unused(*id));
        warnings.extend(unused.map(|(_, upstream)| format!("{}: {UNUSED}", upstream.place)));
        let Some(session) = &self.session else {
            warnings.extend(self.callback.path.is_guessable().then(|| GUESSABLE_CALLBACK_PATH.to_owned()));
            return warnings;
        };
        let is_own = |rule: &Rule| {
            let path = rule.pattern.as_str();
            session.path.covers(path) || self.callback.path.covers(path)
        };
        let own = self.routes.iter().enumerate().filter(|(_, rule)| is_own(rule));
        warnings.extend(own.map(|(index, _)| format!("routes[{index}]: {OWN_ROUTE}")));
        let closed = self.routes.iter().enumerate().filter(|(_, rule)| nobody_logs_in(rule, &session.public_urls));
        warnings.extend(closed.map(|(index, _)| format!("routes[{index}].host: {NO_LOGIN}")));
        if self.identity.carries(Field::Profile) {
            warnings.push(PROFILE_IN_SESSIONS.to_owned());
        }
        if session.same_site == SameSite::None {
            warnings.push(SAME_SITE_NONE.to_owned());
        }
        if self.routes.require() && session.upstream_cookies.is_none() {
            warnings.push(NO_UPSTREAM_COOKIES.to_owned());
        }
        warnings
    }

    /// Displays every rule in its order, the default where no rule matches, and what somebody without a session can reach.
    /// It shows how many phone numbers there are, but neither the numbers nor the callback path.
    pub(crate) fn in_force(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| {
            let Some(session) = &self.session else { return self.write_apps(f) };
            let rules: Vec<_> = self.routes.iter().collect();
            f.write_str("rules (the first that matches applies):\n")?;
            for (index, rule) in rules.iter().enumerate() {
                write!(f, "  {}. {}: ", index + 1, scope(rule))?;
                write_access(f, rule)?;
                writeln!(f, "{}", self.app_of(Some(rule)))?;
            }
            writeln!(f, "  any other path or method: required{}", self.app_of(None))?;
            if self.routes.name_hosts() || session.public_urls.exclude_others() {
                f.write_str("  any host that no rule and no public URL names, and requests without a host: refused\n")?;
            }
            write_groups(f, &self.groups)?;
            f.write_str("a stranger can reach:\n")?;
            writeln!(f, "  the pages of truegate below {}, and the callback path", session.path.as_str())?;
            for (index, rule) in rules.iter().enumerate() {
                write_reach(f, rule, &rules[..index])?;
            }
            let opens = |rule: &&Rule| !rule.requires() || rule.passes_preflights;
            if !rules.iter().any(opens) { f.write_str("  nothing of the app\n") } else { Ok(()) }
        })
    }
}

impl Config {
    /// Displays the rules of a gateway without sessions.
    fn write_apps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.routes.is_empty() {
            return f.write_str(
                "no sessions and no rules: every request reaches the app, and only callbacks carry an identity\n",
            );
        }
        f.write_str("rules (the first that matches applies):\n")?;
        for (index, rule) in self.routes.iter().enumerate() {
            writeln!(f, "  {}. {}: {}", index + 1, scope(rule), self.name_of(Some(rule)))?;
        }
        writeln!(f, "  any other path or method: {}", self.name_of(None))?;
        if self.routes.name_hosts() {
            f.write_str("  any host that no rule names, and requests without a host: refused\n")?;
        }
        f.write_str("no sessions: every other request reaches its app, and only callbacks carry an identity\n")
    }

    /// Whether no request is sent to an app.
    fn is_unused(&self, app: UpstreamId) -> bool {
        let is_named = || self.routes.iter().any(|rule| rule.upstream_number() == Some(app.index()));
        app != self.upstreams.default_id() && !is_named()
    }

    /// Names the app that gets the requests that a rule matches, or none does, if there are several apps.
    fn app_of(&self, rule: Option<&Rule>) -> String {
        let has_several = self.upstreams.iter().nth(1).is_some();
        if has_several { format!("; {}", self.name_of(rule)) } else { String::new() }
    }

    fn name_of(&self, rule: Option<&Rule>) -> String {
        let default = self.upstreams.default_id().index();
        let number = rule.and_then(Rule::upstream_number).unwrap_or(default);
        let app = self.upstreams.iter().find(|(id, _)| id.index() == number);
        app.map(|(_, app)| format!("to `{}`", app.name)).unwrap_or_default()
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

fn write_access(f: &mut fmt::Formatter<'_>, rule: &Rule) -> fmt::Result {
    match &rule.access {
        Access::Public => f.write_str("public"),
        Access::Optional => f.write_str("optional"),
        Access::Required(list) => match list.summary() {
            None => f.write_str("required"),
            Some(summary) => write!(f, "required, allowed: {summary}"),
        },
    }?;
    f.write_str(if rule.passes_preflights { "; preflights pass" } else { "" })
}

fn write_groups(f: &mut fmt::Formatter<'_>, groups: &Groups) -> fmt::Result {
    let mut groups = groups.iter().peekable();
    if groups.peek().is_some() {
        f.write_str("groups:\n")?;
    }
    groups.try_for_each(|group| {
        let members = group.members().summary();
        writeln!(f, "  {}: {}", group.name(), members.as_deref().unwrap_or("everyone"))
    })
}

/// Writes what a rule opens, except for what the rules before it close.
fn write_reach(f: &mut fmt::Formatter<'_>, rule: &Rule, before: &[&Rule]) -> fmt::Result {
    if rule.requires() {
        return if rule.passes_preflights { writeln!(f, "  preflights of {}", scope(rule)) } else { Ok(()) };
    }
    write!(f, "  {}", scope(rule))?;
    let closed = before.iter().filter(|other| other.requires() && closes_part(other, rule));
    for (index, other) in closed.enumerate() {
        write!(f, "{}{}", if index == 0 { ", but not " } else { ", " }, scope(other))?;
    }
    writeln!(f)
}

/// Whether a rule takes something away from another one behind it.
fn closes_part(rule: &Rule, behind: &Rule) -> bool {
    let (path, other) = (&rule.pattern, &behind.pattern);
    match (&rule.host, &behind.host) {
        (None, _) => other.covers(path),
        (Some(_), None) => other.covers(path) || path.covers(other),
        (Some(host), Some(wider)) => wider.covers(host) && (other.covers(path) || path.covers(other)),
    }
}

/// Names the hosts, the paths and the methods of a rule.
fn scope(rule: &Rule) -> String {
    let pattern = &rule.pattern;
    let host = rule.host.as_ref().map(HostPattern::to_string).unwrap_or_default();
    let scope = format!("{host}{} {}", pattern.as_str(), if pattern.is_exact() { "alone" } else { "and below" });
    let Some(methods) = &rule.methods else { return scope };
    let methods: Vec<_> = methods.iter().map(http::Method::as_str).collect();
    format!("{scope} ({})", methods.join(", "))
}

const GUESSABLE_CALLBACK_PATH: &str = "callback.path: can be guessed, and it is the only secret between Truecaller and you \
    (make one with `truegate keys path`, and register it with Truecaller)";
const UNUSED: &str = "never used, because neither a route nor `upstream` names it (write `upstream:` with its name in a route, or \
    remove it)";
const UNVERIFIED: &str = "tls.insecure_skip_verify: any certificate is accepted, so anyone between truegate and the app can read \
    and change everything, identities too (name the app's authority in `ca_file`)";
const OWN_ROUTE: &str = "never applies, because truegate itself answers this path (move the app's page, `session.path` or \
    `callback.path`)";
const NO_LOGIN: &str = "no origin in `session.public_url` has this host, so nobody can log in there (add the origin, or let the \
    rule be public or optional)";
const NO_UPSTREAM_COOKIES: &str = "session.upstream_cookies: missing, although some paths require a login: if the app keeps \
    a session of its own, the next person in the same browser is still logged in as the last one (list the app's cookies, \
    or write [] if it has none)";
const SAME_SITE_NONE: &str = "session.same_site: with `none`, pages of every site can send requests with a user's session (make \
    sure that the app refuses those that it does not want, or write lax)";
const PROFILE_IN_SESSIONS: &str = "identity.headers: the field `profile` is never sent in a session, because a session does \
    not keep it (name the fields that you need)";
