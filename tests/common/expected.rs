//! Texts that are what they are expected to be: `tests/expected/` holds them, `UPDATE=1` writes them anew.

use std::path::{Path, PathBuf};

/// The folder of expected texts.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expected")
}

/// True where the texts are to be written anew, for a look at what version control says has changed.
pub fn update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

/// What differs from the expected text of this name; none where nothing does.
pub fn difference(name: &str, text: &str) -> Option<String> {
    let path = folder().join(name);
    if update() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return None;
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    if wanted == text {
        return None;
    }
    let (mut old, mut new) = (wanted.lines(), text.lines());
    let mut line = 0;
    loop {
        line += 1;
        let (old, new) = (old.next(), new.next());
        if old != new || (old, new) == (None, None) {
            let shown = |l: Option<&str>| l.map_or("nothing more".to_owned(), |l| format!("`{l}`"));
            return Some(format!(
                "tests/expected/{name}, line {line}: expected {}, found {}",
                shown(old),
                shown(new)
            ));
        }
    }
}
