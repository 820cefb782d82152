//! How far long work is, on standard error: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the words beside the bar change.
pub(crate) const BAR_EVERY: Duration = Duration::from_millis(200);

/// How often there is a line where there is no terminal.
pub(crate) const LINE_EVERY: Duration = Duration::from_secs(10);

/// How it is shown.
pub(crate) enum Shown {
    /// As a bar.
    Bar(ProgressBar),
    /// As a line now and then.
    Lines,
    /// Not at all.
    Nothing,
}

impl Shown {
    /// As a bar if there is a terminal.
    pub(crate) fn begin(total: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines;
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:24} {human_pos}/{human_len}  {wide_msg}");
        bar.set_style(style.expect("the template is right"));
        bar.enable_steady_tick(BAR_EVERY);
        Self::Bar(bar)
    }

    /// It is over.
    pub(crate) fn finish(self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
