//! The command `leasehold`, with the shipped systems.

use std::process::ExitCode;

fn main() -> ExitCode {
    leasehold::main(&[&leasehold::SingleGrantor, &leasehold::RegistrySystem])
}
