//! What a design file means: every value judged at its own place, defaults filled in, widths derived.

use super::choices::Choices;
use super::formats::{
    activity, constant, constants, finest, format, formats, not_below_zero, pull, signed, table, top_bits,
};
use super::given::{
    Given, Result, Span, optional, per_layer, positive, real, required, section, short, whole,
};
use super::keys::{meaning as key_meaning, missing};
use super::ranges::range;
use super::typed::{At, Data, File, Formats, Source, TypedFormat};
use crate::design::diagnostics::Refusal;
use crate::design::limits::{LABEL_WIDTH, MOST_CLASSES, MOST_LAYERS, MOST_NEURONS, WINDOW_WIDTH};
use crate::design::name;
use crate::design::{
    Constant, DataSource, Datapath, Design, Dynamics, Feedback, Milestones, Modes, Neurons, NudgePlace,
    Order, Readout, Rule, Synapses,
};
use crate::fixed_point::{Format, Overflow, Rounding};
use crate::network::Network;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// Makes a design of what was typed.
pub(super) fn of(file: File, path: &Path) -> Result<Design> {
    let (network, network_at) = section(file.network, "network", "layers")?;
    let (rule, rule_at) = section(file.rule, "rule", "name")?;
    let (typed_formats, formats_at) = optional::<Formats>(file.formats);
    let (rounding, _) = optional(file.rounding);
    let (overflow, _) = optional(file.overflow);
    let (hardware, _) = optional(file.hardware);
    let (training, training_at) = optional(file.training);
    let (data, data_at) = section(file.data, "data", "source")?;

    // Where a signal that does not fit is to be mended.
    let spans = {
        let f = &typed_formats;
        [
            (("formats", "state"), span_of(&f.state)),
            (("formats", "weight"), span_of(&f.weight)),
            (("formats", "weight_read"), span_of(&f.weight_read)),
            (("formats", "bias"), span_of(&f.bias)),
            (("formats", "drive"), span_of(&f.drive)),
            (("formats", "rate"), span_of(&f.rate)),
            (("formats", "decay"), span_of(&f.decay)),
            (("rule", "batch"), span_of(&rule.batch)),
        ]
    };

    // The network.
    let choices = Choices::of(&network, &rule, &rule_at)?;
    let name = name_of(network.name.map(Given::from), path)?;
    let layers = required(network.layers, "network", "layers", &network_at)?;
    let layers_at = layers.at.clone();
    let layers = layers_of(layers)?;
    let count = layers.depth();
    let activation = required(network.activation, "network", "activation", &network_at)?;
    let Choices { dynamics, feedback, .. } = &choices;
    let softmax = choices.readout.value == Readout::Softmax;
    let symmetric = choices.rule.value == Rule::SymmetricEp;
    let order = network.order.map_or(Given::default(Order::Synchronous), Given::from);
    let scale = network.initial_scale.map_or(Given::default(1.0), Given::from);
    let scale = positive(&scale, "network", "initial_scale")?;
    let dt = time_step(network.dt.map(Given::from), dynamics, &network_at, typed_formats.step)?;

    // The rule.
    let steps = |typed, key| -> Result<u32> {
        let given = required(typed, "rule", key, &rule_at)?;
        Ok(whole(&given, "rule", key)? as u32)
    };
    let angle = angle(rule.angle.map(Given::from), feedback)?;
    let batch = batch(rule.batch.map(Given::from), &choices.rule, feedback)?;
    let weight_decay = weight_decay(rule.weight_decay, typed_formats.decay, feedback)?;
    let free_steps = steps(rule.free_steps, "T")?;
    let nudged_steps = steps(rule.nudged_steps, "K")?;
    let beta = required(rule.beta, "rule", "beta", &rule_at)?;
    if beta.value == 0.0 || !beta.value.is_finite() {
        return Err(Refusal::new(
            "beta-zero",
            format!("`beta` is {}: the nudged phase would teach nothing", beta.value),
            "write a number other than 0, such as `beta = 0.2`",
        )
        .at(beta.at, "no nudge"));
    }
    let rates = rule.learning_rates.ok_or_else(|| missing("rule", "learning_rates", rule_at.clone()))?;
    let rates = per_layer(rates, count, "learning_rates", |r| r)?;
    for rate in &rates {
        positive(rate, "rule", "learning_rates")?;
    }
    let nudge_format = format(typed_formats.nudge, Format::signed(16, 12));
    not_below_zero(&nudge_format, "nudge", "u8.8")?;
    let beta = constant(beta, nudge_format, "nudge", "beta")?;

    // Number formats.
    let input = format(typed_formats.input, Format::unsigned(8, 8));
    activity(&input, "input")?;
    let outside = choices.nudge.value == NudgePlace::Outside;
    let states = formats(typed_formats.state, count, "state", |l| {
        if l + 1 == count && (outside || softmax) { Format::signed(10, 8) } else { Format::unsigned(8, 8) }
    })?;
    let drives = formats(typed_formats.drive, count, "drive", |_| Format::signed(10, 7))?;
    let neurons = states
        .iter()
        .zip(&drives)
        .enumerate()
        .map(|(l, (state, drive))| {
            if softmax && l + 1 == count {
                pull(state, &drive.clone(), beta.wanted)?;
                return Ok(Neurons { state: state.value, drive: drive.value });
            }
            activity(state, "state")?;
            not_below_zero(drive, "drive", "s10.7")?;
            table(activation.value, dynamics.value, state, drive)?;
            Ok(Neurons { state: state.value, drive: drive.value })
        })
        .collect::<Result<Vec<_>>>()?;

    let weights = formats(typed_formats.weight, count, "weight", |_| Format::signed(16, 14))?;
    let reads = formats(typed_formats.weight_read, count, "weight_read", |l| weights[l].value)?;
    let biases = formats(typed_formats.bias, count, "bias", |l| weights[l].value)?;
    // The largest layer's rate, with as many fraction bits as 16 bits leave it.
    // Mean over a batch, over the distance of the nudges.
    let divisor = batch * if symmetric { 2 } else { 1 };
    let distance = f64::from(divisor) * beta.wanted;
    let largest = rates.iter().map(|r| r.value).fold(0.0, f64::max) / distance;
    let common = finest(largest, largest < 0.0, 16);
    let common = Format { frac: common.frac.min(16), ..common };
    let rate_formats = formats(typed_formats.rate, count, "rate", |_| common)?;
    let (milestones, rate_gamma) =
        falling_rates(training.rate_milestones, training.rate_gamma, &training_at)?;
    let wanted: Vec<_> =
        rates.iter().map(|r| Given { value: r.value / distance, at: r.at.clone() }).collect();
    let what = |l| {
        format!(
            "the rate of synapse layer {} (learning rate / {}beta)",
            l + 1,
            if divisor > 1 { format!("{divisor} ") } else { String::new() }
        )
    };
    let scaled = constants(&wanted, &rate_formats, what, "rate")?;
    lasting_rates(&wanted, &rate_formats, rate_gamma.powi(milestones.epochs().len() as i32))?;
    let mut synapses = Vec::new();
    for l in 0..count {
        for (format, key) in [(&weights[l], "weight"), (&biases[l], "bias")] {
            signed(format, key)?;
        }
        top_bits(&reads[l], &weights[l], &biases[l])?;
        synapses.push(Synapses {
            weight: weights[l].value,
            weight_read: reads[l].value,
            bias: biases[l].value,
            rate: scaled[l],
            learning_rate: rates[l].value,
            init: scale / (layers.connection(l + 1).fan_in() as f64).sqrt(),
        });
    }

    // The rest.
    let lanes = hardware.lanes.map_or(Given::default(16), Given::from);
    let asked = whole(&lanes, "hardware", "lanes")? as usize;
    if !asked.is_power_of_two() {
        return Err(Refusal::new(
            "lanes-no-power-of-two",
            format!(
                "{asked} lanes cannot be built: neuron numbers are split into chunk and lane by their bits"
            ),
            format!(
                "write a power of two, {} or {}",
                asked.next_power_of_two() / 2,
                asked.next_power_of_two()
            ),
        )
        .at(lanes.at.clone(), "not a power of two"));
    }
    let lanes = asked;
    let number = |typed: At<i64>, key, default: i64| {
        whole(&typed.map_or(Given::default(default), Given::from), "training", key)
    };
    let samples = |typed: At<i64>, key| -> Result<Option<usize>> {
        typed.map(|t| Ok(whole(&t.into(), "training", key)? as usize)).transpose()
    };

    let mut design = Design {
        name,
        path: path.to_owned(),
        data: source(data, &data_at, &layers, &layers_at)?,
        network: layers,
        input: input.value,
        neurons,
        synapses,
        dynamics: dynamics.value,
        order: order.value,
        readout: choices.readout.value,
        nudge_place: choices.nudge.value,
        activation: activation.value,
        dt,
        rule: choices.rule.value,
        nudge_sign: choices.sign.value,
        feedback: feedback.value,
        angle,
        weight_decay,
        batch,
        free_steps,
        nudged_steps,
        beta,
        drive_modes: modes(rounding.drive, overflow.drive),
        state_modes: modes(rounding.state, overflow.state),
        weight_modes: modes(rounding.weight, overflow.weight),
        lanes,
        seed: number(training.seed, "seed", 1)? as u32,
        train_samples: samples(training.train_samples, "train_samples")?,
        test_samples: samples(training.test_samples, "test_samples")?,
        epochs: number(training.epochs, "epochs", 10)? as u32,
        milestones,
        rate_gamma,
        datapath: Datapath::default(),
    };
    let window = crate::schedule::Layout::of(&design).window_width();
    if window > WINDOW_WIDTH {
        return Err(Refusal::new("weights-beyond-bus", 
            format!("these weights take {window} bits of address, 4 bytes each; the bus has {WINDOW_WIDTH} for them"),
            "choose smaller layers, or fewer lanes where most of a layer's last chunk has no neuron",
        )
        .at(layers_at, "too many weights"));
    }
    design.datapath = Datapath::derive(&design).map_err(|misfit| {
        let typed = spans.iter().find(|(key, _)| *key == misfit.key()).and_then(|(_, at)| at.clone());
        let refusal = Refusal::new(misfit.name(), misfit.to_string(), misfit.remedy());
        match typed {
            Some(at) => refusal.at(Some(at), "with the other formats"),
            None => refusal.at(formats_at.or(layers_at), "these formats together"),
        }
    })?;
    Ok(design)
}

/// Where a value was typed.
fn span_of<T>(typed: &At<T>) -> Span {
    typed.as_ref().map(Spanned::span)
}

/// The design's name: what the file says, or what the file is called.
fn name_of(typed: Option<Given<String>>, path: &Path) -> Result<String> {
    match typed {
        Some(typed) => name::typed(&typed.value).map_err(|e| {
            Refusal::new("name-unusable", e.to_string(), name::SPELLING).at(typed.at, "this name")
        }),
        None => name::of_file(path).map_err(|e| {
            let help =
                format!("rename the file, or say `name = \"...\"` under [network]: {}", name::SPELLING);
            Refusal::new("name-unusable", format!("the file's name cannot name the design: {e}"), help)
        }),
    }
}

/// Milestones, and what is left of the rates after each.
fn falling_rates(milestones: At<Vec<i64>>, gamma: At<f64>, training_at: &Span) -> Result<(Milestones, f64)> {
    let (milestones, gamma) = match (milestones.map(Given::from), gamma.map(Given::from)) {
        (None, None) => return Ok((Milestones::default(), 1.0)),
        (Some(milestones), Some(gamma)) => (milestones, gamma),
        (Some(_), None) => return Err(missing("training", "rate_gamma", training_at.clone())),
        (None, Some(_)) => return Err(missing("training", "rate_milestones", training_at.clone())),
    };
    let epochs: Option<Vec<u32>> =
        milestones.value.iter().map(|&m| u32::try_from(m).ok().filter(|&m| m > 0)).collect();
    let Some(known) = epochs.and_then(|e| Milestones::new(&e)).filter(|m| m.sets() > 1) else {
        let message = format!("{:?} are no possible `rate_milestones`", milestones.value);
        let help = format!("`rate_milestones` is {}", key_meaning("training", "rate_milestones"));
        return Err(Refusal::new("milestones-not-rising", message, help)
            .at(milestones.at, "one to seven epochs, rising"));
    };
    Ok((known, real(&gamma, "training", "rate_gamma")?))
}

/// Refuses rates of which nothing is left after the last milestone.
fn lasting_rates(first: &[Given<f64>], formats: &[Given<Format>], left: f64) -> Result<()> {
    let pairs = || first.iter().zip(formats);
    let lasts = |rate: &Given<f64>, format: Format| format.nearest(rate.value * left) != 0;
    let Some((l, (rate, format))) = (1..).zip(pairs()).find(|(_, (r, f))| !lasts(r, f.value)) else {
        return Ok(());
    };
    // So many more bits of fraction, and as many in all, that the last rate has a few.
    let finer = |rate: &Given<f64>, f: Format| {
        let more = (finest(rate.value * left, f.signed, 4 + u32::from(f.signed)).frac - f.frac).max(0);
        Format { width: f.width + more as u32, frac: f.frac + more, ..f }
    };
    let formats: Vec<_> =
        pairs().map(|(r, f)| if lasts(r, f.value) { f.value } else { finer(r, f.value) }).collect();
    let buildable = formats.iter().all(|f| f.to_string().parse::<Format>().is_ok());
    let help = if buildable {
        let list: Vec<_> = formats.iter().map(|f| format!("\"{f}\"")).collect();
        format!("write `rate = [{}]` under [formats], or raise `rate_gamma`", list.join(", "))
    } else {
        "raise `rate_gamma`, or remove a milestone".to_owned()
    };
    Err(Refusal::new("rate-falls-to-zero", 
        format!(
            "the rate of synapse layer {l} falls to {} after the last milestone, which rounds to 0 in its format {}, whose step is 2^{}",
            short(rate.value * left),
            format.value,
            -format.value.frac
        ),
        help,
    )
    .at(rate.at.clone(), "nothing is left of it")
    .also(format.at.clone(), "its format"))
}

/// Samples per update.
fn batch(typed: Option<Given<i64>>, rule: &Given<Rule>, feedback: &Given<Feedback>) -> Result<u32> {
    let given = typed.unwrap_or(Given::default(1));
    let batch = whole(&given, "rule", "batch")? as u32;
    if batch > 1 && rule.value == Rule::Cep {
        return Err(Refusal::new("batch-with-continual-rule", 
            "continual updates change the weights at every step: a chip that runs one sample after the other cannot \
             sum them over a batch",
            "remove `batch`, or write `name = \"ep\"`",
        )
        .at(given.at, "not with this rule")
        .also(rule.at.clone(), "this rule"));
    }
    if batch > 1 && feedback.value == Feedback::VectorField {
        return Err(Refusal::new("batch-with-vector-field", 
            "a vector field has another contrast on the way back, and there is one memory for sums over a batch",
            "remove `batch`, or write `feedback = \"kolen_pollack\"` or \"tied\"",
        )
        .at(given.at, "not with this feedback")
        .also(feedback.at.clone(), "this feedback"));
    }
    Ok(batch)
}

/// Psi, which only separate weights have.
fn angle(typed: Option<Given<f64>>, feedback: &Given<Feedback>) -> Result<f64> {
    let Some(angle) = typed else { return Ok(0.0) };
    if feedback.value == Feedback::Tied {
        return Err(Refusal::new(
            "angle-of-tied-weights",
            "tied weights serve both ways: there is no angle between them",
            "remove `angle`, or write `feedback = \"vector_field\"` or \"kolen_pollack\"",
        )
        .at(angle.at, "not used"));
    }
    real(&angle, "rule", "angle")
}

/// The weight decay, zero where none was asked for.
fn weight_decay(typed: At<f64>, format: At<TypedFormat>, feedback: &Given<Feedback>) -> Result<Constant> {
    let wanted = typed.map_or(Given::default(0.0), Given::from);
    real(&wanted, "rule", "weight_decay")?;
    if wanted.value == 0.0 {
        if feedback.value == Feedback::KolenPollack {
            return Err(Refusal::new("decay-missing", 
                "Kolen-Pollack weights align by decay: without it the two ways keep their first difference for ever",
                "add `weight_decay`, such as `weight_decay = 0.0001`, under [rule]",
            )
            .at(feedback.at.clone(), "needs `weight_decay`"));
        }
        return Ok(Constant::nearest(0.0, Format::unsigned(1, 0)));
    }
    let format = format.map_or(Given::default(finest(wanted.value, false, 8)), Given::from);
    constant(wanted, format, "decay", "weight_decay")
}

fn modes(rounding: Option<Rounding>, overflow: Option<Overflow>) -> Modes {
    Modes { rounding: rounding.unwrap_or(Rounding::Rnd), overflow: overflow.unwrap_or(Overflow::Sat) }
}

fn layers_of(layers: Given<Vec<Spanned<i64>>>) -> Result<Network> {
    let count = layers.value.len();
    if !(2..=MOST_LAYERS).contains(&count) {
        return Err(Refusal::new("layers-too-many-or-few", 
            format!("a network of {count} layers cannot be built"),
            format!(
                "write 2 to {MOST_LAYERS} sizes, from the input to the output, such as `layers = [64, 64, 10]`"
            ),
        )
        .at(layers.at, format!("2 to {MOST_LAYERS} layers")));
    }
    let size = |typed: Spanned<i64>| -> Result<usize> {
        let given = Given::from(typed);
        match usize::try_from(given.value) {
            Ok(n) if (1..=MOST_NEURONS).contains(&n) => Ok(n),
            _ => Err(Refusal::new(
                "layer-too-wide",
                format!("a layer of {} neurons cannot be built", given.value),
                format!("write 1 to {MOST_NEURONS} neurons"),
            )
            .at(given.at, format!("1 to {MOST_NEURONS} neurons"))),
        }
    };
    let at = layers.at;
    let sizes: Vec<usize> = layers.value.into_iter().map(size).collect::<Result<_>>()?;
    match sizes.last() {
        Some(&classes) if classes > MOST_CLASSES => Err(Refusal::new(
            "outputs-too-many",
            format!("{classes} outputs cannot be built: a result has {LABEL_WIDTH} bits for the label"),
            format!("end `layers` with at most {MOST_CLASSES}"),
        )
        .at(at, format!("at most {MOST_CLASSES} outputs"))),
        _ => Ok(Network::dense(&sizes)),
    }
}

/// The time step, as the dynamics want it.
fn time_step(
    dt: Option<Given<f64>>,
    dynamics: &Given<Dynamics>,
    network_at: &Span,
    step: At<TypedFormat>,
) -> Result<Constant> {
    let step: Option<Given<Format>> = step.map(Given::from);
    if dynamics.value == Dynamics::Prototypical {
        let leaky = "or choose `dynamics = \"leaky\"`, which have a time step";
        if let Some(dt) = dt {
            let message = "prototypical dynamics have no time step";
            return Err(Refusal::new("dt-not-used", message, format!("remove `dt`, {leaky}"))
                .at(dt.at, "not used")
                .also(dynamics.at.clone(), "these dynamics"));
        }
        if let Some(step) = step {
            let message = "`step` holds the time step, which prototypical dynamics do not have";
            return Err(Refusal::new("step-not-used", message, format!("remove `step`, {leaky}"))
                .at(step.at, "not used"));
        }
        return Ok(Constant::nearest(1.0, Format::unsigned(1, 0)));
    }
    let Some(dt) = dt else {
        let at = dynamics.at.clone().or(network_at.clone());
        return Err(Refusal::new(
            "dt-missing",
            "these dynamics need a time step",
            "add `dt`, above 0 and at most 1, such as `dt = 0.25`, under [network]",
        )
        .at(at, "needs `dt`"));
    };
    let range = range("network", "dt");
    if !range.has(dt.value) {
        return Err(Refusal::new(
            "dt-out-of-range",
            format!("{} is no possible `dt`: the states would not settle", dt.value),
            format!("write a number {range}, such as `dt = 0.25`"),
        )
        .at(dt.at, range.bounds()));
    }
    let step = step.unwrap_or(Given::default(Format::unsigned(8, 8)));
    not_below_zero(&step, "step", "u8.8")?;
    constant(dt, step, "step", "dt")
}

fn source(data: Data, data_at: &Span, layers: &Network, layers_at: &Span) -> Result<DataSource> {
    let source = required(data.source, "data", "source", data_at)?;
    let path = data.path.map(Given::from);
    if source.value == Source::Digits {
        if let Some(path) = path {
            return Err(Refusal::new(
                "path-not-used",
                "the digits are built in: they have no path",
                "remove `path`, or write `source = \"idx\"`",
            )
            .at(path.at, "not used"));
        }
        let (first, last) = (layers.inputs(), layers.outputs());
        if (first, last) != (64, 10) {
            return Err(Refusal::new(
                "layers-not-of-the-data",
                format!(
                    "the digits have 64 pixels and 10 classes, the network {first} inputs and {last} outputs"
                ),
                "begin `layers` with 64 and end it with 10, such as `layers = [64, 64, 10]`",
            )
            .at(layers_at.clone(), "64 inputs, 10 outputs")
            .also(source.at, "these data"));
        }
        return Ok(DataSource::Digits);
    }
    let path: Given<String> = path.ok_or_else(|| missing("data", "path", source.at.clone()))?;
    if path.value.is_empty() {
        return Err(Refusal::new(
            "path-empty",
            "`path` is empty",
            format!("`path` is {}", key_meaning("data", "path")),
        )
        .at(path.at, "empty"));
    }
    let path = PathBuf::from(path.value);
    Ok(if source.value == Source::Idx { DataSource::Idx(path) } else { DataSource::Npz(path) })
}
