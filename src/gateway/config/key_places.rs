//! Where the keys of a configuration are, for what is found in it after it was read.

use std::collections::HashMap;

use super::{error::Position, reader::Node};

/// The places of all keys of a file.
#[derive(Default)]
pub(crate) struct KeyPlaces(HashMap<String, Position>);

impl KeyPlaces {
    /// The places of the keys of a tree.
    pub(super) fn of(root: &Node) -> Self {
        Self(root.all().into_iter().map(|(_, node)| (node.path.clone(), node.key_position)).collect())
    }

    /// The place of a key. If the file does not have the key, the place of the nearest section that would contain it.
    pub(crate) fn place(&self, key: &str) -> Option<Position> {
        let sections = key.rmatch_indices(['.', '[']).map(|(end, _)| &key[..end]);
        [key].into_iter().chain(sections).chain([""]).find_map(|path| self.0.get(path).copied())
    }
}
