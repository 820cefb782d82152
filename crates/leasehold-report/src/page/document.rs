//! What stands on a page, whichever form it takes: HTML has pictures with their tables folded below them, Markdown the tables
//! alone.

use askama::Template;
use serde::Serialize;

use super::inline::{Piece, pieces};

/// A page.
#[derive(Template)]
#[template(path = "page.html")]
pub(crate) struct Document {
    /// What kind of page it is, in small letters above its title.
    pub(crate) kind: &'static str,
    /// Its title.
    pub(crate) title: String,
    /// What it is about, in a sentence.
    pub(crate) summary: String,
    /// What one knows of it: name and value.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// The first screen.
    pub(crate) lead: Lead,
    /// The rest.
    pub(crate) sections: Vec<Section>,
    /// All of it for machines, as JSON that can stand between tags.
    pub(crate) data: String,
}

/// What the page says, before it says why.
pub(crate) struct Lead {
    /// How good that is.
    pub(crate) tone: Tone,
    /// In one line.
    pub(crate) headline: String,
    /// What qualifies it; whole sentences. What stands between backticks is code.
    pub(crate) because: Vec<String>,
    /// The numbers that matter.
    pub(crate) cards: Vec<Card>,
    /// What follows them.
    pub(crate) blocks: Vec<Block>,
    /// The command that makes the page again.
    pub(crate) command: String,
}

/// A number that matters.
pub(crate) struct Card {
    /// Of what.
    pub(crate) name: String,
    /// The number.
    pub(crate) value: String,
    /// What stands below it: its interval, and what it is compared with.
    pub(crate) below: Vec<String>,
}

/// How good something is. Always told in words beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Not sure.
    Doubtful,
    /// Not as it should be.
    Bad,
    /// Nothing to judge.
    Plain,
}

/// A part of the page.
pub(crate) struct Section {
    /// Its anchor.
    pub(crate) id: &'static str,
    /// Its title.
    pub(crate) title: String,
    /// What stands in it.
    pub(crate) blocks: Vec<Block>,
}

/// A piece of a section.
pub(crate) enum Block {
    /// A paragraph. What stands between backticks is code.
    Text(String),
    /// A paragraph that leads to a file beside the page: its words, and the file's path from there.
    Link(String, String),
    /// Pictures beside each other.
    Pictures(Vec<Picture>),
    /// A table.
    Table(Table),
    /// A table that is folded until somebody asks for it.
    Folded(Table),
    /// Lines to copy.
    Lines(Vec<String>),
    /// What a mark means: the mark and the words.
    Legend(Vec<(&'static str, &'static str)>),
}

/// A picture with what can be read instead.
pub(crate) struct Picture {
    /// The picture.
    pub(crate) svg: String,
    /// What it shows.
    pub(crate) caption: String,
    /// The same in numbers.
    pub(crate) table: Table,
}

/// A table. The first cell of each row names it.
#[derive(Default)]
pub(crate) struct Table {
    /// What it tells.
    pub(crate) caption: String,
    /// The names of its columns.
    pub(crate) columns: Vec<Column>,
    /// Its rows.
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A column of a table.
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: String,
    /// Whether numbers stand in it.
    pub(crate) holds: Holds,
}

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Words.
    Words,
    /// Numbers, which stand below each other.
    Numbers,
}

/// A cell of a table.
pub(crate) struct Cell {
    /// What stands in it.
    pub(crate) text: String,
    /// How good that is.
    pub(crate) tone: Tone,
    /// The number behind the text, to sort by.
    pub(crate) number: Option<f64>,
}

impl Tone {
    /// The class of the style sheet.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Doubtful => "doubtful",
            Self::Bad => "bad",
            Self::Plain => "plain",
        }
    }
}

impl Table {
    /// A table with these columns.
    pub(crate) fn new(caption: impl Into<String>, columns: impl IntoIterator<Item = Column>) -> Self {
        Self { caption: caption.into(), columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Whether the column holds numbers.
    pub(crate) fn is_numeric(&self, place: &usize) -> bool {
        self.columns.get(*place).is_some_and(|column| column.holds == Holds::Numbers)
    }
}

/// A column of words.
pub(crate) fn words(name: impl Into<String>) -> Column {
    Column { name: name.into(), holds: Holds::Words }
}

/// A column of numbers.
pub(crate) fn numbers(name: impl Into<String>) -> Column {
    Column { name: name.into(), holds: Holds::Numbers }
}

impl Cell {
    /// A cell with a text.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Plain, number: None }
    }

    /// The same, with the number behind it.
    pub(crate) fn sorted_by(mut self, number: f64) -> Self {
        self.number = number.is_finite().then_some(number);
        self
    }

    /// The same, with how good it is.
    pub(crate) fn toned(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }
}

impl Document {
    /// As HTML.
    pub(crate) fn html(&self) -> String {
        self.render().expect("a page is written to memory")
    }

    /// A sentence, piece by piece.
    pub(crate) fn pieces<T: AsRef<str> + ?Sized>(sentence: &T) -> Vec<Piece<'_>> {
        pieces(sentence)
    }

    /// A path as it stands in a link: what means something in an address is written as its bytes.
    pub(crate) fn address(path: &str) -> String {
        let byte = |byte: u8| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        };
        path.bytes().map(byte).collect()
    }

    /// The style sheet, which stands in the page.
    pub(crate) const fn style() -> &'static str {
        include_str!("../../templates/page.css")
    }

    /// What the page does if it may: copying and sorting. All can be read without.
    pub(crate) const fn script() -> &'static str {
        include_str!("../../templates/page.js")
    }
}

/// Data as JSON that can stand in a `script` of a page: no tag can begin in it.
pub(crate) fn embedded<T: Serialize>(data: &T) -> String {
    let text = serde_json::to_string(data).expect("names, numbers and lists can be written as JSON");
    text.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_a_file_beside_the_page_and_nowhere_else() {
        for (path, address) in [
            ("failures/a-fencing/timeline.html", "failures/a-fencing/timeline.html"),
            ("failures/10% #1?/é.html", "failures/10%25%20%231%3F/%C3%A9.html"),
            ("javascript:alert(1)", "javascript%3Aalert%281%29"),
            ("\"><script>", "%22%3E%3Cscript%3E"),
        ] {
            assert_eq!(Document::address(path), address);
        }
    }

    #[test]
    fn embedded_data_ends_no_script_and_is_the_same_data() {
        let hostile = "</script><script>alert(1)</script><!-- ]]> \"quoted\"\n";
        let text = embedded(&hostile);
        assert!(!text.contains('<'), "{text}");
        let back: String = serde_json::from_str(&text).unwrap();
        assert_eq!(back, hostile);
    }
}
