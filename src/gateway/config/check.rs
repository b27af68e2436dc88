//! The output of `truegate check` for a valid configuration: the rules in force, and warnings.

use std::fmt;

use super::Settings;
use crate::{
    access::{Access, Rule},
    headers::Field,
};

/// A likely mistake in a valid configuration, or something that lowers its safety. `truegate check` prints it, and `truegate
/// serve` logs it when it starts.
///
/// # Security
///
/// It displays as the key and what to do, and repeats no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Warning {
    /// Without sessions, a callback path that can be guessed.
    #[error(
        "callback.path: can be guessed, and it is the only secret between Truecaller and you (make one with `truegate \
         keys path`, and register it with Truecaller)"
    )]
    GuessableCallbackPath,
    /// The rule with this index, counted from 0, is for paths that truegate answers itself.
    #[error(
        "routes[{0}]: never applies, because truegate itself answers this path (move the app's page, `session.path` or \
         `callback.path`)"
    )]
    OwnRoute(usize),
    /// Some requests need a login, and no cookie of the app is set to end with it.
    #[error(
        "session.upstream_cookies: missing, although some paths require a login: if the app keeps a session of its own, \
         the next person in the same browser is still logged in as the last one (list the app's cookies, or write [] if \
         it has none)"
    )]
    NoUpstreamCookies,
    /// With sessions, a header with the field `profile`.
    #[error(
        "identity.headers: the field `profile` is never sent in a session, because a session does not keep it (name the \
         fields that you need)"
    )]
    ProfileInSessions,
}

impl Settings {
    /// Returns the likely mistakes; none if all is well.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let Some(session) = &self.session else {
            return self.callback.path.is_guessable().then_some(Warning::GuessableCallbackPath).into_iter().collect();
        };
        let is_own = |path: &str| session.path.covers(path) || self.callback.path.covers(path);
        let rules = self.routes.iter().enumerate();
        let own = rules.filter(|(_, rule)| is_own(rule.pattern.as_str())).map(|(at, _)| Warning::OwnRoute(at));
        let unlisted = self.routes.require() && session.upstream_cookies.is_none();
        own.chain(self.identity.carries(Field::Profile).then_some(Warning::ProfileInSessions))
            .chain(unlisted.then_some(Warning::NoUpstreamCookies))
            .collect()
    }

    /// Displays every rule in its order, the default where no rule matches, and what somebody without a session can reach.
    /// It shows how many phone numbers there are, but neither the numbers nor the callback path.
    pub(crate) fn in_force(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| {
            let Some(session) = &self.session else {
                return f.write_str(
                    "no sessions and no rules: every request reaches the app, and only callbacks carry an identity\n",
                );
            };
            let rules: Vec<_> = self.routes.iter().collect();
            f.write_str("rules (the first that matches applies):\n")?;
            for (index, rule) in rules.iter().enumerate() {
                write_rule(f, index + 1, rule)?;
            }
            f.write_str("  any other path or method: required\na stranger can reach:\n")?;
            writeln!(f, "  the pages of truegate below {}, and the callback path", session.path.as_str())?;
            for (index, rule) in rules.iter().enumerate() {
                write_reach(f, rule, &rules[..index])?;
            }
            let opens = |rule: &&Rule| !rule.requires() || rule.passes_preflights;
            if !rules.iter().any(opens) { f.write_str("  nothing of the app\n") } else { Ok(()) }
        })
    }
}

fn write_rule(f: &mut fmt::Formatter<'_>, number: usize, rule: &Rule) -> fmt::Result {
    write!(f, "  {number}. {}: ", scope(rule))?;
    match &rule.access {
        Access::Public => f.write_str("public"),
        Access::Optional => f.write_str("optional"),
        Access::Required(list) => match list.summary() {
            None => f.write_str("required"),
            Some(summary) => write!(f, "required, allowed: {summary}"),
        },
    }?;
    f.write_str(if rule.passes_preflights { "; preflights pass\n" } else { "\n" })
}

/// Writes what a rule opens, except for what the rules before it close.
fn write_reach(f: &mut fmt::Formatter<'_>, rule: &Rule, before: &[&Rule]) -> fmt::Result {
    if rule.requires() {
        return if rule.passes_preflights { writeln!(f, "  preflights of {}", scope(rule)) } else { Ok(()) };
    }
    write!(f, "  {}", scope(rule))?;
    let closed = before.iter().filter(|other| other.requires() && rule.pattern.covers(&other.pattern));
    for (index, other) in closed.enumerate() {
        write!(f, "{}{}", if index == 0 { ", but not " } else { ", " }, scope(other))?;
    }
    writeln!(f)
}

/// Names the paths and methods of a rule.
fn scope(rule: &Rule) -> String {
    let pattern = &rule.pattern;
    let scope = format!("{} {}", pattern.as_str(), if pattern.is_exact() { "alone" } else { "and below" });
    let Some(methods) = &rule.methods else { return scope };
    let methods: Vec<_> = methods.iter().map(http::Method::as_str).collect();
    format!("{scope} ({})", methods.join(", "))
}
