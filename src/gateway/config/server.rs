//! `server`: the resources that the gateway takes.

use std::{num::NonZero, thread};

use super::{reader::Section, value};

/// The resources that the gateway takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServerConfig {
    /// How many threads serve connections.
    pub(crate) threads: NonZero<usize>,
    /// Whether a second process may take over the addresses.
    pub(crate) reuse_port: bool,
}

impl ServerConfig {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let threads = section.read("threads", &value::count(NonZero::<u32>::MIN..=MAX_THREADS));
        let threads = threads.and_then(|threads| usize::try_from(threads.get()).ok()).and_then(NonZero::new);
        let reuse_port = section.read_or("reuse_port", false, &value::boolean());
        let threads = threads.unwrap_or_else(cores);
        section.note_default("threads", threads.get() as u64);
        Self { threads, reuse_port }
    }
}

/// How many cores the process may use: the system's, or fewer if a cgroup or an affinity says so.
fn cores() -> NonZero<usize> {
    thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

const MAX_THREADS: NonZero<u32> = NonZero::new(1024).expect("it is not zero");
