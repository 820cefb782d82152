//! All of Leasehold's verbs, on the protocol of this crate.

fn main() -> std::process::ExitCode {
    leasehold::main(&[&own_lease::RecordElection])
}
