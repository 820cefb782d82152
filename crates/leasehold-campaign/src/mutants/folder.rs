//! A folder with what was measured, for people, spreadsheets and programs.
//!
//! | file | holds |
//! |---|---|
//! | `mutants.csv` | a line for each known bug |
//! | `matrix.csv` | a line for each bug and each invariant that it brings out |
//! | `mutants.json` | all of it |
//! | `known-bugs.md` | the page of the documentation |

use std::io;
use std::path::{Path, PathBuf};

use csv::{Terminator, Writer, WriterBuilder};
use leasehold_check::Invariant;
use serde_json::Value;

use super::rows::Row;
use super::{Measured, RowStanding, WHAT};
use crate::results::{Place, Replace, ResultsError};

const MUTANTS: &str = "mutants.csv";
const MATRIX: &str = "matrix.csv";
const OBJECT: &str = "mutants.json";
const PAGE: &str = "known-bugs.md";

/// A folder for what is going to be measured. It stands beside its place under another name until it is
/// [written](Self::write); given up before, it is removed.
pub struct MutantsFolder(Place);

impl MutantsFolder {
    /// Sees to it before anything is measured that the folder can be written.
    ///
    /// # Errors
    ///
    /// If it is there already and not to be replaced, or holds something else, or nothing can be written beside it.
    pub fn begin(dir: &Path, replace: Replace) -> Result<Self, ResultsError> {
        Place::new(dir, replace, what_it_is_not).map(Self)
    }

    /// Writes what was measured of these rows, and puts the folder into its place. Says where it stands.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn write(self, measured: &Measured, rows: &[Row]) -> Result<PathBuf, ResultsError> {
        let not_written = |name: &str| {
            let path = self.0.target().join(name);
            move |error: io::Error| ResultsError::NotWritten { path, error }
        };
        let files = [
            (MUTANTS, sheet(measured, rows).map_err(not_written(MUTANTS))?),
            (MATRIX, matrix_sheet(measured, rows).map_err(not_written(MATRIX))?),
            (OBJECT, format!("{:#}\n", measured.object(rows))),
            (PAGE, measured.page(rows)),
        ];
        for (name, text) in files {
            let path = self.0.path().join(name);
            fs_err::write(path, text).map_err(not_written(name))?;
        }
        let (dir, settled) = self.0.settle();
        settled.map(|()| dir)
    }
}

/// Why a folder with these files is not one of these; see [`Place`].
fn what_it_is_not(dir: &Path, there: &[String]) -> Result<(), String> {
    let object = fs_err::read_to_string(dir.join(OBJECT)).ok();
    let object: Option<Value> = object.and_then(|text| serde_json::from_str(&text).ok());
    if object.is_none_or(|object| object["what"] != WHAT) {
        return Err(format!("it holds files, and no {OBJECT} of leasehold"));
    }
    match there.iter().find(|name| ![MUTANTS, MATRIX, OBJECT, PAGE].contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(format!("`{name}` in it is none of what mutants writes")),
    }
}

fn sheet(measured: &Measured, rows: &[Row]) -> io::Result<String> {
    let mut lines = lines();
    lines.write_record([
        "id",
        "scenario",
        "path",
        "standing",
        "seeds",
        "detected",
        "per_1000",
        "per_1000_low",
        "per_1000_high",
        "median_seeds",
        "median_seeds_low",
        "median_seeds_high",
        "first_seed",
        "caught_first_by",
        "safe_seeds",
        "safe_judged",
        "safe_judged_too",
        "safe_unknown",
        "safe_alarms",
    ])?;
    for (row, of) in rows.iter().zip(&measured.rows) {
        let figures = &of.figures;
        let (rate, median) = (figures.interval(), figures.median_interval());
        let of_thousand = |rate: Option<f64>| shown(rate.map(|rate| format!("{:.3}", rate * 1_000.0)));
        lines.write_record([
            row.bug.id.to_string(),
            row.name().to_owned(),
            row.path.display().to_string(),
            of.standing.map_or("not run", RowStanding::name).to_owned(),
            figures.seeds.to_string(),
            figures.detected.to_string(),
            of_thousand(figures.rate()),
            of_thousand(rate.map(|interval| interval.low)),
            of_thousand(rate.map(|interval| interval.high)),
            shown(figures.median()),
            shown(median.map(|(low, _)| low)),
            shown(median.and_then(|(_, high)| high)),
            shown(figures.detecting.first()),
            shown(figures.caught_by().map(Invariant::name)),
            figures.safe.seeds.to_string(),
            figures.judged_in(&figures.safe).to_string(),
            figures.safe.judged_too.to_string(),
            figures.safe.unknown.to_string(),
            figures.safe.alarms.to_string(),
        ])?;
    }
    text(lines)
}

fn matrix_sheet(measured: &Measured, rows: &[Row]) -> io::Result<String> {
    let mut lines = lines();
    lines.write_record(["id", "scenario", "runs", "invariant", "first", "at_all", "alone"])?;
    let matrix = measured.matrix.iter().flat_map(|matrix| &matrix.rows);
    for (row, of) in rows.iter().zip(matrix) {
        for (invariant, caught) in &of.caught {
            lines.write_record([
                row.bug.id.to_string(),
                row.name().to_owned(),
                of.runs.to_string(),
                invariant.name().to_owned(),
                caught.first.to_string(),
                caught.at_all.to_string(),
                caught.alone.to_string(),
            ])?;
        }
    }
    text(lines)
}

fn lines() -> Writer<Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(Vec::new())
}

fn text(lines: Writer<Vec<u8>>) -> io::Result<String> {
    let bytes = lines.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn shown(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
