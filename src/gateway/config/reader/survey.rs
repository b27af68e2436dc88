//! What a configuration may be: which keys the reading code asks for, and what it takes as their values.
//!
//! No table of keys stands beside the code that could differ from it. The code reads samples in place of a file, and the survey
//! notes what it asks for. A sample has the keys that the samples before have shown, as single values, as lists and as mappings: all
//! together, and if that does not tell what a key may be, the key alone, and the key beside all others. So it goes on until no sample
//! shows anything new.

use std::{cell::RefCell, path::Path, slice};

use super::{
    Section, Shape, read_tree,
    tree::{Context, Node, Value, member},
};
use crate::gateway::config::error::Position;

/// What the value of a key may be. A value may be of several kinds, such as a single value or a list of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Description {
    /// The shapes of a single value; empty if it is always a list or a mapping.
    pub(crate) shapes: Vec<Shape>,
    /// Whether a single value must be shown to nobody.
    pub(crate) is_secret: bool,
    /// Whether the key may be absent.
    pub(crate) is_optional: bool,
    /// The value that an absent key stands for, as the configuration writes it.
    pub(crate) default: Option<String>,
    /// The keys of a mapping of known keys, in the order in which they are read.
    pub(crate) keys: Option<Vec<(String, Description)>>,
    /// Each two known keys of which a mapping may have only one.
    pub(crate) alternatives: Vec<[&'static str; 2]>,
    /// The members of a mapping whose keys the operator chooses.
    pub(crate) members: Option<Box<Description>>,
    /// The elements of a list.
    pub(crate) elements: Option<Box<Description>>,
}

/// A step from a value to one in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// To the value of a known key.
    Key(String),
    /// To a member whose key the operator chooses.
    Member,
    /// To an element of a list.
    Element,
}

impl Description {
    /// What is at the end of a path; none if there is nothing.
    pub(crate) fn at(&self, path: &[Step]) -> Option<&Self> {
        path.iter().try_fold(self, |description, step| match step {
            Step::Key(name) => description.keys.as_ref()?.iter().find(|(known, _)| known == name).map(|(_, key)| key),
            Step::Member => description.members.as_deref(),
            Step::Element => description.elements.as_deref(),
        })
    }

    /// What a key of a mapping is: one of the known keys, or one that the operator chooses.
    pub(crate) fn within(&self, name: &str) -> Option<&Self> {
        let known = self.keys.iter().flatten().find(|(known, _)| known == name).map(|(_, key)| key);
        known.or(self.members.as_deref())
    }

    /// What is at a place in a file, such as `listen[1].address`.
    pub(crate) fn find(&self, place: &str) -> Option<&Self> {
        place.split('.').filter(|step| !step.is_empty()).try_fold(self, |value, step| {
            let (name, elements) = step.split_at(step.find('[').unwrap_or(step.len()));
            elements.matches('[').try_fold(value.within(name)?, |value, _| value.elements.as_deref())
        })
    }

    /// Every value in this one, with its path: the known keys in their order, and what is in them.
    pub(crate) fn all(&self) -> Vec<(Vec<Step>, &Self)> {
        let keys = self.keys.iter().flatten().map(|(name, key)| (Step::Key(name.clone()), key));
        let members = self.members.iter().map(|members| (Step::Member, &**members));
        let elements = self.elements.iter().map(|elements| (Step::Element, &**elements));
        let below = keys.chain(members).chain(elements).flat_map(|(step, value)| {
            let within =
                value.all().into_iter().map(|(path, value)| ([slice::from_ref(&step), &path[..]].concat(), value));
            within.collect::<Vec<_>>()
        });
        [(Vec::new(), self)].into_iter().chain(below).collect()
    }

    fn is_known(&self) -> bool {
        !self.shapes.is_empty() || self.keys.is_some() || self.members.is_some() || self.elements.is_some()
    }
}

/// What is known so far.
#[derive(Default)]
pub(super) struct Survey {
    root: RefCell<Description>,
    /// The paths that no sample has shown yet, in the order in which they were found.
    unseen: RefCell<Vec<Vec<Step>>>,
}

/// Finds out what a configuration may be.
pub(in crate::gateway::config) fn survey(read: impl Fn(&mut Section<'_>)) -> Description {
    let survey = Survey::default();
    let run = |sample: &Node| {
        let context = Context { survey: Some(&survey), ..Context::new(Path::new(""), &|_| None) };
        read_tree(sample, &context, |section| {
            read(section);
            Some(())
        });
    };
    let try_all = |together: &[&[Step]]| {
        for kind in [Kind::Single, Kind::List, Kind::Mapping] {
            run(&sample(together, String::new(), kind));
        }
    };
    run(&node(String::new(), Value::Mapping(Vec::new())));
    loop {
        let found = survey.unseen.take();
        if found.is_empty() {
            break;
        }
        groups(&found).iter().for_each(|together| try_all(together));
        for path in &found {
            if !survey.knows(path) {
                try_all(&[path]);
            }
            if !survey.knows(path) {
                try_all(&groups(&survey.all_beside(path))[0]);
            }
        }
    }
    survey.root.into_inner()
}

impl Survey {
    /// A path, and then every other one, so that what is within a value comes before the value.
    fn all_beside(&self, path: &[Step]) -> Vec<Vec<Step>> {
        let root = self.root.borrow();
        [path.to_vec()].into_iter().chain(root.all().into_iter().map(|(path, _)| path).rev()).collect()
    }

    fn knows(&self, path: &[Step]) -> bool {
        self.root.borrow().at(path).is_some_and(Description::is_known)
    }

    /// Notes that a section asks for a key.
    pub(super) fn ask(&self, section: &str, name: &str, is_required: bool) {
        self.learn(&member(section, name), |key| key.is_optional |= !is_required);
    }

    /// Notes two keys of which a section may have only one.
    pub(super) fn note_alternatives(&self, section: &str, keys: [&'static str; 2]) {
        self.learn(section, |section| {
            if !section.alternatives.contains(&keys) {
                section.alternatives.push(keys);
            }
        });
    }

    /// Notes the value that an absent key stands for.
    pub(super) fn note_default(&self, section: &str, name: &str, default: Option<String>) {
        self.learn(&member(section, name), |key| key.default = default);
    }

    /// Notes what a single value may be.
    pub(super) fn note_single(&self, path: &str, shapes: &[Shape], is_secret: bool) {
        self.learn(path, |value| {
            let new = shapes.iter().filter(|shape| !value.shapes.contains(shape)).cloned().collect::<Vec<_>>();
            value.shapes.extend(new);
            value.is_secret |= is_secret;
        });
    }

    /// Notes that a value may be a list.
    pub(super) fn note_list(&self, path: &str) {
        self.learn(&element(path), |_| {});
    }

    /// Notes that a value may be a mapping whose keys the operator chooses.
    pub(super) fn note_members(&self, path: &str) {
        self.learn(&member(path, MEMBER), |_| {});
    }

    fn learn(&self, path: &str, note: impl FnOnce(&mut Description)) {
        let path = steps(path);
        let mut root = self.root.borrow_mut();
        let mut value = &mut *root;
        for (index, step) in path.iter().enumerate() {
            let is_new = value.at(slice::from_ref(step)).is_none();
            if is_new {
                self.unseen.borrow_mut().push(path[..=index].to_vec());
            }
            value = value.enter(step);
        }
        note(value);
    }
}

impl Description {
    fn enter(&mut self, step: &Step) -> &mut Self {
        match step {
            Step::Key(name) => {
                let keys = self.keys.get_or_insert_default();
                let index = keys.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
                    keys.push((name.clone(), Self::default()));
                    keys.len() - 1
                });
                &mut keys[index].1
            }
            Step::Member => self.members.get_or_insert_default(),
            Step::Element => self.elements.get_or_insert_default(),
        }
    }
}

/// The kinds of values.
#[derive(Clone, Copy)]
enum Kind {
    Single,
    List,
    Mapping,
}

/// Puts paths into groups that can stand in one sample.
fn groups(paths: &[Vec<Step>]) -> Vec<Vec<&[Step]>> {
    let mut groups: Vec<Vec<&[Step]>> = Vec::new();
    for path in paths {
        match groups.iter_mut().find(|group| group.iter().all(|other| can_meet(other, path))) {
            Some(group) => group.push(path),
            None => groups.push(vec![path]),
        }
    }
    groups
}

/// Whether two paths can be in one sample: they part where a mapping has two known keys.
fn can_meet(one: &[Step], other: &[Step]) -> bool {
    let parting = one.iter().zip(other).find(|(one, other)| one != other);
    matches!(parting, Some((Step::Key(_), Step::Key(_))))
}

/// A sample that has a value of this kind at the end of each path, and nothing else.
fn sample(paths: &[&[Step]], at: String, kind: Kind) -> Node {
    let within = |first: &Step| -> Vec<&[Step]> {
        paths
            .iter()
            .filter_map(|path| path.split_first())
            .filter(|(step, _)| *step == first)
            .map(|(_, rest)| rest)
            .collect()
    };
    let firsts = paths.iter().filter_map(|path| path.first()).collect::<Vec<_>>();
    let value = match firsts.first() {
        None => match kind {
            Kind::Single => Value::Sample,
            Kind::List => Value::List(vec![node(element(&at), Value::Sample)]),
            Kind::Mapping => Value::Mapping(Vec::new()),
        },
        Some(step @ Step::Element) => Value::List(vec![sample(&within(step), element(&at), kind)]),
        Some(_) => {
            let mut entries: Vec<(String, Node)> = Vec::new();
            for step in firsts {
                let name = if let Step::Key(name) = step { name } else { MEMBER };
                if entries.iter().all(|(known, _)| known != name) {
                    entries.push((name.to_owned(), sample(&within(step), member(&at, name), kind)));
                }
            }
            Value::Mapping(entries)
        }
    };
    node(at, value)
}

fn node(path: String, value: Value) -> Node {
    let position = Position { line: 1, column: 1 };
    Node { path, key_position: position, position, end: position, value }
}

fn element(path: &str) -> String {
    format!("{path}[]")
}

/// The steps of a path such as `upstreams.*.servers[]`.
fn steps(path: &str) -> Vec<Step> {
    let names = path.split('.').filter(|name| !name.is_empty());
    let steps = names.flat_map(|name| {
        let (name, elements) = name.split_at(name.find("[]").unwrap_or(name.len()));
        let step = if name == MEMBER { Step::Member } else { Step::Key(name.to_owned()) };
        [step].into_iter().chain(vec![Step::Element; elements.len() / 2])
    });
    steps.collect()
}

/// The name that stands for all that an operator may choose.
const MEMBER: &str = "*";
