//! Random faults, in the manner of swarm testing (Groce et al., "Swarm testing", ISSTA 2012): each seed leaves out
//! half of the kinds, so that the others meet in combinations that a mix of all of them would hardly ever give.
//!
//! Each kind draws all of its own from a stream of its own, and what all faults of a seed share from others. So a
//! new kind, or one more in a scenario's `[chaos]`, moves nothing of another kind's faults as they are drawn (times,
//! targets as roles, numbers), as long as nine kinds or more may be drawn and the most faults of a seed are not
//! reached. Picks and shapes are drawn by the number of a fault, and numbers do shift.

mod action;
mod cast;
mod cut;
mod length;
mod links;
mod moment;
#[cfg(test)]
mod tests;

use leasehold_core::plan::{FaultKind, FaultPlan};

use crate::case::Drawn;
use crate::stream::{Purpose, Stream};
use crate::template::{CommandEffect, Template};
use action::act;
use cast::Cast;
use length::Lengths;
use moment::{Moments, condition};

/// So many faults of one kind can be drawn. Chosen by us: half of what is drawn by default at the most.
const MOST_OF_A_KIND: usize = 6;

/// With fewer kinds to draw from, each is drawn more often: else a scenario that names one would see few faults.
/// With more, the chances of a kind do not depend on which others there are.
const ENOUGH_KINDS: usize = 9;

/// The random faults of one seed.
pub(crate) struct Swarm {
    /// In the order of their kinds.
    pub(crate) faults: Vec<FaultPlan>,
    /// How they came about, for people.
    pub(crate) drawn: Vec<Drawn>,
}

/// What the faults of one seed have in common.
struct Season<'t> {
    template: &'t Template,
    cast: Cast<'t>,
    lengths: Lengths,
    moments: Moments,
    intensity: Intensity,
    /// How many of the faults aim at lease-critical instants, in parts per million.
    aimed: u32,
}

/// How much goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intensity {
    /// At most so many faults: what one does by itself, and what none does.
    Calm(usize),
    /// The chance of each fault of a kind of ordinary weight, in parts per million.
    Ordinary(u32),
    /// As above, but many.
    Nasty(u32),
}

/// A fault with its place in the queue for those that are kept.
struct Candidate {
    priority: u64,
    fault: FaultPlan,
}

impl Swarm {
    /// Draws the faults of a seed.
    pub(crate) fn draw(template: &Template, seed: u64) -> Self {
        let season = Season::draw(template, seed);
        let mut candidates = Vec::new();
        let mut enabled = Vec::new();
        let kinds = if template.nodes.is_empty() { &[][..] } else { &template.chaos.kinds };
        for &kind in kinds.iter().filter(|kind| season.cast.can_suffer(**kind)) {
            let mut stream = Stream::new(seed, Purpose::Faults(kind));
            if let Some(weight) = season.weight(&mut stream) {
                enabled.push((kind, weight));
                season.draw_kind(kind, weight, &mut stream, &mut candidates);
            }
        }
        let (most, count) = (season.most(), candidates.len());
        let faults = keep(candidates, most);
        let drawn = season.tell(&enabled, count, faults.len());
        Self { faults, drawn }
    }
}

/// As many as may be, in their order: those of the lowest priorities, whatever their kinds.
fn keep(candidates: Vec<Candidate>, most: usize) -> Vec<FaultPlan> {
    if candidates.len() <= most {
        return candidates.into_iter().map(|candidate| candidate.fault).collect();
    }
    let mut priorities: Vec<(u64, usize)> =
        candidates.iter().enumerate().map(|(place, candidate)| (candidate.priority, place)).collect();
    priorities.sort_unstable();
    let mut kept = vec![false; candidates.len()];
    for (_, place) in priorities.into_iter().take(most) {
        kept[place] = true;
    }
    candidates.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(candidate, _)| candidate.fault).collect()
}

impl<'t> Season<'t> {
    fn draw(template: &'t Template, seed: u64) -> Self {
        let of = |name| Stream::new(seed, Purpose::Swarm(name));
        let lengths = Lengths::of(template);
        let cast = Cast { nodes: &template.nodes };
        let moments = Moments::draw(template, cast, &mut of("focus"), &mut of("gathering"));
        let intensity = Intensity::draw(&mut of("intensity"));
        let aimed = aimed_share(template.chaos.aimed.as_ppm(), &mut of("aim"));
        Self { template, cast, lengths, moments, intensity, aimed }
    }

    /// The weight of a kind in percent, if it is enabled.
    fn weight(&self, stream: &mut Stream) -> Option<u32> {
        let enabled = match self.template.chaos.kinds.len() {
            0 | 1 => 900_000,
            2 => 750_000,
            3..ENOUGH_KINDS => 600_000,
            _ => 500_000,
        };
        let weight = stream.weighted(&[(1, 25), (1, 50), (2, 100), (1, 200), (1, 400)]);
        stream.happens(enabled).then_some(weight)
    }

    /// How many times as often faults of a kind are drawn, because they do different things: the commands of a registry are
    /// as different from each other as a pause is from a crash, and so are links that are slow from links that lose. At most
    /// three, chosen by us: other kinds have their place too.
    fn different(&self, kind: FaultKind) -> u32 {
        match kind {
            FaultKind::Link => return 2,
            FaultKind::Command => {}
            _ => return 1,
        }
        let commands = &self.template.commands;
        let drawn = commands.iter().filter(|command| command.effect != CommandEffect::Nothing);
        let drawn = drawn.filter(|command| self.cast.has(command.role)).count();
        u32::try_from(drawn / 2).unwrap_or(u32::MAX).clamp(1, 3)
    }

    /// Draws the faults of a kind. First how many, and all of their priorities: so a higher chance adds faults, and
    /// leaves those that there are as they were.
    fn draw_kind(&self, kind: FaultKind, weight: u32, stream: &mut Stream, candidates: &mut Vec<Candidate>) {
        let chance = self.intensity.chance() * self.different(kind);
        let boost = ENOUGH_KINDS.div_ceil(self.template.chaos.kinds.len()) as u32;
        let chance = (chance * boost).saturating_mul(weight) / 100;
        let mut priorities = [0; MOST_OF_A_KIND];
        let mut count = 0;
        for priority in &mut priorities {
            *priority = stream.draw();
            count += usize::from(stream.happens(chance));
        }
        for &priority in &priorities[..count] {
            if let Some(fault) = self.fault(kind, stream) {
                candidates.push(Candidate { priority, fault });
            }
        }
    }

    /// One fault of a kind; nothing if this kind has nobody to strike here.
    fn fault(&self, kind: FaultKind, stream: &mut Stream) -> Option<FaultPlan> {
        let aim = stream.happens(self.aimed).then(|| condition(&self.lengths, stream));
        let moment = self.moments.draw_one(aim, &self.lengths, stream);
        let act = act(self, kind, aim, moment.on, stream)?;
        let cut = cut::cut(self.cast, &act, stream);
        Some(FaultPlan {
            trigger: moment.trigger,
            target: act.target,
            action: act.action,
            lasts: act.lasts,
            cut,
        })
    }

    fn most(&self) -> usize {
        let most = usize::from(self.template.chaos.most);
        match self.intensity {
            Intensity::Calm(few) => few.min(most),
            Intensity::Ordinary(_) | Intensity::Nasty(_) => most,
        }
    }

    fn tell(&self, enabled: &[(FaultKind, u32)], count: usize, kept: usize) -> Vec<Drawn> {
        let drawn = |what: &str, value| Drawn { what: what.to_owned(), value };
        let dropped = match count - kept {
            0 => String::new(),
            dropped => format!(", {dropped} more were left out"),
        };
        let intensity = format!("{}, {kept} random{dropped}", self.intensity.name());
        let kinds: Vec<String> =
            enabled.iter().map(|(kind, weight)| format!("{}{}", kind.name(), times(*weight))).collect();
        let kinds = if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") };
        let aimed = format!("{}% at lease-critical instants", self.aimed / 10_000);
        vec![drawn("faults", intensity), drawn("kinds of faults", kinds), drawn("aimed", aimed)]
    }
}

/// A weight in percent as a factor behind a name: ` x0.25`, ` x2`.
fn times(weight: u32) -> String {
    match (weight / 100, weight % 100) {
        (1, 0) => String::new(),
        (whole, 0) => format!(" x{whole}"),
        (whole, part) => format!(" x{whole}.{part:02}").trim_end_matches('0').to_owned(),
    }
}

impl Intensity {
    /// One in ten seeds is calm and one in ten nasty. The chances are chosen by us: of all kinds by default, about
    /// five faults in an ordinary seed, and ten in a nasty one.
    fn draw(stream: &mut Stream) -> Self {
        match stream.below(10) {
            0 => Self::Calm(stream.below(2) as usize),
            1 => Self::Nasty(100_000 + stream.below(100_001) as u32),
            _ => Self::Ordinary(20_000 + stream.below(80_001) as u32),
        }
    }

    const fn chance(self) -> u32 {
        match self {
            Self::Calm(_) => 60_000,
            Self::Ordinary(chance) | Self::Nasty(chance) => chance,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Calm(_) => "calm",
            Self::Ordinary(_) => "ordinary",
            Self::Nasty(_) => "nasty",
        }
    }
}

/// At least the least, and in half of the seeds anything up to all of them.
fn aimed_share(least: u32, stream: &mut Stream) -> u32 {
    let more = stream.below(u64::from(1_000_000 - least) + 1) as u32;
    if stream.below(2) == 0 { least } else { least + more }
}
