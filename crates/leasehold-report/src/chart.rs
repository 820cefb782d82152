//! Pictures in SVG, drawn by small files of ours. Source: DESIGN, section 11: the charting crates load scripts from
//! elsewhere, embed megabytes, or are unmaintained.
//!
//! A drawer knows no study: it gets texts and numbers. Colours are classes, which the style sheet of the page fills for light
//! and dark; nothing is told by colour alone.

mod axis;
mod curves;
mod heat;
mod spread;
mod svg;
mod trade;
mod whisker;

pub(crate) use curves::{CurveChart, Series};
pub(crate) use heat::{HeatCell, HeatMap};
pub(crate) use spread::{Foreseen, SpreadChart};
pub(crate) use trade::{Choice, Joined, Place, TradeChart};
pub(crate) use whisker::{WhiskerChart, WhiskerRow};

/// What a picture is called: each needs an id that no other on its page has, and words for who does not see it.
pub(crate) struct Named {
    /// The id.
    pub(crate) id: String,
    /// What it shows, in a few words.
    pub(crate) title: String,
    /// What can be seen in it, in a sentence.
    pub(crate) desc: String,
}

/// What is special about a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// It is recommended, or comes nearest to it.
    pub(crate) chosen: bool,
    /// It has the scenario's own values.
    pub(crate) default: bool,
    /// No other point beats it in all that is traded.
    pub(crate) front: bool,
    /// A run of it failed.
    pub(crate) failed: bool,
}

/// A count with its thousands apart.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
