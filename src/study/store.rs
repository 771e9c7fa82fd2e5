//! Results on disk, each under the digest of what it belongs to: written whole or not at all, sealed, and refused when
//! they are not what they should be.

use super::address::{Identity, sha256};
use crate::reference::counters::Counters;
use crate::reference::spent::Spent;
use crate::reference::train::{EpochScore, averaged_epochs};
use crate::synth::{Counts, Device, Spread};
use crate::whole;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};

/// What a training came to. Whole numbers only, so that reading gives back what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Training {
    /// What it belongs to.
    pub identity: Identity,
    /// Right predictions, epoch by epoch.
    pub epochs: Vec<EpochScore>,
    /// SHA-256 of the final weights.
    pub weights_digest: String,
    /// Ranges, saturations and lost updates.
    pub counters: Counters,
    /// Clock cycles that the hardware takes, with the lanes it was trained for; not in results kept before it left anything
    /// out.
    #[serde(default)]
    pub spent: Spent,
    /// Time it took on one core.
    pub milliseconds: u64,
}

impl Training {
    /// Share of test samples that were not recognised after an epoch.
    pub fn test_error(&self, epoch: usize) -> f64 {
        error(self.epochs[epoch].test_correct, self.identity.test_samples)
    }

    /// The same for the training samples, each before its own update.
    pub fn train_error(&self, epoch: usize) -> f64 {
        error(self.epochs[epoch].train_correct, self.identity.train_samples)
    }

    /// Mean test error of the last fifth of the epochs (at least one).
    pub fn final_test_error(&self) -> f64 {
        final_error(&self.epochs, self.identity.test_samples)
    }
}

fn final_error(epochs: &[EpochScore], test_samples: u32) -> f64 {
    let averaged = averaged_epochs(epochs.len());
    let last = &epochs[epochs.len() - averaged..];
    last.iter().map(|e| error(e.test_correct, test_samples)).sum::<f64>() / averaged.max(1) as f64
}

/// What the same training came to in 64-bit floats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OracleTraining {
    /// What it belongs to.
    pub identity: Identity,
    /// Right predictions, epoch by epoch.
    pub epochs: Vec<EpochScore>,
}

impl OracleTraining {
    /// Mean test error of the last fifth of the epochs (at least one).
    pub fn final_test_error(&self) -> f64 {
        final_error(&self.epochs, self.identity.test_samples)
    }
}

fn error(correct: u32, of: u32) -> f64 {
    if of == 0 { f64::NAN } else { 1.0 - f64::from(correct) / f64::from(of) }
}

/// What a cross-check of a point came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// The point.
    pub point: String,
    /// Samples asked for.
    pub asked: u64,
    /// Samples compared.
    pub samples: u64,
    /// States and weights compared one by one.
    pub compared: u64,
    /// The first difference; none where hardware and model agree in every bit.
    pub difference: Option<String>,
    /// Time it took, the build of the simulator included.
    pub milliseconds: u64,
}

impl Verified {
    /// True when something was compared and nothing differs.
    pub fn equal(&self) -> bool {
        self.difference.is_none() && self.samples > 0
    }
}

/// What a point is on a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// The point.
    pub point: String,
    /// The device.
    pub device: String,
    /// What the core takes up.
    pub cells: Counts,
    /// What the device lacks, in words; empty where the core fits.
    pub lacking: Vec<String>,
    /// Clock rate of each placement, kHz.
    pub khz: Vec<u64>,
    /// Yosys and nextpnr, as they call themselves.
    pub tools: [String; 2],
    /// Time it took.
    pub milliseconds: u64,
}

impl Placed {
    /// Clock rate, MHz: median, lowest and highest placement; none where the core does not fit.
    pub fn fmax(&self) -> Option<Spread> {
        Spread::of(&self.khz.iter().map(|&k| k as f64 / 1e3).collect::<Vec<_>>())
    }
}

/// What stands at a place of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// Nothing.
    Nothing,
    /// What was asked for.
    Good(T),
    /// Something else, and what is wrong with it.
    Damaged(String),
}

impl<T> Found<T> {
    /// What was asked for, if it is there.
    pub fn good(self) -> Option<T> {
        match self {
            Found::Good(t) => Some(t),
            Found::Nothing | Found::Damaged(_) => None,
        }
    }
}

/// The folder of a study's results.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    /// SHA-256 of the body, written without spaces and with its keys in order.
    seal: String,
    body: Value,
}

fn seal(body: &Value) -> String {
    sha256(&body.to_string())
}

impl Store {
    /// In a folder, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Store {
        Store { folder: folder.into() }
    }

    /// The file of a training's result.
    pub fn training_file(&self, identity: &Identity) -> PathBuf {
        self.folder.join(format!("{}.json", identity.address()))
    }

    /// The file of a training under way.
    pub fn checkpoint_file(&self, identity: &Identity) -> PathBuf {
        self.folder.join(format!("{}.checkpoint", identity.address()))
    }

    fn verified_file(&self, point: &str, asked: u64) -> PathBuf {
        self.folder.join(format!("{point}-{asked}.verified.json"))
    }

    /// A training's result.
    pub fn training(&self, identity: &Identity) -> Found<Training> {
        read_own(&self.training_file(identity), "training", |t: &Training| {
            t.identity == *identity && t.epochs.len() == identity.epochs as usize
        })
    }

    /// Keeps a training's result.
    ///
    /// # Errors
    /// The operating system refused.
    pub fn keep_training(&self, training: &Training) -> io::Result<()> {
        write(&self.training_file(&training.identity), training)
    }

    fn oracle_file(&self, identity: &Identity) -> PathBuf {
        self.folder.join(format!("{}.oracle.json", identity.address()))
    }

    /// The file of a training in floats under way.
    pub fn oracle_checkpoint_file(&self, identity: &Identity) -> PathBuf {
        self.folder.join(format!("{}.oracle.checkpoint", identity.address()))
    }

    /// A training in floats.
    pub fn oracle(&self, identity: &Identity) -> Found<OracleTraining> {
        read_own(&self.oracle_file(identity), "training", |t: &OracleTraining| {
            t.identity == *identity && t.epochs.len() == identity.epochs as usize
        })
    }

    /// Keeps a training in floats.
    ///
    /// # Errors
    /// The operating system refused.
    pub fn keep_oracle(&self, training: &OracleTraining) -> io::Result<()> {
        write(&self.oracle_file(&training.identity), training)
    }

    /// The cross-check of so many samples of a point.
    pub fn verified(&self, point: &str, asked: u64) -> Found<Verified> {
        let path = self.verified_file(point, asked);
        read_own(&path, "point", |v: &Verified| v.point == point && v.asked == asked)
    }

    /// Keeps a cross-check.
    ///
    /// # Errors
    /// The operating system refused.
    pub fn keep_verified(&self, verified: &Verified) -> io::Result<()> {
        write(&self.verified_file(&verified.point, verified.asked), verified)
    }

    fn placed_file(&self, point: &str, device: &str) -> PathBuf {
        self.folder.join(format!("{point}-{device}.placed.json"))
    }

    /// A point on a device.
    pub fn placed(&self, point: &str, device: Device) -> Found<Placed> {
        let device = device.to_string();
        let path = self.placed_file(point, &device);
        read_own(&path, "point", |p: &Placed| p.point == point && p.device == device)
    }

    /// Keeps what a point is on a device.
    ///
    /// # Errors
    /// The operating system refused.
    pub fn keep_placed(&self, placed: &Placed) -> io::Result<()> {
        write(&self.placed_file(&placed.point, &placed.device), placed)
    }
}

/// Reads a result; damaged where it is not the one that was asked for, but another `what`'s.
fn read_own<T: DeserializeOwned>(path: &Path, what: &str, is_own: impl Fn(&T) -> bool) -> Found<T> {
    match read::<T>(path) {
        Found::Good(t) if !is_own(&t) => {
            Found::Damaged(format!("{}: it belongs to another {what}", path.display()))
        }
        found => found,
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Found<T> {
    let bytes = match whole::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Found::Nothing,
        Err(e) => return Found::Damaged(format!("{}: cannot be read: {e}", path.display())),
    };
    let damaged = |what: &str| Found::Damaged(format!("{}: {what}", path.display()));
    let Ok(sealed) = serde_json::from_slice::<Sealed>(&bytes) else {
        return damaged("it is cut off or not a result");
    };
    if seal(&sealed.body) != sealed.seal {
        return damaged("it was changed: its seal does not match");
    }
    match serde_json::from_value(sealed.body) {
        Ok(t) => Found::Good(t),
        Err(e) => damaged(&format!("it is not a result of this version ({e})")),
    }
}

fn write(path: &Path, body: &impl Serialize) -> io::Result<()> {
    let body = serde_json::to_value(body)?;
    let text = serde_json::to_string_pretty(&Sealed { seal: seal(&body), body })? + "\n";
    whole::write(path, text.as_bytes())
}
