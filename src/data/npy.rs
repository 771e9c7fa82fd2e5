//! The array format of NumPy, as far as data sets need it: a header of three known keys, then numbers in order.
//!
//! The header is read by a grammar of its own (NumPy writes a Python literal, and a parser of these can be made to take
//! for ever); what it announces is believed only as far as bytes come.

use std::io::{self, Read};

/// Longest header read: NumPy pads it to 64 bytes.
const MAX_HEADER: usize = 4096;

/// Most numbers of an array: beyond every file of a data set that fits a circuit (one of downsampled ImageNet has 3/4 of
/// them), and two gigabytes once they are floats.
pub(super) const MAX_VALUES: u64 = 1 << 29;

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Element type as written: `<f4`.
    pub descr: String,
    /// The first dimension runs fastest.
    pub fortran_order: bool,
    /// Dimensions.
    pub shape: Vec<usize>,
}

/// Why an array cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum NpyError {
    /// The file or the archive around it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Not an array of NumPy.
    #[error("this is no NumPy array: {0}")]
    Header(String),
    /// Another number of bytes than announced.
    #[error("the array holds {found} than its shape announces")]
    Length {
        /// `fewer numbers` or `more bytes`.
        found: &'static str,
    },
    /// More numbers than are taken.
    #[error("the array announces {0} numbers; at most {MAX_VALUES} are read")]
    Large(u128),
}

impl Header {
    /// Reads a header, and leaves the reader at the first number.
    ///
    /// # Errors
    /// It is none.
    pub fn read(reader: &mut impl Read) -> Result<Header, NpyError> {
        let wrong = |what: &str| NpyError::Header(what.to_owned());
        let mut head = [0; 8];
        reader.read_exact(&mut head).map_err(|_| wrong("it is too short"))?;
        if head[..6] != *b"\x93NUMPY" {
            return Err(wrong("it begins with other bytes than one does"));
        }
        let digits = match head[6] {
            1 => 2,
            2 | 3 => 4,
            version => return Err(NpyError::Header(format!("its format version {version} is not known"))),
        };
        let mut length = [0; 4];
        reader.read_exact(&mut length[..digits]).map_err(|_| wrong("it is too short"))?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_HEADER {
            return Err(NpyError::Header(format!(
                "its header has {length} bytes; at most {MAX_HEADER} are read"
            )));
        }
        let mut text = vec![0; length];
        reader.read_exact(&mut text).map_err(|_| wrong("it is too short"))?;
        let text = std::str::from_utf8(&text).map_err(|_| wrong("its header is not text"))?;
        Header::parse(text).ok_or_else(|| {
            wrong("its header is not {'descr': '...', 'fortran_order': ..., 'shape': (...)} of numbers")
        })
    }

    /// `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, keys in any order.
    fn parse(text: &str) -> Option<Header> {
        let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim_start();
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        while !rest.is_empty() {
            let (key, after) = quoted(rest)?;
            let value = after.trim_start().strip_prefix(':')?.trim_start();
            rest = match key {
                "descr" if descr.is_none() => {
                    let (text, after) = quoted(value)?;
                    descr = Some(text.to_owned());
                    after
                }
                "fortran_order" if fortran_order.is_none() => {
                    let is_true = value.starts_with("True");
                    fortran_order = Some(is_true);
                    value.strip_prefix(if is_true { "True" } else { "False" })?
                }
                "shape" if shape.is_none() => {
                    let (numbers, after) = value.strip_prefix('(')?.split_once(')')?;
                    let parts: Vec<&str> = numbers.split(',').map(str::trim).collect();
                    let last = parts.len() - usize::from(parts.last() == Some(&""));
                    shape =
                        Some(parts[..last].iter().map(|n| n.parse().ok()).collect::<Option<Vec<usize>>>()?);
                    after
                }
                _ => return None,
            }
            .trim_start();
            match rest.strip_prefix(',') {
                Some(after) => rest = after.trim_start(),
                None if rest.is_empty() => {}
                None => return None,
            }
        }
        Some(Header { descr: descr?, fortran_order: fortran_order?, shape: shape? })
    }

    /// How many numbers it announces.
    ///
    /// # Errors
    /// More than are taken.
    pub fn count(&self) -> Result<u64, NpyError> {
        let all = self.shape.iter().try_fold(1u128, |n, &d| n.checked_mul(d as u128)).unwrap_or(u128::MAX);
        u64::try_from(all).ok().filter(|&n| n <= MAX_VALUES).ok_or(NpyError::Large(all))
    }

    /// Kind and bytes of the element type, without its byte order.
    pub fn kind(&self) -> &str {
        self.descr.strip_prefix(['<', '>', '|', '=']).unwrap_or("")
    }

    /// Exactly as many elements of `N` bytes as announced, each given to `take` in little-endian order, with its place in
    /// memory order. Reads on to the end, where the archive's check sum speaks.
    ///
    /// # Errors
    /// Fewer come, or more; or `take` has had enough.
    pub fn elements<const N: usize, E: From<NpyError>>(
        &self,
        reader: &mut impl Read,
        mut take: impl FnMut([u8; N]) -> Result<(), E>,
    ) -> Result<(), E> {
        let big_endian = self.descr.starts_with('>');
        let mut left = self.count()?;
        let mut block = vec![0; N << 12];
        while left > 0 {
            let wanted = left.min(1 << 12) as usize;
            let bytes = &mut block[..N * wanted];
            reader.read_exact(bytes).map_err(|e| match e.kind() {
                io::ErrorKind::UnexpectedEof => NpyError::Length { found: "fewer numbers" },
                _ => NpyError::Io(e),
            })?;
            for chunk in bytes.as_chunks::<N>().0 {
                let mut chunk = *chunk;
                if big_endian {
                    chunk.reverse();
                }
                take(chunk)?;
            }
            left -= wanted as u64;
        }
        match reader.read(&mut [0]).map_err(NpyError::Io)? {
            0 => Ok(()),
            _ => Err(NpyError::Length { found: "more bytes" }.into()),
        }
    }

    /// Values in memory order, with the last dimension running fastest.
    pub fn in_order<T: Copy>(&self, values: Vec<T>) -> Vec<T> {
        if !self.fortran_order || self.shape.len() < 2 || values.is_empty() {
            return values;
        }
        // The place in memory of the element at each place in order.
        let mut index = vec![0; self.shape.len()];
        let strides: Vec<usize> = self
            .shape
            .iter()
            .scan(1, |stride, &d| {
                let here = *stride;
                *stride *= d;
                Some(here)
            })
            .collect();
        (0..values.len())
            .map(|_| {
                let at: usize = index.iter().zip(&strides).map(|(i, s)| i * s).sum();
                for (i, &d) in index.iter_mut().zip(&self.shape).rev() {
                    *i += 1;
                    if *i < d {
                        break;
                    }
                    *i = 0;
                }
                values[at]
            })
            .collect()
    }
}

/// A text in single or double quotes, and what comes behind it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| "'\"".contains(*c))?;
    text[1..].split_once(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_as_numpy_writes_them() {
        let read = |text: &str| Header::parse(text);
        let header = read("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }          \n").unwrap();
        assert_eq!((header.descr.as_str(), header.kind(), header.fortran_order), ("<f4", "f4", false));
        assert_eq!(header.shape, [2, 3]);
        let header = read("{'shape': (5,), 'fortran_order': True, 'descr': '|u1'}").unwrap();
        assert_eq!((header.shape, header.fortran_order), (vec![5], true));
        assert_eq!(
            read("{'descr': '<f4', 'fortran_order': False, 'shape': ()}").unwrap().count().unwrap(),
            1
        );
        for wrong in [
            "",
            "{}",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    /// A general parser of Python literals takes time exponential in the depth of this one.
    #[test]
    fn nested_brackets_are_refused_at_once() {
        let depth = 1000;
        let nested = format!("{{'descr': {}{}, 'shape': (1,)}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(Header::parse(&nested), None);
    }

    #[test]
    fn fortran_order_is_turned() {
        let header = Header { descr: "|u1".into(), fortran_order: true, shape: vec![2, 3, 2] };
        // Element (i, j, k) is the number ijk; in memory i runs fastest.
        let mut memory = Vec::new();
        for k in 0..2 {
            for j in 0..3 {
                for i in 0..2 {
                    memory.push(100 * i + 10 * j + k);
                }
            }
        }
        assert_eq!(header.in_order(memory), [0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121]);
    }

    #[test]
    fn announced_lengths_are_not_believed() {
        let header = |n| Header { descr: "<f8".into(), fortran_order: false, shape: vec![n] };
        let read = |n, bytes: &[u8]| {
            header(n).elements::<8, NpyError>(&mut &bytes[..], |_| Ok(())).map_err(|e| e.to_string())
        };
        assert_eq!(read(1, &[0; 8]), Ok(()));
        assert!(read(2, &[0; 15]).unwrap_err().contains("fewer numbers"));
        assert!(read(1, &[0; 9]).unwrap_err().contains("more bytes"));
        assert!(read(1 << 28, &[0; 9]).unwrap_err().contains("fewer numbers"));
        assert!(read(usize::MAX, &[0; 9]).unwrap_err().contains("at most"));
    }
}
