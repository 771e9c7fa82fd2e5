//! What a cross-check came to, for people and for machines.

use super::{Bench, CosimArgs, Hardware};
use crate::bus;
use crate::cli::CliError;
use crate::cli::say::{note, tell};
use crate::cosim::{Built, CosimError, Difference, Field, Level, Outcome, Replay, operands};
use crate::coverage::{self, State};
use crate::design::{Design, Keys};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What `--json` prints and `cosim.json` holds.
#[derive(Serialize)]
struct Report<'a> {
    verdict: &'static str,
    design: &'a str,
    level: Level,
    samples: u64,
    /// Of these, samples that were learned, and samples that were only classified.
    learned: u64,
    classified: u64,
    /// Made samples (`--stress`) that were compared behind them.
    made: u64,
    compared: u64,
    steps: u64,
    differences: usize,
    first_difference: Option<&'a Difference>,
    /// The waveform of the sample that differs, and what differs first where everything is compared.
    replay: Option<ReplayReport<'a>>,
    cycles_per_sample: f64,
    weight_read_share: f64,
    test_accuracy: Option<f64>,
    reference_test_accuracy: Option<f64>,
    wall_s: f64,
    simulated_cycles_per_s: Option<f64>,
    weights_digest: &'a str,
    data_checksum: &'a str,
    seed: u32,
    injected: Option<&'a str>,
    /// Answers of the bus that were compared, with `--bus`.
    bus_words: Option<u64>,
    /// What the circuit was generated from.
    depends_on: Keys,
    /// What the samples have exercised; none where something differs.
    coverage: Option<Covered>,
    /// SHA-256 of every file that was built.
    built: BTreeMap<String, String>,
    /// Files that eqhdl would generate otherwise.
    edited: &'a [String],
    /// Generated files that no simulation has seen.
    not_simulated: Vec<String>,
    version: &'static str,
}

/// What the samples have exercised; `coverage.json` beside the report has it point by point.
#[derive(Serialize)]
struct Covered {
    exercised: usize,
    looked_into: u64,
    never: Vec<String>,
    unreachable: Vec<String>,
}

/// Where to look at a difference.
#[derive(Serialize)]
struct ReplayReport<'a> {
    samples: usize,
    cycle: u64,
    waveform: &'a Path,
    gtkwave: &'a Path,
    surfer: &'a Path,
    first_difference: &'a Difference,
}

/// All that is told.
pub(super) struct Verdict<'a> {
    pub args: &'a CosimArgs,
    pub bench: &'a Bench<'a>,
    pub outcome: &'a Outcome,
    pub replayed: Option<Replay>,
    /// Made samples that were compared, too.
    pub made: u64,
    /// A waveform of the first sample.
    pub first_sample: Option<PathBuf>,
    /// Answers of the bus that were compared.
    pub bus_words: Option<u64>,
    pub hardware: &'a Hardware,
    /// The simulator; none where a waveform was given.
    pub built: Option<Built>,
}

impl Verdict<'_> {
    /// Writes the report, and prints what was asked for.
    ///
    /// # Errors
    /// The report cannot be written.
    pub fn give(&self) -> Result<(), CliError> {
        let json = serde_json::to_string_pretty(&self.report()).map_err(CliError::tool_message)?;
        let file = self.hardware.folder.join("cosim.json");
        crate::whole::write(&file, json.as_bytes()).map_err(|e| CosimError::Io {
            what: "write",
            path: file.clone(),
            source: e,
        })?;
        let map =
            self.coverage().map(|c| super::super::coverage::write(c, &self.hardware.folder)).transpose()?;
        if self.args.json {
            tell!("{json}")?;
        }
        self.say_what();
        if let (Some(map), Some(c)) = (map, self.coverage()) {
            super::super::coverage::say(c, &map);
        }
        self.say_numbers();
        self.say_where();
        note!("  report             {}", file.display());
        Ok(())
    }

    fn report(&self) -> Report<'_> {
        let (o, bench) = (self.outcome, self.bench);
        Report {
            verdict: if o.equal() { "equal" } else { "different" },
            design: &bench.design.name,
            level: self.args.level,
            samples: o.samples,
            learned: o.learned,
            classified: o.samples - o.learned,
            made: self.made,
            compared: o.compared,
            steps: o.steps,
            differences: o.differences.len(),
            first_difference: o.differences.first(),
            replay: self.replayed.as_ref().map(|r| ReplayReport {
                samples: r.samples,
                cycle: r.cycle,
                waveform: &r.waveform,
                gtkwave: &r.gtkwave,
                surfer: &r.surfer,
                first_difference: &r.first,
            }),
            cycles_per_sample: o.cycles_per_sample,
            weight_read_share: o.read_share,
            test_accuracy: o.test_accuracy,
            reference_test_accuracy: o.reference_accuracy,
            wall_s: o.wall.as_secs_f64(),
            simulated_cycles_per_s: o.simulated.map(|(cycles, seconds)| cycles as f64 / seconds),
            weights_digest: &o.weights_digest,
            data_checksum: &bench.data.checksum,
            seed: bench.design.seed,
            injected: self.args.inject.as_deref(),
            bus_words: self.bus_words,
            depends_on: Keys::of_circuit(bench.design),
            coverage: self.coverage().map(|c| Covered {
                exercised: c.count(State::Exercised),
                looked_into: c.looked_into,
                never: c.named(State::Never).collect(),
                unreachable: c.named(State::Unreachable).collect(),
            }),
            built: self.built.as_ref().map(|b| b.files.clone()).unwrap_or_default(),
            edited: &self.hardware.edited,
            not_simulated: self.not_simulated(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// What was exercised by samples all of which are equal.
    fn coverage(&self) -> Option<&coverage::Report> {
        self.outcome.coverage.as_ref().filter(|_| self.outcome.equal())
    }

    /// Generated files of the bus that are not part of the simulation.
    fn not_simulated(&self) -> Vec<String> {
        let simulated = |name: &String| self.built.as_ref().is_some_and(|b| b.files.contains_key(name));
        bus::file_names(self.bench.design).into_iter().filter(|name| !simulated(name)).collect()
    }

    /// Equal, or what differs and why.
    fn say_what(&self) {
        let o = self.outcome;
        let level = format!("{:?}", self.args.level).to_lowercase();
        let Some(d) = o.differences.first() else {
            note!("EQUAL at level {level}: hardware and reference agree in every bit");
            let classified = match o.samples - o.learned {
                0 => "none to classify".to_owned(),
                count => format!("{} to classify", grouped(count)),
            };
            note!("  samples            {} to learn, {classified}", grouped(o.learned));
            if self.made > 0 {
                let made = grouped(self.made);
                note!("  made samples       {made}, weights and inputs at and near their rails");
            }
            let (compared, steps) = (grouped(o.compared), grouped(o.steps));
            note!("  compared           {compared} states and weights, {steps} signatures");
            if let Some(words) = self.bus_words {
                let words = grouped(words);
                note!("  on the bus         {words} words answered, and all weights read through it");
            }
            return;
        };
        note!("DIFFERENT at level {level}; the first difference:");
        note!("  {}", d.text);
        // Where everything is compared, a cause may come before what this level has seen.
        let sharper = self.replayed.as_ref().map(|r| &r.first).filter(|r| r.text != d.text);
        if let Some(sharper) = sharper {
            note!("  before it, at level all: {}", sharper.text);
        }
        let cause = sharper.unwrap_or(d);
        let before = o.before.iter().find(|b| b.1.number == cause.sample);
        if let Some(why) = before.and_then(|b| operands(self.bench.design, &self.bench.data, b, cause)) {
            note!("  {why}");
        }
        // Without a waveform nobody knows the cycle.
        let seen =
            if d.cycle > 0 { format!("seen in cycle {} of the run; ", d.cycle) } else { String::new() };
        note!("  {seen}{}", explain(self.bench.design, cause));
    }

    fn say_numbers(&self) {
        let o = self.outcome;
        if let Some(a) = o.test_accuracy {
            let same = if o.test_accuracy == o.reference_accuracy {
                "the same from both"
            } else {
                "the reference's differs"
            };
            note!("  test accuracy      {:.2} % (mean of the last epochs, {same})", 100.0 * a);
        }
        if o.cycles_per_sample > 0.0 {
            note!(
                "  cycles per sample  {:.0} (training), {:.1} % of all cycles read weights",
                o.cycles_per_sample,
                100.0 * o.read_share
            );
        }
        note!("  wall time          {:.1} s", o.wall.as_secs_f64());
        if let Some((cycles, seconds)) = o.simulated {
            let rate = cycles as f64 / seconds / 1e6;
            note!("  simulated          {} cycles, {rate:.2} million per second", grouped(cycles));
        }
    }

    /// What was simulated and what was not, and where to look at it.
    fn say_where(&self) {
        let edited = &self.hardware.edited;
        let unseen = self.not_simulated();
        if !unseen.is_empty() {
            let mine = unseen.iter().filter(|f| edited.contains(f)).map(String::as_str);
            let edits = match mine.collect::<Vec<_>>().join(", ") {
                none if none.is_empty() => String::new(),
                files => format!(", of which {files} not as generated"),
            };
            note!("  not simulated      the bus around the core ({} files{edits})", unseen.len());
        }
        if !edited.is_empty() {
            note!("  not as generated   {}", edited.join(", "));
        }
        if let Some(r) = &self.replayed {
            let (samples, cycle) = (r.samples, r.cycle);
            note!("  replay             {samples} sample(s), cycle {cycle}: {}", r.waveform.display());
            let (gtkwave, surfer) = (r.gtkwave.display(), r.surfer.display());
            note!("  open it            gtkwave {gtkwave}   or   surfer -c {surfer}");
        } else if !self.outcome.differences.is_empty() {
            let why = if self.built.is_none() {
                "none: the waveform was given, no hardware ran; `--rtl DIR` runs it"
            } else if self.outcome.before.is_empty() {
                "none: only the weights after the last sample differ; run again at --level events"
            } else {
                "the difference does not come back when the last samples run alone"
            };
            note!("  replay             {why}");
        }
        if let Some(w) = &self.first_sample {
            note!(
                "  waveform           {} (the commit port over the first sample; gtkwave {})",
                w.display(),
                w.with_extension("gtkw").display()
            );
        }
    }
}

/// 1234567 as 1,234,567.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Where in the circuit to look, the likeliest place first.
fn explain(design: &Design, d: &Difference) -> String {
    let (plus, noise) = match design.noise > 0.0 {
        true => (" + noise", ", then at the noise (u_noise of neuron_bank)"),
        false => ("", ""),
    };
    match d.field {
        Field::Weight | Field::FinalWeight | Field::Velocity if design.momentum.is_some() => "v' = sat(round(m v + rate x sum)), then w' = overflow(w + round(v')): look at stages 7 to 9 of synapse_lanes, then at what the samples added up (u_sums of weight_store), then at the key of its random bits".to_owned(),
        Field::Weight | Field::WeightBack | Field::FinalWeight | Field::Velocity if design.is_complex() => format!(
            "w' = overflow(w + round(Re(c_k pre post))), rounding {:?}, overflow {:?}, by what the points of the circle have added up where they are summed (u_sums of weight_store): look at the coefficients (weight_rate_of, weight_turn_of of layer_table.vh), then at stages 4 to 9 of synapse_lanes, then at both parts that they are given (post_memory, and pre_a3, pre_b3 of the core)",
            design.weight_modes.rounding, design.weight_modes.overflow
        ),
        Field::Weight | Field::WeightBack | Field::FinalWeight | Field::Velocity => format!(
            "w' = overflow(w + round(rate x (a_post a_pre - b_post b_pre))), rounding {:?}, overflow {:?}: look at stages 5 to 9 of synapse_lanes, then at the activities they are given (post_memory, and pre_a3, pre_b3 of the core), then at weight_memory",
            design.weight_modes.rounding, design.weight_modes.overflow
        ),
        Field::Drive | Field::ImaginaryDrive if design.is_complex() => format!("drive = requantise(sum of inputs{plus} + beta_k (y - s)), its real part in the first of two passes and its imaginary one in the second: look at the sums (drive_path), then at what either pass is given (post_memory, operand_fetch, weight_memory), then at the nudge (nudge_real_of, nudge_imaginary_of of layer_table.vh) and at turned_neuron{noise}"),
        Field::Drive | Field::ImaginaryDrive => format!("drive = requantise(sum of inputs{plus}): look at the sums (drive_path), then at the products (stages 9 to 13 of synapse_lanes), then at what they are given (post_memory, weight_memory), then at the requantiser in neuron_unit{noise}"),
        Field::State | Field::Imaginary if design.is_complex() => format!("state = requantise(rho(drive)), real and imaginary part, drive = requantise(sum of inputs{plus} + beta_k (y - s)): look at turned_neuron, then at the nudge of the point (nudge_real_of, nudge_imaginary_of of layer_table.vh), then at the sums of both passes (drive_path) and what they are given (post_memory, operand_fetch, weight_memory){noise}"),
        Field::State | Field::Imaginary => format!("state = requantise(rho(drive) + nudge), drive = requantise(sum of inputs{plus}): look at neuron_unit, then at the sums (drive_path), the products (stages 9 to 13 of synapse_lanes), and what they are given (post_memory, weight_memory){noise}"),
        Field::Corner => "the corner of the largest of a window's sums: look at stage 12 of synapse_lanes, then at the corners that kernel_walk counts, then at what keeps a corner where a layer rests (neuron_bank)".to_owned(),
        Field::Signature => "run again at --level events to see which state or weight".to_owned(),
        Field::Bus => "the core is right (its commit port is compared first): look at the bus, from the word back to the core: stream_results, registers, weight_window, rail_counter, stream_samples".to_owned(),
        Field::Hang => "look at the sequencer, then at what it waits for: sample_buffer (a sample), softmax_unit (its pulls)".to_owned(),
        Field::Cycles | Field::WeightReads | Field::Place | Field::Count => "the order or number of events: look at the sequencer, then at still_watch and contrast_list, by which it leaves out passes and chunks".to_owned(),
        Field::Ready | Field::Busy | Field::Pace => "every bit that was computed is right, but the core does not keep to its handshakes: look at sample_buffer (ready_o, full_o), then at the sequencer, which starts a sample (sample_start_o, enable_i) and ends it (sample_release_o, busy_o)".to_owned(),
        Field::TrainFlag | Field::SampleNumber => "look at what travels with a sample: sample_buffer (train_o), sample_number_q of the core".to_owned(),
        Field::Prediction | Field::Label => "run again at --level events to see which state or weight came first".to_owned(),
    }
}
