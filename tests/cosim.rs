//! The generated hardware equals the reference, to the last bit of every state, drive and weight and to the last
//! cycle, over designs that together visit every mode; and hardware that differs is found out, at the right place.

#[path = "common/designs.rs"]
mod designs;
#[path = "common/samples.rs"]
mod samples;

use designs::Case;
use eqhdl::cosim::{Builds, Field, Level, Outcome, Request, Tracing, cross_check};
use eqhdl::coverage::Looking;
use eqhdl::design::{Activation, Design, Dynamics, Feedback, NudgePlace, NudgeSign, Readout, Rule, parse};
use eqhdl::fixed_point::{Overflow, Rounding};
use eqhdl::network::Network;
use eqhdl::reference::fast::Fast;
use eqhdl::reference::train::{PlannedSample, TrainingData};
use eqhdl::reference::{Observer, StepView, Weights};
use eqhdl::rules::{Op, Program};
use eqhdl::schedule::Layout;
use eqhdl::verilog::Sources;
use samples::samples;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Designs that together visit every mode. Layers of odd sizes; outputs in one chunk or several; formats that differ
/// between layers; sums on both sides of 32 bits.
const CASES: &[Case] = &[
    Case {
        name: "plain_ep",
        layers: "[64, 13, 10]",
        lanes: 4,
        dynamics: "prototypical",
        activation: "half_hard_sigmoid",
        nudge: "inside",
        rule: "ep",
        rounding: ["RND", "TRN", "RND"],
        overflow: ["SAT", "SAT", "SAT"],
        // Outputs wider than any operand of the forward sums.
        formats: "rate = \"u8.6\"\nstate = [\"u8.8\", \"s13.8\"]",
        more: "",
    },
    Case {
        name: "leaky_two_hidden",
        layers: "[64, 20, 7, 10]",
        lanes: 8,
        dynamics: "leaky",
        activation: "hard_sigmoid",
        nudge: "outside",
        rule: "cep random",
        rounding: ["TRN", "RND_ZERO", "RND_CONV"],
        overflow: ["SAT", "WRAP", "SAT_SYM"],
        // State fractions differ: the saved and the present activities are aligned.
        formats: "state = [\"u8.8\", \"s12.10\", \"s11.9\"]\ndrive = [\"s10.7\", \"s9.6\", \"s12.8\"]",
        more: "",
    },
    Case {
        name: "energy_all_stochastic",
        layers: "[64, 33, 10]",
        lanes: 16,
        dynamics: "energy",
        activation: "logistic",
        nudge: "outside",
        rule: "ep random",
        rounding: ["STOCHASTIC", "STOCHASTIC", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = \"s10.8\"",
        more: "",
    },
    Case {
        name: "no_hidden_layer",
        layers: "[64, 10]",
        lanes: 2,
        dynamics: "prototypical",
        activation: "logistic",
        nudge: "outside",
        rule: "cep",
        rounding: ["RND_CONV", "RND", "STOCHASTIC"],
        overflow: ["SAT_SYM", "SAT_ZERO", "SAT"],
        formats: "weight = \"s14.12\"\nweight_read = \"s9.7\"\nbias = \"s11.6\"",
        more: "",
    },
    Case {
        name: "energy_wide_lanes",
        layers: "[64, 20, 7, 10]",
        lanes: 32,
        dynamics: "energy",
        activation: "half_hard_sigmoid",
        nudge: "outside",
        rule: "cep",
        rounding: ["RND_INF", "TRN_ZERO", "TRN_ZERO"],
        overflow: ["SAT_ZERO", "SAT_SYM", "SAT_ZERO"],
        formats: "state = [\"s9.7\", \"s12.10\", \"s10.8\"]\nweight = [\"s12.10\", \"s16.13\", \"s14.12\"]\n\
                  weight_read = [\"s9.7\", \"s13.10\", \"s11.9\"]\nbias = [\"s14.9\", \"s10.8\", \"s16.14\"]",
        more: "",
    },
    Case {
        name: "sums_beyond_32_bits",
        layers: "[64, 13, 10]",
        lanes: 8,
        dynamics: "leaky",
        activation: "logistic",
        nudge: "inside",
        rule: "ep",
        rounding: ["RND_ZERO", "RND_CONV_ODD", "RND_INF"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "input = \"u12.12\"\nstate = \"u16.16\"\nweight = \"s28.22\"\ndrive = \"s12.8\"",
        more: "",
    },
    Case {
        name: "weights_that_wrap",
        layers: "[64, 9, 10]",
        lanes: 4,
        dynamics: "prototypical",
        activation: "hard_sigmoid",
        nudge: "outside",
        rule: "cep",
        rounding: ["RND_MIN_INF", "STOCHASTIC", "RND_ZERO"],
        overflow: ["WRAP", "SAT", "WRAP"],
        formats: "weight = \"s8.8\"\nstate = [\"u6.6\", \"s7.6\"]",
        more: "",
    },
    Case {
        name: "energy_no_hidden_layer",
        layers: "[64, 10]",
        lanes: 4,
        dynamics: "energy",
        activation: "hard_sigmoid",
        nudge: "outside",
        rule: "symmetric_ep",
        rounding: ["RND_CONV_ODD", "RND_INF", "RND_MIN_INF"],
        overflow: ["SAT_SYM", "SAT", "SAT_SYM"],
        formats: "weight = \"s10.9\"\nbias = \"s13.9\"",
        more: "",
    },
    Case {
        name: "one_chunk_each",
        layers: "[64, 5, 16, 10]",
        lanes: 16,
        dynamics: "prototypical",
        activation: "logistic",
        nudge: "inside",
        rule: "cep",
        rounding: ["TRN_ZERO", "RND_CONV", "RND_CONV_ODD"],
        overflow: ["SAT", "SAT_ZERO", "SAT_ZERO"],
        formats: "weight = [\"s12.10\", \"s14.12\", \"s13.11\"]\nbias = [\"s16.12\", \"s9.7\", \"s14.10\"]",
        more: "",
    },
    Case {
        name: "leaky_narrow_lanes",
        layers: "[64, 7, 10]",
        lanes: 2,
        dynamics: "leaky",
        activation: "half_hard_sigmoid",
        nudge: "inside",
        rule: "cep",
        rounding: ["STOCHASTIC", "RND_MIN_INF", "TRN"],
        overflow: ["SAT_ZERO", "WRAP", "SAT"],
        formats: "weight = \"s18.15\"\nweight_read = \"s10.7\"\nstate = [\"s9.8\", \"u7.7\"]",
        more: "",
    },
    Case {
        name: "stochastic_wide_weights",
        layers: "[64, 33, 10]",
        lanes: 32,
        dynamics: "prototypical",
        activation: "half_hard_sigmoid",
        nudge: "outside",
        rule: "symmetric_ep",
        rounding: ["RND", "RND", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "weight = [\"s24.20\", \"s20.16\"]\nbias = \"s32.24\"\nrate = \"u12.10\"",
        more: "",
    },
    Case {
        name: "vector_field",
        layers: "[64, 13, 7, 10]",
        lanes: 4,
        dynamics: "prototypical",
        activation: "half_hard_sigmoid",
        nudge: "outside",
        rule: "cep random",
        rounding: ["RND", "RND", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "",
        more: "feedback = \"vector_field\"\nangle = 60\n",
    },
    Case {
        name: "vector_field_decays",
        layers: "[64, 33, 10]",
        lanes: 16,
        dynamics: "leaky",
        activation: "logistic",
        nudge: "inside",
        rule: "ep",
        rounding: ["RND", "RND", "RND_CONV"],
        overflow: ["SAT", "SAT", "SAT_SYM"],
        formats: "weight = [\"s16.13\", \"s14.11\"]\nbias = \"s16.12\"",
        more: "feedback = \"vector_field\"\nangle = 180\nweight_decay = 0.02\n",
    },
    Case {
        name: "kolen_pollack",
        layers: "[64, 20, 9, 10]",
        lanes: 8,
        dynamics: "energy",
        activation: "logistic",
        nudge: "outside",
        rule: "symmetric_ep",
        rounding: ["RND", "RND", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = \"s10.8\"",
        more: "feedback = \"kolen_pollack\"\nangle = 90\nweight_decay = 0.01\n",
    },
    Case {
        name: "softmax",
        layers: "[64, 13, 10]",
        lanes: 4,
        dynamics: "prototypical",
        activation: "logistic",
        nudge: "softmax",
        rule: "ep",
        rounding: ["RND", "RND", "RND"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = [\"u8.8\", \"s10.9\"]",
        more: "",
    },
    Case {
        name: "softmax_continual",
        layers: "[64, 20, 7, 10]",
        lanes: 16,
        dynamics: "leaky",
        activation: "half_hard_sigmoid",
        nudge: "softmax",
        rule: "cep random falling",
        rounding: ["STOCHASTIC", "RND", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = [\"u8.8\", \"s9.7\", \"s12.10\"]\ndrive = [\"s10.7\", \"s10.7\", \"u9.5\"]",
        more: "",
    },
    Case {
        name: "softmax_symmetric",
        layers: "[64, 9, 10]",
        lanes: 2,
        dynamics: "prototypical",
        activation: "half_hard_sigmoid",
        nudge: "softmax",
        rule: "symmetric_ep",
        rounding: ["RND_CONV", "TRN", "RND"],
        overflow: ["SAT_SYM", "WRAP", "SAT"],
        formats: "state = [\"u8.8\", \"s10.8\"]\ndrive = \"s11.7\"",
        more: "feedback = \"kolen_pollack\"\nweight_decay = 0.01\n",
    },
    Case {
        name: "tied_decay",
        layers: "[64, 13, 10]",
        lanes: 2,
        dynamics: "prototypical",
        activation: "logistic",
        nudge: "outside",
        rule: "cep",
        rounding: ["RND", "RND", "RND"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "",
        more: "weight_decay = 0.05\n",
    },
    Case {
        name: "batches",
        layers: "[64, 20, 10]",
        lanes: 8,
        dynamics: "prototypical",
        activation: "logistic",
        nudge: "outside",
        rule: "ep random falling",
        rounding: ["RND", "RND", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "",
        more: "batch = 3\n",
    },
    Case {
        name: "batches_decay",
        layers: "[64, 13, 9, 10]",
        lanes: 4,
        dynamics: "leaky",
        activation: "logistic",
        nudge: "inside",
        rule: "symmetric_ep",
        rounding: ["RND", "RND", "RND"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "weight = [\"s16.13\", \"s14.11\", \"s12.10\"]\nbias = \"s16.12\"",
        more: "batch = 5\nfeedback = \"kolen_pollack\"\nangle = 90\nweight_decay = 0.01\n",
    },
    Case {
        name: "batches_even_odd_wide",
        layers: "[64, 33, 10]",
        lanes: 32,
        dynamics: "energy even_odd",
        activation: "half_hard_sigmoid",
        nudge: "outside",
        rule: "ep",
        rounding: ["RND", "RND", "TRN"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = \"s12.10\"\nweight = \"s24.20\"",
        more: "batch = 16\n",
    },
    Case {
        name: "even_odd_deep",
        layers: "[64, 13, 5, 9, 10]",
        lanes: 4,
        dynamics: "leaky even_odd",
        activation: "logistic",
        nudge: "inside",
        rule: "cep random",
        rounding: ["RND", "RND", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "",
        more: "feedback = \"vector_field\"\nangle = 40\n",
    },
    Case {
        name: "even_odd_energy",
        layers: "[64, 20, 10]",
        lanes: 8,
        dynamics: "energy even_odd",
        activation: "logistic",
        nudge: "outside",
        rule: "symmetric_ep",
        rounding: ["STOCHASTIC", "STOCHASTIC", "RND_CONV"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = \"s10.8\"",
        more: "weight_decay = 0.01\n",
    },
    Case {
        name: "even_odd_softmax",
        layers: "[64, 9, 7, 10]",
        lanes: 4,
        dynamics: "prototypical even_odd",
        activation: "half_hard_sigmoid",
        nudge: "softmax",
        rule: "cep",
        rounding: ["STOCHASTIC", "RND", "RND"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = [\"u8.8\", \"u8.8\", \"s10.9\"]",
        more: "",
    },
    Case {
        name: "even_odd_no_hidden_layer",
        layers: "[64, 10]",
        lanes: 16,
        dynamics: "prototypical even_odd",
        activation: "hard_sigmoid",
        nudge: "outside",
        rule: "ep",
        rounding: ["RND", "RND", "RND"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = \"s10.8\"",
        more: "",
    },
    Case {
        // The shortest neuron, and a next pass that waits for nothing but the outputs' word.
        name: "smallest",
        layers: "[64, 1, 10]",
        lanes: 16,
        dynamics: "prototypical",
        activation: "half_hard_sigmoid",
        nudge: "outside",
        rule: "cep",
        rounding: ["STOCHASTIC", "RND", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = [\"u8.8\", \"s10.8\"]",
        more: "",
    },
    Case {
        name: "smallest_narrow",
        layers: "[64, 1, 10]",
        lanes: 2,
        dynamics: "energy",
        activation: "logistic",
        nudge: "outside",
        rule: "cep random",
        rounding: ["STOCHASTIC", "STOCHASTIC", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = \"s10.8\"",
        more: "",
    },
    Case {
        name: "smallest_deep",
        layers: "[64, 1, 1, 10]",
        lanes: 32,
        dynamics: "leaky",
        activation: "logistic",
        nudge: "inside",
        rule: "cep",
        rounding: ["STOCHASTIC", "STOCHASTIC", "RND"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "",
        more: "",
    },
    Case {
        name: "smallest_one_layer",
        layers: "[64, 10]",
        lanes: 16,
        dynamics: "leaky",
        activation: "logistic",
        nudge: "outside",
        rule: "cep",
        rounding: ["STOCHASTIC", "RND", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = \"s10.8\"",
        more: "",
    },
    Case {
        name: "smallest_energy",
        layers: "[64, 1, 10]",
        lanes: 8,
        dynamics: "energy",
        activation: "logistic",
        nudge: "outside",
        rule: "symmetric_ep",
        rounding: ["STOCHASTIC", "RND", "RND"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = \"s10.8\"",
        more: "",
    },
    Case {
        name: "smallest_softmax",
        layers: "[64, 2, 10]",
        lanes: 16,
        dynamics: "prototypical even_odd",
        activation: "half_hard_sigmoid",
        nudge: "softmax",
        rule: "cep random",
        rounding: ["STOCHASTIC", "STOCHASTIC", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = [\"u8.8\", \"s10.9\"]",
        more: "",
    },
    Case {
        name: "smallest_feedback",
        layers: "[64, 2, 10]",
        lanes: 64,
        dynamics: "prototypical",
        activation: "hard_sigmoid",
        nudge: "inside",
        rule: "cep",
        rounding: ["STOCHASTIC", "RND", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "",
        more: "feedback = \"vector_field\"\nangle = 60\n",
    },
];

/// What a test leaves behind stays: an unchanged simulator is not built again.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cosim").join(name)
}

/// Runs two jobs at a time; everything that went wrong.
fn two_at_a_time<T: Sync>(jobs: &[T], run: impl Fn(&T) -> Result<(), String> + Sync) -> Vec<String> {
    let (next, failures) = (Mutex::new(jobs.iter()), Mutex::new(Vec::new()));
    let worker = || {
        while let Some(job) = { next.lock().unwrap().next() } {
            if let Err(text) = run(job) {
                failures.lock().unwrap().push(text);
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(worker);
        scope.spawn(worker);
    });
    failures.into_inner().unwrap()
}

/// Builds `sources` and compares with the reference of `design`.
fn check(
    design: &Design,
    sources: Sources,
    dir: &Path,
    samples: &[PlannedSample],
    data: &TrainingData,
) -> Result<Outcome, String> {
    let layout = Layout::of(design);
    let builds = Builds::open(dir).map_err(|error| error.to_string())?;
    let built =
        builds.simulator(design, &layout, &sources, Tracing::Commits).map_err(|error| error.to_string())?;
    let request = Request {
        design,
        data,
        samples,
        per_epoch: samples.len() as u64 / 2,
        start: &Weights::initial(design),
        level: Level::All,
        program: &built.program,
        work: &dir.join("work"),
        waves: None,
        survey: false,
        looking: Looking::Nowhere,
        patience: Some(1_000_000),
    };
    cross_check(&request, &layout, &mut |_, _| {}).map_err(|error| error.to_string())
}

fn equal(case: &Case) -> Result<(), String> {
    equal_design(&case.design()?)
}

fn equal_design(design: &Design) -> Result<(), String> {
    let layout = Layout::of(design);
    let (data, samples) = samples(design)?;
    let sources = Sources::of(design, &layout);
    let outcome = check(design, sources, &folder(&design.name), &samples, &data)
        .map_err(|e| format!("{}: {e}", design.name))?;
    if let Some(first) = outcome.differences.first() {
        return Err(format!("{}: {}\n  {first:?}", design.name, first.text));
    }
    // Equal means that all of it was compared.
    let program = Program::of(design);
    let mut model = eqhdl::reference::fast::Fast::new(design, &Weights::initial(design));
    model.set_sample(samples[0].number);
    let mut left_out = |s: &PlannedSample| {
        let (input, label) = data.sample(*s);
        model.run(&input, label, s.lesson(), &mut eqhdl::reference::Silent);
        u64::from(model.spared().count())
    };
    let left_out: u64 = samples.iter().map(&mut left_out).sum();
    let steps = samples.iter().map(|s| u64::from(program.steps(s.lesson()))).sum::<u64>() - left_out;
    let relaxations = |op: &Op| if let Op::Relax { passes, .. } = op { u64::from(*passes) } else { 0 };
    let ops = |train| if train { &program.train } else { &program.infer };
    let relaxed: u64 = samples.iter().flat_map(|s| ops(s.train)).map(relaxations).sum();
    // Each neuron's state and drive, and its state once more in its word; the weights come on top.
    let neurons = (relaxed - left_out) * layout.neurons() as u64 * 3;
    let expected = (samples.len() as u64, steps);
    if !outcome.equal() || (outcome.samples, outcome.steps) != expected || outcome.compared <= neurons {
        return Err(format!(
            "{}: compared {} samples, {} steps, {} values",
            design.name, outcome.samples, outcome.steps, outcome.compared
        ));
    }
    Ok(())
}

#[test]
fn hardware_equals_the_reference_over_designs_that_visit_every_mode() {
    let failures = two_at_a_time(CASES, equal);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Inputs of both signs, and images that are turned and moved: through dense layers and through kernels.
/// The input has fewer bits than the common grid of activities from its own fraction on: a lost sign shows.
#[test]
fn scaled_and_moved_images_are_the_same_in_hardware() {
    let dense =
        Case { name: "signed_dense", layers: "[\"8x8x1\", 13, 10]", formats: "input = \"s5.4\"", ..CASES[1] };
    let kernels = Case {
        name: "signed_kernels",
        layers: "[\"8x8x1\", { conv = 3, kernel = 3, padding = 1, pool = \"max\" }, 10]",
        formats: "input = \"s6.5\"",
        lanes: 4,
        rule: "ep",
        ..CASES[0]
    };
    let moved = |case: &Case| {
        let more = "source = \"digits\"\nscale = 2\noffset = -0.4\nflip = true\ncrop = 2\n";
        let text = case.text().replace("source = \"digits\"\n", more);
        parse(Path::new(&format!("{}.toml", case.name)), &text).unwrap_or_else(|e| panic!("{e:?}"))
    };
    let designs = [dense, kernels].map(|case| moved(&case));
    for design in &designs {
        let (data, samples) = samples(design).unwrap();
        assert!(data.train.raw.iter().any(|&x| x < 0) && data.train.raw.iter().any(|&x| x > 0));
        // Tests are shown as they are, and hardly a training sample is.
        let as_it_is = |s: &PlannedSample| {
            let part = if s.train { &data.train } else { &data.test };
            *data.sample(*s).0 == *part.raw_of(s.index as usize)
        };
        assert!(samples.iter().filter(|s| !s.train).all(as_it_is));
        assert!(samples.iter().filter(|s| s.train && as_it_is(s)).count() < 4);
    }
    let failures = two_at_a_time(&designs, equal_design);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_designs_visit_every_mode() {
    let designs: Vec<Design> = CASES.iter().map(|case| case.design().unwrap()).collect();
    let seen = |what: &dyn Fn(&Design) -> bool| designs.iter().any(what);
    for dynamics in [Dynamics::Prototypical, Dynamics::Leaky, Dynamics::Energy] {
        for activation in [Activation::HardSigmoid, Activation::HalfHardSigmoid, Activation::Logistic] {
            assert!(
                seen(&|d| d.dynamics == dynamics && d.activation == activation),
                "{dynamics:?} {activation:?}"
            );
        }
        for rule in [Rule::Ep, Rule::Cep] {
            assert!(seen(&|d| d.dynamics == dynamics && d.rule == rule), "{dynamics:?} {rule:?}");
        }
    }
    for (rule, sign) in
        [(Rule::SymmetricEp, NudgeSign::Fixed), (Rule::Ep, NudgeSign::Random), (Rule::Cep, NudgeSign::Random)]
    {
        assert!(seen(&|d| d.rule == rule && d.nudge_sign == sign), "{rule:?}, {sign:?} sign");
    }
    for feedback in [Feedback::Tied, Feedback::VectorField, Feedback::KolenPollack] {
        for decays in [false, true] {
            let impossible = feedback == Feedback::KolenPollack && !decays;
            let any = seen(&|d| d.feedback == feedback && (d.weight_decay.raw != 0) == decays);
            assert!(impossible || any, "{feedback:?}, decay {decays}");
        }
    }
    for rule in [Rule::Ep, Rule::SymmetricEp, Rule::Cep] {
        assert!(seen(&|d| d.readout == Readout::Softmax && d.rule == rule), "softmax, {rule:?}");
    }
    for (dynamics, place) in [
        (Dynamics::Prototypical, NudgePlace::Inside),
        (Dynamics::Prototypical, NudgePlace::Outside),
        (Dynamics::Leaky, NudgePlace::Inside),
        (Dynamics::Leaky, NudgePlace::Outside),
    ] {
        assert!(seen(&|d| d.dynamics == dynamics && d.nudge_place == place), "{dynamics:?} {place:?}");
    }
    for modes in [|d: &Design| d.state_modes, |d: &Design| d.drive_modes, |d: &Design| d.weight_modes] {
        for rounding in Rounding::ALL {
            assert!(seen(&|d| modes(d).rounding == rounding), "{rounding:?}");
        }
        for overflow in Overflow::ALL {
            assert!(seen(&|d| modes(d).overflow == overflow), "{overflow:?}");
        }
    }
    let uniform = |d: &Design| {
        d.synapses.iter().all(|s| s.weight.width == d.datapath.stored_width && s.bias.width == s.weight.width)
    };
    assert!(seen(&|d| d.datapath.forward_width > 32
        && d.datapath.transposed_width > 32
        && d.datapath.gradient_width > 32));
    assert!(seen(&|d| d.datapath.forward_width <= 32
        && d.datapath.transposed_width <= 32
        && d.datapath.gradient_width <= 32));
    assert!(seen(&uniform) && seen(&|d| !uniform(d)));
    assert!(seen(&|d| d.datapath.dropped_bits > 0));
    assert!(seen(&|d| d.datapath.pre_width < d.datapath.activity_width));
    assert!(seen(&|d| d.datapath.pre_width > d.datapath.activity_width));
    assert!(seen(&|d| d.datapath.activity_shift.iter().any(|&s| s > 0)));
    assert!(
        seen(&|d| d.datapath.weight_shift.iter().any(|&s| s > 0))
            && seen(&|d| d.datapath.bias_shift.iter().any(|&s| s > 0))
    );
    for chunks in [1, 2, 3, 5] {
        assert!(seen(&|d| 10usize.div_ceil(d.lanes) == chunks), "{chunks} chunks of outputs");
    }
    for depth in 1..=3 {
        assert!(seen(&|d| d.output_layer() == depth), "{depth} layers of synapses");
    }
}

/// Everything the reference has committed in every step.
#[derive(Default)]
struct Recorder {
    steps: Vec<Step>,
    network: Option<Network>,
    sample: u32,
}

struct Step {
    sample: u32,
    step: u32,
    /// Layer, neuron, drive.
    drives: Vec<(usize, usize, i64)>,
    /// Layer, post-synaptic neuron, column, raw value.
    weights: Vec<(usize, usize, usize, i64)>,
}

impl Observer for Recorder {
    fn step(&mut self, view: StepView<'_>) {
        let (mut drives, mut weights, mut at) = (Vec::new(), Vec::new(), 0);
        for (l, connection) in self.network.iter().flat_map(Network::connections) {
            for i in 0..connection.rows() {
                drives.push((l, i, i64::from(view.records.drives[at])));
                at += 1;
                for j in 0..=connection.taps() {
                    weights.push((l, i, j, i64::from(view.weights.weight(l, i, j))));
                }
            }
        }
        self.steps.push(Step { sample: self.sample, step: view.step, drives, weights });
    }
}

fn record(design: &Design, data: &TrainingData, samples: &[PlannedSample]) -> Vec<Step> {
    let mut network = Fast::new(design, &Weights::initial(design));
    let mut recorder = Recorder { network: Some(design.network.clone()), ..Recorder::default() };
    for &s in samples {
        let (input, label) = data.sample(s);
        network.set_sample(s.number);
        recorder.sample = s.number;
        network.run(&input, label, s.train, &mut recorder);
    }
    recorder.steps
}

/// Hardware built for one rounding against the reference of another: two references say where they part.
#[test]
fn a_wrong_rounding_is_found_where_two_references_part() {
    let right = Case { name: "wrong_rounding", rounding: ["RND", "RND", "RND"], ..CASES[0] };
    let jobs = [
        (
            Field::Weight,
            ".WeightRounding(2)",
            ".WeightRounding(0)",
            Case { rounding: ["RND", "RND", "TRN"], ..right },
        ),
        (
            Field::Drive,
            ".DriveRounding(2)",
            ".DriveRounding(0)",
            Case { rounding: ["RND", "TRN", "RND"], ..right },
        ),
    ];
    let failures = two_at_a_time(&jobs, |&(field, from, to, wrong)| {
        let (design, wrong) = (right.design()?, wrong.design()?);
        let (data, samples) = samples(&design)?;
        let mut sources = Sources::of(&design, &Layout::of(&design));
        let file = if field == Field::Weight { "eqhdl_wrong_rounding.v" } else { "neuron_bank.v" };
        let core = sources.files.get_mut(file).ok_or("no core")?;
        if !core.contains(from) {
            return Err(format!("the core has no `{from}`"));
        }
        *core = core.replace(from, to);
        let outcome = check(&design, sources, &folder(&format!("wrong_{field:?}")), &samples, &data)?;
        let first = outcome.differences.first().ok_or("no difference was found")?;
        let (here, there) = (record(&design, &data, &samples), record(&wrong, &data, &samples));
        let parted = here.iter().zip(&there).find(|(h, t)| h.drives != t.drives || h.weights != t.weights);
        let (h, t) = parted.ok_or("the two references are equal")?;
        if outcome.equal() || (first.field, first.sample, first.pass) != (field, h.sample, Some(h.step)) {
            return Err(format!("expected a {field:?} in sample {}, step {}: {first:?}", h.sample, h.step));
        }
        let found = if field == Field::Weight {
            // The first in the order of writing: layer, chunk, column, lane.
            let lanes = design.lanes;
            let different = h.weights.iter().zip(&t.weights).filter(|(a, b)| a != b);
            let (a, b) = different
                .min_by_key(|((l, i, j, _), _)| (*l, i / lanes, *j, *i))
                .ok_or("weights are equal")?;
            let from = (a.2 < design.network.neurons(a.0 - 1)).then_some(a.2);
            (first.layer, first.neuron, first.from, first.expected, first.found)
                == (a.0, Some(a.1), from, a.3, b.3)
        } else {
            // Within a step neurons come in any order.
            let different = h.drives.iter().zip(&t.drives).filter(|(a, b)| a != b);
            different.into_iter().any(|(a, b)| {
                (first.layer, first.neuron, first.expected, first.found) == (a.0, Some(a.1), a.2, b.2)
            })
        };
        if found { Ok(()) } else { Err(format!("not where the references part: {first:?}")) }
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
