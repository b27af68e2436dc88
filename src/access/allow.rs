//! Lists of users: those that a path lets in, or those of a group.

use std::{collections::HashSet, sync::Arc};

use super::{Group, PhonePrefix, phones_file::PhonesFile};
use crate::{
    identity::{Identity, VerificationMethod},
    profile::PhoneNumber,
};

/// The users that a `required` rule lets in, or the members of a [`Group`]. Defaults to everyone with an identity. Clones share
/// their entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    /// None for everyone.
    entries: Option<Arc<Entries>>,
    /// How the number of a user must have been verified.
    verified_by: VerificationMethods,
}

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

/// Some of the verification methods. Defaults to all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct VerificationMethods(
    /// A bit for each.
    u8,
);

impl AllowList {
    pub(super) const EVERYONE: Self = Self { entries: None, verified_by: VerificationMethods::ALL };

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
        Self { entries: Some(Arc::new(Entries { phones, prefixes, files, groups })), ..Self::EVERYONE }
    }

    /// Keeps only the users of the list whose number was verified by one of these methods. Without methods it lets in no user.
    ///
    /// ```
    /// use truegate::{VerificationMethod, access::{Access, AllowList, Rule}};
    ///
    /// let by_truecaller = AllowList::default().verified_by([VerificationMethod::Web, VerificationMethod::App]);
    /// let rule = Rule::new("/wallet".parse()?, Access::Required(by_truecaller));
    /// # drop(rule);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn verified_by(self, methods: impl IntoIterator<Item = VerificationMethod>) -> Self {
        let bits = methods.into_iter().fold(0, |bits, method| bits | VerificationMethods::bit(method));
        Self { verified_by: VerificationMethods(self.verified_by.0 & bits), ..self }
    }

    /// Whether a user is let in.
    pub(crate) fn allows(&self, identity: &Identity) -> bool {
        self.verified_by.have(identity.method()) && self.names(identity)
    }

    /// Whether the list has a user in it, whatever verification methods it asks for.
    pub(crate) fn names(&self, identity: &Identity) -> bool {
        self.entries.as_deref().is_none_or(|Entries { phones, prefixes, files, groups }| {
            let phone = &identity.profile().phone;
            phones.contains(phone)
                || prefixes.iter().any(|prefix| prefix.begins(phone))
                || files.iter().any(|file| file.lists(phone))
                || groups.iter().any(|group| group.has(identity))
        })
    }

    /// The methods of which one must have verified the number of a user.
    pub(crate) fn verification_methods(&self) -> impl Iterator<Item = VerificationMethod> {
        self.verified_by.iter()
    }

    /// The names of the groups of the list, how many numbers and prefixes it has, without naming them, and the verification
    /// methods; `None` if it lets in everyone.
    pub(crate) fn summary(&self) -> Option<String> {
        let users = self.entries.as_deref().map(Entries::summary);
        if self.verified_by == VerificationMethods::ALL {
            return users;
        }
        Some(format!("{}, if verified by {}", users.as_deref().unwrap_or("everyone"), self.verified_by.words()))
    }

    /// The files of the list itself, to refresh them. Its groups may have files of their own.
    pub(crate) fn files(&self) -> &[PhonesFile] {
        self.entries.as_deref().map_or(&[], |entries| &entries.files)
    }

    /// The files of the list and of all its groups.
    pub(super) fn all_files(&self) -> Vec<&PhonesFile> {
        let groups = self.entries.as_deref().map_or(&[][..], |entries| &entries.groups);
        self.files().iter().chain(groups.iter().flat_map(|group| group.members().all_files())).collect()
    }
}

impl VerificationMethods {
    const ALL: Self = Self((1 << VerificationMethod::ALL.len()) - 1);

    fn bit(method: VerificationMethod) -> u8 {
        1 << method as u8
    }

    fn have(self, method: VerificationMethod) -> bool {
        self.0 & Self::bit(method) != 0
    }

    fn iter(self) -> impl Iterator<Item = VerificationMethod> {
        VerificationMethod::ALL.iter().copied().filter(move |method| self.have(*method))
    }

    fn words(self) -> String {
        let words: Vec<_> = self.iter().map(VerificationMethod::code).collect();
        if words.is_empty() { "no method".to_owned() } else { words.join(" or ") }
    }
}

impl Default for VerificationMethods {
    fn default() -> Self {
        Self::ALL
    }
}

impl Entries {
    fn summary(&self) -> String {
        let Self { phones, prefixes, files, groups } = self;
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
        if parts.is_empty() { "nobody".to_owned() } else { parts.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).unwrap()
    }

    fn allows(list: &AllowList, text: &str) -> bool {
        list.allows(&Identity::of_number(text, VerificationMethod::Web))
    }

    #[test]
    fn everyone_is_let_in_by_default() {
        assert!(allows(&AllowList::default(), "+919999999999"));
    }

    #[test]
    fn an_empty_list_lets_nobody_in() {
        assert!(!allows(&AllowList::only([]), "+919999999999"));
    }

    #[test]
    fn a_number_that_is_not_listed_is_refused() {
        let prefix = "+4479".parse().unwrap();
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
            assert_eq!(allows(&list, text), allowed, "{text}");
        }
    }

    #[test]
    fn the_members_of_a_group_are_let_in() {
        let staff = Group::new("staff".parse().unwrap(), AllowList::only([AllowEntry::Phone(phone("+919999900001"))]));
        let list = AllowList::only([AllowEntry::Group(staff), AllowEntry::Phone(phone("+919999900002"))]);
        for (text, allowed) in [("+919999900001", true), ("+919999900002", true), ("+919999900003", false)] {
            assert_eq!(allows(&list, text), allowed, "{text}");
        }
        assert_eq!(list.summary().as_deref(), Some("group staff, 1 number"));
    }

    #[test]
    fn only_those_who_were_verified_by_a_listed_method_are_let_in() {
        use VerificationMethod::{App, MissedCall, Site, Web};
        let staff = || AllowList::only([AllowEntry::Phone(phone("+919999900001"))]);
        let office = Group::new("office".parse().unwrap(), staff().verified_by([App, Web]));
        let others = [AllowEntry::Group(office.clone()), AllowEntry::Phone(phone("+919999900002"))];
        for (list, number, methods, summary) in [
            (AllowList::default(), "+919999900001", &[Web, App, MissedCall, Site][..], None),
            (
                AllowList::default().verified_by(VerificationMethod::ALL.iter().copied()),
                "+919999900001",
                VerificationMethod::ALL,
                None,
            ),
            (
                AllowList::default().verified_by([Site, App]),
                "+919999900003",
                &[App, Site],
                Some("everyone, if verified by app or site"),
            ),
            (AllowList::default().verified_by([]), "+919999900001", &[], Some("everyone, if verified by no method")),
            (staff().verified_by([App]), "+919999900001", &[App], Some("1 number, if verified by app")),
            (staff().verified_by([App]), "+919999900002", &[], Some("1 number, if verified by app")),
            (
                staff().verified_by([App, Web]).verified_by([Web, Site]),
                "+919999900001",
                &[Web],
                Some("1 number, if verified by web"),
            ),
            (AllowList::only([]).verified_by([Web]), "+919999900001", &[], Some("nobody, if verified by web")),
            (AllowList::only(others.clone()), "+919999900001", &[Web, App], Some("group office, 1 number")),
            (
                AllowList::only(others.clone()).verified_by([Web, Site]),
                "+919999900001",
                &[Web],
                Some("group office, 1 number, if verified by web or site"),
            ),
            (
                AllowList::only(others).verified_by([Web, Site]),
                "+919999900002",
                &[Web, Site],
                Some("group office, 1 number, if verified by web or site"),
            ),
        ] {
            let allowed =
                VerificationMethod::ALL.iter().filter(|method| list.allows(&Identity::of_number(number, **method)));
            assert_eq!(
                (allowed.copied().collect::<Vec<_>>(), list.summary().as_deref()),
                (methods.to_vec(), summary),
                "{list:?}"
            );
        }
    }

    #[test]
    fn a_clone_for_a_request_that_waits_copies_no_number() {
        let list = AllowList::only([AllowEntry::Phone(phone("+919999900001"))]);
        let cloned = list.clone();
        assert!(Arc::ptr_eq(list.entries.as_ref().unwrap(), cloned.entries.as_ref().unwrap()));
    }

    #[test]
    fn no_number_is_shown() {
        let prefix = "+447911".parse().unwrap();
        let list = AllowList::only([AllowEntry::Phone(phone("+919999900001")), AllowEntry::Prefix(prefix)]);
        assert!(!format!("{list:?}").contains(['4', '9']));
        assert_eq!(list.summary().as_deref(), Some("1 number, 1 prefix"));
    }

    #[test]
    fn a_prefix_matches_the_numbers_that_start_with_it() {
        let list = AllowList::only([AllowEntry::Prefix("+9199".parse().unwrap())]);
        for (text, matched) in
            [("+919999999999", true), ("+9199123", true), ("+919899999999", false), ("+1919999999", false)]
        {
            assert_eq!(allows(&list, text), matched, "{text}");
        }
    }
}
