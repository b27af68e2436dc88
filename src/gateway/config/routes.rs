//! `routes`: which requests need an identity, and whose, and which app gets them.

use std::str::FromStr;

use http::Method;

use super::{
    UpstreamConfig, UpstreamId, Upstreams, groups,
    reader::{Item, Section, Shape, ValueParser, nearest},
    upstream::AppNames,
    value,
};
use crate::{
    access::{Access, AllowEntry, AllowList, Groups, HostPattern, PathPattern, Rule, Rules},
    identity::VerificationMethod,
};

/// The parts of the configuration that rules name.
pub(super) struct RuleContext<'a> {
    pub(super) groups: &'a Groups,
    pub(super) names: AppNames<'a>,
    /// None if there are mistakes.
    pub(super) upstreams: Option<&'a Upstreams>,
    pub(super) has_sessions: bool,
}

/// Reads the list, without the rules that are wrong.
pub(super) fn read(item: Option<Item<'_>>, context: &RuleContext<'_>) -> Rules {
    let items = item.and_then(Item::list).unwrap_or_default();
    let mut rules: Vec<(usize, Rule)> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let Some((path, rule)) = item.section(|route| rule(route, context)) else { continue };
        let covering = rule.covered_by(&rules.iter().map(|(_, earlier)| earlier)).into_iter();
        match &covering.map(|place| format!("`routes[{}]`", rules[place].0)).collect::<Vec<_>>()[..] {
            [] => {}
            [sole] => {
                path.complain(format!("never applies, because {sole} comes first and covers it ({NARROWER_FIRST})"));
            }
            [others @ .., last] => path.complain(format!(
                "never applies, because {} and {last} come first and cover it together ({NARROWER_FIRST})",
                others.join(", ")
            )),
        }
        rules.push((index, rule));
    }
    rules.into_iter().map(|(_, rule)| rule).collect()
}

/// Reads a rule, and returns it with the item of its path.
fn rule<'a>(route: &mut Section<'a>, context: &RuleContext<'_>) -> Option<(Item<'a>, Rule)> {
    let host = route.take("host").map(|item| item.parse(&value::text(HostPattern::from_str, HOST).open()));
    let path = path(route);
    let methods = route.take("methods").map(|item| {
        let methods = item.parse_all(&method());
        if methods.as_ref().is_some_and(Vec::is_empty) {
            item.complain("must not be empty (write [GET, HEAD], or remove the key for all methods)");
        }
        methods
    });
    let upstream = route.take("upstream").map(|item| upstream(item, context));
    let access = if context.has_sessions { access(route, context.groups) } else { no_access(route) };
    let preflight = route.take("preflight").filter(|_| context.has_sessions);
    let passes = preflight.map(|item| item.parse(&value::choice([("pass", ())])));
    if let (Some(item), Some(Access::Public | Access::Optional)) = (preflight, &access) {
        item.complain_of_key("only used with `access: required`; elsewhere preflights pass anyway (remove it)");
    }
    let (item, pattern) = path?;
    let mut rule = Rule::new(pattern, access?);
    if let Some(upstream) = upstream {
        let to_app = |rule: Rule, (id, app): (UpstreamId, &UpstreamConfig)| {
            rule.upstream(id.index()).headers(app.identity.clone())
        };
        rule = upstream?.into_iter().fold(rule, to_app);
    }
    if let Some(host) = host {
        rule = rule.host(host?);
    }
    if let Some(methods) = methods {
        rule = rule.methods(methods?);
    }
    if let Some(passes) = passes {
        passes?;
        rule = rule.pass_preflights();
    }
    Some((item, rule))
}

fn path<'a>(route: &mut Section<'a>) -> Option<(Item<'a>, PathPattern)> {
    let (item, parse): (_, fn(&str) -> _) = match route.take_alternatives(["path", "exact"]) {
        [Some(item), None] => (item, PathPattern::from_str),
        [None, Some(item)] => (item, PathPattern::exact),
        [Some(_), Some(item)] => {
            let advice = "keep one: `path` covers everything below it, `exact` one path";
            item.complain_of_key(format!("cannot be combined with `path` ({advice})"));
            return None;
        }
        [None, None] => {
            route.miss("path", "write path: /account, or exact: /account for that path alone");
            return None;
        }
    };
    let pattern = item.parse(&value::path(parse, "write one such as /account"))?;
    Some((item, pattern))
}

/// Reads the name of an app. Returns no app for the default one, or if the apps are not known because of mistakes there.
fn upstream<'k>(item: Item<'_>, context: &RuleContext<'k>) -> Option<Option<(UpstreamId, &'k UpstreamConfig)>> {
    item.parse(
        &ValueParser::new(Shape::Text, |text| {
            if context.names.may_have(text) {
                let app = context
                    .upstreams
                    .and_then(|all| all.iter().find(|(id, app)| app.name == **text && *id != all.default_id()));
                return Ok(app);
            }
            let names = &context.names.all[..];
            Err(match (nearest(text, names), names) {
                _ if text.contains("://") => {
                    "names no app of `upstreams` (a rule takes a name: give this URL one in `upstreams`)".to_owned()
                }
                (Some(name), _) => format!("names no app of `upstreams` (did you mean `{name}`?)"),
                (None, []) => "names no app, because there are no `upstreams` (add the app there)".to_owned(),
                (None, names) => format!("names no app of `upstreams` (write one of {})", names.join(", ")),
            })
        })
        .open(),
    )
}

/// Refuses the keys of access. Without sessions no rule is stricter than another, and than what no rule matches.
fn no_access(route: &mut Section<'_>) -> Option<Access> {
    let keys = ["access", "allow", "preflight"].map(|name| route.take(name));
    keys.iter().flatten().for_each(|item| {
        item.complain_of_key(
            "only used with `session`, because without it nobody is logged in (add `session`, or remove this key)",
        );
    });
    keys.iter().all(Option::is_none).then(|| Access::Required(AllowList::default()))
}

/// Takes a method in capital letters: `get` is another method than `GET`.
fn method() -> ValueParser<'static, Method> {
    let shape = Shape::Pattern { pattern: "^[A-Z-]+$", words: "a method in capital letters" };
    ValueParser::new(shape, |text| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        let method = Method::from_bytes(text.as_bytes()).ok().filter(|_| is_plain);
        method.ok_or("not a method in capital letters (write GET)")
    })
    .open()
}

fn access(route: &mut Section<'_>, groups: &Groups) -> Option<Access> {
    let words = [
        ("public", Access::Public),
        ("optional", Access::Optional),
        ("required", Access::Required(AllowList::default())),
    ];
    let advice = "write access: public, optional or required";
    let access = route.read_required("access", advice, &value::choice(words));
    let Some(item) = route.take("allow") else { return access };
    let allowed = item.section(|allow| allowed(allow, groups));
    if !matches!(access?, Access::Required(_)) {
        item.complain_of_key("only used with `access: required` (write that, or remove the list)");
        return None;
    }
    let (entries, methods) = allowed?;
    // Methods alone let in every user who was verified by one of them. A list of users without users still lets in nobody.
    let list = if methods.is_some() && item.keys().all(|key| key == "methods") {
        AllowList::default()
    } else {
        if entries.is_empty() {
            item.complain(
                "allows nobody (list groups, phones, phone_prefixes, a phones_file or methods, or remove the key)",
            );
        }
        AllowList::only(entries)
    };
    Some(Access::Required(match methods {
        Some(methods) => list.verified_by(methods),
        None => list,
    }))
}

/// Reads the entries of an allow list, and its verification methods if it has the key. Returns none if any of them is wrong.
fn allowed(allow: &mut Section<'_>, known: &Groups) -> Option<(Vec<AllowEntry>, Option<Vec<VerificationMethod>>)> {
    let methods = allow.take("methods").map(verification_methods);
    let groups = allow.take("groups").map(|item| groups::members_of(item, known));
    let mut entries = groups::users(allow)?;
    if let Some(groups) = groups {
        entries.extend(groups?);
    }
    Some((entries, methods.map_or(Some(None), |methods| methods.map(Some))?))
}

fn verification_methods(item: Item<'_>) -> Option<Vec<VerificationMethod>> {
    let words = VerificationMethod::ALL.iter().map(|method| (method.code(), *method));
    let methods = item.parse_all(&value::choice(words));
    if methods.as_ref().is_some_and(Vec::is_empty) {
        item.complain("must not be empty (write [web, app], or remove the key for all methods)");
    }
    methods
}

const NARROWER_FIRST: &str = "put the narrower rule first, or remove one";
const HOST: &str = "write wiki.example or \"*.wiki.example\", or remove the key for every host";
