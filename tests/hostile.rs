//! Files that are not what they say, or never end: refused at once, in a message that fits a screen, in little memory.

use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

/// Runs eqhdl with at most so many MiB of address space and ten seconds.
fn eqhdl(dir: &Path, arguments: &str) -> Output {
    let program = env!("CARGO_BIN_EXE_eqhdl");
    let line = format!("ulimit -v {}; exec timeout 20 '{program}' {arguments}", 1 << 20);
    Command::new("bash").arg("-c").arg(line).current_dir(dir).output().expect("bash is there")
}

fn refused(dir: &Path, arguments: &str, words: &str) {
    let output = eqhdl(dir, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments}: {said}");
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "");
    assert!(flat.contains(words), "{arguments}: {said}");
    assert!(said.len() < 5000 && said.lines().count() < 40, "{arguments}: {} bytes", said.len());
}

fn design(source: &str) -> String {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("designs/digits-cep.toml"));
    text.unwrap().replace("source = \"digits\"", source)
}

#[test]
fn what_is_no_file_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let made = Command::new("mkfifo").arg(dir.path().join("pipe")).status().unwrap();
    assert!(made.success());
    for text in ["pipe", "/dev/zero"] {
        refused(dir.path(), &format!("check {text}"), "a pipe or device, not a file");
        refused(dir.path(), &format!("study {text}"), "a pipe or device, not a file");
    }
    refused(dir.path(), "check .", "a folder, not a file");
    std::fs::write(dir.path().join("long.toml"), vec![b'#'; 5 << 20]).unwrap();
    refused(dir.path(), "check long.toml", "longer than");
    std::fs::write(dir.path().join("net.toml"), design("source = \"npz\"\npath = \"pipe\"")).unwrap();
    refused(dir.path(), "train net.toml", "a pipe or device, not a file");
}

#[test]
fn a_message_about_a_huge_line_or_number_fits_a_screen() {
    let dir = tempfile::tempdir().unwrap();
    let digits = "9".repeat(300);
    for (name, line) in [
        ("columns", format!("{}beta = [", " ".repeat(100_000))),
        ("digits", format!("beta = {digits}")),
        ("key", format!("b{digits} = 1")),
        ("escape", "beta = \"\\u001b[2J\"".to_owned()),
        ("lines", format!("{}beta = [", "\n".repeat(200_000))),
    ] {
        std::fs::write(
            dir.path().join("net.toml"),
            design("source = \"digits\"").replace("beta = 0.25", &line),
        )
        .unwrap();
        let output = eqhdl(dir.path(), "check net.toml");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert!(said.len() < 5000 && said.lines().count() < 40 && !said.contains('\u{1b}'), "{name}: {said}");
    }
}

#[test]
fn sizes_are_checked_before_they_are_believed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mnist");
    std::fs::create_dir(&path).unwrap();
    // 2^30 images of one pixel: a gigabyte behind two kilobytes.
    let mut head = vec![0, 0, 8, 3, 0x40, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
    head.resize(head.len() + 100_000, 0);
    zipped.write_all(&head).unwrap();
    std::fs::write(path.join("train-images-idx3-ubyte.gz"), zipped.finish().unwrap()).unwrap();
    std::fs::write(path.join("train-labels-idx1-ubyte"), [0, 0, 8, 1, 0x40, 0, 0, 0]).unwrap();
    std::fs::write(dir.path().join("net.toml"), design("source = \"idx\"\npath = \"mnist\"")).unwrap();
    refused(dir.path(), "train net.toml", "which is the most that are read");

    let study = |points: &str| {
        let text = format!("base = \"base.toml\"\nseeds = [1]\n\n{points}");
        std::fs::write(dir.path().join("study.toml"), text).unwrap();
    };
    std::fs::write(dir.path().join("base.toml"), design("source = \"digits\"")).unwrap();
    let numbers = (1..=1000).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    study(&format!(
        "[grid]\n\"rule.T\" = [{numbers}]\n\"rule.K\" = [{numbers}]\n\"training.epochs\" = [{numbers}]\n"
    ));
    refused(dir.path(), "study study.toml", "a study has at most 10000");
    study("[random]\npoints = 1000000000\nseed = 1\n\n[random.fields]\nrule.T = [1, 20]\n");
    refused(dir.path(), "study study.toml", "a study has at most 10000");
    // A search has points too, and they are counted before the first is made.
    refused(dir.path(), "study study.toml --search", "a study has at most 10000");
    let wide = (1..=400_000).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    study(&format!("[grid]\n\"rule.T\" = [{wide}]\n"));
    refused(dir.path(), "study study.toml", "a study has at most 10000");
    // A base design of a megabyte is there once, and not once in each of its points.
    let long = format!("{}\n# {}\n", design("source = \"digits\""), "x".repeat(1 << 20));
    std::fs::write(dir.path().join("base.toml"), long).unwrap();
    study(&format!(
        "[grid]\n\"rule.T\" = [{}]\n\"rule.K\" = [{}]\n",
        (1..=60).map(|n| n.to_string()).collect::<Vec<_>>().join(", "),
        (1..=30).map(|n| n.to_string()).collect::<Vec<_>>().join(", ")
    ));
    refused(dir.path(), "study study.toml --point none", "none");
}

#[test]
fn names_of_arrays_do_not_reach_the_terminal_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let mut archive = zip::ZipWriter::new(std::fs::File::create(dir.path().join("x.npz")).unwrap());
    for name in ["\u{1b}[2Jgone.npy".to_owned(), format!("{}.npy", "long".repeat(10_000))] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    }
    archive.finish().unwrap();
    std::fs::write(dir.path().join("net.toml"), design("source = \"npz\"\npath = \"x.npz\"")).unwrap();
    for command in ["train", "cosim"] {
        let output = eqhdl(dir.path(), &format!("{command} net.toml"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.len() < 5000 && said.lines().count() < 40 && !said.contains('\u{1b}'), "{said}");
    }
    // Nor by way of a point that is broken.
    std::fs::write(dir.path().join("study.toml"), "base = \"net.toml\"\nseeds = [1]\n").unwrap();
    let output = eqhdl(dir.path(), "study study.toml --engine list");
    let said = String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned();
    assert!(said.len() < 5000 && !said.contains('\u{1b}'), "{said}");
}
