//! `runs.csv`: a line for each run. What is written is read back exactly.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::str::FromStr;

use csv::{ReaderBuilder, StringRecord, WriterBuilder};
use leasehold_check::{ClosestCall, Invariant, Metric, Nearest, Times, Verdict};
use leasehold_core::event::Probe;
use leasehold_core::plan::{FaultKind, Role};
use leasehold_core::time::Span;
use leasehold_report::{Amount, BadAmount, BadHistogram, Measured};

use crate::fingerprint::Fingerprint;
use crate::record::{FaultCount, InvariantCount, MeasureCount, RunRecord};

/// The columns. A cell with several items has them apart by `;`.
const COLUMNS: [&str; 16] = [
    "position",
    "scenario",
    "seed",
    "verdict",
    "digest",
    "second_digest",
    "events",
    "simulated_ns",
    "hazards",
    "found_expected",
    "faults",
    "pairs",
    "reach",
    "invariants",
    "failed",
    "measures",
];

/// How many lines are kept before they are written together. Chosen by us: some 100 KB.
const AT_ONCE: u64 = 256;

/// A line that is no run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub(crate) struct RowError {
    /// Counted from 1; the first is that of the columns.
    pub(crate) line: u64,
    /// What is wrong.
    pub(crate) problem: String,
}

/// Writes runs as lines. Scenarios are written as their paths.
pub(crate) struct RowWriter<W> {
    out: W,
    paths: Vec<String>,
    lines: csv::Writer<Vec<u8>>,
    waiting: u64,
    written: Written,
}

/// How much of a file is written for good: whole lines only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Runs.
    pub(crate) rows: u64,
    /// Bytes, the line of the columns among them.
    pub(crate) bytes: u64,
}

impl<W: Write> RowWriter<W> {
    /// A file with the columns alone.
    pub(crate) fn create(out: W, paths: Vec<String>) -> io::Result<Self> {
        let mut writer = Self::append(out, paths, Written::default());
        writer.lines.write_record(COLUMNS).map_err(io::Error::other)?;
        writer.flush()?;
        Ok(writer)
    }

    /// Goes on behind what is there.
    pub(crate) fn append(out: W, paths: Vec<String>, written: Written) -> Self {
        Self { out, paths, lines: in_memory(), waiting: 0, written }
    }

    /// Adds a run. It may be written with later ones.
    pub(crate) fn write(&mut self, record: &RunRecord) -> io::Result<()> {
        self.lines.write_record(cells(record, &self.paths[record.scenario])).map_err(io::Error::other)?;
        self.waiting += 1;
        if self.waiting < AT_ONCE { Ok(()) } else { self.flush() }
    }

    /// Writes what waits. If that fails, all that waited is lost.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let lines = std::mem::replace(&mut self.lines, in_memory());
        let rows = std::mem::take(&mut self.waiting);
        let lines = lines.into_inner().expect("memory can be written to");
        self.out.write_all(&lines)?;
        self.out.flush()?;
        self.written.rows += rows;
        self.written.bytes += u64::try_from(lines.len()).expect("lengths fit");
        Ok(())
    }

    /// How much is written for good.
    pub(crate) fn written(&self) -> Written {
        self.written
    }
}

fn in_memory() -> csv::Writer<Vec<u8>> {
    WriterBuilder::new().from_writer(Vec::new())
}

/// Reads runs, one at a time.
pub(crate) struct RowReader<R> {
    lines: csv::Reader<R>,
    line: StringRecord,
    scenarios: BTreeMap<String, usize>,
    /// The first line is that of the columns.
    columns_seen: bool,
}

impl<R: Read> RowReader<R> {
    /// The runs of these scenarios.
    pub(crate) fn new(input: R, paths: &[String]) -> Self {
        let lines = ReaderBuilder::new().has_headers(false).from_reader(input);
        let scenarios = paths.iter().cloned().zip(0..).collect();
        Self { lines, line: StringRecord::new(), scenarios, columns_seen: false }
    }

    /// Reads the line of the columns, and says where the next begins, in bytes.
    pub(crate) fn skip_columns(&mut self) -> Result<u64, RowError> {
        if !self.columns_seen {
            self.columns_seen = true;
            if !self.advance()? || self.line != COLUMNS[..] {
                return Err(RowError { line: 1, problem: format!("expected {}", COLUMNS.join(",")) });
            }
        }
        Ok(self.offset())
    }

    /// Where the line behind the one that was read last begins, in bytes.
    pub(crate) fn offset(&self) -> u64 {
        self.lines.position().byte()
    }

    fn read(&mut self) -> Result<Option<RunRecord>, RowError> {
        self.skip_columns()?;
        if !self.advance()? {
            return Ok(None);
        }
        let line = self.line.position().map_or(0, csv::Position::line);
        record(&self.line, &self.scenarios).map(Some).map_err(|problem| RowError { line, problem })
    }

    fn advance(&mut self) -> Result<bool, RowError> {
        self.lines.read_record(&mut self.line).map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            RowError { line, problem: format!("this is no line of runs: {error}") }
        })
    }
}

impl<R: Read> Iterator for RowReader<R> {
    type Item = Result<RunRecord, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn cells(record: &RunRecord, path: &str) -> [String; COLUMNS.len()] {
    [
        record.position.to_string(),
        path.to_owned(),
        record.seed.to_string(),
        record.verdict.name().to_owned(),
        record.digest.to_string(),
        record.second_digest.map(|digest| digest.to_string()).unwrap_or_default(),
        record.events.to_string(),
        record.simulated_ns.to_string(),
        record.hazards.to_string(),
        if record.found_expected { "yes" } else { "no" }.to_owned(),
        list(&record.faults, |fault| {
            format!("{}:{}/{}/{}", fault.kind.name(), fault.scheduled, fault.fired, fault.landed)
        }),
        list(&record.pairs, |(one, other)| format!("{}+{}", one.name(), other.name())),
        list(&record.reach, |(probe, count)| format!("{}:{count}", probe.name())),
        list(&record.invariants, invariant_cell),
        list(&record.failed, fingerprint_cell),
        measures_cell(record),
    ]
}

fn list<T>(items: &[T], cell: impl Fn(&T) -> String) -> String {
    items.iter().map(cell).collect::<Vec<_>>().join(";")
}

/// `exclusivity:12/0/0`, with the closest call behind it in nanoseconds: `:5000`, or `:5000of20000`.
fn invariant_cell(count: &InvariantCount) -> String {
    let InvariantCount { invariant, judged, excused, violations, closest } = count;
    let closest = closest.map_or_else(String::new, |ClosestCall { left, of }| {
        let of = of.map_or_else(String::new, |of| format!("of{}", of.as_nanos()));
        format!(":{}{of}", left.as_nanos())
    });
    format!("{}:{judged}/{excused}/{violations}{closest}", invariant.name())
}

/// `staleness:12/1/0:40:30of50:300/9/0:29+30*10+40`: how many samples kept to their bound, did not and are excused, and did
/// not; the worst; the nearest to its bound; the same counts as nanoseconds; and all of them as a [`Histogram`]. The
/// nearest and the nanoseconds may be missing.
fn measure_cell(count: &MeasureCount) -> String {
    let MeasureCount { metric, in_bound, outside, violated, worst, nearest, times, histogram } = count;
    let nearest =
        nearest.map_or_else(String::new, |Nearest { measured, bound }| format!("{measured}of{bound}"));
    let times = times.map_or_else(String::new, |Times { in_bound, outside, violated }| {
        format!("{}/{}/{}", in_bound.as_nanos(), outside.as_nanos(), violated.as_nanos())
    });
    let name = metric.name();
    format!("{name}:{in_bound}/{outside}/{violated}:{worst}:{nearest}:{times}:{histogram}")
}

/// What checkers measured, and then what budgets are about.
fn measures_cell(record: &RunRecord) -> String {
    let judged = record.measures.iter().map(measure_cell);
    let budgets = record.budgets.metrics().filter_map(|metric| budget_cell(metric, &record.budgets));
    judged.chain(budgets).collect::<Vec<_>>().join(";")
}

/// `failover=1/1/...:1024p20`: an [`Amount`].
fn budget_cell(metric: Metric, budgets: &Measured) -> Option<String> {
    Some(format!("{}={}", metric.name(), budgets.amount(metric)?))
}

/// `fencing/accepted-older-token/contender+resource`.
fn fingerprint_cell(fingerprint: &Fingerprint) -> String {
    let roles: Vec<&str> = fingerprint.roles.iter().map(|role| role.name()).collect();
    format!("{}/{}/{}", escaped(&fingerprint.what), escaped(&fingerprint.clause), roles.join("+"))
}

/// The message of a panic can hold anything: what would end a cell's part is written as `%2f%`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || "%/;".contains(c) {
            escaped.push_str(&format!("%{:x}%", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split('%');
    plain.push_str(parts.next().unwrap_or_default());
    while let Some(code) = parts.next() {
        let c = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
        let rest = parts.next().ok_or_else(|| format!("`{text}` ends within an escape"))?;
        plain.push(c.ok_or_else(|| format!("`%{code}%` is no escape"))?);
        plain.push_str(rest);
    }
    Ok(plain)
}

fn record(line: &StringRecord, scenarios: &BTreeMap<String, usize>) -> Result<RunRecord, String> {
    let cell = |column: usize| line.get(column).ok_or_else(|| format!("there is no {}", COLUMNS[column]));
    let path = cell(1)?;
    Ok(RunRecord {
        position: number(cell(0)?)?,
        scenario: *scenarios.get(path).ok_or_else(|| format!("`{path}` is no scenario of the manifest"))?,
        seed: number(cell(2)?)?,
        verdict: Verdict::from_name(cell(3)?).ok_or_else(|| no("verdict", line, 3))?,
        digest: cell(4)?.parse().map_err(|_| no("digest", line, 4))?,
        second_digest: match cell(5)? {
            "" => None,
            digest => Some(digest.parse().map_err(|_| no("digest", line, 5))?),
        },
        events: number(cell(6)?)?,
        simulated_ns: number(cell(7)?)?,
        hazards: number(cell(8)?)?,
        found_expected: match cell(9)? {
            "yes" => true,
            "no" => false,
            _ => return Err(no("yes or no", line, 9)),
        },
        faults: items(cell(10)?, fault)?,
        pairs: items(cell(11)?, |text| {
            let (one, other) = split(text, '+')?;
            Ok((named(one, FaultKind::from_name)?, named(other, FaultKind::from_name)?))
        })?,
        reach: items(cell(12)?, |text| {
            let (name, count) = split(text, ':')?;
            let probe = |name: &str| Probe::ALL.into_iter().find(|probe| probe.name() == name);
            Ok((named(name, probe)?, number(count)?))
        })?,
        invariants: items(cell(13)?, invariant)?,
        failed: items(cell(14)?, fingerprint)?,
        measures: items_where(cell(15)?, |item| !is_budget(item), measure)?,
        budgets: Measured::of_run(items_where(cell(15)?, is_budget, budget)?),
    })
}

fn no(what: &str, line: &StringRecord, column: usize) -> String {
    format!("`{}` is no {what}", line.get(column).unwrap_or_default())
}

fn items<T>(cell: &str, item: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    if cell.is_empty() { Ok(Vec::new()) } else { cell.split(';').map(item).collect() }
}

fn items_where<T>(
    cell: &str,
    is_one: impl Fn(&str) -> bool,
    item: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    cell.split(';').filter(|text| !text.is_empty() && is_one(text)).map(item).collect()
}

fn is_budget(item: &str) -> bool {
    item.contains('=')
}

fn budget(text: &str) -> Result<(Metric, Amount), String> {
    let (name, amount) = split(text, '=')?;
    let amount = amount.parse().map_err(|bad: BadAmount| bad.to_string())?;
    Ok((named(name, Metric::from_name)?, amount))
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is no number that fits here"))
}

fn split(text: &str, by: char) -> Result<(&str, &str), String> {
    text.split_once(by).ok_or_else(|| format!("`{text}` has no `{by}`"))
}

fn named<T>(name: &str, find: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    find(name).ok_or_else(|| format!("`{name}` is unknown"))
}

fn counts<T: FromStr>(text: &str) -> Result<[T; 3], String> {
    let counts = text.split('/').map(number).collect::<Result<Vec<T>, String>>()?;
    counts.try_into().map_err(|_| format!("`{text}` is not three numbers"))
}

fn fault(text: &str) -> Result<FaultCount, String> {
    let (kind, numbers) = split(text, ':')?;
    let [scheduled, fired, landed] = counts(numbers)?;
    Ok(FaultCount { kind: named(kind, FaultKind::from_name)?, scheduled, fired, landed })
}

fn invariant(text: &str) -> Result<InvariantCount, String> {
    let (name, rest) = split(text, ':')?;
    let (numbers, closest) = match rest.split_once(':') {
        Some((numbers, closest)) => (numbers, Some(closest)),
        None => (rest, None),
    };
    let [judged, excused, violations] = counts(numbers)?;
    let closest = closest.map(|text| {
        let (left, of) = match text.split_once("of") {
            Some((left, of)) => (left, Some(Span::from_nanos(number(of)?))),
            None => (text, None),
        };
        Ok::<_, String>(ClosestCall { left: Span::from_nanos(number(left)?), of })
    });
    let invariant = named(name, Invariant::from_name)?;
    Ok(InvariantCount { invariant, judged, excused, violations, closest: closest.transpose()? })
}

fn measure(text: &str) -> Result<MeasureCount, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let &[name, numbers, worst, nearest, times, histogram] = parts.as_slice() else {
        return Err(format!("`{text}` does not have six parts"));
    };
    let [in_bound, outside, violated] = counts(numbers)?;
    let nearest = unless_empty(nearest, |text| {
        let (measured, bound) =
            text.split_once("of").ok_or_else(|| format!("`{text}` does not say of what"))?;
        Ok(Nearest { measured: number(measured)?, bound: number(bound)? })
    })?;
    let times = unless_empty(times, |text| {
        let [in_bound, outside, violated] = counts::<u64>(text)?.map(Span::from_nanos);
        Ok(Times { in_bound, outside, violated })
    })?;
    Ok(MeasureCount {
        metric: named(name, Metric::from_name)?,
        in_bound,
        outside,
        violated,
        worst: number(worst)?,
        nearest,
        times,
        histogram: histogram.parse().map_err(|error: BadHistogram| error.to_string())?,
    })
}

fn unless_empty<T>(text: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    let (what, rest) = split(text, '/')?;
    let (clause, roles) = split(rest, '/')?;
    let role = |name: &str| named(name, |name| Role::ALL.into_iter().find(|role| role.name() == name));
    let roles =
        if roles.is_empty() { Vec::new() } else { roles.split('+').map(role).collect::<Result<_, _>>()? };
    Ok(Fingerprint { what: unescaped(what)?, clause: unescaped(clause)?, roles })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::samples::{any_record, bad, fine, order, staleness};
    use proptest::prelude::*;

    fn written(records: &[RunRecord]) -> Vec<u8> {
        let order = order(&["a", "b, \"quoted\"", "c!"], (0, 1_000));
        let mut file = Vec::new();
        let mut writer = RowWriter::create(&mut file, order.paths()).unwrap();
        records.iter().for_each(|record| writer.write(record).unwrap());
        writer.flush().unwrap();
        let told = writer.written();
        assert_eq!((told.rows, told.bytes), (records.len() as u64, file.len() as u64));
        file
    }

    fn read(file: &[u8]) -> Result<Vec<RunRecord>, RowError> {
        RowReader::new(file, &order(&["a", "b, \"quoted\"", "c!"], (0, 1_000)).paths()).collect()
    }

    fn any_records() -> impl Strategy<Value = Vec<RunRecord>> {
        let order = order(&["a", "b, \"quoted\"", "c!"], (0, 1_000));
        (0..5_u64)
            .prop_flat_map(move |n| (0..n).map(|position| any_record(&order, position)).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_exactly(records in any_records()) {
            let file = written(&records);
            prop_assert_eq!(read(&file), Ok(records.clone()));
            // One line a run: a cell never breaks a line.
            prop_assert_eq!(file.iter().filter(|byte| **byte == b'\n').count(), records.len() + 1);
        }

        #[test]
        fn no_text_is_lost_in_a_cell(text in "\\PC{0,20}|[%/;\n]{0,6}") {
            prop_assert_eq!(unescaped(&escaped(&text)), Ok(text));
        }
    }

    #[test]
    fn a_line_is_read_by_people_too() {
        let order = order(&["a"], (0, 10));
        let mut record = bad(&order, 7);
        record.second_digest = Some(record.digest);
        record.pairs = vec![(FaultKind::Pause, FaultKind::WallStep)];
        record.invariants[0].closest =
            Some(ClosestCall { left: Span::from_nanos(5), of: Some(Span::from_nanos(20)) });
        record.measures = vec![staleness()];
        let mut file = Vec::new();
        let mut writer = RowWriter::create(&mut file, order.paths()).unwrap();
        writer.write(&record).unwrap();
        writer.flush().unwrap();
        let text = String::from_utf8(file).unwrap();
        let digest = record.digest;
        assert_eq!(
            text.lines().nth(1).unwrap(),
            format!(
                "7,scenarios/a.toml,7,violation,{digest},{digest},107,60000000000,0,no,pause:2/1/1,\
                 pause+clock.wall-step,taken-over:2,fencing:10/0/1:5of20,\
                 fencing/accepted-older-token/contender+resource,\
                 staleness:12/1/0:40:30of50:300/9/0:29+30*10+40*2"
            )
        );
    }

    #[test]
    fn what_is_no_line_is_told_with_its_number() {
        let order = order(&["a", "b, \"quoted\"", "c!"], (0, 1_000));
        let file = String::from_utf8(written(&[fine(&order, 0), fine(&order, 1)])).unwrap();
        for (from, to, line, words) in [
            ("position,scenario", "scenario,position", 1, "expected position,scenario,seed"),
            ("pass", "passed", 2, "`passed` is no verdict"),
            ("scenarios/a.toml", "scenarios/z.toml", 3, "`scenarios/z.toml` is no scenario"),
            ("pause:2/1/1", "pause:2/1", 2, "`2/1` is not three numbers"),
            ("pause:2/1/1", "pose:2/1/1", 2, "`pose` is unknown"),
            ("fencing:10", "fencing:-1", 2, "`-1` is no number that fits here"),
        ] {
            let error = read(file.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert_eq!(error.line, line, "{to}: {error}");
            assert!(error.problem.contains(words), "{to}: {error}");
        }
        let cut = file.trim_end().rsplit_once(',').unwrap().0;
        let error = read(cut.as_bytes()).unwrap_err();
        assert!(error.problem.contains("no line of runs"), "{error}");
        assert_eq!(read(b"").unwrap_err().line, 1);
    }

    #[test]
    fn what_waits_is_counted_when_it_is_written() {
        let order = order(&["a"], (0, 1_000));
        let mut writer = RowWriter::create(Vec::new(), order.paths()).unwrap();
        for position in 0..AT_ONCE - 1 {
            writer.write(&fine(&order, position)).unwrap();
        }
        assert_eq!(writer.written().rows, 0);
        writer.write(&fine(&order, AT_ONCE - 1)).unwrap();
        assert_eq!(writer.written().rows, AT_ONCE);
    }
}
