//! `eqhdl train --kernels`: the first kernels as a picture.

use crate::cli::CliError;
use crate::data::Dataset;
use crate::design::Design;
use crate::network::Connection;
use crate::oracle::train::FloatTrainer;
use crate::picture::{KernelImage, Sheet, kernels_svg};
use crate::reference::Weights;
use crate::whole;
use miette::{IntoDiagnostic, WrapErr};
use std::path::Path;

/// Refuses designs without kernels, before they are trained.
pub(super) fn expected(design: &Design) -> Result<(), CliError> {
    if design.network.connection(1).is_dense() {
        return Err(CliError::input_message(format!(
            "{}: its first layer is no kernel, and --kernels draws those; leave it out, or begin `layers` with an image's shape and a kernel",
            design.path.display()
        )));
    }
    Ok(())
}

/// Draws the kernels of layer 1: as learnt, less what the multipliers see of them, and beside floats where their training
/// is done in the folder.
pub(super) fn draw(
    design: &Design,
    dataset: &Dataset,
    weights: &Weights,
    folder: &Path,
    file: &Path,
) -> Result<(), CliError> {
    let (c, synapses) = (design.network.connection(1), &design.synapses[0]);
    let raw = |row: usize, tap: usize| i64::from(weights.layers[0].get(row, tap));
    let learnt = |row: usize, tap: usize| synapses.weight.to_real(raw(row, tap));
    let unseen = |row: usize, tap: usize| {
        let dropped = synapses.dropped_bits();
        synapses.weight.to_real(raw(row, tap) - ((raw(row, tap) >> dropped) << dropped))
    };
    let mut sheets = vec![
        sheet(c, format!("learnt in {}", synapses.weight), learnt),
        sheet(c, format!("not seen by the multipliers, which read {}", synapses.weight_read), unseen),
    ];
    let floats = FloatTrainer::resumed(design, dataset, &folder.join("checkpoint-float"))
        .map_err(|e| CliError::Input(e.into()))?
        .filter(FloatTrainer::is_done);
    if let Some(trainer) = floats {
        let layer = &trainer.parameters().layers[0];
        sheets.push(sheet(c, "learnt in 64-bit floats".to_owned(), |row, tap| layer.weight(row, tap)));
        let difference = |row: usize, tap: usize| learnt(row, tap) - layer.weight(row, tap);
        sheets.push(sheet(c, "fixed point less floats".to_owned(), difference));
    }
    let heading = format!("{}: the {} kernels of layer 1", design.name, c.rows());
    let write = || whole::write(file, kernels_svg(&heading, &sheets).as_bytes()).into_diagnostic();
    write()
        .wrap_err_with(|| format!("cannot write the kernels to {}", file.display()))
        .map_err(CliError::Tool)
}

fn sheet(c: &Connection, title: String, value: impl Fn(usize, usize) -> f64) -> Sheet {
    let size = (c.grid().rows, c.grid().columns, c.below().channels);
    let kernel =
        |row| KernelImage { size, values: (0..c.taps()).map(|tap| value(row, tap)).collect::<Vec<_>>() };
    Sheet { title, kernels: (0..c.rows()).map(kernel).collect() }
}
