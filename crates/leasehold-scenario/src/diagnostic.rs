//! What is wrong with a scenario, and how it is shown.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str,
};

use crate::source::Source;

/// More than these are counted, not shown: nobody mends twenty things at once.
const MOST_SHOWN: usize = 20;

/// One thing that is wrong: what was found, where, what was expected, and what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in one line.
    pub message: String,
    /// Where: an address in the [`Source`]. Nothing if it is nowhere, such as a missing key.
    pub span: Option<Range<usize>>,
    /// What stands beside the underlined span.
    pub label: Option<String>,
    /// Other places that have to do with it, each with what it says.
    pub related: Vec<(Range<usize>, String)>,
    /// Help lines: the least change that makes it right, or a suggestion.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// Something that stands nowhere in particular.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None, label: None, related: Vec::new(), notes: Vec::new() }
    }

    /// Something at a span, such as that of a [`Spanned`](crate::Spanned) value of a table. The span `0..0` is that of a
    /// default, which the file leaves out: it stands nowhere.
    pub fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span: Some(span).filter(is_written), ..Self::new(message) }
    }

    /// Says something beside the underlined span.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Shows another place too; of a default, there is only a line.
    #[must_use]
    pub fn related(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        if !is_written(&span) {
            return self.help(format!("{}, by default", label.into()));
        }
        self.related.push((span, label.into()));
        self
    }

    /// Adds a help line.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.notes.push(help.into());
        self
    }

    /// The diagnostic for a person, with the lines of the source that it is about. Ends without a line break.
    pub fn render(&self, source: &Source, style: Style) -> String {
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Coloured => Renderer::styled(),
        };
        let mut group = Group::with_title(Level::ERROR.primary_title(self.message.as_str()));
        match &self.span {
            Some(span) => group = group.elements(self.snippets(span, source)),
            None => group = group.element(Origin::path(source.name())),
        }
        for note in &self.notes {
            group = group.element(Level::HELP.message(normalize_untrusted_str(note)));
        }
        renderer.render(&[group])
    }

    /// One snippet for each text that has a part in it, the one with the span first.
    fn snippets<'s>(&'s self, span: &Range<usize>, source: &'s Source) -> Vec<Snippet<'s, Annotation<'s>>> {
        let mut excerpts = vec![Excerpt::new(source, span)];
        excerpts[0].mark(source, AnnotationKind::Primary, span, self.label.as_deref());
        for (span, label) in &self.related {
            let place = source.place(span);
            let same = |excerpt: &Excerpt<'_>| std::ptr::eq(excerpt.text, place.text);
            let index = excerpts.iter().position(same).unwrap_or_else(|| {
                excerpts.push(Excerpt::new(source, span));
                excerpts.len() - 1
            });
            excerpts[index].mark(source, AnnotationKind::Context, span, Some(label));
        }
        excerpts.into_iter().map(Excerpt::snippet).collect()
    }
}

/// Whether the span is that of something that somebody wrote, and not of a default.
pub(crate) fn is_written(span: &Range<usize>) -> bool {
    *span != (0..0)
}

/// The lines of one text from the first to the last that is marked: a large file costs no more than a small one.
struct Excerpt<'s> {
    origin: &'s str,
    text: &'s str,
    lines: Range<usize>,
    marks: Vec<(AnnotationKind, Range<usize>, Option<&'s str>)>,
}

impl<'s> Excerpt<'s> {
    fn new(source: &'s Source, span: &Range<usize>) -> Self {
        let place = source.place(span);
        Self {
            origin: place.origin,
            text: place.text,
            lines: place.range.start..place.range.start,
            marks: Vec::new(),
        }
    }

    fn mark(&mut self, source: &Source, kind: AnnotationKind, span: &Range<usize>, label: Option<&'s str>) {
        let range = source.place(span).range;
        let line_start = self.text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[line_start..].lines().next().unwrap_or("");
        let line_end = (line_start + line.len()).max(range.start);
        self.lines = self.lines.start.min(line_start)..self.lines.end.max(line_end);
        // A span of many lines (a whole table) is shown by its first.
        self.marks.push((kind, range.start..range.end.min(line_end), label));
    }

    fn snippet(self) -> Snippet<'s, Annotation<'s>> {
        let first_line = self.text[..self.lines.start].matches('\n').count() + 1;
        let annotations = self.marks.into_iter().map(|(kind, range, label)| {
            kind.span(range.start - self.lines.start..range.end - self.lines.start)
                .label(label.map(|label| Cow::Owned(normalize_untrusted_str(label))))
        });
        Snippet::source(&self.text[self.lines.clone()])
            .line_start(first_line)
            .path(self.origin)
            .annotations(annotations)
    }
}

/// How a diagnostic is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As bare text.
    Plain,
    /// With ANSI colours, for a terminal.
    Coloured,
}

/// Several diagnostics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds several.
    pub(crate) fn push_all(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.0.extend(diagnostics);
    }

    /// Takes the value, or keeps what is wrong with it and gives nothing.
    pub fn keep<T>(&mut self, result: Result<T, impl Into<Self>>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(diagnostics) => {
                self.0.extend(diagnostics.into().0);
                None
            }
        }
    }

    /// Adds those of them that are not there yet.
    pub(crate) fn join(&mut self, others: Self) {
        for other in others.0 {
            if !self.0.contains(&other) {
                self.0.push(other);
            }
        }
    }

    /// All of them, with one more help line each.
    pub(crate) fn helped(self, help: &str) -> Self {
        Self(self.0.into_iter().map(|diagnostic| diagnostic.help(help)).collect())
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Them, in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// The value if nothing is wrong.
    ///
    /// # Errors
    ///
    /// These diagnostics, if there are any.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A scenario that cannot be run: its source, and what is wrong with it. Shows as [`Style::Plain`].
#[derive(Debug, thiserror::Error)]
#[error("{}", self.render(Style::Plain))]
pub struct ScenarioError(Box<Contents>);

struct Contents {
    source: Source,
    diagnostics: Diagnostics,
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents")
            .field("source", &self.source.name())
            .field("diagnostics", &self.diagnostics)
            .finish()
    }
}

impl ScenarioError {
    /// What is wrong with a source, in the order of the text: file, then `--set`, then what is missing.
    ///
    /// # Panics
    ///
    /// If there is nothing wrong.
    pub fn new(source: Source, diagnostics: impl Into<Diagnostics>) -> Self {
        let mut diagnostics = diagnostics.into();
        assert!(!diagnostics.is_empty(), "an error says what is wrong");
        diagnostics.0.sort_by_key(|d| d.span.as_ref().map_or(usize::MAX, |span| span.start));
        Self(Box::new(Contents { source, diagnostics }))
    }

    /// The text that is wrong.
    pub fn source_text(&self) -> &Source {
        &self.0.source
    }

    /// All that is wrong with it.
    pub fn diagnostics(&self) -> &Diagnostics {
        &self.0.diagnostics
    }

    /// All of it for a person: blocks with a blank line between. Ends without a line break.
    pub fn render(&self, style: Style) -> String {
        let all = &self.0.diagnostics.0;
        let mut blocks: Vec<String> =
            all.iter().take(MOST_SHOWN).map(|diagnostic| diagnostic.render(&self.0.source, style)).collect();
        if all.len() > MOST_SHOWN {
            blocks.push(format!("... and {} more", all.len() - MOST_SHOWN));
        }
        blocks.join("\n\n")
    }
}
