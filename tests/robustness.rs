//! Output that cannot be written, signals, and two processes at once: nothing panics, and no work is lost.

use eqhdl::lock::Lock;
use serde_json::Value;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn eqhdl() -> Command {
    Command::new(env!("CARGO_BIN_EXE_eqhdl"))
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn design() -> PathBuf {
    repository("designs/digits-ep.toml")
}

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// A pipe that nobody reads.
fn unread() -> std::io::PipeWriter {
    std::io::pipe().unwrap().1
}

/// A training of a moment.
fn short(out: &Path) -> Command {
    let mut command = eqhdl();
    command.arg("train").arg(design()).args(["--epochs", "2", "--samples", "20", "--json", "--out"]).arg(out);
    command
}

#[test]
fn a_result_that_cannot_be_written_is_exit_code_3() {
    let out = tempfile::tempdir().unwrap();
    let check = || {
        let mut c = eqhdl();
        c.arg("check").arg(design());
        c
    };
    let with = |words: &[&str]| {
        let mut c = eqhdl();
        c.args(words);
        c
    };
    for mut command in
        [check(), short(out.path()), with(&["--help"]), with(&["train", "--help"]), with(&["-V"])]
    {
        let done = command.stdout(full()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(3), "{command:?}: {said}");
        assert!(
            said.contains("cannot write the result to standard output") && !said.contains("panicked"),
            "{said}"
        );
    }
    // The training itself has been kept.
    assert!(out.path().join("train.json").is_file());
    // A reader that has had enough is no failure.
    let done = check().stdout(unread()).output().unwrap();
    assert_eq!((done.status.code(), done.stderr.as_slice()), (Some(141), &b""[..]));
}

#[test]
fn prose_that_cannot_be_written_stops_nothing() {
    let out = tempfile::tempdir().unwrap();
    let expected = short(out.path()).output().unwrap();
    assert!(expected.status.success());
    let digest = |stdout: &[u8]| serde_json::from_slice::<Value>(stdout).unwrap()["weights_digest"].clone();
    for stderr in [Stdio::from(full()), Stdio::from(unread())] {
        let done = short(out.path()).stderr(stderr).output().unwrap();
        assert!(done.status.success(), "{}", done.status);
        assert_eq!(digest(&done.stdout), digest(&expected.stdout));
    }
    let bad = eqhdl().args(["check", "no-such-file.toml"]).stderr(full()).output().unwrap();
    assert_eq!(bad.status.code(), Some(2));
    let bad = eqhdl().args(["no-such-command"]).stderr(full()).output().unwrap();
    assert_eq!(bad.status.code(), Some(2));
}

#[test]
fn only_one_module_writes_to_the_standard_streams() {
    let mut folders = vec![repository("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("cli/say.rs") {
                let text = fs::read_to_string(&path).unwrap();
                for word in ["println!(", "print!(", "dbg!(", "stdout().lock", "stderr().lock"] {
                    assert!(!text.contains(word), "{}: {word}", path.display());
                }
            }
        }
    }
}

fn signal(child: &Child, name: &str) {
    let done = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(done.success());
}

/// Waits until something is so; fails where the process ends before.
fn wait_until(child: &mut Child, so: impl Fn() -> bool) {
    while !so() {
        assert!(child.try_wait().unwrap().is_none(), "ended too early");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_signal_leaves_a_checkpoint_and_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let train = |out: &Path, more: &[&str]| {
        // Tests that were started under `nohup` would hand it on: there, HUP stops nothing.
        let mut c = Command::new("env");
        c.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_eqhdl"), "train"]).arg(design()).args([
            "--samples",
            "300",
            "--epochs",
            "8",
            "--json",
            "--quiet",
            "--out",
        ]);
        c.arg(out).args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        c
    };
    let whole = train(&folder.path().join("whole"), &[]).output().unwrap();
    let outcome = |stdout: &[u8]| {
        let report: Value = serde_json::from_slice(stdout).unwrap();
        (report["weights_digest"].clone(), report["test_accuracy_per_epoch"].clone())
    };
    for (name, code) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
        for float in [false, true] {
            let out = folder.path().join(format!("{name}-{float}"));
            let kind: &[&str] = if float { &["--float"] } else { &[] };
            let file = out.join(if float { "checkpoint-float" } else { "checkpoint" });
            // No checkpoint but the one at the end of each epoch: what is between is what the signal keeps.
            let mut child = train(&out, &[kind, &["--checkpoint-every", "1e9"]].concat()).spawn().unwrap();
            wait_until(&mut child, || file.is_file());
            let before = fs::read(&file).unwrap();
            signal(&child, name);
            let done = child.wait_with_output().unwrap();
            assert_eq!(done.status.code(), Some(code), "{name}");
            assert!(String::from_utf8_lossy(&done.stderr).contains("go on with --resume"));
            assert_ne!(fs::read(&file).unwrap(), before, "{name}: a new checkpoint");
            if !float {
                let resumed = train(&out, &["--resume"]).output().unwrap();
                assert_eq!(outcome(&resumed.stdout), outcome(&whole.stdout), "{name}");
            }
        }
    }
}

#[test]
fn weights_are_tried_before_the_training_and_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for save in ["file/w.npz", "."] {
        let done =
            short(&folder.path().join("out")).arg("--save").arg(folder.path().join(save)).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(3), "{said}");
        assert!(said.contains("cannot write the weights to"), "{said}");
        assert!(!folder.path().join("out/checkpoint").exists(), "refused before anything was trained");
    }
    for float in [&["--float"][..], &[]] {
        let done =
            short(&folder.path().join("out")).args(["--save", "/dev/full"]).args(float).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(3), "{said}");
        assert!(
            said.contains("cannot write the weights to /dev/full") && !said.contains("ZipWriter"),
            "{said}"
        );
    }
    // A link in the way is replaced; what it points to stays.
    let (precious, link) = (folder.path().join("precious"), folder.path().join("w.npz"));
    fs::write(&precious, "precious").unwrap();
    for name in ["w.npz", "out/train.json", "out/checkpoint"] {
        let _ = fs::remove_file(folder.path().join(name));
        std::os::unix::fs::symlink(&precious, folder.path().join(name)).unwrap();
    }
    assert!(short(&folder.path().join("out")).arg("--save").arg(&link).status().unwrap().success());
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert!(fs::read(&link).unwrap().starts_with(b"PK"));
}

#[test]
fn seconds_between_checkpoints_are_a_number_that_clocks_know() {
    let folder = tempfile::tempdir().unwrap();
    for bad in ["nan", "-1", "inf", "-inf"] {
        let done = short(folder.path()).arg(format!("--checkpoint-every={bad}")).output().unwrap();
        assert_eq!(done.status.code(), Some(2), "{bad}");
        assert!(String::from_utf8_lossy(&done.stderr).contains("for instance 30"), "{bad}");
    }
    assert!(short(folder.path()).args(["--checkpoint-every", "1e300"]).status().unwrap().success());
}

#[test]
fn what_another_process_uses_is_refused_with_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let _theirs = Lock::beside(&folder.path().join("checkpoint")).unwrap();
    let done = short(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).replace(['\n', '│'], "");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(done.status.code(), Some(3), "{said}");
    assert!(said.contains(&format!("is in use by process {}", std::process::id())), "{said}");
    // Floats have a checkpoint of their own.
    assert!(short(folder.path()).arg("--float").status().unwrap().success());
}

#[test]
fn an_output_folder_that_cannot_be_is_exit_code_3() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let study = repository("designs/studies/digits-bits.toml");
    let runs: [(&str, &Path, &[&str]); 6] = [
        ("train", &design(), &["--epochs", "1"]),
        ("train", &design(), &["--epochs", "1", "--float"]),
        ("gradient", &design(), &["--no-studies"]),
        ("generate", &design(), &[]),
        ("study", &study, &["--gather"]),
        ("results", Path::new("--table"), &["--write", "file/page.md"]),
    ];
    for (command, what, more) in runs {
        let mut run = eqhdl();
        run.current_dir(&folder).arg(command).arg(what).args(more).args(["--out", "file/below"]);
        let done = run.output().unwrap();
        assert_eq!(done.status.code(), Some(3), "{run:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
    let done = eqhdl().current_dir(&folder).args(["new", "file/below"]).output().unwrap();
    assert_eq!(done.status.code(), Some(3));
}

/// Command lines of the processes that work in a folder.
fn processes_in(folder: &Path) -> Vec<String> {
    let folder = folder.canonicalize().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|e| e.path());
    let inside = processes.filter(|p| fs::read_link(p.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&folder)));
    inside.filter_map(|p| fs::read_to_string(p.join("cmdline")).ok()).filter(|c| !c.is_empty()).collect()
}

#[test]
fn what_a_cross_check_has_started_ends_with_it() {
    // TERM in the build, KILL in the build, TERM in the simulation: compilers and simulators end too.
    for (name, code, in_simulation) in
        [("TERM", Some(143), false), ("KILL", None, false), ("TERM", Some(143), true)]
    {
        let folder = tempfile::tempdir().unwrap();
        let mut run = eqhdl();
        run.arg("cosim").arg(design()).arg("--out").arg(folder.path());
        run.env("CCACHE_DISABLE", "1");
        let mut child = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let tool = if in_simulation { "--weights-out" } else { "clang" };
        wait_until(&mut child, || processes_in(folder.path()).iter().any(|p| p.contains(tool)));
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), code);
        let mut left = processes_in(folder.path());
        // The system needs a moment to end a group of processes; one that has not been told to end never does.
        for _ in 0..500 {
            if left.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
            left = processes_in(folder.path());
        }
        assert!(left.is_empty(), "{left:#?}");
    }
}

#[test]
fn a_working_folder_may_have_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("a b/$x'y/#;(z)");
    fs::create_dir_all(&odd).unwrap();
    let run = |words: &[&str]| {
        let done = eqhdl().current_dir(&odd).args(words).output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    run(&["new", "net"]);
    run(&["generate", "net.toml", "-o", "rtl"]);
    run(&["cosim", "net.toml", "--samples", "3", "--epochs", "1"]);
    run(&["cosim", "net.toml", "--samples", "3", "--epochs", "1", "--rtl", "rtl", "--out", "again"]);
}
