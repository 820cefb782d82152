//! What scenarios/README.md says of the second engine.

use super::case::root;

/// A row of a list of what does not fit.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) why: String,
}

/// A scenario that comes to something else there.
pub(crate) struct Differing {
    pub(crate) name: String,
    /// The verdict there.
    pub(crate) verdict: String,
    pub(crate) why: String,
}

/// A scenario that comes to the same there because of what it says of the shell.
pub(crate) struct Shelled {
    pub(crate) name: String,
    /// What turns the shell back to the usual one.
    pub(crate) usual: String,
    pub(crate) why: String,
}

/// What is too large for the second engine.
pub(crate) fn too_large() -> Vec<Row> {
    unfit("### Too large for it")
}

/// What asks for something that the second engine cannot do.
pub(crate) fn not_expressed() -> Vec<Row> {
    unfit("### Not expressed by it")
}

fn unfit(heading: &str) -> Vec<Row> {
    rows(heading).into_iter().map(|[name, why]| Row { name, why }).collect()
}

/// What comes to something else there.
pub(crate) fn differing() -> Vec<Differing> {
    let rows = rows("### Different there").into_iter();
    rows.map(|[name, verdict, why]| Differing { name, verdict, why }).collect()
}

/// What needs another shell to come to the same there.
pub(crate) fn with_another_shell() -> Vec<Shelled> {
    let rows = rows("### Only with another shell").into_iter();
    rows.map(|[name, usual, why]| Shelled { name, usual: usual.trim_matches('`').to_owned(), why }).collect()
}

/// The table under a heading: in the first column names in backquotes.
fn rows<const COLUMNS: usize>(heading: &str) -> Vec<[String; COLUMNS]> {
    let text = std::fs::read_to_string(root().join("scenarios/README.md")).unwrap();
    let (_, rest) =
        text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("there is no {heading}"));
    let section = rest.split("\n## ").next().unwrap().split("\n### ").next().unwrap();
    let mut rows = Vec::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<String> =
            line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        let mut row: [String; COLUMNS] =
            cells.try_into().unwrap_or_else(|cells| panic!("{heading}: not {COLUMNS} columns: {cells:?}"));
        row[0] = row[0].trim_matches('`').to_owned();
        rows.push(row);
    }
    rows
}
