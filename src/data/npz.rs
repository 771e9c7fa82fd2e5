//! NPZ, NumPy's archive of arrays: `x_train`, `y_train`, `x_test`, `y_test`.
//!
//! Inputs are bytes (divided by 255) or floats in `[0, 1]`, two or more dimensions, the first of which counts the
//! samples. Labels are integers of any width, one dimension. As with IDX, memory grows only with the bytes that come.

use super::{DataError, Samples};
use ndarray::ArrayD;
use ndarray_npy::{NpzReader, ReadDataError, ReadNpyError, ReadNpzError, ReadableElement};
use py_literal::Value as PyValue;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

/// Training and test samples.
pub(super) fn read(path: &Path) -> Result<(Samples, Samples), DataError> {
    let file = File::open(path).map_err(DataError::read(path))?;
    parse(path, BufReader::new(file))
}

fn parse(path: &Path, file: impl Read + Seek) -> Result<(Samples, Samples), DataError> {
    let failed =
        |e: ReadNpzError| DataError::Npz { path: path.to_owned(), array: None, reason: e.to_string() };
    let mut archive = Archive { path, zip: NpzReader::new(file).map_err(failed)? };
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
    Ok((train, test))
}

struct Archive<'a, R: Read + Seek> {
    path: &'a Path,
    zip: NpzReader<R>,
}

impl<R: Read + Seek> Archive<'_, R> {
    fn samples(&mut self, x: &'static str, y: &'static str) -> Result<Samples, DataError> {
        let path = self.path.to_owned();
        let (shape, values) = self.array::<Input>(
            x,
            "inputs are uint8 (divided by 255), float32 or float64: convert with .astype",
        )?;
        if shape.len() < 2 {
            let wanted = "inputs have two or more dimensions, the first of which counts the samples".into();
            return Err(DataError::ArrayShape { path, array: x, shape, wanted });
        }
        if values.is_empty() {
            return Err(DataError::Empty { path, what: format!("array `{x}`"), shape });
        }
        let count = shape[0];
        let inputs = values.len() / count;
        if let Some(at) = values.iter().position(|v| !(0.0..=1.0).contains(&v.0)) {
            let (sample, column, value) = (at / inputs, at % inputs, values[at].0);
            return Err(DataError::Value { path, array: x, sample, column, value });
        }
        let (shape, labels) =
            self.array::<Label>(y, "labels are integers: convert with .astype(\"uint8\")")?;
        if shape != [count] {
            let wanted =
                format!("`{x}` holds {count} samples, so ({count},) is needed: one number per sample");
            return Err(DataError::ArrayShape { path, array: y, shape, wanted });
        }
        let label = |(sample, &Label(label)): (usize, &Label)| {
            u16::try_from(label).map_err(|_| DataError::LabelValue {
                path: path.clone(),
                array: y,
                sample,
                label,
            })
        };
        let labels = labels.iter().enumerate().map(label).collect::<Result<_, _>>()?;
        // A float of -0 is the same input as 0: one bit pattern for it, so that the checksum agrees.
        Ok(Samples { inputs, values: values.into_iter().map(|v| v.0 + 0.0).collect(), labels })
    }

    /// Shape, and elements with the last dimension running fastest.
    fn array<T: ReadableElement + Copy>(
        &mut self,
        array: &'static str,
        wanted: &'static str,
    ) -> Result<(Vec<usize>, Vec<T>), DataError> {
        let path = || self.path.to_owned();
        let failed =
            |e: &ReadNpzError| DataError::Npz { path: path(), array: Some(array), reason: e.to_string() };
        let names = self.zip.names().map_err(|e| failed(&e))?;
        if !names.iter().any(|n| n == array) {
            return Err(DataError::MissingArray { path: path(), array, found: names });
        }
        let read = self.zip.by_name::<ndarray::OwnedRepr<T>, ndarray::IxDyn>(array);
        let elements: ArrayD<T> = read.map_err(|e| match &e {
            ReadNpzError::Npy(ReadNpyError::WrongDescriptor(found)) => {
                DataError::ArrayType { path: path(), array, found: found.to_string(), wanted }
            }
            _ => failed(&e),
        })?;
        let shape = elements.shape().to_vec();
        let elements = if elements.is_standard_layout() {
            elements.into_raw_vec_and_offset().0
        } else {
            elements.iter().copied().collect() // Fortran order
        };
        Ok((shape, elements))
    }
}

/// An input value. Bytes are already divided by 255; floats are as found, in or out of range.
#[derive(Clone, Copy)]
struct Input(f32);

/// A label of any integer type; what exceeds `i64` is held at its end, far out of the range of labels.
#[derive(Clone, Copy)]
struct Label(i64);

impl ReadableElement for Input {
    fn read_to_end_exact_vec<R: Read>(
        reader: R,
        dtype: &PyValue,
        len: usize,
    ) -> Result<Vec<Self>, ReadDataError> {
        match kind(dtype) {
            Some("u1") => elements::<1, _>(reader, dtype, len, |b| Input(f32::from(b[0]) / 255.0)),
            Some("f4") => elements(reader, dtype, len, |b| Input(f32::from_le_bytes(b))),
            Some("f8") => elements(reader, dtype, len, |b| Input(f64::from_le_bytes(b) as f32)),
            _ => Err(ReadDataError::WrongDescriptor(dtype.clone())),
        }
    }
}

impl ReadableElement for Label {
    fn read_to_end_exact_vec<R: Read>(
        reader: R,
        dtype: &PyValue,
        len: usize,
    ) -> Result<Vec<Self>, ReadDataError> {
        match kind(dtype) {
            Some("u1") => elements(reader, dtype, len, |b| Label(u8::from_le_bytes(b).into())),
            Some("i1") => elements(reader, dtype, len, |b| Label(i8::from_le_bytes(b).into())),
            Some("u2") => elements(reader, dtype, len, |b| Label(u16::from_le_bytes(b).into())),
            Some("i2") => elements(reader, dtype, len, |b| Label(i16::from_le_bytes(b).into())),
            Some("u4") => elements(reader, dtype, len, |b| Label(u32::from_le_bytes(b).into())),
            Some("i4") => elements(reader, dtype, len, |b| Label(i32::from_le_bytes(b).into())),
            Some("u8") => elements(reader, dtype, len, |b| {
                Label(i64::try_from(u64::from_le_bytes(b)).unwrap_or(i64::MAX))
            }),
            Some("i8") => elements(reader, dtype, len, |b| Label(i64::from_le_bytes(b))),
            _ => Err(ReadDataError::WrongDescriptor(dtype.clone())),
        }
    }
}

/// Kind and bytes of a dtype such as `<f4`, without its byte order.
fn kind(dtype: &PyValue) -> Option<&str> {
    match dtype {
        PyValue::String(text) => text.strip_prefix(['<', '>', '|', '=']),
        _ => None,
    }
}

/// Exactly `len` elements of `N` bytes, given to `decode` in little-endian order.
fn elements<const N: usize, T>(
    reader: impl Read,
    dtype: &PyValue,
    len: usize,
    decode: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, ReadDataError> {
    let big_endian = matches!(dtype, PyValue::String(text) if text.starts_with('>'));
    let wanted = len as u64 * N as u64; // the array's caller has checked that it fits
    let mut bytes = Vec::new();
    // Reading on past the last element finds surplus bytes, and lets the archive's check sum speak.
    reader.take(wanted.saturating_add(1)).read_to_end(&mut bytes)?;
    match (bytes.len() as u64).cmp(&wanted) {
        std::cmp::Ordering::Less => return Err(ReadDataError::MissingData),
        std::cmp::Ordering::Equal => {}
        std::cmp::Ordering::Greater => return Err(ReadDataError::ExtraBytes(1)),
    }
    let (chunks, _) = bytes.as_chunks::<N>();
    Ok(chunks
        .iter()
        .map(|&chunk| {
            let mut chunk = chunk;
            if big_endian {
                chunk.reverse();
            }
            decode(chunk)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, array};
    use ndarray_npy::NpzWriter;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn dtype(text: &str) -> PyValue {
        PyValue::String(text.to_owned())
    }

    #[test]
    fn either_byte_order_is_read() {
        let read = |dt, bytes: &[u8]| Input::read_to_end_exact_vec(bytes, &dtype(dt), 1).unwrap()[0].0;
        assert_eq!(read("<f4", &0.375f32.to_le_bytes()), 0.375);
        assert_eq!(read(">f4", &0.375f32.to_be_bytes()), 0.375);
        assert_eq!(read("<f8", &0.375f64.to_le_bytes()), 0.375);
        assert_eq!(read(">f8", &0.375f64.to_be_bytes()), 0.375);
        assert_eq!(read("|u1", &[51]), 0.2);
        let read = |dt, bytes: &[u8]| Label::read_to_end_exact_vec(bytes, &dtype(dt), 1).unwrap()[0].0;
        assert_eq!(read("|u1", &[200]), 200);
        assert_eq!(read("|i1", &[200]), -56);
        assert_eq!(read(">u2", &[1, 2]), 258);
        assert_eq!(read("<i2", &[2, 1]), 258);
        assert_eq!(read(">i4", &[0, 0, 1, 2]), 258);
        assert_eq!(read("<u4", &[2, 1, 0, 0x80]), 0x8000_0102);
        assert_eq!(read("<i8", &(-3i64).to_le_bytes()), -3);
        assert_eq!(read("<u8", &u64::MAX.to_le_bytes()), i64::MAX);
    }

    #[test]
    fn announced_lengths_are_not_believed() {
        for len in [2, 1 << 40, usize::MAX / 8] {
            let read = Input::read_to_end_exact_vec(&[0u8; 15][..], &dtype("<f8"), len);
            assert!(matches!(read, Err(ReadDataError::MissingData)), "{len}");
        }
        let read = Label::read_to_end_exact_vec(&[0u8; 3][..], &dtype("|u1"), 2);
        assert!(matches!(read, Err(ReadDataError::ExtraBytes(_))));
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
                    prop_assert!(part.values.iter().all(|v| (0.0..=1.0).contains(v)));
                }
            }
        }
    }
}
