//! The configuration: read from YAML, checked as a whole, and then what it says cannot be wrong.

mod context;
mod error;
mod file;
mod key_path;
mod secret;
mod tree;

pub use self::error::{ConfigErrors, Mistake, Place};
