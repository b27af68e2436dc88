//! What a valid configuration does, as `truegate check` tells it.

use std::fmt;

use super::{Config, ListenerConfig, MASK, Protocol};
use crate::access::{Access, Groups, HostPattern, Rule};

impl Config {
    /// Displays each listener and each app: where they are, and which protocol they speak.
    pub(crate) fn listeners_and_apps(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| {
            f.write_str("listeners:\n")?;
            self.listen.iter().try_for_each(|listener| write_listener(f, listener))?;
            f.write_str("apps:\n")?;
            self.upstreams.iter().try_for_each(|(_, upstream)| {
                let servers: Vec<_> = upstream.servers.iter().map(|server| server.url(upstream.scheme())).collect();
                let version = match upstream.protocol {
                    Protocol::Http1 => "HTTP/1.1",
                    Protocol::Http2 => "HTTP/2",
                };
                writeln!(f, "  {}: {} by {version}", upstream.name, servers.join(", "))
            })
        })
    }

    /// Displays every rule in its order, the default where no rule matches, and what somebody without a session can reach.
    /// It shows how many phone numbers there are, but neither the numbers nor the callback path.
    pub(crate) fn in_force(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| {
            let Some(session) = &self.session else { return self.write_apps(f) };
            let rules: Vec<_> = self.routes.iter().collect();
            f.write_str("rules (the first that matches applies):\n")?;
            for (index, rule) in rules.iter().enumerate() {
                write!(f, "  {}. {}: ", index + 1, self.scope(rule))?;
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
            if let Some(native) = &self.native {
                writeln!(f, "  {} alone (POST), where users of your Android app log in", native.path.as_str())?;
            }
            for (index, rule) in rules.iter().enumerate() {
                self.write_reach(f, rule, &rules[..index])?;
            }
            let opens = |rule: &&Rule| !rule.requires() || rule.passes_preflights;
            if !rules.iter().any(opens) { f.write_str("  nothing of the app\n") } else { Ok(()) }
        })
    }
}

impl Config {
    /// Displays the rules of a gateway without sessions.
    fn write_apps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let carriers = self.native.as_ref().map_or("only callbacks carry".to_owned(), |native| {
            format!("only callbacks, and logins of your Android app at {}, carry", native.path.as_str())
        });
        if self.routes.is_empty() {
            return writeln!(f, "no sessions and no rules: every request reaches the app, and {carriers} an identity");
        }
        f.write_str("rules (the first that matches applies):\n")?;
        for (index, rule) in self.routes.iter().enumerate() {
            writeln!(f, "  {}. {}: {}", index + 1, self.scope(rule), self.name_of(Some(rule)))?;
        }
        writeln!(f, "  any other path or method: {}", self.name_of(None))?;
        if self.routes.name_hosts() {
            f.write_str("  any host that no rule names, and requests without a host: refused\n")?;
        }
        writeln!(f, "no sessions: every other request reaches its app, and {carriers} an identity")
    }

    /// Names the app that gets the requests that a rule matches, or none does, if there are several apps.
    fn app_of(&self, rule: Option<&Rule>) -> String {
        let has_several = self.upstreams.iter().nth(1).is_some();
        if has_several { format!("; {}", self.name_of(rule)) } else { String::new() }
    }

    /// Writes what a rule opens, except for what the rules before it close.
    fn write_reach(&self, f: &mut fmt::Formatter<'_>, rule: &Rule, before: &[&Rule]) -> fmt::Result {
        if rule.requires() {
            return if rule.passes_preflights { writeln!(f, "  preflights of {}", self.scope(rule)) } else { Ok(()) };
        }
        write!(f, "  {}", self.scope(rule))?;
        let closed = before.iter().filter(|other| other.requires() && closes_part(other, rule));
        for (index, other) in closed.enumerate() {
            write!(f, "{}{}", if index == 0 { ", but not " } else { ", " }, self.scope(other))?;
        }
        writeln!(f)
    }

    /// Names the hosts, the paths and the methods of a rule.
    fn scope(&self, rule: &Rule) -> String {
        let pattern = &rule.pattern;
        let host = rule.host.as_ref().map(HostPattern::to_string).unwrap_or_default();
        let path = if self.callback.path.is_told_by(pattern.as_str().as_bytes()) { MASK } else { pattern.as_str() };
        let scope = format!("{host}{path} {}", if pattern.is_exact() { "alone" } else { "and below" });
        let Some(methods) = &rule.methods else { return scope };
        let methods: Vec<_> = methods.iter().map(http::Method::as_str).collect();
        format!("{scope} ({})", methods.join(", "))
    }

    fn name_of(&self, rule: Option<&Rule>) -> String {
        let default = self.upstreams.default_id().index();
        let number = rule.and_then(Rule::upstream_number).unwrap_or(default);
        let app = self.upstreams.iter().find(|(id, _)| id.index() == number);
        app.map(|(_, app)| format!("to `{}`", app.name)).unwrap_or_default()
    }
}

fn write_listener(f: &mut fmt::Formatter<'_>, listener: &ListenerConfig) -> fmt::Result {
    write!(f, "  {}: {}", listener.address, if listener.tls.is_some() { "https" } else { "http" })?;
    let has_clients = listener.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
    for (is_so, words) in [
        (has_clients, "for clients with a certificate"),
        (listener.proxy_protocol, "after a PROXY header"),
        (listener.redirect.is_some(), "redirects to https"),
    ] {
        if is_so {
            write!(f, ", {words}")?;
        }
    }
    writeln!(f)
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

/// Whether a rule takes something away from another one behind it.
fn closes_part(rule: &Rule, behind: &Rule) -> bool {
    let (path, other) = (&rule.pattern, &behind.pattern);
    match (&rule.host, &behind.host) {
        (None, _) => other.covers(path),
        (Some(_), None) => other.covers(path) || path.covers(other),
        (Some(host), Some(wider)) => wider.covers(host) && (other.covers(path) || path.covers(other)),
    }
}
