//! A study beside an earlier run of it: what got better, what worse, and what is noise.

use leasehold_check::Better;

use super::document::{Block, Cell, Section, Table, Tone, numbers, words};
use super::scale::change;
use super::view::{View, with_number};
use crate::chart::grouped;
use crate::study::{StudySummary, Trait};

/// How a number has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moved {
    /// The intervals are apart, and it is the worse for it.
    Worse,
    /// The intervals are apart, and it is the better for it.
    Better,
    /// The intervals overlap: chance alone can do that.
    Noise,
    /// It is the very same number.
    Same,
    /// One of the two has too few values to say.
    Unknown,
}

impl Moved {
    const ALL: [Self; 5] = [Self::Worse, Self::Better, Self::Noise, Self::Same, Self::Unknown];

    const fn in_words(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Noise => "noise",
            Self::Same => "the same",
            Self::Unknown => "too few to say",
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::Worse => Tone::Bad,
            Self::Better => Tone::Good,
            Self::Noise | Self::Same => Tone::Plain,
            Self::Unknown => Tone::Doubtful,
        }
    }

    /// How a number of a point has moved since an earlier study.
    fn of(earlier: &StudySummary, before: usize, later: &StudySummary, after: usize, of: Trait) -> Self {
        let (old, new) = (earlier.estimate(before, of), later.estimate(after, of));
        let (Some(old), Some(new)) = (old, new) else { return Self::Unknown };
        if old == new {
            return Self::Same;
        }
        let (Some(old), Some(new)) = (old.low.zip(old.high), new.low.zip(new.high)) else {
            return Self::Unknown;
        };
        let (less, more) = match of.metric.better() {
            Better::Less => (Self::Better, Self::Worse),
            Better::More => (Self::Worse, Self::Better),
        };
        if new.1 < old.0 {
            less
        } else if new.0 > old.1 {
            more
        } else {
            Self::Noise
        }
    }
}

/// What became of the numbers since the baseline; nothing without one.
pub(crate) fn comparison(view: &View<'_>) -> Option<Section> {
    let (study, baseline) = (view.study, view.baseline?);
    let found = |point: usize| {
        let same = |other: &usize| baseline.points[*other].values == study.points[point].values;
        (0..baseline.points.len()).find(same).map(|before| (before, point))
    };
    let pairs: Vec<(usize, usize)> = view.points().filter_map(found).collect();
    let traits = told_in_both(view, baseline, &pairs);
    let moved = |(before, after): (usize, usize), of: Trait| Moved::of(baseline, before, study, after, of);
    let text = format!(
        "Beside the baseline, {} with {} and the seeds {}: {} of {} points are in both. A number is better or worse where the two \
         intervals of 95\u{a0}% are apart; chance alone takes them apart in about 6 of 1,000 comparisons. Where they overlap it is \
         called noise.",
        baseline.name,
        baseline.tool,
        baseline.seeds,
        pairs.len(),
        study.points.len()
    );
    let mut columns = vec![words("number")];
    columns.extend(Moved::ALL.iter().map(|moved| numbers(moved.in_words())));
    let mut sums = Table::new("At how many points", columns);
    for of in &traits {
        let all: Vec<Moved> = pairs.iter().map(|pair| moved(*pair, *of)).collect();
        let mut row = vec![Cell::new(of.to_string())];
        for wanted in Moved::ALL {
            let count = all.iter().filter(|moved| **moved == wanted).count();
            let tone = if count > 0 && wanted < Moved::Noise { wanted.tone() } else { Tone::Plain };
            row.push(Cell::new(grouped(count as u64)).sorted_by(count as f64).toned(tone));
        }
        sums.rows.push(row);
    }
    let mut changes =
        changes(view, baseline, "What is not noise", &pairs, &traits, |moved| moved < Moved::Noise);
    let all = self::changes(view, baseline, "All that was compared", &pairs, &view.traits, |_| true);
    let mut blocks = vec![Block::Text(text)];
    blocks.extend(alone(view, baseline, &pairs).into_iter().map(Block::Text));
    blocks.push(Block::Table(sums));
    if changes.rows.is_empty() {
        blocks.push(Block::Text("Nothing got better and nothing worse: what differs is noise.".to_owned()));
    } else {
        changes.rows.truncate(LONGEST);
        blocks.push(Block::Table(changes));
    }
    blocks.push(Block::Folded(all));
    Some(Section { id: "comparison", title: "Since the baseline".to_owned(), blocks })
}

/// More points than this are counted and not named. Chosen by us: they fit on two lines.
const NAMED: usize = 12;

/// Which points only one of the two has, in a sentence for each that has such.
fn alone(view: &View<'_>, baseline: &StudySummary, pairs: &[(usize, usize)]) -> Vec<String> {
    let told = |whose: &str, points: Vec<usize>, label: &dyn Fn(usize) -> String| {
        let count = points.len();
        let mut named: Vec<String> = points.into_iter().take(NAMED).map(label).collect();
        if count > NAMED {
            named.push(format!("and {} more", count - NAMED));
        }
        let (points, are) = if count == 1 { ("point", "is") } else { ("points", "are") };
        let told = format!(
            "Only {whose} has {} {points}, which {are} compared with nothing: ",
            grouped(count as u64)
        );
        (count > 0).then(|| format!("{told}{}.", named.join("; ")))
    };
    let here = view.points().filter(|point| !pairs.iter().any(|(_, after)| after == point)).collect();
    let there = (0..baseline.points.len()).filter(|point| !pairs.iter().any(|(before, _)| before == point));
    let there = told("the baseline", there.collect(), &|point| baseline.label(point));
    told("this run", here, &|point| view.study.label(point)).into_iter().chain(there).collect()
}

/// More rows than this nobody reads; those that got worse come first.
const LONGEST: usize = 60;

/// The numbers that both studies tell.
fn told_in_both(view: &View<'_>, baseline: &StudySummary, pairs: &[(usize, usize)]) -> Vec<Trait> {
    let mut traits = view.traits.clone();
    for metric in &view.study.metrics {
        let rest = metric
            .kind()
            .statistics()
            .iter()
            .map(|statistic| Trait { metric: *metric, statistic: *statistic });
        let told = |of: &Trait| {
            let both = |(before, after): &(usize, usize)| {
                baseline.estimate(*before, *of).is_some() && view.study.estimate(*after, *of).is_some()
            };
            pairs.iter().any(both)
        };
        let more: Vec<Trait> = rest.filter(|of| !traits.contains(of) && told(of)).collect();
        traits.extend(more);
    }
    traits
}

fn changes(
    view: &View<'_>,
    baseline: &StudySummary,
    caption: &str,
    pairs: &[(usize, usize)],
    traits: &[Trait],
    wanted: impl Fn(Moved) -> bool,
) -> Table {
    let columns = [
        words("number"),
        words("point"),
        numbers("before"),
        numbers("95\u{a0}% sure"),
        numbers("now"),
        numbers("95\u{a0}% sure"),
        words("change"),
        words("so it is"),
    ];
    let mut rows = Vec::new();
    for of in traits {
        for (before, after) in pairs {
            let moved = Moved::of(baseline, *before, view.study, *after, *of);
            if !wanted(moved) {
                continue;
            }
            let (old, new) = (view.told_of(baseline, *before, *of), view.told(*after, *of));
            let change = old.value.zip(new.value).map_or_else(String::new, |(old, new)| change(old, new));
            rows.push((
                moved,
                vec![
                    Cell::new(of.to_string()),
                    Cell::new(view.label(*after)),
                    with_number(Cell::new(old.text), old.value),
                    Cell::new(old.between),
                    with_number(Cell::new(new.text), new.value),
                    Cell::new(new.between),
                    Cell::new(change),
                    Cell::new(moved.in_words()).toned(moved.tone()),
                ],
            ));
        }
    }
    rows.sort_by_key(|(moved, _)| *moved);
    let mut table = Table::new(caption, columns);
    table.rows = rows.into_iter().map(|(_, row)| row).collect();
    table
}
