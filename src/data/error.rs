//! What can be wrong with data, said with the place and the way out.

use super::Form;
use crate::network::Shape;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Training samples.
    Train,
    /// Test samples.
    Test,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Train => "training",
            Part::Test => "test",
        })
    }
}

impl DataError {
    /// True where a file is not there at all: nothing can be said of what it would hold.
    pub fn is_missing(&self) -> bool {
        match self {
            DataError::MissingFile { .. } => true,
            DataError::Read { reason, .. } => reason.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }
}

/// Why there are no samples.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A batch has more samples than there are to learn.
    #[error(
        "{data}: a batch of {batch} is larger than the training set, which has {samples} samples: what they teach would be divided by far too much; give [rule] batch = {samples} or less"
    )]
    Batch {
        /// The data set.
        data: String,
        /// As the design asks for.
        batch: usize,
        /// Training samples.
        samples: usize,
    },
    /// None of the names that a file may have is in the folder.
    #[error(
        "{}: none of {} is there{}; point the design's data path at the folder that holds the files (`make data` fetches MNIST and Fashion-MNIST)",
        .folder.display(), .looked_for.join(", "), if .folder.is_dir() { "" } else { " (there is no such folder)" }
    )]
    MissingFile {
        /// Where.
        folder: PathBuf,
        /// Every name that would have been taken.
        looked_for: Vec<String>,
    },
    /// The operating system refused.
    #[error("{}: cannot be read: {reason}; check that the file exists and that you may read it", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// The gzip stream is damaged or cut off.
    #[error("{}: the gzip data is corrupt ({reason}); fetch the file again", .path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        reason: io::Error,
    },
    /// The file is not the IDX file that its name promises.
    #[error("{}: expected {expected}, but this is {found}; put the right file there, or run `make data`", .path.display())]
    Magic {
        /// The file.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The file ends too early.
    #[error("{}: truncated: {expected} bytes were expected (uncompressed), {found} are there; fetch the file again (`make data`)", .path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that the header announces, header included.
        expected: u128,
        /// Bytes there are.
        found: u64,
    },
    /// The file goes on after its end.
    #[error("{}: there are bytes after the {expected} (uncompressed) that its header announces; fetch the file again (`make data`)", .path.display())]
    TrailingBytes {
        /// The file.
        path: PathBuf,
        /// Bytes that the header announces, header included.
        expected: u64,
    },
    /// The file is not one of records.
    #[error("{}: not a binary file of {format}: {problem}; take the binary version of the data set, and `source = \"cifar10\"` or \"cifar100\" as it is", .path.display())]
    Records {
        /// The file.
        path: PathBuf,
        /// What it should be.
        format: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// Images and labels do not go together.
    #[error("{} holds {} images, but {} holds {} labels; take both files from one data set", .images.0.display(), .images.1, .labels.0.display(), .labels.1)]
    Counts {
        /// The file of the images, and how many it holds.
        images: (PathBuf, usize),
        /// The file of the labels, and how many it holds.
        labels: (PathBuf, usize),
    },
    /// No samples, or samples without a value.
    #[error("{}: {what} of shape {shape:?} holds nothing; every part needs at least one sample of at least one value", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// Which array.
        what: String,
        /// Its dimensions.
        shape: Vec<usize>,
    },
    /// The file is not an NPZ file, or is damaged.
    #[error("{}: cannot be read as NPZ{}: {reason}; {remedy}", .path.display(), in_array(.array))]
    Npz {
        /// The file.
        path: PathBuf,
        /// The array, where the trouble is inside one.
        array: Option<&'static str>,
        /// What the reader said.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// An NPZ file lacks an array.
    #[error("{}: there is no array `{array}` (there are: {}); {needed} are needed", .path.display(), listed(.found))]
    MissingArray {
        /// The file.
        path: PathBuf,
        /// The array looked for.
        array: &'static str,
        /// The arrays there are.
        found: Vec<String>,
        /// All that there should be.
        needed: &'static str,
    },
    /// An array has elements of the wrong type.
    #[error("{}: array `{array}` has dtype {found}; {wanted}", .path.display())]
    ArrayType {
        /// The file.
        path: PathBuf,
        /// The array.
        array: &'static str,
        /// Its dtype.
        found: String,
        /// What would be right.
        wanted: &'static str,
    },
    /// An array has the wrong shape.
    #[error("{}: array `{array}` has shape {shape:?}; {wanted}", .path.display())]
    ArrayShape {
        /// The file.
        path: PathBuf,
        /// The array.
        array: &'static str,
        /// Its dimensions.
        shape: Vec<usize>,
        /// What would be right.
        wanted: String,
    },
    /// More values than are taken.
    #[error("{}: its shape {shape:?} announces more than {most} values, which is the most that are read; split the set, or check the file", .path.display())]
    Large {
        /// The file.
        path: PathBuf,
        /// As announced.
        shape: Vec<usize>,
        /// The limit.
        most: u64,
    },
    /// An input value is no number to work with.
    #[error("{}: array `{array}`, sample {sample}, value {column} is {value}; every value must be finite, as a float of 32 bits, too", .path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The array.
        array: &'static str,
        /// The sample's index.
        sample: usize,
        /// The value's index in the (flattened) sample.
        column: usize,
        /// The value.
        value: f64,
    },
    /// A label cannot be one.
    #[error("{}: array `{array}`, sample {sample} has label {label}; labels count from {first} to at most {}", .path.display(), u32::from(*.first) + 65535)]
    LabelValue {
        /// The file.
        path: PathBuf,
        /// The array.
        array: &'static str,
        /// The sample's index.
        sample: usize,
        /// The label.
        label: i128,
        /// The least that there may be.
        first: u16,
    },
    /// A label is a float that is no whole number.
    #[error("{}: array `{array}`, sample {sample} has label {label}; labels are whole numbers that count classes, such as 0, 1 and 2: number the classes", .path.display())]
    LabelFraction {
        /// The file.
        path: PathBuf,
        /// The array.
        array: &'static str,
        /// The sample's index.
        sample: usize,
        /// The label.
        label: f64,
    },
    /// An input value is not in `[0, 1]`, and the design does not say what becomes of such.
    #[error(
        "data set `{data}`: {part} sample {sample}, value {column} is {value}; values lie in [0, 1] unless the design has `scale` or `offset` under [data], or a signed `input` under [formats]: write one of these, scale the array, or give bytes (uint8), which are divided by 255"
    )]
    Outside {
        /// The data set.
        data: String,
        /// Training or test.
        part: Part,
        /// The sample's index.
        sample: usize,
        /// The value's index in the (flattened) sample.
        column: usize,
        /// The value.
        value: f32,
    },
    /// The samples do not fit the input layer.
    #[error(
        "data set `{data}`: a sample has {found} values, but the design's input layer has {} neurons{}; make the first of its sizes {found}, or choose other data",
        .wanted.neurons(), in_shape(*.wanted)
    )]
    Inputs {
        /// The data set.
        data: String,
        /// Values per sample.
        found: usize,
        /// Of layer 0.
        wanted: Shape,
    },
    /// The samples have the input layer's size, but lie otherwise.
    #[error("data set `{data}`: a sample is {found}, but the design's input layer is {wanted}; {}", .found.remedy(*.wanted))]
    Shape {
        /// The data set.
        data: String,
        /// How a sample lies.
        found: Form,
        /// Of layer 0.
        wanted: Shape,
    },
    /// A label has no output neuron.
    #[error(
        "data set `{data}`: {part} sample {index} has label {label}, but the design's output layer has {classes} neurons (labels below {classes}); make the last of its sizes larger than the largest label, or choose other data"
    )]
    Label {
        /// The data set.
        data: String,
        /// Training or test.
        part: Part,
        /// The sample's index.
        index: usize,
        /// Its label.
        label: u16,
        /// Neurons of the output layer.
        classes: usize,
    },
    /// One file holds all samples, and the design does not say which of them are tests.
    #[error("data set `{data}` is one file of {all} samples; say how many of them, the last ones, are tests: `test_samples`, such as {}, under [training]", (.all / 5).max(1))]
    Unparted {
        /// The data set.
        data: String,
        /// Samples in the file.
        all: usize,
    },
    /// The design asks for more samples than there are.
    #[error(
        "data set `{data}`: the design asks for {wanted} {part} samples, but there are {found}; ask for at most {found}"
    )]
    TooFew {
        /// The data set.
        data: String,
        /// Training or test.
        part: Part,
        /// Samples asked for.
        wanted: usize,
        /// Samples there are.
        found: usize,
    },
}

impl DataError {
    /// For `map_err` on file operations.
    pub(super) fn read(path: &Path) -> impl Fn(io::Error) -> DataError {
        move |reason| DataError::Read { path: path.to_owned(), reason }
    }
}

/// An input that is an image, by its shape.
fn in_shape(input: Shape) -> String {
    if input.places() == 1 { String::new() } else { format!(" ({input})") }
}

fn in_array(array: &Option<&'static str>) -> String {
    array.map_or_else(String::new, |a| format!(" (array `{a}`)"))
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
