//! What `scripts/setup tests` installs for these tests.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A program of the Python packages in `requirements.txt`.
pub fn python(program: &str) -> Command {
    Command::new(existing(&folder().join("python/bin").join(program)))
}

/// Node.js, with the packages in `package.json`.
pub fn node() -> Command {
    let mut command = Command::new("node");
    command.env("NODE_PATH", existing(&node_modules()));
    command
}

/// Runs a program to its end; it must succeed.
pub fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
}

/// The folder of Node.js packages.
pub fn node_modules() -> PathBuf {
    folder().join("node/node_modules")
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("apps")
}

fn existing(path: &Path) -> PathBuf {
    assert!(path.exists(), "{} is missing: run scripts/setup tests", path.display());
    path.to_owned()
}
