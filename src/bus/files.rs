//! The files of the bus: register file, top, C header, Markdown, test bench, and the FuseSoC core file.

mod bench;
mod documents;
mod registers;
mod top;

use super::{LEAVES, Map, Vectors};
use crate::design::{Design, Keys};
use crate::schedule::Layout;
use crate::verilog::{self, Sources, module_name, rendered};
use askama::Template;

/// Name of the wrapped core's module.
pub fn top_name(design: &Design) -> String {
    format!("{}_axi", module_name(design))
}

/// The Verilog files of the bus around the core.
pub fn file_names(design: &Design) -> Vec<String> {
    let leaves = LEAVES.iter().map(|(name, _)| (*name).to_owned());
    leaves
        .chain([format!("{}_registers.v", module_name(design)), format!("{}.v", top_name(design))])
        .collect()
}

#[derive(Template)]
#[template(path = "fusesoc.core", escape = "none")]
struct CoreFile {
    depends_on: String,
    version: &'static str,
    name: String,
    top: String,
    sources: Vec<String>,
    includes: Vec<String>,
    data: Vec<String>,
    bench: Vec<String>,
}

/// Adds the bus to a generated core: `NAME_axi.v`, its registers and leaves, a C header, a page of Markdown, a test bench
/// with vectors from the reference, and a FuseSoC core file.
pub fn add_to(sources: &mut Sources, design: &Design, layout: &Layout) {
    let (core, top) = (module_name(design), top_name(design));
    let (map, keys) = (Map::of_design(design, layout), Keys::of_circuit(design));
    let registers = format!("{core}_registers");
    let data: Vec<String> = sources.files.keys().filter(|n| n.ends_with(".hex")).cloned().collect();
    let includes: Vec<String> = sources.files.keys().filter(|n| n.ends_with(".vh")).cloned().collect();
    for (name, text) in LEAVES {
        sources.files.insert((*name).to_owned(), (*text).to_owned());
    }
    let mut put = |name: String, text: String| sources.files.insert(name, text);
    put(format!("{registers}.v"), registers::registers_file(&registers, &keys, &map));
    put(format!("{top}.v"), top::top_file(design, layout, &keys, &map));
    put(format!("{core}.h"), documents::header(design, layout, &map));
    put(format!("{core}.md"), documents::page(design, layout, &map));
    let names = sources.verilog(&format!("{top}.v"), &[verilog::LEAVES, LEAVES].concat());
    sources.files.insert("axi.f".to_owned(), names.join("\n") + "\n");
    bench::add_harness(sources, design, &map);
    let bench = bench::add_bench(sources, design, layout, &map, data.clone());
    let file = CoreFile {
        depends_on: keys.text(),
        version: env!("CARGO_PKG_VERSION"),
        name: design.name.replace('-', "_"),
        top,
        sources: names,
        includes,
        data,
        bench,
    };
    sources.files.insert(format!("{core}.core"), rendered(&file));
}

/// Adds `vectors.json`: samples of the design's data set, and what the reference makes of them.
pub fn add_vectors(sources: &mut Sources, vectors: &Vectors) {
    let text = serde_json::to_string(vectors)
        .unwrap_or_else(|e| unreachable!("numbers and texts are always written: {e}"));
    sources.files.insert("vectors.json".to_owned(), text);
}
