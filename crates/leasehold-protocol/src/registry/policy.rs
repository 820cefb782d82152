//! The decisions that real registries, members and discovery clients take differently. Defaults are the safe ones.

mod discovery;
mod member;
mod server;

pub use discovery::*;
pub use member::*;
pub use server::*;
