//! What a configuration puts in force, for people to read.

use std::fmt;

use super::Settings;
use crate::access::{Access, Rule};

impl Settings {
    /// Every rule in its order, what holds where no rule does, and what somebody without a session can reach. Of phone
    /// numbers it tells how many there are, and the callback path is not in it.
    pub fn in_force(&self) -> impl fmt::Display + '_ {
        InForce(self)
    }
}

struct InForce<'a>(&'a Settings);

impl fmt::Display for InForce<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(session) = &self.0.session else {
            return f.write_str(
                "no sessions and no rules: every request reaches the app, and only callbacks carry an identity\n",
            );
        };
        f.write_str("rules, of which the first that matches counts:\n")?;
        for (index, rule) in self.0.routes.iter().enumerate() {
            writeln!(f, "  {}. {}", index + 1, Shown(rule))?;
        }
        f.write_str("  any other path or method: required\na stranger reaches:\n")?;
        writeln!(f, "  the pages of truegate below {}, and the callback path", session.path.as_str())?;
        let rules: Vec<_> = self.0.routes.iter().collect();
        for (index, rule) in rules.iter().enumerate() {
            reach(f, rule, &rules[..index])?;
        }
        let opens = |rule: &&Rule| !rule.requires() || rule.passes_preflights();
        if !rules.iter().any(opens) { f.write_str("  nothing of the app\n") } else { Ok(()) }
    }
}

/// What a rule opens, but for what the rules before it close.
fn reach(f: &mut fmt::Formatter<'_>, rule: &Rule, before: &[&Rule]) -> fmt::Result {
    if rule.requires() {
        return if rule.passes_preflights() { writeln!(f, "  preflights of {}", Place(rule)) } else { Ok(()) };
    }
    write!(f, "  {}", Place(rule))?;
    let closed = before.iter().filter(|other| other.requires() && rule.pattern().covers(other.pattern()));
    for (index, other) in closed.enumerate() {
        write!(f, "{}{}", if index == 0 { ", but not " } else { ", " }, Place(other))?;
    }
    writeln!(f)
}

struct Shown<'a>(&'a Rule);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", Place(self.0))?;
        match self.0.access() {
            Access::Public => f.write_str("public"),
            Access::Optional => f.write_str("optional"),
            Access::Required(list) => match list.summary() {
                None => f.write_str("required"),
                Some(summary) => write!(f, "required, allowed: {summary}"),
            },
        }?;
        if self.0.passes_preflights() { f.write_str("; preflights pass") } else { Ok(()) }
    }
}

struct Place<'a>(&'a Rule);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pattern = self.0.pattern();
        let scope = if pattern.is_exact() { "alone" } else { "and below" };
        write!(f, "{} {scope}", pattern.as_str())?;
        let Some(methods) = self.0.named_methods() else { return Ok(()) };
        let methods: Vec<_> = methods.iter().map(http::Method::as_str).collect();
        write!(f, " ({})", methods.join(", "))
    }
}
