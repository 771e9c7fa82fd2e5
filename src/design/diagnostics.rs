//! Errors that point into the design file: where, what is wrong, and what would be right.

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
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
    source: NamedSource<String>,
    message: String,
    help: String,
    labels: Vec<LabeledSpan>,
}

/// Bytes of the text, and a word on them; boxed to keep `Result`s small.
type Place = Box<(Range<usize>, String)>;

/// A refusal before it knows its file: byte ranges of the text, and words.
#[derive(Debug)]
pub(crate) struct Refusal {
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
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Refusal { message: message.into(), help: help.into(), at: None, also: None }
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
        let label = |place: Place, primary: bool| {
            let (span, label) = *place;
            let start = span.start.min(end);
            let place = start..span.end.clamp(start, text.len());
            let make = if primary { LabeledSpan::new_primary_with_span } else { LabeledSpan::new_with_span };
            make(Some(label), place)
        };
        let labels =
            self.at.map(|a| label(a, true)).into_iter().chain(self.also.map(|a| label(a, false))).collect();
        DesignError(Box::new(Inner {
            path: path.to_owned(),
            source: NamedSource::new(path.display().to_string(), text.to_owned()),
            message: self.message,
            help: self.help,
            labels,
        }))
    }
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

    /// What would be right.
    pub fn remedy(&self) -> &str {
        &self.0.help
    }

    /// Bytes of the file's text that are refused; none where the file, or something absent from it, is.
    pub fn span(&self) -> Option<Range<usize>> {
        self.0.labels.first().map(|l| l.offset()..l.offset() + l.len())
    }

    /// True where a second place in the file takes part in what is wrong.
    pub fn involves_two_places(&self) -> bool {
        self.0.labels.len() > 1
    }

    /// The line of [`Self::span`], from 1.
    pub fn line(&self) -> Option<usize> {
        let start = self.span()?.start;
        Some(1 + self.0.source.inner().bytes().take(start).filter(|&b| b == b'\n').count())
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
