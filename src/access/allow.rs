//! Lists of users: those that a path lets in, or those of a group.

use std::{collections::HashSet, str::FromStr, sync::Arc};

use super::{Group, phones_file::PhonesFile};
use crate::profile::PhoneNumber;

/// The users that a `required` rule lets in, or the members of a [`Group`]. Defaults to everyone with an identity. Clones share
/// their entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList(
    /// None for everyone.
    Option<Arc<Entries>>,
);

#[derive(Debug, PartialEq, Eq)]
struct Entries {
    phones: HashSet<PhoneNumber>,
    prefixes: Vec<PhonePrefix>,
    files: Vec<PhonesFile>,
    groups: Vec<Group>,
}

/// An entry of an [`AllowList`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AllowEntry {
    /// One number.
    Phone(PhoneNumber),
    /// All numbers with this prefix.
    Prefix(PhonePrefix),
    /// All numbers that the file lists at the time of a request.
    File(PhonesFile),
    /// All members that a group has at the time of a request.
    Group(Group),
}

impl AllowList {
    pub(super) const EVERYONE: Self = Self(None);

    /// Lets in the numbers that any entry names, and no others. Without entries it lets in no user.
    pub fn only(entries: impl IntoIterator<Item = AllowEntry>) -> Self {
        let (mut phones, mut prefixes, mut files, mut groups) = (HashSet::new(), Vec::new(), Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                AllowEntry::Phone(phone) => drop(phones.insert(phone)),
                AllowEntry::Prefix(prefix) => prefixes.push(prefix),
                AllowEntry::File(file) => files.push(file),
                AllowEntry::Group(group) => groups.push(group),
            }
        }
        Self(Some(Arc::new(Entries { phones, prefixes, files, groups })))
    }

    /// Whether a verified number is let in.
    pub(crate) fn allows(&self, phone: &PhoneNumber) -> bool {
        self.0.as_deref().is_none_or(|Entries { phones, prefixes, files, groups }| {
            phones.contains(phone)
                || prefixes.iter().any(|prefix| phone.as_str().starts_with(&*prefix.0))
                || files.iter().any(|file| file.lists(phone))
                || groups.iter().any(|group| group.has(phone))
        })
    }

    /// The names of the groups of the list, and how many numbers and prefixes it has, without naming them; `None` if it lets in
    /// everyone.
    pub(crate) fn summary(&self) -> Option<String> {
        let Entries { phones, prefixes, files, groups } = self.0.as_deref()?;
        let in_files = files.iter().map(PhonesFile::len).sum();
        let parts = [
            (!phones.is_empty(), phones.len(), "number", "numbers"),
            (!prefixes.is_empty(), prefixes.len(), "prefix", "prefixes"),
            (!files.is_empty(), in_files, "number in a file", "numbers in a file"),
        ];
        let parts = parts.into_iter().filter(|(is_there, ..)| *is_there).map(|(_, count, one, many)| match count {
            0 => format!("no {many}"),
            1 => format!("1 {one}"),
            _ => format!("{count} {many}"),
        });
        let groups = groups.iter().map(|group| format!("group {}", group.name()));
        let parts: Vec<_> = groups.chain(parts).collect();
        Some(if parts.is_empty() { "nobody".to_owned() } else { parts.join(", ") })
    }

    /// The files of the list itself, to refresh them. Its groups may have files of their own.
    pub(crate) fn files(&self) -> &[PhonesFile] {
        self.0.as_deref().map_or(&[], |entries| &entries.files)
    }

    /// The files of the list and of all its groups.
    pub(super) fn all_files(&self) -> Vec<&PhonesFile> {
        let groups = self.0.as_deref().map_or(&[][..], |entries| &entries.groups);
        self.files().iter().chain(groups.iter().flat_map(|group| group.members().all_files())).collect()
    }
}

/// The first digits of phone numbers in E.164 form, such as `+91`: `+`, then 1 to 15 digits of which the first is not 0.
///
/// # Security
///
/// It may be a whole number, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhonePrefix(Box<str>);

impl FromStr for PhonePrefix {
    type Err = PhonePrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('+').ok_or(PhonePrefixError)?;
        let plain = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain && !digits.starts_with('0') { Ok(Self(text.into())) } else { Err(PhonePrefixError) }
    }
}

redacted!(PhonePrefix);

/// A text is not a prefix of phone numbers. The error does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `+` and 1 to 15 digits, of which the first is not 0")]
#[non_exhaustive]
pub struct PhonePrefixError;

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).unwrap()
    }

    #[test]
    fn everyone_is_let_in_by_default() {
        assert!(AllowList::default().allows(&phone("+919999999999")));
    }

    #[test]
    fn an_empty_list_lets_nobody_in() {
        assert!(!AllowList::only([]).allows(&phone("+919999999999")));
    }

    #[test]
    fn a_number_that_is_not_listed_is_refused() {
        let prefix = PhonePrefix::from_str("+4479").unwrap();
        let list = AllowList::only([AllowEntry::Phone(phone("+919999900001")), AllowEntry::Prefix(prefix)]);
        for (text, allowed) in [
            ("+919999900001", true),
            ("919999900001", true),
            ("+447911123456", true),
            ("+919999900002", false),
            ("+9199999000010", false),
            ("+91999990000", false),
            ("+447811123456", false),
            ("+14479111234", false),
        ] {
            assert_eq!(list.allows(&phone(text)), allowed, "{text}");
        }
    }

    #[test]
    fn the_members_of_a_group_are_let_in() {
        let staff = Group::new("staff".parse().unwrap(), AllowList::only([AllowEntry::Phone(phone("+919999900001"))]));
        let list = AllowList::only([AllowEntry::Group(staff), AllowEntry::Phone(phone("+919999900002"))]);
        for (text, allowed) in [("+919999900001", true), ("+919999900002", true), ("+919999900003", false)] {
            assert_eq!(list.allows(&phone(text)), allowed, "{text}");
        }
        assert_eq!(list.summary().as_deref(), Some("group staff, 1 number"));
    }

    #[test]
    fn a_clone_for_a_request_that_waits_copies_no_number() {
        let list = AllowList::only([AllowEntry::Phone(phone("+919999900001"))]);
        let cloned = list.clone();
        assert!(Arc::ptr_eq(list.0.as_ref().unwrap(), cloned.0.as_ref().unwrap()));
    }

    #[test]
    fn no_number_is_shown() {
        let prefix = PhonePrefix::from_str("+447911").unwrap();
        let list = AllowList::only([AllowEntry::Phone(phone("+919999900001")), AllowEntry::Prefix(prefix)]);
        assert!(!format!("{list:?}").contains(['4', '9']));
        assert_eq!(list.summary().as_deref(), Some("1 number, 1 prefix"));
    }

    #[test]
    fn a_prefix_has_one_form() {
        for taken in ["+9", "+91", "+919999999999", "+123456789012345"] {
            assert!(PhonePrefix::from_str(taken).is_ok(), "{taken}");
        }
        for refused in ["", "+", "91", "+0", "+091", "++91", "+91 ", "+9a", "+\u{ff19}", "+1234567890123456", "+91*"] {
            assert_eq!(PhonePrefix::from_str(refused), Err(PhonePrefixError), "{refused}");
        }
    }

    #[test]
    fn a_prefix_matches_the_numbers_that_start_with_it() {
        let list = AllowList::only([AllowEntry::Prefix("+9199".parse().unwrap())]);
        for (text, matched) in
            [("+919999999999", true), ("+9199123", true), ("+919899999999", false), ("+1919999999", false)]
        {
            assert_eq!(list.allows(&phone(text)), matched, "{text}");
        }
    }
}
