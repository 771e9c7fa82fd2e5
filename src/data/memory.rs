//! Samples that somebody hands over in memory, by the rules of arrays in files ([`npz`](super::npz)).

use super::npz::{of_byte, of_float};
use super::{DataError, Dataset, Fit, Form, Samples, checksum};
use crate::design::Design;
use std::path::PathBuf;

/// The numbers of an array, the last dimension running fastest.
#[derive(Clone, Debug)]
pub enum Elements<I, F> {
    /// Bytes, which are divided by 255.
    Bytes(I),
    /// Floats, which must be finite.
    Floats(F),
}

/// Where arrays come from that are in no file, and what a data set of them is called.
const PLACE: &str = "in memory";
const NAME: &str = "arrays";

/// Arrays that have become samples.
#[derive(Clone, Debug)]
pub struct InMemory {
    samples: Samples,
}

impl InMemory {
    /// Samples of an array of these dimensions, the first of which counts them, and their labels. `names` are those of both
    /// arrays, for messages.
    ///
    /// # Errors
    /// A dimension, a number of labels, a value or a label that cannot be used.
    pub fn samples(
        names: (&'static str, &'static str),
        shape: &[usize],
        elements: Elements<impl IntoIterator<Item = u8>, impl IntoIterator<Item = f64>>,
        labels: &[i64],
    ) -> Result<InMemory, DataError> {
        let path = || PathBuf::from(PLACE);
        let (array, label_array) = names;
        if shape.len() < 2 {
            let wanted = "inputs have two or more dimensions, the first of which counts the samples".into();
            return Err(DataError::ArrayShape { path: path(), array, shape: shape.to_vec(), wanted });
        }
        let inputs: usize = shape[1..].iter().product();
        if shape[0] == 0 || inputs == 0 {
            let what = format!("array `{array}`");
            return Err(DataError::Empty { path: path(), what, shape: shape.to_vec() });
        }
        if labels.len() != shape[0] {
            let count = shape[0];
            let wanted =
                format!("`{array}` holds {count} samples, so ({count},) is needed: one number per sample");
            let shape = vec![labels.len()];
            return Err(DataError::ArrayShape { path: path(), array: label_array, shape, wanted });
        }
        let values: Vec<f32> = match elements {
            Elements::Bytes(bytes) => bytes.into_iter().map(of_byte).collect(),
            Elements::Floats(floats) => {
                let of = |(at, value)| {
                    let (sample, column) = (at / inputs, at % inputs);
                    of_float(value).ok_or_else(|| DataError::Value {
                        path: path(),
                        array,
                        sample,
                        column,
                        value,
                    })
                };
                floats.into_iter().enumerate().map(of).collect::<Result<_, _>>()?
            }
        };
        let label = |(sample, &label): (usize, &i64)| {
            let (path, array) = (path(), label_array);
            u16::try_from(label).map_err(|_| DataError::LabelValue {
                path,
                array,
                sample,
                label: label.into(),
                first: 0,
            })
        };
        let labels = labels.iter().enumerate().map(label).collect::<Result<_, _>>()?;
        Ok(InMemory { samples: Samples { inputs, form: Form::Array(shape[1..].to_vec()), values, labels } })
    }
}

impl Dataset {
    /// What a design is to learn of, and to be tested with (perhaps nothing): all of it, whatever numbers of samples the
    /// design asks of its own data.
    ///
    /// # Errors
    /// As [`Dataset::fit`].
    pub fn in_memory(design: &Design, train: InMemory, test: Option<InMemory>) -> Result<Dataset, DataError> {
        let train = train.samples;
        let none = || Samples { values: Vec::new(), labels: Vec::new(), ..train.clone() };
        let test = test.map_or_else(none, |test| test.samples);
        let largest = train.labels.iter().chain(&test.labels).max();
        let dataset = Dataset {
            name: NAME.to_owned(),
            classes: largest.map_or(0, |&label| usize::from(label) + 1),
            checksum: checksum::of(&train, &test),
            train,
            test,
        };
        dataset.fit_as_parted(Fit { train_samples: None, test_samples: None, ..Fit::of(design) })
    }
}
