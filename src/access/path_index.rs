//! The index of rules by path: it finds the few rules that could cover a path among any number of rules.

use std::collections::HashMap;

use super::PathPattern;
use crate::path::PathBytes;

/// A tree of the segments of patterns, decoded and in lower case. Each node has the numbers of the rules whose pattern ends there.
///
/// It only narrows the choice: a rule that it names may still not cover a path, because letter case and the end of the path are
/// left to the pattern. Every rule that covers a path, or a reading of it, is named.
///
/// The routers of the field (matchit, path-tree) return one match, the most specific one, and take `{` and `*` for parameters.
/// Here the first rule of the list counts, which may be the least specific one, and each reading of a path is looked up.
#[derive(Debug, Clone, Default)]
pub(super) struct PathIndex(PathNode);

#[derive(Debug, Clone, Default)]
struct PathNode {
    /// In ascending order.
    rules: Vec<usize>,
    children: HashMap<Box<[u8]>, PathNode>,
}

impl PathIndex {
    /// Adds the rule of this number, which is higher than all before.
    pub(super) fn insert(&mut self, pattern: &PathPattern, number: usize) {
        let segments = segments(pattern.decoded()).map(|segment| segment.to_ascii_lowercase().into());
        let node = segments.fold(&mut self.0, |node, segment| node.children.entry(segment).or_default());
        node.rules.push(number);
    }

    /// Returns the lowest number of a rule that is on the way of a decoded path and is meant, or the number that is known
    /// already, if no such rule comes before it.
    ///
    /// A path of up to 2 KiB costs no allocation.
    pub(super) fn first(&self, path: &[u8], known: Option<usize>, is_meant: impl Fn(usize) -> bool) -> Option<usize> {
        let (mut node, mut segments, mut first) = (&self.0, segments(path), known);
        loop {
            let earlier = node.rules.iter().take_while(|number| first.is_none_or(|first| **number < first));
            first = earlier.copied().find(|number| is_meant(*number)).or(first);
            // Most paths go on below the last node that they have in common with a pattern.
            if node.children.is_empty() {
                return first;
            }
            let Some(segment) = segments.next() else { return first };
            let mut folded = PathBytes::from_slice(segment);
            folded.make_ascii_lowercase();
            let Some(child) = node.children.get(&*folded) else { return first };
            node = child;
        }
    }
}

/// The segments of a path from the root; none for the root, and for a path that does not begin with a slash.
fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.strip_prefix(b"/").into_iter().flat_map(|relative| relative.split(|byte| *byte == b'/'))
}
