//! `known-bugs.md`: what somebody with an own design reads first.

use std::fmt::Write as _;

use leasehold_check::Invariant;
use leasehold_report::Interval;
use leasehold_scenario::{BugList, Fate, Replaced};

use super::figures::{Figures, RowStanding};
use super::matrix::{MatrixRow, excused};
use super::rows::Row;
use super::{Extent, Measured, MeasuredRow};

impl Measured {
    /// The page, of these rows.
    pub fn page(&self, rows: &[Row]) -> String {
        let parts = [
            self.head(),
            catalogue(rows),
            self.found(rows),
            self.invariants(rows),
            self.bugs(rows),
            fates(rows),
            self.idle(),
            self.again(),
        ];
        parts.concat()
    }

    fn head(&self) -> String {
        let fine = |standing| {
            self.rows.iter().filter(|row| row.standing == Some(standing) && !row.figures.is_late()).count()
        };
        let alarms: u64 = self.rows.iter().map(|row| row.figures.safe.alarms).sum();
        let safe: u64 = self.rows.iter().map(|row| row.figures.safe.seeds).sum();
        format!(
            "# Known bugs, and how they are found\n\n\
             Mistakes that real systems made, or make by design. Each is a scenario: one unsafe policy in a design that is right \
             otherwise. To find one, the generator is given that policy: no fault is scripted, and the limits that a row has stand \
             below. To show that this is no false alarm, the design with the safe policy runs under the same seeds, within the same \
             limits, and may violate nothing.\n\n\
             Measured with leasehold {version}, {seeds} seeds each. Of {all} bugs chance finds {found} in the median within 1,000 \
             seeds; {scripted} take a script, {harmless} are harmless here, {control} is the control. False alarms: {alarms} in \
             {safe} runs of safe designs{unknown}.\n\n\
             This page is generated: the last section says how.\n\n",
            version = env!("CARGO_PKG_VERSION"),
            seeds = self.seeds,
            all = self.rows.len(),
            found = fine(RowStanding::Found),
            scripted = fine(RowStanding::Scripted),
            harmless = fine(RowStanding::Harmless),
            control = fine(RowStanding::Control),
            unknown = match self.rows.iter().map(|row| row.figures.safe.unknown).sum::<u64>() {
                0 => String::new(),
                unknown => format!("; in {unknown} of them a checker gave up, and nobody can say"),
            },
        )
    }

    fn found(&self, rows: &[Row]) -> String {
        let mut out = String::from(
            "## How each is found\n\n\
             Detected: one of the invariants that have to catch it is violated. In brackets what the rate, and the seeds that it \
             takes in the median, are with 95 %. Of the safe design: in how many runs something was wrong, in how many the \
             invariant was judged that caught the bug first, and in how many of those runs in which the bug was detected. Of a \
             control: in how many runs there was a hazard, and in how many a violation.\n\n\
             | id | caught first by | detected | per 1,000 seeds | median seeds | first | safe: wrong | judged | judged where detected |\n\
             |---|---|---|---|---|---|---|---|---|\n",
        );
        for (row, of) in rows.iter().zip(&self.rows) {
            line(&mut out, &found(row, of));
        }
        out.push('\n');
        out
    }

    fn invariants(&self, rows: &[Row]) -> String {
        let Some(matrix) = &self.matrix else { return String::new() };
        let mut out = String::from(
            "## Which invariant catches what\n\n\
             From up to 25 runs of each bug that detected it, made again to their end. First: nothing was violated before. Alone: \
             in some run nothing else was violated at all, so without this invariant the bug would have got through there.\n\n\
             | invariant | first | alone |\n|---|---|---|\n",
        );
        let bugs = |invariant, counts: fn(&super::Caught) -> u64| {
            let with = rows
                .iter()
                .zip(&matrix.rows)
                .filter(|(_, of)| of.caught.get(&invariant).is_some_and(|c| counts(c) > 0));
            let ids: Vec<String> = with.map(|(row, _)| row.bug.id.to_string()).collect();
            if ids.is_empty() { "none".to_owned() } else { ids.join(" ") }
        };
        for invariant in Invariant::ALL {
            if matrix.rows.iter().any(|row| row.caught.contains_key(&invariant)) {
                let (first, alone) =
                    (bugs(invariant, |caught| caught.first), bugs(invariant, |caught| caught.alone));
                line(&mut out, &[named(invariant), first, alone]);
            }
        }
        out.push('\n');
        out
    }

    fn bugs(&self, rows: &[Row]) -> String {
        let Some(matrix) = &self.matrix else { return String::new() };
        let mut out = String::from(
            "And the other way round: in how many of a bug's runs which invariant was violated first, and which others were \
             violated at all.\n\n| id | runs | first | at all |\n|---|---|---|---|\n",
        );
        for (row, of) in rows.iter().zip(&matrix.rows).filter(|(_, of)| of.runs > 0) {
            let first = counted(of, |caught| caught.first);
            let at_all = counted(of, |caught| caught.at_all);
            line(&mut out, &[row.bug.id.to_string(), of.runs.to_string(), first, at_all]);
        }
        out.push('\n');
        out
    }

    fn idle(&self) -> String {
        let Some(matrix) = &self.matrix else { return String::new() };
        let idle = matrix.unexercised();
        if idle.is_empty() {
            return String::new();
        }
        let mut out = String::from(
            "## Invariants that none of these bugs brings out\n\n| invariant | why it is there all the same |\n|---|---|\n",
        );
        for invariant in idle {
            line(&mut out, &[named(invariant), excused(invariant).unwrap_or("a gap").to_owned()]);
        }
        out.push('\n');
        out
    }

    fn again(&self) -> String {
        let until_found = match self.extent {
            Extent::All => "",
            Extent::UntilFound => " --until-found",
        };
        format!(
            "## Measure it again\n\n```\n\
             leasehold mutants --seeds {}{until_found} --out reports/mutants   # this page is known-bugs.md in there\n\
             leasehold mutants --id A7                           # one of them\n\
             leasehold mutants --until-found                     # as in CI: until each is found\n\
             ```\n\n\
             The same version gives the same figures, on any machine.\n",
            self.seeds,
        )
    }
}

/// The part of the page that follows from the scenarios alone.
pub fn catalogue(rows: &[Row]) -> String {
    let mut out = String::from("## Is my mistake in there?\n");
    for list in BugList::ALL {
        let of_list: Vec<&Row> = rows.iter().filter(|row| row.bug.id.list() == list).collect();
        if of_list.is_empty() {
            continue;
        }
        let title = match list {
            BugList::Leases => "A grantor, its holders, a resource",
            BugList::Registries => "A registry, heartbeats, discovery",
        };
        let _ = write!(
            out,
            "\n### {}. {title}\n\n\
             | id | the mistake | who made it | what brings it out | unsafe | safe | has to be caught by | limits of chance | scenario |\n\
             |---|---|---|---|---|---|---|---|---|\n",
            list.letter()
        );
        for row in of_list {
            line(&mut out, &mistake(row));
        }
    }
    out.push('\n');
    out
}

fn mistake(row: &Row) -> [String; 9] {
    let policies = |value: fn(&Replaced) -> Option<&String>| {
        let told = row.replaced.iter().map(|policy| match value(policy) {
            Some(value) => format!("`{} = {value}`", policy.key),
            None => format!("`{}` left out", policy.key),
        });
        let told: Vec<String> = told.collect();
        if told.is_empty() { "none".to_owned() } else { told.join("; ") }
    };
    [
        row.bug.id.to_string(),
        row.by_chance.summary.clone(),
        row.bug.source.clone(),
        row.bug.trigger.clone(),
        policies(|policy| policy.unsafe_value.as_ref()),
        policies(|policy| policy.safe_value.as_ref()),
        row.bug.caught_by().iter().map(|by| named(*by)).collect::<Vec<_>>().join(", "),
        limits(row),
        place(row),
    ]
}

/// What its `[chaos]` says: faults that it would not survive even if it were safe, and values that bring the mistake out more
/// often. The file says why.
fn limits(row: &Row) -> String {
    let limit = |key| {
        let value = row.by_chance.written(&format!("chaos.{key}"))?;
        Some(format!("`{key} = {value}`"))
    };
    let limits = ["only", "without", "also", "draw"].into_iter().filter_map(limit);
    let values = &row.by_chance.template.chaos.values;
    let fitted = values.iter().map(|(key, values)| format!("`{key}` among `{}`", values.join(", ")));
    let told: Vec<String> = limits.chain(fitted).collect();
    if told.is_empty() { "none".to_owned() } else { told.join("; ") }
}

/// Its file, by its folder and name: those of the repository stand under `scenarios/`.
fn place(row: &Row) -> String {
    let folder = row.path.parent().and_then(|folder| folder.file_name());
    let folder = folder.map_or_else(String::new, |folder| format!("{}/", folder.to_string_lossy()));
    format!("`{folder}{}`", row.name())
}

fn found(row: &Row, of: &MeasuredRow) -> [String; 9] {
    let figures = &of.figures;
    let caught_by = figures.caught_by().map_or_else(|| "-".to_owned(), named);
    let [wrong, judged, judged_too] = match (&figures.safe, row.bug.caught_by()) {
        (safe, _) if safe.seeds == 0 => ["-"; 3].map(str::to_owned),
        (safe, []) => [format!("{} of {}", safe.alarms, safe.seeds), "-".to_owned(), "-".to_owned()],
        (safe, _) => [
            format!("{} of {}", safe.alarms, safe.seeds),
            figures.judged_in(safe).to_string(),
            format!("{} of {}", safe.judged_too, figures.detected),
        ],
    };
    let [detected, rate, median] = match row.bug.caught_by() {
        [] => {
            let (hazards, violated) = (figures.with_hazard, figures.violated);
            let told = format!("hazards in {hazards} of {}, violations in {violated}", figures.seeds);
            [told, "-".to_owned(), "-".to_owned()]
        }
        _ => [format!("{} of {}", figures.detected, figures.seeds), rate(figures), median(figures)],
    };
    let first = figures.detecting.first().map_or_else(|| "-".to_owned(), u64::to_string);
    let standing = of.standing.map_or("not run", RowStanding::name);
    let id = match of.standing {
        Some(RowStanding::Found) => row.bug.id.to_string(),
        _ => format!("{} ({standing})", row.bug.id),
    };
    [id, caught_by, detected, rate, median, first, wrong, judged, judged_too]
}

fn rate(figures: &Figures) -> String {
    let (Some(rate), Some(Interval { low, high })) = (figures.rate(), figures.interval()) else {
        return "-".to_owned();
    };
    format!("{} ({} to {})", of_thousand(rate), of_thousand(low), of_thousand(high))
}

/// A rate for each 1,000 seeds.
pub fn of_thousand(rate: f64) -> String {
    let rate = rate * 1_000.0;
    if rate >= 10.0 || rate <= 0.0 { format!("{rate:.0}") } else { format!("{rate:.1}") }
}

fn median(figures: &Figures) -> String {
    let (Some(median), Some((low, high))) = (figures.median(), figures.median_interval()) else {
        return "-".to_owned();
    };
    let high = high.map_or_else(|| "any".to_owned(), |high| high.to_string());
    format!("{median} ({low} to {high})")
}

/// What chance does not find, what is harmless, and what is no bug, each with its reason.
fn fates(rows: &[Row]) -> String {
    let why = |row: &Row| match &row.bug.fate {
        Fate::Caught(_) => None,
        Fate::CaughtByScript { why, .. } => Some(("takes a script", why.clone())),
        Fate::Harmless { why } => Some(("harmless", why.clone())),
        Fate::Control { why } => Some(("control", why.clone())),
    };
    let others: Vec<_> = rows.iter().filter_map(|row| Some((row, why(row)?))).collect();
    if others.is_empty() {
        return String::new();
    }
    let mut out =
        String::from("## Those that chance does not find\n\n| id | is | because |\n|---|---|---|\n");
    for (row, (what, why)) in others {
        line(&mut out, &[row.bug.id.to_string(), what.to_owned(), why]);
    }
    out.push('\n');
    out
}

fn counted(row: &MatrixRow, count: fn(&super::Caught) -> u64) -> String {
    let mut counts: Vec<(u64, Invariant)> = row
        .caught
        .iter()
        .map(|(invariant, caught)| (count(caught), *invariant))
        .filter(|(count, _)| *count > 0)
        .collect();
    counts.sort_by_key(|&(count, invariant)| (std::cmp::Reverse(count), invariant));
    let told: Vec<String> =
        counts.iter().map(|(count, invariant)| format!("{} {count}", invariant.id())).collect();
    told.join(", ")
}

fn named(invariant: Invariant) -> String {
    format!("{} {}", invariant.id(), invariant.name())
}

fn line(out: &mut String, cells: &[String]) {
    for cell in cells {
        let cell = cell.replace('|', "\\|").replace('\n', " ");
        let _ = write!(out, "| {} ", cell.trim());
    }
    out.push_str("|\n");
}
