//! `groups`, and the users that groups and allow lists name.

use std::str::FromStr;

use super::{
    reader::{Item, Section, unreadable},
    value,
};
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
    let phones = section.take("phones").map(|item| item.parse_all(|text| phone(text).map(AllowEntry::Phone)));
    let prefix = value::text(PhonePrefix::from_str, "write \"+91\"");
    let prefixes =
        section.take("phone_prefixes").map(|item| item.parse_all(|text| prefix(text).map(AllowEntry::Prefix)));
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
    item.parse_all(|text| {
        let group = groups.iter().find(|group| group.name() == &**text).cloned();
        group
            .map(AllowEntry::Group)
            .ok_or("not one of the `groups` (add it to `groups` at the top level, or correct it)")
    })
}

/// Takes a number with its plus: without it, a national number could pass for another country's.
fn phone(text: &str) -> Result<PhoneNumber, &'static str> {
    let phone = PhoneNumber::parse(text).filter(|_| text.starts_with('+'));
    phone.ok_or("not a valid phone number (write \"+919999900001\")")
}
