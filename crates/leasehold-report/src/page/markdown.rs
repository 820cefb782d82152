//! A page as Markdown: what stands in its tables, without its pictures.

use std::fmt::Write;

use super::document::{Block, Card, Document, Holds, Section, Table};
use super::inline::{Piece, pieces};

impl Document {
    /// As Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n{}\n", plain(&self.title), plain(&self.summary));
        let lead = &self.lead;
        let _ = write!(text, "\n**{}**\n", sentence(&lead.headline));
        if !lead.because.is_empty() {
            text.push('\n');
            lead.because.iter().for_each(|sentence| item(&mut text, sentence));
        }
        if !lead.cards.is_empty() {
            text.push('\n');
            lead.cards.iter().for_each(|card| item(&mut text, &of_card(card)));
        }
        lead.blocks.iter().for_each(|block| of_block(&mut text, block));
        lines(&mut text, std::slice::from_ref(&lead.command));
        text.push('\n');
        self.facts.iter().for_each(|(name, value)| item(&mut text, &format!("{name}: {value}")));
        self.sections.iter().for_each(|section| of_section(&mut text, section));
        text
    }
}

fn of_card(card: &Card) -> String {
    let below = if card.below.is_empty() { String::new() } else { format!(" ({})", card.below.join("; ")) };
    format!("{}: {}{below}", card.name, card.value)
}

fn item(text: &mut String, told: &str) {
    let _ = writeln!(text, "- {}", sentence(told));
}

fn of_section(text: &mut String, section: &Section) {
    let _ = write!(text, "\n## {}\n", plain(&section.title));
    section.blocks.iter().for_each(|block| of_block(text, block));
}

fn of_block(text: &mut String, block: &Block) {
    match block {
        Block::Text(sentences) => {
            let _ = write!(text, "\n{}\n", sentence(sentences));
        }
        Block::Link(words, path) => {
            let _ = write!(text, "\n{}: {}\n", plain(words), plain(path));
        }
        Block::Pictures(pictures) => pictures.iter().for_each(|picture| table(text, &picture.table)),
        Block::Table(of) | Block::Folded(of) => table(text, of),
        Block::Lines(of) => lines(text, of),
        // There are no marks where there are no pictures.
        Block::Legend(_) => {}
    }
}

fn table(text: &mut String, table: &Table) {
    let _ = write!(text, "\n{}\n\n|", plain(&table.caption));
    table.columns.iter().for_each(|column| cell(text, &column.name));
    text.push_str("\n|");
    for column in &table.columns {
        text.push_str(match column.holds {
            Holds::Words => " --- |",
            Holds::Numbers => " ---: |",
        });
    }
    text.push('\n');
    for row in &table.rows {
        text.push('|');
        row.iter().for_each(|of| cell(text, &of.text));
        text.push('\n');
    }
}

fn cell(text: &mut String, of: &str) {
    let _ = write!(text, " {} |", plain(of));
}

/// A block of code, in a fence that is longer than any in it.
fn lines(text: &mut String, lines: &[String]) {
    let longest = lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = write!(text, "\n{fence}\n");
    lines.iter().for_each(|line| text.push_str(&format!("{}\n", line.replace(['\n', '\r'], " "))));
    let _ = writeln!(text, "{fence}");
}

/// A sentence: what stands between backticks is code in Markdown too.
fn sentence(text: &str) -> String {
    let piece = |piece| match piece {
        Piece::Text(words) => plain(words),
        Piece::Code(code) => format!("`{}`", code.replace(['\n', '\r'], " ")),
    };
    pieces(text).into_iter().map(piece).collect()
}

/// A text in which nothing means anything to Markdown, or to the HTML that it becomes.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '\u{a0}' => out.push(' '),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '\\' | '`' | '*' | '[' | ']' | '|' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            // Within a name it means nothing: `false_expiry`.
            '_' if !out.ends_with(|c: char| c.is_ascii_alphanumeric()) => out.push_str("\\_"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_names() {
        assert_eq!(plain("<script>a|b`c`\n# d"), "&lt;script>a\\|b\\`c\\` \\# d");
        assert_eq!(plain("[x](y) *b* _i_ false_expiry"), "\\[x\\](y) \\*b\\* \\_i_ false_expiry");
    }

    #[test]
    fn code_in_a_sentence_stays_code() {
        assert_eq!(sentence("`a < b` is *missed* by `c|d`"), "`a < b` is \\*missed\\* by `c|d`");
        assert_eq!(sentence("<i>`x\ny` and `"), "&lt;i>`x y` and \\`");
    }

    #[test]
    fn a_fence_is_longer_than_those_in_it() {
        let mut text = String::new();
        lines(&mut text, &["run `a` ````\nrm".to_owned()]);
        assert_eq!(text, "\n`````\nrun `a` ```` rm\n`````\n");
    }
}
