//! A training on disk, at a sample boundary: written whole or not at all, refused when it is not what it should be.
//! A [`sealed`](super::sealed) file of every weight (i32, little endian; layer, row, column).

use super::Weights;
pub use super::sealed::CheckpointError;
use super::sealed::{self, Magic};
use super::train::{Plan, Progress};
use super::weights::LayerWeights;
use crate::design::{Design, KeyDifference, Keys};
use serde::{Deserialize, Serialize};
use std::path::Path;

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
    design: Keys,
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
            design: Keys::of_training(design),
            data: data_checksum.to_owned(),
            train_samples: plan.train_samples,
            test_samples: plan.test_samples,
        }
    }

    /// Refuses a checkpoint (the file at `path`) of another training.
    pub(crate) fn expect(&self, there: &Identity, path: &Path) -> Result<(), CheckpointError> {
        let samples = |i: &Identity| format!("{} + {}", i.train_samples, i.test_samples);
        let short = |digest: &str| digest.chars().take(12).collect::<String>();
        let around = [
            ("the data set", short(&there.data), short(&self.data), there.data == self.data),
            ("the number of samples", samples(there), samples(self), samples(there) == samples(self)),
        ];
        let mut differences = self.design.differences(&there.design);
        for (key, there, here, same) in around {
            if !same {
                differences.push(KeyDifference { key: key.to_owned(), there, here });
            }
        }
        if differences.is_empty() {
            return Ok(());
        }
        Err(CheckpointError::Foreign { path: path.to_owned(), differences })
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
