//! Reading a trace, line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use leasehold_core::event::WorldEvent;
use leasehold_core::trace::{FORMAT, Footer, Header, PassageLine};
use leasehold_core::{Event, EventKind, NodeId, Passage, RunEnd, SimInstant};
use serde::Deserialize;
use thiserror::Error;

/// No line of a trace is longer, in bytes. Chosen by us: the header of a thousand nodes and as many faults takes a
/// quarter of it. What is longer is no trace, and is not read into memory.
const LONGEST_LINE: u64 = 1 << 20;

/// A line that begins so tells what became of a message.
const PASSAGE: &[u8] = b"{\"passage\":";

/// A recorded run, read as a stream: memory does not grow with its length.
#[derive(Debug)]
pub struct TraceReader {
    path: PathBuf,
    lines: BufReader<File>,
    buffer: Vec<u8>,
    /// The number of the line that was read last, from 1.
    line: u64,
    header: Header,
    /// How many events were read.
    events: u64,
    latest: SimInstant,
    /// The node that an event says panicked.
    panicked: Option<NodeId>,
    footer: Option<Footer>,
}

/// What stands between the header and the footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Something happened.
    Event(Event),
    /// Something became of a message.
    Passage(Passage),
}

/// What is wrong with a trace, and where.
#[derive(Debug, Error)]
#[error("{}{}: {problem}", file.display(), at(*line))]
pub struct TraceError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 if the file could not be opened.
    pub line: u64,
    /// What is wrong.
    pub problem: TraceProblem,
}

/// What is wrong with a trace.
#[derive(Debug, Error)]
pub enum TraceProblem {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It does not begin with a header.
    #[error("this is no trace: its first line is no header ({0})")]
    NoHeader(String),
    /// Its format is not the one that is read here.
    #[error("format {found} was written by version {tool}; this version reads {FORMAT}")]
    OtherFormat {
        /// The format it names.
        found: u64,
        /// The version of the tool that wrote it.
        tool: String,
    },
    /// The last line has no end.
    #[error("the trace is cut off in the middle of this line")]
    CutInLine,
    /// The last line is no footer.
    #[error("the trace is cut off: it ends without a footer")]
    NoFooter,
    /// A line is neither event nor passage nor footer.
    #[error("this is no event: {0}")]
    NoEvent(String),
    /// An event or a passage is from before the one above it.
    #[error("this {what} is from {at}, before the one above it at {before}")]
    OutOfOrder {
        /// What it is.
        what: &'static str,
        /// When it was.
        at: SimInstant,
        /// When the one above was.
        before: SimInstant,
    },
    /// An event or a passage is of a node that the header does not name.
    #[error("this {what} is of node {node}, the header names {nodes}")]
    UnknownNode {
        /// What it is.
        what: &'static str,
        /// The node.
        node: u16,
        /// How many there are.
        nodes: usize,
    },
    /// The footer counts other events than there are.
    #[error("the footer counts {footer} events, the trace has {found}")]
    OtherCount {
        /// How many it counts.
        footer: u64,
        /// How many there are.
        found: u64,
    },
    /// The footer says that the run ended before its last event.
    #[error("this footer was edited: it ends the run at {ended_at}, before its last event at {latest}")]
    EndsEarly {
        /// When the footer ends it.
        ended_at: SimInstant,
        /// When the last event was.
        latest: SimInstant,
    },
    /// The footer tells of an end that the events do not have, or the other way round.
    #[error("this footer was edited: {0}")]
    OtherEnd(&'static str),
    /// Something comes behind the footer.
    #[error("the trace is over, and this comes behind its footer")]
    Trailing,
    /// A line is longer than any of a trace.
    #[error("this line is longer than {LONGEST_LINE} bytes: it is of no trace")]
    TooLong,
}

fn at(line: u64) -> String {
    if line == 0 { String::new() } else { format!(":{line}") }
}

/// One line of a trace, as it stands in the file.
enum Line {
    Whole,
    Cut,
    End,
}

impl TraceReader {
    /// Opens a trace and reads its header.
    ///
    /// # Errors
    ///
    /// If there is no such file, or its first line is no header of a format that is known here.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let at = |line, problem| TraceError { file: path.to_owned(), line, problem };
        let file = File::open(path).map_err(|error| at(0, error.into()))?;
        let mut lines = BufReader::with_capacity(1 << 16, file);
        let mut buffer = Vec::new();
        let header = match next_line(&mut lines, &mut buffer).map_err(|problem| at(1, problem))? {
            Line::End => return Err(at(1, TraceProblem::NoHeader("the file is empty".to_owned()))),
            line @ (Line::Whole | Line::Cut) => {
                read_header(&buffer, &line).map_err(|problem| at(1, problem))?
            }
        };
        Ok(Self {
            path: path.to_owned(),
            lines,
            buffer,
            line: 1,
            header,
            events: 0,
            latest: SimInstant::START,
            panicked: None,
            footer: None,
        })
    }

    /// What stands at its head.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What stands at its end, once all events were read.
    pub fn footer(&self) -> Option<&Footer> {
        self.footer.as_ref()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of the line that was read last, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// That line, as it stands in the file.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.buffer).into_owned()
    }

    /// The next event; nothing once the footer was read, and nothing stands behind it. What became of messages is
    /// passed over.
    ///
    /// # Errors
    ///
    /// If a line before it is neither an event, a passage nor a footer, or not where it belongs.
    pub fn next_event(&mut self) -> Result<Option<Event>, TraceError> {
        loop {
            match self.next_recorded()? {
                Some(Recorded::Event(event)) => return Ok(Some(event)),
                Some(Recorded::Passage(_)) => {}
                None => return Ok(None),
            }
        }
    }

    /// The next event, or what became of a message; nothing once the footer was read, and nothing stands behind it.
    ///
    /// # Errors
    ///
    /// If the next line is neither an event, a passage nor a footer, or not where it belongs.
    pub fn next_recorded(&mut self) -> Result<Option<Recorded>, TraceError> {
        if self.footer.is_some() {
            return Ok(None);
        }
        self.advance().map_err(|problem| TraceError { file: self.path.clone(), line: self.line, problem })
    }

    fn advance(&mut self) -> Result<Option<Recorded>, TraceProblem> {
        self.line += 1;
        let line = next_line(&mut self.lines, &mut self.buffer)?;
        if matches!(line, Line::End) {
            self.line -= 1;
            return Err(TraceProblem::NoFooter);
        }
        if self.buffer.starts_with(PASSAGE)
            && let Ok(line) = serde_json::from_slice::<PassageLine>(&self.buffer)
        {
            return self.check_passage(line.passage).map(Some);
        }
        let error = match serde_json::from_slice::<Event>(&self.buffer) {
            Ok(event) => return self.check(event).map(Some),
            Err(error) => error,
        };
        if let Ok(footer) = serde_json::from_slice::<Footer>(&self.buffer) {
            return self.end(footer).map(|()| None);
        }
        // A line without its end is what a full disk leaves; with it, somebody wrote it so.
        match line {
            Line::Cut => Err(TraceProblem::CutInLine),
            Line::Whole | Line::End => Err(TraceProblem::NoEvent(error.to_string())),
        }
    }

    fn check_passage(&mut self, passage: Passage) -> Result<Recorded, TraceProblem> {
        let Passage { at, from, to, .. } = passage;
        self.check_place("passage", at, [from, to])?;
        Ok(Recorded::Passage(passage))
    }

    fn check_place(
        &mut self,
        what: &'static str,
        at: SimInstant,
        of: impl IntoIterator<Item = NodeId>,
    ) -> Result<(), TraceProblem> {
        if at < self.latest {
            return Err(TraceProblem::OutOfOrder { what, at, before: self.latest });
        }
        let nodes = self.header.nodes.len();
        if let Some(node) = of.into_iter().find(|node| node.index() >= nodes) {
            return Err(TraceProblem::UnknownNode { what, node: node.0, nodes });
        }
        self.latest = at;
        Ok(())
    }

    fn check(&mut self, event: Event) -> Result<Recorded, TraceProblem> {
        self.check_place("event", event.at, event.node)?;
        self.events += 1;
        if event.kind == EventKind::World(WorldEvent::Panicked) {
            self.panicked = event.node;
        }
        Ok(Recorded::Event(event))
    }

    fn end(&mut self, footer: Footer) -> Result<(), TraceProblem> {
        let found = self.events;
        if footer.events != found {
            return Err(TraceProblem::OtherCount { footer: footer.events, found });
        }
        if footer.ended_at < self.latest {
            return Err(TraceProblem::EndsEarly { ended_at: footer.ended_at, latest: self.latest });
        }
        // The digest covers the events, not the footer: so they have to bear each other out.
        let problem = match (&footer.end, self.panicked) {
            (RunEnd::Livelock { node }, _) | (RunEnd::Panicked { node, .. }, _)
                if node.index() >= self.header.nodes.len() =>
            {
                Some("it names a node that the header does not")
            }
            (RunEnd::Panicked { .. }, None) => Some("it says that a node panicked, and no event does"),
            (RunEnd::Panicked { node, .. }, Some(panicked)) if *node != panicked => {
                Some("it says that another node panicked than the events do")
            }
            (RunEnd::Panicked { .. }, Some(_)) if footer.ended_at != self.latest => {
                Some("a node panicked, and it ends the run later")
            }
            (RunEnd::Livelock { .. }, None) if footer.ended_at != self.latest => {
                Some("in a livelock time stands still, and it ends the run after its last event")
            }
            (RunEnd::Panicked { .. }, Some(_)) | (_, None) => None,
            (_, Some(_)) => Some("a node panicked, and it says that the run ended in another way"),
        };
        if let Some(problem) = problem {
            return Err(TraceProblem::OtherEnd(problem));
        }
        self.line += 1;
        match next_line(&mut self.lines, &mut self.buffer)? {
            Line::End => self.line -= 1,
            Line::Whole | Line::Cut => return Err(TraceProblem::Trailing),
        }
        self.footer = Some(footer);
        Ok(())
    }
}

/// Reads a line into the buffer, without its end.
fn next_line(lines: &mut BufReader<File>, buffer: &mut Vec<u8>) -> Result<Line, TraceProblem> {
    buffer.clear();
    let read = io::Read::take(&mut *lines, LONGEST_LINE + 1).read_until(b'\n', buffer)?;
    if read == 0 {
        return Ok(Line::End);
    }
    if buffer.last() == Some(&b'\n') {
        buffer.pop();
        return Ok(Line::Whole);
    }
    if read as u64 > LONGEST_LINE { Err(TraceProblem::TooLong) } else { Ok(Line::Cut) }
}

fn read_header(text: &[u8], line: &Line) -> Result<Header, TraceProblem> {
    #[derive(Deserialize)]
    struct Head {
        format: u64,
        tool: String,
    }
    let no_header = |error: serde_json::Error| match line {
        Line::Cut if error.is_eof() => TraceProblem::CutInLine,
        Line::Whole | Line::Cut | Line::End => TraceProblem::NoHeader(error.to_string()),
    };
    // The header of another version may lack what this one needs: so its format is asked for first.
    let Head { format, tool } = serde_json::from_slice(text).map_err(no_header)?;
    if format != u64::from(FORMAT) {
        return Err(TraceProblem::OtherFormat { found: format, tool });
    }
    serde_json::from_slice(text).map_err(no_header)
}
