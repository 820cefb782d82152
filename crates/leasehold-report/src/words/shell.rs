//! What shells do, in words.

use leasehold_scenario::Note;

use crate::names::Names;

/// What a shell did, with the names of a scenario.
pub fn noted(names: &Names, note: &Note) -> String {
    match note {
        Note::Opened { to, lane } => format!("connected to {} for {}", names.node(*to), lane.name()),
        Note::NotOpened { to, because } => format!("could not connect to {}: {because}", names.node(*to)),
        Note::Accepted { from, lane } => {
            format!("accepted a connection of {} for {}", names.node(*from), lane.name())
        }
        Note::Closed { with: Some(with), because, .. } => {
            format!("connection with {} closed: {because}", names.node(*with))
        }
        Note::Outdated { from, incarnation } => {
            format!(
                "message thrown away: it is of process {incarnation} of {}, which is dead",
                names.node(*from)
            )
        }
        Note::NotSent { to, because } => format!("message to {} given up: {because}", names.node(*to)),
        // They name nobody.
        Note::Closed { with: None, .. } | Note::BadDatagram { .. } | Note::Trouble { .. } => note.to_string(),
    }
}
