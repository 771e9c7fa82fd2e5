//! A training on disk, at a sample boundary: written whole or not at all, refused when it is not what it should be.
//!
//! Layout, integers little endian: 8 bytes magic, u32 version, u32 length of a JSON header, the header, every weight
//! (i32; layer, row, column), SHA-256 of all that comes before.

use super::Weights;
use super::train::{Plan, Progress};
use super::weights::LayerWeights;
use crate::data::hex;
use crate::design::Design;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"eqhdlckp";
const VERSION: u32 = 1;
const DIGEST: usize = 32;

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
struct Identity {
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
    let text = format!(
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
        let fail = |reason| CheckpointError::Io { path: path.to_owned(), action: "written", reason };
        let bytes = self.encode(&Identity::of(design, data_checksum, plan)).map_err(fail)?;
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(fail)?;
        let mut file = tempfile::Builder::new().prefix(".checkpoint-").tempfile_in(folder).map_err(fail)?;
        file.write_all(&bytes).map_err(fail)?;
        file.as_file().sync_all().map_err(fail)?;
        file.persist(path).map_err(|e| fail(e.error))?;
        // The rename itself lives in the folder. Not every file system lets a folder be flushed.
        if let Ok(folder) = fs::File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(())
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
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(reason) => return Err(CheckpointError::Io { path: path.to_owned(), action: "read", reason }),
        };
        let (header, checkpoint) =
            decode(&bytes).map_err(|problem| CheckpointError::Damaged { path: path.to_owned(), problem })?;
        let here = Identity::of(design, data_checksum, plan);
        let there = header.identity;
        let samples = |i: &Identity| format!("{} + {}", i.train_samples, i.test_samples);
        let short = |digest: &str| digest.chars().take(12).collect::<String>();
        let sides = [
            ("design", short(&there.design), short(&here.design), there.design == here.design),
            ("data set", short(&there.data), short(&here.data), there.data == here.data),
            ("number of samples", samples(&there), samples(&here), samples(&there) == samples(&here)),
        ];
        for (what, there, here, same) in sides {
            if !same {
                return Err(CheckpointError::Foreign { path: path.to_owned(), what, there, here });
            }
        }
        let shapes = super::weights::shapes(design);
        let per_epoch = u64::from(plan.samples_per_epoch());
        let p = &checkpoint.progress;
        let consistent = shapes == header.shapes
            && p.counters.layers.len() == design.output_layer()
            && p.epochs.len() as u64 == p.done.checked_div(per_epoch).unwrap_or(0);
        if !consistent {
            let problem = "the checkpoint contradicts itself".to_owned();
            return Err(CheckpointError::Damaged { path: path.to_owned(), problem });
        }
        Ok(Some(checkpoint))
    }

    fn encode(&self, identity: &Identity) -> io::Result<Vec<u8>> {
        let layers = &self.weights.layers;
        let header = serde_json::to_vec(&Header {
            identity: identity.clone(),
            progress: self.progress.clone(),
            shapes: layers.iter().map(|l| (l.rows, l.columns)).collect(),
        })?;
        let count: usize = layers.iter().map(|l| l.rows * l.columns).sum();
        let mut bytes = Vec::with_capacity(16 + header.len() + 4 * count + DIGEST);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&header);
        for layer in layers {
            for row in 0..layer.rows {
                for column in 0..layer.columns {
                    bytes.extend_from_slice(&layer.get(row, column).to_le_bytes());
                }
            }
        }
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        Ok(bytes)
    }
}

impl Identity {
    fn of(design: &Design, data_checksum: &str, plan: Plan) -> Identity {
        Identity {
            design: design_digest(design),
            data: data_checksum.to_owned(),
            train_samples: plan.train_samples,
            test_samples: plan.test_samples,
        }
    }
}

/// Takes apart what [`Checkpoint::encode`] put together; says what is wrong otherwise.
fn decode(bytes: &[u8]) -> Result<(Header, Checkpoint), String> {
    let cut = || format!("the checkpoint is cut off ({} bytes)", bytes.len());
    let (magic, rest) = bytes.split_first_chunk::<8>().ok_or_else(cut)?;
    if magic != MAGIC {
        return Err("this is not a checkpoint of eqhdl".to_owned());
    }
    let (version, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
    let version = u32::from_le_bytes(*version);
    if version != VERSION {
        return Err(format!(
            "the checkpoint has format version {version}; this eqhdl reads version {VERSION}"
        ));
    }
    let (body, digest) = bytes.split_last_chunk::<DIGEST>().ok_or_else(cut)?;
    if Sha256::digest(body)[..] != digest[..] {
        return Err("the checkpoint is cut off or corrupt: its checksum does not match".to_owned());
    }
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
    let rest = &rest[..rest.len().checked_sub(DIGEST).ok_or_else(cut)?];
    let (header, raw) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(cut)?;
    let header: Header =
        serde_json::from_slice(header).map_err(|e| format!("the checkpoint's header: {e}"))?;
    let (values, tail) = raw.as_chunks::<4>();
    let count = header.shapes.iter().try_fold(0usize, |sum, (r, c)| sum.checked_add(r.checked_mul(*c)?));
    if count != Some(values.len()) || !tail.is_empty() {
        return Err(cut());
    }
    let mut values = values.iter().map(|v| i32::from_le_bytes(*v));
    let mut layers = Vec::new();
    for &(rows, columns) in &header.shapes {
        let mut layer = LayerWeights::zero(rows, columns);
        for row in 0..rows {
            for column in 0..columns {
                let at = layer.at(row, column);
                layer.raw[at] = values.next().ok_or_else(cut)?;
            }
        }
        layers.push(layer);
    }
    let checkpoint = Checkpoint { progress: header.progress.clone(), weights: Weights { layers } };
    Ok((header, checkpoint))
}
