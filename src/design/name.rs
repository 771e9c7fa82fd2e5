//! A design's name: what its modules, files, build folder and C header are called after.

use std::path::Path;

/// Most characters: with what eqhdl puts around it, a file system still takes it as a file name.
const MOST: usize = 128;

/// Most characters of a wrong one in a message.
const MOST_SHOWN: usize = 60;

/// Endings with which the modules `eqhdl_NAME_axi` and `eqhdl_NAME_registers` of a design NAME are called; a core of
/// that name could not stand beside them.
const TAKEN: [&str; 2] = ["axi", "registers"];

/// Why a text names no design.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing in it can be part of a name.
    #[error("`{0}` has no letter from a to z and no digit: it names no design")]
    Nothing(String),
    /// Longer than file systems and tools take with what eqhdl puts around it.
    #[error("a name of {0} characters is too long; a design's name has at most {MOST}")]
    Long(usize),
    /// The bus of another design is called so.
    #[error("`{name}` names no design: `eqhdl_{name}` is a module of a design `{other}`")]
    Taken {
        /// The name.
        name: String,
        /// The design whose module it would be.
        other: String,
    },
    /// Not spelt as names are.
    #[error("`{0}` is no name of a design")]
    Spelling(String),
}

/// What a name is made of, for messages.
pub const SPELLING: &str =
    "a name is small letters, digits and single `_` between them, such as `name = \"my_net\"`";

/// The name that a file's stem stands for: small letters and digits stay, capitals become small, whatever lies between
/// them becomes one `_`. So names never hold `__`, which parts a name from what eqhdl puts behind it, and two of them
/// never differ in their case alone, which file systems and C macros may not tell apart.
///
/// # Errors
/// A stem of which nothing is left, that is too long, or that another design's module is called.
pub fn of_stem(stem: &str) -> Result<String, NameError> {
    let words: Vec<String> = stem
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    if words.is_empty() {
        return Err(NameError::Nothing(shown(stem)));
    }
    let name = words.join("_");
    if name.len() > MOST {
        return Err(NameError::Long(name.len()));
    }
    match words.split_last() {
        Some((last, first)) if !first.is_empty() && TAKEN.contains(&last.as_str()) => {
            Err(NameError::Taken { other: first.join("_"), name })
        }
        _ => Ok(name),
    }
}

/// The name that the file at `path` gives its design, where the file does not say another.
///
/// # Errors
/// As [`of_stem`].
pub fn of_file(path: &Path) -> Result<String, NameError> {
    of_stem(&path.file_stem().unwrap_or_default().to_string_lossy())
}

/// A name that was typed as one: nothing is changed of it.
///
/// # Errors
/// As [`of_stem`], and a text that is not spelt as names are.
pub fn typed(text: &str) -> Result<String, NameError> {
    let name = of_stem(text)?;
    if name == text { Ok(name) } else { Err(NameError::Spelling(shown(text))) }
}

fn shown(text: &str) -> String {
    super::diagnostics::printable(text, MOST_SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_become_names() {
        for (stem, name) in [
            ("digits-cep", "digits_cep"),
            ("my net", "my_net"),
            ("net_0.3", "net_0_3"),
            ("table", "table"),
            ("MyNet", "mynet"),
            ("3layers", "3layers"),
            ("_-a--b__c_", "a_b_c"),
            ("größe", "gr_e"),
            ("$(rm -rf x)", "rm_rf_x"),
            ("axi", "axi"),
            ("registers", "registers"),
        ] {
            assert_eq!(of_stem(stem).as_deref(), Ok(name), "{stem}");
            assert_eq!(typed(name).as_deref(), Ok(name), "a name names itself");
        }
        assert_eq!(of_stem(&"n".repeat(MOST)), Ok("n".repeat(MOST)));
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for stem in ["", "_", "日本", "...", "\n"] {
            assert!(matches!(of_stem(stem), Err(NameError::Nothing(_))), "{stem}");
        }
        assert_eq!(of_stem(&"n".repeat(MOST + 1)), Err(NameError::Long(MOST + 1)));
        for (stem, other) in [("net-axi", "net"), ("a.b registers", "a_b"), ("net_axi_registers", "net_axi")]
        {
            assert!(matches!(of_stem(stem), Err(NameError::Taken { other: o, .. }) if o == other), "{stem}");
        }
        for text in ["my-net", "My", "a__b", "_a", "a_", "a b"] {
            assert!(matches!(typed(text), Err(NameError::Spelling(_))), "{text}");
        }
    }
}
