//! What a design file means: every value judged at its own place, defaults filled in, widths derived.

use super::choices::Choices;
use super::circle::{Typed, analytic, applied_at_once, circle, complex};
use super::formats::{activity, constant, format, formats, inputs, not_below_zero, pull, table};
use super::given::{Given, Result, Span, optional, positive, real, required, section, whole};
use super::keys::{meaning as key_meaning, missing};
use super::layers;
use super::momentum::momentum;
use super::preparation::preparation;
use super::ranges::range;
use super::rule::{angle, batch, nudge, weight_decay};
use super::synapses::{Falling, Typed as TypedSynapses, learning_rates, synapses_of};
use super::typed::{At, Data, File, Formats, NoiseTable, OneOrMany, RuleTable, Source, TypedFormat};
use crate::design::diagnostics::Refusal;
use crate::design::limits::WINDOW_WIDTH;
use crate::design::name;
use crate::design::{
    Activation, Constant, DataSource, Datapath, Design, Dynamics, Modes, Neurons, NudgePlace, Order, Readout,
    Rule,
};
use crate::fixed_point::{Format, Overflow, Rounding};
use crate::network::{Network, Pool, Shape};
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
    let (noise, _) = optional::<NoiseTable>(file.noise);
    let (mut data, data_at) = section(file.data, "data", "source")?;
    let places = places(&typed_formats, &rule);

    // The network.
    let mut choices = Choices::of(&network, &rule, &rule_at)?;
    let name = name_of(network.name.map(Given::from), path)?;
    let layers = required(network.layers, "network", "layers", &network_at)?;
    let layers_at = layers.at.clone();
    let layers = layers::network(layers)?;
    let activation = required(network.activation, "network", "activation", &network_at)?;
    let order = network.order.map_or_else(|| Given::default(usual_order(&layers)), Given::from);
    let scale = network.initial_scale.map_or(Given::default(1.0), Given::from);
    let scale = positive(&scale, "network", "initial_scale")?;
    if choices.rule.value == Rule::HolomorphicEp {
        analytic(&choices, &activation, &order, (&layers, &layers_at))?;
    }
    let accumulate_at = span_of(&rule.accumulate);
    let typed_circle = Typed { points: rule.points, periods: rule.periods, accumulate: rule.accumulate };
    let circle = circle(typed_circle, &mut choices, &rule_at)?;
    let dt = time_step(network.dt.map(Given::from), &choices.dynamics, &network_at, typed_formats.step)?;

    // The rule.
    let steps = |typed, key| -> Result<u32> {
        let given = required(typed, "rule", key, &rule_at)?;
        Ok(whole(&given, "rule", key)? as u32)
    };
    let angle = angle(rule.angle.map(Given::from), &choices.feedback)?;
    let batch_at = span_of(&rule.batch);
    let batch = batch(rule.batch.map(Given::from), &choices.rule, &choices.feedback)?;
    applied_at_once(circle, batch > 1, &accumulate_at, "a batch", batch_at)?;
    let weight_decay = weight_decay(rule.weight_decay, typed_formats.decay, &choices.feedback)?;
    let free_steps = steps(rule.free_steps, "T")?;
    let nudged_steps = steps(rule.nudged_steps, "K")?;
    let beta = required(rule.beta, "rule", "beta", &rule_at)?;
    let beta = nudge(beta, typed_formats.nudge)?;
    let rates = rule.learning_rates.ok_or_else(|| missing("rule", "learning_rates", rule_at.clone()))?;
    let rates = learning_rates(rates, layers.depth())?;

    let noise = noise.sigma.map_or(Given::default(0.0), Given::from);
    real(&noise, "noise", "sigma")?;

    // Number formats.
    let input = format(typed_formats.input, Format::unsigned(8, 8));
    let preparation = preparation(&mut data, layers.shape(0))?;
    inputs(&input, choices.dynamics.value, &preparation)?;
    let neurons = neurons_of(
        (typed_formats.state, typed_formats.drive),
        layers.depth(),
        &choices,
        (activation.value, circle.is_some()),
        beta,
    )?;
    let falling = Falling::of(training.rate_milestones, training.rate_gamma, &training_at)?;
    // Mean over a batch, over the distance of the nudges.
    let points = circle.map_or(1, |c| c.points * c.periods.unwrap_or(1));
    let divisor = batch * points * if choices.rule.value == Rule::SymmetricEp { 2 } else { 1 };
    let counts = circle.map_or(1, |c| c.visited().map(|(_, counts)| counts).max().unwrap_or(1));
    let typed = TypedSynapses {
        weight: typed_formats.weight,
        weight_read: typed_formats.weight_read,
        bias: typed_formats.bias,
        rate: typed_formats.rate,
    };
    let synapses = synapses_of(typed, &layers, &rates, scale, (divisor, beta.wanted, counts), falling)?;

    let momentum_at = span_of(&training.momentum);
    let momentum = momentum(
        training.momentum.map(Given::from),
        typed_formats.velocity,
        &synapses,
        (&choices.rule, &choices.feedback),
    )?;
    applied_at_once(circle, momentum.is_some(), &accumulate_at, "momentum", momentum_at)?;

    // The rest.
    let skip_still = hardware.skip_still.unwrap_or(true);
    let lanes = lanes(hardware.lanes)?;
    let number = |typed: At<i64>, key, default: i64| {
        whole(&typed.map_or(Given::default(default), Given::from), "training", key)
    };
    let samples = |typed: At<i64>, key| -> Result<Option<usize>> {
        typed.map(|t| Ok(whole(&t.into(), "training", key)? as usize)).transpose()
    };
    let design = Design {
        name,
        path: path.to_owned(),
        data: source(data, &data_at, &layers, &layers_at)?,
        network: layers,
        preparation,
        input: input.value,
        neurons,
        synapses,
        dynamics: choices.dynamics.value,
        order: order.value,
        readout: choices.readout.value,
        nudge_place: choices.nudge.value,
        activation: activation.value,
        dt,
        rule: choices.rule.value,
        circle,
        nudge_sign: choices.sign.value,
        feedback: choices.feedback.value,
        angle,
        weight_decay,
        batch,
        momentum,
        free_steps,
        nudged_steps,
        beta,
        noise: noise.value,
        drive_modes: modes(rounding.drive, overflow.drive),
        state_modes: modes(rounding.state, overflow.state),
        // A velocity's step is finer than its weight's: to nearest, a small one would never move it.
        weight_modes: modes(rounding.weight.or(momentum.map(|_| Rounding::Stochastic)), overflow.weight),
        lanes,
        skip_still,
        seed: number(training.seed, "seed", 1)? as u32,
        train_samples: samples(training.train_samples, "train_samples")?,
        test_samples: samples(training.test_samples, "test_samples")?,
        epochs: number(training.epochs, "epochs", 10)? as u32,
        milestones: falling.milestones,
        rate_gamma: falling.gamma,
        datapath: Datapath::default(),
    };
    let design = buildable(design, &places, formats_at, layers_at)?;
    noticed(&design, noise.at)?;
    Ok(design)
}

/// Keys at which a signal that does not fit can be mended, and where each was typed.
type Places = [((&'static str, &'static str), Span); 9];

fn places(formats: &Formats, rule: &RuleTable) -> Places {
    [
        (("formats", "state"), span_of(&formats.state)),
        (("formats", "weight"), span_of(&formats.weight)),
        (("formats", "weight_read"), span_of(&formats.weight_read)),
        (("formats", "bias"), span_of(&formats.bias)),
        (("formats", "drive"), span_of(&formats.drive)),
        (("formats", "rate"), span_of(&formats.rate)),
        (("formats", "decay"), span_of(&formats.decay)),
        (("formats", "velocity"), span_of(&formats.velocity)),
        (("rule", "batch"), span_of(&rule.batch)),
    ]
}

/// The design with the widths of its datapath, or the refusal of what cannot be built.
fn buildable(mut design: Design, places: &Places, formats_at: Span, layers_at: Span) -> Result<Design> {
    let window = crate::schedule::Layout::of(&design).window_width();
    if window > WINDOW_WIDTH {
        return Err(Refusal::new("weights-beyond-bus", 
            format!("these weights take {window} bits of address, 4 bytes each; the bus has {WINDOW_WIDTH} for them"),
            "choose smaller layers, or fewer lanes where most of a layer's last chunk has no neuron",
        )
        .at(layers_at, "too many weights"));
    }
    design.datapath = Datapath::derive(&design).map_err(|misfit| {
        let typed = places.iter().find(|(key, _)| *key == misfit.key()).and_then(|(_, at)| at.clone());
        let refusal = Refusal::new(misfit.name(), misfit.to_string(), misfit.remedy());
        match typed {
            Some(at) => refusal.at(Some(at), "with the other formats"),
            None => refusal.at(formats_at.or(layers_at), "these formats together"),
        }
    })?;
    Ok(design)
}

/// Refuses noise that every drive's grid rounds away.
fn noticed(design: &Design, noise_at: Span) -> Result<()> {
    if design.gaussian().is_none_or(|noise| noise.greatest() > 0) {
        return Ok(());
    }
    let step = 2f64.powi(-design.datapath.acc_frac);
    Err(Refusal::new(
        "noise-below-grid",
        format!("noise of {} vanishes: the sums that it comes upon have steps of {step}", design.noise),
        "write a larger `sigma`, or weights and states with more fraction bits",
    )
    .at(noise_at, "nothing is left of it"))
}

/// The order of an unsaid one: pooled layers keep the place of a maximum, and in even/odd order it is never a step old.
fn usual_order(network: &Network) -> Order {
    let pooled = network.connections().any(|(_, connection)| connection.pool() != Pool::None);
    if pooled { Order::EvenOdd } else { Order::Synchronous }
}

/// Formats of every layer's neurons.
fn neurons_of(
    (state, drive): (At<OneOrMany<TypedFormat>>, At<OneOrMany<TypedFormat>>),
    count: usize,
    choices: &Choices,
    (activation, is_complex): (Activation, bool),
    beta: Constant,
) -> Result<Vec<Neurons>> {
    let softmax = choices.readout.value == Readout::Softmax;
    let outside = choices.nudge.value == NudgePlace::Outside;
    let states = formats(state, count, "state", |l| match l + 1 == count && (outside || softmax) {
        true => Format::signed(10, 8),
        false if is_complex => Format::signed(12, 10),
        false => Format::unsigned(8, 8),
    })?;
    let drives = formats(drive, count, "drive", |_| Format::signed(10, 7))?;
    let mut neurons = Vec::new();
    for (state, drive) in states.iter().zip(&drives) {
        if softmax && neurons.len() + 1 == count {
            pull(state, drive, beta.wanted)?;
        } else {
            activity(state, "state")?;
            not_below_zero(drive, "drive", "s10.7")?;
            table(activation, choices.dynamics.value, state, drive)?;
        }
        if is_complex {
            complex(state, drive, softmax && neurons.len() + 1 == count)?;
        }
        neurons.push(Neurons { state: state.value, drive: drive.value });
    }
    Ok(neurons)
}

/// P, a power of two.
fn lanes(typed: At<i64>) -> Result<usize> {
    let lanes = typed.map_or(Given::default(16), Given::from);
    let asked = whole(&lanes, "hardware", "lanes")? as usize;
    if asked.is_power_of_two() {
        return Ok(asked);
    }
    let above = asked.next_power_of_two();
    Err(Refusal::new(
        "lanes-no-power-of-two",
        format!("{asked} lanes cannot be built: neuron numbers are split into chunk and lane by their bits"),
        format!("write a power of two, {} or {above}", above / 2),
    )
    .at(lanes.at, "not a power of two"))
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

fn modes(rounding: Option<Rounding>, overflow: Option<Overflow>) -> Modes {
    Modes { rounding: rounding.unwrap_or(Rounding::Rnd), overflow: overflow.unwrap_or(Overflow::Sat) }
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
        of_the_data(&DIGITS, layers, layers_at, &source.at)?;
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
    if let Some(images) = &KNOWN.iter().find(|known| known.source == source.value) {
        of_the_data(images, layers, layers_at, &source.at)?;
    }
    let path = PathBuf::from(path.value);
    Ok(match source.value {
        Source::Digits => DataSource::Digits,
        Source::Idx => DataSource::Idx(path),
        Source::Cifar10 => DataSource::Cifar10(path),
        Source::Cifar100 => DataSource::Cifar100(path),
        Source::Imagenet32 => DataSource::Imagenet32(path),
        Source::Npz => DataSource::Npz(path),
    })
}

/// A data set whose images are always the same.
struct Images {
    source: Source,
    name: &'static str,
    shape: Shape,
    classes: usize,
    /// Layers that would do.
    example: &'static str,
}

const DIGITS: Images = Images {
    source: Source::Digits,
    name: "the digits",
    shape: Shape { rows: 8, columns: 8, channels: 1 },
    classes: 10,
    example: "[64, 64, 10]",
};

const COLOURED: Shape = Shape { rows: 32, columns: 32, channels: 3 };

/// Those that come in files.
const KNOWN: [Images; 3] = [
    Images {
        source: Source::Cifar10,
        name: "CIFAR-10's images",
        shape: COLOURED,
        classes: 10,
        example: "[3072, 64, 10]",
    },
    Images {
        source: Source::Cifar100,
        name: "CIFAR-100's images",
        shape: COLOURED,
        classes: 100,
        example: "[3072, 64, 100]",
    },
    Images {
        source: Source::Imagenet32,
        name: "downsampled ImageNet's images",
        shape: COLOURED,
        classes: 1000,
        example: "[3072, 64, 1000]",
    },
];

/// Refuses a network that is not of the shape of its images and the number of their classes.
fn of_the_data(images: &Images, layers: &Network, layers_at: &Span, source_at: &Span) -> Result<()> {
    let (image, values) = (images.shape, images.shape.neurons());
    let (first, last) = (layers.shape(0), layers.outputs());
    if [image, Shape::flat(values)].contains(&first) && last == images.classes {
        return Ok(());
    }
    let Images { name, classes, example, .. } = images;
    Err(Refusal::new(
        "layers-not-of-the-data",
        format!(
            "{name} have {values} values ({image}) and {classes} classes, the network {first} inputs and {last} outputs"
        ),
        format!(
            "begin `layers` with {values} (\"{image}\" before a kernel) and end it with {classes}, such as `layers = {example}`"
        ),
    )
    .at(layers_at.clone(), format!("{values} inputs, {classes} outputs"))
    .also(source_at.clone(), "these data"))
}
