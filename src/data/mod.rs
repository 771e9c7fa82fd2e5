//! Samples: the embedded digits, IDX files, CIFAR's files, downsampled ImageNet, NPZ files; their values on the input's number format, and their order.
//!
//! [`load`] gives what a design trains and tests on, [`quantise`] the integers that the reference and the hardware
//! see, [`epoch_order`] the order in which an epoch shows them.

mod arrays;
mod augment;
mod checksum;
mod digits;
mod error;
mod form;
mod idx;
mod imagenet;
mod memory;
mod npy;
mod npz;
mod order;
mod packed;
mod quantise;
mod records;
mod warnings;

pub use arrays::{ArraysError, NamedArray, read_arrays};
pub use augment::Augment;
pub use checksum::hex;
pub use error::{DataError, Part};
pub use form::Form;
pub use memory::{Elements, InMemory};
pub use order::epoch_order;
pub use quantise::{QuantisedSamples, input_value, quantise, raw_input};
pub use warnings::warnings;

use crate::design::{DataSource, Design};
use crate::network::Shape;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Labelled samples with real values.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// Values per sample.
    pub inputs: usize,
    /// How they lie.
    pub form: Form,
    /// All values, finite; in `[0, 1]` where they were bytes: sample after sample, `inputs` each.
    pub values: Vec<f32>,
    /// One label per sample, counted from 0.
    pub labels: Vec<u16>,
}

impl Samples {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The `inputs` values of sample `index`.
    ///
    /// # Panics
    /// When `index` is not below [`len`](Self::len).
    pub fn values_of(&self, index: usize) -> &[f32] {
        &self.values[index * self.inputs..][..self.inputs]
    }

    /// The label of sample `index`.
    ///
    /// # Panics
    /// When `index` is not below [`len`](Self::len).
    pub fn label(&self, index: usize) -> u16 {
        self.labels[index]
    }

    /// No sample of an image yet.
    fn none(shape: Shape) -> Samples {
        Samples { inputs: shape.neurons(), form: Form::Image(shape), values: Vec::new(), labels: Vec::new() }
    }

    /// One image more, of such a shape: bytes, channel after channel.
    fn push_planes(&mut self, planes: &[u8], shape: Shape, label: u16) {
        self.values.extend(form::interleaved(planes, shape).map(|v| f32::from(v) / 255.0));
        self.labels.push(label);
    }

    fn truncate(&mut self, samples: usize) {
        self.values.truncate(samples * self.inputs);
        self.labels.truncate(samples);
    }
}

/// A training set and a test set.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// `digits`, or the name of the folder or file.
    pub name: String,
    /// One more than the largest label of the whole data set.
    pub classes: usize,
    /// What is learned.
    pub train: Samples,
    /// What is only ever tested. None at first where one file holds both: [`fit`](Self::fit) then takes the last of what
    /// is learned.
    pub test: Samples,
    /// SHA-256 of all that was read as decoded, in hexadecimal: the same for the same samples from IDX, gzipped IDX
    /// or NPZ, and not changed by [`Dataset::fit`].
    pub checksum: String,
}

/// What a design asks of its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Of the input layer.
    pub input: Shape,
    /// Neurons of the output layer.
    pub classes: usize,
    /// Keep the first so many training samples (none: all).
    pub train_samples: Option<usize>,
    /// Keep the first so many test samples (none: all).
    pub test_samples: Option<usize>,
    /// Values may lie outside of `[0, 1]`.
    pub any_value: bool,
    /// Training samples of a batch, of which there must be one.
    pub batch: usize,
}

impl Fit {
    /// What a design asks for.
    pub fn of(design: &Design) -> Fit {
        Fit {
            input: design.network.shape(0),
            classes: design.classes(),
            train_samples: design.train_samples,
            test_samples: design.test_samples,
            any_value: design.takes_any_value(),
            batch: design.batch as usize,
        }
    }
}

/// Opens a file of data: a file, since a pipe has no end until somebody closes it, and a device may have none.
fn open(path: &Path) -> Result<std::fs::File, DataError> {
    crate::whole::open_file(path).map_err(DataError::read(path))
}

/// The first of these files that is in the folder.
fn first_of(folder: &Path, looked_for: Vec<String>) -> Result<PathBuf, DataError> {
    match looked_for.iter().map(|name| folder.join(name)).find(|path| path.exists()) {
        Some(path) => Ok(path),
        None => Err(DataError::MissingFile { folder: folder.to_owned(), looked_for }),
    }
}

impl Dataset {
    /// Reads a data set whole.
    ///
    /// # Errors
    /// A file is missing, cannot be read, or does not hold what it should.
    pub fn read(source: &DataSource) -> Result<Dataset, DataError> {
        Dataset::read_for(source, None)
    }

    /// Reads a data set for so many training samples (none: all): whole, or, where it is larger than most memories, no more
    /// of its files than are needed ([`DataSource::is_read_in_part`]).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_for(source: &DataSource, train_samples: Option<usize>) -> Result<Dataset, DataError> {
        let (name, (train, test)) = match source {
            DataSource::Digits => ("digits".to_owned(), digits::read()),
            DataSource::Idx(folder) => (last_part(folder.file_name()), idx::read(folder)?),
            DataSource::Cifar10(path) => (last_part(path.file_name()), records::CIFAR10.read(path)?),
            DataSource::Cifar100(path) => (last_part(path.file_name()), records::CIFAR100.read(path)?),
            DataSource::Imagenet32(folder) => {
                (last_part(folder.file_name()), imagenet::read(folder, train_samples)?)
            }
            DataSource::Npz(file) => (last_part(file.file_stem()), npz::read(file)?),
        };
        let largest = train.labels.iter().chain(&test.labels).max();
        let classes = largest.map_or(0, |&l| usize::from(l) + 1);
        let checksum = checksum::of(&train, &test);
        Ok(Dataset { name, classes, train, test, checksum })
    }

    /// Holds the data set against a design, turns its samples to lie as the input layer does, and keeps those that it
    /// asks for.
    ///
    /// # Errors
    /// The samples' size or shape is not the input layer's, a value lies outside of what the design takes, a label has no output neuron, or there are too few samples, or fewer than a batch.
    pub fn fit(mut self, fit: Fit) -> Result<Dataset, DataError> {
        if self.test.is_empty() {
            self.part(fit.test_samples)?;
        }
        let fitted = self.fit_as_parted(fit)?;
        match fitted.train.len() {
            samples if samples < fit.batch => {
                Err(DataError::Batch { data: fitted.name, batch: fit.batch, samples })
            }
            _ => Ok(fitted),
        }
    }

    /// The same of a data set that is parted as it should be: there may be no test samples.
    fn fit_as_parted(mut self, fit: Fit) -> Result<Dataset, DataError> {
        let wanted = [(Part::Train, fit.train_samples), (Part::Test, fit.test_samples)];
        for (part, samples) in [Part::Train, Part::Test].into_iter().zip([&self.train, &self.test]) {
            let data = || self.name.clone();
            if samples.inputs != fit.input.neurons() {
                return Err(DataError::Inputs { data: data(), found: samples.inputs, wanted: fit.input });
            }
            if let Some(index) = samples.labels.iter().position(|&l| usize::from(l) >= fit.classes) {
                let (label, classes) = (samples.labels[index], fit.classes);
                return Err(DataError::Label { data: data(), part, index, label, classes });
            }
        }
        for (part, samples) in [Part::Train, Part::Test].into_iter().zip([&self.train, &self.test]) {
            let outside = |x: &f32| !fit.any_value && !(0.0..=1.0).contains(x);
            if let Some(at) = samples.values.iter().position(outside) {
                let (sample, column) = (at / samples.inputs, at % samples.inputs);
                let (data, value) = (self.name, samples.values[at]);
                return Err(DataError::Outside { data, part, sample, column, value });
            }
        }
        for samples in [&mut self.train, &mut self.test] {
            let Err(form) = form::turn(samples, fit.input) else { continue };
            return Err(DataError::Shape { data: self.name, found: form, wanted: fit.input });
        }
        for (part, wanted) in wanted {
            let samples = match part {
                Part::Train => &mut self.train,
                Part::Test => &mut self.test,
            };
            let Some(wanted) = wanted else { continue };
            if wanted > samples.len() {
                return Err(DataError::TooFew { data: self.name, part, wanted, found: samples.len() });
            }
            samples.truncate(wanted);
        }
        Ok(self)
    }

    /// Makes the last samples of a file that holds all of them the test set.
    fn part(&mut self, tests: Option<usize>) -> Result<(), DataError> {
        let all = self.train.len();
        let Some(tests) = tests else { return Err(DataError::Unparted { data: self.name.clone(), all }) };
        let learned = all.checked_sub(tests).filter(|&learned| learned > 0).ok_or_else(|| {
            let (part, found) = (Part::Test, all.saturating_sub(1));
            DataError::TooFew { data: self.name.clone(), part, wanted: tests, found }
        })?;
        self.test.values = self.train.values.split_off(learned * self.train.inputs);
        self.test.labels = self.train.labels.split_off(learned);
        Ok(())
    }
}

/// The samples of a design: read, held against its layers, cut to the numbers it asks for.
///
/// # Errors
/// Those of [`Dataset::read_for`] and [`Dataset::fit`].
pub fn load(design: &Design) -> Result<Dataset, DataError> {
    Dataset::read_for(&design.data, design.train_samples)?.fit(Fit::of(design))
}

fn last_part(name: Option<&OsStr>) -> String {
    name.map_or_else(|| "data".to_owned(), |n| n.to_string_lossy().into_owned())
}
