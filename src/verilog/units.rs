//! Neuron units: one per distinct set of formats and constants, shared by the layers that have them.

use super::{ANGLE_FILE, EXPONENTIAL_FILE, RECIPROCAL_FILE, table_file};
use crate::design::{Activation, Constant, Design, Dynamics, NeuronMath, Neurons, NudgePlace, Order, Tables};
use crate::fixed_point::ComplexSoftmax;
use crate::fixed_point::softmax::PROBABILITY_FRAC;
use crate::network::PartName;
use crate::schedule::{NeuronStages, bits};

/// A neuron unit of the core, as the template needs it.
pub struct Unit {
    /// Suffix of its signals: its first layer.
    pub id: usize,
    /// What it is, for people.
    pub comment: String,
    /// Its state is looked at: not that of a softmax read-out.
    pub state_used: bool,
    /// Serves the output layer.
    pub output: bool,
    /// Width of its drive.
    pub drive_width: u32,
    /// Width of its state.
    pub state_width: u32,
    /// Verilog parameters.
    pub parameters: String,
    /// Present state, as it enters.
    pub state_in: String,
    /// New state on the core's common width.
    pub state_out: String,
    /// Drive on the core's common width.
    pub drive_out: String,
    /// Case labels.
    pub cases: String,
    /// Table from state to activity, for energy-based dynamics.
    pub activity_file: String,
    /// Activity from that table on the core's common width.
    pub activity_out: String,
    /// Imaginary parts of the new state and of the drive, likewise.
    pub imaginary_out: String,
    pub imaginary_drive_out: String,
}

/// Width of the number of a rate set; none where the learning rates never fall.
pub fn rates_width(design: &Design) -> u32 {
    match design.milestones.sets() {
        1 => 0,
        sets => bits(sets - 1),
    }
}

/// Common width of states in the core: two's complement.
pub fn common_state_width(design: &Design) -> u32 {
    design.record().part(PartName::State).map_or(1, |state| state.width)
}

/// Common width of drives in the core: two's complement.
pub fn common_drive_width(design: &Design) -> u32 {
    design.neurons.iter().map(|n| n.drive.width + u32::from(!n.drive.signed)).max().unwrap_or(1)
}

/// The units of a design.
pub fn of(design: &Design, layer_width: u32) -> Vec<Unit> {
    let unit = |layers: Vec<usize>| unit(design, layers, layer_width);
    layers_of_units(design).into_iter().map(unit).collect()
}

/// The first layer of each unit: what the unit is called after.
pub(super) fn first_layers(design: &Design) -> Vec<usize> {
    layers_of_units(design).into_iter().map(|layers| layers[0]).collect()
}

/// The layers that each unit serves: those of the same formats and constants.
fn layers_of_units(design: &Design) -> Vec<Vec<usize>> {
    let mut classes: Vec<((Neurons, NeuronMath, bool), Vec<usize>)> = Vec::new();
    for l in design.network.layers() {
        let class = (design.neurons[l - 1], design.datapath.neuron[l - 1], design.is_softmax(l));
        match classes.iter_mut().find(|(c, _)| *c == class) {
            Some((_, layers)) => layers.push(l),
            None => classes.push((class, vec![l])),
        }
    }
    classes.into_iter().map(|(_, layers)| layers).collect()
}

fn unit(design: &Design, layers: Vec<usize>, layer_width: u32) -> Unit {
    let id = layers[0];
    let (n, m) = (design.neurons[id - 1], design.datapath.neuron[id - 1]);
    let (sw, dw) = (common_state_width(design), common_drive_width(design));
    let tables = Tables::of(design, id);
    let table = match (&tables.rho_of_drive, &tables.slope_of_state) {
        (Some(_), _) => table_file("rho", id),
        (_, Some(_)) => table_file("slope", id),
        _ => "none".to_owned(),
    };
    let rests = design.order == Order::EvenOdd;
    let all = match design.is_complex() {
        true => turned(design, id, &table),
        false => {
            [numbers_of(design, id), noise_of(design), sums_of(design, id), steps_of(design, id, &table)]
                .concat()
        }
    };
    let state_in = if n.state.width + 1 > sw {
        widen("state15", true, sw, n.state.width + 1)
    } else {
        format!("state15[{}:0]", n.state.width)
    };
    let activity = design.activity_format(id);
    let state = widen(&format!("state_{id}"), n.state.signed, n.state.width, sw);
    Unit {
        id,
        comment: format!(
            "Layer{} {}: drive {}, state {}.",
            if layers.len() > 1 { "s" } else { "" },
            layers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            n.drive,
            n.state
        ),
        state_used: !design.is_softmax(id) || rests,
        output: m.output,
        drive_width: n.drive.width,
        state_width: n.state.width,
        parameters: wrap(&all),
        state_in,
        // The states of a softmax read-out come from its own unit, and are 0 in the free phase.
        state_out: match (design.is_softmax(id), rests) {
            (false, _) => state,
            (true, false) => format!("{sw}'d0"),
            (true, true) => format!("new_rest ? {state} : {sw}'d0"),
        },
        drive_out: widen(&format!("drive_{id}"), n.drive.signed, n.drive.width, dw),
        cases: layers.iter().map(|l| format!("{layer_width}'d{l}")).collect::<Vec<_>>().join(", "),
        activity_file: table_file("activity", id),
        activity_out: widen(
            &format!("activity_{id}"),
            activity.signed,
            n.state.width,
            design.datapath.activity_width,
        ),
        imaginary_out: match design.is_softmax(id) {
            true => format!("{sw}'d0"),
            false => widen(&format!("imaginary_{id}"), true, n.state.width, sw),
        },
        imaginary_drive_out: widen(&format!("imaginary_drive_{id}"), true, n.drive.width, dw),
    }
}

/// Width of a nudge on a circle, in two's complement.
pub(super) fn beta_width(design: &Design) -> u32 {
    design.beta.format.width + 1
}

/// Parameters of a layer's unit where states are complex.
fn turned(design: &Design, id: usize, table: &str) -> Vec<(&'static str, String)> {
    let (n, m) = (design.neurons[id - 1], design.datapath.neuron[id - 1]);
    let file = |kind| format!("\"{}\"", table_file(kind, id));
    let mut all = vec![
        ("DriveWidth", n.drive.width.to_string()),
        ("DriveFrac", n.drive.frac.to_string()),
        ("StateWidth", n.state.width.to_string()),
        ("StateFrac", n.state.frac.to_string()),
        ("Output", u32::from(m.output).to_string()),
        ("BetaWidth", beta_width(design).to_string()),
        ("NudgeWidth", m.nudge_width.to_string()),
    ];
    all.extend(noise_of(design));
    all.extend(sums_of(design, id));
    all.extend([
        ("StateRounding", design.state_modes.rounding.code().to_string()),
        ("StateOverflow", design.state_modes.overflow.code().to_string()),
    ]);
    all.extend(match design.is_softmax(id) {
        true => vec![("Activates", "0".to_owned())],
        false => vec![
            ("TableFile", format!("\"{table}\"")),
            ("ExponentialFile", file("exponential")),
            ("TrigonometricFile", file("trigonometric")),
            ("ReciprocalFile", file("reciprocal")),
        ],
    });
    all
}

/// Parameters of a layer's unit: its formats, and the numbers it works with.
fn numbers_of(design: &Design, id: usize) -> Vec<(&'static str, String)> {
    let (n, m) = (design.neurons[id - 1], design.datapath.neuron[id - 1]);
    let inside = m.output && design.nudge_place == NudgePlace::Inside;
    let rests = design.order == Order::EvenOdd;
    let clip_end = match design.activation_of(id) {
        Activation::HardSigmoid => 1i64 << n.drive.frac.max(0),
        _ => 1i64 << (n.drive.frac + 1).max(0),
    };
    let signed_width = |c: &Constant| c.format.width + 1;
    vec![
        ("DriveWidth", n.drive.width.to_string()),
        ("DriveSigned", u32::from(n.drive.signed).to_string()),
        ("StateWidth", n.state.width.to_string()),
        ("StateSigned", u32::from(n.state.signed).to_string()),
        ("Output", u32::from(m.output).to_string()),
        ("Inside", u32::from(inside).to_string()),
        ("Rests", u32::from(rests).to_string()),
        ("Dynamics", (design.dynamics as u32).to_string()),
        ("Activation", (design.activation_of(id) as u32).to_string()),
        ("OneDrive", clip_end.to_string()),
        ("OneState", (1i64 << n.state.frac).to_string()),
        ("Beta", design.beta.raw.to_string()),
        ("BetaWidth", signed_width(&design.beta).to_string()),
        ("Dt", design.dt.raw.to_string()),
        ("DtWidth", signed_width(&design.dt).to_string()),
        ("NudgeWidth", m.nudge_width.to_string()),
    ]
}

/// Parameters of all units where there is noise.
fn noise_of(design: &Design) -> Vec<(&'static str, String)> {
    match design.datapath.noise_width {
        0 => Vec::new(),
        width => vec![("Noise", "1".to_owned()), ("NoiseWidth", width.to_string())],
    }
}

/// Parameters of a layer's unit, whatever its states: from the sum to the drive.
fn sums_of(design: &Design, id: usize) -> Vec<(&'static str, String)> {
    let (n, m) = (design.neurons[id - 1], design.datapath.neuron[id - 1]);
    let inside = m.output && design.nudge_place == NudgePlace::Inside;
    let nudge_frac = n.state.frac + design.beta.format.frac;
    vec![
        ("SumShift", (m.sum_frac - design.datapath.acc_frac).to_string()),
        ("SumNudgeShift", if inside { m.sum_frac - nudge_frac } else { 0 }.to_string()),
        ("SumWidth", m.sum_width.to_string()),
        ("DriveShift", (m.sum_frac - n.drive.frac).to_string()),
        ("DriveRounding", design.drive_modes.rounding.code().to_string()),
        ("DriveOverflow", design.drive_modes.overflow.code().to_string()),
    ]
}

/// Parameters of a layer's unit: how its signals are aligned, rounded and bounded, and in which stage.
fn steps_of(design: &Design, id: usize, table: &str) -> Vec<(&'static str, String)> {
    let (n, m) = (design.neurons[id - 1], design.datapath.neuron[id - 1]);
    let state_frac = n.state.frac;
    let nudge_frac = state_frac + design.beta.format.frac;
    let inside = m.output && design.nudge_place == NudgePlace::Inside;
    let outside = m.output && !inside;
    let stages = NeuronStages::of(design);
    let stepped = design.dynamics != Dynamics::Prototypical;
    let when = |c: bool, v: i32| if c { v } else { 0 };
    vec![
        ("FWidth", m.f_width.to_string()),
        ("FShift", (m.e_frac - m.f_frac).to_string()),
        ("NudgeShift", when(outside, m.e_frac - nudge_frac).to_string()),
        ("StateShift", when(stepped, m.e_frac - state_frac).to_string()),
        ("EWidth", m.e_width.to_string()),
        ("XStateShift", when(stepped, m.x_frac - state_frac).to_string()),
        ("XWidth", m.x_width.to_string()),
        ("XShift", (m.x_frac - state_frac).to_string()),
        ("StateRounding", design.state_modes.rounding.code().to_string()),
        ("StateOverflow", design.state_modes.overflow.code().to_string()),
        ("DriveStage", stages.drive.to_string()),
        ("ActivationCycles", stages.activation_cycles.to_string()),
        ("ErrorCycles", stages.error_cycles.to_string()),
        ("TableFile", format!("\"{table}\"")),
    ]
}

/// A signal of `from` bits on the `to` bits of the core's two's complement.
pub fn widen(name: &str, signed: bool, from: u32, to: u32) -> String {
    if from == to {
        name.to_owned()
    } else if signed {
        format!("{{{{{}{{{name}[{}]}}}}, {name}}}", to - from, from - 1)
    } else {
        format!("{{{}'d0, {name}}}", to - from)
    }
}

/// Parameters of the unit of a softmax read-out.
pub fn pull_parameters(design: &Design) -> String {
    let drive = design.neurons[design.output_layer() - 1].drive;
    let own = [("DriveSigned", u32::from(drive.signed).to_string()), ("Beta", design.beta.raw.to_string())];
    wrap(&[pulls_of(design), own.to_vec()].concat())
}

/// Parameters of the unit of a softmax read-out of complex drives.
pub fn turned_pull_parameters(design: &Design) -> String {
    let tables = ComplexSoftmax::of(design.neurons[design.output_layer() - 1].drive);
    let own = [
        ("AngleWidth", tables.angle_bits().to_string()),
        ("GreatestAngle", tables.greatest_angle.to_string()),
        ("AngleFile", format!("\"{ANGLE_FILE}\"")),
    ];
    wrap(&[pulls_of(design), own.to_vec()].concat())
}

/// Parameters of either.
fn pulls_of(design: &Design) -> Vec<(&'static str, String)> {
    let n = design.neurons[design.output_layer() - 1];
    let shift = PROBABILITY_FRAC + design.beta.format.frac - n.state.frac;
    vec![
        ("Outputs", design.classes().to_string()),
        ("DriveWidth", n.drive.width.to_string()),
        ("SumWidth", (16 + bits(design.classes())).to_string()),
        ("StateWidth", n.state.width.to_string()),
        ("BetaWidth", beta_width(design).to_string()),
        ("PullShift", shift.to_string()),
        ("StateRounding", design.state_modes.rounding.code().to_string()),
        ("StateOverflow", design.state_modes.overflow.code().to_string()),
        ("ExponentialFile", format!("\"{EXPONENTIAL_FILE}\"")),
        ("ReciprocalFile", format!("\"{RECIPROCAL_FILE}\"")),
    ]
}

/// Joins parameters into lines of readable length.
fn wrap(parameters: &[(&'static str, String)]) -> String {
    let parameters: Vec<String> = parameters.iter().map(|(k, v)| format!(".{k}({v})")).collect();
    let mut lines = vec![String::new()];
    for (i, p) in parameters.iter().enumerate() {
        let piece = if i + 1 < parameters.len() { format!("{p}, ") } else { p.clone() };
        if lines[lines.len() - 1].len() + piece.len() > 104 {
            lines.push(String::new());
        }
        let last = lines.len() - 1;
        lines[last].push_str(&piece);
    }
    lines.iter().map(|l| l.trim_end()).collect::<Vec<_>>().join("\n    ")
}
