//! Standard output, for a reader that may go away.

use std::fmt::{Arguments, Display};
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::Style;

/// What is printed. A reader that goes away ends it quietly: the rest is dropped, and the command goes on to its
/// exit code.
pub(crate) struct Page {
    out: AutoStream<Box<dyn Write + Send>>,
    state: State,
}

enum State {
    Open,
    Gone,
    Failed(io::Error),
}

impl Page {
    /// Standard output: with colours on a terminal, unless `NO_COLOR` says otherwise.
    pub(crate) fn stdout() -> Self {
        let choice = AutoStream::choice(&io::stdout());
        // Not locked: a run on a thread of its own may print.
        let out: BufWriter<Stdout> = BufWriter::with_capacity(1 << 16, io::stdout());
        Self::new(Box::new(out), choice)
    }

    fn new(out: Box<dyn Write + Send>, choice: ColorChoice) -> Self {
        Self { out: AutoStream::new(out, choice), state: State::Open }
    }

    /// Prints a line.
    pub(crate) fn line(&mut self, text: Arguments<'_>) {
        if matches!(self.state, State::Open) {
            let written = self.out.write_fmt(text).and_then(|()| self.out.write_all(b"\n"));
            self.note(written);
        }
    }

    /// Prints a text as it is.
    pub(crate) fn text(&mut self, text: &str) {
        if matches!(self.state, State::Open) {
            let written = self.out.write_all(text.as_bytes());
            self.note(written);
        }
    }

    /// Prints what there is so far: for a command that goes on.
    pub(crate) fn flush(&mut self) {
        if matches!(self.state, State::Open) {
            let flushed = self.out.flush();
            self.note(flushed);
        }
    }

    /// Prints what is left.
    ///
    /// # Errors
    ///
    /// If something could not be printed, for another reason than that the reader went away.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if matches!(self.state, State::Open) {
            let flushed = self.out.flush();
            self.note(flushed);
        }
        match self.state {
            State::Open | State::Gone => Ok(()),
            State::Failed(error) => Err(error),
        }
    }

    fn note(&mut self, written: io::Result<()>) {
        self.state = match written {
            Ok(()) => return,
            Err(error) if error.kind() == ErrorKind::BrokenPipe => State::Gone,
            Err(error) => State::Failed(error),
        };
    }
}

/// A text in a style.
pub(crate) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_reader_that_goes_away_is_no_error_but_a_full_disk_is() {
        for (kind, fine) in [(ErrorKind::BrokenPipe, true), (ErrorKind::StorageFull, false)] {
            let mut page = Page::new(Box::new(Broken(kind)), ColorChoice::Never);
            page.line(format_args!("one"));
            page.line(format_args!("two"));
            assert_eq!(page.finish().is_ok(), fine);
        }
    }
}
