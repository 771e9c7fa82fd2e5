//! The page of planted defects is the list of planted defects.

use eqhdl::cosim::FAULTS;
use std::path::Path;

fn page() -> String {
    let mut page = format!(
        "# Planted defects

`eqhdl cosim DESIGN --inject NAME` builds one of these into the hardware, `--inject all` (`make inject`) each in turn, over
the same samples; the table then says which level of comparison catches it. A defect that a design cannot have is listed
with what the design lacks. There are {}. This page is made from the list in `src/cosim/faults.rs`
(`UPDATE=1 cargo test --release --test defects`).

| name | kind | what is wrong | the design must have |
|---|---|---|---|
",
        FAULTS.len()
    );
    for f in FAULTS {
        let needs = if f.needs() == "nothing special" { "" } else { f.needs() };
        page += &format!("| `{}` | {} | {} | {needs} |\n", f.name, f.kind, f.what);
    }
    page
}

#[test]
fn the_page_of_planted_defects_is_the_list() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/defects.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page(), "docs/defects.md is old: UPDATE=1 cargo test --release --test defects");
}
