//! Proofs about the leaves of `hdl/`, by Yosys and the model checkers of ABC.
//!
//!   cargo test --test formal                     those that take seconds
//!   cargo test --test formal -- --all            all of them (`make formal`)
//!   cargo test --test formal -- --all sequencer  those with this word in their name
//!   ... --markdown                               the table of docs/verification.md
//!
//! Each proof is seen to be able to fail: what its properties speak about is reached (every `cover` is made an
//! assertion of the contrary, which must be refuted), and with each of the planted defects the same proof must be
//! refuted. A proof without cover statements or without defects is an error, and so is a run that proved nothing it was
//! asked for.

mod engine;
mod proofs;
#[path = "../common/tools.rs"]
mod tools;

use engine::{Verdict, check};
use proofs::Proof;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// What came of one proof with its covers and defects.
struct Report {
    depth: String,
    seconds: f64,
    covers: usize,
    defects: usize,
    problems: Vec<String>,
}

fn examine(proof: &Proof) -> Result<Report, String> {
    let begin = Instant::now();
    let mut report =
        Report { depth: String::new(), seconds: 0.0, covers: 0, defects: 0, problems: Vec::new() };
    match check(proof, None, None)? {
        Verdict::Holds(depth) => report.depth = depth,
        other => report.problems.push(format!("not proven: {other:?}")),
    }
    report.seconds = begin.elapsed().as_secs_f64();
    if !report.problems.is_empty() {
        return Ok(report);
    }
    let covers = proof.covers()?;
    for &cover in &covers {
        match check(proof, Some(cover), None)? {
            Verdict::Refuted(_) => report.covers += 1,
            other => report.problems.push(format!("cover {cover} is not reached: {other:?}")),
        }
    }
    for defect in &proof.defects {
        match check(proof, None, Some(defect))? {
            Verdict::Refuted(_) => report.defects += 1,
            other => report
                .problems
                .push(format!("the defect `{}` of {} is not found: {other:?}", defect.name, defect.file)),
        }
    }
    if covers.is_empty() || proof.defects.is_empty() {
        report.problems.push("nothing shows that this proof could fail".to_owned());
    }
    Ok(report)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (all, markdown) =
        (arguments.iter().any(|a| a == "--all"), arguments.iter().any(|a| a == "--markdown"));
    let words: Vec<&String> = arguments.iter().filter(|a| !a.starts_with("--")).collect();
    if arguments.iter().any(|a| a == "--list") {
        return ExitCode::SUCCESS;
    }
    let proofs = match proofs::all() {
        Ok(proofs) => proofs,
        Err(problem) => {
            println!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let chosen: Vec<&Proof> = proofs
        .iter()
        .filter(|p| {
            (all || p.quick) && (words.is_empty() || words.iter().any(|w| p.name.contains(w.as_str())))
        })
        .collect();
    if chosen.is_empty() {
        // `cargo test WORD` asks every test program for that word.
        println!("no proof has such a name");
        return if all { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    if markdown {
        println!("| proof | what is proven | for | time, s | covers reached | defects found |");
        println!("|---|---|---|---|---|---|");
    }
    let (next, failed, said) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(()));
    std::thread::scope(|scope| {
        let work = || {
            while let Some(proof) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                let result = examine(proof);
                let _one_at_a_time = said.lock();
                match result {
                    Ok(r) if r.problems.is_empty() && markdown => println!(
                        "| {} | {} | {} | {:.1} | {} | {} |",
                        proof.name, proof.what, r.depth, r.seconds, r.covers, r.defects
                    ),
                    Ok(r) if r.problems.is_empty() => println!(
                        "PASS  {:<28} {:<74} {:<22} {:>5.1} s  covers {}  defects {}",
                        proof.name, proof.what, r.depth, r.seconds, r.covers, r.defects
                    ),
                    Ok(r) => {
                        failed.fetch_add(1, Ordering::Relaxed);
                        println!("FAIL  {:<28} {}: {}", proof.name, proof.what, r.problems.join("; "));
                    }
                    Err(problem) => {
                        failed.fetch_add(1, Ordering::Relaxed);
                        println!("FAIL  {:<28} {}: {problem}", proof.name, proof.what);
                    }
                }
            }
        };
        for _ in 0..std::thread::available_parallelism().map_or(1, |n| n.get()) {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner();
    if !markdown {
        println!("{} of {} proofs hold", chosen.len() - failed, chosen.len());
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
