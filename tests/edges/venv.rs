//! Programs from Python packages, as `scripts/setup` installs them.

use std::{path::PathBuf, process::Command};

/// One of the programs.
pub fn program(name: &str) -> Command {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = target.with_file_name("edges").join("bin").join(name);
    assert!(path.exists(), "{} is missing: run scripts/setup", path.display());
    Command::new(path)
}
