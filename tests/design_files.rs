//! Design files: the good ones mean what they say, and every bad one is refused at its own line, with what would be right.

use eqhdl::design::{
    Activation, DataSource, Design, DesignError, Dynamics, NudgePlace, Numbers, Rule, commented_example,
    load, parse, ranges, warnings,
};
use eqhdl::fixed_point::{Format, Overflow, Rounding};
use eqhdl::network::Network;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// Every line differs from every other, so that a line is found by its text.
const GOOD: &str = r#"# a good design
[network]
layers = [64, 32, 10]
activation = "logistic"
dynamics = "prototypical"
nudge = "outside"
initial_scale = 1.0

[rule]
name = "cep"
T = 20
K = 8
beta = 0.2
learning_rates = [0.1, 0.05]

[formats]
input = "u8.8"
state = ["u8.8", "s10.8"]
weight = "s16.14"
weight_read = "s10.8"
bias = "s15.13"
drive = "s10.7"
rate = "u16.16"

[rounding]
weight = "STOCHASTIC"

[overflow]
drive = "SAT_SYM"

[hardware]
lanes = 8

[training]
epochs = 3
seed = 7
train_samples = 100

[data]
source = "digits"
"#;

fn read(text: &str) -> Result<Design, DesignError> {
    parse(Path::new("designs/some-design.toml"), text)
}

/// `GOOD` with each `from` replaced by its `to`.
fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(GOOD.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "the edit of {from:?} has no single place");
        text.replacen(from, to, 1)
    })
}

#[test]
fn a_good_file_means_what_it_says() {
    let d = read(GOOD).unwrap();
    assert_eq!(d.name, "some_design");
    assert_eq!(d.path, PathBuf::from("designs/some-design.toml"));
    assert_eq!(d.network, Network::dense(&[64, 32, 10]));
    assert_eq!(
        (d.activation, d.dynamics, d.nudge_place),
        (Activation::Logistic, Dynamics::Prototypical, NudgePlace::Outside)
    );
    assert_eq!((d.rule, d.free_steps, d.nudged_steps), (Rule::Cep, 20, 8));
    assert_eq!((d.beta.format, d.beta.raw), (Format::signed(16, 12), 819), "0.2 * 4096 = 819.2");
    assert_eq!((d.dt.format, d.dt.raw, d.dt.wanted), (Format::unsigned(1, 0), 1, 1.0));
    assert_eq!(d.input, Format::unsigned(8, 8));
    assert_eq!(d.neurons[0].state, Format::unsigned(8, 8));
    assert_eq!(d.neurons[1].state, Format::signed(10, 8));
    assert_eq!(d.neurons[1].drive, Format::signed(10, 7));
    let [first, second] = &d.synapses[..] else { panic!("two synapse layers") };
    assert_eq!(
        (first.weight, first.weight_read, first.bias),
        (Format::signed(16, 14), Format::signed(10, 8), Format::signed(15, 13))
    );
    assert_eq!((first.rate.raw, second.rate.raw), (32768, 16384), "0.5 and 0.25 of 65536");
    assert_eq!((first.learning_rate, second.learning_rate), (0.1, 0.05));
    assert_eq!((first.init, second.init), (1.0 / 8.0, 1.0 / 32f64.sqrt()));
    assert_eq!((d.weight_modes.rounding, d.weight_modes.overflow), (Rounding::Stochastic, Overflow::Sat));
    assert_eq!((d.drive_modes.rounding, d.drive_modes.overflow), (Rounding::Rnd, Overflow::SatSym));
    assert_eq!((d.state_modes.rounding, d.state_modes.overflow), (Rounding::Rnd, Overflow::Sat));
    assert_eq!((d.lanes, d.epochs, d.seed, d.train_samples, d.test_samples), (8, 3, 7, Some(100), None));
    assert_eq!(d.data, DataSource::Digits);
    assert_eq!(d.datapath.neuron.len(), 2);
    assert_eq!(d.datapath.dropped_bits, 6);
    assert_eq!(warnings(&d), [""; 0]);
}

#[test]
fn a_minimal_file_gets_defaults_that_can_be_built() {
    let minimal = "network.layers = [64, 16, 10]\nnetwork.activation = 'logistic'\n\
                   rule = { name = 'ep', T = 5, K = 3, beta = 0.5, learning_rates = 2 }\ndata.source = 'digits'\n";
    let d = read(minimal).unwrap();
    let states: Vec<_> = d.neurons.iter().map(|n| n.state).collect();
    assert_eq!(states, [Format::unsigned(8, 8), Format::signed(10, 8)]);
    assert_eq!(d.synapses[1].bias, Format::signed(16, 14));
    assert_eq!(d.synapses[1].weight_read, Format::signed(16, 14));
    assert_eq!(
        d.synapses[0].rate.format,
        Format::unsigned(16, 13),
        "2 / 0.5 = 4 needs three bits before the point"
    );
    assert_eq!(d.synapses[0].rate.effective(), 4.0);
    assert_eq!((d.lanes, d.epochs, d.seed), (16, 10, 1));
    let inside = read(&format!("{minimal}[formats]\n").replacen(
        "network.act",
        "network.nudge = 'inside'\nnetwork.act",
        1,
    ))
    .unwrap();
    assert_eq!(inside.neurons[1].state, Format::unsigned(8, 8));
}

#[test]
fn dynamics_with_a_time_step_take_it() {
    let text = edited(&[("\"prototypical\"", "\"leaky\"\ndt = 0.25")]);
    let d = read(&text).unwrap();
    assert_eq!((d.dynamics, d.dt.format, d.dt.raw), (Dynamics::Leaky, Format::unsigned(8, 8), 64));
    let text = edited(&[
        ("\"prototypical\"", "\"energy\"\ndt = 1"),
        ("rate = \"u16.16\"", "rate = \"u16.16\"\nstep = \"u8.7\""),
    ]);
    assert_eq!(read(&text).unwrap().dt.effective(), 1.0);
}

/// The designs that are refused, by name; `tests/expected.rs` holds what is said of each.
fn refused() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expected/refusals");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let designs = files.filter(|file| file.extension().is_some_and(|e| e == "toml"));
    let mut all: Vec<_> = designs
        .map(|file| {
            (file.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(file).unwrap())
        })
        .collect();
    all.sort();
    all
}

/// A help of the form "write `key = value` under [formats]" is advice that works, if need be followed by another one.
#[test]
fn formats_that_the_help_writes_are_accepted() {
    let mut tried = 0;
    for (name, mut text) in refused() {
        let mut error = read(&text).expect_err("a refused case");
        let advice = |e: &DesignError| {
            let (line, _) = e.remedy().strip_prefix("write `")?.split_once("` under [formats]")?;
            Some(line.to_owned())
        };
        if advice(&error).is_none() {
            continue;
        }
        tried += 1;
        // At most the formats of beta, dt and the rates are to be mended.
        for _ in 0..3 {
            let line = advice(&error).unwrap_or_else(|| panic!("{name}: no advice in {error:?}"));
            let (key, _) = line.split_once('=').expect("advice is a line");
            let (network, rest) = text.split_once("[formats]\n").expect("there are formats");
            let rest: Vec<_> = rest.lines().filter(|l| !l.starts_with(key)).collect();
            text = format!("{network}[formats]\n{line}\n{}", rest.join("\n"));
            match read(&text) {
                Ok(_) => break,
                Err(next) => error = next,
            }
        }
        assert!(read(&text).is_ok(), "{name}: {error:?}");
    }
    assert!(tried >= 7, "only {tried} cases give such advice");
}

#[test]
fn spans_cover_the_value_not_its_neighbours() {
    let text = edited(&[("[0.1, 0.05]", "[0.1, 0.000001]")]);
    assert_eq!(&text[read(&text).unwrap_err().span().unwrap()], "0.000001");
    let text = edited(&[("\"u8.8\", \"s10.8\"", "\"u8.8\", \"s10.10\"")]);
    assert_eq!(&text[read(&text).unwrap_err().span().unwrap()], "\"s10.10\"");
    let text = edited(&[("lanes = 8", "lane = 8")]);
    assert_eq!(&text[read(&text).unwrap_err().span().unwrap()], "lane");
}

#[test]
fn absent_sections_are_named() {
    let error = read("network = 3\n").unwrap_err();
    assert_eq!((error.line(), error.message()), (Some(1), "`network` is a section, not a value"));
    assert!(error.remedy().contains("`[network]` on a line of its own"), "{error:?}");
    for (text, name) in [("", "[network]"), ("[network]\nlayers = [1, 2]\n", "[rule]")] {
        let error = read(text).unwrap_err();
        assert!(error.message().contains(name), "{error:?}");
        assert_eq!(error.line(), None);
    }
}

#[test]
fn unreadable_files_are_errors_with_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent.toml");
    let error = load(&absent).unwrap_err();
    assert!(error.message().contains("absent.toml") && error.remedy().contains("eqhdl new"), "{error:?}");

    let latin = folder.path().join("latin.toml");
    std::fs::write(&latin, b"[network]\n# caf\xe9\n").unwrap();
    let error = load(&latin).unwrap_err();
    assert_eq!((error.line(), error.message()), (Some(2), "the design file is not UTF-8 text"));
    assert!(error.remedy().contains("UTF-8"));
}

#[test]
fn errors_print_with_their_place_in_every_style() {
    let text = edited(&[("[0.1, 0.05]", "[0.1, 0.000001]")]);
    let error = read(&text).unwrap_err();
    assert!(!error.to_string().contains('\n'));
    assert!(format!("{error:#}").starts_with("designs/some-design.toml:14: "), "{error:#}");
    let mut fancy = String::new();
    miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor())
        .render_report(&mut fancy, &error)
        .unwrap();
    for part in [
        error.message(),
        "some-design.toml:14:",
        "learning_rates = [0.1, 0.000001]",
        "rate = \"u16.16\"",
        "help:",
    ] {
        // The handler wraps long lines: compare without blanks.
        let squeeze =
            |s: &str| s.chars().filter(|c| !c.is_whitespace() && *c != '\u{2502}').collect::<String>();
        assert!(squeeze(&fancy).contains(&squeeze(part)), "{part:?} is not in\n{fancy}");
    }
    // At the very end of the text, and in an empty file.
    for text in ["[network]\nlayers = [1", "x = '", ""] {
        let mut fancy = String::new();
        miette::GraphicalReportHandler::new().render_report(&mut fancy, &read(text).unwrap_err()).unwrap();
        assert!(!fancy.contains("OutOfBounds") && !fancy.contains("Failed to read"), "{fancy}");
    }
}

#[test]
fn doubtful_designs_are_built_with_a_warning() {
    let about = |edits: &[(&str, &str)], what: &[&str]| {
        let found = warnings(&read(&edited(edits)).unwrap());
        assert_eq!(found.len(), what.len(), "{found:#?}");
        for (sentence, words) in found.iter().zip(what) {
            assert!(sentence.contains(words), "{sentence}");
        }
    };
    // 0.000005 / 0.2 = 2.5e-5 is 0.41 of the step of the weight s16.14, and 0.20 of that of the bias s15.13.
    let rates = ("[0.1, 0.05]", "[0.1, 0.000005]");
    let fine = ("rate = \"u16.16\"", "rate = \"u24.24\"");
    let weight = "synapse layer 2: no update ever moves a weight";
    let bias = "synapse layer 2: no update ever moves a bias";
    about(&[rates, fine, ("\"STOCHASTIC\"", "\"RND\"")], &[weight, bias]);
    // Eight samples together make 1.6 to 3.3 of these steps.
    let batch = ("name = \"cep\"", "name = \"ep\"\nbatch = 8");
    about(&[("[0.1, 0.05]", "[0.8, 0.00004]"), fine, ("\"STOCHASTIC\"", "\"RND\""), batch], &[]);
    about(&[rates, fine], &[]);
    let drags = "synapse layer 2: updates of one sign are lost";
    about(&[rates, fine, ("\"STOCHASTIC\"", "\"TRN\"")], &[drags, drags]);
    // 0.00001 / 0.2 = 5e-5 is 0.82 of the one step and 0.41 of the other.
    about(&[("[0.1, 0.05]", "[0.1, 0.00001]"), fine, ("\"STOCHASTIC\"", "\"RND\"")], &[bias]);

    about(
        &[("beta = 0.2", "beta = 0.2 "), ("rate = \"u16.16\"", "nudge = \"s8.2\"")],
        &["beta becomes 0.25"],
    );
    about(&[("[0.1, 0.05]", "[0.1, 0.000007]")], &["synapse layer 2: the rate"]);
    let leaky = ("\"prototypical\"", "\"leaky\"\ndt = 0.1");
    about(&[leaky, ("rate = \"u16.16\"", "step = \"u4.4\"")], &["dt becomes 0.125"]);
    about(
        &[("initial_scale = 1.0", "initial_scale = 20.0")],
        &["reach 2.5000, but weight s16.14", "bias s15.13", "weight s16.14", "bias s15.13"],
    );
    about(&[("\"s10.8\"]", "\"u8.8\"]")], &["cannot go below 0"]);
    about(
        &[("epochs = 3", "epochs = 3\nrate_milestones = [2, 3]\nrate_gamma = 0.5")],
        &["never fall after epoch 3: the training has 3 epochs"],
    );
    // 0.05 x 0.0001 / 0.2 as above: what the first rates move, the last ones do not.
    about(
        &[
            ("epochs = 3", "epochs = 3\nrate_milestones = [2]\nrate_gamma = 0.0001"),
            fine,
            ("\"STOCHASTIC\"", "\"RND\""),
        ],
        &[
            "synapse layer 1 after milestone 1: no update ever moves a bias",
            "synapse layer 2 after milestone 1: no update ever moves a weight",
            "synapse layer 2 after milestone 1: no update ever moves a bias",
        ],
    );
}

#[test]
fn the_example_and_every_shipped_design_load() {
    let example = commented_example("my-first");
    assert!(example.starts_with("# my-first:"));
    let d = parse(Path::new("my-first.toml"), &example).unwrap();
    assert_eq!((d.rule, d.name.as_str()), (Rule::Cep, "my_first"));
    assert_eq!(warnings(&d), [""; 0]);

    // Options appear as comments.
    for key in [
        "dt",
        "weight_read",
        "bias",
        "step",
        "train_samples",
        "test_samples",
        "path",
        "scale",
        "offset",
        "flip",
        "crop",
        "crop_fill",
    ] {
        assert!(example.contains(&format!("\n# {key} = ")), "{key} is not explained");
    }

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("designs");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            let design = load(&path).unwrap_or_else(|e| panic!("{e:?}"));
            assert_eq!(warnings(&design), [""; 0], "{}", path.display());
            names.push(design.name);
        }
    }
    for name in ["digits_ep", "digits_cep", "mnist_ep", "mnist_cep", "mnist_cep_128_p16", "mnist_cep_128_p64"]
    {
        assert!(names.iter().any(|n| n == name), "{name} is not among {names:?}");
    }
}

/// Formats that pass alone, so that what remains to be judged is how they go together.
fn format(signed: bool, frac: std::ops::RangeInclusive<i32>) -> impl Strategy<Value = Format> {
    (2..=32u32, frac).prop_map(move |(width, frac)| Format { signed, width, frac })
}

fn state() -> impl Strategy<Value = Format> {
    prop_oneof![1 => format(false, 0..=30), 4 => format(false, 6..=10)]
        .prop_map(|f| Format { frac: f.frac.min(f.width as i32), ..f })
}

fn weight() -> impl Strategy<Value = Format> {
    prop_oneof![1 => format(true, -64..=64), 4 => format(true, 10..=16)]
}

/// A format that holds `value` in at most `width` bits.
fn holds(value: f64, width: u32) -> Format {
    Format::signed(width, (width as i32 - 2 - value.abs().log2().ceil() as i32).clamp(-64, 64))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever formats are typed, the answer is a design whose signals fit, or a refusal; never a panic.
    #[test]
    fn any_formats_are_built_or_refused(
        (input, hidden_state, output_state) in (state(), state(), state()),
        weights in (weight(), weight()), bias in weight(), own_bias in prop::bool::ANY,
        drives in (format(true, 0..=16), prop_oneof![format(true, 0..=16), format(true, 0..=64)]),
        dynamics in 0..3usize, activation in 0..3usize, inside in prop::bool::ANY,
        beta in prop_oneof![-4.0..4.0f64, -1e-9..1e-9f64], rates in (1e-6..1.0f64, 1e-6..1.0f64),
        widths in (8..=32u32, 8..=32u32, 8..=32u32), hidden in prop_oneof![1..=16usize, 1..=65535usize],
    ) {
        let dt = [1.0, 0.3, 1e-12][widths.0 as usize % 3];
        let timed = |name| format!("dynamics = '{name}'\ndt = {dt:?}");
        let dynamics = ["dynamics = 'prototypical'".to_owned(), timed("leaky"), timed("energy")][dynamics].clone();
        let step = if dynamics.contains("dt") { format!("step = '{}'", holds(dt, widths.0)) } else { String::new() };
        let bias = if own_bias { format!("bias = '{bias}'") } else { String::new() };
        let text = format!(
            "[network]\nlayers = [64, {hidden}, 10]\nactivation = '{}'\n{dynamics}\nnudge = '{}'\n\
             [rule]\nname = 'ep'\nT = 1\nK = 1\nbeta = {beta:?}\nlearning_rates = [{:?}, {:?}]\n\
             [formats]\ninput = '{input}'\nstate = ['{hidden_state}', '{output_state}']\nweight = ['{}', '{}']\n{bias}\n\
             drive = ['{}', '{}']\nrate = ['{}', '{}']\nnudge = '{}'\n{step}\n\
             [data]\nsource = 'digits'\n",
            ["hard_sigmoid", "half_hard_sigmoid", "logistic"][activation],
            if inside && !dynamics.contains("energy") { "inside" } else { "outside" },
            rates.0, rates.1, weights.0, weights.1, drives.0, drives.1,
            holds(rates.0 / beta, widths.0), holds(rates.1 / beta, widths.1), holds(beta, widths.2),
        );
        match read(&text) {
            Ok(d) => {
                let p = &d.datapath;
                prop_assert!(p.activity_width <= 32 && p.stored_width <= 32 && p.pre_width <= 40);
                prop_assert!(p.forward_width.max(p.total_width).max(p.gradient_width) <= 62);
                for n in &p.neuron {
                    prop_assert!(n.sum_width.max(n.x_width).max(n.e_width) <= 62, "{n:?}");
                }
                // The constants survived their alignment.
                let rates = p.rates[0].weight.iter().zip(&p.rates[0].bias);
                for (s, (&weight, &bias)) in d.synapses.iter().zip(rates) {
                    let value = |raw: i64, frac: i32| raw as f64 * 2f64.powi(2 * p.activity_frac - p.update_shift - frac);
                    prop_assert_eq!(value(weight, s.weight.frac), s.rate.effective());
                    prop_assert_eq!(value(bias, s.bias.frac), s.rate.effective());
                }
                warnings(&d);
            }
            Err(e) => prop_assert!(e.line().is_some() && !e.remedy().is_empty(), "{e:?}"),
        }
    }
}

/// A file may be called anything that leaves a name; the text may say another.
#[test]
fn a_design_is_called_as_its_file_or_as_it_says() {
    let text = commented_example("net");
    let named = |name: &str| text.replacen("[network]\n", &format!("[network]\nname = \"{name}\"\n"), 1);
    for (file, name) in
        [("my net", "my_net"), ("net_0.3", "net_0_3"), ("table", "table"), ("3-Nets", "3_nets")]
    {
        let d = parse(Path::new(&format!("some/{file}.toml")), &text).unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(d.name, name, "{file}");
        let d =
            parse(Path::new(&format!("{file}.toml")), &named("other")).unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(d.name, "other", "{file}");
    }
    for (file, says) in [
        ("日本.toml", "has no letter"),
        ("net-axi.toml", "is a module of a design `net`"),
        ("net.registers.toml", "is a module of a design `net`"),
        (&*format!("{}.toml", "long".repeat(33)), "is too long"),
    ] {
        let error = parse(Path::new(file), &text).expect_err(file);
        assert!(error.message().contains(says), "{file}: {error:?}");
        assert!(error.remedy().contains("name = \"...\""), "{error:?}");
        parse(Path::new(file), &named("net")).unwrap_or_else(|e| panic!("{file}: {e:?}"));
    }
    for (name, says) in
        [("my-net", "is no name"), ("a__b", "is no name"), ("", "no letter"), ("b_axi", "is a module")]
    {
        let error = parse(Path::new("net.toml"), &named(name)).expect_err(name);
        assert!(error.message().contains(says), "{name}: {error:?}");
    }
}

/// A design in which every key that takes a number has a meaning. (A weight decay of nothing needs tied weights, and these
/// have no angle.)
const EVERY_NUMBER: &str = r#"
[network]
layers = ["32x32x1", 32, 10]
activation = "logistic"
dynamics = "leaky"
dt = 0.5
initial_scale = 1.0
[rule]
name = "ep"
T = 20
K = 8
batch = 1
beta = 0.2
feedback = "kolen_pollack"
angle = 45
weight_decay = 0.25
learning_rates = 0.1
[formats]
step = "u16.15"
decay = "u24.24"
rate = "u32.31"
[hardware]
lanes = 8
[training]
epochs = 3
momentum = 0.9
rate_milestones = [2]
rate_gamma = 0.5
seed = 7
train_samples = 100
test_samples = 100
[noise]
sigma = 0.25
[data]
source = "idx"
path = "images"
crop = 4
"#;

/// `EVERY_NUMBER` with a key of another value.
fn with(section: &str, key: &str, value: f64) -> String {
    // Momentum and separate weights exclude each other.
    let tied = ["weight_decay", "momentum"].contains(&key);
    // A circle, the rule and the activation that it takes.
    let circle = ["points", "periods"].contains(&key);
    let mut here = String::new();
    let line = |line: &str| {
        if let Some(name) = line.strip_prefix('[') {
            here = name.trim_end_matches(']').to_owned();
        }
        match line.split_once(" = ") {
            Some(("dynamics" | "dt" | "step", _)) if circle => String::new(),
            Some(("name", _)) if circle => {
                let points = if key == "points" { value } else { 4.0 };
                let periods = if key == "periods" { format!("periods = {value}\n") } else { String::new() };
                format!("name = \"holomorphic_ep\"\npoints = {points}\n{periods}")
            }
            Some((k, _)) if tied && ["feedback", "angle"].contains(&k) => String::new(),
            Some(("momentum", _)) if key != "momentum" => String::new(),
            Some((k, old)) if here == section && k == key => {
                let real = old.contains('.') || key == "angle";
                format!("{key} = {}\n", if real { format!("{value:?}") } else { format!("{value}") })
            }
            _ => format!("{line}\n"),
        }
    };
    EVERY_NUMBER.lines().map(line).collect()
}

#[test]
fn the_range_that_is_shown_is_the_one_that_is_accepted() {
    let example = commented_example("net");
    assert!(!example.contains('{'), "every range of the example is filled in");
    let mut tried = 0;
    for (section, key, range) in ranges() {
        let shown = range.to_string();
        let accepts = |value: f64| match read(&with(section, key, value)) {
            Ok(_) => true,
            Err(error) => {
                let told = format!("{value} is no possible `{key}`");
                assert!(error.message().starts_with(&told), "{section}.{key} = {value}: {error:?}");
                assert!(error.remedy().contains(&shown), "{section}.{key}: {shown}: {error:?}");
                false
            }
        };
        let (inside, outside) = match range {
            Numbers::Whole { from, to, .. } => (vec![from, to], vec![from - 1, to + 1]),
            Numbers::PowerOfTwo { from, to } => (vec![from, to], vec![from - 1, to + 1]),
            Numbers::Real { .. } => (vec![], vec![]),
        };
        let (mut inside, mut outside): (Vec<f64>, Vec<f64>) =
            (inside.into_iter().map(|n| n as f64).collect(), outside.into_iter().map(|n| n as f64).collect());
        if let Numbers::Real { from: (from, from_too), to } = range {
            if from_too { &mut inside } else { &mut outside }.push(from);
            outside.push(from - 0.5);
            if let Some((to, to_too)) = to {
                if to_too { &mut inside } else { &mut outside }.push(to);
                outside.push(to + 0.5);
                inside.push(from + (to - from) / 2.0);
            }
        }
        for value in inside {
            assert!(accepts(value), "{section}.{key} = {value} is refused, {shown}");
            tried += 1;
        }
        for value in outside {
            assert!(!accepts(value), "{section}.{key} = {value} is accepted, {shown}");
            tried += 1;
        }
    }
    assert!(tried > 40, "{tried}");
    assert!(example.contains("a power of two from 2 to 256"), "{example}");
}
