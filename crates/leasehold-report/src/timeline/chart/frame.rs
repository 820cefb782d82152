//! What stands around what is drawn: names of lanes, the ruler, pins.

use std::fmt::Write;

use leasehold_core::SimInstant;

use super::{Draft, FAULT_ROW, GUTTER, MOST_FAULT_ROWS};
use crate::timeline::ink::{Axis, PLOT, escape};
use crate::timeline::lanes::PAD;
use crate::timeline::page::Pin;
use crate::words;

/// A name in the gutter is cut behind so many characters.
const LONGEST_NAME: usize = 20;
/// Pins that are nearer to each other than this share one.
const PIN: f64 = 34.0;

impl Draft<'_> {
    /// The names of the lanes, and stripes behind every other one.
    pub(super) fn gutter(&self) -> String {
        let mut out = String::new();
        let header = self.picture.names.header();
        for (place, lane) in self.lanes.full.iter().enumerate() {
            let top = self.lanes_top + lane.top;
            if place % 2 == 0 {
                let width = GUTTER + PLOT;
                let _ = writeln!(
                    out,
                    "<rect class=\"stripe\" x=\"0\" y=\"{top}\" width=\"{width}\" height=\"{}\"/>",
                    lane.height
                );
            }
            let name = self.picture.names.node(lane.node);
            let more = match lane.rows_left_out {
                0 => String::new(),
                count => format!(", {} not drawn", words::counted(count as u64, "more lease")),
            };
            let _ = writeln!(
                out,
                "<g class=\"name\" data-node=\"{}\"><title>{} ({}){more}</title><text x=\"8\" y=\"{}\">{}</text>\
                 <text class=\"role\" x=\"8\" y=\"{}\">{}{more}</text></g>",
                lane.node,
                escape(name),
                header.nodes[lane.node.index()].role.name(),
                top + 18.0,
                escape(&shortened(name)),
                top + 31.0,
                header.nodes[lane.node.index()].role.name(),
            );
        }
        if !self.lanes.thin.is_empty() {
            let top = self.lanes_top + self.lanes.thin_top;
            let others = words::counted(self.lanes.thin.len() as u64, "other");
            let left_out = match self.lanes.left_out {
                0 => "a thin row each".to_owned(),
                count => format!("and {} not drawn", words::grouped(count as u64)),
            };
            let _ = writeln!(
                out,
                "<g class=\"name\"><text x=\"8\" y=\"{}\">{others}</text><text class=\"role\" x=\"8\" y=\"{}\">{left_out}</text></g>",
                top + PAD + 12.0,
                top + PAD + 25.0,
            );
        }
        out
    }

    /// The ruler's lines and labels: true time, and under it what the clock of one node shows.
    pub(super) fn ticks(&self, top: f64, height: f64) -> String {
        let mut out = String::new();
        let clock = self.picture.clocks.get(self.picture.ruler_node().index());
        for at in ticks(&self.axis) {
            let x = self.axis.x(at);
            let reading =
                clock.and_then(|clock| clock.reading(at)).map(|shown| tick_label(&self.axis, shown));
            // The outermost labels would be cut off.
            let (anchor, place) = match self.axis.place(at) {
                place if place < 20.0 => (" text-anchor=\"start\"", place + 2.0),
                place if place > PLOT - 20.0 => (" text-anchor=\"end\"", place - 2.0),
                place => ("", place),
            };
            let _ = write!(
                out,
                "<path class=\"tick\" d=\"M{x} {}V{height}\"/><text{anchor} x=\"{place:.1}\" y=\"{}\">{}</text><text{anchor} class=\"own\" x=\"{place:.1}\" y=\"{}\">{}</text>",
                top + 18.0,
                top + 13.0,
                tick_label(&self.axis, i64::try_from(at.as_nanos()).unwrap_or(i64::MAX)),
                top + 30.0,
                reading.unwrap_or_default(),
            );
        }
        out
    }

    /// The numbers of the sentences, where they happened. Those that would hide each other share a pin.
    pub(super) fn pins(&self) -> String {
        let mut out = String::new();
        let mut seen = self.pins.iter().filter(|pin| self.axis.shows(pin.at, pin.at)).peekable();
        while let Some(first) = seen.next() {
            let place = self.axis.place(first.at);
            let (mut last, mut edge) = (first, place);
            let mut joined = Vec::new();
            while let Some(next) = seen.next_if(|next| self.axis.place(next.at) - edge < PIN) {
                edge = self.axis.place(next.at);
                last = next;
                joined.push(next);
            }
            out.push_str(&self.pin(first, last.number, place, ""));
            for pin in joined {
                out.push_str(&self.pin(pin, pin.number, self.axis.place(pin.at), " none"));
            }
        }
        out
    }

    fn pin(&self, pin: &Pin, last: usize, place: f64, hidden: &str) -> String {
        let label = match last == pin.number {
            true => pin.number.to_string(),
            false => format!("{}\u{2013}{last}", pin.number),
        };
        let wide = pin_width(&label);
        let x = place.clamp(wide / 2.0, PLOT - wide / 2.0);
        format!(
            "<a href=\"#said-{}\" class=\"pin{hidden}\" data-x=\"{}\" data-n=\"{}\" transform=\"translate({x:.1} 14)\"><title>{}</title><rect x=\"{:.1}\" y=\"-9\" width=\"{wide:.0}\" height=\"18\" rx=\"9\"/><text y=\"3.7\">{label}</text></a>",
            pin.number,
            self.axis.x(pin.at),
            pin.number,
            escape(&pin.text),
            wide / -2.0,
        )
    }

    /// The faults, in rows above the lanes; and how many rows they take.
    pub(super) fn faults(&mut self, top: f64) -> usize {
        let mut ends: Vec<f64> = Vec::new();
        let mut told = std::collections::BTreeMap::new();
        for fault in &self.picture.faults {
            // One that strikes many nodes at once stands here once.
            let band: &mut (SimInstant, bool) =
                told.entry((fault.from, fault.fault)).or_insert((fault.until, false));
            *band = (band.0.max(fault.until), band.1 || fault.landed);
        }
        for ((from, fault), (until, landed)) in told {
            if !self.axis.shows(from, until) {
                continue;
            }
            let (x1, x2) = (self.axis.place(from), self.axis.place(until));
            let name = format!("{}. {}", fault.0 + 1, self.picture.names.fault(fault));
            let wide = label_width(&name).min(360.0);
            let free = ends.iter().position(|end| *end <= x1);
            let row = free.unwrap_or(ends.len().min(MOST_FAULT_ROWS - 1));
            if row == ends.len() {
                ends.push(0.0);
            }
            ends[row] = ends[row].max(x2).max(x1 + wide + 10.0);
            let y = top + row as f64 * FAULT_ROW;
            let class = if landed { "fault" } else { "fault missed" };
            let x = [self.axis.x(from), self.axis.x(until)];
            let words = format!("fault {name}");
            self.ink.bar(class, &words, [&x[0], &x[1]], y, FAULT_ROW - 4.0);
            let note = if landed { "" } else { " (touched nothing)" };
            let at = if x1 + wide > PLOT { (PLOT - wide).max(0.0) } else { x1 };
            let _ = writeln!(
                self.texts,
                "<g data-x=\"{}\" data-x2=\"{}\" data-w=\"0\"><text class=\"fault-name\" x=\"{:.1}\" y=\"{}\"><title>{}{note}</title>{}{note}</text></g>",
                x[0],
                x[1],
                at + 4.0,
                y + 10.0,
                escape(&name),
                escape(&cut(&name, 60)),
            );
        }
        ends.len()
    }
}

/// About so many ticks, at round instants.
fn ticks(axis: &Axis) -> Vec<SimInstant> {
    const TICKS: u64 = 10;
    let step = round_step(axis.length() / TICKS);
    let first = axis.from.as_nanos().div_ceil(step) * step;
    let all = (0..).map(|place| first + place * step).take_while(|at| *at <= axis.until.as_nanos());
    all.map(SimInstant::from_nanos).collect()
}

/// The next of 1, 2 and 5 times a power of ten, in nanoseconds.
fn round_step(least: u64) -> u64 {
    let mut power = 1;
    loop {
        for step in [power, 2 * power, 5 * power] {
            if step >= least {
                return step.max(1_000);
            }
        }
        power *= 10;
    }
}

/// A reading of a clock in seconds, with as many decimals as neighbouring ticks need.
fn tick_label(axis: &Axis, nanos: i64) -> String {
    let step = round_step(axis.length() / 10);
    let decimals = match step {
        1_000_000_000.. => 0,
        100_000_000.. => 1,
        10_000_000.. => 2,
        1_000_000.. => 3,
        100_000.. => 4,
        10_000.. => 5,
        _ => 6,
    };
    let scale = 10_u64.pow(9 - decimals);
    let cut = nanos.unsigned_abs() / scale;
    let sign = if nanos < 0 && cut > 0 { "-" } else { "" };
    let (whole, part) = (cut / 10_u64.pow(decimals), cut % 10_u64.pow(decimals));
    match decimals {
        0 => format!("{sign}{whole} s"),
        _ => format!("{sign}{whole}.{part:0width$} s", width = decimals as usize),
    }
}

fn shortened(name: &str) -> String {
    cut(name, LONGEST_NAME)
}

fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest - 1).chain(['…']).collect()
}

/// How wide a pin is, by what stands in it. The script has the same rule.
fn pin_width(label: &str) -> f64 {
    10.0 + 7.0 * label.chars().count().max(1) as f64
}

/// About how wide a label is, in pixels.
pub(super) fn label_width(text: &str) -> f64 {
    text.chars().count() as f64 * 5.6 + 8.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_core::Span;

    #[test]
    fn ticks_are_round_and_their_labels_differ() {
        for length in
            [Span::from_micros(40), Span::from_millis(7), Span::from_secs(1), Span::from_secs(86_400)]
        {
            let from = SimInstant::START + Span::from_millis(3_333);
            let axis = Axis::new(from, from + length);
            let ticks = ticks(&axis);
            assert!((4..=12).contains(&ticks.len()), "{length}: {ticks:?}");
            let labels: std::collections::BTreeSet<String> =
                ticks.iter().map(|at| tick_label(&axis, at.as_nanos() as i64)).collect();
            assert_eq!(labels.len(), ticks.len(), "{labels:?}");
        }
        let axis = Axis::new(SimInstant::START, SimInstant::START + Span::from_secs(1));
        assert_eq!(tick_label(&axis, -1_500_000_000), "-1.5 s");
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(shortened("holder-1"), "holder-1");
        assert_eq!(shortened(&"n".repeat(400)).chars().count(), LONGEST_NAME);
    }
}
