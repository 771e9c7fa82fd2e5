//! The parsers, each with whole files to start from, and whether it accepts an input.

use eqhdl::cosim::Vcd;
use eqhdl::data::Dataset;
use eqhdl::design::{self, DataSource, Design};
use eqhdl::reference::checkpoint::Checkpoint;
use eqhdl::reference::train::{Plan, Trainer, TrainingData};
use eqhdl::study::address::Identity;
use eqhdl::study::store::{Found, Store, Training};
use ndarray::{Array1, Array2};
use ndarray_npy::NpzWriter;
use sha2::{Digest, Sha256};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tempfile::TempDir;

pub struct Parser {
    pub name: &'static str,
    /// Whole files.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// True where the input is taken. May refuse, but not panic.
    pub parse: fn(&[u8]) -> bool,
}

pub const PARSERS: &[Parser] = &[
    Parser {
        name: "design",
        seeds: designs,
        parse: |text| design::parse(Path::new("x.toml"), &lossy(text)).map_err(told).is_ok(),
    },
    Parser {
        name: "study",
        seeds: studies,
        parse: |text| eqhdl::study::file::parse(Path::new("x.toml"), &lossy(text)).map_err(told).is_ok(),
    },
    Parser { name: "npz", seeds: archives, parse: npz },
    Parser { name: "imagenet", seeds: batches, parse: imagenet },
    Parser { name: "idx", seeds: images, parse: idx },
    Parser { name: "cifar", seeds: records, parse: cifar },
    Parser { name: "vcd", seeds: waveforms, parse: vcd },
    Parser { name: "checkpoint", seeds: checkpoints, parse: checkpoint },
    Parser { name: "result", seeds: results, parse: result },
];

/// To see that a panic is seen.
pub const PLANTED: Parser = Parser {
    name: "planted",
    seeds: designs,
    parse: |text| {
        assert!(text.is_ascii(), "a parser that cannot take this");
        true
    },
};

/// To see that a hang is seen.
pub const HANGS: Parser = Parser {
    name: "hanging",
    seeds: designs,
    parse: |text| {
        while !text.is_ascii() {
            std::thread::park_timeout(std::time::Duration::from_secs(60));
        }
        true
    },
};

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// A refusal is also shown: the error path is part of the parser.
fn told(e: design::DesignError) {
    let _ = format!("{:?}", miette::Report::new(e));
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("the repository has it")
}

fn designs() -> Vec<Vec<u8>> {
    ["digits-cep", "digits-kp", "digits-batch", "digits-softmax", "mnist-ep"]
        .map(|name| file(&format!("designs/{name}.toml")))
        .to_vec()
}

fn studies() -> Vec<Vec<u8>> {
    ["digits-bits", "small-updates", "digits-narrowest"]
        .map(|name| file(&format!("designs/studies/{name}.toml")))
        .to_vec()
}

/// A place for the files of parsers that take paths; in memory where the system has such a folder.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a folder for inputs")
});

fn put(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.path().join(name);
    std::fs::write(&path, bytes).expect("an input can be written");
    path
}

fn archives() -> Vec<Vec<u8>> {
    let archive = |compressed: bool| {
        let file = Cursor::new(Vec::new());
        let mut npz = if compressed { NpzWriter::new_compressed(file) } else { NpzWriter::new(file) };
        let x = Array2::from_shape_fn((3, 4), |(i, j)| (i + j) as f32 / 8.0);
        let bytes = x.map(|&v| (v * 255.0) as u8);
        let y: Array1<i64> = Array1::from(vec![0, 1, 2]);
        npz.add_array("x_train", &x).expect("written");
        npz.add_array("y_train", &y).expect("written");
        npz.add_array("x_test", &bytes).expect("written");
        npz.add_array("y_test", &y).expect("written");
        npz.finish().expect("written").into_inner()
    };
    vec![archive(false), archive(true)]
}

fn npz(bytes: &[u8]) -> bool {
    Dataset::read(&DataSource::Npz(put("data.npz", bytes))).map_err(|e| e.to_string()).is_ok()
}

fn images() -> Vec<Vec<u8>> {
    let mut images = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2];
    images.extend([0, 50, 100, 150, 200, 250, 255, 1]);
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut zipped, &images).expect("written");
    vec![images, zipped.finish().expect("written")]
}

fn idx(bytes: &[u8]) -> bool {
    static REST: LazyLock<()> = LazyLock::new(|| {
        let labels = [0, 0, 8, 1, 0, 0, 0, 2, 1, 0];
        put("train-labels-idx1-ubyte", &labels);
        put("t10k-labels-idx1-ubyte", &labels);
        put("t10k-images-idx3-ubyte", &images()[0]);
    });
    LazyLock::force(&REST);
    put("train-images-idx3-ubyte", bytes);
    Dataset::read(&DataSource::Idx(FOLDER.path().to_owned())).map_err(|e| e.to_string()).is_ok()
}

/// A file of downsampled ImageNet with two images.
fn batches() -> Vec<Vec<u8>> {
    let archive = |compressed: bool| {
        let file = Cursor::new(Vec::new());
        let mut npz = if compressed { NpzWriter::new_compressed(file) } else { NpzWriter::new(file) };
        npz.add_array("data", &Array2::from_shape_fn((2, 3072), |(i, j)| (i + j) as u8)).expect("written");
        npz.add_array("labels", &Array1::from(vec![1i64, 1000])).expect("written");
        npz.finish().expect("written").into_inner()
    };
    vec![archive(false), archive(true)]
}

fn imagenet(bytes: &[u8]) -> bool {
    static REST: LazyLock<()> = LazyLock::new(|| {
        put("val_data.npz", &batches()[0]);
    });
    LazyLock::force(&REST);
    put("train_data_batch_1.npz", bytes);
    let folder = DataSource::Imagenet32(FOLDER.path().to_owned());
    Dataset::read_for(&folder, Some(1)).map_err(|e| e.to_string()).is_ok()
}

/// Two records of CIFAR-10, plain and gzipped.
fn records() -> Vec<Vec<u8>> {
    let record = |label: u8| std::iter::once(label).chain((0..3072).map(|at| (at % 251) as u8));
    let whole: Vec<u8> = record(3).chain(record(9)).collect();
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut zipped, &whole).expect("written");
    vec![whole, zipped.finish().expect("written")]
}

fn cifar(bytes: &[u8]) -> bool {
    let path = put("data_batch.bin", bytes);
    let read = |source| Dataset::read(&source).map_err(|e| e.to_string()).is_ok();
    // The other format refuses the same bytes, or takes them, without a panic.
    let _ = read(DataSource::Cifar100(path.clone()));
    read(DataSource::Cifar10(path))
}

fn waveforms() -> Vec<Vec<u8>> {
    let text = b"$version x $end\n$timescale 1ns $end\n$scope module top $end\n$scope module u_probe $end
$var wire 1 ! clk_i $end\n$var wire 8 \" data [7:0] $end\n$var wire 40 # wide [39:0] $end\n$upscope $end\n$upscope $end
$enddefinitions $end\n#0\n0!\nb10101010 \"\nb1 #\n#5\n1!\n#10\n0!\nbx \"\n#15\n1!\nb11111111111111111111 #\n";
    vec![text.to_vec()]
}

fn vcd(bytes: &[u8]) -> bool {
    let Ok(mut vcd) = Vcd::open_clocked(bytes, "u_probe", &["data", "wide"], Some("clk_i"), &["other"])
    else {
        return false;
    };
    loop {
        match vcd.advance() {
            Ok(true) => {
                let _ = (vcd.require(0..2), vcd.value(0), vcd.words(1).len(), vcd.time());
            }
            Ok(false) => return true,
            Err(e) => return e.to_string().is_empty(),
        }
    }
}

/// A small training, and what its files belong to.
struct Small {
    design: Design,
    data: TrainingData,
    plan: Plan,
}

static SMALL: LazyLock<Small> = LazyLock::new(|| {
    let text = lossy(&file("designs/digits-cep.toml"))
        .replace("[64, 64, 10]", "[64, 2, 10]")
        .replace("lanes = 16", "lanes = 2")
        .replace("[training]", "[training]\ntrain_samples = 3\ntest_samples = 2");
    let design = design::parse(Path::new("small.toml"), &text).expect("a design");
    let dataset = eqhdl::data::load(&design).expect("the digits");
    Small { data: TrainingData::new(&design, &dataset), plan: Plan::new(&design, &dataset), design }
});

const SEAL: usize = 32;

/// Without its check sum, which [`checkpoint`] puts behind what is left of it: or no damage would come any further.
fn checkpoints() -> Vec<Vec<u8>> {
    let Small { design, data, plan } = &*SMALL;
    let trainer = Trainer::new(design, data, *plan);
    let path = FOLDER.path().join("whole");
    let whole = Checkpoint { progress: trainer.progress().clone(), weights: trainer.weights() };
    whole.write(&path, design, &data.checksum, *plan).expect("written");
    let bytes = std::fs::read(path).expect("read");
    vec![bytes[..bytes.len() - SEAL].to_vec()]
}

fn checkpoint(bytes: &[u8]) -> bool {
    let Small { design, data, plan } = &*SMALL;
    let mut sealed = bytes.to_vec();
    sealed.extend(Sha256::digest(bytes));
    let path = put("checkpoint", &sealed);
    matches!(Checkpoint::read(&path, design, &data.checksum, *plan).map_err(|e| e.to_string()), Ok(Some(_)))
}

fn results() -> Vec<Vec<u8>> {
    let Small { design, data, plan } = &*SMALL;
    let mut trainer = Trainer::new(design, data, *plan);
    while trainer.step().is_some() {}
    let progress = trainer.progress();
    let training = Training {
        identity: Identity::of(design, &data.checksum, *plan),
        epochs: progress.course.epochs.clone(),
        weights_digest: trainer.weights().digest(),
        counters: progress.counters.clone(),
        spent: progress.spent.clone(),
        milliseconds: 1,
    };
    let store = Store::new(FOLDER.path().join("whole-results"));
    store.keep_training(&training).expect("written");
    vec![std::fs::read(store.training_file(&training.identity)).expect("read")]
}

fn result(bytes: &[u8]) -> bool {
    let Small { design, data, plan } = &*SMALL;
    let identity = Identity::of(design, &data.checksum, *plan);
    static STORE: LazyLock<Store> = LazyLock::new(|| {
        std::fs::create_dir_all(FOLDER.path().join("results")).expect("a folder");
        Store::new(FOLDER.path().join("results"))
    });
    std::fs::write(STORE.training_file(&identity), bytes).expect("written");
    matches!(STORE.training(&identity), Found::Good(_))
}
