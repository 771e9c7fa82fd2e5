//! Every parser that reads what somebody else has written, on damaged files: no panic, no hang, bounded memory.
//!
//!     cargo test --release --test fuzz_parsers              a few thousand inputs for each, in seconds
//!     make fuzz-parsers                                     a million for each, with less than 1 GB
//!
//! Each input is made of a whole file by a few changes that only the parser's name and the input's number decide, so
//! an input that fails can be made again: `-- --only PARSER --from NUMBER --count 1`. One that
//! panics is also left as a file.

mod inputs;
mod parsers;

use parsers::{PARSERS, Parser};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Inputs for each parser in a run of the tests, and in `make fuzz-parsers`.
const FEW: u64 = 2_000;
const MANY: u64 = 1_000_000;
/// An input that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// Memory of the whole process, in KiB.
const MEMORY: u64 = 1 << 20;

struct Options {
    only: Option<String>,
    from: u64,
    count: u64,
}

fn options() -> Options {
    let mut o = Options { only: None, from: 0, count: FEW };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
        match argument.as_str() {
            "--all" => o.count = MANY,
            "--only" => o.only = Some(value()),
            "--from" => o.from = value().parse().expect("--from takes a number"),
            "--count" => o.count = value().parse().expect("--count takes a number"),
            _ => {} // what cargo passes to every test
        }
    }
    o
}

/// What is being parsed, since when; a watcher ends the process where it takes too long.
struct Watch {
    number: AtomicU64,
    since: Mutex<Instant>,
}

fn watcher(name: &'static str, watch: Arc<Watch>, patience: Duration) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(patience.min(Duration::from_millis(500)));
            let number = watch.number.load(Ordering::Relaxed);
            if number == u64::MAX {
                return;
            }
            let since = watch.since.lock().map_or_else(|e| *e.into_inner(), |at| *at);
            if since.elapsed() > patience {
                println!(
                    "{name}: input {number} hangs; make it again with --only {name} --from {number} --count 1"
                );
                std::process::exit(1);
            }
        }
    });
}

/// The largest resident memory of this process so far, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Runs a parser over inputs; how many it accepted, and the numbers of those that failed.
fn fuzz(parser: &'static Parser, o: &Options, patience: Duration) -> (u64, Vec<u64>) {
    let watch = Arc::new(Watch { number: AtomicU64::new(0), since: Mutex::new(Instant::now()) });
    watcher(parser.name, watch.clone(), patience);
    let seeds = (parser.seeds)();
    let (mut accepted, mut failed) = (0, Vec::new());
    for number in o.from..o.from + o.count {
        let input = inputs::damaged(&seeds, parser.name, number);
        watch.number.store(number, Ordering::Relaxed);
        if let Ok(mut since) = watch.since.lock() {
            *since = Instant::now();
        }
        match catch_unwind(AssertUnwindSafe(|| (parser.parse)(&input))) {
            Ok(taken) => accepted += u64::from(taken),
            Err(_) => failed.push(number),
        }
        if failed.len() > 10 {
            break;
        }
    }
    watch.number.store(u64::MAX, Ordering::Relaxed);
    (accepted, failed)
}

/// What makes this program its own hanging child.
const HANG: &str = "--planted-hang";

/// Whether a parser that hangs ends the run, and is named with its input.
fn hang_is_seen() -> bool {
    let child = std::env::current_exe().and_then(|own| std::process::Command::new(own).arg(HANG).output());
    child.is_ok_and(|o| {
        o.status.code() == Some(1) && String::from_utf8_lossy(&o.stdout).starts_with("hanging: input ")
    })
}

/// Leaves an input as a file, to be looked at; its name.
fn kept(parser: &Parser, number: u64) -> String {
    let file = std::env::temp_dir().join(format!("eqhdl-fuzz-{}-{number}", parser.name));
    let input = inputs::damaged(&(parser.seeds)(), parser.name, number);
    match std::fs::write(&file, input) {
        Ok(()) => file.display().to_string(),
        Err(e) => format!("cannot be written: {e}"),
    }
}

fn main() {
    let few = Options { only: None, from: 0, count: FEW };
    if std::env::args().any(|a| a == HANG) {
        fuzz(&parsers::HANGS, &few, Duration::from_millis(200));
        return;
    }
    let o = options();
    // The machinery itself: a parser that panics or hangs on some input must be caught at it.
    std::panic::set_hook(Box::new(|_| {}));
    let planted = fuzz(&parsers::PLANTED, &few, PATIENCE);
    let mut bad = Vec::new();
    if !hang_is_seen() {
        bad.push("the planted hang was not noticed".to_owned());
    }
    if planted.1.is_empty() {
        bad.push("the planted panic was not noticed".to_owned());
    }
    let mut run = 0;
    for parser in PARSERS.iter().filter(|p| o.only.as_deref().is_none_or(|only| only == p.name)) {
        let begun = Instant::now();
        let (accepted, failed) = fuzz(parser, &o, PATIENCE);
        run += 1;
        println!(
            "{:<12} {} inputs, {accepted} accepted, {} panics, {:.1} s",
            parser.name,
            o.count,
            failed.len(),
            begun.elapsed().as_secs_f64()
        );
        let _ = std::io::stdout().flush();
        for number in failed {
            let file = kept(parser, number);
            bad.push(format!(
                "{}: input {number} panics (--only {0} --from {1} --count 1; {file})",
                parser.name, number
            ));
        }
        // A check that took nothing, or all, has seen nothing.
        if o.count >= FEW && (accepted == 0 || accepted == o.count) {
            bad.push(format!(
                "{}: {accepted} of {} inputs accepted: the damage is of the wrong kind",
                parser.name, o.count
            ));
        }
    }
    if peak() > MEMORY {
        bad.push(format!("{} KiB of memory were needed", peak()));
    }
    if run == 0 {
        bad.push("no such parser".to_owned());
    }
    println!("memory       {} MiB at most", peak() / 1024);
    for line in &bad {
        println!("{line}");
    }
    println!("{} passed, {} failed", run, bad.len());
    if !bad.is_empty() {
        std::process::exit(1);
    }
}
