//! What a comparison says that it has exercised: proofs that hold, points that a defect would need, runs that add up.

#[path = "common/random.rs"]
#[expect(dead_code, reason = "made samples bring inputs and weights of their own")]
mod random;

use assert_cmd::Command;
use eqhdl::cosim::Stress;
use eqhdl::coverage::{Look, Looking, Report, State};
use eqhdl::design::Design;
use eqhdl::reference::Silent;
use eqhdl::reference::fast::Fast;
use eqhdl::schedule::Layout;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use random::Joined;
use serde_json::Value;
use std::path::Path;

/// What made samples exercise, so many of them, all looked into.
fn exercised(design: &Design, count: u32) -> Report {
    let mut sum: Option<Report> = None;
    for Stress { design, data, samples, start } in Stress::rounds(design, 0, count) {
        let layout = Layout::of(&design);
        let mut look = Look::new(&design, &layout, Looking::Everywhere);
        let mut network = Fast::new(&design, &start);
        network.set_sample(samples[0].number);
        for &s in &samples {
            let (input, label) = data.sample(s);
            look.before(&network, s, (&input, label)).expect("the models agree");
            network.run(&input, label, s.lesson(), &mut Silent);
        }
        let report = look.finish(&network, count, None).expect("the models agree").expect("it has looked");
        match &mut sum {
            None => sum = Some(report),
            Some(sum) => sum.add(&report).expect("of the same circuit"),
        }
    }
    sum.expect("some")
}

/// The shipped designs over the embedded digits.
fn shipped() -> Vec<(String, Design)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("designs");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let small = files
        .filter(|path| path.file_stem().is_some_and(|name| name.to_string_lossy().starts_with("digits")));
    small
        .map(|path| (path.display().to_string(), eqhdl::design::load(&path).expect("it is shipped")))
        .collect()
}

/// Where a report says that something cannot happen, it does not: over far more samples than a comparison makes.
#[test]
fn what_cannot_happen_does_not_happen() {
    let (mut designs, mut proofs) = (0, 0);
    for (name, design) in shipped() {
        let report = exercised(&design, 400);
        let wrong: Vec<String> = report.named(State::Contradicted).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
        assert_eq!((report.samples, report.looked_into), (400, 400), "{name}");
        let (seen, never) = (report.count(State::Exercised), report.count(State::Never));
        println!("{name}: {seen} exercised, {never} never, {} cannot", report.count(State::Unreachable));
        assert!(seen > 4 * never, "{name}: {seen} points exercised, {never} not");
        designs += 1;
        proofs += report.count(State::Unreachable);
    }
    assert!(designs > 10 && proofs > 40, "{designs} designs, {proofs} proofs");
}

/// The same of random designs: formats of every width, every mode, all rules, kernels, complex states.
#[test]
fn proofs_hold_for_random_designs() {
    let mut runner = TestRunner::deterministic();
    let (mut proofs, mut seen) = (0, 0);
    for wild in [false, true] {
        let kinds = [
            random::design(Joined::Dense, wild).boxed(),
            random::design(Joined::Kernels, wild).boxed(),
            random::complex(wild).boxed(),
        ];
        for kind in kinds {
            for number in 0..60 {
                let design = kind.new_tree(&mut runner).expect("one is drawn").current();
                let report = exercised(&design, 20);
                let wrong: Vec<String> = report.named(State::Contradicted).collect();
                assert!(wrong.is_empty(), "number {number}, wild: {wild}: {wrong:?}\n{design:?}");
                proofs += report.count(State::Unreachable);
                seen += report.count(State::Exercised);
            }
        }
    }
    println!("{seen} points exercised, {proofs} proven impossible");
    assert!(proofs > 2000, "{proofs}");
}

fn eqhdl(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let assert = Command::cargo_bin("eqhdl").unwrap().current_dir(folder).args(arguments).assert().code(code);
    let output = assert.get_output();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// The report of a cross-check says what was exercised, and what not; and two runs add up to more.
#[test]
fn a_verdict_says_what_it_has_seen_and_runs_add_up() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("designs/digits-cep.toml"));
    let text = text.unwrap().replace("[64, 64, 10]", "[64, 6, 10]").replace("lanes = 16", "lanes = 4");
    std::fs::write(folder.join("net.toml"), &text).unwrap();
    std::fs::write(folder.join("wider.toml"), text.replace("lanes = 4", "lanes = 2")).unwrap();
    let run = |design: &str, out: &str, more: &[&str]| {
        let all = [&["cosim", design, "--samples", "4", "--json", "-o", out][..], more].concat();
        let (json, said) = eqhdl(folder, &all, 0);
        let report: Value = serde_json::from_str(&json).unwrap();
        (report["coverage"].clone(), said)
    };
    let (few, said) = run("net.toml", "a", &["--stress", "0"]);
    let never = |coverage: &Value| coverage["never"].as_array().unwrap().len();
    assert!(never(&few) > 10 && few["looked_into"] == 4, "{few}");
    let to_classify = "samples: to classify";
    assert!(few["never"].as_array().unwrap().iter().any(|p| p == to_classify), "{few}");
    assert!(said.contains("never exercised    samples: to classify; "), "{said}");
    let (many, said) = run("net.toml", "b", &["--stress", "60"]);
    assert!(never(&many) < never(&few) / 2, "{many}");
    assert!(said.contains("looked into        64 samples"), "{said}");
    // At every level, the same is looked into.
    let (at_final, _) = run("net.toml", "c", &["--stress", "60", "--level", "final"]);
    assert_eq!(at_final, many);

    let (told, _) = eqhdl(folder, &["coverage", "a", "b", "-o", "sum"], 0);
    assert!(told.starts_with("net: ") && told.contains("68 samples, 68 of them looked into"), "{told}");
    let (json, _) = eqhdl(folder, &["coverage", "sum", "--json"], 0);
    let sum: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(sum.count(State::Never), never(&many));
    let page = std::fs::read_to_string(folder.join("sum/coverage.html")).unwrap();
    let marks = page.matches("title=\"").count();
    assert_eq!(marks, sum.points().count());
    assert_eq!(page.matches("class=\"never\" title").count(), sum.count(State::Never));
    assert!(!page.contains("http"), "the page needs no network");

    run("wider.toml", "wider", &[]);
    let (_, said) = eqhdl(folder, &["coverage", "a", "wider"], 2);
    assert!(said.contains("different circuits") && said.contains("hardware.lanes"), "{said}");
    for (name, text) in [("no", ""), ("half", &json[..json.len() / 2]), ("other", "{\"design\": 1}")] {
        std::fs::write(folder.join(name), text).unwrap();
        let (_, said) = eqhdl(folder, &["coverage", name], 2);
        assert!(said.contains("cannot read"), "{said}");
    }
    eqhdl(folder, &["coverage", "missing"], 2);
    // What differs has exercised nothing that anybody could count on.
    let (json, _) = eqhdl(folder, &["cosim", "net.toml", "--inject", "nudge-sign", "--json", "-o", "d"], 1);
    let report: Value = serde_json::from_str(&json).unwrap();
    assert!(report["coverage"].is_null(), "{report}");
    assert!(!folder.join("d/inject/nudge-sign/coverage.json").exists());
}
