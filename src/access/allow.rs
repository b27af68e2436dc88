//! Whose identity a path needs.

use std::collections::HashSet;

use super::{phones_file::PhonesFile, prefix::PhonePrefix};
use crate::profile::PhoneNumber;

/// Who may come in where an identity is required; everyone who has one by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList(Entries);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Entries {
    #[default]
    Everyone,
    Listed {
        phones: HashSet<PhoneNumber>,
        prefixes: Vec<PhonePrefix>,
        files: Vec<PhonesFile>,
    },
}

/// An entry of an [`AllowList`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AllowEntry {
    /// One number.
    Phone(PhoneNumber),
    /// All numbers that start so.
    Prefix(PhonePrefix),
    /// All numbers that the file lists now.
    File(PhonesFile),
}

impl AllowList {
    pub(super) const EVERYONE: Self = Self(Entries::Everyone);

    /// Lets in whom any entry names, and nobody else: without entries, nobody.
    pub fn only(entries: impl IntoIterator<Item = AllowEntry>) -> Self {
        let (mut phones, mut prefixes, mut files) = (HashSet::new(), Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                AllowEntry::Phone(phone) => drop(phones.insert(phone)),
                AllowEntry::Prefix(prefix) => prefixes.push(prefix),
                AllowEntry::File(file) => files.push(file),
            }
        }
        Self(Entries::Listed { phones, prefixes, files })
    }

    /// Whether a verified number is let in.
    pub fn allows(&self, phone: &PhoneNumber) -> bool {
        match &self.0 {
            Entries::Everyone => true,
            Entries::Listed { phones, prefixes, files } => {
                phones.contains(phone)
                    || prefixes.iter().any(|prefix| prefix.matches(phone))
                    || files.iter().any(|file| file.lists(phone))
            }
        }
    }

    /// How many of each it lists, without what they are; none if it lets in everyone.
    pub fn summary(&self) -> Option<String> {
        let Entries::Listed { phones, prefixes, files } = &self.0 else { return None };
        let count = |count: usize, noun: &str| {
            (count > 0).then(|| format!("{count} {noun}{}", if count == 1 { "" } else { "s" }))
        };
        let in_files = files.iter().map(PhonesFile::len).sum();
        let in_files = (!files.is_empty())
            .then(|| count(in_files, "number").unwrap_or_else(|| "no numbers".to_owned()) + " in a file");
        let parts = [
            count(phones.len(), "number"),
            count(prefixes.len(), "prefix").map(|text| text.replace("prefixs", "prefixes")),
            in_files,
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        Some(if parts.is_empty() { "nobody".to_owned() } else { parts.join(", ") })
    }

    /// The files of the list, to refresh them.
    pub fn files(&self) -> &[PhonesFile] {
        match &self.0 {
            Entries::Everyone => &[],
            Entries::Listed { files, .. } => files,
        }
    }
}

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
    fn whoever_is_not_listed_is_refused() {
        let prefix = PhonePrefix::parse("+4479").unwrap();
        let list = AllowList::only([AllowEntry::Phone(phone("+919999900001")), AllowEntry::Prefix(prefix)]);
        for (guest, allowed) in [
            ("+919999900001", true),
            ("919999900001", true),
            ("+447911123456", true),
            ("+919999900002", false),
            ("+9199999000010", false),
            ("+91999990000", false),
            ("+447811123456", false),
            ("+14479111234", false),
        ] {
            assert_eq!(list.allows(&phone(guest)), allowed, "{guest}");
        }
    }

    #[test]
    fn no_number_is_shown() {
        let prefix = PhonePrefix::parse("+447911").unwrap();
        let list = AllowList::only([AllowEntry::Phone(phone("+919999900001")), AllowEntry::Prefix(prefix)]);
        assert!(!format!("{list:?}").contains(['4', '9']));
    }
}
