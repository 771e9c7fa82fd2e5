//! A training on disk, at a sample boundary: written whole or not at all, refused when it is not what it should be.
//! A [`sealed`](super::sealed) file of every weight (i32, little endian; layer, row, column).

use super::Weights;
use super::sealed::{self, Magic};
use super::train::{Plan, Progress};
use super::weights::LayerWeights;
use crate::data::hex;
use crate::design::Design;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};

/// What the file of a bit-accurate training begins with.
const MAGIC: Magic = *b"eqhdlckp";

/// A training that can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// How far it has come.
    pub progress: Progress,
    /// The weights there.
    pub weights: Weights,
}

/// What a checkpoint belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    design: String,
    data: String,
    train_samples: u32,
    test_samples: u32,
}

#[derive(Serialize, Deserialize)]
struct Header {
    identity: Identity,
    progress: Progress,
    /// Rows and columns of every layer.
    shapes: Vec<(usize, usize)>,
}

/// Why a checkpoint cannot be used or written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CheckpointError {
    /// The operating system refused.
    #[error("{}: the checkpoint cannot be {action}: {reason}", .path.display())]
    #[diagnostic(help(
        "check that the folder exists, that you may write there, and that the disk is not full"
    ))]
    Io {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// What the operating system said.
        reason: io::Error,
    },
    /// Not a checkpoint, or a damaged one.
    #[error("{}: {problem}", .path.display())]
    #[diagnostic(help("delete the file and train from the start (without --resume)"))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Of another training.
    #[error("{}: the checkpoint belongs to another training: its {what} differs (there {there}, here {here})", .path.display())]
    #[diagnostic(help(
        "resume with the design, data, --seed and --samples it was made with, give another folder with --out, or train from the start (without --resume)"
    ))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// In the checkpoint.
        there: String,
        /// Now.
        here: String,
    },
}

/// SHA-256, in hexadecimal, of everything in a design that decides a bit of the training, except the data and the
/// number of epochs.
pub fn design_digest(design: &Design) -> String {
    let raw = |c: &crate::design::Constant| (c.format, c.raw);
    let synapses: Vec<_> = design
        .synapses
        .iter()
        .map(|s| (s.weight, s.weight_read, s.bias, raw(&s.rate), s.init.to_bits()))
        .collect();
    let mut text = format!(
        "{:?}",
        (
            (&design.sizes, design.input, &design.neurons, synapses),
            (
                design.dynamics,
                design.order,
                design.readout,
                design.nudge_place,
                design.activation,
                raw(&design.dt)
            ),
            (
                design.rule,
                design.batch,
                design.nudge_sign,
                design.free_steps,
                design.nudged_steps,
                raw(&design.beta)
            ),
            (design.feedback, design.angle.to_bits(), raw(&design.weight_decay)),
            (design.drive_modes, design.state_modes, design.weight_modes, design.seed),
        )
    );
    // Said only where there are any: a training at constant rates is what it was before rates could fall.
    if design.milestones.sets() > 1 {
        text += &format!("{:?}", (design.milestones.epochs(), design.rate_gamma.to_bits()));
    }
    hex(&Sha256::digest(text))
}

impl Checkpoint {
    /// Writes to a temporary file beside `path`, flushes it to the disk, and renames it.
    ///
    /// # Errors
    /// The operating system refused.
    pub fn write(
        &self,
        path: &Path,
        design: &Design,
        data_checksum: &str,
        plan: Plan,
    ) -> Result<(), CheckpointError> {
        let header = Header {
            identity: Identity::of(design, data_checksum, plan),
            progress: self.progress.clone(),
            shapes: self.weights.layers.iter().map(|l| (l.rows, l.columns)).collect(),
        };
        sealed::write(path, MAGIC, &header, &self.values())
    }

    /// Reads a checkpoint of this very training; `None` when there is no file.
    ///
    /// # Errors
    /// The file cannot be read, is damaged, or belongs to another design, data set or version.
    pub fn read(
        path: &Path,
        design: &Design,
        data_checksum: &str,
        plan: Plan,
    ) -> Result<Option<Checkpoint>, CheckpointError> {
        let Some((header, values)) = sealed::read::<Header>(path, MAGIC)? else { return Ok(None) };
        Identity::of(design, data_checksum, plan).expect(&header.identity, path)?;
        let damaged = |problem| CheckpointError::Damaged { path: path.to_owned(), problem };
        let weights = weights(&header.shapes, &values).map_err(damaged)?;
        let shapes = super::weights::shapes(design);
        let p = &header.progress;
        let consistent = shapes == header.shapes
            && p.counters.layers.len() == design.output_layer()
            && p.course.is_of(plan);
        if !consistent {
            return Err(damaged("the checkpoint contradicts itself".to_owned()));
        }
        Ok(Some(Checkpoint { progress: header.progress, weights }))
    }

    fn values(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for layer in &self.weights.layers {
            for row in 0..layer.rows {
                for column in 0..layer.columns {
                    bytes.extend_from_slice(&layer.get(row, column).to_le_bytes());
                }
            }
        }
        bytes
    }
}

impl Identity {
    /// Of a training.
    pub(crate) fn of(design: &Design, data_checksum: &str, plan: Plan) -> Identity {
        Identity {
            design: design_digest(design),
            data: data_checksum.to_owned(),
            train_samples: plan.train_samples,
            test_samples: plan.test_samples,
        }
    }

    /// Refuses a checkpoint (the file at `path`) of another training.
    pub(crate) fn expect(&self, there: &Identity, path: &Path) -> Result<(), CheckpointError> {
        let samples = |i: &Identity| format!("{} + {}", i.train_samples, i.test_samples);
        let short = |digest: &str| digest.chars().take(12).collect::<String>();
        let sides = [
            ("design", short(&there.design), short(&self.design), there.design == self.design),
            ("data set", short(&there.data), short(&self.data), there.data == self.data),
            ("number of samples", samples(there), samples(self), samples(there) == samples(self)),
        ];
        for (what, there, here, same) in sides {
            if !same {
                return Err(CheckpointError::Foreign { path: path.to_owned(), what, there, here });
            }
        }
        Ok(())
    }
}

/// Weights of these shapes from a checkpoint's values.
fn weights(shapes: &[(usize, usize)], bytes: &[u8]) -> Result<Weights, String> {
    let cut = || format!("the checkpoint is cut off ({} bytes of weights)", bytes.len());
    let (values, tail) = bytes.as_chunks::<4>();
    let count = shapes.iter().try_fold(0usize, |sum, (r, c)| sum.checked_add(r.checked_mul(*c)?));
    if count != Some(values.len()) || !tail.is_empty() {
        return Err(cut());
    }
    let mut values = values.iter().map(|v| i32::from_le_bytes(*v));
    let mut layers = Vec::new();
    for &(rows, columns) in shapes {
        let mut layer = LayerWeights::zero(rows, columns);
        for row in 0..rows {
            for column in 0..columns {
                let at = layer.at(row, column);
                layer.raw[at] = values.next().ok_or_else(cut)?;
            }
        }
        layers.push(layer);
    }
    Ok(Weights { layers })
}
