//! Data sets as users have them: folders of IDX files and NPZ files, good and bad.

use eqhdl::data::{self, DataError, Dataset, Fit, Form, Part};
use eqhdl::design::{self, Activation, DataSource, Design, Dynamics, Preparation};
use eqhdl::fixed_point::Format;
use eqhdl::network::{Network, Shape};
use flate2::{Compression, write::GzEncoder};
use ndarray::{Array1, Array2, Array3, ShapeBuilder, array};
use ndarray_npy::{NpzWriter, WritableElement};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Two training samples and one test sample of 2x2 bytes.
const TRAIN: [[u8; 4]; 2] = [[0, 17, 128, 255], [1, 2, 3, 4]];
const TEST: [[u8; 4]; 1] = [[250, 100, 50, 25]];
const TRAIN_LABELS: [u8; 2] = [2, 0];
const TEST_LABELS: [u8; 1] = [1];

fn idx(shape: &[u32], body: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    file.extend(shape.iter().flat_map(|d| d.to_be_bytes()));
    file.extend(body);
    file
}

fn write(path: &Path, bytes: &[u8]) {
    if path.extension().is_some_and(|e| e == "gz") {
        let mut file = GzEncoder::new(File::create(path).unwrap(), Compression::default());
        file.write_all(bytes).unwrap();
        file.finish().unwrap();
    } else {
        fs::write(path, bytes).unwrap();
    }
}

/// The four files; `joint` and `ending` spell their names.
fn idx_folder(joint: &str, ending: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = |kind: &str, n: u8| folder.path().join(format!("{kind}{joint}idx{n}-ubyte{ending}"));
    write(&file("train-images", 3), &idx(&[2, 2, 2], TRAIN.as_flattened()));
    write(&file("train-labels", 1), &idx(&[2], &TRAIN_LABELS));
    write(&file("t10k-images", 3), &idx(&[1, 2, 2], TEST.as_flattened()));
    write(&file("t10k-labels", 1), &idx(&[1], &TEST_LABELS));
    folder
}

fn read_idx(folder: &Path) -> Result<Dataset, DataError> {
    Dataset::read(&DataSource::Idx(folder.to_owned()))
}

fn check_contents(data: &Dataset) {
    assert_eq!(data.classes, 3);
    for (part, pixels, labels) in
        [(&data.train, &TRAIN[..], &TRAIN_LABELS[..]), (&data.test, &TEST, &TEST_LABELS)]
    {
        assert_eq!((part.inputs, part.len()), (4, pixels.len()));
        for (sample, (pixels, label)) in pixels.iter().zip(labels).enumerate() {
            assert_eq!(part.values_of(sample), pixels.map(|p| f32::from(p) / 255.0));
            assert_eq!(part.label(sample), u16::from(*label));
        }
    }
}

#[test]
fn idx_folders_are_read_in_every_spelling() {
    let mut checksums = Vec::new();
    for (joint, ending) in [("-", ""), ("-", ".gz"), (".", ""), (".", ".gz")] {
        let folder = idx_folder(joint, ending);
        let data = read_idx(folder.path()).unwrap();
        check_contents(&data);
        assert_eq!(data.name, folder.path().file_name().unwrap().to_str().unwrap());
        checksums.push(data.checksum);
    }
    checksums.dedup();
    assert_eq!(checksums.len(), 1);
    assert_eq!(checksums[0].len(), 64);
}

#[test]
fn gzip_is_seen_in_the_contents_whatever_the_name_says() {
    let folder = idx_folder("-", ".gz");
    let path = folder.path().join("train-images-idx3-ubyte.gz");
    fs::write(&path, idx(&[2, 2, 2], TRAIN.as_flattened())).unwrap();
    check_contents(&read_idx(folder.path()).unwrap());
}

#[test]
fn a_missing_idx_file_is_named_with_the_way_to_get_it() {
    let folder = idx_folder("-", ".gz");
    fs::remove_file(folder.path().join("t10k-labels-idx1-ubyte.gz")).unwrap();
    let text = read_idx(folder.path()).unwrap_err().to_string();
    for part in ["t10k-labels-idx1-ubyte, t10k-labels-idx1-ubyte.gz, t10k-labels.idx1-ubyte", "make data"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("no such folder"), "{text}");
    let nowhere = folder.path().join("nowhere");
    let text = read_idx(&nowhere).unwrap_err().to_string();
    assert!(text.contains("no such folder") && text.contains(nowhere.to_str().unwrap()), "{text}");
}

#[test]
fn exchanged_and_ill_matched_idx_files_are_refused() {
    let folder = idx_folder("-", "");
    let images = folder.path().join("train-images-idx3-ubyte");
    write(&images, &idx(&[2], &TRAIN_LABELS));
    let text = read_idx(folder.path()).unwrap_err().to_string();
    assert!(text.contains("train-images-idx3-ubyte") && text.contains("this is a labels file"), "{text}");
    write(&images, &idx(&[1, 2, 2], &TRAIN[0]));
    let text = read_idx(folder.path()).unwrap_err().to_string();
    assert!(text.contains("holds 1 images") && text.contains("holds 2 labels"), "{text}");
    fs::remove_file(&images).unwrap();
    fs::create_dir(&images).unwrap();
    assert!(matches!(read_idx(folder.path()).unwrap_err(), DataError::Read { .. }));
}

/// An NPZ file under construction.
struct Npz {
    folder: TempDir,
    writer: NpzWriter<File>,
}

impl Npz {
    fn new(compressed: bool) -> Npz {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("small.npz")).unwrap();
        let writer = if compressed { NpzWriter::new_compressed(file) } else { NpzWriter::new(file) };
        Npz { folder, writer }
    }

    fn with<T: WritableElement, D: ndarray::Dimension>(
        mut self,
        name: &str,
        array: &ndarray::Array<T, D>,
    ) -> Npz {
        self.writer.add_array(name, array).unwrap();
        self
    }

    /// The labels, and a test set of `f32`.
    fn with_the_rest(self) -> Npz {
        self.with("y_train", &Array1::from_iter(TRAIN_LABELS.map(i64::from)))
            .with("x_test", &Array2::from(TEST.to_vec()).mapv(|p| f32::from(p) / 255.0))
            .with("y_test", &Array1::from_iter(TEST_LABELS.map(i32::from)))
    }

    fn read(self) -> Result<Dataset, DataError> {
        self.writer.finish().unwrap();
        Dataset::read(&DataSource::Npz(self.folder.path().join("small.npz")))
    }
}

#[test]
fn the_same_samples_have_the_same_checksum_from_every_format() {
    let checksum = read_idx(idx_folder("-", "").path()).unwrap().checksum;
    let bytes = Array2::from(TRAIN.to_vec());
    let images = Array3::from_shape_vec((2, 2, 2), TRAIN.as_flattened().to_vec()).unwrap();
    let mut fortran = Array2::<u8>::zeros((2, 4).f());
    fortran.assign(&bytes);
    assert!(!fortran.is_standard_layout());
    let files = [
        Npz::new(false).with("x_train", &bytes),
        Npz::new(true).with("x_train", &bytes),
        Npz::new(true).with("x_train", &images),
        Npz::new(false).with("x_train", &fortran),
        Npz::new(false).with("x_train", &bytes.mapv(|p| f32::from(p) / 255.0)),
        Npz::new(true).with("x_train", &bytes.mapv(|p| f64::from(p) / 255.0)),
        // Minus zero is zero.
        Npz::new(true).with("x_train", &bytes.mapv(|p| if p == 0 { -0.0 } else { f64::from(p) / 255.0 })),
    ];
    for (index, file) in files.into_iter().enumerate() {
        let data = file.with_the_rest().read().unwrap();
        check_contents(&data);
        assert_eq!(data.name, "small");
        assert_eq!(data.checksum, checksum, "file {index}");
    }
}

#[test]
fn npz_errors_say_which_array_and_what_would_be_right() {
    let good = || Array2::from(TRAIN.to_vec());
    let floats = || good().mapv(|p| f32::from(p) / 255.0);
    let changed = |at, value| {
        let mut x = floats();
        x[at] = value;
        Npz::new(false).with("x_train", &x).with_the_rest()
    };
    let labelled = |y: Array1<i64>| Npz::new(false).with("x_train", &good()).with("y_train", &y);
    let cases: Vec<(Npz, &[&str])> = vec![
        (Npz::new(false), &["`x_train`", "there are: none"]),
        (Npz::new(false).with_the_rest(), &["`x_train`", "y_train, x_test, y_test"]),
        (Npz::new(true).with("x_train", &good()), &["`y_train`", "there are: x_train"]),
        (
            Npz::new(false).with("x_train", &array![0.5f32, 0.25]).with_the_rest(),
            &["`x_train`", "[2]", "two or more"],
        ),
        (
            Npz::new(false).with("x_train", &Array2::<u8>::zeros((0, 4))).with_the_rest(),
            &["`x_train`", "holds nothing"],
        ),
        (changed([1, 2], f32::NEG_INFINITY), &["`x_train`", "sample 1, value 2 is -inf", "finite"]),
        (changed([0, 1], f32::NAN), &["sample 0, value 1 is NaN"]),
        (changed([1, 0], f32::INFINITY), &["sample 1, value 0 is inf"]),
        (labelled(array![0, -1]), &["`y_train`", "sample 1 has label -1"]),
        (labelled(array![70_000, 1]), &["`y_train`", "sample 0 has label 70000"]),
        (labelled(array![0, 1, 2]), &["`y_train`", "[3]", "holds 2 samples"]),
        (
            Npz::new(false).with("x_train", &good()).with("y_train", &Array2::<u8>::eye(2)),
            &["`y_train`", "[2, 2]", "one number per sample"],
        ),
        (
            Npz::new(false).with("x_train", &good()).with("y_train", &array![0.0f32, 1.5]),
            &["`y_train`", "sample 1 has label 1.5", "whole numbers"],
        ),
        (
            Npz::new(false).with("x_train", &Array2::<u8>::zeros((2, 3))).with_the_rest(),
            &["`x_test`", "[1, 4]", "3 values each"],
        ),
    ];
    for (file, expected) in cases {
        let text = file.read().unwrap_err().to_string();
        for part in expected.iter().chain(&["small.npz"]) {
            assert!(text.contains(part), "`{part}` is not in: {text}");
        }
    }
}

#[test]
fn labels_may_be_of_any_number_type_and_stand_in_a_column() {
    let bytes = Array2::from(TRAIN.to_vec());
    let labelled = |file: Npz| {
        let file = file.with("x_test", &Array2::from(TEST.to_vec())).with("y_test", &Array1::from(vec![1u8]));
        file.read().unwrap().train.labels
    };
    let new = || Npz::new(true).with("x_train", &bytes);
    assert_eq!(labelled(new().with("y_train", &array![2.0f32, 0.0])), [2, 0]);
    assert_eq!(labelled(new().with("y_train", &array![2.0f64, -0.0])), [2, 0]);
    assert_eq!(labelled(new().with("y_train", &array![true, false])), [1, 0]);
    assert_eq!(labelled(new().with("y_train", &array![[2i64], [0]])), [2, 0]);
}

#[test]
fn integers_beside_bytes_are_inputs_as_they_are() {
    let x = array![[-1i16, 0, 300, 2], [1, 2, 3, 4]];
    let data = Npz::new(false).with("x_train", &x).with_the_rest().read().unwrap();
    assert_eq!(data.train.values, [-1.0, 0.0, 300.0, 2.0, 1.0, 2.0, 3.0, 4.0]);
    let text = data.fit(fit(4, 3)).unwrap_err().to_string();
    assert!(text.contains("value 0 is -1") && text.contains("`scale`"), "{text}");
    let truth = array![[true, false, true, true], [false, false, true, false]];
    let data = Npz::new(false).with("x_train", &truth).with_the_rest().read().unwrap();
    assert_eq!(data.train.values, [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn what_is_no_npz_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.npz");
    let read = || Dataset::read(&DataSource::Npz(path.clone())).unwrap_err();
    assert!(matches!(read(), DataError::Read { .. }));
    fs::write(&path, b"\x93NUMPY, a single array").unwrap();
    let error = read();
    assert!(matches!(error, DataError::Npz { .. }) && error.to_string().contains("numpy.savez"), "{error}");
}

fn fit(inputs: usize, classes: usize) -> Fit {
    Fit {
        input: Shape::flat(inputs),
        classes,
        train_samples: None,
        test_samples: None,
        any_value: false,
        batch: 1,
    }
}

#[test]
fn a_data_set_must_fit_the_design() {
    let digits = || Dataset::read(&DataSource::Digits).unwrap();
    assert_eq!((digits().name.as_str(), digits().classes), ("digits", 10));
    assert_eq!(digits().fit(fit(64, 10)).unwrap(), digits());
    assert_eq!(digits().fit(fit(64, 12)).unwrap(), digits());

    let error = digits().fit(fit(784, 10)).unwrap_err();
    assert!(
        matches!(error, DataError::Inputs { found: 64, wanted, .. } if wanted == Shape::flat(784)),
        "{error}"
    );
    let error = digits().fit(fit(64, 9)).unwrap_err();
    // The samples count 0, 1, 2, 3, (4), 5, ...: the first nine of the training part is its eighth sample.
    let first_nine = digits().train.labels.iter().position(|&l| l == 9).unwrap();
    assert!(
        matches!(error, DataError::Label { part: Part::Train, index, label: 9, classes: 9, .. } if index == first_nine),
        "{error}"
    );
    // Labels are checked in the test part, too.
    let mut odd = digits();
    odd.test.labels[17] = 10;
    let error = odd.fit(fit(64, 10)).unwrap_err();
    assert!(matches!(error, DataError::Label { part: Part::Test, index: 17, label: 10, .. }), "{error}");
}

#[test]
fn a_design_may_use_fewer_samples_but_not_more_than_there_are() {
    let digits = || Dataset::read(&DataSource::Digits).unwrap();
    let few = digits().fit(Fit { train_samples: Some(100), test_samples: Some(7), ..fit(64, 10) }).unwrap();
    assert_eq!((few.train.len(), few.test.len()), (100, 7));
    assert_eq!(few.train.values, digits().train.values[..6400]);
    assert_eq!(few.test.labels, digits().test.labels[..7]);
    assert_eq!(few.checksum, digits().checksum);
    let all = Fit { train_samples: Some(1438), test_samples: Some(359), ..fit(64, 10) };
    assert_eq!(digits().fit(all).unwrap(), digits());
    let error = digits().fit(Fit { train_samples: Some(1439), ..fit(64, 10) }).unwrap_err();
    assert!(
        matches!(error, DataError::TooFew { part: Part::Train, wanted: 1439, found: 1438, .. }),
        "{error}"
    );
    let error = digits().fit(Fit { test_samples: Some(360), ..fit(64, 10) }).unwrap_err();
    assert!(matches!(error, DataError::TooFew { part: Part::Test, wanted: 360, found: 359, .. }), "{error}");
}

/// The example design: digits, 64 inputs, 10 outputs.
fn example_design() -> Design {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("example.toml");
    fs::write(&path, design::commented_example("example")).unwrap();
    let mut design = design::load(&path).unwrap();
    design.input = Format::unsigned(8, 8);
    design.dynamics = Dynamics::Prototypical;
    design
}

#[test]
fn a_design_loads_its_samples_on_its_input_format() {
    let mut design = example_design();
    (design.train_samples, design.test_samples) = (Some(30), Some(20));
    let set = data::load(&design).unwrap();
    assert_eq!((set.train.len(), set.test.len()), (30, 20));
    let quantised = data::quantise(&design, &set.train);
    assert_eq!((quantised.inputs, quantised.len(), &quantised.labels), (64, 30, &set.train.labels));
    // Pixels of 0 to 16 sixteenths; the format ends one step below 1.
    let expected = |scale: i32| set.train.values.iter().map(move |v| (v * 16.0) as i32 * scale);
    assert!(quantised.raw.iter().copied().eq(expected(16).map(|r| r.min(255))));
    assert_eq!(quantised.raw_of(29), &quantised.raw[29 * 64..]);
    // Energy-based dynamics with half slope: the synapses see x / 2.
    (design.dynamics, design.activation) = (Dynamics::Energy, Activation::HalfHardSigmoid);
    assert!(data::quantise(&design, &set.train).raw.into_iter().eq(expected(8)));
    assert_eq!(data::input_value(&design, 0, 0.75), 0.375);

    design.network = Network::dense(&[63, 8, 10]);
    assert!(
        matches!(data::load(&design), Err(DataError::Inputs { found: 64, wanted, .. }) if wanted == Shape::flat(63))
    );
    design.network = Network::dense(&[64, 8, 5]);
    assert!(matches!(data::load(&design), Err(DataError::Label { classes: 5, .. })));
    design.test_samples = Some(10_000);
    design.network = Network::dense(&[64, 8, 10]);
    assert!(matches!(data::load(&design), Err(DataError::TooFew { part: Part::Test, .. })));
}

#[test]
fn the_embedded_digits_never_change() {
    assert_eq!(
        Dataset::read(&DataSource::Digits).unwrap().checksum,
        "fc72376b3eea631eb7a37c46c28ef35059a894dc5d491c7964398f32ef6e8c26"
    );
}

/// Needs `make data`, and holds the reader against known sums over the real files.
#[test]
#[ignore = "needs MNIST in data/mnist (make data)"]
fn mnist_is_read_whole() {
    let folder =
        std::env::var_os("EQHDL_DATA").map_or_else(|| PathBuf::from("data"), PathBuf::from).join("mnist");
    let data = read_idx(&folder).unwrap();
    assert_eq!(
        (data.train.len(), data.test.len(), data.train.inputs, data.classes),
        (60_000, 10_000, 784, 10)
    );
    // The mean pixel of the training set, 0.1307, that every tutorial normalises by.
    let mean = data.train.values.iter().map(|&v| f64::from(v)).sum::<f64>() / data.train.values.len() as f64;
    assert!((mean - 0.1307).abs() < 5e-5, "{mean}");
    assert_eq!(data.train.labels[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!(data.test.labels[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    // Computed independently with Python's gzip, struct and hashlib.
    assert_eq!(data.checksum, "4824b482fe7bd8aa7fed5235ba7705be565fab1be1ba9eea7d988969962bd5ca");
}

#[test]
fn images_are_held_against_the_shape_of_the_input() {
    let shaped = |rows, columns, channels| Fit { input: Shape { rows, columns, channels }, ..fit(4, 3) };
    let idx = || read_idx(idx_folder("-", "").path()).unwrap();
    assert_eq!(idx().fit(shaped(2, 2, 1)).unwrap().train.form.to_string(), "2x2x1");
    assert_eq!(idx().fit(fit(4, 3)).unwrap().train.values, idx().train.values);
    let text = idx().fit(shaped(1, 4, 1)).unwrap_err().to_string();
    assert!(text.contains("a sample is 2x2x1") && text.contains("input layer is 1x4x1"), "{text}");
    assert!(text.contains("begin `layers` with \"2x2x1\", or with 4"), "{text}");
    let text = idx().fit(shaped(2, 2, 3)).unwrap_err().to_string();
    assert!(text.contains("has 4 values") && text.contains("12 neurons (2x2x3)"), "{text}");

    // Two channels of one row and two columns, channel after channel; the test set says nothing of its form.
    let planes = Array2::from(TRAIN.to_vec()).into_shape_with_order((2, 2, 1, 2)).unwrap();
    let npz = || Npz::new(false).with("x_train", &planes).with_the_rest().read().unwrap();
    assert_eq!(npz().train.form, Form::Array(vec![2, 1, 2]));
    let turned = npz().fit(shaped(1, 2, 2)).unwrap();
    assert_eq!(turned.train.values_of(0), [0, 128, 17, 255].map(|p| f32::from(p as u8) / 255.0));
    assert_eq!(turned.test.values, npz().test.values);
    assert_eq!(turned.checksum, npz().checksum);
    let text = npz().fit(shaped(2, 2, 1)).unwrap_err().to_string();
    assert!(text.contains("shape [2, 1, 2]") && text.contains("(samples, 2, 2, 1)"), "{text}");
    // Images of two forms in one file.
    let test = Array3::<u8>::zeros((1, 1, 4));
    let text = Npz::new(false)
        .with("x_train", &planes)
        .with("y_train", &Array1::from(TRAIN_LABELS.to_vec()))
        .with("x_test", &test)
        .with("y_test", &Array1::from(TEST_LABELS.to_vec()))
        .read()
        .unwrap_err()
        .to_string();
    assert!(text.contains("`x_test`") && text.contains("the shape [2, 1, 2]"), "{text}");
}

/// A record of CIFAR-10: red counts rows, green columns, blue is the label.
fn cifar_record(labels: &[u8]) -> Vec<u8> {
    let red = (0..1024).map(|at| (at / 32) as u8);
    let green = (0..1024).map(|at| (at % 32) as u8);
    let blue = [labels[labels.len() - 1]; 1024];
    labels.iter().copied().chain(red).chain(green).chain(blue).collect()
}

/// The files of CIFAR-10, one record each with its number as label; the test set's is 7.
fn cifar_folder(ending: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for label in 1..=5 {
        let name = format!("data_batch_{label}.bin{ending}");
        write(&folder.path().join(name), &cifar_record(&[label]));
    }
    write(&folder.path().join(format!("test_batch.bin{ending}")), &cifar_record(&[7]));
    folder
}

#[test]
fn folders_of_cifar_are_read_whole() {
    let mut checksums = Vec::new();
    for ending in ["", ".gz"] {
        let folder = cifar_folder(ending);
        let data = Dataset::read(&DataSource::Cifar10(folder.path().to_owned())).unwrap();
        assert_eq!((&data.train.labels[..], &data.test.labels[..]), (&[1, 2, 3, 4, 5][..], &[7][..]));
        // Row 3, column 20 of the fourth sample.
        let pixel = &data.train.values_of(3)[(3 * 32 + 20) * 3..][..3];
        assert_eq!(pixel, [3, 20, 4].map(|v| f32::from(v as u8) / 255.0));
        let fit = Fit { input: Shape { rows: 32, columns: 32, channels: 3 }, ..fit(0, 10) };
        assert_eq!(data.clone().fit(fit).unwrap(), data);
        checksums.push(data.checksum);
    }
    assert_eq!(checksums[0], checksums[1]);
    let folder = cifar_folder(".gz");
    fs::remove_file(folder.path().join("data_batch_4.bin.gz")).unwrap();
    let text = Dataset::read(&DataSource::Cifar10(folder.path().to_owned())).unwrap_err().to_string();
    assert!(text.contains("none of data_batch_4.bin, data_batch_4.bin.gz is there"), "{text}");

    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("train.bin"), &[cifar_record(&[4, 40]), cifar_record(&[9, 99])].concat());
    write(&folder.path().join("test.bin"), &cifar_record(&[0, 1]));
    let data = Dataset::read(&DataSource::Cifar100(folder.path().to_owned())).unwrap();
    assert_eq!((&data.train.labels[..], &data.test.labels[..]), (&[40, 99][..], &[1][..]));
    assert_eq!(data.classes, 100);
}

#[test]
fn one_file_of_cifar_is_parted_by_the_number_of_tests() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.bin.gz");
    write(&path, &[0, 1, 2, 3, 4].map(|label| cifar_record(&[label])).concat());
    let read = || Dataset::read(&DataSource::Cifar10(path.clone())).unwrap();
    let text = read().fit(fit(3072, 10)).unwrap_err().to_string();
    assert!(
        text.contains("`some.bin.gz` is one file of 5 samples") && text.contains("`test_samples`"),
        "{text}"
    );
    let parted = |train, test| {
        let data = read().fit(Fit { train_samples: train, test_samples: Some(test), ..fit(3072, 10) })?;
        assert_eq!(data.train.values.len(), data.train.len() * 3072);
        assert_eq!(data.test.values_of(0)[2], f32::from(data.test.labels[0] as u8) / 255.0);
        Ok::<_, DataError>((data.train.labels, data.test.labels))
    };
    assert_eq!(parted(None, 2).unwrap(), (vec![0, 1, 2], vec![3, 4]));
    assert_eq!(parted(Some(1), 2).unwrap(), (vec![0], vec![3, 4]));
    assert!(matches!(parted(Some(4), 2), Err(DataError::TooFew { part: Part::Train, found: 3, .. })));
    for tests in [5, 6] {
        let error = parted(None, tests).unwrap_err();
        assert!(matches!(error, DataError::TooFew { part: Part::Test, found: 4, .. }), "{error}");
    }
    // A cut file, and a folder without the files.
    write(&path, &cifar_record(&[1])[..3000]);
    let text = Dataset::read(&DataSource::Cifar10(path.clone())).unwrap_err().to_string();
    assert!(text.contains("after 0 records of 3073 bytes (uncompressed) come 3000"), "{text}");
    let nowhere = folder.path().join("nowhere");
    let text = Dataset::read(&DataSource::Cifar10(nowhere)).unwrap_err().to_string();
    assert!(text.contains("data_batch_1.bin") && text.contains("no such folder"), "{text}");
}

/// A file of downsampled ImageNet: one image for each label, all of whose values are the label's.
fn imagenet_file(path: &Path, labels: &[i64]) {
    let mut npz = NpzWriter::new_compressed(File::create(path).unwrap());
    let data = Array2::from_shape_fn((labels.len(), 3072), |(image, at)| {
        if at / 1024 == 0 { (at % 256) as u8 } else { labels[image] as u8 }
    });
    npz.add_array("data", &data).unwrap();
    npz.add_array("labels", &Array1::from(labels.to_vec())).unwrap();
    npz.finish().unwrap();
}

#[test]
fn downsampled_imagenet_is_read_as_far_as_it_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let source = DataSource::Imagenet32(folder.path().to_owned());
    for n in 1..=10 {
        imagenet_file(&file(&format!("train_data_batch_{n}.npz")), &[n, n + 100]);
    }
    imagenet_file(&file("val_data.npz"), &[1000, 1]);
    let data = Dataset::read(&source).unwrap();
    assert_eq!((data.train.len(), data.classes), (20, 1000));
    assert_eq!((&data.train.labels[..4], &data.test.labels[..]), (&[0, 100, 1, 101][..], &[999, 0][..]));
    // Row 1, column 0 of the third image.
    let pixel = &data.train.values_of(2)[32 * 3..][..3];
    assert_eq!(pixel, [32, 2, 2].map(|v| f32::from(v as u8) / 255.0));
    let some = Dataset::read_for(&source, Some(3)).unwrap();
    assert_eq!((some.train.len(), some.test.len()), (4, 2));
    assert_ne!(some.checksum, data.checksum);

    // A file that is not needed may be missing; one that is may not.
    fs::remove_file(file("train_data_batch_3.npz")).unwrap();
    assert_eq!(Dataset::read_for(&source, Some(4)).unwrap(), some);
    let text = Dataset::read_for(&source, Some(5)).unwrap_err().to_string();
    assert!(text.contains("none of train_data_batch_3.npz is there"), "{text}");
    imagenet_file(&file("train_data_batch_1.npz"), &[1, 0]);
    let text = Dataset::read_for(&source, Some(1)).unwrap_err().to_string();
    assert!(text.contains("`labels`, sample 1 has label 0; labels count from 1"), "{text}");
    let mut npz = NpzWriter::new(File::create(file("train_data_batch_1.npz")).unwrap());
    npz.add_array("data", &Array2::<u8>::zeros((2, 3071))).unwrap();
    npz.finish().unwrap();
    let text = Dataset::read_for(&source, Some(1)).unwrap_err().to_string();
    assert!(text.contains("`data` has shape [2, 3071]") && text.contains("(images, 3072)"), "{text}");
    fs::write(file("train_data_batch_1.npz"), b"PK\x03\x04").unwrap();
    let text = Dataset::read_for(&source, Some(1)).unwrap_err().to_string();
    assert!(text.contains("fetch the NPZ version"), "{text}");
}

#[test]
fn values_outside_of_0_to_1_need_a_design_that_says_what_becomes_of_them() {
    let read = || {
        let mut x = Array2::from(TRAIN.to_vec()).mapv(|p| f32::from(p) / 255.0);
        x[[1, 2]] = -2.5;
        Npz::new(false).with("x_train", &x).with_the_rest().read().unwrap()
    };
    let text = read().fit(fit(4, 3)).unwrap_err().to_string();
    assert!(text.contains("training sample 1, value 2 is -2.5") && text.contains("signed `input`"), "{text}");
    let any = Fit { any_value: true, ..fit(4, 3) };
    assert_eq!(read().fit(any).unwrap().train.values[6], -2.5);
    let mut test = read();
    test.train.values[6] = 0.0;
    test.test.values[3] = 1.25;
    let text = test.fit(fit(4, 3)).unwrap_err().to_string();
    assert!(text.contains("test sample 0, value 3 is 1.25"), "{text}");

    let mut design = example_design();
    assert!(!design.takes_any_value());
    design.input = Format::signed(8, 4);
    assert!(design.takes_any_value());
    design.input = Format::unsigned(8, 8);
    design.preparation.offset = vec![0.5];
    assert!(design.takes_any_value());
}

#[test]
fn samples_are_scaled_before_they_meet_the_format() {
    let mut design = example_design();
    (design.train_samples, design.test_samples) = (Some(3), Some(2));
    design.input = Format::signed(8, 5);
    design.preparation = Preparation { scale: vec![2.0], offset: vec![-0.5], ..Preparation::default() };
    let set = data::load(&design).unwrap();
    assert_eq!(data::warnings(&design, &set), [""; 0]);
    // Pixels of 0 to 16 sixteenths become -1 to 1, in steps of 1/32.
    let raw = data::quantise(&design, &set.train).raw;
    let expected = |v: &f32| ((v * 16.0) as i32 - 8) * 4;
    assert!(raw.iter().copied().eq(set.train.values.iter().map(expected)));
    assert!(raw.contains(&-32) && raw.contains(&32));
    // The oracle sees the same values.
    let real = eqhdl::oracle::train::real_input(&design, &set.train, 2);
    assert!(real.iter().zip(&raw[128..]).all(|(real, &raw)| real * 32.0 == f64::from(raw)));
    // One number for each value: the second half of an image is turned into its negative.
    design.preparation.scale = (0..64).map(|n| if n < 32 { 2.0 } else { -2.0 }).collect();
    let turned = data::quantise(&design, &set.train).raw;
    for (at, (raw, turned)) in raw.iter().zip(&turned).enumerate() {
        assert_eq!(*turned, if at % 64 < 32 { *raw } else { -raw }, "{at}");
    }
    design.preparation.scale = vec![2.0];

    // Values beyond the format are held at its ends, and counted; not the last step.
    design.input = Format::signed(6, 5);
    assert_eq!(data::warnings(&design, &set), [""; 0]);
    design.preparation.scale = vec![4.0];
    let lost =
        set.train.values.iter().chain(&set.test.values).filter(|v| (4.0 * **v - 2.0).abs() > 1.1).count();
    let found = data::warnings(&design, &set);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains(&format!("{lost} of 320 values")) && found[0].contains("from -2.0000 to 2.0000"),
        "{found:?}"
    );
    assert!(data::quantise(&design, &set.train).raw.iter().all(|raw| (-32..=31).contains(raw)));
    // Values that vanish are told, too.
    design.preparation = Preparation { scale: vec![0.01], ..Preparation::default() };
    let found = data::warnings(&design, &set);
    assert!(found.len() == 1 && found[0].contains("all of the values that are not 0 become 0"), "{found:?}");
}
