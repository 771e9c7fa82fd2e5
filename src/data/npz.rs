//! NPZ, NumPy's archive of arrays: `x_train`, `y_train`, `x_test`, `y_test`; or `data` and `labels`, as downsampled
//! ImageNet has them.
//!
//! Inputs are bytes (divided by 255), other integers, truth values or finite floats, two or more dimensions, the first of
//! which counts the samples. Labels are whole numbers of any type, one a sample. As with IDX, memory grows only with the bytes that come.

use super::npy::{Header, NpyError};
use super::{DataError, Form, Samples};
use std::io::{BufReader, Read, Seek};
use std::path::Path;
use zip::ZipArchive;
use zip::result::ZipError;

/// Training and test samples.
pub(super) fn read(path: &Path) -> Result<(Samples, Samples), DataError> {
    parse(path, BufReader::new(super::open(path)?))
}

fn parse(path: &Path, file: impl Read + Seek) -> Result<(Samples, Samples), DataError> {
    let mut archive = Archive::open(path, file, &WHOLE)?;
    let train = archive.samples("x_train", "y_train")?;
    let test = archive.samples("x_test", "y_test")?;
    if train.inputs != test.inputs {
        return Err(DataError::ArrayShape {
            path: path.to_owned(),
            array: "x_test",
            shape: vec![test.len(), test.inputs],
            wanted: format!("its samples need {} values each, like those of `x_train`", train.inputs),
        });
    }
    // A flat array beside one of images is read as the images are; two ways to lie are a mistake.
    if let (Form::Array(a), Form::Array(b)) = (&train.form, &test.form)
        && a.len().min(b.len()) > 1
        && a != b
    {
        return Err(DataError::ArrayShape {
            path: path.to_owned(),
            array: "x_test",
            shape: [&[test.len()], &b[..]].concat(),
            wanted: format!("its samples need the shape {a:?} of those of `x_train`"),
        });
    }
    Ok((train, test))
}

/// One file of downsampled ImageNet.
pub(super) struct Batch {
    /// Image after image, as they lie in the file.
    pub bytes: Vec<u8>,
    /// Counted from 0.
    pub labels: Vec<u16>,
}

/// The arrays `data` (so many bytes an image) and `labels` (counted from 1) of a file.
pub(super) fn read_batch(path: &Path, values: usize) -> Result<Batch, DataError> {
    parse_batch(path, BufReader::new(super::open(path)?), values)
}

fn parse_batch(path: &Path, file: impl Read + Seek, values: usize) -> Result<Batch, DataError> {
    let mut archive = Archive::open(path, file, &BATCH)?;
    let (shape, bytes) = archive.array("data", "pixels are uint8: take the data set as it comes", bytes)?;
    if shape.len() != 2 || shape[1] != values || shape[0] == 0 {
        let wanted = format!("(images, {values}) is needed: {values} bytes an image");
        return Err(DataError::ArrayShape { path: path.to_owned(), array: "data", shape, wanted });
    }
    let labels = archive.labels("labels", "data", shape[0], 1)?;
    Ok(Batch { bytes, labels })
}

/// What an archive should hold, for people.
struct Contents {
    arrays: &'static str,
    /// What to do where it cannot be read.
    remedy: &'static str,
}

const WHOLE: Contents = Contents {
    arrays: "x_train, y_train, x_test and y_test",
    remedy: "write it with numpy.savez(file, x_train=..., y_train=..., x_test=..., y_test=...)",
};

const BATCH: Contents =
    Contents { arrays: "data and labels", remedy: "fetch the NPZ version of the data set again" };

struct Archive<'a, R: Read + Seek> {
    path: &'a Path,
    zip: ZipArchive<R>,
    contents: &'static Contents,
}

/// What ends the reading of an array.
pub(super) enum Stop {
    /// The array itself.
    Npy(NpyError),
    /// Element number so-and-so (in memory order) is no input.
    Value(usize, f64),
    /// It is no label, where they count from so many.
    Label(usize, i128, u16),
    /// It is a label between two whole numbers, or none at all.
    Fraction(usize, f64),
}

impl From<NpyError> for Stop {
    fn from(e: NpyError) -> Stop {
        Stop::Npy(e)
    }
}

impl<'a, R: Read + Seek> Archive<'a, R> {
    fn open(path: &'a Path, file: R, contents: &'static Contents) -> Result<Self, DataError> {
        let failed = |e: ZipError| DataError::Npz {
            path: path.to_owned(),
            array: None,
            reason: e.to_string(),
            remedy: contents.remedy,
        };
        Ok(Archive { path, zip: ZipArchive::new(file).map_err(failed)?, contents })
    }

    fn samples(&mut self, x: &'static str, y: &'static str) -> Result<Samples, DataError> {
        let path = self.path.to_owned();
        let (shape, values) = self.array(
            x,
            "inputs are numbers: bool, integers (uint8 is divided by 255) or floats of 16, 32 or 64 bits; convert with \
             .astype(\"float32\")",
            inputs,
        )?;
        if shape.len() < 2 {
            let wanted = "inputs have two or more dimensions, the first of which counts the samples".into();
            return Err(DataError::ArrayShape { path, array: x, shape, wanted });
        }
        if values.is_empty() {
            return Err(DataError::Empty { path, what: format!("array `{x}`"), shape });
        }
        let (count, form) = (shape[0], Form::Array(shape[1..].to_vec()));
        let labels = self.labels(y, x, count, 0)?;
        Ok(Samples { inputs: values.len() / count, form, values, labels })
    }

    /// Labels of the samples of array `x`, which count from `first`; counted from 0.
    fn labels(
        &mut self,
        y: &'static str,
        x: &'static str,
        count: usize,
        first: u16,
    ) -> Result<Vec<u16>, DataError> {
        let wanted = "labels are whole numbers: convert with .astype(\"uint16\")";
        let (shape, labels) = self.array(y, wanted, |header, reader| labels(header, reader, first))?;
        if shape == [count] || shape == [count, 1] {
            return Ok(labels);
        }
        let wanted = format!("`{x}` holds {count} samples, so ({count},) is needed: one number per sample");
        Err(DataError::ArrayShape { path: self.path.to_owned(), array: y, shape, wanted })
    }

    /// Shape, and elements with the last dimension running fastest.
    fn array<T: Copy>(
        &mut self,
        array: &'static str,
        wanted: &'static str,
        read: impl FnOnce(&Header, &mut dyn Read) -> Option<Result<Vec<T>, Stop>>,
    ) -> Result<(Vec<usize>, Vec<T>), DataError> {
        let (path, contents) = (self.path, self.contents);
        let failed = |reason: String| DataError::Npz {
            path: path.to_owned(),
            array: Some(array),
            reason,
            remedy: contents.remedy,
        };
        let name = format!("{array}.npy");
        if !self.zip.file_names().any(|n| n == name) {
            let found = self.zip.file_names().map(|n| n.strip_suffix(".npy").unwrap_or(n).to_owned());
            return Err(DataError::MissingArray {
                path: path.to_owned(),
                array,
                found: found.collect(),
                needed: contents.arrays,
            });
        }
        let mut entry = self.zip.by_name(&name).map_err(|e| failed(e.to_string()))?;
        let header = Header::read(&mut entry).map_err(|e| failed(e.to_string()))?;
        header.count().map_err(|e| failed(e.to_string()))?;
        let values = read(&header, &mut entry).ok_or_else(|| DataError::ArrayType {
            path: path.to_owned(),
            array,
            found: format!("'{}'", header.descr),
            wanted,
        })?;
        let values = values.map_err(|stop| match stop {
            Stop::Npy(e) => failed(e.to_string()),
            Stop::Value(at, value) => {
                let (sample, column) = place(&header, at);
                DataError::Value { path: path.to_owned(), array, sample, column, value }
            }
            Stop::Label(sample, label, first) => {
                DataError::LabelValue { path: path.to_owned(), array, sample, label, first }
            }
            Stop::Fraction(sample, label) => {
                DataError::LabelFraction { path: path.to_owned(), array, sample, label }
            }
        })?;
        Ok((header.shape.clone(), header.in_order(values)))
    }
}

/// Sample and (flattened) column of the element at a place in memory.
fn place(header: &Header, at: usize) -> (usize, usize) {
    let samples = header.shape.first().copied().unwrap_or(1).max(1);
    let columns = header.shape.iter().skip(1).product::<usize>().max(1);
    if !header.fortran_order {
        return (at / columns, at % columns);
    }
    let mut rest = at / samples;
    let column = header.shape.iter().skip(1).fold(0, |column, &d| {
        let digit = rest % d;
        rest /= d;
        column * d + digit
    });
    (at % samples, column)
}

/// Inputs: bytes are divided by 255; floats must be finite. None where the elements are no numbers.
fn inputs(header: &Header, reader: &mut dyn Read) -> Option<Result<Vec<f32>, Stop>> {
    let mut values = Vec::new();
    let read = numbers(header, reader, |number| match number {
        Number::Byte(byte) => {
            values.push(of_byte(byte));
            Ok(())
        }
        Number::Whole(value) => input(&mut values, value as f64),
        Number::Float(value) => input(&mut values, value),
    })?;
    Some(read.map(|()| values))
}

fn input(values: &mut Vec<f32>, value: f64) -> Result<(), Stop> {
    values.push(of_float(value).ok_or(Stop::Value(values.len(), value))?);
    Ok(())
}

/// The input that a byte is.
pub(super) fn of_byte(byte: u8) -> f32 {
    f32::from(byte) / 255.0
}

/// The input that a float is, if it is one.
pub(super) fn of_float(value: f64) -> Option<f32> {
    let narrowed = value as f32;
    // A float of -0 is the same input as 0: one bit pattern for it, so that the checksum agrees.
    narrowed.is_finite().then_some(narrowed + 0.0)
}

/// Bytes as they are.
fn bytes(header: &Header, mut reader: &mut dyn Read) -> Option<Result<Vec<u8>, Stop>> {
    let mut bytes = Vec::new();
    let read = (header.kind() == "u1").then(|| {
        header.elements::<1, Stop>(&mut reader, |b| {
            bytes.push(b[0]);
            Ok(())
        })
    })?;
    Some(read.map(|()| bytes))
}

/// Labels, which count from `first`: whole numbers of any type, floats too.
fn labels(header: &Header, reader: &mut dyn Read, first: u16) -> Option<Result<Vec<u16>, Stop>> {
    let mut labels = Vec::new();
    let read = numbers(header, reader, |number| {
        let label = match number {
            Number::Byte(label) => label.into(),
            Number::Whole(label) => label,
            // A float that large is no label either; a cast ends at the largest integer.
            Number::Float(label) if label.fract() == 0.0 => label as i128,
            Number::Float(label) => return Err(Stop::Fraction(labels.len(), label)),
        };
        let counted = label.checked_sub(first.into()).and_then(|label| u16::try_from(label).ok());
        labels.push(counted.ok_or(Stop::Label(labels.len(), label, first))?);
        Ok(())
    })?;
    Some(read.map(|()| labels))
}

/// An element of an array, without the width that it has in the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// An unsigned byte, which means a part of 255 where it is an input.
    Byte(u8),
    /// Any other integer, or a truth value.
    Whole(i128),
    /// A float of 16, 32 or 64 bits.
    Float(f64),
}

/// The elements in memory order. None where they are no numbers.
pub(super) fn numbers(
    header: &Header,
    mut reader: &mut dyn Read,
    mut take: impl FnMut(Number) -> Result<(), Stop>,
) -> Option<Result<(), Stop>> {
    use Number::{Byte, Float, Whole};
    Some(match header.kind() {
        "u1" => header.elements(&mut reader, |[b]| take(Byte(b))),
        "b1" => header.elements(&mut reader, |[b]| take(Whole((b != 0).into()))),
        "i1" => header.elements(&mut reader, |b| take(Whole(i8::from_le_bytes(b).into()))),
        "u2" => header.elements(&mut reader, |b| take(Whole(u16::from_le_bytes(b).into()))),
        "i2" => header.elements(&mut reader, |b| take(Whole(i16::from_le_bytes(b).into()))),
        "u4" => header.elements(&mut reader, |b| take(Whole(u32::from_le_bytes(b).into()))),
        "i4" => header.elements(&mut reader, |b| take(Whole(i32::from_le_bytes(b).into()))),
        "u8" => header.elements(&mut reader, |b| take(Whole(u64::from_le_bytes(b).into()))),
        "i8" => header.elements(&mut reader, |b| take(Whole(i64::from_le_bytes(b).into()))),
        "f2" => header.elements(&mut reader, |b| take(Float(of_half(u16::from_le_bytes(b))))),
        "f4" => header.elements(&mut reader, |b| take(Float(f32::from_le_bytes(b).into()))),
        "f8" => header.elements(&mut reader, |b| take(Float(f64::from_le_bytes(b)))),
        _ => return None,
    })
}

/// The value of a float of 16 bits: a sign, five bits of exponent, ten of fraction.
fn of_half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, array};
    use ndarray_npy::NpzWriter;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn header(descr: &str) -> Header {
        Header { descr: descr.to_owned(), fortran_order: false, shape: vec![1] }
    }

    #[test]
    fn either_byte_order_is_read() {
        let read = |descr, mut bytes: &[u8]| {
            inputs(&header(descr), &mut bytes).and_then(Result::ok).expect("inputs")[0]
        };
        assert_eq!(read("<f4", &0.375f32.to_le_bytes()), 0.375);
        assert_eq!(read(">f4", &0.375f32.to_be_bytes()), 0.375);
        assert_eq!(read("<f8", &0.375f64.to_le_bytes()), 0.375);
        assert_eq!(read(">f8", &0.375f64.to_be_bytes()), 0.375);
        assert_eq!(read("|u1", &[51]), 0.2);
        let read = |descr, mut bytes: &[u8]| match labels(&header(descr), &mut bytes, 0) {
            Some(Ok(labels)) => i128::from(labels[0]),
            Some(Err(Stop::Label(0, label, 0))) => label,
            _ => panic!("{descr}"),
        };
        assert_eq!(read("|u1", &[200]), 200);
        assert_eq!(read("|i1", &[200]), -56);
        assert_eq!(read(">u2", &[1, 2]), 258);
        assert_eq!(read("<i2", &[2, 1]), 258);
        assert_eq!(read(">i4", &[0, 0, 1, 2]), 258);
        assert_eq!(read("<u4", &[2, 1, 0, 0x80]), 0x8000_0102);
        assert_eq!(read("<i8", &(-3i64).to_le_bytes()), -3);
        assert_eq!(read("<u8", &u64::MAX.to_le_bytes()), i128::from(u64::MAX));
        assert_eq!(read("<u8", &(1u64 << 63).to_le_bytes()), 1 << 63);
    }

    #[test]
    fn inputs_of_every_number_type_are_read_in_either_byte_order() {
        let read = |kind: &str, bytes: &[u8]| {
            let turned: Vec<u8> = bytes.iter().rev().copied().collect();
            let [little, big] = [('<', bytes), ('>', &turned)].map(|(order, mut bytes)| {
                inputs(&header(&format!("{order}{kind}")), &mut bytes).and_then(Result::ok).expect("inputs")
            });
            assert_eq!(little, big, "{kind}");
            little[0]
        };
        // Bytes are parts of 255; other integers are taken as they are.
        assert_eq!(read("u1", &[255]), 1.0);
        assert_eq!((read("b1", &[1]), read("b1", &[0])), (1.0, 0.0));
        assert_eq!(read("i1", &(-3i8).to_le_bytes()), -3.0);
        assert_eq!(read("i2", &(-300i16).to_le_bytes()), -300.0);
        assert_eq!(read("u2", &40_000u16.to_le_bytes()), 40_000.0);
        assert_eq!(read("i4", &(-70_000i32).to_le_bytes()), -70_000.0);
        assert_eq!(read("u4", &(1u32 << 31).to_le_bytes()), 2f32.powi(31));
        assert_eq!(read("i8", &(-1i64 << 40).to_le_bytes()), -(2f32.powi(40)));
        assert_eq!(read("u8", &(1u64 << 63).to_le_bytes()), 2f32.powi(63));
        assert_eq!(read("f2", &[0x00, 0x36]), 0.375);
        for other in ["<c8", "|O", "<U3", "|S3", "<f16", "<M8[s]", "|V4", "", "é"] {
            assert!(inputs(&header(other), &mut &[0; 16][..]).is_none(), "{other}");
            assert!(labels(&header(other), &mut &[0; 16][..], 0).is_none(), "{other}");
        }
    }

    #[test]
    fn floats_of_16_bits_are_what_ieee_754_says() {
        let cases = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_953_125),
            (0x7bff, 65504.0),
            (0x0400, 2f64.powi(-14)),
            (0x03ff, 1023.0 * 2f64.powi(-24)),
            (0x8001, -(2f64.powi(-24))),
            (0x0000, 0.0),
            (0x7c00, f64::INFINITY),
            (0xfc00, f64::NEG_INFINITY),
        ];
        for (bits, value) in cases {
            assert_eq!(of_half(bits), value, "{bits:#06x}");
        }
        assert!(of_half(0x7e00).is_nan() && of_half(0xfc01).is_nan());
        let infinite = inputs(&header("<f2"), &mut &[0x00, 0x7c][..]);
        assert!(matches!(infinite, Some(Err(Stop::Value(0, value))) if value == f64::INFINITY));
    }

    #[test]
    fn a_float_is_a_label_where_it_is_whole() {
        let read = |value: f64, first| {
            labels(&header("<f8"), &mut &value.to_le_bytes()[..], first).expect("numbers")
        };
        assert!(matches!(read(3.0, 0), Ok(labels) if labels == [3]));
        assert!(matches!(read(3.0, 1), Ok(labels) if labels == [2]));
        assert!(matches!(read(-0.0, 0), Ok(labels) if labels == [0]));
        assert!(matches!(read(1.5, 0), Err(Stop::Fraction(0, value)) if value == 1.5));
        assert!(matches!(read(-1.0, 0), Err(Stop::Label(0, -1, 0))));
        assert!(matches!(read(f64::NAN, 0), Err(Stop::Fraction(0, _))));
        assert!(matches!(read(f64::INFINITY, 0), Err(Stop::Fraction(0, _))));
        for huge in [1e300, -1e300] {
            assert!(matches!(read(huge, 1), Err(Stop::Label(0, _, 1))));
        }
        assert!(matches!(labels(&header("|b1"), &mut &[1][..], 0), Some(Ok(labels)) if labels == [1]));
    }

    #[test]
    fn a_value_that_is_no_input_is_told_as_it_is() {
        let mut bytes = &1e300f64.to_le_bytes()[..];
        let Some(Err(Stop::Value(0, value))) = inputs(&header("<f8"), &mut bytes) else { panic!("accepted") };
        assert_eq!(value, 1e300);
        let turned = Header { descr: "<f8".into(), fortran_order: true, shape: vec![2, 3, 4] };
        // Element (1, 2, 3) is the last one in any order; (0, 1, 0) the third in memory.
        assert_eq!(place(&turned, 23), (1, 11));
        assert_eq!(place(&turned, 2), (0, 4));
    }

    fn small_file(compressed: bool) -> Vec<u8> {
        let file = Cursor::new(Vec::new());
        let mut npz = if compressed { NpzWriter::new_compressed(file) } else { NpzWriter::new(file) };
        let x: Array2<f32> = array![[0.0, 0.5, 1.0], [0.25, 0.75, 0.125]];
        let y: Array1<u8> = array![1, 0];
        for (name_x, name_y) in [("x_train", "y_train"), ("x_test", "y_test")] {
            npz.add_array(name_x, &x).unwrap();
            npz.add_array(name_y, &y).unwrap();
        }
        npz.finish().unwrap().into_inner()
    }

    #[test]
    fn every_cut_is_noticed() {
        for whole in [small_file(false), small_file(true)] {
            assert!(parse(Path::new("data.npz"), Cursor::new(&whole[..])).is_ok());
            for cut in 0..whole.len() {
                assert!(parse(Path::new("data.npz"), Cursor::new(&whole[..cut])).is_err(), "{cut}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        /// Damaged files give an error or, where the damage hits unused fields only, whole samples.
        #[test]
        fn damaged_files_never_panic(
            compressed: bool,
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut file = small_file(compressed);
            for (at, byte) in damage {
                let at = at.index(file.len());
                file[at] = byte;
            }
            if let Ok((train, test)) = parse(Path::new("data.npz"), Cursor::new(file)) {
                for part in [train, test] {
                    prop_assert_eq!(part.values.len(), part.inputs * part.len());
                    prop_assert!(part.values.iter().all(|v| v.is_finite()));
                }
            }
        }
    }
}
