//! How resources behave.

/// How a resource behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourcePolicy {
    /// Which tokens it accepts.
    pub fence: Fence,
    /// What a read does to the mark.
    pub reads: Reads,
    /// Which writes it accepts, as far as tokens allow them.
    pub writes: Writes,
    /// What it does with an operation that comes twice.
    pub duplicates: Duplicates,
    /// What it does with a task whose effect it has applied before.
    pub tasks: TaskEffects,
}

/// Which tokens a resource accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fence {
    /// None older than the newest it has seen, which it keeps on disk. Source: M. Kleppmann, "How to do
    /// distributed locking", 2016.
    #[default]
    HighestToken,
    /// The same, but the mark is forgotten at a restart.
    HighestVolatile,
    /// Any but the one before the last: what differs from the last token is taken for a new holder's.
    LastToken,
    /// Writes with just the token of the last read. For tokens without order.
    Equality,
    /// All: it does not look.
    None,
}

/// What a read does to the mark of a resource that fences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// It raises it: what the reader is about to overwrite can no longer be changed behind its back.
    #[default]
    RaiseMark,
    /// Nothing.
    LeaveMark,
}

/// Which writes a resource accepts, as far as tokens allow them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writes {
    /// All.
    #[default]
    Any,
    /// Those that are based on the latest version.
    CompareAndSet,
}

/// What a resource does with an operation that comes twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// It is done once, and answered twice.
    #[default]
    Recognised,
    /// It is done twice.
    DoneAgain,
}

/// What a resource does with a task whose effect it has applied before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskEffects {
    /// It answers that it is done.
    #[default]
    Once,
    /// It applies it again.
    EachTime,
}
