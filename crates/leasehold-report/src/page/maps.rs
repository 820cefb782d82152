//! What each choice costs: maps over the first two parameters, or rows over the only one.

use std::collections::BTreeMap;

use super::document::{Block, Cell, Picture, Section, Table, numbers, words};
use super::scale::Scale;
use super::view::{Seen, View, with_number};
use crate::chart::{
    Choice, HeatCell, HeatMap, Joined, Named, Place, TradeChart, WhiskerChart, WhiskerRow, grouped,
};
use crate::study::{EachAdvice, Trait, told_but};

/// Of more rows than this, only the best are drawn.
const ROWS: usize = 24;

/// More cells than this in one direction cannot be read.
const LONGEST: usize = 14;

/// What is traded against what.
pub(crate) fn front(view: &View<'_>) -> Section {
    let study = view.study;
    let mut blocks = Vec::new();
    let names: Vec<String> = study.trade.iter().map(ToString::to_string).collect();
    if !names.is_empty() {
        let other = match study.each() {
            None => "no other point".to_owned(),
            Some(each) => format!("no other point with the same {}", study.parameters[each.parameter].name),
        };
        blocks.push(Block::Text(format!(
            "{} of {} points are on the Pareto front: of those of which no run failed, {other} is better in one of {} and no worse in the others.",
            study.front.len(),
            study.points.len(),
            names.join(", "),
        )));
    }
    let pictures: Vec<Picture> = match (study.trade.as_slice(), study.each()) {
        ([first, rest @ ..], None) => {
            rest.iter().filter_map(|other| trade(view, *first, *other, None)).collect()
        }
        ([first, rest @ ..], Some(each)) => {
            let of_value = |nth: usize| {
                rest.iter().filter_map(move |other| trade(view, *first, *other, Some((each, nth))))
            };
            (0..each.values.len()).flat_map(of_value).collect()
        }
        ([], _) => Vec::new(),
    };
    if !pictures.is_empty() {
        blocks.push(Block::Pictures(pictures));
    }
    blocks.push(Block::Table(front_table(view)));
    Section { id: "front", title: "The trade-off".to_owned(), blocks }
}

/// One number against another: of all points, or of those with one value of a parameter.
fn trade(view: &View<'_>, one: Trait, other: Trait, of: Option<(&EachAdvice, usize)>) -> Option<Picture> {
    let study = view.study;
    let points: Vec<usize> = match of {
        None => view.points().collect(),
        Some((each, nth)) => {
            let value = &each.values[nth].value;
            view.points().filter(|&point| study.points[point].values[each.parameter] == *value).collect()
        }
    };
    let name = |point: usize| match of {
        None => view.label(point),
        Some((each, _)) => {
            told_but(&study.parameters, &study.points[point].values, each.parameter).replace('`', "")
        }
    };
    let (across, up) = (view.scale(one), view.scale(other));
    // What could have happened and never did has a place of its own: nobody knows how little it is. What is not known has none.
    let place = |point: usize, of: Trait, scale: Scale| {
        let told = view.told(point, of);
        match told.seen {
            Seen::Happened => told.value.map(|value| Place::At(scale.scaled(value))),
            Seen::Never => Some(Place::Never),
            Seen::Unknown => None,
        }
    };
    let choice = |point: usize| {
        let at = (place(point, one, across)?, place(point, other, up)?);
        Some(Choice { name: name(point), at, marks: view.marks(point) })
    };
    let choices: Vec<Choice> = points.iter().copied().filter_map(choice).collect();
    let left_out = points.len() - choices.len();
    if choices.len() < 2 {
        return None;
    }
    let left_out = match left_out {
        0 => String::new(),
        some => format!(" Not drawn: {} of which one of the two is not known.", grouped(some as u64)),
    };
    let mut caption = format!("{other} against {one}");
    let mut id = id("trade", &[one, other]);
    if let Some((each, nth)) = of {
        caption =
            format!("{} = {}: {caption}", study.parameters[each.parameter].name, each.values[nth].value);
        id = format!("{id}-{nth}");
    }
    let desc = format!("{} points; those on the front are filled.{left_out}", choices.len());
    let joined = if view.study.trade.len() == 2 { Joined::Line } else { Joined::Apart };
    let named = Named { id, title: caption.clone(), desc };
    let columns = [words("point"), numbers(one.to_string()), numbers(other.to_string()), words("it is")];
    let mut table = Table::new(caption.clone(), columns);
    for point in points {
        let (first, second) = (view.told(point, one), view.told(point, other));
        table.rows.push(vec![
            Cell::new(view.label(point)),
            with_number(Cell::new(first.text), first.value),
            with_number(Cell::new(second.text), second.value),
            Cell::new(view.marks_in_words(point)),
        ]);
    }
    let (across, up) = (across.behind(&one.to_string()), up.behind(&other.to_string()));
    Some(Picture { svg: TradeChart { named, across, up, choices, joined }.draw(), caption, table })
}

fn front_table(view: &View<'_>) -> Table {
    let study = view.study;
    let mut columns = vec![words("point on the front")];
    columns.extend(view.traits.iter().map(|of| numbers(of.to_string())));
    columns.push(words("it is"));
    let mut table = Table::new("The front, with what each number lies between with 95\u{a0}%", columns);
    let mut points = study.front.clone();
    // The scenario's own point stands there too, to compare with.
    points.extend(study.default_point.filter(|default| !study.front.contains(default)));
    for point in points {
        let mut row = vec![Cell::new(study.label(point))];
        for of in &view.traits {
            let told = view.told(point, *of);
            let between = if told.short_between.is_empty() {
                String::new()
            } else {
                format!(" ({})", told.short_between)
            };
            row.push(with_number(Cell::new(format!("{}{between}", told.text)), told.value));
        }
        row.push(Cell::new(view.marks_in_words(point)));
        table.rows.push(row);
    }
    table
}

/// One picture for each number that matters.
pub(crate) fn maps(view: &View<'_>) -> Section {
    let axes = Axes::of(view);
    let mut blocks = Vec::new();
    let mut pictures = Vec::new();
    let (never, seen): (Vec<Trait>, Vec<Trait>) =
        view.traits.iter().partition(|of| view.never_seen(of.metric));
    match &axes {
        Some(axes) => {
            blocks.push(Block::Text(axes.told(view)));
            let legend = [
                view.chosen.first().map(|_| ("chosen", view.chosen_are())),
                view.study.default_point.map(|_| ("default", "the scenario's own values")),
                Some(("front", "on the front")),
                Some(("hole", "no point here")),
            ];
            blocks.push(Block::Legend(legend.into_iter().flatten().collect()));
            pictures.extend(seen.iter().map(|of| axes.map(view, *of)));
        }
        None => {
            let count = view.points().len();
            if count > ROWS {
                blocks.push(Block::Text(format!(
                    "The points are too many, or stand on no grid: of {count}, the {ROWS} best are drawn in each picture."
                )));
            }
            pictures.extend(seen.iter().map(|of| rows(view, *of)));
        }
    }
    for of in never {
        let most = view.points().filter_map(|point| view.study.estimate(point, of)?.high).fold(0.0, f64::max);
        let most =
            if most > 0.0 { format!(" It is at most {}.", view.scale(of).text(most)) } else { String::new() };
        blocks.push(Block::Text(format!("{} never occurred, at no point.{most}", of.metric.name())));
    }
    blocks.push(Block::Pictures(pictures));
    Section { id: "maps", title: "What each choice costs".to_owned(), blocks }
}

/// The two parameters that maps go over, and where the others are held.
struct Axes {
    /// The place of the parameter from left to right.
    across: usize,
    /// The place of the parameter from top to bottom.
    down: usize,
    /// By row and column: the point.
    cells: BTreeMap<(usize, usize), usize>,
    /// The places of the others, and at which value they are held.
    held: Vec<(usize, String)>,
}

impl Axes {
    /// Nothing if there is but one parameter, or the points stand on no grid.
    fn of(view: &View<'_>) -> Option<Self> {
        let study = view.study;
        let own = |place: &usize| {
            let parameter = &study.parameters[*place];
            parameter.derived.is_none() && parameter.values.len() > 1
        };
        let mut own: Vec<usize> = (0..study.parameters.len()).filter(own).collect();
        // That on which the answer depends is always one of the two.
        if let Some(each) = study.each()
            && let Some(place) =
                own.iter().position(|place| *place == each.parameter).filter(|place| *place > 1)
        {
            own.swap(1, place);
        }
        let &[down, across, ref rest @ ..] = own.as_slice() else { return None };
        let long = |place: usize| study.parameters[place].values.len() > LONGEST;
        if long(down) || long(across) {
            return None;
        }
        let everywhere = study.each().and_then(|each| each.everywhere.points.first().copied());
        let at = study
            .chosen()
            .or(everywhere)
            .or(study.default_point)
            .or_else(|| study.front.first().copied())
            .unwrap_or(0);
        let held: Vec<(usize, String)> =
            rest.iter().map(|place| (*place, study.points[at].values[*place].clone())).collect();
        let place_of = |parameter: usize, value: &String| {
            study.parameters[parameter].values.iter().position(|known| known == value)
        };
        let mut cells = BTreeMap::new();
        for (number, point) in study.points.iter().enumerate() {
            if held.iter().all(|(place, value)| point.values[*place] == *value) {
                let row = place_of(down, &point.values[down])?;
                let column = place_of(across, &point.values[across])?;
                cells.entry((row, column)).or_insert(number);
            }
        }
        let all = study.parameters[down].values.len() * study.parameters[across].values.len();
        // A sample of a large grid leaves most of a map empty.
        (cells.len() * 4 >= all).then_some(Self { across, down, cells, held })
    }

    fn told(&self, view: &View<'_>) -> String {
        let study = view.study;
        let name = |place: usize| &study.parameters[place].name;
        let mut text = format!(
            "Each cell is a point: its number, and below it what that lies between with 95\u{a0}%. From top to bottom goes {}, \
             from left to right {}.",
            name(self.down),
            name(self.across)
        );
        if !self.held.is_empty() {
            let held: Vec<String> =
                self.held.iter().map(|(place, value)| format!("{} = {value}", name(*place))).collect();
            let why = match (study.chosen(), study.default_point) {
                (Some(chosen), _) => format!("as at the point that is {}", view.chosen_is(chosen)),
                (None, _) if study.each().is_some() => {
                    "as in what is best everywhere, or comes nearest to that".to_owned()
                }
                (None, Some(_)) => "as in the scenario".to_owned(),
                (None, None) => "as at the first point of the front".to_owned(),
            };
            text.push_str(&format!(
                " The maps show {} of {} points, those with {}, {why}; the tables at the end have all.",
                self.cells.len(),
                study.points.len(),
                held.join(", ")
            ));
        }
        text
    }

    fn map(&self, view: &View<'_>, of: Trait) -> Picture {
        let study = view.study;
        let scale = view.scale(of);
        let axis =
            |place: usize| (study.parameters[place].name.clone(), study.parameters[place].values.clone());
        let (across, down) = (axis(self.across), axis(self.down));
        let cell = |row: usize, column: usize| {
            let point = *self.cells.get(&(row, column))?;
            let told = view.told(point, of);
            let failed = study.points[point].failed;
            let below = if failed > 0 { format!("{failed} unsafe") } else { told.short_between };
            Some(HeatCell { value: told.value, text: told.short, below, marks: view.marks(point) })
        };
        let cells: Vec<Vec<Option<HeatCell>>> = (0..down.1.len())
            .map(|row| (0..across.1.len()).map(|column| cell(row, column)).collect())
            .collect();
        let values = || cells.iter().flatten().flatten().filter_map(|cell| cell.value);
        let (least, greatest) =
            (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let ends = (least <= greatest).then(|| (scale.text(least), scale.text(greatest)));
        let caption = scale.behind(&of.to_string());
        let desc = match &ends {
            Some((least, greatest)) => format!(
                "A map over {} and {}. The numbers go from {least} to {greatest}; each stands in its cell.",
                down.0, across.0
            ),
            None => {
                format!("A map over {} and {}. It never occurred at any of these points.", down.0, across.0)
            }
        };
        let named = Named { id: id("map", &[of]), title: caption.clone(), desc };
        let points = self.cells.values().copied();
        let table = table_of(view, of, points);
        Picture { svg: HeatMap { named, across, down, cells, ends }.draw(), caption, table }
    }
}

/// A row for each point, or for the best.
fn rows(view: &View<'_>, of: Trait) -> Picture {
    let mut points: Vec<usize> = view.points().collect();
    if points.len() > ROWS {
        let rank = |point: &usize| {
            let value = view.told(*point, of).value.unwrap_or(0.0);
            if of.metric.better() == leasehold_check::Better::More { -value } else { value }
        };
        points.sort_by(|one, other| rank(one).total_cmp(&rank(other)));
        points.truncate(ROWS);
    }
    whiskers(view, "rows", of, &points)
}

/// A number of these points, with its interval and what was predicted.
pub(crate) fn whiskers(view: &View<'_>, kind: &str, of: Trait, points: &[usize]) -> Picture {
    let scale = view.scale(of);
    let row = |point: &usize| {
        let told = view.told(*point, of);
        let scaled = |end: f64| scale.scaled(end);
        let figure = view.study.points[*point].figure(of.metric);
        WhiskerRow {
            name: view.study.points[*point].own_values(&view.study.parameters),
            value: told.value.map(|value| scale.scaled(value)),
            ends: (told.ends.0.map(scaled), told.ends.1.map(scaled)),
            foreseen: figure
                .and_then(|figure| figure.prediction(of.statistic))
                .map(|prediction| scale.scaled(prediction.value)),
            text: told.text,
            marks: view.marks(*point),
        }
    };
    let rows: Vec<WhiskerRow> = points.iter().map(row).collect();
    let own = view.study.parameters.iter().filter(|parameter| parameter.derived.is_none());
    let by = own.map(|parameter| parameter.name.as_str()).collect::<Vec<_>>().join(", ");
    let caption = format!("{}, by {by}", scale.behind(&of.to_string()));
    let desc = format!("{} rows, each a number with what it lies between with 95 %.", rows.len());
    let named = Named { id: id(kind, &[of]), title: caption.clone(), desc };
    let measure = scale.behind(&of.to_string());
    let table = table_of(view, of, points.iter().copied());
    Picture { svg: WhiskerChart { named, measure, rows }.draw(), caption, table }
}

/// A number of these points: with its interval, and how many values it is made of.
fn table_of(view: &View<'_>, of: Trait, points: impl Iterator<Item = usize>) -> Table {
    let columns = [
        words("point"),
        numbers(of.to_string()),
        numbers("95\u{a0}% sure"),
        numbers("values"),
        numbers("runs"),
        words("it is"),
    ];
    let mut table = Table::new(format!("{of} of each point"), columns);
    for point in points {
        let mut row = vec![Cell::new(view.label(point))];
        row.extend(view.cells(point, of));
        let runs = view.study.points[point].runs;
        row.push(Cell::new(grouped(runs)).sorted_by(runs as f64));
        row.push(Cell::new(view.marks_in_words(point)));
        table.rows.push(row);
    }
    table
}

/// An id that no other picture has.
pub(crate) fn id(kind: &str, of: &[Trait]) -> String {
    let names: Vec<String> = of.iter().map(|of| of.to_string().replace('.', "-")).collect();
    format!("{kind}-{}", names.join("-"))
}
