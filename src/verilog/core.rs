//! The generated files of a core: templates over what they know of a design.

use super::facts::Facts;
use super::rendered;
use crate::design::Design;
use crate::rules::Program;
use crate::schedule::Layout;
use askama::Template;

/// A template over the facts.
macro_rules! template {
    ($name:ident, $path:literal) => {
        #[derive(Template)]
        #[template(path = $path, escape = "none")]
        struct $name<'a>(&'a Facts);

        impl std::ops::Deref for $name<'_> {
            type Target = Facts;

            fn deref(&self) -> &Facts {
                self.0
            }
        }
    };
}
template!(CoreFile, "core.v");
template!(KernelBankFile, "kernel_bank.v");
template!(NeuronBankFile, "neuron_bank.v");
template!(PhaseProgramFile, "phase_program.v");
template!(LayerTableFile, "layer_table.vh");

/// askama takes away a template's last end of line.
fn line_ended(template: &impl Template) -> String {
    rendered(template) + "\n"
}

/// The generated files of a core, with their names.
pub fn render(design: &Design, layout: &Layout, program: &Program) -> Vec<(String, String)> {
    let facts = Facts::of(design, layout, program);
    let kernels =
        facts.has.kernels.then(|| ("kernel_bank.v".to_owned(), line_ended(&KernelBankFile(&facts))));
    let files = [
        (format!("{}.v", super::module_name(design)), line_ended(&CoreFile(&facts))),
        ("neuron_bank.v".to_owned(), line_ended(&NeuronBankFile(&facts))),
        ("phase_program.v".to_owned(), line_ended(&PhaseProgramFile(&facts))),
        ("layer_table.vh".to_owned(), line_ended(&LayerTableFile(&facts))),
    ];
    files.into_iter().chain(kernels).collect()
}
