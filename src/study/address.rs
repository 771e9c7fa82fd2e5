//! What a result belongs to: everything that decides a bit of a training, and its digest.

use crate::design::{Design, Keys};
use crate::reference::train::Plan;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// SHA-256 in hexadecimal.
pub fn sha256(text: &str) -> String {
    crate::data::hex(&Sha256::digest(text))
}

/// What decides the bits of a training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Digest of the design.
    pub design: String,
    /// Checksum of the data.
    pub data: String,
    /// Training samples per epoch.
    pub train_samples: u32,
    /// Test samples per epoch.
    pub test_samples: u32,
    /// Epochs.
    pub epochs: u32,
    /// Seed.
    pub seed: u32,
    /// Version of eqhdl.
    pub version: String,
}

impl Identity {
    /// Of a training.
    pub fn of(design: &Design, data_checksum: &str, plan: Plan) -> Identity {
        Identity {
            design: Keys::of_training(design).digest(),
            data: data_checksum.to_owned(),
            train_samples: plan.train_samples,
            test_samples: plan.test_samples,
            epochs: plan.epochs,
            seed: plan.seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The digest of all of it, under which its result is kept.
    pub fn address(&self) -> String {
        let Identity { design, data, train_samples, test_samples, epochs, seed, version } = self;
        sha256(&format!(
            "design {design}\ndata {data}\ntrain {train_samples}\ntest {test_samples}\nepochs {epochs}\nseed {seed}\nversion {version}\n"
        ))
    }

    /// The name of a point with this training: lanes do not change a bit of it, but what it costs.
    pub fn point(&self, lanes: usize) -> String {
        format!("p{}", &sha256(&format!("{} lanes {lanes}", self.address()))[..12])
    }
}
