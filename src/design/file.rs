//! Reading a design file: the text becomes what was typed ([`typed`]), and that becomes what it means ([`meaning`]).

mod choices;
mod formats;
mod given;
mod keys;
mod meaning;
mod typed;

pub use keys::fields;

use super::Design;
use super::diagnostics::{DesignError, Refusal};
use std::path::Path;

/// Reads and validates a design file.
///
/// # Errors
/// A file that cannot be read, is not UTF-8 or not TOML, or whose design cannot be built; the error points at the
/// offending text and says what would be right.
pub fn load(path: &Path) -> Result<Design, DesignError> {
    let refuse = |message: String, help: &str| Refusal::new(message, help).within(path, "");
    let bytes = std::fs::read(path).map_err(|e| {
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
            Err(Refusal::new("the design file is not UTF-8 text", "save it in the encoding UTF-8")
                .at(Some(bad), "the first byte that is not UTF-8")
                .within(path, &text))
        }
    }
}

/// Validates the text of a design file; `path` names it in errors, and its stem names the design.
///
/// # Errors
/// As [`load`].
pub fn parse(path: &Path, text: &str) -> Result<Design, DesignError> {
    let read = || -> Result<Design, Refusal> {
        let name = name_of(path)?;
        let file: typed::File = toml::from_str(text).map_err(|e| keys::explain(&e, text))?;
        meaning::of(file, name, path)
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

/// The file stem as a Verilog identifier: the design names a folder and a module.
fn name_of(path: &Path) -> Result<String, Refusal> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = stem.replace('-', "_");
    let help =
        "rename the file: letters, digits, `-` and `_`, beginning with a letter, such as `digits-cep.toml`";
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !plain || !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return Err(Refusal::new(format!("the file name `{stem}` cannot name a Verilog module"), help));
    }
    if RESERVED.split_whitespace().any(|word| word == name) {
        return Err(Refusal::new(format!("the file name `{stem}` is a reserved word of Verilog"), help));
    }
    Ok(name)
}

/// Keywords of IEEE 1364-2005 (Verilog), Annex B.
const RESERVED: &str = "always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign \
    default defparam design disable edge else end endcase endconfig endfunction endgenerate endmodule endprimitive \
    endspecify endtable endtask event for force forever fork function generate genvar highz0 highz1 if ifnone incdir \
    include initial inout input instance integer join large liblist library localparam macromodule medium module nand \
    negedge nmos nor noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown \
    pullup pulsestyle_ondetect pulsestyle_onevent rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 \
    rtranif1 scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table task time tran \
    tranif0 tranif1 tri tri0 tri1 triand trior trireg unsigned use uwire vectored wait wand weak0 weak1 while wire wor \
    xnor xor";
