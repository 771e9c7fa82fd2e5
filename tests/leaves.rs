//! The leaves of `hdl/` against their Rust twins, to the last bit.

mod common;

use common::{repository, run, scramble, verilate};
use eqhdl::fixed_point::complex_logistic::CYCLES;
use eqhdl::fixed_point::complex_softmax::PULL_CYCLES;
use eqhdl::fixed_point::softmax::PROBABILITY_FRAC;
use eqhdl::fixed_point::{
    ComplexLogistic, ComplexSoftmax, ComplexValue, Format, GOLDEN, Overflow, Purpose, Requantise, Rounding,
    absorb, row_bits, step_key,
};
use eqhdl::reference::neuron::ComplexPull;
use eqhdl::rules::is_negative;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One requantiser under test: a value of `in_width` signed bits, and what becomes of it.
#[derive(Clone, Copy, Debug)]
struct Case {
    in_width: u32,
    rule: Requantise,
}

impl Case {
    fn new(in_width: u32, shift: i32, to: Format, rounding: Rounding, overflow: Overflow) -> Self {
        Case { in_width, rule: Requantise { from_frac: shift, to, rounding, overflow } }
    }

    /// The module's parameters, by name.
    fn parameters(&self) -> [(&'static str, i64); 6] {
        let Requantise { to, rounding, overflow, .. } = self.rule;
        [
            ("InWidth", i64::from(self.in_width)),
            ("Shift", i64::from(self.rule.shift())),
            ("OutWidth", i64::from(to.width)),
            ("OutSigned", i64::from(to.signed)),
            ("Rounding", i64::from(rounding.code())),
            ("Overflow", i64::from(overflow.code())),
        ]
    }

    /// An instance of the module `requantise`.
    fn instance(&self, name: &str, ports: &str) -> String {
        let parameters: Vec<_> =
            self.parameters().iter().map(|(name, value)| format!(".{name}({value})")).collect();
        format!("requantise #({}) {name} ({ports});", parameters.join(", "))
    }

    /// What the hardware should answer: the saturation flag above 32 bits of result.
    fn expected(&self, value: i64, random: u32) -> u64 {
        let Requantise { to, rounding, .. } = self.rule;
        let result = self.rule.apply(value, random);
        let saturated = result != rounding.apply(value, self.rule.shift(), random);
        (u64::from(saturated) << 32) | (result as u64 & ((1u64 << to.width) - 1))
    }
}

/// Cases of one input width that see the same stimuli.
struct Group {
    cases: Vec<Case>,
    stimuli: Vec<(i64, u32)>,
}

fn sign_extended(word: u64, width: u32) -> i64 {
    (word << (64 - width)) as i64 >> (64 - width)
}

/// Cases for one alignment, the `turn`th: each of these roundings with two of the eight pairs of overflow mode and
/// signedness, other ones at the next turn, so that four turns see them all. The output widths go round through those
/// at which something changes: around the rounded value's own width, and the narrowest.
fn modes(in_width: u32, shift: i32, roundings: &[Rounding], turn: usize) -> Vec<Case> {
    let rounded = in_width as i32 - shift;
    let widths =
        [rounded - 1, 1, rounded, rounded + 1, 2, rounded - 2, rounded + 3].map(|w| w.clamp(1, 32) as u32);
    let mut cases = Vec::new();
    for (r, &rounding) in roundings.iter().enumerate() {
        for pair in [2 * turn + r, 2 * turn + r + 1] {
            let (overflow, signed) = (Overflow::ALL[pair % 4], pair % 8 < 4);
            let width = widths[(turn + pair) % widths.len()];
            cases.push(Case::new(in_width, shift, Format { signed, width, frac: 0 }, rounding, overflow));
        }
    }
    cases
}

/// All values of widths 1 to 12; shifts negative, zero, up to and beyond the width. The random word is noise.
fn exhaustive_group(in_width: u32) -> Group {
    let w = in_width as i32;
    let mut shifts = vec![-3, 0, 1, 2, w / 2, w - 1, w, w + 1, w + 6];
    shifts.sort_unstable();
    shifts.dedup();
    let cases = (3 * w as usize..)
        .zip(shifts)
        .flat_map(|(turn, shift)| modes(in_width, shift, &Rounding::ALL[..8], turn))
        .collect();
    let stimuli = (0..1u64 << in_width).map(|v| (sign_extended(v, in_width), scramble(v) as u32)).collect();
    Group { cases, stimuli }
}

/// All values of widths 1 to 12 with all values of the random bits in use; noise in those below.
fn stochastic_group(in_width: u32) -> Group {
    let most = (15 - in_width).min(8);
    let mut shifts =
        vec![-1, 0, 1, 2, in_width as i32 / 2, in_width as i32, in_width as i32 + 1, most as i32];
    shifts.retain(|&shift| shift <= most as i32);
    shifts.sort_unstable();
    shifts.dedup();
    let cases = (3 * in_width as usize..)
        .zip(shifts)
        .flat_map(|(turn, shift)| modes(in_width, shift, &[Rounding::Stochastic], turn))
        .collect();
    let stimuli = (0..1u64 << (in_width + most))
        .map(|v| {
            let random = (v >> in_width) as u32;
            let noise = scramble(v) as u32 >> most;
            (sign_extended(v & ((1 << in_width) - 1), in_width), (random << (32 - most)) | noise)
        })
        .collect();
    Group { cases, stimuli }
}

/// Wide values: around ties and around the bounds of the targets, the extremes, and noise of every magnitude.
fn wide_group(in_width: u32, shift: i32, out_width: u32) -> Group {
    let mut cases = Vec::new();
    for rounding in Rounding::ALL {
        for overflow in Overflow::ALL {
            for signed in [true, false] {
                let to = Format { signed, width: out_width, frac: 0 };
                cases.push(Case::new(in_width, shift, to, rounding, overflow));
            }
        }
    }
    let mut values = Vec::new();
    let half = if (1..62).contains(&shift) { 1i128 << (shift - 1) } else { 0 };
    let on_grid = |raw: i128| if shift < 0 { raw >> -shift } else { raw << shift.min(62) };
    for near in [
        0,
        1,
        -1,
        2,
        -2,
        3,
        (1 << out_width) - 1,
        1 << out_width,
        1 << (out_width - 1),
        -(1 << (out_width - 1)),
    ] {
        for tie in [-half, 0, half] {
            for off in -2..=2 {
                values.push(on_grid(near) + tie + off);
            }
        }
    }
    let (min, max) = (-(1i128 << (in_width - 1)), (1i128 << (in_width - 1)) - 1);
    values.extend([min, min + 1, max - 1, max]);
    values.retain(|value| (min..=max).contains(value));
    let mut stimuli = Vec::new();
    for (i, value) in values.into_iter().enumerate() {
        for random in [0, u32::MAX, scramble(i as u64) as u32, 1 << 31] {
            stimuli.push((value as i64, random));
        }
    }
    for i in 0..2500u64 {
        let width = 1 + (scramble(3 * i) % u64::from(in_width)) as u32;
        stimuli.push((sign_extended(scramble(3 * i + 1), width), scramble(3 * i + 2) as u32));
    }
    Group { cases, stimuli }
}

/// One module with every group; a group's stimuli are registered by its own clock, so the others stay quiet.
fn top_module(groups: &[Group]) -> String {
    let mut text = String::from("`default_nettype none\n\n");
    let mut ports = String::new();
    let mut body = String::new();
    for (g, Group { cases, .. }) in groups.iter().enumerate() {
        let (width, last) = (cases[0].in_width, cases.len() - 1);
        let _ = writeln!(ports, "  output wire [63:0] out_{g}_o [0:{last}],");
        let _ = writeln!(body, "  reg signed [{}:0] in_{g};\n  reg [31:0] random_{g};", width - 1);
        let _ = writeln!(body, "  always @(posedge clk_i[{g}]) begin");
        let _ = writeln!(body, "    in_{g} <= in_i[{}:0];\n    random_{g} <= random_i;\n  end", width - 1);
        for (i, case) in cases.iter().enumerate() {
            let (bits, name) = (case.rule.to.width, format!("{g}_{i}"));
            let _ = writeln!(body, "  wire [{}:0] value_{name};\n  wire saturated_{name};", bits - 1);
            let ports = format!(
                ".in_i(in_{g}), .random_i(random_{g}), .out_o(value_{name}), .saturated_o(saturated_{name})"
            );
            let _ = writeln!(body, "  {}", case.instance(&format!("u_{name}"), &ports));
            let _ = writeln!(
                body,
                "  assign out_{g}_o[{i}] = {{31'd0, saturated_{name}, {}value_{name}}};",
                pad(32 - bits)
            );
        }
    }
    let _ = writeln!(text, "module requantise_top (\n{ports}  input wire [{}:0] clk_i,", groups.len() - 1);
    let _ = writeln!(text, "  /* verilator lint_off UNUSEDSIGNAL */\n  input wire signed [63:0] in_i,");
    let _ = writeln!(text, "  /* verilator lint_on UNUSEDSIGNAL */\n  input wire [31:0] random_i\n);");
    let _ = writeln!(text, "{body}endmodule\n\n`default_nettype wire");
    text
}

fn pad(bits: u32) -> String {
    if bits == 0 { String::new() } else { format!("{bits}'d0, ") }
}

/// Compares; the number of answers compared, or the first ten differences.
fn compare(groups: &[Group], results: &[u8]) -> Result<usize, String> {
    let mut answers = results.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap()));
    let (mut compared, mut differences) = (0usize, Vec::new());
    for Group { cases, stimuli } in groups {
        for &(value, random) in stimuli {
            for case in cases {
                let found = answers.next().ok_or("the results end early")?;
                let expected = case.expected(value, random);
                compared += 1;
                if found != expected && differences.len() < 10 {
                    differences.push(format!(
                        "{case:?}\n  value {value}, random {random:#010x}: expected {expected:#x}, found {found:#x}"
                    ));
                }
            }
        }
    }
    if answers.next().is_some() {
        return Err("the results are too long".into());
    }
    if differences.is_empty() { Ok(compared) } else { Err(differences.join("\n")) }
}

#[test]
fn requantise_equals_its_rust_twin_in_every_mode() -> Result<(), Box<dyn std::error::Error>> {
    let mut groups: Vec<Group> = (1..=12).map(exhaustive_group).collect();
    groups.extend((1..=12).map(stochastic_group));
    for (in_width, shift, out_width) in [
        (40, 14, 16),
        (31, 12, 16),
        (32, 12, 16),
        (33, 1, 32),
        (62, 30, 32),
        (62, 70, 4),
        (48, 40, 8),
        (16, 32, 4),
        (32, -20, 16),
    ] {
        groups.push(wide_group(in_width, shift, out_width));
    }
    for (rounding, overflow, signed) in Rounding::ALL
        .into_iter()
        .flat_map(|r| Overflow::ALL.into_iter().flat_map(move |o| [(r, o, true), (r, o, false)]))
    {
        let covered = |case: &Case| {
            (case.rule.rounding, case.rule.overflow, case.rule.to.signed) == (rounding, overflow, signed)
        };
        let narrow = groups.iter().filter(|group| group.cases[0].in_width <= 12);
        let alignments = narrow.flat_map(|group| &group.cases).filter(|case| covered(case)).count();
        assert!(alignments >= 8, "{rounding:?} {overflow:?} {signed}: {alignments} alignments");
    }

    let dir = tempfile::tempdir()?;
    let at = |name: &str| dir.path().join(name);
    fs::write(at("requantise_top.sv"), top_module(&groups))?;
    fs::write(at("groups.inc"), (0..groups.len()).map(|g| format!("GROUP({g})\n")).collect::<String>())?;
    let mut stimuli = Vec::new();
    for group in &groups {
        stimuli.extend((group.stimuli.len() as u64).to_le_bytes());
        for &(value, random) in &group.stimuli {
            stimuli.extend(value.to_le_bytes());
            stimuli.extend(u64::from(random).to_le_bytes());
        }
    }
    fs::write(at("stimuli"), stimuli)?;

    let sources = [at("requantise_top.sv"), repository("hdl/requantise.v")];
    let main = repository("tests/leaves/requantise.cpp");
    let program = verilate(dir.path(), &sources, "requantise_top", &main)?;
    run(Command::new(program).args([at("stimuli"), at("results")]))?;
    let compared = compare(&groups, &fs::read(at("results"))?)?;
    assert!(compared > 2_000_000, "only {compared} answers were compared");
    Ok(())
}

#[test]
fn mixer_equals_its_rust_twin() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let at = |name: &str| dir.path().join(name);
    let corners = [0, 1, u32::MAX, 1 << 31, 0x5555_5555, GOLDEN];
    let words: Vec<(u32, u32)> = corners
        .iter()
        .flat_map(|&key| corners.map(|word| (key, word)))
        .chain((0..100_000u64).map(|i| (scramble(2 * i) as u32, scramble(2 * i + 1) as u32)))
        .collect();
    let pair = |(a, b): (u32, u32)| (u64::from(a) | (u64::from(b) << 32)).to_le_bytes();
    fs::write(at("stimuli"), words.iter().flat_map(|&word| pair(word)).collect::<Vec<u8>>())?;
    let sources = [repository("tests/leaves/mixer_top.v"), repository("hdl/mixer.v")];
    let program = verilate(dir.path(), &sources, "mixer_top", &repository("tests/leaves/mixer.cpp"))?;
    run(Command::new(program).args([at("stimuli"), at("results")]))?;
    let results = fs::read(at("results"))?;
    assert_eq!(results.len(), 8 * words.len());
    for (&(key, word), found) in words.iter().zip(results.chunks_exact(8)) {
        assert_eq!(found, pair((absorb(key, word), row_bits(key, word))), "key {key:#x}, word {word:#x}");
    }
    Ok(())
}

#[test]
fn keys_random_bits_and_predictions_equal_their_rust_twins() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let at = |name: &str| dir.path().join(name);
    let stimulus = |n: u64| -> [u32; 16] {
        let word = |k: u64| (scramble(16 * n + k) >> 7) as u32;
        let mut all: [u32; 16] = std::array::from_fn(|k| word(k as u64));
        // Layer and column have 16 bits, step and index often few; outputs are one to eight, and often equal.
        (all[4], all[5], all[7]) = (all[4] & 0xFFFF, all[5] & 0xFFFF, 1 + all[7] % 8);
        if n.is_multiple_of(2) {
            (all[2], all[6]) = (all[2] & 0xFF, all[6] & 0xFFF);
            all[8..].iter_mut().for_each(|value| *value = (*value & 3).wrapping_sub(2));
        }
        all
    };
    let stimuli: Vec<[u32; 16]> = (0..20_000).map(stimulus).collect();
    let bytes = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    fs::write(at("stimuli"), bytes(stimuli.as_flattened()))?;
    let mut sources = vec![repository("tests/leaves/keys_top.v")];
    for leaf in ["pass_key", "sample_sign", "neuron_bits", "column_key", "readout"] {
        sources.push(repository(&format!("hdl/{leaf}.v")));
    }
    lint(dir.path(), &sources, "keys_top")?;
    let program = verilate(dir.path(), &sources, "keys_top", &repository("tests/leaves/keys.cpp"))?;
    run(Command::new(program).args([at("stimuli"), at("results")]))?;
    let results = fs::read(at("results"))?;
    assert_eq!(results.len(), 28 * stimuli.len());
    for (s, found) in stimuli.iter().zip(results.chunks_exact(28)) {
        let [seed, sample, step, key, layer, column, index, outputs, values @ ..] = s;
        let neuron = row_bits(absorb(*key, layer << 16), *index);
        let value = |i: &usize| ((values[*i] << 23) as i32) >> 23;
        let prediction = (0..*outputs as usize).rev().max_by_key(value).unwrap_or(0);
        let expected = [
            step_key(*seed, Purpose::State, *sample, *step),
            is_negative(*seed, *sample).into(),
            neuron,
            neuron,
            absorb(*key, layer << 16 | column),
            index.wrapping_mul(GOLDEN.wrapping_mul(8)),
            prediction as u32,
        ];
        assert_eq!(found, bytes(&expected), "{s:?}");
    }
    Ok(())
}

/// One module with every unit, each of which takes the low bits of the drive; and their tables.
fn activation_top(dir: &Path, units: &[ComplexLogistic]) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let mut body = String::new();
    for (u, unit) in units.iter().enumerate() {
        let mut files = String::new();
        for (name, words) in [
            ("Exponential", &unit.exponential),
            ("Trigonometric", &unit.trigonometric),
            ("Reciprocal", &unit.reciprocal),
        ] {
            let file = dir.join(format!("{name}_{u}.hex"));
            fs::write(&file, words.hex())?;
            let _ = write!(files, ", .{name}File(\"{}\")", file.display());
        }
        let (width, low, last) = (unit.width(), 192 * u, unit.drive.width - 1);
        let _ = writeln!(
            body,
            "  wire signed [{0}:0] real_{u};\n  wire signed [{0}:0] imaginary_{u};\n  wire saturated_{u};\n  \
             complex_logistic #(.DriveWidth({1}), .DriveFrac({2}), .StateFrac({3}){files}) u_{u} (\n    \
             .clk_i(clk_i), .real_i(real_i[{last}:0]), .imaginary_i(imaginary_i[{last}:0]),\n    \
             .real_o(real_{u}), .imaginary_o(imaginary_{u}), .saturated_o(saturated_{u})\n  );\n  \
             assign out_o[{low}+:64] = {{{{{4}{{real_{u}[{0}]}}}}, real_{u}}};\n  \
             assign out_o[{low}+64+:64] = {{{{{4}{{imaginary_{u}[{0}]}}}}, imaginary_{u}}};\n  \
             assign out_o[{low}+128+:64] = {{63'd0, saturated_{u}}};",
            width - 1,
            unit.drive.width,
            unit.drive.frac,
            unit.state_frac(),
            64 - width,
        );
    }
    let top = dir.join("complex_top.v");
    let ports = format!(
        "  input wire clk_i,\n  input wire signed [13:0] real_i,\n  input wire signed [13:0] imaginary_i,\n  \
         output wire [{}:0] out_o",
        192 * units.len() - 1
    );
    let text = format!(
        "`default_nettype none\n\nmodule complex_top (\n{ports}\n);\n{body}endmodule\n\n`default_nettype wire\n"
    );
    fs::write(&top, text)?;
    Ok(top)
}

#[test]
fn the_complex_activation_equals_its_rust_twin() -> Result<(), Box<dyn std::error::Error>> {
    // The first three see every drive; bits of the drive, fraction bits of drive and state.
    let formats =
        [(4, 1, 1), (6, 6, 4), (7, 4, 8), (10, 7, 8), (12, 8, 8), (12, 9, 12), (13, 10, 10), (14, 12, 14)];
    let units = formats.map(|(width, drive, state)| {
        ComplexLogistic::of(Format::signed(width, drive), Format::signed(state as u32 + 2, state))
    });
    let mut stimuli: Vec<[i64; 2]> = (-64..64).flat_map(|x| (-64..64).map(move |y| [x, y])).collect();
    for unit in &units {
        // Where the sign changes and 1 + q^2 + 2 q cos t is 4, and where the imaginary part is saturated.
        let half = 1i64 << (unit.drive.frac - 1);
        let near = |middle: i64| middle - 2..=middle + 2;
        for x in near(half) {
            stimuli.extend([0, half, -half].into_iter().flat_map(near).map(|y| [x, y]));
        }
        let (least, greatest) = (unit.drive.min_raw(), unit.drive.max_raw());
        stimuli.extend([[least, least], [least, greatest], [greatest, least], [greatest, greatest]]);
    }
    // Both parts over the whole range, and near the middle.
    let part = |n: u64| sign_extended(scramble(2 * n), 8 + (scramble(2 * n + 1) % 7) as u32);
    stimuli.extend((0..60_000).map(|n| [part(2 * n), part(2 * n + 1)]));

    let dir = tempfile::tempdir()?;
    let at = |name: &str| dir.path().join(name);
    let top = activation_top(dir.path(), &units)?;
    let sources = [top, repository("hdl/complex_logistic.v"), repository("hdl/function_table.v")];
    lint(dir.path(), &sources, "complex_top")?;
    let bytes = stimuli.as_flattened().iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    fs::write(at("stimuli"), bytes)?;
    let program = verilate(dir.path(), &sources, "complex_top", &repository("tests/leaves/complex.cpp"))?;
    run(Command::new(program).args([at("stimuli"), at("results")]).arg(CYCLES.to_string()))?;

    let results = fs::read(at("results"))?;
    let mut answers = results.as_chunks::<8>().0.iter().map(|word| i64::from_le_bytes(*word));
    let mut saturated = formats.map(|_| 0);
    for &[x, y] in &stimuli {
        for (unit, saturated) in units.iter().zip(&mut saturated) {
            let raw = |part: i64| sign_extended(part as u64, unit.drive.width);
            let mut next = || answers.next().ok_or("the results end early");
            let found = ComplexValue { real: next()?, imaginary: next()?, saturated: next()? == 1 };
            let expected = unit.at(raw(x), raw(y));
            assert_eq!(found, expected, "{}, {}: {}, {}", unit.drive, unit.state_frac(), raw(x), raw(y));
            *saturated += usize::from(expected.saturated);
        }
    }
    assert!(answers.next().is_none(), "the results are too long");
    for (unit, saturated) in units.iter().zip(saturated) {
        let never = unit.drive.frac == unit.drive.width as i32;
        let some = (1000..stimuli.len() - 1000).contains(&saturated);
        assert!(some || (never && saturated == 0), "{}: {saturated} saturated", unit.drive);
    }
    Ok(())
}

/// A complex softmax read-out under test.
struct ComplexUnit {
    outputs: usize,
    drive: Format,
    beta: Format,
    rule: Requantise,
    sets: Vec<ComplexSet>,
}

/// One set of drives, and what is held while it is in the unit.
struct ComplexSet {
    label: u32,
    beta: (i64, i64),
    random: u32,
    idle: Vec<u32>,
    real: Vec<i32>,
    imaginary: Vec<i32>,
}

impl ComplexUnit {
    /// The `n`th: outputs, formats and modes go round.
    fn of(n: usize) -> ComplexUnit {
        let outputs = [10, 2, 37, 10, 3, 100, 2, 10, 1024][n % 9];
        let drive = [
            Format::signed(10, 7),
            Format::signed(12, 8),
            Format::signed(8, 12),
            Format::signed(13, 9),
            Format::signed(9, -1),
        ][n % 5];
        let beta = [Format::signed(10, 7), Format::signed(16, 12), Format::signed(5, 2)][n % 3];
        let to =
            [Format::signed(12, 10), Format::signed(10, 9), Format::signed(6, 5), Format::signed(16, 15)]
                [n % 4];
        let rule = Requantise {
            from_frac: PROBABILITY_FRAC + beta.frac,
            to,
            rounding: Rounding::ALL[n % 9],
            overflow: Overflow::ALL[(n + n / 9) % 4],
        };
        let mut unit = ComplexUnit { outputs, drive, beta, rule, sets: Vec::new() };
        let count = (40_000 / outputs).min(2000) as u64;
        unit.sets = (0..count).map(|set| unit.set(scramble(n as u64) ^ set << 20, set)).collect();
        unit
    }

    fn set(&self, seed: u64, number: u64) -> ComplexSet {
        let outputs = self.outputs as u64;
        let bits = |k: u64| scramble(seed.wrapping_add(k)) >> 7;
        let (low, high) = (self.drive.min_raw(), self.drive.max_raw());
        let one = i64::from(ComplexSoftmax::of(self.drive).greatest_angle);
        let spread = |k: u64, low: i64, high: i64| low + (bits(k) % (high - low + 1) as u64) as i64;
        let corner = |k: u64, all: &[i64]| all[(bits(k) % all.len() as u64) as usize];
        // All of the range, close together at its lower end, tied or nearly, at the ends.
        let real = |i: u64| match number % 4 {
            0 => spread(i, low, high),
            1 => spread(i, low, low + (high - low) / 8),
            2 => spread(i, high - 1, high),
            _ => corner(i, &[low, high, 0, high - 1]),
        };
        let imaginary = |i: u64| match number / 4 % 4 {
            0 => spread(outputs + i, -one, one).clamp(low, high),
            1 => spread(outputs + i, low, high),
            2 => corner(outputs + i, &[low, high, one, -one, one + 1, -one - 1, 0]).clamp(low, high),
            _ => spread(outputs + i, one - one / 8, one + one / 16).clamp(low, high),
        };
        let beta = |k: u64| match number / 16 % 3 {
            0 => corner(k, &[self.beta.min_raw(), self.beta.max_raw(), 0, 1, -1]),
            _ => spread(k, self.beta.min_raw(), self.beta.max_raw()),
        };
        ComplexSet {
            // Sometimes of no output.
            label: (bits(3 * outputs) % (outputs + 1)) as u32,
            beta: (beta(3 * outputs + 1), beta(3 * outputs + 2)),
            random: bits(3 * outputs + 3) as u32,
            idle: (0..outputs).map(|i| (bits(2 * outputs + i) % 16).saturating_sub(13) as u32).collect(),
            real: (0..outputs).map(|i| real(i) as i32).collect(),
            imaginary: (0..outputs).map(|i| imaginary(i) as i32).collect(),
        }
    }

    fn index_width(&self) -> u32 {
        self.outputs.next_power_of_two().ilog2() + 1
    }

    /// Writes its tables, those of the unit `u`.
    fn write_tables(&self, dir: &Path, u: usize) -> std::io::Result<()> {
        let tables = ComplexSoftmax::of(self.drive);
        let write = |name: &str, entries: Vec<u32>, digits: usize| {
            let text: String = entries.iter().map(|e| format!("{e:0digits$x}\n")).collect();
            fs::write(dir.join(format!("{name}_{u}.hex")), text)
        };
        let wide = |table: &[u16]| table.iter().map(|&e| e.into()).collect();
        write("exponential", wide(&tables.exponential), 4)?;
        write("angle", tables.angle.clone(), 8)?;
        write("reciprocal", wide(&tables.reciprocal), 4)
    }

    /// The instance, its random bits, and its outputs among those of the top module.
    fn instance(&self, u: usize, dir: &Path, element: &str) -> String {
        let (drive, beta, state, index) =
            (self.drive.width, self.beta.width, self.rule.to.width, self.index_width());
        let tables = ComplexSoftmax::of(self.drive);
        format!(
            "  wire [{index}-1:0] asked_{u}, index_{u};\n  wire [{drive}-1:0] drive_{u}, imaginary_drive_{u};\n  \
             wire [{state}-1:0] state_{u}, imaginary_{u};\n  wire valid_{u}, last_{u}, saturated_{u};\n  \
             reg [31:0] random_{u}, random_imaginary_{u};\n  always @(posedge clk_i[{u}]) begin\n    \
             random_{u} <= ({{{{(32-{index}){{1'b0}}}}, asked_{u}}} * 32'h9E3779B9) ^ random_i;\n    \
             random_imaginary_{u} <= ({{{{(32-{index}){{1'b0}}}}, asked_{u}}} * 32'h85EBCA6B) + random_i;\n  end\n  \
             complex_softmax #(\n    .Outputs({outputs}), .IndexWidth({index}), .LabelWidth(12), .DriveWidth({drive}), \
             .SumWidth({sum}), .AngleWidth({angle}), .GreatestAngle({greatest}), .StateWidth({state}), .BetaWidth({beta}), \
             .PullShift({shift}), .StateRounding({rounding}), .StateOverflow({overflow}),\n    \
             .ExponentialFile(\"{dir}/exponential_{u}.hex\"),\n    .AngleFile(\"{dir}/angle_{u}.hex\"), \
             .ReciprocalFile(\"{dir}/reciprocal_{u}.hex\")\n  \
             ) u_{u} (\n    .clk_i(clk_i[{u}]), .rst_ni(rst_ni), .valid_i(valid_i), .last_i(last_i), \
             .index_i(index_i[{index}-1:0]), .drive_i(drive_i[{drive}-1:0]), \
             .imaginary_drive_i(imaginary_drive_i[{drive}-1:0]),\n    .beta_real_i(beta_real_i[{beta}-1:0]), \
             .beta_imaginary_i(beta_imaginary_i[{beta}-1:0]), .label_i(label_i),\n    .random_index_o(asked_{u}), \
             .random_i(random_{u}), .random_imaginary_i(random_imaginary_{u}),\n    .valid_o(valid_{u}), .last_o(last_{u}), \
             .index_o(index_{u}), .drive_o(drive_{u}), .imaginary_drive_o(imaginary_drive_{u}), \
             .saturated_o(saturated_{u}), .state_o(state_{u}), .imaginary_o(imaginary_{u})\n  );\n  \
             assign flags_o{element} = {{13'd0, valid_{u}, last_{u}, saturated_{u}, {{(16-{index}){{1'b0}}}}, index_{u}}};\n  \
             assign drive_o{element} = {{{{(32-{drive}){{1'b0}}}}, drive_{u}}};\n  \
             assign imaginary_drive_o{element} = {{{{(32-{drive}){{1'b0}}}}, imaginary_drive_{u}}};\n  \
             assign state_o{element} = {{{{(32-{state}){{1'b0}}}}, state_{u}}};\n  \
             assign imaginary_o{element} = {{{{(32-{state}){{1'b0}}}}, imaginary_{u}}};\n",
            dir = dir.display(),
            outputs = self.outputs,
            sum = 17 + self.outputs.ilog2(),
            angle = tables.angle_bits(),
            greatest = tables.greatest_angle,
            shift = self.rule.shift(),
            rounding = self.rule.rounding.code(),
            overflow = self.rule.overflow.code(),
        )
    }

    fn words(&self) -> Vec<u32> {
        let mut words = vec![self.outputs as u32, self.sets.len() as u32];
        for set in &self.sets {
            words.extend([set.label, set.beta.0 as u32, set.beta.1 as u32, set.random]);
            for i in 0..self.outputs {
                words.extend([set.idle[i], set.real[i] as u32, set.imaginary[i] as u32]);
            }
        }
        words
    }
}

/// A module with these units side by side, and its tables in the same folder. Of one alone, plain Verilog.
fn complex_top(units: &[ComplexUnit], dir: &Path) -> std::io::Result<String> {
    let last = units.len() - 1;
    let array = if last > 0 { format!(" [0:{last}]") } else { String::new() };
    let outputs = ["flags_o", "drive_o", "imaginary_drive_o", "state_o", "imaginary_o"]
        .map(|name| format!("  output wire [31:0] {name}{array}"));
    let mut instances = String::new();
    for (u, unit) in units.iter().enumerate() {
        unit.write_tables(dir, u)?;
        let element = if last > 0 { format!("[{u}]") } else { String::new() };
        instances += &unit.instance(u, dir, &element);
    }
    Ok(format!(
        "`default_nettype none\n\nmodule complex_top (\n  input wire [{last}:0] clk_i,\n  input wire rst_ni,\n  \
         input wire valid_i,\n  input wire last_i,\n  /* verilator lint_off UNUSEDSIGNAL */\n  \
         input wire [31:0] index_i,\n  input wire [31:0] drive_i,\n  input wire [31:0] imaginary_drive_i,\n  \
         input wire [31:0] beta_real_i,\n  input wire [31:0] beta_imaginary_i,\n  \
         /* verilator lint_on UNUSEDSIGNAL */\n  input wire [11:0] label_i,\n  input wire [31:0] random_i,\n{}\n);\n\
         {instances}endmodule\n\n`default_nettype wire\n",
        outputs.join(",\n")
    ))
}

#[test]
fn complex_softmax_equals_its_rust_twin() -> Result<(), Box<dyn std::error::Error>> {
    let units: Vec<ComplexUnit> = (0..18).map(ComplexUnit::of).collect();
    let dir = tempfile::tempdir()?;
    let at = |name: &str| dir.path().join(name);
    fs::write(at("complex_top.sv"), complex_top(&units, dir.path())?)?;
    let words: Vec<u32> = units.iter().flat_map(ComplexUnit::words).collect();
    fs::write(at("stimuli"), words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>())?;
    let leaves =
        ["complex_softmax", "function_table", "requantise"].map(|name| repository(&format!("hdl/{name}.v")));
    let sources = [&[at("complex_top.sv")][..], &leaves].concat();
    let program =
        verilate(dir.path(), &sources, "complex_top", &repository("tests/leaves/complex_softmax.cpp"))?;
    run(Command::new(program).args([at("stimuli"), at("results")]).current_dir(dir.path()))?;

    let results = fs::read(at("results"))?;
    let mut answers = results.as_chunks::<4>().0.iter().map(|w| u32::from_le_bytes(*w));
    let (mut compared, mut saturated) = (0, 0);
    for (u, unit) in units.iter().enumerate() {
        let (twin, tables) = (ComplexPull::new(unit.drive, unit.rule), ComplexSoftmax::of(unit.drive));
        let (mut re, mut im) = (vec![0; unit.outputs], vec![0; unit.outputs]);
        let mut seen = std::collections::HashSet::new();
        for (s, set) in unit.sets.iter().enumerate() {
            let random = |i: usize| {
                let index = i as u32;
                let word = index.wrapping_mul(0x9E37_79B9) ^ set.random;
                (word, index.wrapping_mul(0x85EB_CA6B).wrapping_add(set.random))
            };
            let label = set.label as u16;
            twin.states((&set.real, &set.imaginary), label, set.beta, random, (&mut re, &mut im));
            for i in 0..unit.outputs {
                let found: [u32; 6] = std::array::from_fn(|_| answers.next().unwrap_or(u32::MAX));
                let part = |value: i32, format: Format| value as u32 & (u32::MAX >> (32 - format.width));
                let beyond = tables.saturates(set.imaginary[i]);
                let last = i + 1 == unit.outputs;
                let expected = [
                    (unit.outputs + i + 1 + PULL_CYCLES) as u32,
                    i as u32 | u32::from(beyond) << 16 | u32::from(last) << 17,
                    part(set.real[i], unit.drive),
                    part(set.imaginary[i], unit.drive),
                    part(re[i], unit.rule.to),
                    part(im[i], unit.rule.to),
                ];
                assert_eq!(found, expected, "unit {u} ({:?}), set {s}, output {i}", unit.rule);
                seen.insert((re[i], im[i]));
                compared += 1;
                saturated += usize::from(beyond);
            }
        }
        assert!(seen.len() > 40, "unit {u} saw {} states", seen.len());
    }
    assert!(answers.next().is_none(), "the results are too long");
    assert!(compared > 300_000 && saturated > 10_000, "{compared} compared, {saturated} saturated");
    Ok(())
}

/// Every front end reads the file without a word. `parameters` are the top module's.
fn lint(dir: &Path, sources: &[PathBuf], top: &str) -> Result<(), String> {
    let hdl = repository("hdl");
    let include = format!("-I{}", hdl.display());
    let quiet = |command: &mut Command| {
        let output = command.output().map_err(|error| {
            format!("{}: {error}: run `make setup`", command.get_program().to_string_lossy())
        })?;
        let said = [output.stdout, output.stderr].concat();
        match output.status.success() && said.is_empty() {
            true => Ok(()),
            false => Err(format!("{command:?}\n{}", String::from_utf8_lossy(&said))),
        }
    };
    quiet(
        Command::new("verilator").args(["--lint-only", "-Wall", "--top-module", top, &include]).args(sources),
    )?;
    quiet(
        Command::new("iverilog")
            .args(["-g2005", "-Wall", "-s", top, &include, "-o"])
            .arg(dir.join("lint.vvp"))
            .args(sources),
    )?;
    let files: Vec<_> = sources.iter().map(|path| path.display().to_string()).collect();
    let script = format!(
        "read_verilog {include} {}; hierarchy -check -top {top}; proc; check -assert",
        files.join(" ")
    );
    quiet(Command::new("yosys").args(["-q", "-p", &script]))
}

#[test]
fn leaves_pass_every_front_end_without_a_warning() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let mixer = repository("hdl/mixer.v");
    lint(dir.path(), std::slice::from_ref(&mixer), "mixer")?;
    lint(dir.path(), &[repository("tests/leaves/mixer_top.v"), mixer], "mixer_top")?;
    lint(dir.path(), &[repository("tests/leaves/requantise_twice.v")], "requantise_twice")?;
    let requantise = repository("hdl/requantise.v");
    lint(dir.path(), std::slice::from_ref(&requantise), "requantise")?;
    for n in [0, 1, 4, 8] {
        let wrapper = dir.path().join("complex_top.v");
        fs::write(&wrapper, complex_top(&[ComplexUnit::of(n)], dir.path())?)?;
        let leaves = ["complex_softmax", "function_table"].map(|name| repository(&format!("hdl/{name}.v")));
        lint(dir.path(), &[&[wrapper, requantise.clone()][..], &leaves].concat(), "complex_top")
            .map_err(|error| format!("complex softmax {n}: {error}"))?;
    }

    // One small module around each geometry that bends a width: the narrowest, the widest, gains, far shifts.
    let geometries = [
        (1, 0, 1),
        (1, 1, 1),
        (5, 9, 3),
        (8, 70, 4),
        (12, -3, 9),
        (12, 0, 32),
        (32, 12, 16),
        (40, 14, 16),
        (62, -32, 32),
        (62, 62, 32),
    ];
    for (i, (in_width, shift, width)) in geometries.into_iter().enumerate() {
        let (rounding, overflow) = (Rounding::ALL[8 - i % 9], Overflow::ALL[i % 4]);
        let case =
            Case::new(in_width, shift, Format { signed: i % 3 != 0, width, frac: 0 }, rounding, overflow);
        let wrapper = dir.path().join("wrapper.v");
        let ports = ".in_i(in_i), .random_i(random_i), .out_o(out_o), .saturated_o(saturated_o)";
        let module = format!(
            "`default_nettype none\nmodule wrapper (input wire signed [{}:0] in_i, input wire [31:0] random_i,\n  \
             output wire [{}:0] out_o, output wire saturated_o);\n  {}\nendmodule\n`default_nettype wire\n",
            in_width - 1,
            width - 1,
            case.instance("u_requantise", ports),
        );
        fs::write(&wrapper, module)?;
        lint(dir.path(), &[wrapper, requantise.clone()], "wrapper")
            .map_err(|error| format!("{case:?}: {error}"))?;
    }
    Ok(())
}
