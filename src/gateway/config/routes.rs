//! `routes`: which paths need an identity, and whose.

use http::Method;

use super::{
    reader::{Item, Section},
    value,
};
use crate::{
    access::{Access, AllowEntry, AllowList, PathPattern, PhonePrefix, PhonesFile, PhonesFileError, Rule, Rules},
    profile::PhoneNumber,
};

/// Reads the list; rules that are wrong are left out, for they were reported.
pub(super) fn read(item: Option<&Item<'_>>) -> Rules {
    let items = item.and_then(Item::list).unwrap_or_default();
    let mut rules: Vec<(usize, Rule)> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let Some((path, rule)) = item.section(rule).flatten() else { continue };
        if let Some((earlier, _)) = rules.iter().find(|(_, earlier)| earlier.covers(&rule)) {
            let advice = "put the narrower rule first, or remove one";
            path.complain(format!("never counts, as `routes[{earlier}]` comes before it and covers it ({advice})"));
        }
        rules.push((index, rule));
    }
    rules.into_iter().map(|(_, rule)| rule).collect()
}

/// Reads a rule, and gives where its path stands as well.
fn rule<'a>(route: &mut Section<'a>) -> Option<(Item<'a>, Rule)> {
    let path = path(route);
    let methods = route.take("methods");
    let named = methods.as_ref().map(|item| {
        (item, item.list().map(|list| list.iter().map(|item| item.parse(|text| method(text))).collect::<Vec<_>>()))
    });
    let access = access(route);
    let preflight = route.take("preflight");
    let passes = preflight.as_ref().map(|item| item.parse(value::choice(&PREFLIGHTS)));
    if let (Some(item), Some(Access::Public | Access::Optional)) = (&preflight, &access) {
        item.complain_of_name("stands without `access: required`, and preflights pass anyway (remove it)");
    }
    let (item, pattern) = path?;
    let mut rule = Rule::new(pattern, access?);
    if let Some((item, named)) = named {
        let named = named?;
        if named.is_empty() {
            item.complain("names no method (write [GET, HEAD], or remove the key for all methods)");
        }
        rule = rule.methods(named.into_iter().collect::<Option<Vec<_>>>()?);
    }
    if let Some(passes) = passes {
        passes?;
        rule = rule.pass_preflights();
    }
    Some((item, rule))
}

fn path<'a>(route: &mut Section<'a>) -> Option<(Item<'a>, PathPattern)> {
    let (below, exact) = (route.take("path"), route.take("exact"));
    let (item, parse): (_, fn(&str) -> _) = match (below, exact) {
        (Some(item), None) => (item, PathPattern::parse),
        (None, Some(item)) => (item, PathPattern::exact),
        (Some(_), Some(item)) => {
            item.complain_of_name(
                "stands beside `path` (keep one: `path` covers everything below it, `exact` one path)",
            );
            return None;
        }
        (None, None) => {
            route.miss("path", "write path: /account, or exact: /account for that path alone");
            return None;
        }
    };
    let pattern = item.parse(|text| parse(text).map_err(|error| format!("{error} (write one such as /account)")))?;
    Some((item, pattern))
}

/// In capitals, as methods are: `get` is another method than `GET`.
fn method(text: &str) -> Result<Method, &'static str> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    let method = Method::from_bytes(text.as_bytes()).ok().filter(|_| is_plain);
    method.ok_or("is not a method in capital letters (write GET)")
}

fn access(route: &mut Section<'_>) -> Option<Access> {
    let word = route.require("access", "write access: public, optional or required");
    let word = word.and_then(|item| item.parse(value::choice(&WORDS)));
    let allow = route.take("allow");
    let entries = allow.as_ref().map(|item| item.section(entries).flatten());
    match (word?, allow) {
        (Word::Required, None) => Some(Access::Required(AllowList::default())),
        (Word::Required, Some(item)) => Some(Access::Required(allow_list(&item, entries??))),
        (_, Some(item)) => {
            item.complain_of_name("stands without `access: required` (require an identity, or remove the list)");
            None
        }
        (Word::Public, None) => Some(Access::Public),
        (Word::Optional, None) => Some(Access::Optional),
    }
}

fn allow_list(item: &Item<'_>, entries: Vec<AllowEntry>) -> AllowList {
    if entries.is_empty() {
        item.complain("lets nobody in (list phones, phone_prefixes or a phones_file, or remove the key)");
    }
    AllowList::only(entries)
}

fn entries(allow: &mut Section<'_>) -> Option<Vec<AllowEntry>> {
    let phones = each(allow.take("phones"), |text| phone(text).map(AllowEntry::Phone));
    let prefixes = each(allow.take("phone_prefixes"), |text| prefix(text).map(AllowEntry::Prefix));
    let file = allow.take("phones_file").map_or_else(|| Some(Vec::new()), |item| file(&item).map(|file| vec![file]));
    Some([phones?, prefixes?, file?].into_iter().flatten().collect())
}

/// Reads a list, or none if any of it is wrong.
fn each(item: Option<Item<'_>>, parse: impl Fn(&str) -> Result<AllowEntry, String>) -> Option<Vec<AllowEntry>> {
    let Some(item) = item else { return Some(Vec::new()) };
    // All are looked at, though the first mistake decides.
    let parsed: Vec<_> = item.list()?.iter().map(|item| item.parse(|text| parse(text))).collect();
    parsed.into_iter().collect()
}

/// Without its plus, a national number could pass for another country's.
fn phone(text: &str) -> Result<PhoneNumber, String> {
    let phone = PhoneNumber::parse(text).filter(|_| text.starts_with('+'));
    phone.ok_or_else(|| "is not a phone number (write \"+919999900001\")".to_owned())
}

fn prefix(text: &str) -> Result<PhonePrefix, String> {
    PhonePrefix::parse(text).map_err(|error| format!("{error} (write \"+91\")"))
}

fn file(item: &Item<'_>) -> Option<AllowEntry> {
    let explain = |error| match error {
        PhonesFileError::Unreadable(kind) => {
            format!("names a file that cannot be read: {kind} (paths are relative to the configuration)")
        }
        PhonesFileError::Line(line) => {
            format!("names a file whose line {line} is not a phone number (write +919999900001)")
        }
    };
    item.parse(|path| PhonesFile::read(item.context().locate(path)).map_err(explain)).map(AllowEntry::File)
}

#[derive(Clone, Copy)]
enum Word {
    Public,
    Optional,
    Required,
}

const PREFLIGHTS: [(&str, ()); 1] = [("pass", ())];
const WORDS: [(&str, Word); 3] = [("public", Word::Public), ("optional", Word::Optional), ("required", Word::Required)];
