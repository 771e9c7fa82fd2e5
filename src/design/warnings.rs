//! Designs that can be built but will hardly do what was meant.

use super::{Constant, Design, NudgePlace, Readout};
use crate::fixed_point::Rounding;

/// How far a constant may be from what was asked for.
const TOLERANCE: f64 = 0.05;

/// What a designer should know before training, one sentence each; empty for a sound design.
pub fn warnings(design: &Design) -> Vec<String> {
    let mut found = Vec::new();
    constants(design, &mut found);
    for l in 1..=design.output_layer() {
        vanishing_updates(design, l, &mut found);
        let s = &design.synapses[l - 1];
        for (what, format) in [("weight", s.weight), ("bias", s.bias)] {
            let bound = format.to_real(format.max_raw());
            if s.init > bound + format.to_real(1) {
                found.push(format!(
                    "synapse layer {l}: initial values reach {:.4}, but {what} {format} ends at {bound:.4}; use fewer fraction bits or a smaller initial_scale",
                    s.init
                ));
            }
        }
    }
    if let Some(late) = design.milestones.epochs().iter().find(|&&m| m >= design.epochs) {
        found.push(format!(
            "the learning rates never fall after epoch {late}: the training has {} epochs; raise epochs or remove the milestone",
            design.epochs
        ));
    }
    let output = design.neurons[design.output_layer() - 1].state;
    if design.readout == Readout::Squared
        && design.nudge_place == NudgePlace::Outside
        && output.min_raw() == 0
    {
        found.push(format!(
            "the output state {output} cannot go below 0, where an outside nudge sends it; use a signed format such as s{}.{}",
            output.width + 2,
            output.frac
        ));
    }
    found
}

fn constants(design: &Design, found: &mut Vec<String>) {
    let mut check = |what: String, key: &str, c: &Constant| {
        let (wanted, effective) = (c.wanted, c.effective());
        if is_off(c) {
            found.push(format!(
                "{what} becomes {effective:.6} in {}, {:.0} % off the wanted {wanted:.6}; give the format `{key}` more fraction bits",
                c.format,
                100.0 * (effective / wanted - 1.0).abs()
            ));
        }
    };
    check("beta".into(), "nudge", &design.beta);
    check("dt".into(), "step", &design.dt);
    if design.weight_decay.raw != 0 {
        check("weight_decay".into(), "decay", &design.weight_decay);
    }
    for l in 1..=design.output_layer() {
        // One rate set says enough of a format.
        let set = (0..design.milestones.sets()).find(|&set| is_off(&design.rate(l, set))).unwrap_or(0);
        check(
            format!("synapse layer {l}: the rate (what a contrast counts){}", of_set(set)),
            "rate",
            &design.rate(l, set),
        );
    }
}

/// A constant that is far from what was asked for.
fn is_off(c: &Constant) -> bool {
    (c.effective() - c.wanted).abs() > TOLERANCE * c.wanted.abs()
}

/// When a rate set applies, for people.
fn of_set(set: usize) -> String {
    if set == 0 { String::new() } else { format!(" after milestone {set}") }
}

/// Updates that vanish even for the largest contrast, `1 * 1 - 0` at every place, of every sample of a batch.
fn vanishing_updates(design: &Design, l: usize, found: &mut Vec<String>) {
    let rounding = design.weight_modes.rounding;
    if rounding == Rounding::Stochastic {
        return; // every update has a chance
    }
    if let Some(m) = design.momentum.filter(|m| m.finer > 0) {
        if l == 1 {
            found.push(format!(
                "a velocity's step is {} times as fine as its weight's, and under this rounding a velocity below half the weight's step never moves it; round weights STOCHASTIC, as momentum does where nothing is said",
                1u64 << m.finer
            ));
        }
        return;
    }
    let path = &design.datapath;
    let one = 1i64 << path.activity_frac;
    let largest = |l: usize| (design.activity_format(l).max_raw() << path.activity_shift[l]).min(one);
    let synapse = &design.synapses[l - 1];
    let uses = i64::from(design.batch) * design.network.connection(l).active_positions() as i64;
    let cases = [("weight", synapse.weight, false, largest(l - 1)), ("bias", synapse.bias, true, one)];
    for (what, format, is_bias, pre) in cases {
        let lost = path.rates.iter().enumerate().find_map(|(set, rates)| {
            let update = rates.of(l, is_bias) * largest(l) * pre * uses;
            let moved = |v: i64| rounding.apply(v, path.update_shift, 0) != 0;
            match (moved(update), moved(-update)) {
                (true, true) => None,
                (false, false) => Some((set, "no update ever moves")),
                _ => Some((set, "updates of one sign are lost and the others drag down or up")),
            }
        });
        let Some((set, lost)) = lost else { continue };
        found.push(format!(
            "synapse layer {l}{}: {lost} a {what}: the largest is {:.3} of the step of {format} under this rounding; raise learning_rates, give {what} more fraction bits, or round STOCHASTIC",
            of_set(set),
            design.rate(l, set).effective() * uses as f64 * 2f64.powi(format.frac)
        ));
    }
}
