//! SVG, written piece by piece.

use std::fmt::Write;

use super::Named;

/// A picture in the making. Its corner is at the top left.
pub(crate) struct Svg {
    text: String,
}

/// Where a text stands against its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// Its beginning is there.
    Start,
    /// Its middle is there.
    Middle,
    /// Its end is there.
    End,
}

impl Svg {
    /// Begins a picture of this size.
    pub(crate) fn new(named: &Named, width: f64, height: f64) -> Self {
        let Named { id, title, desc } = named;
        let mut svg = Self { text: String::new() };
        let _ = write!(
            svg.text,
            "<svg role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\">\
             <title id=\"{id}-title\">{}</title><desc id=\"{id}-desc\">{}</desc>",
            short(width),
            short(height),
            short(width),
            short(height),
            escaped(title),
            escaped(desc)
        );
        svg
    }

    /// A rectangle.
    pub(crate) fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        let [x, y, width, height] = [x, y, width, height].map(short);
        let _ = write!(
            self.text,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
        );
    }

    /// A straight line.
    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(short);
        let _ = write!(self.text, "<path class=\"{class}\" d=\"M{x1} {y1}L{x2} {y2}\"/>");
    }

    /// A line through these places.
    pub(crate) fn polyline(&mut self, class: &str, places: &[(f64, f64)]) {
        if places.len() < 2 {
            return;
        }
        let _ = write!(self.text, "<path class=\"{class}\" d=\"");
        for (nth, (x, y)) in places.iter().enumerate() {
            let sign = if nth == 0 { 'M' } else { 'L' };
            let _ = write!(self.text, "{sign}{} {}", short(*x), short(*y));
        }
        self.text.push_str("\"/>");
    }

    /// The mark of the n-th series: each has a shape of its own.
    pub(crate) fn marker(&mut self, class: &str, nth: usize, (x, y): (f64, f64)) {
        let path = match nth % 5 {
            0 => format!("M{} {}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0", short(x - 3.5), short(y)),
            1 => format!("M{} {}h6.4v6.4h-6.4z", short(x - 3.2), short(y - 3.2)),
            2 => format!("M{} {}l4.2 7h-8.4z", short(x), short(y - 4.2)),
            3 => format!("M{} {}l4.4 4.4l-4.4 4.4l-4.4 -4.4z", short(x), short(y - 4.4)),
            _ => format!("M{} {}l4.2 -7h-8.4z", short(x), short(y + 4.2)),
        };
        let _ = write!(self.text, "<path class=\"{class}\" d=\"{path}\"/>");
    }

    /// A star of five points around a place.
    pub(crate) fn star(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        let mut path = String::new();
        for nth in 0..10 {
            let turn = f64::from(nth) * std::f64::consts::PI / 5.0;
            let reach = if nth % 2 == 0 { radius } else { radius * 0.42 };
            let sign = if nth == 0 { 'M' } else { 'L' };
            let (right, up) = (reach * libm::sin(turn), reach * libm::cos(turn));
            let _ = write!(path, "{sign}{} {}", short(x + right), short(y - up));
        }
        let _ = write!(self.text, "<path class=\"{class}\" d=\"{path}Z\"/>");
    }

    /// A text.
    pub(crate) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let _ = write!(
            self.text,
            "<text class=\"{class}\" x=\"{}\" y=\"{}\"{anchor}>{}</text>",
            short(x),
            short(y),
            escaped(text)
        );
    }

    /// A text that reads upward.
    pub(crate) fn text_upward(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        let _ = write!(
            self.text,
            "<text class=\"{class}\" transform=\"translate({} {})rotate(-90)\" text-anchor=\"middle\">{}</text>",
            short(x),
            short(y),
            escaped(text)
        );
    }

    /// The picture.
    pub(crate) fn finish(mut self) -> String {
        self.text.push_str("</svg>");
        self.text
    }
}

/// A place with a digit behind the point, where that says something.
fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), ToOwned::to_owned)
}

/// A text as it may stand between tags and in attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A text that is cut off after so many letters, with a sign that it is.
pub(crate) fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(letters.saturating_sub(1)).collect();
    format!("{kept}\u{2026}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_wherever_they_stand() {
        let hostile = "</title><script>alert(\"1\" & '2')</script>";
        let named = Named { id: "a".to_owned(), title: hostile.to_owned(), desc: hostile.to_owned() };
        let mut svg = Svg::new(&named, 10.0, 10.25);
        svg.text("label", (1.0, 2.0), Anchor::End, hostile);
        svg.text_upward("label", (1.0, 2.0), hostile);
        let text = svg.finish();
        assert!(!text.contains("<script>") && text.matches("</title>").count() == 1, "{text}");
        assert_eq!(text.matches("&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)").count(), 4, "{text}");
        assert!(text.contains("viewBox=\"0 0 10 10.2\""), "{text}");
    }

    #[test]
    fn what_is_cut_off_says_so() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde\u{2026}");
    }
}
