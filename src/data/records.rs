//! The binary files of CIFAR-10 and CIFAR-100: records of one or two bytes of labels and 3072 of pixels, nothing else;
//! gzipped or not.

use super::npy::MAX_VALUES;
use super::packed::{foreign, unpacked, up_to};
use super::{DataError, Samples, first_of};
use crate::network::Shape;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Of every image.
pub(super) const SHAPE: Shape = Shape { rows: 32, columns: 32, channels: 3 };

/// One of the two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Records {
    /// Its name.
    name: &'static str,
    /// What such a file is called.
    file: &'static str,
    /// Bytes of labels; the last of them counts (CIFAR-100 has the coarse label before the fine one).
    labels: usize,
    /// Labels are below this.
    classes: u8,
    train: &'static [&'static str],
    test: &'static [&'static str],
}

pub(super) const CIFAR10: Records = Records {
    name: "CIFAR-10",
    file: "a binary file of CIFAR-10",
    labels: 1,
    classes: 10,
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: &["test_batch.bin"],
};

pub(super) const CIFAR100: Records = Records {
    name: "CIFAR-100",
    file: "a binary file of CIFAR-100",
    labels: 2,
    classes: 100,
    train: &["train.bin"],
    test: &["test.bin"],
};

impl Records {
    /// Training and test samples from the files of a folder; or all samples of one file as the former, and none as the
    /// latter.
    pub fn read(self, path: &Path) -> Result<(Samples, Samples), DataError> {
        let (mut train, mut test) = (Samples::none(SHAPE), Samples::none(SHAPE));
        if path.is_file() {
            self.read_file(path, &mut train)?;
            return Ok((train, test));
        }
        for (names, part) in [(self.train, &mut train), (self.test, &mut test)] {
            // All are found before the first is read.
            let file = |name: &&str| first_of(path, vec![(*name).to_owned(), format!("{name}.gz")]);
            let files: Vec<PathBuf> = names.iter().map(file).collect::<Result<_, DataError>>()?;
            files.iter().try_for_each(|file| self.read_file(file, part))?;
        }
        Ok((train, test))
    }

    fn read_file(self, path: &Path, to: &mut Samples) -> Result<(), DataError> {
        let file = BufReader::with_capacity(1 << 16, super::open(path)?);
        self.parse(path, file, to)
    }

    /// Bytes of a record.
    fn record(self) -> usize {
        self.labels + SHAPE.neurons()
    }

    /// Appends the samples of a file.
    fn parse(self, path: &Path, file: impl BufRead, to: &mut Samples) -> Result<(), DataError> {
        unpacked(path, file, |file, failed| self.parse_plain(path, file, to, failed))
    }

    fn parse_plain(
        self,
        path: &Path,
        file: &mut dyn Read,
        to: &mut Samples,
        failed: &dyn Fn(io::Error) -> DataError,
    ) -> Result<(), DataError> {
        let mut records = 0;
        loop {
            let bytes = up_to(file, self.record() as u64).map_err(failed)?;
            if bytes.is_empty() && records > 0 {
                return Ok(());
            }
            let strange = || foreign(&bytes).filter(|_| records == 0 && bytes.len() >= 4);
            let wrong = |problem: String| match strange() {
                Some(found) => {
                    DataError::Magic { path: path.to_owned(), expected: self.file, found: found.to_owned() }
                }
                None => DataError::Records { path: path.to_owned(), format: self.name, problem },
            };
            if bytes.len() < self.record() {
                let problem = format!(
                    "after {records} records of {} bytes (uncompressed) come {} more",
                    self.record(),
                    bytes.len()
                );
                return Err(wrong(problem));
            }
            if (to.values.len() + SHAPE.neurons()) as u64 > MAX_VALUES {
                let shape = vec![to.len() + 1, SHAPE.neurons()];
                return Err(DataError::Large { path: path.to_owned(), shape, most: MAX_VALUES });
            }
            let (labels, planes) = bytes.split_at(self.labels);
            let label = labels[self.labels - 1];
            if label >= self.classes {
                let problem = format!("record {records} has label {label}, and there are {}", self.classes);
                return Err(wrong(problem));
            }
            to.push_planes(planes, SHAPE, label.into());
            records += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write;

    /// A record whose red, green and blue places are told apart: red counts places, green and blue say 100 and 200.
    fn record(labels: &[u8]) -> Vec<u8> {
        let red = (0..1024).map(|place| (place % 256) as u8);
        labels.iter().copied().chain(red).chain([100; 1024]).chain([200; 1024]).collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn parse(format: Records, file: &[u8]) -> Result<Samples, DataError> {
        let mut samples = Samples::none(SHAPE);
        format.parse(Path::new("some.bin"), file, &mut samples).map(|()| samples)
    }

    #[test]
    fn planes_become_pixels_and_the_fine_label_counts() {
        let file = [record(&[3]), record(&[9])].concat();
        let samples = parse(CIFAR10, &file).unwrap();
        assert_eq!(samples, parse(CIFAR10, &gzip(&file)).unwrap());
        assert_eq!(samples.labels, [3, 9]);
        let byte = |v: f32| (v * 255.0).round() as u8;
        // Row 1, column 2: place 34.
        let pixel: Vec<u8> = samples.values_of(1)[34 * 3..][..3].iter().map(|&v| byte(v)).collect();
        assert_eq!(pixel, [34, 100, 200]);
        let fine = parse(CIFAR100, &[record(&[19, 99]), record(&[0, 1])].concat()).unwrap();
        assert_eq!(fine.labels, [99, 1]);
        assert_eq!(fine.values, samples.values);
    }

    #[test]
    fn every_cut_and_every_addition_is_noticed() {
        let whole = [record(&[0]), record(&[9])].concat();
        for cut in [0, 1, 2, 1000, 3072, 3074, 6000, 6145] {
            for file in [whole[..cut].to_vec(), gzip(&whole[..cut])] {
                let text = parse(CIFAR10, &file).unwrap_err().to_string();
                let place =
                    format!("after {} records of 3073 bytes (uncompressed) come {}", cut / 3073, cut % 3073);
                assert!(text.contains(&place), "{cut}: {text}");
            }
        }
        assert!(parse(CIFAR10, &[&whole[..], &[0]].concat()).is_err());
        let zipped = gzip(&whole);
        for cut in 2..zipped.len() {
            assert!(matches!(parse(CIFAR10, &zipped[..cut]), Err(DataError::Gzip { .. })), "{cut}");
        }
    }

    #[test]
    fn other_files_are_refused_by_what_they_are() {
        // Another data set's labels and records.
        let text = parse(CIFAR10, &record(&[10])).unwrap_err().to_string();
        assert!(text.contains("record 0 has label 10, and there are 10"), "{text}");
        let text = parse(CIFAR10, &record(&[1, 2])).unwrap_err().to_string();
        assert!(text.contains("come 1 more") && text.contains("cifar100"), "{text}");
        let text = parse(CIFAR100, &record(&[0, 100])).unwrap_err().to_string();
        assert!(text.contains("record 0 has label 100"), "{text}");
        let mut tar = vec![b'c'; 4000];
        tar[257..262].copy_from_slice(b"ustar");
        for (file, what) in [
            (&tar[..], "a tar archive"),
            (b"<html>".as_slice(), "HTML"),
            (b"\x80\x02}q\x01(U\x0bbatch_label", "a pickle of Python"),
            (&gzip(b"twice"), "gzip data inside gzip data"),
        ] {
            for file in [file.to_vec(), gzip(file)] {
                let error = parse(CIFAR10, &file).unwrap_err();
                assert!(error.to_string().contains(what) || what.contains("inside"), "{error}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        /// Damaged files give an error or whole samples.
        #[test]
        fn damaged_files_never_panic(
            zipped: bool,
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = [record(&[5]), record(&[7])].concat();
            let mut file = if zipped { gzip(&whole) } else { whole };
            for (at, byte) in damage {
                let at = at.index(file.len());
                file[at] = byte;
            }
            file.truncate(file.len() - cut.index(3));
            if let Ok(samples) = parse(CIFAR10, &file) {
                prop_assert_eq!(samples.values.len(), samples.len() * 3072);
                prop_assert!(samples.labels.iter().all(|&l| l < 10));
            }
        }
    }
}
