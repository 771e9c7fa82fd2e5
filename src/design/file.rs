//! Reading a design file: the text becomes what was typed ([`typed`]), and that becomes what it means ([`meaning`]).

mod choices;
mod circle;
mod formats;
mod given;
mod keys;
mod layers;
mod meaning;
mod momentum;
mod preparation;
mod ranges;
mod rule;
mod synapses;
mod typed;

pub use keys::fields;
pub use ranges::{Numbers, ranges};

use super::Design;
use super::diagnostics::{DesignError, Refusal};
use std::path::Path;

/// Reads and validates a design file.
///
/// # Errors
/// A file that cannot be read, is not UTF-8 or not TOML, or whose design cannot be built; the error points at the
/// offending text and says what would be right.
pub fn load(path: &Path) -> Result<Design, DesignError> {
    let refuse =
        |message: String, help: &str| Refusal::new("file-unreadable", message, help).within(path, "");
    let bytes = crate::whole::read_text(path).map_err(|e| {
        refuse(
            format!("cannot read the design file `{}`: {e}", path.display()),
            "give the path of a design file; `eqhdl new NAME` writes one to start from",
        )
    })?;
    match String::from_utf8(bytes) {
        Ok(text) => parse(path, &text),
        Err(e) => {
            let start = e.utf8_error().valid_up_to();
            // Replacement keeps everything before the first bad byte in place.
            let text = String::from_utf8_lossy(e.as_bytes()).into_owned();
            let bad = start..start + char::REPLACEMENT_CHARACTER.len_utf8();
            Err(Refusal::new(
                "file-not-utf-8",
                "the design file is not UTF-8 text",
                "save it in the encoding UTF-8",
            )
            .at(Some(bad), "the first byte that is not UTF-8")
            .within(path, &text))
        }
    }
}

/// Validates the text of a design file; `path` names it in errors, and its stem names
/// the design where the text does not.
///
/// # Errors
/// As [`load`].
pub fn parse(path: &Path, text: &str) -> Result<Design, DesignError> {
    let read = || -> Result<Design, Refusal> {
        let file: typed::File = toml::from_str(text).map_err(|e| keys::explain(&e, text))?;
        meaning::of(file, path)
    };
    read().map_err(|refusal| refusal.within(path, text))
}

/// Which stage refuses a text: what [`shape`] finds before [`parse`] looks at how the values fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Every key is known and every value is of its type.
    Good,
    /// Not so: a value is wrong by itself, whatever the other values are.
    Bad,
}

/// Judges keys and types alone.
pub fn shape(text: &str) -> Shape {
    if toml::from_str::<typed::File>(text).is_ok() { Shape::Good } else { Shape::Bad }
}
