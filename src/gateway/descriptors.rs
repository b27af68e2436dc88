//! The limit of open files, which is a limit of connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of this process as far as the system allows. Each request takes two descriptors, and many systems give a
/// program 1024 unless it asks for more.
pub(super) fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => tracing::debug!(before = current, now = maximum, "the limit of open files is raised"),
        Err(_) => tracing::debug!(limit = current, "the limit of open files cannot be raised"),
    }
}
