//! From a design to a folder of Verilog: the generated core, its tables, and the hand-written leaves it is built of.

mod core;
mod facts;
mod layer_table;
mod names;
mod price;
mod program;
mod units;
mod uses;
mod written;

pub use names::NameClash;
pub use price::{Memory, Multipliers, Price};
pub use program::{Inexpressible, expressible};
pub use units::{common_drive_width, common_state_width, rates_width};
pub use written::{Written, replace_written};

use crate::design::{Design, Keys, Table, Tables};
use crate::fixed_point::{ComplexLogistic, ComplexSoftmax, Softmax};
use crate::rules::Program;
use crate::schedule::Layout;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The hand-written leaves, in the order in which a tool should read them. Embedded, so that an installed binary
/// generates complete folders.
pub const LEAVES: &[(&str, &str)] = &[
    ("requantise.vh", include_str!("../../hdl/requantise.vh")),
    ("mixer.vh", include_str!("../../hdl/mixer.vh")),
    ("requantise.v", include_str!("../../hdl/requantise.v")),
    ("word_memory.v", include_str!("../../hdl/word_memory.v")),
    ("weight_memory.v", include_str!("../../hdl/weight_memory.v")),
    ("function_table.v", include_str!("../../hdl/function_table.v")),
    ("kernel_walk.v", include_str!("../../hdl/kernel_walk.v")),
    ("layer_key.v", include_str!("../../hdl/layer_key.v")),
    ("column_pipe.v", include_str!("../../hdl/column_pipe.v")),
    ("operand_fetch.v", include_str!("../../hdl/operand_fetch.v")),
    ("weight_store.v", include_str!("../../hdl/weight_store.v")),
    ("pass_key.v", include_str!("../../hdl/pass_key.v")),
    ("sample_sign.v", include_str!("../../hdl/sample_sign.v")),
    ("column_key.v", include_str!("../../hdl/column_key.v")),
    ("neuron_bits.v", include_str!("../../hdl/neuron_bits.v")),
    ("neuron_trail.v", include_str!("../../hdl/neuron_trail.v")),
    ("readout.v", include_str!("../../hdl/readout.v")),
    ("commit_port.v", include_str!("../../hdl/commit_port.v")),
    ("sample_buffer.v", include_str!("../../hdl/sample_buffer.v")),
    ("sequencer.v", include_str!("../../hdl/sequencer.v")),
    ("still_watch.v", include_str!("../../hdl/still_watch.v")),
    ("contrast_list.v", include_str!("../../hdl/contrast_list.v")),
    ("synapse_lanes.v", include_str!("../../hdl/synapse_lanes.v")),
    ("drive_path.v", include_str!("../../hdl/drive_path.v")),
    ("neuron_unit.v", include_str!("../../hdl/neuron_unit.v")),
    ("complex_logistic.v", include_str!("../../hdl/complex_logistic.v")),
    ("turned_neuron.v", include_str!("../../hdl/turned_neuron.v")),
    ("softmax_unit.v", include_str!("../../hdl/softmax_unit.v")),
    ("complex_softmax.v", include_str!("../../hdl/complex_softmax.v")),
    ("post_memory.v", include_str!("../../hdl/post_memory.v")),
    ("signature.v", include_str!("../../hdl/signature.v")),
];

/// The text of a template.
pub(crate) fn rendered(template: &impl askama::Template) -> String {
    template.render().unwrap_or_else(|e| unreachable!("the template is checked at compile time: {e}"))
}

/// Name of the core's module.
pub fn module_name(design: &Design) -> String {
    format!("eqhdl_{}", design.name.replace('-', "_"))
}

/// A generated folder, as file name -> contents.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Sources {
    /// Every file.
    pub files: BTreeMap<String, String>,
}

impl Sources {
    /// The synthesizable core of a design: the generated core, the leaves and tables that it uses, and a file list.
    pub fn of(design: &Design, layout: &Layout) -> Sources {
        let own = Program::of(design);
        Sources::of_program(design, layout, &own)
            .unwrap_or_else(|e| unreachable!("the program of a design's own rule: {e}"))
    }

    /// The same for another program than that of the design's rule.
    ///
    /// # Errors
    /// The circuit cannot run it.
    pub fn of_program(design: &Design, layout: &Layout, program: &Program) -> Result<Sources, Inexpressible> {
        expressible(program, design)?;
        let depends_on = Keys::of_circuit(design).comment();
        let numbers =
            |what: &str, entries: String| format!("// {what}, an entry a line.\n{depends_on}\n{entries}");
        let mut files = BTreeMap::new();
        let core_file = format!("{}.v", module_name(design));
        files.extend(core::render(design, layout, program));
        for (name, text) in LEAVES {
            files.insert((*name).to_owned(), (*text).to_owned());
        }
        for l in 1..=design.output_layer() {
            let tables = Tables::of(design, l);
            let all = [
                ("rho", "rho of the drive", tables.rho_of_drive),
                ("slope", "slope of rho at the state", tables.slope_of_state),
                ("activity", "rho of the state", tables.rho_of_state),
            ];
            for (kind, what, table) in all {
                if let Some(table) = table {
                    let text = numbers(&format!("Layer {l}: {what}"), hex(&table));
                    files.insert(table_file(kind, l), text);
                }
            }
        }
        for l in (1..=design.output_layer()).filter(|&l| design.is_complex() && !design.is_softmax(l)) {
            let n = design.neurons[l - 1];
            let unit = ComplexLogistic::of(n.drive, n.state);
            let all = [
                ("exponential", "exp(-|4x - 2|) of a drive's real part", &unit.exponential),
                ("trigonometric", "cosine and sine of its imaginary part", &unit.trigonometric),
                ("reciprocal", "reciprocal of the denominator", &unit.reciprocal),
            ];
            for (kind, what, table) in all {
                files.insert(table_file(kind, l), numbers(&format!("Layer {l}: {what}"), table.hex()));
            }
        }
        if layout.softmax_outputs > 0 {
            let tables = Softmax::of(design.neurons[design.output_layer() - 1].drive);
            let words = |t: &[u16]| t.iter().map(|e| format!("{e:04x}\n")).collect::<String>();
            let exponential = numbers("Softmax: exponential", words(&tables.exponential));
            let reciprocal = numbers("Softmax: reciprocal", words(&tables.reciprocal));
            files.insert(EXPONENTIAL_FILE.to_owned(), exponential);
            files.insert(RECIPROCAL_FILE.to_owned(), reciprocal);
            if design.is_complex() {
                let tables = ComplexSoftmax::of(design.neurons[design.output_layer() - 1].drive);
                let words = tables.angle.iter().map(|e| format!("{e:08x}\n")).collect();
                files.insert(ANGLE_FILE.to_owned(), numbers("Softmax: sine and cosine of an angle", words));
            }
        }
        if let Some(noise) = design.gaussian() {
            let width = design.datapath.noise_width;
            let (mask, digits) = ((1u64 << width) - 1, width.div_ceil(4) as usize);
            let quantiles = noise.entries.iter().map(|&e| format!("{:0digits$x}\n", e as u64 & mask));
            files.insert(NOISE_FILE.to_owned(), numbers("Noise: quantiles", quantiles.collect()));
        }
        let needed = uses::needed(&files, &core_file);
        files.retain(|name, _| needed.contains(name));
        let mut sources = Sources { files };
        let list = sources.verilog(&core_file, LEAVES).join("\n") + "\n";
        sources.files.insert("files.f".to_owned(), list);
        Ok(sources)
    }

    /// The Verilog files that `top` needs, in the order in which a tool should read them: leaves, then what is generated.
    pub(crate) fn verilog(&self, top: &str, leaves: &[(&str, &str)]) -> Vec<String> {
        let needed = uses::needed(&self.files, top);
        let is_leaf = |name: &str| leaves.iter().any(|(leaf, _)| *leaf == name);
        let leaf = leaves.iter().map(|(name, _)| (*name).to_owned()).filter(|name| needed.contains(name));
        let generated = needed.iter().filter(|name| !is_leaf(name)).cloned();
        leaf.chain(generated).filter(|name| name.ends_with(".v")).collect()
    }

    /// The files of a folder: the hardware as somebody has left it.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn read(dir: &Path) -> io::Result<Sources> {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_file()
                && [".v", ".vh", ".hex", ".f", ".cpp", ".h"].iter().any(|e| name.ends_with(e))
            {
                files.insert(name, std::fs::read_to_string(entry.path())?);
            }
        }
        Ok(Sources { files })
    }

    /// The Verilog files that a file list of the folder names.
    ///
    /// # Errors
    /// There is no such list, or something in it is not a file of the folder.
    pub fn list(&self, list: &str) -> Result<Vec<String>, String> {
        let text = self.files.get(list).ok_or_else(|| format!("there is no {list}"))?;
        let mut names = Vec::new();
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("//")) {
            if !line.ends_with(".v") || !self.files.contains_key(line) {
                return Err(format!("`{line}` in {list} is not a Verilog file of the folder"));
            }
            names.push(line.to_owned());
        }
        Ok(names)
    }

    /// What a build of a file list takes: its Verilog, includes and tables; not the vectors of a bench, nor what else lies
    /// there.
    ///
    /// # Errors
    /// As [`Sources::list`].
    pub fn parts(&self, list: &str) -> Result<Sources, String> {
        let listed = self.list(list)?;
        let taken = |name: &String| {
            let support = name.ends_with(".vh") || (name.ends_with(".hex") && !name.starts_with("axi_tb"));
            support || name == list || listed.contains(name)
        };
        let files = self.files.iter().filter(|(name, _)| taken(name));
        Ok(Sources { files: files.map(|(name, text)| (name.clone(), text.clone())).collect() })
    }

    /// Writes the folder; files that already hold the same text are left alone, so builds stay valid.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        std::fs::create_dir_all(dir)?;
        for (name, text) in &self.files {
            let path = dir.join(name);
            if std::fs::read_to_string(&path).ok().as_deref() != Some(text) {
                crate::whole::write(&path, text.as_bytes())?;
            }
        }
        Ok(())
    }
}

/// Tables of a softmax read-out.
const EXPONENTIAL_FILE: &str = "softmax_exponential.hex";
const RECIPROCAL_FILE: &str = "softmax_reciprocal.hex";
const ANGLE_FILE: &str = "softmax_angle.hex";

/// Quantiles of the noise.
const NOISE_FILE: &str = "noise.hex";

/// File of a table of layer `l`.
fn table_file(kind: &str, l: usize) -> String {
    format!("{kind}_layer{l}.hex")
}

/// One entry a line, for `$readmemh`.
fn hex(table: &Table) -> String {
    let mask = (1u64 << table.to.width) - 1;
    let digits = table.to.width.div_ceil(4) as usize;
    table.entries.iter().map(|&e| format!("{:0digits$x}\n", e as u64 & mask)).collect()
}
