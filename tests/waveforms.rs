//! The streaming waveform reader held to two others, the crates `vcd` and `wellen`, on waveforms written by hand, by
//! chance and by Verilator; and to errors instead of panics on what is no waveform.

#[path = "common/designs.rs"]
mod designs;
#[path = "common/samples.rs"]
mod samples;

use designs::Case;
use eqhdl::cosim::{Builds, Level, Request, Tracing, Vcd, VcdError, run_to_file};
use eqhdl::coverage::Looking;
use eqhdl::reference::Weights;
use eqhdl::schedule::Layout;
use eqhdl::verilog::Sources;
use proptest::prelude::*;
use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::path::Path;

/// A value as all readers can tell it: its bits, unknown ones as zero, and whether none is unknown.
type Value = (String, bool);
/// Time steps in order, with the value of every signal at the end of each.
type Steps = Vec<(u64, Vec<Value>)>;

/// A reader that gives as little as it may.
struct Dribble<'a>(&'a [u8]);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.0.len().min(buffer.len()).min(7);
        buffer[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

fn ours(source: impl Read, scope: &str, names: &[&str]) -> Result<Steps, VcdError> {
    let mut vcd = Vcd::open(source, scope, names)?;
    let mut steps = Vec::new();
    while vcd.advance()? {
        let value = |k: usize| {
            let bit = |b: usize| char::from(b'0' + (vcd.words(k)[b / 32] >> (b % 32) & 1) as u8);
            assert_eq!(vcd.value(k), vcd.words(k)[0]);
            ((0..vcd.width(k)).rev().map(bit).collect(), vcd.require(k..k + 1).is_ok())
        };
        steps.push((vcd.time(), (0..names.len()).map(value).collect()));
    }
    Ok(steps)
}

fn value_of(bits: &str, width: usize) -> Value {
    let known = bits.bytes().all(|b| b == b'0' || b == b'1');
    let plain: String = bits.chars().map(|c| if c == '1' { '1' } else { '0' }).collect();
    (format!("{plain:0>width$}"), known)
}

/// All variables of a scope, by the crate `vcd`: name, code, width.
fn variables(header: &vcd::Header, scope: &str) -> Vec<(String, vcd::IdCode, usize)> {
    fn search(
        items: &[vcd::ScopeItem],
        scope: &str,
        inside: bool,
        found: &mut Vec<(String, vcd::IdCode, usize)>,
    ) {
        for item in items {
            match item {
                vcd::ScopeItem::Scope(s) => search(&s.items, scope, s.identifier == scope, found),
                vcd::ScopeItem::Var(v) if inside => {
                    found.push((v.reference.clone(), v.code, v.size as usize))
                }
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    search(&header.items, scope, false, &mut found);
    found
}

fn by_vcd(text: &[u8], scope: &str, names: &[&str]) -> Steps {
    let mut parser = vcd::Parser::new(text);
    let header = parser.parse_header().unwrap();
    let all = variables(&header, scope);
    let followed: Vec<_> = names.iter().map(|n| all.iter().find(|v| v.0 == *n).unwrap()).collect();
    let mut values: HashMap<vcd::IdCode, String> = HashMap::new();
    let mut steps = Vec::new();
    let mut time = None;
    let snapshot = |values: &HashMap<vcd::IdCode, String>| {
        followed
            .iter()
            .map(|(_, code, width)| value_of(values.get(code).map_or("x", |v| v), *width))
            .collect()
    };
    for command in parser {
        match command.unwrap() {
            vcd::Command::Timestamp(t) => {
                if let Some(now) = time.replace(t) {
                    steps.push((now, snapshot(&values)));
                }
            }
            vcd::Command::ChangeScalar(code, value) => drop(values.insert(code, value.to_string())),
            vcd::Command::ChangeVector(code, value) => drop(values.insert(code, value.to_string())),
            _ => {}
        }
    }
    steps.extend(time.map(|now| (now, snapshot(&values))));
    steps
}

/// The same at the times asked for.
fn by_wellen(text: &[u8], scope: &str, names: &[&str], times: &[u64]) -> Steps {
    let mut waves = wellen::simple::read_from_reader(Cursor::new(text.to_vec())).unwrap();
    let suffix = |name: &str| format!(".{scope}.{name}");
    let followed: Vec<_> = names
        .iter()
        .map(|name| {
            let h = waves.hierarchy();
            let var = h.all_vars().find(|v| h[*v].full_name(h).ends_with(&suffix(name))).unwrap();
            (h[var].signal_ref(), h[var].length(h).unwrap() as usize)
        })
        .collect();
    waves.load_signals(&followed.iter().map(|f| f.0).collect::<Vec<_>>());
    let table = waves.time_table();
    let at = |time: u64| {
        let last = table.partition_point(|&t| t <= time).checked_sub(1);
        let value = |&(signal, width): &(wellen::SignalRef, usize)| {
            let signal = waves.get_signal(signal).unwrap();
            let offset = last.and_then(|i| signal.get_offset(i as u32));
            let bits = offset
                .map_or("x".into(), |o| signal.get_value_at(&o, o.elements - 1).to_bit_string().unwrap());
            value_of(&bits, width)
        };
        (time, followed.iter().map(value).collect())
    };
    times.iter().map(|&t| at(t)).collect()
}

/// Three readers, one opinion; the number of time steps.
fn agree(text: &[u8], scope: &str, names: &[&str]) -> usize {
    let found = ours(text, scope, names).unwrap();
    assert_eq!(found, ours(Dribble(text), scope, names).unwrap(), "the size of a read matters");
    assert_eq!(found, by_vcd(text, scope, names), "the crate vcd");
    let times: Vec<u64> = found.iter().map(|s| s.0).collect();
    assert_eq!(found, by_wellen(text, scope, names, &times), "the crate wellen");
    found.len()
}

const BY_HAND: &str = "$date\n  today\n$end\n$version by hand $end\n$timescale 1ns $end\n\
$scope module top $end\n$var wire 1 ! clk $end\n$var wire 8 \" data [7:0] $end\n\
$scope module u_probe $end\n$var wire 1 # valid $end\n$var reg 40 $ data [39:0] $end\n$var wire 1 ! clk $end\n\
$var real 64 % volts $end\n$upscope $end\n\
$scope module later $end\n$var wire 40 ab data [39:0] $end\n$upscope $end\n$upscope $end\n\
$enddefinitions $end\n$comment nothing yet $end\n#0\n$dumpvars\nx#\nbx $\n0!\nb10101010 \"\nr0.5 %\nb1 ab\n$end\n\
#3\n1!\n1#\nb1111000011110000111100001111000011110000 $\n#5\n0!\n\n#7\n1!\n0#\nb101 $\nr1e3 %\n#8\nbz1x01 $\n#9\nb0 $\n#12\n";

#[test]
fn a_waveform_written_by_hand() {
    let names = ["data", "valid", "clk"];
    assert_eq!(agree(BY_HAND.as_bytes(), "u_probe", &names), 7);
    let steps = ours(BY_HAND.as_bytes(), "u_probe", &names).unwrap();
    assert_eq!(steps[0].1, [("0".repeat(40), false), ("0".into(), false), ("0".into(), true)]);
    assert_eq!(
        steps[4],
        (8, vec![(format!("{:0>40}", "1001"), false), ("0".into(), true), ("1".into(), true)])
    );
    // The same text with the line ends of another system.
    assert_eq!(steps, ours(BY_HAND.replace('\n', "\r\n").as_bytes(), "u_probe", &names).unwrap());
    // The range without a space, and comments of several lines.
    let other =
        BY_HAND.replace("data [39:0]", "data[39:0]").replace("nothing yet $end", "nothing\n#99\nyet $end");
    assert_eq!(steps, ours(other.as_bytes(), "u_probe", &names).unwrap());
}

#[test]
fn a_clock_in_the_scope_makes_its_rising_edges_the_steps() {
    let mut vcd = Vcd::open_clocked(BY_HAND.as_bytes(), "u_probe", &["data"], Some("clk"), &[]).unwrap();
    let mut edges = Vec::new();
    while vcd.advance().unwrap() {
        edges.push((vcd.time(), vcd.value(0)));
    }
    assert_eq!(edges, [(3, 0xF0F0_F0F0), (7, 5)]);
    // A scope without it goes from time step to time step.
    let mut vcd = Vcd::open_clocked(BY_HAND.as_bytes(), "later", &["data"], Some("clk"), &[]).unwrap();
    let mut steps = 0;
    while vcd.advance().unwrap() {
        steps += 1;
    }
    assert_eq!(steps, 7);
}

#[test]
fn what_is_no_waveform_is_refused_with_its_place() {
    let refused = |from: &str, to: &str, word: &str| {
        assert!(BY_HAND.contains(from), "{from}");
        let text = BY_HAND.replacen(from, to, 1);
        let error = ours(text.as_bytes(), "u_probe", &["data", "valid"]).unwrap_err();
        assert!(error.to_string().contains(word), "{from} -> {to}: {error}");
    };
    refused("$enddefinitions $end", "", "the header does not end");
    refused("$scope module u_probe", "$scope module probe", "u_probe.data");
    refused("reg 40 $", "reg 99999999999 $", "width `99999999999`");
    refused("reg 40 $", "reg -1 $", "width `-1`");
    refused("reg 40 $", "reg 0 $", "width `0`");
    refused("reg 40 $", "reg 40 long!", "identifier code `long!`");
    refused("reg 40 $", "reg 40 #", "not a width");
    refused("#7\n", "#7x\n", "a time stamp");
    refused("#7\n", "#99999999999999999999\n", "a time stamp");
    refused("#7\n", "#\n", "a time stamp");
    refused("#7\n", "#4\n", "runs backwards");
    refused("b101 $", "b101$", "without a code");
    refused("b101 $", "b121 $", "a bit `2`");
    refused("b101 $", &format!("b{} $", "1".repeat(41)), "more bits than declared");
    refused("b101 $", "hello", "line `hello`");
}

#[test]
fn a_time_step_may_be_announced_twice() {
    let twice = BY_HAND.replacen("#7\n1!\n", "#7\n1!\n#7\n", 1);
    let names = ["data", "valid", "clk"];
    assert_eq!(
        ours(twice.as_bytes(), "u_probe", &names).unwrap(),
        ours(BY_HAND.as_bytes(), "u_probe", &names).unwrap()
    );
}

/// One change: which signal, and its bits, of which leading ones may be missing.
type Change = (usize, String);

#[derive(Clone, Debug)]
struct Waves {
    widths: Vec<usize>,
    first_code: usize,
    steps: Vec<(u64, Vec<Change>)>,
}

impl Waves {
    fn code(&self, k: usize) -> String {
        // Codes of one to three characters, far apart.
        let mut n = self.first_code + 97 * k;
        let mut code = String::new();
        loop {
            code.push(char::from(b'!' + (n % 94) as u8));
            n /= 94;
            if n == 0 {
                return code;
            }
            n -= 1;
        }
    }

    fn text(&self) -> String {
        let mut text = String::from("$timescale 1ns $end\n$scope module top $end\n$scope module p $end\n");
        for (k, width) in self.widths.iter().enumerate() {
            let range = if *width > 1 { format!(" [{}:0]", width - 1) } else { String::new() };
            text += &format!("$var wire {width} {} s{k}{range} $end\n", self.code(k));
        }
        text += "$upscope $end\n$upscope $end\n$enddefinitions $end\n";
        let mut time = 0;
        for (later, changes) in &self.steps {
            time += later;
            text += &format!("#{time}\n");
            for (k, bits) in changes {
                let vector = self.widths[*k] > 1 || bits.starts_with('1') && time % 2 == 0;
                text += &if vector {
                    format!("b{bits} {}\n", self.code(*k))
                } else {
                    format!("{bits}{}\n", self.code(*k))
                };
            }
        }
        text
    }
}

fn waves() -> impl Strategy<Value = Waves> {
    let width = prop_oneof![Just(1usize), 2..70usize, 120..140usize];
    (prop::collection::vec(width, 1..6), 0usize..9000).prop_flat_map(|(widths, first_code)| {
        let change = (0..widths.len()).prop_flat_map({
            let widths = widths.clone();
            move |k| {
                let bit = prop_oneof![8 => Just('0'), 8 => Just('1'), 1 => Just('x'), 1 => Just('z')];
                (Just(k), prop::collection::vec(bit, 1..=widths[k]).prop_map(String::from_iter))
            }
        });
        let step = (1u64..1000, prop::collection::vec(change, 0..6));
        let steps = prop::collection::vec(step, 1..20);
        steps.prop_map(move |steps| Waves { widths: widths.clone(), first_code, steps })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn three_readers_agree_on_waveforms_by_chance(waves in waves()) {
        let names: Vec<String> = (0..waves.widths.len()).map(|k| format!("s{k}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        prop_assert_eq!(agree(waves.text().as_bytes(), "p", &names), waves.steps.len());
    }

    #[test]
    fn a_cut_waveform_is_an_error_or_a_beginning(waves in waves(), share in 0.0..1.0f64) {
        let text = waves.text();
        let whole = ours(text.as_bytes(), "p", &["s0"]).unwrap();
        let cut = (text.len() as f64 * share) as usize;
        if let Ok(steps) = ours(&text.as_bytes()[..cut], "p", &["s0"]) {
            // The last step may lack changes, or its time digits.
            let complete = steps.len().saturating_sub(1);
            prop_assert_eq!(&steps[..complete], &whole[..complete]);
        }
    }

    #[test]
    fn damage_never_panics(waves in waves(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let mut text = waves.text().into_bytes();
        for (at, byte) in damage {
            let at = at.index(text.len());
            text[at] = byte;
        }
        let _ = ours(&text[..], "p", &["s0"]);
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), words in prop::collection::vec("[#$b01x! ]{0,6}|\\$end|\\$var|\\$scope|\\$upscope|p|s0", 0..60)) {
        let _ = ours(&bytes[..], "p", &["s0"]);
        let _ = ours(words.join("\n").as_bytes(), "p", &["s0"]);
        let body = format!("$scope module p $end $var wire 9 ! s0 $end $enddefinitions $end\n{}", words.join("\n"));
        let _ = ours(body.as_bytes(), "p", &["s0"]);
    }
}

#[test]
fn a_waveform_of_our_own_harness() -> Result<(), Box<dyn std::error::Error>> {
    let case = Case {
        name: "waveform",
        layers: "[64, 7, 10]",
        lanes: 4,
        dynamics: "prototypical",
        activation: "hard_sigmoid",
        nudge: "outside",
        rule: "cep",
        rounding: ["RND"; 3],
        overflow: ["SAT"; 3],
        formats: "",
        more: "",
    };
    let design = case.design()?;
    let (data, samples) = samples::samples(&design)?;
    let layout = Layout::of(&design);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("waveforms");
    let builds = Builds::open(&dir)?;
    let sources = Sources::of(&design, &layout);
    let built = builds.simulator(&design, &layout, &sources, Tracing::Commits)?;
    let request = Request {
        design: &design,
        data: &data,
        samples: &samples[..2],
        per_epoch: 2,
        start: &Weights::initial(&design),
        level: Level::All,
        program: &built.program,
        work: &dir.join("work"),
        waves: None,
        survey: false,
        looking: Looking::Nowhere,
        patience: None,
    };
    let file = dir.join("commits.vcd");
    run_to_file(&request, &layout, &file, Level::All.word(), None)?;
    let text = std::fs::read(&file)?;
    let header = vcd::Parser::new(&text[..]).parse_header()?;
    let names: Vec<String> = variables(&header, "u_probe").into_iter().map(|v| v.0).collect();
    assert!(names.len() > 15 && names.iter().any(|n| n == "state_data0_q"), "{names:?}");
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let steps = agree(&text, "u_probe", &names);
    // Every neuron of every step is an event of its own.
    assert!(steps >= 2 * 8 * 17, "{steps} time steps");
    Ok(())
}
