//! The `truegate` program.

fn main() -> std::process::ExitCode {
    truegate::gateway::main()
}
