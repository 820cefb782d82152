//! What was predicted, beside what was measured.

use super::document::{Block, Cell, Section, Table, Tone, numbers, words};
use super::view::{View, with_number};
use crate::chart::grouped;
use crate::study::{PredictionStanding, Trait};

/// Whether a prediction is confirmed, in a word.
pub(crate) const fn standing(standing: PredictionStanding) -> &'static str {
    match standing {
        PredictionStanding::Confirmed => "confirmed",
        PredictionStanding::Refuted => "refuted",
        PredictionStanding::Open => "open: too few values",
        PredictionStanding::Beside => "beside: another world",
    }
}

/// What the words mean.
const BAND: &str = "A number confirms a formula if its interval reaches to within 5\u{a0}% of it and nowhere beyond 20\u{a0}% of it; \
                    a bound is confirmed by 30 runs that keep to it.";

/// All predictions; nothing if there are none.
pub(crate) fn predictions(view: &View<'_>) -> Option<Section> {
    let all =
        || view.study.points.iter().flat_map(|point| &point.figures).flat_map(|figure| &figure.predictions);
    all().next()?;
    let count = |wanted: PredictionStanding| {
        let count = all().filter(|prediction| prediction.standing == wanted).count();
        grouped(count as u64)
    };
    let text = format!(
        "Each number beside what the formulas of the timing model say of it (docs/timing.md). Over all points {} predictions are \
         confirmed, {} refuted, and {} open, because there are too few values to say. {BAND}",
        count(PredictionStanding::Confirmed),
        count(PredictionStanding::Refuted),
        count(PredictionStanding::Open)
    );
    let beside = count(PredictionStanding::Beside);
    let text = match beside.as_str() {
        "0" => text,
        some => format!(
            "{text} {some} are told beside and not held against anything: their formulas know no bursts of loss, partitions or pauses, \
             and these runs have some. No number of seeds changes that."
        ),
    };
    let mut blocks = vec![Block::Text(text)];
    let refuted = table(view, "What is refuted", view.points(), |found| found == PredictionStanding::Refuted);
    if !refuted.rows.is_empty() {
        blocks.push(Block::Table(refuted));
    }
    let shown = view.shown.iter().copied();
    blocks.push(Block::Table(table(view, "The points that the pictures show", shown.take(2), |_| true)));
    blocks.push(Block::Folded(table(view, "All points", view.points(), |_| true)));
    Some(Section { id: "predictions", title: "Predicted and measured".to_owned(), blocks })
}

fn table(
    view: &View<'_>,
    caption: &str,
    points: impl Iterator<Item = usize>,
    wanted: impl Fn(PredictionStanding) -> bool,
) -> Table {
    let columns = [
        words("number"),
        words("point"),
        numbers("measured"),
        numbers("95\u{a0}% sure"),
        numbers("predicted"),
        words("by"),
        words("so it is"),
    ];
    let mut table = Table::new(caption, columns);
    for point in points {
        for figure in &view.study.points[point].figures {
            for prediction in figure.predictions.iter().filter(|prediction| wanted(prediction.standing)) {
                let of = Trait { metric: figure.metric, statistic: prediction.statistic };
                let told = view.told(point, of);
                let tone = match prediction.standing {
                    PredictionStanding::Confirmed => Tone::Good,
                    PredictionStanding::Refuted => Tone::Bad,
                    PredictionStanding::Open => Tone::Doubtful,
                    PredictionStanding::Beside => Tone::Plain,
                };
                table.rows.push(vec![
                    Cell::new(of.to_string()),
                    Cell::new(view.label(point)),
                    with_number(Cell::new(told.text), told.value),
                    Cell::new(told.between),
                    Cell::new(view.scale(of).text(prediction.value)).sorted_by(prediction.value),
                    Cell::new(prediction.formula.clone()),
                    Cell::new(standing(prediction.standing)).toned(tone),
                ]);
            }
        }
    }
    table
}
