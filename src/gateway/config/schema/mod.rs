//! The JSON Schema of the configuration (draft 7), by which editors complete and check it.
//!
//! [`description`] has what may be written from the code that reads a configuration, so neither can have a key that the other does not
//! have. The sentences about each key are the comments of `config.yaml`.
//!
//! The schema never refuses what `truegate check` takes. It refuses unknown keys, wrong types, unknown words and numbers, sizes and
//! durations beyond their limits, and two keys of which only one may stand. It takes any text with a reference, such as `${NAME}`,
//! because nobody knows its value. Of what else concerns several keys, it knows nothing.

mod comments;
mod json;

use std::{collections::HashSet, sync::LazyLock};

use self::{comments::Comments, json::JsonSchema};
use super::{
    Config,
    reader::{self, Description, Step},
};

/// The configuration that is shipped: every key, with its default in the value or in the comment.
pub(crate) const DEFAULT: &str = include_str!("../../../../config.yaml");

/// What a configuration may be.
pub(crate) fn description() -> &'static Description {
    static DESCRIPTION: LazyLock<Description> = LazyLock::new(|| reader::survey(|file| drop(Config::read(file))));
    &DESCRIPTION
}

/// Whether some section has a key of this name.
pub(crate) fn is_key(name: &str) -> bool {
    static KEYS: LazyLock<HashSet<String>> = LazyLock::new(|| {
        let paths = description().all().into_iter().filter_map(|(path, _)| path.into_iter().last());
        paths.filter_map(|step| if let Step::Key(name) = step { Some(name) } else { None }).collect()
    });
    KEYS.contains(name)
}

/// The JSON Schema of the configuration, as text.
pub(crate) fn schema() -> String {
    let root = JsonSchema::document(description(), &Comments::read(DEFAULT, description()));
    serde_json::to_string_pretty(&root).expect("a schema has only text for keys") + "\n"
}
