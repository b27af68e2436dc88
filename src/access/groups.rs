//! Groups: names for lists of users, which apps and rules know them by.

use std::{str::FromStr, sync::Arc};

use super::{AllowList, PhonesFile};
use crate::identity::{GroupNames, Identity};

/// The groups of a site, in the order in which their names are sent. By default there are none. Clones share the groups.
///
/// Give them to the sessions with [`SessionsBuilder::groups`](crate::session::SessionsBuilder::groups). The identity of each request
/// then has the [names](crate::Identity::groups) of the groups that the user is in, and the headers with
/// [`Field::Groups`](crate::headers::Field::Groups) carry these names. If two groups have the same name, a member of both gets
/// it once.
///
/// ```
/// use truegate::{
///     access::{Access, AllowEntry, AllowList, Group, Groups, Rule, Rules},
///     profile::PhoneNumber,
/// };
///
/// let chief = PhoneNumber::parse("+919999900001").expect("a number");
/// let staff = Group::new("staff".parse()?, AllowList::only([AllowEntry::Phone(chief)]));
/// let rules = Rules::from_iter([Rule::new(
///     "/office".parse()?,
///     Access::Required(AllowList::only([AllowEntry::Group(staff.clone())])),
/// )]);
/// let groups = Groups::from_iter([staff]);
/// # drop((rules, groups));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Groups {
    groups: Arc<[Group]>,
    /// The files that any group names: what they list may change.
    files: Arc<[PhonesFile]>,
}

/// A name for a list of users. Clones share the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    name: GroupName,
    members: AllowList,
}

impl Groups {
    /// Returns the names of the groups that a user is in.
    pub(crate) fn of(&self, identity: &Identity) -> GroupNames {
        let mut names: Vec<&str> = Vec::new();
        for group in self.groups.iter().filter(|group| group.has(identity)) {
            if !names.contains(&&*group.name.0) {
                names.push(&group.name.0);
            }
        }
        names.into_iter().collect()
    }

    /// Returns a number that changes whenever any group may have other members.
    ///
    /// Read it before the members of a group: the members are then at least as new as the number.
    pub(crate) fn version(&self) -> u64 {
        self.files.iter().map(PhonesFile::version).sum()
    }

    /// The groups in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter()
    }
}

impl FromIterator<Group> for Groups {
    fn from_iter<I: IntoIterator<Item = Group>>(groups: I) -> Self {
        let groups: Arc<[_]> = groups.into_iter().collect();
        let files = groups.iter().flat_map(|group| group.members.all_files()).cloned().collect();
        Self { groups, files }
    }
}

impl Group {
    /// Gives the users of a list a name.
    pub fn new(name: GroupName, members: AllowList) -> Self {
        Self { name, members }
    }

    /// The name.
    pub(crate) fn name(&self) -> &str {
        &self.name.0
    }

    /// The users of the group.
    pub(crate) fn members(&self) -> &AllowList {
        &self.members
    }

    /// Whether a user is in the group.
    pub(super) fn has(&self, identity: &Identity) -> bool {
        self.members.allows(identity)
    }
}

/// The name of a group: 1 to 64 letters, digits and `-`, `_` or `.` of ASCII.
///
/// Every encoding of a header but base64url sends such a name as it is, and a comma ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupName(Box<str>);

impl FromStr for GroupName {
    type Err = GroupNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if is_plain && (1..=64).contains(&text.len()) { Ok(Self(text.into())) } else { Err(GroupNameError) }
    }
}

/// A text is not the name of a group. The error does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a group must be 1 to 64 letters, digits, `-`, `_` or `.`")]
#[non_exhaustive]
pub struct GroupNameError;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::AllowEntry, identity::VerificationMethod, profile::PhoneNumber};

    fn phone(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).unwrap()
    }

    fn user(text: &str) -> Identity {
        Identity::of_number(text, VerificationMethod::Web)
    }

    fn group(name: &str, entries: impl IntoIterator<Item = AllowEntry>) -> Group {
        Group::new(name.parse().unwrap(), AllowList::only(entries))
    }

    fn prefix(text: &str) -> AllowEntry {
        AllowEntry::Prefix(text.parse().unwrap())
    }

    #[test]
    fn a_user_has_the_names_of_all_own_groups_in_their_order() {
        let vip = group("vip", [AllowEntry::Phone(phone("+919999900001"))]);
        let groups = Groups::from_iter([
            group("staff", [prefix("+9199")]),
            vip.clone(),
            group("abroad", [prefix("+44")]),
            group("nobody", []),
            group("insiders", [AllowEntry::Group(vip), prefix("+4479")]),
            group("staff", [prefix("+91")]),
        ]);
        for (number, names) in [
            ("+919999900001", Some("staff,vip,insiders")),
            ("+919999900002", Some("staff")),
            ("+918888800000", Some("staff")),
            ("+447911123456", Some("abroad,insiders")),
            ("+15550100000", None),
        ] {
            assert_eq!(groups.of(&user(number)).text(), names, "{number}");
        }
        assert_eq!(Groups::default().of(&user("+919999900001")).text(), None);
    }

    #[test]
    fn a_change_of_any_file_changes_the_version_and_the_names() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["outer.txt", "inner.txt"].map(|name| folder.path().join(name));
        let files = paths.each_ref().map(|path| {
            std::fs::write(path, "+919999900001\n").unwrap();
            PhonesFile::read(path).unwrap()
        });
        let [outer, inner] = files.clone().map(AllowEntry::File);
        let groups = Groups::from_iter([group("a", [outer]), group("b", [AllowEntry::Group(group("c", [inner]))])]);
        assert_eq!(groups.of(&user("+919999900001")).text(), Some("a,b"));
        for (number, left) in [(0, Some("b")), (1, None)] {
            let before = groups.version();
            files[number].refresh().unwrap();
            assert_eq!(groups.version(), before, "the file is the same");
            std::fs::write(&paths[number], "").unwrap();
            files[number].refresh().unwrap();
            assert_ne!(groups.version(), before);
            assert_eq!(groups.of(&user("+919999900001")).text(), left);
            std::fs::write(&paths[number], "no number").unwrap();
            let before = groups.version();
            assert!(files[number].refresh().is_err());
            assert_eq!(groups.version(), before, "a file that cannot be used changes nothing");
        }
    }

    #[test]
    fn a_name_needs_no_escape_in_any_header() {
        for taken in ["a", "staff", "Back-Office_2.0", &"a".repeat(64)] {
            assert!(taken.parse::<GroupName>().is_ok(), "{taken}");
        }
        for refused in
            ["", "a,b", "a b", " a", "a\n", "a%41", "a=41", "a;b", "a/b", "\"a\"", "ä", "गट", "a\0", &"a".repeat(65)]
        {
            assert_eq!(refused.parse::<GroupName>(), Err(GroupNameError), "{refused:?}");
        }
    }
}
