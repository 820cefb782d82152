//! Recorded runs: lines of JSON. The first is a header, the last a footer, every other an event, or what became of a
//! message.

mod comparison;
mod judging;
mod reader;
mod recorder;

pub use comparison::{Comparison, Continuation, Difference, Parting, parting};
pub use judging::{RejudgeError, Rejudged, rejudge};
pub use reader::{Recorded, TraceError, TraceProblem, TraceReader};
pub use recorder::Recorder;
