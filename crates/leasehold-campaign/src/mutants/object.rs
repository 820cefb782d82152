//! What was measured as one JSON object. Its fields are stable; new ones may be added.

use std::collections::BTreeMap;

use leasehold_check::Invariant;
use leasehold_scenario::Fate;
use serde_json::{Map, Value, json};

use super::figures::{Figures, RowStanding, SafeFigures, ScriptFigures};
use super::matrix::{Matrix, MatrixRow, excused};
use super::rows::Row;
use super::{Extent, Measured, MeasuredRow, WHAT};

impl Measured {
    /// All of it, of these rows.
    pub fn object(&self, rows: &[Row]) -> Value {
        let all = rows.iter().zip(&self.rows).enumerate().map(|(place, (row, of))| {
            let matrix = self.matrix.as_ref().map(|matrix| &matrix.rows[place]);
            object_of(row, of, matrix)
        });
        json!({
            "what": WHAT,
            "tool": env!("CARGO_PKG_VERSION"),
            "seeds": self.seeds,
            "until_found": self.extent == Extent::UntilFound,
            "complete": self.is_complete(),
            "rows": all.collect::<Vec<_>>(),
            "unexercised": self.matrix.as_ref().map(unexercised),
        })
    }
}

fn unexercised(matrix: &Matrix) -> Map<String, Value> {
    let idle = matrix.unexercised().into_iter();
    idle.map(|invariant| (invariant.name().to_owned(), excused(invariant).into())).collect()
}

fn object_of(row: &Row, of: &MeasuredRow, matrix: Option<&MatrixRow>) -> Value {
    let figures = &of.figures;
    let interval = figures.interval();
    let (fate, why) = match &row.bug.fate {
        Fate::Caught(_) => ("caught", None),
        Fate::CaughtByScript { why, .. } => ("caught-by-script", Some(why)),
        Fate::Harmless { why } => ("harmless", Some(why)),
        Fate::Control { why } => ("control", Some(why)),
    };
    json!({
        "id": row.bug.id,
        "scenario": row.name(),
        "path": row.path.display().to_string(),
        "engine": row.engine().name(),
        "summary": row.by_chance.summary,
        "source": row.bug.source,
        "trigger": row.bug.trigger,
        "replaced": row.replaced,
        "fate": fate,
        "why": why,
        "caught_by": row.bug.caught_by(),
        "standing": of.standing.map(RowStanding::name),
        "is_fine": of.standing.map(RowStanding::is_fine),
        "seeds": figures.seeds,
        "detected": figures.detected,
        "rate": figures.rate(),
        "rate_95": interval.map(|interval| [interval.low, interval.high]),
        "median_seeds": figures.median(),
        "median_seeds_95": figures.median_interval().map(|(low, high)| json!([low, high])),
        "first_seed": figures.detecting.first(),
        "again": figures.detecting.first().map(|seed| row.again(*seed)),
        "first_violated": by_name(&figures.first),
        "violated": figures.violated,
        "with_hazard": figures.with_hazard,
        "broken_off": figures.broken_off,
        "safe": safe(figures, &figures.safe),
        "as_written": figures.as_written.as_ref().map(|of| script(figures, of)),
        "matrix": matrix.map(object_of_matrix),
    })
}

fn object_of_matrix(row: &MatrixRow) -> Value {
    let caught = row.caught.iter().map(|(invariant, caught)| {
        let counts = json!({ "first": caught.first, "at_all": caught.at_all, "alone": caught.alone });
        (invariant.name().to_owned(), counts)
    });
    json!({ "runs": row.runs, "invariants": caught.collect::<Map<_, _>>() })
}

fn safe(figures: &Figures, safe: &SafeFigures) -> Value {
    json!({
        "seeds": safe.seeds,
        "judged": figures.judged_in(safe),
        "judged_too": safe.judged_too,
        "unknown": safe.unknown,
        "alarms": safe.alarms,
        "excludes_above": safe.excludes_above(),
        "first": safe.first,
        "violated": by_name(&safe.violated),
    })
}

fn script(figures: &Figures, script: &ScriptFigures) -> Value {
    json!({
        "seeds": script.seeds,
        "detected": script.detected,
        "first_violated": by_name(&script.first),
        "safe": safe(figures, &script.safe),
    })
}

fn by_name(counts: &BTreeMap<Invariant, u64>) -> Map<String, Value> {
    counts.iter().map(|(invariant, count)| (invariant.name().to_owned(), (*count).into())).collect()
}
