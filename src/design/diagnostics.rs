//! Errors that point into the design file: where, what is wrong, and what would be right.

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Why a design file was refused.
///
/// Displays as one sentence, what is wrong; `{:#}` puts the place before it and the remedy after it, on one line.
/// miette's handlers show all of it around the offending text.
pub struct DesignError(Box<Inner>);

struct Inner {
    path: PathBuf,
    /// What is shown of the text: its lines, long ones cut around what is pointed at.
    source: NamedSource<String>,
    name: Cow<'static, str>,
    message: String,
    help: String,
    /// In what is shown.
    labels: Vec<LabeledSpan>,
    /// In the text itself.
    span: Option<Range<usize>>,
    line: Option<usize>,
}

/// Bytes of the text, and a word on them; boxed to keep `Result`s small.
type Place = Box<(Range<usize>, String)>;

/// A refusal before it knows its file: byte ranges of the text, and words.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// What it is called, for tests, pages and programs.
    name: Cow<'static, str>,
    /// What is wrong.
    message: String,
    /// What would be right.
    help: String,
    /// The offending text and a word on it; none where nothing was typed.
    at: Option<Place>,
    /// A second place that takes part.
    also: Option<Place>,
}

impl Refusal {
    /// Under a name that stays: words with hyphens.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Refusal { name: name.into(), message: message.into(), help: help.into(), at: None, also: None }
    }

    /// Points at the offending text.
    pub fn at(mut self, span: Option<Range<usize>>, label: impl Into<String>) -> Self {
        self.at = span.map(|span| Box::new((span, label.into())));
        self
    }

    /// Points at a second place that takes part.
    pub fn also(mut self, span: Option<Range<usize>>, label: impl Into<String>) -> Self {
        self.also = span.map(|span| Box::new((span, label.into())));
        self
    }

    /// Attaches the file.
    pub fn within(self, path: &Path, text: &str) -> DesignError {
        // A span behind the last character (an unclosed array, say) still belongs to the last line.
        let end = text.trim_end().len();
        let clamp = |place: Place| {
            let (span, label) = *place;
            // Nothing can be shown behind the end of a text without a last line end.
            let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
            let start = span.start.min(end).min(last);
            // Of many lines the first few.
            let lines = text[start..].match_indices('\n').nth(MAX_LINES).map(|(at, _)| start + at);
            (start..span.end.clamp(start, lines.unwrap_or(text.len())), label)
        };
        let places: Vec<(Range<usize>, String)> =
            self.at.map(clamp).into_iter().chain(self.also.map(clamp)).collect();
        let span = places.first().map(|(span, _)| span.clone());
        let line = span.as_ref().map(|s| 1 + text.bytes().take(s.start).filter(|&b| b == b'\n').count());
        let spans: Vec<Range<usize>> = places.iter().map(|(span, _)| span.clone()).collect();
        let (shown, moved) = excerpt(text, &spans);
        let mut labels = Vec::new();
        for ((_, label), span) in places.into_iter().zip(moved) {
            let label = Some(printable(&label, MAX_LABEL));
            labels.push(if labels.is_empty() {
                LabeledSpan::new_primary_with_span(label, span)
            } else {
                LabeledSpan::new_with_span(label, span)
            });
        }
        DesignError(Box::new(Inner {
            path: path.to_owned(),
            source: NamedSource::new(printable(&path.display().to_string(), MAX_WORDS), shown),
            name: self.name,
            message: printable(&self.message, MAX_WORDS),
            help: printable(&self.help, MAX_WORDS),
            labels,
            span,
            line,
        }))
    }
}

/// Longest message or help, and longest word on a place: what a file holds can be any length, a screen cannot.
const MAX_WORDS: usize = 600;
const MAX_LABEL: usize = 120;
/// Most lines of a place.
const MAX_LINES: usize = 4;
/// What is shown of a line on either side of the place, and of the place.
const AROUND: usize = 60;

/// A text of at most so many characters, in which every character can be seen.
pub(crate) fn printable(text: &str, most: usize) -> String {
    let visible = |c: char| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
    let cut = text.char_indices().nth(most).map(|(at, _)| at);
    let mut shown: String = text[..cut.unwrap_or(text.len())].chars().map(visible).collect();
    if cut.is_some() {
        shown.push('…');
    }
    shown
}

/// The lines of a text, as many, with long ones cut around the spans, and where the spans lie in them.
fn excerpt(text: &str, spans: &[Range<usize>]) -> (String, Vec<Range<usize>>) {
    let mut shown = String::new();
    let mut moved: Vec<Option<usize>> = vec![None; 2 * spans.len()];
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches(['\n', '\r']);
        let ends = spans.iter().flat_map(|s| [s.start, s.end]).enumerate();
        let here: Vec<(usize, usize)> = ends
            .filter(|&(_, at)| at >= start && (at < start + line.len() || start + line.len() == text.len()))
            .map(|(which, at)| (which, (at - start).min(body.len())))
            .collect();
        // What of the line is shown: all of a short one; else the neighbourhood of each end of a span, or the beginning.
        let near: Vec<usize> =
            if here.is_empty() { vec![0] } else { here.iter().map(|&(_, at)| at).collect() };
        let wanted = |at: usize| {
            body.len() <= 3 * AROUND || near.iter().any(|&n| at + AROUND >= n && at <= n + AROUND)
        };
        let mut skipping = false;
        for (at, c) in body.char_indices() {
            for &(which, _) in here.iter().filter(|&&(_, end)| end == at) {
                moved[which] = Some(shown.len());
            }
            if wanted(at) {
                skipping = false;
                shown.push(if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c });
            } else if !skipping {
                skipping = true;
                shown.push('…');
            }
        }
        for &(which, _) in here.iter().filter(|&&(_, end)| end >= body.len()) {
            moved[which] = Some(shown.len());
        }
        shown.push_str(if line.len() > body.len() { "\n" } else { "" });
        start += line.len();
    }
    let place = |which: usize| moved[which].unwrap_or(shown.len());
    let spans = (0..spans.len()).map(|k| place(2 * k)..place(2 * k + 1).max(place(2 * k))).collect();
    (shown, spans)
}

impl DesignError {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the refusal is called, in words with hyphens: it stays when its sentences change.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What would be right.
    pub fn remedy(&self) -> &str {
        &self.0.help
    }

    /// Bytes of the file's text that are refused; none where the file, or something absent from it, is.
    pub fn span(&self) -> Option<Range<usize>> {
        self.0.span.clone()
    }

    /// True where a second place in the file takes part in what is wrong.
    pub fn involves_two_places(&self) -> bool {
        self.0.labels.len() > 1
    }

    /// The line of [`Self::span`], from 1.
    pub fn line(&self) -> Option<usize> {
        self.0.line
    }
}

impl fmt::Display for DesignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return f.write_str(&self.0.message);
        }
        write!(f, "{}:", self.0.path.display())?;
        if let Some(line) = self.line() {
            write!(f, "{line}:")?;
        }
        write!(f, " {}; {}", self.0.message, self.0.help)
    }
}

impl fmt::Debug for DesignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#}")
    }
}

impl std::error::Error for DesignError {}

impl Diagnostic for DesignError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.0.name))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.0.help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        // Without a place to point at, miette would print an empty frame.
        (!self.0.labels.is_empty()).then_some(&self.0.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.0.labels.iter().cloned()))
    }
}

/// The known word that was most likely meant, if any comes close.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let distance = |k: &str| strsim::damerau_levenshtein(&word, &k.to_lowercase());
    let (best, name) = known.into_iter().map(|k| (distance(k), k)).min()?;
    (best <= (name.len() / 2).max(1)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a terminal would show.
    fn told(text: &str, at: Range<usize>) -> String {
        let refusal = Refusal::new("test", "no", "yes").at(Some(at), "here");
        format!("{:?}", miette::Report::new(refusal.within(Path::new("x.toml"), text)))
    }

    #[test]
    fn a_message_is_at_most_a_screen() {
        let long = "9".repeat(100_000);
        for text in [
            format!("a = 1\nb = {long}\nc = 3\n"),
            format!("{}b = 1\n", "\n".repeat(100_000)),
            format!("{long}{long}"),
            format!("x = \"{}\"", "\u{1b}[31m".repeat(30_000)),
            "ü".repeat(70_000),
        ] {
            let middle = (0..=text.len() / 2).rev().find(|&at| text.is_char_boundary(at)).unwrap();
            for at in [0..1, middle..middle, text.len()..text.len(), 0..text.len()] {
                let at = if text.is_char_boundary(at.end) { at } else { 0..2 };
                let told = told(&text, at.clone());
                assert!(told.len() < 4000 && told.lines().count() < 40, "{at:?}: {} bytes", told.len());
                assert!(told.contains("here") && !told.contains("\u{1b}[31m"), "{told}");
            }
        }
        let words = Refusal::new("test", &long, &long).within(Path::new("x.toml"), "");
        assert!(format!("{words:#}").len() < 3000);
    }

    #[test]
    fn a_short_text_is_shown_as_it_is() {
        let text = "a = 1\nbee = 2\n";
        assert_eq!(excerpt(text, &[6..9, 0..1]), (text.to_owned(), vec![6..9, 0..1]));
        assert_eq!(excerpt("", &[0..0, 0..0]), (String::new(), vec![0..0, 0..0]));
        let long = format!("{} x {}", "a".repeat(500), "b".repeat(500));
        let (shown, moved) = excerpt(&long, &[501..502, 501..501]);
        assert_eq!(&shown[moved[0].clone()], "x");
        assert!(shown.len() < 200, "{shown}");
    }
}
