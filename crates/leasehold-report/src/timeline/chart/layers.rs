//! What is drawn in the lanes.

use std::fmt::Write;

use leasehold_core::plan::Role;
use leasehold_core::{Leg, Purpose, ResourceId, SimInstant, Token};

use super::Draft;
use super::frame::label_width;
use crate::timeline::bands::BandKind;
use crate::timeline::beliefs::{Bar, BarKind};
use crate::timeline::ink::{PLOT, escape};
use crate::timeline::lanes::{COUNT_ROW, Lane, MARK_ROW, PAD, STALE_ROW, WIRE_ROW};
use crate::timeline::marks::MarkKind;
use crate::timeline::messages::{Fate, Message};
use crate::timeline::picture::AlarmKind;
use crate::timeline::views::Listing;
use crate::words;

/// What stands behind the ruler's lines, from back to front.
pub(super) const BEHIND: [&str; 8] = [
    "struck",
    "band slow",
    "band paused",
    "band suspended",
    "band down",
    "band frozen",
    "fault",
    "fault missed",
];

/// What stands before them.
pub(super) const BEFORE: [&str; 36] = [
    "wire",
    "msg ok",
    "msg ok head",
    "bar lease",
    "bar lease open",
    "bar claim",
    "bar claim open",
    "bar unaware",
    "thin lease",
    "thin claim",
    "thin unaware",
    "thin stop",
    "count",
    "listed",
    "stale",
    "mark-line",
    "effect ok",
    "effect granted",
    "effect ended",
    "effect clock",
    "effect told",
    "effect poor",
    "msg underway",
    "msg late",
    "msg late head",
    "msg lost",
    "msg lost cross",
    "msg wrong",
    "msg wrong head",
    "effect refused",
    "effect issued",
    "effect old",
    "effect unseen",
    "alarm hazard",
    "alarm violation",
    "alarm flag",
];

/// How high a lease's bar is, and a claim's.
const LEASE: f64 = 12.0;
const CLAIM: f64 = 15.0;
/// More labels than these of one sort are not written: they would hide each other.
const MOST_LABELS: usize = 250;

impl Draft<'_> {
    /// What was the matter with nodes, over the whole height of their lanes.
    pub(super) fn bands(&mut self) {
        for fault in &self.picture.faults {
            let Some(lane) = fault.node.and_then(|node| self.lanes.lane(node)) else { continue };
            if self.axis.shows(fault.from, fault.until) && fault.from < fault.until {
                let x = [self.axis.x(fault.from), self.axis.x(fault.until)];
                let words = format!("fault {}", self.picture.names.node(lane.node));
                self.ink.bar("struck", &words, [&x[0], &x[1]], self.lanes_top + lane.top, lane.height);
            }
        }
        let (picture, axis) = (self.picture, self.axis);
        for band in picture.bands.iter().filter(|band| axis.shows(band.from, band.until)) {
            let Some(lane) = self.lanes.lane(band.node) else { continue };
            let class = match band.kind {
                BandKind::Paused => "band paused",
                BandKind::Suspended => "band suspended",
                BandKind::Down => "band down",
                BandKind::Slow => "band slow",
                BandKind::DiskStalled
                | BandKind::ClocksFrozen
                | BandKind::WorkStopped
                | BandKind::CacheFrozen => "band frozen",
            };
            let x = [self.axis.x(band.from), self.axis.x(band.until)];
            let words = format!("{} {}", band.kind.name(), self.picture.names.node(band.node));
            let top = self.lanes_top + lane.top;
            self.ink.bar(class, &words, [&x[0], &x[1]], top, lane.height);
            let (from, until) = (self.axis.place(band.from), self.axis.place(band.until));
            self.label("state", band.kind.name(), from, until, &x, top + lane.height - 4.0);
        }
    }

    /// What nodes claimed, and above it what grantors thought.
    pub(super) fn bars(&mut self) {
        let mut labels = 0;
        let (picture, axis) = (self.picture, self.axis);
        let bars = picture.bars.iter().filter(|bar| axis.shows(bar.from, bar.until));
        for bar in bars {
            let Some(row) = self.lanes.lane(bar.node).and_then(|lane| lane.row(bar.resource)) else {
                continue;
            };
            let row = self.lanes_top + row;
            let (class, top, height) = match (bar.kind, bar.is_over) {
                (BarKind::Lease(_), true) => ("bar lease", row, LEASE),
                (BarKind::Lease(_), false) => ("bar lease open", row, LEASE),
                (BarKind::Claim, true) => ("bar claim", row + LEASE + 1.0, CLAIM),
                (BarKind::Claim, false) => ("bar claim open", row + LEASE + 1.0, CLAIM),
                (BarKind::Unaware, _) => ("bar unaware", row + LEASE + 1.0, CLAIM),
            };
            let x = [self.axis.x(bar.from), self.axis.x(bar.until)];
            let words = self.words_of(bar);
            self.ink.bar(class, &words, [&x[0], &x[1]], top, height);
            let (from, until) = (self.axis.place(bar.from), self.axis.place(bar.until));
            if labels < MOST_LABELS {
                labels += 1;
                let (style, text, y) = match bar.kind {
                    BarKind::Lease(_) => ("on lease", self.bar_label(bar), top + 9.5),
                    BarKind::Claim => ("on claim", self.bar_label(bar), top + 11.5),
                    BarKind::Unaware => ("on unaware", "claim over, not noticed".to_owned(), top + 11.5),
                };
                self.label(style, &text, from, until, &x, y);
            }
        }
    }

    fn bar_label(&self, bar: &Bar) -> String {
        let names = &self.picture.names;
        let (on, token) = (names.on(bar.resource), if names.has_registry() { "epoch" } else { "token" });
        let own = names.has_registry() && names.member(bar.resource) == names.node(bar.node);
        let on = if own { "" } else { on.as_str() };
        match bar.kind {
            BarKind::Lease(lease) => format!("lease {lease}{on}, {token} {}", bar.token),
            _ => format!("claims{on}, {token} {}", bar.token),
        }
    }

    fn words_of(&self, bar: &Bar) -> String {
        let kind = match bar.kind {
            BarKind::Lease(_) => "lease",
            BarKind::Claim | BarKind::Unaware => "claim",
        };
        format!("{kind} {}", self.picture.names.node(bar.node))
    }

    /// The nodes of a large fleet that share one lane.
    pub(super) fn thin(&mut self) {
        if self.lanes.thin.is_empty() {
            return;
        }
        let height = self.lanes.thin_row - 1.0;
        for bar in self.picture.bars.iter().filter(|bar| self.axis.shows(bar.from, bar.until)) {
            let Some(top) = self.lanes.thin(bar.node) else { continue };
            let top = self.lanes_top + top;
            let (class, top, height) = match bar.kind {
                BarKind::Lease(_) => ("thin lease", top, height / 2.0),
                BarKind::Claim => ("thin claim", top + height / 2.0, height / 2.0),
                BarKind::Unaware => ("thin unaware", top + height / 2.0, height / 2.0),
            };
            let x = [self.axis.x(bar.from), self.axis.x(bar.until)];
            let words = self.words_of(bar);
            self.ink.bar(class, &words, [&x[0], &x[1]], top, height);
        }
        for band in self.picture.bands.iter().filter(|band| band.kind.is_stop()) {
            let Some(top) = self.lanes.thin(band.node).filter(|_| self.axis.shows(band.from, band.until))
            else {
                continue;
            };
            let x = [self.axis.x(band.from), self.axis.x(band.until)];
            let words = format!("{} {}", band.kind.name(), self.picture.names.node(band.node));
            self.ink.bar("thin stop", &words, [&x[0], &x[1]], self.lanes_top + top, height);
        }
    }

    /// The marks of resources as lines, and what was accepted and refused at them.
    pub(super) fn marks(&mut self) {
        for lane in &self.lanes.full {
            if lane.role == Role::Resource {
                for resource in &lane.rows {
                    self.mark_line(lane, *resource);
                }
            }
        }
        let mut odd_labels = 0;
        for happening in &self.picture.happenings {
            let (Some(kind), Some(node)) = (happening.mark, happening.event.node) else { continue };
            let at = happening.event.at;
            let Some(lane) = self.lanes.lane(node).filter(|_| self.axis.shows(at, at)) else { continue };
            let wire = self.lanes_top + lane.wire();
            let level = |token| self.level(lane, resource_of(&happening.event), token).unwrap_or(wire);
            let x = self.axis.x(at);
            let words = format!("effect {}", self.picture.names.node(node));
            let (class, y, label) = match kind {
                MarkKind::Accepted(token) => ("effect ok", level(token), None),
                MarkKind::AcceptedOld(token) => {
                    ("effect old", level(token), Some(format!("accepted, token {token}")))
                }
                MarkKind::AcceptedUnseen(token) => (
                    "effect unseen",
                    level(token),
                    Some(format!("overwrites what it had not seen, token {token}")),
                ),
                MarkKind::Refused(token) => {
                    ("effect refused", level(token), Some(format!("refused, token {token}")))
                }
                MarkKind::IssuedLate(token) => {
                    ("effect issued", wire, Some(format!("write leaves, claim over, token {token}")))
                }
                MarkKind::LookupPoor => ("effect poor", wire, None),
                MarkKind::CallFailed => ("effect refused", wire, None),
                MarkKind::ClockChanged => ("effect clock", wire, Some("clock changed".to_owned())),
                MarkKind::Commanded => ("effect told", wire, None),
                MarkKind::Granted => ("effect granted", wire, None),
                MarkKind::Ended => ("effect ended", wire, None),
            };
            let shape = match class {
                "effect ok" => "m0-4v8",
                "effect granted" => "m-4 3h8l-4 -7z",
                "effect ended" => "m-4 -3h8l-4 7z",
                "effect refused" => "m-4 -4l8 8m0 -8l-8 8",
                "effect clock" => "m-4 -4h8l-8 8h8z",
                "effect told" => "m-3 -3h6v6h-6z",
                "effect poor" => "m0 -4l4 8h-8z",
                _ => "m0 -7l7 7l-7 7l-7 -7z",
            };
            self.ink.draw(class, &words, format_args!("M{x} {y}{shape}"));
            if let Some(label) = label.filter(|_| odd_labels < 12) {
                odd_labels += 1;
                let place = self.axis.place(at);
                let ends = place + label_width(&label) * 1.2 + 10.0 > PLOT;
                let (anchor, dx) = if ends { ("end", -10.0) } else { ("start", 10.0) };
                let _ = writeln!(
                    self.texts,
                    "<text class=\"odd\" data-x=\"{x}\" data-dx=\"{dx}\" text-anchor=\"{anchor}\" x=\"{:.1}\" y=\"{}\">{label}</text>",
                    place + dx,
                    y + 4.0,
                );
            }
        }
    }

    /// Where a token stands in the row of a resource: the newest at the top.
    fn level(&self, lane: &Lane, resource: Option<ResourceId>, token: Token) -> Option<f64> {
        let resource = resource?;
        let row = lane.row(resource).filter(|_| lane.role == Role::Resource)?;
        let steps =
            self.picture.steps.iter().filter(|step| step.node == lane.node && step.resource == resource);
        let tokens = steps.map(|step| step.token.0);
        let (least, most) =
            tokens.fold((u64::MAX, 0), |(least, most), token| (least.min(token), most.max(token)));
        let part = match most.saturating_sub(least) {
            0 => 0.5,
            range => token.0.saturating_sub(least).min(range) as f64 / range as f64,
        };
        // Whole pixels: shapes are hairlines.
        Some(self.lanes_top + row + (MARK_ROW - 10.0 - part * (MARK_ROW - 18.0)).round())
    }

    fn mark_line(&mut self, lane: &Lane, resource: ResourceId) {
        let picture = self.picture;
        let steps: Vec<_> =
            picture.steps.iter().filter(|step| step.node == lane.node && step.resource == resource).collect();
        let words = format!("mark {}", picture.names.node(lane.node));
        let mut labels = 0;
        for (place, step) in steps.iter().enumerate() {
            let until = steps.get(place + 1).map_or(picture.ended_at, |next| next.at);
            if !self.axis.shows(step.at, until) {
                continue;
            }
            let (Some(y), x) =
                (self.level(lane, Some(resource), step.token), [self.axis.x(step.at), self.axis.x(until)])
            else {
                continue;
            };
            let rise = steps.get(place + 1).and_then(|next| self.level(lane, Some(resource), next.token));
            let rise = rise.map_or(0.0, |next| next - y);
            self.ink.draw("mark-line", &words, format_args!("M{} {y}H{}v{rise}", x[0], x[1]));
            if labels < MOST_LABELS / 5 {
                labels += 1;
                let (from, until) = (self.axis.place(step.at), self.axis.place(until));
                let text = format!("mark {}", step.token);
                self.label("on mark", &text, from, until, &x, y - 6.0);
            }
        }
    }

    /// What views listed, and which of it was gone.
    pub(super) fn views(&mut self) {
        for view in &self.picture.views {
            let Some(lane) = self.lanes.lane(view.node) else { continue };
            let top = self.lanes_top
                + lane.top
                + PAD
                + (lane.height - PAD - WIRE_ROW - COUNT_ROW - lane.stale as f64 * STALE_ROW).max(0.0);
            self.counted(view, top);
            let words = format!("view {}", self.picture.names.node(view.node));
            for (place, listed) in view.stale.iter().take(lane.stale).enumerate() {
                if !self.axis.shows(listed.from, listed.until) {
                    continue;
                }
                let y = top + COUNT_ROW + place as f64 * STALE_ROW;
                let x = [listed.from, listed.stale_from, listed.until].map(|at| self.axis.x(at));
                self.ink.bar("listed", &words, [&x[0], &x[1]], y + 3.0, STALE_ROW - 7.0);
                self.ink.bar("stale", &words, [&x[1], &x[2]], y, STALE_ROW - 2.0);
                let (from, until) = (self.axis.place(listed.stale_from), self.axis.place(listed.until));
                let name = self.picture.names.instance(listed.instance);
                let text = format!("{name} gone");
                self.label("on stale", &text, from, until, &[x[1].clone(), x[2].clone()], y + 9.0);
            }
        }
    }

    /// How many instances a view lists, as a line and in numbers.
    fn counted(&mut self, view: &Listing, top: f64) {
        let most = view.counts.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
        let level = |count: u32| top + (COUNT_ROW - 4.0) * (1.0 - f64::from(count) / f64::from(most)) + 2.0;
        let words = format!("view {}", self.picture.names.node(view.node));
        // Steps that stand in one place are one: a fleet of a thousand comes up within a few pixels.
        let mut counts: Vec<(SimInstant, u32)> = Vec::new();
        for (at, count) in &view.counts {
            match counts.last_mut() {
                Some((known, latest)) if self.axis.place(*at) - self.axis.place(*known) < 0.25 => {
                    *latest = *count;
                }
                _ => counts.push((*at, *count)),
            }
        }
        for (place, (at, count)) in counts.iter().enumerate() {
            let next = counts.get(place + 1);
            let until = next.map_or(self.picture.ended_at, |next| next.0);
            if !self.axis.shows(*at, until) {
                continue;
            }
            let (y, x) = (level(*count).round(), [self.axis.x(*at), self.axis.x(until)]);
            let rise = next.map_or(0.0, |next| level(next.1).round() - y);
            self.ink.draw("count", &words, format_args!("M{} {y}H{}v{rise}", x[0], x[1]));
            if place < MOST_LABELS / 5 {
                let (from, until) = (self.axis.place(*at), self.axis.place(until));
                self.label("on mark", &format!("lists {count}"), from, until, &x, (y + 11.0).min(top + 18.0));
            }
        }
    }

    /// Messages, as lines from lane to lane. Says how many ordinary ones there are.
    pub(super) fn messages(&mut self) -> usize {
        for lane in &self.lanes.full {
            let y = self.lanes_top + lane.wire();
            let words = format!("wire {}", self.picture.names.node(lane.node));
            self.ink.draw("wire", &words, format_args!("M0 {y}H{PLOT}"));
        }
        let mut ordinary = 0;
        for message in &self.picture.messages {
            let ended = message.ended.unwrap_or(self.picture.ended_at);
            if self.axis.shows(message.sent, ended) && self.message(message, ended) {
                ordinary += usize::from(message.fate == Fate::Arrived);
            }
        }
        ordinary
    }

    fn message(&mut self, message: &Message, ended: SimInstant) -> bool {
        let (Some(from), Some(to)) = (self.lanes.wire(message.from), self.lanes.wire(message.to)) else {
            return false;
        };
        let (y1, y2) = (self.lanes_top + from, self.lanes_top + to);
        let names = &self.picture.names;
        let words = format!(
            "message {} {} {} {} {}",
            message.fate.name(),
            message.purpose.name(),
            words::leg_name(message.leg),
            names.node(message.from),
            names.node(message.to)
        );
        let x = [self.axis.x(message.sent), self.axis.x(ended)];
        let head = if y2 > y1 { "m-2-5l2 5 2-5" } else { "m-2 5l2-5 2 5" };
        match message.fate {
            Fate::Arrived if self.left_late(message) => {
                self.ink.draw("msg wrong", &words, format_args!("M{} {y1}L{} {y2}", x[0], x[1]));
                self.ink.draw("msg wrong head", &words, format_args!("M{} {y2}{head}", x[1]));
            }
            Fate::Arrived => {
                self.ink.draw("msg ok", &words, format_args!("M{} {y1}L{} {y2}", x[0], x[1]));
                self.ink.draw("msg ok head", &words, format_args!("M{} {y2}{head}", x[1]));
            }
            Fate::Late => {
                self.ink.draw("msg late", &words, format_args!("M{} {y1}L{} {y2}", x[0], x[1]));
                self.ink.draw(
                    "msg late head",
                    &words,
                    format_args!("M{} {y2}{head}m-6 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0", x[1]),
                );
            }
            Fate::UnderWay => {
                let reached = y1 + (y2 - y1) * 0.6;
                self.ink.draw("msg underway", &words, format_args!("M{} {y1}L{} {reached:.1}", x[0], x[1]));
            }
            // What was lost ended somewhere between the two.
            Fate::Lost(_) => {
                let reached = y1 + (y2 - y1) * 0.6;
                self.ink.draw("msg lost", &words, format_args!("M{} {y1}L{} {reached:.1}", x[0], x[1]));
                self.ink.draw(
                    "msg lost cross",
                    &words,
                    format_args!("M{} {reached:.1}m-3.5 -3.5l7 7m0 -7l-7 7", x[1]),
                );
            }
        }
        true
    }

    /// Whether it carries a write that left when its sender's claim was over.
    fn left_late(&self, message: &Message) -> bool {
        let happenings = &self.picture.happenings;
        let first = happenings.partition_point(|happening| happening.event.at < message.sent);
        let then = happenings[first..].iter().take_while(|happening| happening.event.at == message.sent);
        (message.purpose, message.leg) == (Purpose::Write, Leg::Request)
            && then.into_iter().any(|happening| {
                matches!(happening.mark, Some(MarkKind::IssuedLate(_)))
                    && happening.event.node == Some(message.from)
            })
    }

    /// What was found, over the whole height.
    pub(super) fn alarms(&mut self, top: f64, height: f64) {
        for alarm in self.picture.alarms.iter().filter(|alarm| self.axis.shows(alarm.at, alarm.at)) {
            let x = self.axis.x(alarm.at);
            let class = match alarm.kind {
                AlarmKind::Violation => "alarm violation",
                AlarmKind::Hazard => "alarm hazard",
            };
            self.ink.draw(class, &alarm.text, format_args!("M{x} {top}V{height}"));
            if alarm.kind == AlarmKind::Violation {
                self.ink.draw("alarm flag", &alarm.text, format_args!("M{x} {top}m-7 0h14l-7 12z"));
            }
        }
    }

    /// A text on something that lasts, if there is room for it.
    fn label(&mut self, class: &str, text: &str, from: f64, until: f64, x: &[String; 2], y: f64) {
        let wide = label_width(text);
        let hidden = if until - from < wide { " class=\"none\"" } else { "" };
        let _ = writeln!(
            self.texts,
            "<g{hidden} data-x=\"{}\" data-x2=\"{}\" data-w=\"{wide:.0}\"><text class=\"{class}\" x=\"{:.1}\" y=\"{y}\">{}</text></g>",
            x[0],
            x[1],
            from + 4.0,
            escape(text),
        );
    }
}

/// The resource that an event is about, if it is one of those that have a level.
fn resource_of(event: &leasehold_core::Event) -> Option<ResourceId> {
    use leasehold_core::{EventKind, NodeEvent};
    match event.kind {
        EventKind::Node(
            NodeEvent::EffectAccepted { resource, .. } | NodeEvent::AccessRefused { resource, .. },
        ) => Some(resource),
        _ => None,
    }
}
