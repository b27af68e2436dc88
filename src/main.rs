//! The `truegate` program.

use mimalloc::MiMalloc;

/// glibc's allocator takes a fifth of the instructions of a request. This one takes a quarter of that, in as much memory.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::process::ExitCode {
    truegate::gateway::main()
}
