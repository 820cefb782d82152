//! One chart: a part of the run, drawn.

mod frame;
mod layers;

use std::fmt::Write;

use leasehold_core::SimInstant;

use super::ink::{Axis, Ink, PLOT, escape};
use super::lanes::Lanes;
use super::page::Pin;
use super::picture::Picture;

/// How wide the names of the lanes are, in pixels.
pub(super) const GUTTER: f64 = 150.0;
/// The empty space to the right of time.
const MARGIN: f64 = 20.0;
/// How high the ruler is: true time, and under it the clock of one node.
const RULER: f64 = 40.0;
/// How high a row of faults is, and the row of pins.
const FAULT_ROW: f64 = 17.0;
const PIN_ROW: f64 = 28.0;
/// So many rows of faults are drawn; those that find no room are drawn in the last.
const MOST_FAULT_ROWS: usize = 4;
/// More ordinary messages than these are drawn faintly, and without heads. Chosen by us, by looking at them.
const MANY_MESSAGES: usize = 400;
/// More ordinary messages than these are not drawn until somebody comes closer.
const TOO_MANY_MESSAGES: usize = 1_500;

/// A chart, ready to stand in a page.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    /// Names it in links.
    pub(super) id: &'static str,
    /// What it shows.
    pub(super) title: String,
    pub(super) from: SimInstant,
    pub(super) until: SimInstant,
    /// How its ordinary messages are drawn: a class.
    pub(super) messages: &'static str,
    /// The drawing.
    pub(super) svg: String,
}

/// What a chart is drawn from.
pub(super) struct Draft<'p> {
    pub(super) picture: &'p Picture,
    pub(super) lanes: &'p Lanes,
    pub(super) pins: &'p [Pin],
    pub(super) axis: Axis,
    /// Where the first lane begins.
    pub(super) lanes_top: f64,
    pub(super) ink: Ink,
    /// Texts that move with time.
    pub(super) texts: String,
}

impl Chart {
    /// Draws the part of a run between two instants.
    pub(super) fn draw(
        id: &'static str,
        title: String,
        picture: &Picture,
        lanes: &Lanes,
        pins: &[Pin],
        (from, until): (SimInstant, SimInstant),
    ) -> Self {
        let axis = Axis::new(from, until);
        let mut draft =
            Draft { picture, lanes, pins, axis, lanes_top: 0.0, ink: Ink::default(), texts: String::new() };
        let pins_drawn = draft.pins();
        let pins_height = if pins.is_empty() { 6.0 } else { PIN_ROW };
        let fault_rows = draft.faults(pins_height + RULER);
        draft.lanes_top = pins_height + RULER + fault_rows as f64 * FAULT_ROW + 4.0;
        let height = draft.lanes_top + lanes.height + 6.0;
        draft.bands();
        draft.bars();
        draft.thin();
        draft.marks();
        draft.views();
        let ordinary = draft.messages();
        draft.alarms(pins_height, height);
        let messages = match ordinary {
            count if count > TOO_MANY_MESSAGES => "far",
            count if count > MANY_MESSAGES => "dense",
            _ => "near",
        };
        let told = format!("{title}. What it shows stands in the table of events as well.");
        let svg = draft.svg(height, pins_height, &pins_drawn, &told);
        Self { id, title, from, until, messages, svg }
    }
}

impl Draft<'_> {
    fn svg(&self, height: f64, pins_height: f64, pins: &str, told: &str) -> String {
        let width = GUTTER + PLOT + MARGIN;
        let mut out = String::new();
        let told = escape(told);
        let _ = writeln!(
            out,
            "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{told}\">"
        );
        out.push_str(&self.gutter());
        let _ = writeln!(
            out,
            "<svg class=\"plot\" x=\"{GUTTER}\" y=\"0\" width=\"{PLOT}\" height=\"{height}\" overflow=\"hidden\" data-pins=\"{pins_height}\">"
        );
        out.push_str(&self.ink.elements(&layers::BEHIND));
        let _ = writeln!(out, "<g class=\"ticks\">{}</g>", self.ticks(pins_height, height));
        out.push_str(&self.ink.elements(&layers::BEFORE));
        out.push_str(&self.texts);
        let _ = writeln!(out, "<g class=\"pins\">{pins}</g>");
        out.push_str("</svg>\n</svg>\n");
        out
    }
}
