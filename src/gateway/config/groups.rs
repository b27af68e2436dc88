//! `groups`, and the users that groups and allow lists name.

use std::str::FromStr;

use super::reader::{Item, Section, Shape, ValueParser, unreadable};
use crate::{
    access::{AllowEntry, AllowList, Group, GroupName, Groups, PhonePrefix, PhonesFile, PhonesFileError},
    profile::PhoneNumber,
};

/// Reads the groups. One with wrong members is there without members, so that rules may name it.
pub(super) fn read(item: Option<Item<'_>>) -> Groups {
    item.into_iter().flat_map(Item::members).filter_map(|(name, item)| group(name, item)).collect()
}

fn group(name: &str, item: Item<'_>) -> Option<Group> {
    let members = item.section(users);
    let name = name.parse::<GroupName>().map_err(|error| item.complain_of_key(format!("{error} (rename it)")));
    if members.as_ref().is_some_and(Vec::is_empty) {
        item.complain("has no members (list phones, phone_prefixes or a phones_file, or remove the group)");
    }
    Some(Group::new(name.ok()?, AllowList::only(members.unwrap_or_default())))
}

/// Reads the keys by which a section names users. Returns none if any value is wrong.
pub(super) fn users(section: &mut Section<'_>) -> Option<Vec<AllowEntry>> {
    let phones = section.take("phones").map(|item| item.parse_all(&phone()));
    let prefixes = section.take("phone_prefixes").map(|item| item.parse_all(&phone_prefix()));
    let file = section.take("phones_file").map(|item| {
        let file = PhonesFile::read(item.path()?).map_err(|error| match error {
            PhonesFileError::Unreadable(cause) => unreadable(&cause),
            error => error.to_string(),
        });
        item.accept(file).map(|file| vec![AllowEntry::File(file)])
    });
    let entries: Option<Vec<_>> = [phones, prefixes, file].into_iter().flatten().collect();
    Some(entries?.into_iter().flatten().collect())
}

/// Reads the names of groups, of which each must be known. Returns none if any is wrong.
pub(super) fn members_of(item: Item<'_>, groups: &Groups) -> Option<Vec<AllowEntry>> {
    item.parse_all(
        &ValueParser::new(Shape::Text, |text| {
            let group = groups.iter().find(|group| group.name() == &**text).cloned();
            group
                .map(AllowEntry::Group)
                .ok_or("not one of the `groups` (add it to `groups` at the top level, or correct it)")
        })
        .open(),
    )
}

/// Takes a number with its plus: without it, a national number could pass for another country's.
fn phone() -> ValueParser<'static, AllowEntry> {
    let parser = ValueParser::new(digits("a phone number with its +"), |text| {
        let phone = PhoneNumber::parse(text).filter(|_| text.starts_with('+'));
        phone.map(AllowEntry::Phone).ok_or("not a valid phone number (write \"+919999900001\")")
    });
    parser.secret()
}

fn phone_prefix() -> ValueParser<'static, AllowEntry> {
    ValueParser::new(digits("the start of phone numbers, with its +"), |text| {
        let prefix = PhonePrefix::from_str(text).map(AllowEntry::Prefix);
        prefix.map_err(|error| format!("{error} (write \"+91\")"))
    })
}

fn digits(words: &'static str) -> Shape {
    Shape::Digits { pattern: "^\\+", words }
}
